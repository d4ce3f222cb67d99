//! The kernels, written once: linked into the Node-API addon and, from the same source, built as WebAssembly.
//! Safe Rust throughout; only `c_abi` touches raw memory.

pub mod aead;
pub mod blocks;
pub mod c_abi;
pub mod ml_dsa;
mod scratch;
pub mod seal;
