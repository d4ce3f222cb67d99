//! The one C ABI that both doors use.

/// Version of this ABI: the shells refuse a core of another one.
#[unsafe(no_mangle)]
pub extern "C" fn mx_abi_version() -> u32 {
    1
}
