//! The kernels, written once: compiled into the Node-API addon and, the same source, into WebAssembly.

pub mod c_abi;
