use super::{
    ARGUMENT, AUTHENTICATION, COMPRESSION, FAILED, HASH, OK, SIZE, array, array_mut, guarded, view,
    view_mut,
};
use crate::scratch;
use crate::seal::{self, OpenError};
use std::ptr;

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
        scratch::keep_content_buffer(unsafe {
            Vec::from_raw_parts(buffer.data, buffer.length, buffer.capacity)
        });
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
