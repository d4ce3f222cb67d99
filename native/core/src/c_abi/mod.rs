//! The one C ABI that both doors use: Node's shell and WebAssembly. Lengths come with every pointer where they vary;
//! a null pointer is allowed only with length 0. A function that can fail returns a status, 0 for success.

mod blake3_entries;
mod block_entries;
mod ml_dsa_entries;
mod seal_entries;

pub use blake3_entries::*;
pub use block_entries::*;
pub use ml_dsa_entries::*;
pub use seal_entries::*;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::slice;

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
    2
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

/// Memory for the WebAssembly door to pass arguments in; null when there is none. `length` must not be 0.
#[cfg(target_arch = "wasm32")]
#[unsafe(no_mangle)]
pub extern "C" fn mx_alloc(length: usize) -> *mut u8 {
    match std::alloc::Layout::array::<u8>(length) {
        // SAFETY: the layout is not empty.
        Ok(layout) if length > 0 => unsafe { std::alloc::alloc(layout) },
        _ => std::ptr::null_mut(),
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
