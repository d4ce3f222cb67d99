//! The door to Node: registers the C++ shell, which checks arguments and calls the C ABI of the core and the endpoint.
use std::ffi::c_void;

// Without a use, the linker would drop the crates whose C ABI only the shell calls.
pub use myrmex_core::c_abi as core_abi;
pub use myrmex_keys as keys_abi;
pub use myrmex_quic as quic_abi;

unsafe extern "C" {
    fn myrmex_init(env: *mut c_void, exports: *mut c_void) -> *mut c_void;
}

/// Called once per environment (main thread and every worker) by Node.
///
/// # Safety
/// `env` and `exports` come from Node and are valid for the duration of the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn napi_register_module_v1(
    env: *mut c_void,
    exports: *mut c_void,
) -> *mut c_void {
    // SAFETY: the shell takes the two handles as Node gave them; it is linked into this very library.
    unsafe { myrmex_init(env, exports) }
}

/// The Node-API version that the shell is compiled for.
#[unsafe(no_mangle)]
pub extern "C" fn node_api_module_get_api_version_v1() -> i32 {
    8
}
