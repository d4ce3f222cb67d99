//! The part of the C ABI that concerns single connections: dials, sends, figures.
use crate::c_abi::{
    ARGUMENT, GONE, MxQuicEndpoint, OK, QUEUE_FULL, address_of, caught, view, write_numbers,
};
use crate::engine::{self, stats};
use crate::guard::spawn;
use crate::runtime::runtime;
use crate::send::Request;
use crate::{dial, send};
use bytes::Bytes;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Dials; ends with Connected or Failed.
///
/// # Safety
/// `endpoint` is live; `address` is readable for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_quic_dial(
    endpoint: &MxQuicEndpoint,
    request: u32,
    address: *const u8,
    address_length: usize,
    timeout_ms: u32,
) -> i32 {
    // SAFETY: the caller's promise.
    let address = unsafe { view(address, address_length) };
    let shared = &endpoint.0;
    caught(&shared.queue, || {
        let (Some(address), Some(runtime)) = (address_of(address), runtime()) else {
            return ARGUMENT;
        };
        let _inside = runtime.enter();
        let limit = Duration::from_millis(timeout_ms.into());
        let cancelled = shared.cancellable(request);
        let task = dial::run(shared.clone(), request, address, limit, cancelled);
        spawn(&shared.queue, task);
        OK
    })
}

/// Sends a copy of the message; ends with Done or Failed. A status other than OK means that nothing was begun.
///
/// # Safety
/// `endpoint` is live; `data` is readable for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_quic_send(
    endpoint: &MxQuicEndpoint,
    request: u32,
    connection: u32,
    data: *const u8,
    length: usize,
    acknowledged: bool,
    priority: i32,
) -> i32 {
    // SAFETY: the caller's promise.
    let data = unsafe { view(data, length) };
    let shared = &endpoint.0;
    caught(&shared.queue, || {
        let (Some(link), Some(runtime)) = (shared.link(connection), runtime()) else {
            return GONE;
        };
        let limit = shared.options.send_queue_bytes as usize;
        if link
            .queued
            .fetch_add(length, Relaxed)
            .saturating_add(length)
            > limit
        {
            link.queued.fetch_sub(length, Relaxed);
            return QUEUE_FULL;
        }
        let _inside = runtime.enter();
        let message = Request {
            number: request,
            data: Bytes::copy_from_slice(data),
            acknowledged,
            priority,
        };
        let cancelled = shared.cancellable(request);
        let task = send::run(shared.clone(), link, message, cancelled);
        spawn(&shared.queue, task);
        OK
    })
}

/// Cancels a dial or a send; it ends with Failed, unless it has just ended otherwise.
///
/// # Safety
/// `endpoint` is live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_quic_cancel(endpoint: &MxQuicEndpoint, request: u32) {
    let shared = &endpoint.0;
    caught(&shared.queue, || {
        shared.cancel(request);
        OK
    });
}

/// Closes a connection; ends with Closed.
///
/// # Safety
/// `endpoint` is live; `reason` is readable for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_quic_close_connection(
    endpoint: &MxQuicEndpoint,
    connection: u32,
    code: f64,
    reason: *const u8,
    reason_length: usize,
) -> i32 {
    // SAFETY: the caller's promise.
    let reason = unsafe { view(reason, reason_length) };
    let shared = &endpoint.0;
    caught(&shared.queue, || {
        let Some(link) = shared.link(connection) else {
            return GONE;
        };
        link.engine.close(engine::var(code as u64), reason);
        OK
    })
}

/// # Safety
/// `endpoint` is live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_quic_set_receive_window(
    endpoint: &MxQuicEndpoint,
    connection: u32,
    bytes: f64,
) -> i32 {
    let shared = &endpoint.0;
    caught(&shared.queue, || {
        let Some(link) = shared.link(connection) else {
            return GONE;
        };
        shared.set_receive_window(&link, bytes as u64);
        OK
    })
}

/// Writes the figures of a connection in the order of `Stats`.
///
/// # Safety
/// `endpoint` is live; `out` is writable for `count` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_quic_stats(
    endpoint: &MxQuicEndpoint,
    connection: u32,
    out: *mut f64,
    count: usize,
) -> i32 {
    let shared = &endpoint.0;
    caught(&shared.queue, || {
        let Some(link) = shared.link(connection) else {
            return GONE;
        };
        // SAFETY: the caller's promise.
        unsafe { write_numbers(&stats::stats_of(&link.engine).numbers(), out, count) }
    })
}
