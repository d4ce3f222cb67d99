//! The QUIC endpoint: one UDP socket that dials and accepts, one message per unidirectional stream, keys of ML-DSA-65.
//! It knows connections and messages, nothing of the network above. Node talks to it through `c_abi` and `c_requests`.
//! Whatever a peer does ends in a closed connection at worst; a panic in here ends in a closed endpoint.
#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

pub mod c_abi;
pub mod c_requests;

mod abi_types;
mod admission;
mod body;
mod budget;
mod connection;
mod dial;
mod endpoint;
mod engine;
mod events;
mod guard;
mod options;
mod receive;
mod runtime;
mod send;
mod spare;
mod tls;
mod trim;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A lock that a panic elsewhere does not poison: the data behind our locks is valid after every statement.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
