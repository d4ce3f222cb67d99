use super::{ARGUMENT, OK, array_mut, guarded, view, view_mut};
use crate::hash::{self, Hasher, Plain};
use std::panic::catch_unwind;
use std::ptr;

/// # Safety
/// `data` is readable for `length` bytes, `out` is null or writable for 32, apart from each other.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_blake3(data: *const u8, length: usize, out: *mut u8) -> i32 {
    // SAFETY: the caller's promise.
    let (data, out) = unsafe { (view(data, length), array_mut::<32>(out)) };
    guarded(|| {
        let Some(out) = out else { return ARGUMENT };
        *out = hash::hash(data);
        OK
    })
}

/// Mode 0 plain, 1 keyed (`key` of 32 bytes), 2 derive-key (`key` is the UTF-8 context).
fn hasher_of(mode: u32, key: &[u8]) -> Option<Hasher> {
    let other = match mode {
        0 => return Some(Hasher::Plain(Plain::new())),
        1 => blake3::Hasher::new_keyed(key.try_into().ok()?),
        2 => blake3::Hasher::new_derive_key(std::str::from_utf8(key).ok()?),
        _ => return None,
    };
    Some(Hasher::Other(other))
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
            hasher.update(data);
            hasher.finalize_xof().fill(out);
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
) -> *mut Hasher {
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
    hasher: *mut Hasher,
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
    hasher: *const Hasher,
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
pub unsafe extern "C" fn mx_hasher_free(hasher: *mut Hasher) {
    if !hasher.is_null() {
        // SAFETY: the caller's promise: made by Box::into_raw, freed once.
        drop(unsafe { Box::from_raw(hasher) });
    }
}
