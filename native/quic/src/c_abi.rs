//! The C ABI of the endpoint, called by the shell in the addon. Requests carry numbers that JS chose (never 0); how
//! they end is told by events. Every function catches panics, and none blocks but `mx_quic_shutdown`.
use crate::abi_types::{MxQuicEvent, MxQuicText, flat};
use crate::endpoint::{self, OpenError, Shared};
use crate::engine;
use crate::events::{Event, Queue, Waker};
use crate::guard::{self, spawn};
use crate::options::Options;
use crate::runtime::runtime;
use crate::spare;
use std::ffi::c_char;
use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

pub const OK: i32 = 0;
pub const ARGUMENT: i32 = -1;
/// The connection is over.
pub const GONE: i32 = -2;
/// Too much waits in sends of this connection already.
pub const QUEUE_FULL: i32 = -3;
pub const ADDRESS_IN_USE: i32 = -4;
pub const BIND: i32 = -5;
/// The endpoint failed inside, or could not be made.
pub const FAILED: i32 = -6;

/// Name and version of the engine, a text of C.
#[unsafe(no_mangle)]
pub extern "C" fn mx_quic_engine() -> *const c_char {
    engine::NAME.as_ptr()
}

/// An endpoint as the shell holds it.
pub struct MxQuicEndpoint(pub(crate) Arc<Shared>);

impl Drop for MxQuicEndpoint {
    fn drop(&mut self) {
        self.0.begin_close(0, b"");
    }
}

/// A panic here is told like one in a task, and the call fails.
pub(crate) fn caught(queue: &Arc<Queue>, run: impl FnOnce() -> i32) -> i32 {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(status) => status,
        Err(panic) => {
            queue.broken(&guard::text_of(panic.as_ref()));
            FAILED
        }
    }
}

/// # Safety
/// `data` is null or readable for `length` elements that nobody writes meanwhile.
pub(crate) unsafe fn view<'a, T>(data: *const T, length: usize) -> &'a [T] {
    if data.is_null() || length == 0 {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(data, length) }
}

pub(crate) fn address_of(text: &[u8]) -> Option<SocketAddr> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Opens an endpoint and returns OK with `*out` set, or a status with `*error` saying why. The waker is taken over in
/// any case; `wake` may be called from any thread until `release`.
///
/// # Safety
/// `secret`, `bind` and `options` are readable for their lengths; `out` and `error` are writable; the waker's functions
/// may be called with its context from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_quic_open(
    secret: *const u8,
    secret_length: usize,
    bind: *const u8,
    bind_length: usize,
    options: *const f64,
    options_count: usize,
    waker: Waker,
    out: *mut *mut MxQuicEndpoint,
    error: *mut MxQuicText,
) -> i32 {
    // SAFETY: the caller's promise.
    let (secret, bind, options) = unsafe {
        (
            view(secret, secret_length),
            view(bind, bind_length),
            view(options, options_count),
        )
    };
    let opened = catch_unwind(AssertUnwindSafe(|| open(secret, bind, options, waker)))
        .unwrap_or_else(|panic| Err((FAILED, guard::text_of(panic.as_ref()))));
    match opened {
        Ok(shared) => {
            // SAFETY: the caller's promise.
            unsafe { out.write(Box::into_raw(Box::new(MxQuicEndpoint(shared)))) };
            OK
        }
        Err((status, text)) => {
            // SAFETY: the caller's promise.
            if let Some(error) = unsafe { error.as_mut() } {
                error.set(&text);
            }
            status
        }
    }
}

fn open(
    secret: &[u8],
    bind: &[u8],
    options: &[f64],
    waker: Waker,
) -> Result<Arc<Shared>, (i32, String)> {
    let argument = |text: &str| (ARGUMENT, text.to_string());
    let options = Options::from_numbers(options)
        .ok_or_else(|| argument("the options do not fit this addon"))?;
    let bind = address_of(bind).ok_or_else(|| argument("the address to bind is not ip:port"))?;
    let runtime = runtime().ok_or_else(|| (FAILED, "no thread for the endpoint".to_string()))?;
    let _inside = runtime.enter();
    let queue = Arc::new(Queue::new(
        waker,
        options.event_queue_bytes as usize,
        options.event_queue_messages as usize,
    ));
    // Not watched by the queue itself: it would keep it alive.
    runtime.spawn(queue.waking());
    endpoint::open(secret, bind, options, queue).map_err(|error| match error {
        OpenError::Bind(error) if error.kind() == io::ErrorKind::AddrInUse => {
            (ADDRESS_IN_USE, error.to_string())
        }
        OpenError::Bind(error) => (BIND, error.to_string()),
        OpenError::Other(text) => (FAILED, text),
    })
}

/// Frees an endpoint; one that is still open is closed in the background. Its events are lost.
///
/// # Safety
/// `endpoint` is null or came from `mx_quic_open` and was not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_quic_free(endpoint: *mut MxQuicEndpoint) {
    if endpoint.is_null() {
        return;
    }
    // SAFETY: the caller's promise.
    let endpoint = unsafe { Box::from_raw(endpoint) };
    // Nobody is left to be told of a panic.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(endpoint)));
}

/// Writes the bound address as text; returns its length, 0 when it is unknown or longer than `capacity`.
///
/// # Safety
/// `endpoint` is live; `out` is writable for `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_quic_address(
    endpoint: &MxQuicEndpoint,
    out: *mut u8,
    capacity: usize,
) -> usize {
    let text = catch_unwind(AssertUnwindSafe(|| endpoint.0.local_address()))
        .ok()
        .flatten()
        .map_or_else(String::new, |address| address.to_string());
    if text.len() > capacity {
        return 0;
    }
    // SAFETY: the caller's promise, and the text fits.
    unsafe { ptr::copy_nonoverlapping(text.as_ptr(), out, text.len()) };
    text.len()
}

/// # Safety
/// `endpoint` is live; `out` is writable for 1952 bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_quic_public_key(endpoint: &MxQuicEndpoint, out: *mut u8) {
    let key = &endpoint.0.public_key;
    // SAFETY: the caller's promise; the key has that length.
    unsafe { ptr::copy_nonoverlapping(key.as_ptr(), out, key.len()) };
}

/// Writes the counters of the endpoint: connections open, half open, dialled, accepted, refused, retried, handshakes
/// failed, messages in, out, dropped, bytes of messages in memory, datagrams received, and not QUIC.
///
/// # Safety
/// `endpoint` is live; `out` is writable for `count` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_quic_counters(
    endpoint: &MxQuicEndpoint,
    out: *mut f64,
    count: usize,
) -> i32 {
    let shared = &endpoint.0;
    caught(&shared.queue, || {
        let counters = &shared.counters;
        let [datagrams, not_quic] = shared.datagrams();
        let numbers = [
            shared.engine.open_connections() as u64,
            shared.half_open() as u64,
            counters.dialled.load(Relaxed),
            counters.accepted.load(Relaxed),
            counters.refused.load(Relaxed),
            counters.retried.load(Relaxed),
            counters.handshakes_failed.load(Relaxed),
            counters.messages_in.load(Relaxed),
            counters.messages_out.load(Relaxed),
            counters.messages_dropped.load(Relaxed),
            shared.inbound.used() as u64,
            datagrams,
            not_quic,
        ]
        .map(|number| number as f64);
        // SAFETY: the caller's promise.
        unsafe { write_numbers(&numbers, out, count) }
    })
}

/// For tests of a local network: from now on datagrams from and to these ports of this machine are lost.
///
/// # Safety
/// `endpoint` is live; `from` and `to` are readable for their counts.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_quic_cut_links(
    endpoint: &MxQuicEndpoint,
    from: *const u16,
    from_count: usize,
    to: *const u16,
    to_count: usize,
) -> i32 {
    // SAFETY: the caller's promise.
    let (from, to) = unsafe { (view(from, from_count), view(to, to_count)) };
    let shared = &endpoint.0;
    caught(&shared.queue, || {
        if shared.cut_links(from, to) {
            OK
        } else {
            ARGUMENT
        }
    })
}

/// # Safety
/// `out` is writable for `count` numbers.
pub(crate) unsafe fn write_numbers(numbers: &[f64], out: *mut f64, count: usize) -> i32 {
    if numbers.len() != count {
        return ARGUMENT;
    }
    // SAFETY: the caller's promise, and the lengths are the same.
    unsafe { ptr::copy_nonoverlapping(numbers.as_ptr(), out, count) };
    OK
}

/// Closes every connection and the socket; ends with Done.
///
/// # Safety
/// `endpoint` is live; `reason` is readable for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_quic_close(
    endpoint: &MxQuicEndpoint,
    request: u32,
    code: f64,
    reason: *const u8,
    reason_length: usize,
) -> i32 {
    // SAFETY: the caller's promise.
    let reason = unsafe { view(reason, reason_length) };
    let shared = &endpoint.0;
    caught(&shared.queue, || {
        let Some(runtime) = runtime() else {
            return FAILED;
        };
        let _inside = runtime.enter();
        shared.begin_close(code as u64, reason);
        let closing = shared.clone();
        spawn(&shared.queue, async move {
            closing.close_sent().await;
            closing.release_socket().await;
            closing.queue.push(Event::Done { request });
        });
        OK
    })
}

/// For the end of the process or of a worker: closes, and blocks until every peer has been told, at most `limit_ms`.
///
/// # Safety
/// `endpoint` is live; `reason` is readable for its length. Not called from the runtime's own thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_quic_shutdown(
    endpoint: &MxQuicEndpoint,
    code: f64,
    reason: *const u8,
    reason_length: usize,
    limit_ms: u32,
) -> i32 {
    // SAFETY: the caller's promise.
    let reason = unsafe { view(reason, reason_length) };
    let shared = &endpoint.0;
    caught(&shared.queue, || {
        let Some(runtime) = runtime() else {
            return FAILED;
        };
        shared.begin_close(code as u64, reason);
        let limit = Duration::from_millis(limit_ms.into());
        let sent = async { tokio::time::timeout(limit, shared.close_sent()).await };
        let _ = runtime.block_on(sent);
        OK
    })
}

/// Takes at most `max` events, oldest first, and returns how many. Their buffers belong to the caller.
///
/// # Safety
/// `endpoint` is live; `out` is writable for `max` events.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_quic_drain(
    endpoint: &MxQuicEndpoint,
    out: *mut MxQuicEvent,
    max: usize,
) -> usize {
    let queue = &endpoint.0.queue;
    let mut count = 0;
    caught(queue, || {
        for event in queue.drain(max) {
            // SAFETY: the caller's promise; there are at most `max` events.
            unsafe { out.add(count).write(flat(event)) };
            count += 1;
        }
        OK
    });
    count
}

/// # Safety
/// The buffer came from an event and was not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_quic_buffer_free(data: *mut u8, length: usize, capacity: usize) {
    if !data.is_null() {
        // SAFETY: the caller's promise: these are the parts of a vector.
        spare::give(unsafe { Vec::from_raw_parts(data, length, capacity) });
    }
}
