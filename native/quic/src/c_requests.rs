//! The part of the C ABI that concerns single connections: dials, sends, figures.
use crate::body::Body;
use crate::c_abi::{
    ARGUMENT, GONE, MxQuicEndpoint, OK, QUEUE_FULL, address_of, caught, view, write_numbers,
};
use crate::engine::{self, stats};
use crate::guard::spawn;
use crate::runtime::runtime;
use crate::send::Request;
use crate::{dial, send};
use bytes::Bytes;
use std::sync::Arc;
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
/// `endpoint` is live; `data` is readable for `length`.
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
    begin_send(endpoint, connection, length, || {
        Some(Request {
            number: request,
            data: Bytes::copy_from_slice(data),
            acknowledged,
            priority,
        })
    })
}

/// Sends a part of a body without a copy, else like `mx_quic_send`.
///
/// # Safety
/// `endpoint` and `body` are live, and the body's bytes stay as they are from now on.
#[allow(clippy::too_many_arguments)] // One flat call for each message: a struct would have to be laid out twice.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_quic_send_body(
    endpoint: &MxQuicEndpoint,
    request: u32,
    connection: u32,
    body: *const Body,
    offset: usize,
    length: usize,
    acknowledged: bool,
    priority: i32,
) -> i32 {
    if body.is_null() {
        return ARGUMENT;
    }
    // SAFETY: the caller's promise; the count that the caller holds stays with it.
    let body = unsafe {
        Arc::increment_strong_count(body);
        Arc::from_raw(body)
    };
    begin_send(endpoint, connection, length, || {
        Some(Request {
            number: request,
            data: body.part(offset, length)?,
            acknowledged,
            priority,
        })
    })
}

/// `message` is made when there is room for it; None is a wrong argument.
fn begin_send(
    endpoint: &MxQuicEndpoint,
    connection: u32,
    length: usize,
    message: impl FnOnce() -> Option<Request>,
) -> i32 {
    let shared = &endpoint.0;
    caught(&shared.queue, || {
        let (Some(link), Some(runtime)) = (shared.link(connection), runtime()) else {
            return GONE;
        };
        let limit = shared.options.send_queue_bytes as usize;
        let queued = link.queued.fetch_add(length, Relaxed);
        let full = queued.saturating_add(length) > limit;
        let message = if full { None } else { message() };
        let Some(message) = message else {
            link.queued.fetch_sub(length, Relaxed);
            return if full { QUEUE_FULL } else { ARGUMENT };
        };
        let _inside = runtime.enter();
        let cancelled = shared.cancellable(message.number);
        let task = send::run(shared.clone(), link, message, cancelled);
        spawn(&shared.queue, task);
        OK
    })
}

/// Memory for a message, zeroed; null when there is none, or for a length that no message has. The caller holds one
/// count of it until `mx_quic_body_free`.
#[unsafe(no_mangle)]
pub extern "C" fn mx_quic_body_new(length: usize) -> *const Body {
    Body::new(length).map_or(std::ptr::null(), Arc::into_raw)
}

/// # Safety
/// `body` is live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_quic_body_data(body: &Body) -> *mut u8 {
    body.data()
}

/// # Safety
/// `body` came from `mx_quic_body_new` and was not freed. Sends that have it under way keep it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_quic_body_free(body: *const Body) {
    if !body.is_null() {
        // SAFETY: the caller's promise.
        drop(unsafe { Arc::from_raw(body) });
    }
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

/// Asks the peer for a sign of life: what it sends back shows in the figures of the connection.
///
/// # Safety
/// `endpoint` is live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_quic_ping(endpoint: &MxQuicEndpoint, connection: u32) -> i32 {
    let shared = &endpoint.0;
    caught(&shared.queue, || match shared.link(connection) {
        Some(link) if engine::ping(&link.engine) => OK,
        _ => GONE,
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
