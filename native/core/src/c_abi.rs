//! The one C ABI that both doors use: Node's shell and WebAssembly. Lengths come with every pointer where they vary;
//! a null pointer is allowed only with length 0. A function that can fail returns a status, 0 for success.

use crate::ml_dsa::{self, SignError};
use crate::seal::{self, OpenError};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::{ptr, slice};

pub const OK: i32 = 0;
pub const ARGUMENT: i32 = -1;
pub const AUTHENTICATION: i32 = -2;
pub const SIZE: i32 = -3;
pub const HASH: i32 = -4;
pub const COMPRESSION: i32 = -5;
pub const KEY: i32 = -6;
/// A library call that never fails on checked input did.
pub const FAILED: i32 = -7;

/// Version of this ABI: a shell refuses a core of another one.
#[unsafe(no_mangle)]
pub extern "C" fn mx_abi_version() -> u32 {
    1
}

/// Bytes that the core allocated and the caller frees with `mx_buffer_free`.
#[repr(C)]
pub struct MxBuffer {
    data: *mut u8,
    length: usize,
    capacity: usize,
}

impl MxBuffer {
    /// What `mx_seal` fills; freeing it is harmless.
    pub const fn empty() -> Self {
        Self {
            data: ptr::null_mut(),
            length: 0,
            capacity: 0,
        }
    }

    /// The bytes in it.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: either empty, or the parts of a Vec that this buffer owns until it is freed, which nulls it.
        unsafe { view(self.data, self.length) }
    }
}

/// A panic must not cross into C: it becomes a failure (in WebAssembly it is a trap, which JS sees).
fn guarded(run: impl FnOnce() -> i32) -> i32 {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or(FAILED)
}

/// # Safety
/// `data` is valid for reads of `length` bytes that nobody writes meanwhile, or `length` is 0.
unsafe fn view<'a>(data: *const u8, length: usize) -> &'a [u8] {
    if length == 0 || data.is_null() {
        return &[];
    }
    // SAFETY: the caller's promise; the pointer is not null.
    unsafe { slice::from_raw_parts(data, length) }
}

/// # Safety
/// `data` is valid for writes of `length` bytes that nobody else touches meanwhile, or `length` is 0.
unsafe fn view_mut<'a>(data: *mut u8, length: usize) -> &'a mut [u8] {
    if length == 0 || data.is_null() {
        return &mut [];
    }
    // SAFETY: the caller's promise; the pointer is not null.
    unsafe { slice::from_raw_parts_mut(data, length) }
}

/// # Safety
/// `data` is null or valid for reads of N bytes that nobody writes meanwhile.
unsafe fn array<'a, const N: usize>(data: *const u8) -> Option<&'a [u8; N]> {
    // SAFETY: the caller's promise; bytes have no alignment.
    unsafe { data.cast::<[u8; N]>().as_ref() }
}

/// # Safety
/// `data` is null or valid for writes of N bytes that nobody else touches meanwhile.
unsafe fn array_mut<'a, const N: usize>(data: *mut u8) -> Option<&'a mut [u8; N]> {
    // SAFETY: the caller's promise; bytes have no alignment.
    unsafe { data.cast::<[u8; N]>().as_mut() }
}

/// # Safety
/// `data` is readable for `length` bytes, `out` is null or writable for 32, apart from each other.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_blake3(data: *const u8, length: usize, out: *mut u8) -> i32 {
    // SAFETY: the caller's promise.
    let (data, out) = unsafe { (view(data, length), array_mut::<32>(out)) };
    guarded(|| {
        let Some(out) = out else { return ARGUMENT };
        *out = *blake3::hash(data).as_bytes();
        OK
    })
}

/// Mode 0 plain, 1 keyed (`key` of 32 bytes), 2 derive-key (`key` is the UTF-8 context).
fn hasher_of(mode: u32, key: &[u8]) -> Option<blake3::Hasher> {
    match mode {
        0 => Some(blake3::Hasher::new()),
        1 => key.try_into().ok().map(blake3::Hasher::new_keyed),
        2 => std::str::from_utf8(key)
            .ok()
            .map(blake3::Hasher::new_derive_key),
        _ => None,
    }
}

/// Any mode and any length of output in one call; modes as in `mx_hasher_new`.
///
/// # Safety
/// `key` and `data` are readable for their lengths, `out` is writable for `out_length` bytes, apart from both.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_blake3_mode(
    mode: u32,
    key: *const u8,
    key_length: usize,
    data: *const u8,
    length: usize,
    out: *mut u8,
    out_length: usize,
) -> i32 {
    // SAFETY: the caller's promise.
    let (key, data, out) = unsafe {
        (
            view(key, key_length),
            view(data, length),
            view_mut(out, out_length),
        )
    };
    guarded(|| match hasher_of(mode, key) {
        Some(mut hasher) => {
            hasher.update(data).finalize_xof().fill(out);
            OK
        }
        None => ARGUMENT,
    })
}

/// A hasher: mode 0 plain, 1 keyed (`key` of 32 bytes), 2 derive-key (`key` is the UTF-8 context). Null when the
/// arguments do not fit. Freed with `mx_hasher_free`.
///
/// # Safety
/// `key` is readable for `key_length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_hasher_new(
    mode: u32,
    key: *const u8,
    key_length: usize,
) -> *mut blake3::Hasher {
    // SAFETY: the caller's promise.
    let key = unsafe { view(key, key_length) };
    let hasher = catch_unwind(|| hasher_of(mode, key));
    match hasher {
        Ok(Some(hasher)) => Box::into_raw(Box::new(hasher)),
        _ => ptr::null_mut(),
    }
}

/// # Safety
/// `hasher` is null or came from `mx_hasher_new` and was not freed; `data` is readable for `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_hasher_update(
    hasher: *mut blake3::Hasher,
    data: *const u8,
    length: usize,
) -> i32 {
    // SAFETY: the caller's promise.
    let (hasher, data) = unsafe { (hasher.as_mut(), view(data, length)) };
    guarded(|| {
        let Some(hasher) = hasher else {
            return ARGUMENT;
        };
        hasher.update(data);
        OK
    })
}

/// Output from byte `position` on; the hasher may go on being used.
///
/// # Safety
/// `hasher` is null or came from `mx_hasher_new` and was not freed; `out` is writable for `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_hasher_digest(
    hasher: *const blake3::Hasher,
    position: u64,
    out: *mut u8,
    length: usize,
) -> i32 {
    // SAFETY: the caller's promise.
    let (hasher, out) = unsafe { (hasher.as_ref(), view_mut(out, length)) };
    guarded(|| {
        let Some(hasher) = hasher else {
            return ARGUMENT;
        };
        let mut reader = hasher.finalize_xof();
        reader.set_position(position);
        reader.fill(out);
        OK
    })
}

/// # Safety
/// `hasher` is null or came from `mx_hasher_new` and was not freed; it is gone afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_hasher_free(hasher: *mut blake3::Hasher) {
    if !hasher.is_null() {
        // SAFETY: the caller's promise: made by Box::into_raw, freed once.
        drop(unsafe { Box::from_raw(hasher) });
    }
}

/// # Safety
/// `seed` is null or readable for 32 bytes, `public_key` null or writable for 1952, `secret_key` null or writable for
/// 4032, all apart from each other.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_ml_dsa_key_pair(
    seed: *const u8,
    public_key: *mut u8,
    secret_key: *mut u8,
) -> i32 {
    // SAFETY: the caller's promise.
    let (seed, public_key, secret_key) =
        unsafe { (array(seed), array_mut(public_key), array_mut(secret_key)) };
    guarded(|| {
        let (Some(seed), Some(public_key), Some(secret_key)) = (seed, public_key, secret_key)
        else {
            return ARGUMENT;
        };
        let pair = ml_dsa::key_pair(*seed);
        *public_key = pair.public_key;
        *secret_key = pair.secret_key;
        OK
    })
}

/// Only on machines: libcrux does not offer it, so the WebAssembly door asks elsewhere.
///
/// # Safety
/// `secret_key` is null or readable for 4032 bytes, `public_key` null or writable for 1952, apart from each other.
#[cfg(not(target_arch = "wasm32"))]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_ml_dsa_public_key(secret_key: *const u8, public_key: *mut u8) -> i32 {
    // SAFETY: the caller's promise.
    let (secret_key, public_key) = unsafe { (array(secret_key), array_mut(public_key)) };
    guarded(|| {
        let (Some(secret_key), Some(public_key)) = (secret_key, public_key) else {
            return ARGUMENT;
        };
        match ml_dsa::public_key(secret_key) {
            Ok(bytes) => *public_key = bytes,
            Err(error) => return sign_status(&error),
        }
        OK
    })
}

/// `randomness`: null asks for fresh randomness of the system, which WebAssembly does not have.
///
/// # Safety
/// `secret_key` is null or readable for 4032 bytes, `randomness` for 32, `message` and `context` for their lengths,
/// `signature` null or writable for 3309, apart from all others.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_ml_dsa_sign(
    secret_key: *const u8,
    message: *const u8,
    message_length: usize,
    context: *const u8,
    context_length: usize,
    randomness: *const u8,
    signature: *mut u8,
) -> i32 {
    // SAFETY: the caller's promise.
    let (secret_key, message, context, randomness, signature) = unsafe {
        (
            array(secret_key),
            view(message, message_length),
            view(context, context_length),
            array(randomness),
            array_mut(signature),
        )
    };
    guarded(|| {
        let (Some(secret_key), Some(signature)) = (secret_key, signature) else {
            return ARGUMENT;
        };
        if context.len() > ml_dsa::CONTEXT_MAX_BYTES {
            return ARGUMENT;
        }
        let signed = match randomness {
            Some(randomness) => ml_dsa::sign_with(secret_key, message, context, *randomness),
            #[cfg(not(target_arch = "wasm32"))]
            None => ml_dsa::sign_hedged(secret_key, message, context),
            #[cfg(target_arch = "wasm32")]
            None => return ARGUMENT,
        };
        match signed {
            Ok(bytes) => *signature = bytes,
            Err(error) => return sign_status(&error),
        }
        OK
    })
}

fn sign_status(error: &SignError) -> i32 {
    match error {
        SignError::Key => KEY,
        SignError::Failed => FAILED,
    }
}

/// 1 for a valid signature, else 0; never another status.
///
/// # Safety
/// `public_key` is null or readable for 1952 bytes, `signature` for 3309, `message` and `context` for their lengths.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_ml_dsa_verify(
    public_key: *const u8,
    message: *const u8,
    message_length: usize,
    signature: *const u8,
    context: *const u8,
    context_length: usize,
) -> i32 {
    // SAFETY: the caller's promise.
    let (public_key, message, signature, context) = unsafe {
        (
            array(public_key),
            view(message, message_length),
            array(signature),
            view(context, context_length),
        )
    };
    let valid = guarded(|| {
        let (Some(public_key), Some(signature)) = (public_key, signature) else {
            return ARGUMENT;
        };
        i32::from(ml_dsa::verify(public_key, message, signature, context))
    });
    i32::from(valid == 1)
}

/// # Safety
/// `plain` is readable for `length` bytes, `input` null or readable for 112, `address` null or writable for 32,
/// `content` null or writable and aligned; all apart from each other.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_seal(
    plain: *const u8,
    length: usize,
    input: *const u8,
    address: *mut u8,
    content: *mut MxBuffer,
) -> i32 {
    // SAFETY: the caller's promise.
    let (plain, input, address, content) = unsafe {
        (
            view(plain, length),
            array(input),
            array_mut(address),
            content.as_mut(),
        )
    };
    guarded(|| {
        let (Some(input), Some(address), Some(content)) = (input, address, content) else {
            return ARGUMENT;
        };
        let Ok((bytes, hash)) = seal::seal(plain, input) else {
            return FAILED;
        };
        *address = hash;
        let mut bytes = std::mem::ManuallyDrop::new(bytes);
        *content = MxBuffer {
            data: bytes.as_mut_ptr(),
            length: bytes.len(),
            capacity: bytes.capacity(),
        };
        OK
    })
}

/// # Safety
/// `buffer` is null or was filled by this core and not freed since.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_buffer_free(buffer: *mut MxBuffer) {
    // SAFETY: the caller's promise.
    let Some(buffer) = (unsafe { buffer.as_mut() }) else {
        return;
    };
    if !buffer.data.is_null() {
        // SAFETY: these are the parts of a Vec that was let go in `mx_seal`, and are taken back once.
        drop(unsafe { Vec::from_raw_parts(buffer.data, buffer.length, buffer.capacity) });
        *buffer = MxBuffer::empty();
    }
}

/// Fills `plain`, whose length is the declared size.
///
/// # Safety
/// `content` is readable for `length` bytes, `input` null or readable for 112, `plain` writable for `size`, apart from
/// each other.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_open(
    content: *const u8,
    length: usize,
    input: *const u8,
    plain: *mut u8,
    size: usize,
) -> i32 {
    // SAFETY: the caller's promise.
    let (content, input, plain) =
        unsafe { (view(content, length), array(input), view_mut(plain, size)) };
    guarded(|| {
        let Some(input) = input else { return ARGUMENT };
        match seal::open(content, input, plain) {
            Ok(()) => OK,
            Err(OpenError::Authentication) => AUTHENTICATION,
            Err(OpenError::Size) => SIZE,
            Err(OpenError::Hash) => HASH,
            Err(OpenError::Compression) => COMPRESSION,
        }
    })
}

/// Memory for the WebAssembly door to pass arguments in; null when there is none. `length` must not be 0.
#[cfg(target_arch = "wasm32")]
#[unsafe(no_mangle)]
pub extern "C" fn mx_alloc(length: usize) -> *mut u8 {
    match std::alloc::Layout::array::<u8>(length) {
        // SAFETY: the layout is not empty.
        Ok(layout) if length > 0 => unsafe { std::alloc::alloc(layout) },
        _ => ptr::null_mut(),
    }
}

/// # Safety
/// `data` came from `mx_alloc(length)` and was not freed.
#[cfg(target_arch = "wasm32")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_free(data: *mut u8, length: usize) {
    if let (false, Ok(layout)) = (data.is_null(), std::alloc::Layout::array::<u8>(length)) {
        // SAFETY: the caller's promise: this pointer with this layout.
        unsafe { std::alloc::dealloc(data, layout) }
    }
}
