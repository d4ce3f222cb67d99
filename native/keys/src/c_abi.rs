//! The C ABI of a key set, called by the shell in the addon. Every function catches panics; errors are numbers: 0 is
//! success, a positive one is the operating system's.
use crate::{Failure, KEY_BYTES, Key, KeySet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::ptr;

pub const OK: i32 = 0;
pub const FULL: i32 = -1;
pub const CORRUPT: i32 = -2;
pub const OPEN: i32 = -3;
pub const OTHER: i32 = -4;

fn status(run: impl FnOnce() -> Result<(), Failure>) -> i32 {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(())) => OK,
        Ok(Err(Failure::Full)) => FULL,
        Ok(Err(Failure::Corrupt)) => CORRUPT,
        Ok(Err(Failure::Open)) => OPEN,
        Ok(Err(Failure::System(number))) if number > 0 => number,
        _ => OTHER,
    }
}

/// # Safety
/// `keys` is readable for `count` keys that nobody writes meanwhile, or `count` is 0.
unsafe fn keys_at<'a>(keys: *const u8, count: usize) -> &'a [Key] {
    if count == 0 {
        return &[];
    }
    // SAFETY: the caller's promise; an array of bytes has no alignment.
    unsafe { std::slice::from_raw_parts(keys.cast::<Key>(), count) }
}

/// # Safety
/// `path` is readable for its length, UTF-8; `out` is writable and gets null with every status but 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_keys_open(
    path: *const u8,
    length: usize,
    map_bytes: usize,
    out: *mut *mut KeySet,
) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { *out = ptr::null_mut() };
    status(|| {
        // SAFETY: the caller's promise.
        let text = unsafe { std::slice::from_raw_parts(path, length) };
        let text = std::str::from_utf8(text).map_err(|_| Failure::Other)?;
        let set = KeySet::open(Path::new(text), map_bytes)?;
        // SAFETY: the caller's promise.
        unsafe { *out = Box::into_raw(Box::new(set)) };
        Ok(())
    })
}

/// # Safety
/// `set` came from `mx_keys_open` and is used by nobody from now on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_keys_close(set: *mut KeySet) {
    if !set.is_null() {
        // SAFETY: the caller's promise.
        let set = unsafe { Box::from_raw(set) };
        let _ = catch_unwind(AssertUnwindSafe(|| drop(set)));
    }
}

/// # Safety
/// `set` is open, `key` readable for 32 bytes, `found` writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_keys_has(set: *const KeySet, key: *const u8, found: *mut bool) -> i32 {
    status(|| {
        // SAFETY: the caller's promise.
        unsafe { *found = (*set).has(&*key.cast::<Key>())? };
        Ok(())
    })
}

/// # Safety
/// `set` is open, `count` writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_keys_count(set: *const KeySet, count: *mut u64) -> i32 {
    status(|| {
        // SAFETY: the caller's promise.
        unsafe { *count = (*set).count()? };
        Ok(())
    })
}

/// `changed[i]` becomes 1 for each key that was not there. Blocks until the disk has it.
///
/// # Safety
/// `set` is open, `keys` readable for `count` keys, `changed` writable for `count` bytes, which are 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_keys_insert(
    set: *const KeySet,
    keys: *const u8,
    count: usize,
    changed: *mut u8,
) -> i32 {
    // SAFETY: the caller's promise.
    status(|| unsafe { (*set).insert(keys_at(keys, count), |place| *changed.add(place) = 1) })
}

/// `changed[i]` becomes 1 for each key that was there. Blocks until the disk has it.
///
/// # Safety
/// As `mx_keys_insert`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_keys_remove(
    set: *const KeySet,
    keys: *const u8,
    count: usize,
    changed: *mut u8,
) -> i32 {
    // SAFETY: the caller's promise.
    status(|| unsafe { (*set).remove(keys_at(keys, count), |place| *changed.add(place) = 1) })
}

/// Keys in order after `after` (null: from the first), at most `limit`.
///
/// # Safety
/// `set` is open, `after` null or readable for 32 bytes, `out` writable for `limit` keys, `found` writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_keys_page(
    set: *const KeySet,
    after: *const u8,
    limit: usize,
    out: *mut u8,
    found: *mut usize,
) -> i32 {
    status(|| {
        // SAFETY: the caller's promise.
        unsafe {
            let after = (!after.is_null()).then(|| &*after.cast::<Key>());
            let out = std::slice::from_raw_parts_mut(out.cast::<[u8; KEY_BYTES]>(), limit);
            *found = (*set).page(after, out)?;
        }
        Ok(())
    })
}
