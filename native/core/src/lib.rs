//! The kernels, written once: linked into the Node-API addon and, from the same source, built as WebAssembly.
//! Safe Rust throughout; only `c_abi` touches raw memory, and one load of a vector in `hash_lanes`.

pub mod aead;
pub mod blocks;
pub mod c_abi;
mod hash;
#[cfg(target_arch = "wasm32")]
mod hash_lanes;
#[cfg(any(target_arch = "wasm32", test))]
mod hash_tree;
pub mod ml_dsa;
mod scratch;
pub mod seal;
