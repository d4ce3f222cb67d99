//! native/quic through the same C ABI that the shell of the addon uses, without the shell and without JS.
use std::collections::VecDeque;
use std::ffi::c_void;
use std::ptr;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

// Linked for its exported functions; the layouts are those of addon/shell/endpoint_abi.h.
use myrmex_quic as _;

const DRAIN: usize = 256;
/// A round in which nothing at all happens for so long has failed.
const SILENCE: Duration = Duration::from_secs(30);
const BIND: &str = "127.0.0.1:0";

#[repr(C)]
struct Text {
    length: usize,
    bytes: [u8; 256],
}

#[repr(C)]
struct Buffer {
    data: *mut u8,
    length: usize,
    capacity: usize,
}

#[repr(C)]
struct RawEvent {
    kind: u32,
    a: u32,
    b: u32,
    code: f64,
    text: Buffer,
    data: Buffer,
}

#[repr(C)]
struct Waker {
    wake: unsafe extern "C" fn(*mut c_void),
    release: unsafe extern "C" fn(*mut c_void),
    context: *mut c_void,
}

#[repr(C)]
struct Handle {
    _opaque: [u8; 0],
}

#[repr(C)]
struct RawBody {
    _opaque: [u8; 0],
}

unsafe extern "C" {
    #[allow(clippy::too_many_arguments)]
    fn mx_quic_open(
        secret: *const u8,
        secret_length: usize,
        bind: *const u8,
        bind_length: usize,
        options: *const f64,
        options_count: usize,
        waker: Waker,
        out: *mut *mut Handle,
        error: *mut Text,
    ) -> i32;
    fn mx_quic_address(endpoint: *const Handle, out: *mut u8, capacity: usize) -> usize;
    fn mx_quic_dial(
        endpoint: *const Handle,
        request: u32,
        address: *const u8,
        length: usize,
        timeout_ms: u32,
    ) -> i32;
    fn mx_quic_send(
        endpoint: *const Handle,
        request: u32,
        connection: u32,
        data: *const u8,
        length: usize,
        acknowledged: bool,
        priority: i32,
    ) -> i32;
    fn mx_quic_send_body(
        endpoint: *const Handle,
        request: u32,
        connection: u32,
        body: *const RawBody,
        offset: usize,
        length: usize,
        acknowledged: bool,
        priority: i32,
    ) -> i32;
    fn mx_quic_body_new(length: usize) -> *const RawBody;
    fn mx_quic_body_data(body: *const RawBody) -> *mut u8;
    fn mx_quic_body_free(body: *const RawBody);
    fn mx_quic_close_connection(
        endpoint: *const Handle,
        connection: u32,
        code: f64,
        reason: *const u8,
        reason_length: usize,
    ) -> i32;
    fn mx_quic_drain(endpoint: *const Handle, out: *mut RawEvent, max: usize) -> usize;
    fn mx_quic_buffer_free(data: *mut u8, length: usize, capacity: usize);
}

/// Set by the waker from any thread; the driving thread waits for it.
#[derive(Default)]
struct Bell {
    rung: Mutex<bool>,
    condition: Condvar,
}

unsafe extern "C" fn ring(context: *mut c_void) {
    // SAFETY: the bell is leaked, so it outlives the endpoint.
    let bell = unsafe { &*context.cast::<Bell>() };
    *bell.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
    bell.condition.notify_one();
}

unsafe extern "C" fn nothing(_: *mut c_void) {}

/// The bytes of a message as Rust made them: given back when dropped.
pub struct Message(Buffer);

impl std::ops::Deref for Message {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        if self.0.data.is_null() {
            return &[];
        }
        // SAFETY: readable for its length until it is freed.
        unsafe { std::slice::from_raw_parts(self.0.data, self.0.length) }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: it came from an event and is freed once.
        unsafe { mx_quic_buffer_free(self.data, self.length, self.capacity) };
    }
}

/// Memory of a message that is sent without a copy, as JS fills it with `transport.allocate`.
pub struct Body(*const RawBody, usize);

impl Body {
    pub fn filled(length: usize, byte: u8) -> Result<Self, String> {
        // SAFETY: no conditions; it says whether there is memory.
        let body = unsafe { mx_quic_body_new(length) };
        if body.is_null() {
            return Err("no memory for a message".to_string());
        }
        // SAFETY: it has that length, and nobody else knows it yet.
        unsafe { ptr::write_bytes(mx_quic_body_data(body), byte, length) };
        Ok(Self(body, length))
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        // SAFETY: made above, freed once; sends hold their own share.
        unsafe { mx_quic_body_free(self.0) };
    }
}

pub enum Event {
    Connected(u32),
    /// A send is acknowledged, or written when nothing more was asked for.
    Done(u32),
    /// A dial or a send came to nothing.
    Failed(String),
    Closed(u32),
    Message(u32, Message),
    Other,
}

pub struct Endpoint {
    handle: *mut Handle,
    bell: &'static Bell,
    events: VecDeque<RawEvent>,
    request: u32,
}

impl Endpoint {
    /// `options`: the numbers of src/transport/quic/quic-options.ts, separated by commas.
    pub fn open(secret: &[u8], options: &str) -> Result<Self, String> {
        let numbers: Result<Vec<f64>, _> = options.split(',').map(str::parse).collect();
        let numbers = numbers.map_err(|error| format!("options: {error}"))?;
        let bell: &'static Bell = Box::leak(Box::default());
        let context = ptr::from_ref(bell).cast_mut().cast();
        let waker = Waker {
            wake: ring,
            release: nothing,
            context,
        };
        let mut handle = ptr::null_mut();
        let mut text = Text {
            length: 0,
            bytes: [0; 256],
        };
        // SAFETY: all slices live through the call, and both results are writable.
        let status = unsafe {
            mx_quic_open(
                secret.as_ptr(),
                secret.len(),
                BIND.as_ptr(),
                BIND.len(),
                numbers.as_ptr(),
                numbers.len(),
                waker,
                &raw mut handle,
                &raw mut text,
            )
        };
        match status {
            0 => Ok(Self {
                handle,
                bell,
                events: VecDeque::new(),
                request: 0,
            }),
            _ => Err(
                String::from_utf8_lossy(text.bytes.get(..text.length).unwrap_or(&[])).into_owned(),
            ),
        }
    }

    pub fn address(&self) -> String {
        let mut text = [0; 64];
        // SAFETY: the endpoint is live and the text is writable for its length.
        let length = unsafe { mx_quic_address(self.handle, text.as_mut_ptr(), text.len()) };
        String::from_utf8_lossy(text.get(..length).unwrap_or(&[])).into_owned()
    }

    pub fn dial(&mut self, address: &str, timeout_ms: u32) -> Result<(), String> {
        let request = self.next_request();
        // SAFETY: the endpoint is live and the address readable.
        let status = unsafe {
            mx_quic_dial(
                self.handle,
                request,
                address.as_ptr(),
                address.len(),
                timeout_ms,
            )
        };
        ok(status, "dial")
    }

    /// The number of the send.
    pub fn send(
        &mut self,
        connection: u32,
        message: &[u8],
        acknowledged: bool,
    ) -> Result<u32, String> {
        let request = self.next_request();
        let (data, length) = (message.as_ptr(), message.len());
        // SAFETY: the endpoint is live; it copies the message.
        let status = unsafe {
            mx_quic_send(
                self.handle,
                request,
                connection,
                data,
                length,
                acknowledged,
                0,
            )
        };
        ok(status, "send").map(|()| request)
    }

    /// Without a copy; the number of the send.
    pub fn send_body(
        &mut self,
        connection: u32,
        body: &Body,
        acknowledged: bool,
    ) -> Result<u32, String> {
        let request = self.next_request();
        // SAFETY: endpoint and body are live, and nobody writes to the body any more.
        let status = unsafe {
            mx_quic_send_body(
                self.handle,
                request,
                connection,
                body.0,
                0,
                body.1,
                acknowledged,
                0,
            )
        };
        ok(status, "send").map(|()| request)
    }

    pub fn close(&mut self, connection: u32) {
        // SAFETY: the endpoint is live; there is no reason to read.
        unsafe { mx_quic_close_connection(self.handle, connection, 0.0, ptr::null(), 0) };
    }

    /// Waits for the next event.
    pub fn next(&mut self) -> Result<Event, String> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return open_up(event);
            }
            self.drain();
            if self.events.is_empty() {
                self.wait()?;
            }
        }
    }

    fn drain(&mut self) {
        let mut batch: Vec<RawEvent> = Vec::with_capacity(DRAIN);
        // SAFETY: the endpoint is live; it writes at most DRAIN events and says how many.
        unsafe {
            let count = mx_quic_drain(self.handle, batch.as_mut_ptr(), DRAIN);
            batch.set_len(count);
        }
        self.events.extend(batch);
    }

    fn wait(&self) -> Result<(), String> {
        let rung = self
            .bell
            .rung
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (mut rung, timeout) = self
            .bell
            .condition
            .wait_timeout_while(rung, SILENCE, |rung| !*rung)
            .unwrap_or_else(PoisonError::into_inner);
        *rung = false;
        match timeout.timed_out() {
            // A server may wait for ever; it is asked again.
            true if self.request == 0 => Ok(()),
            true => Err(format!("nothing happened for {} s", SILENCE.as_secs())),
            false => Ok(()),
        }
    }

    fn next_request(&mut self) -> u32 {
        self.request = self.request.wrapping_add(1).max(1);
        self.request
    }
}

fn ok(status: i32, what: &str) -> Result<(), String> {
    match status {
        0 => Ok(()),
        _ => Err(format!("{what}: status {status}")),
    }
}

fn text_of(buffer: Buffer) -> String {
    String::from_utf8_lossy(&Message(buffer)).into_owned()
}

/// The kinds of quic/src/abi_types.rs.
fn open_up(event: RawEvent) -> Result<Event, String> {
    match event.kind {
        1 => Ok(Event::Connected(event.b)),
        2 => Ok(Event::Done(event.a)),
        3 => Ok(Event::Failed(text_of(event.text))),
        7 => Err(text_of(event.text)),
        4 => Ok(Event::Closed(event.a)),
        5 => Ok(Event::Message(event.a, Message(event.data))),
        _ => Ok(Event::Other),
    }
}
