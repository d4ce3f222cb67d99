use super::{ARGUMENT, OK, array, array_mut, guarded, view, view_mut};
use crate::blocks;

/// # Safety
/// `key` is null or readable for 32 bytes, `content` readable for `length`, `out` null or writable for 32, apart from
/// both.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_nonced_root(
    key: *const u8,
    content: *const u8,
    length: usize,
    out: *mut u8,
) -> i32 {
    // SAFETY: the caller's promise.
    let (key, content, out) = unsafe { (array(key), view(content, length), array_mut(out)) };
    guarded(|| {
        let (Some(key), Some(out)) = (key, out) else {
            return ARGUMENT;
        };
        if content.len() > blocks::CONTENT_MAX_BYTES {
            return ARGUMENT;
        }
        *out = blocks::nonced_root(key, content);
        OK
    })
}

/// `out_length` must be the size of the path.
///
/// # Safety
/// `key` is null or readable for 32 bytes, `content` readable for `length`, `out` writable for `out_length`, apart
/// from both.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_nonced_path(
    key: *const u8,
    content: *const u8,
    length: usize,
    index: usize,
    out: *mut u8,
    out_length: usize,
) -> i32 {
    // SAFETY: the caller's promise.
    let (key, content, out) =
        unsafe { (array(key), view(content, length), view_mut(out, out_length)) };
    guarded(|| {
        let Some(key) = key else { return ARGUMENT };
        let fits = content.len() <= blocks::CONTENT_MAX_BYTES
            && blocks::nonced_path(key, content, index, out);
        if fits { OK } else { ARGUMENT }
    })
}

/// `out_length` must be the size of the slice.
///
/// # Safety
/// `content` is readable for `length` bytes, `out` writable for `out_length`, apart from it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_bao_slice(
    content: *const u8,
    length: usize,
    index: usize,
    out: *mut u8,
    out_length: usize,
) -> i32 {
    // SAFETY: the caller's promise.
    let (content, out) = unsafe { (view(content, length), view_mut(out, out_length)) };
    guarded(|| {
        let fits =
            content.len() <= blocks::CONTENT_MAX_BYTES && blocks::bao_slice(content, index, out);
        if fits { OK } else { ARGUMENT }
    })
}
