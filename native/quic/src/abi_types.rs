//! What crosses the C ABI by layout; native/addon/shell/endpoint_abi.h says the same in C.
use crate::events::Event;
use std::ptr;

const TEXT_BYTES: usize = 256;

/// UTF-8 text for an error message, cut to fit.
#[repr(C)]
pub struct MxQuicText {
    length: usize,
    bytes: [u8; TEXT_BYTES],
}

impl MxQuicText {
    pub fn set(&mut self, text: &str) {
        let mut length = text.len().min(TEXT_BYTES);
        while !text.is_char_boundary(length) {
            length -= 1;
        }
        self.length = length;
        for (to, from) in self.bytes.iter_mut().zip(text.bytes().take(length)) {
            *to = from;
        }
    }
}

/// Bytes that Rust allocated and `mx_quic_buffer_free` frees.
#[repr(C)]
pub struct MxQuicBuffer {
    data: *mut u8,
    length: usize,
    capacity: usize,
}

impl MxQuicBuffer {
    const NONE: Self = Self {
        data: ptr::null_mut(),
        length: 0,
        capacity: 0,
    };

    fn of(bytes: Vec<u8>) -> Self {
        if bytes.is_empty() {
            return Self::NONE;
        }
        let mut bytes = std::mem::ManuallyDrop::new(bytes);
        Self {
            data: bytes.as_mut_ptr(),
            length: bytes.len(),
            capacity: bytes.capacity(),
        }
    }
}

/// One event. Which fields mean something depends on `kind`, see `flat`.
#[repr(C)]
pub struct MxQuicEvent {
    kind: u32,
    a: u32,
    b: u32,
    code: f64,
    text: MxQuicBuffer,
    data: MxQuicBuffer,
}

pub fn flat(event: Event) -> MxQuicEvent {
    let mut out = MxQuicEvent {
        kind: 0,
        a: 0,
        b: 0,
        code: 0.0,
        text: MxQuicBuffer::NONE,
        data: MxQuicBuffer::NONE,
    };
    match event {
        Event::Connected {
            request,
            connection,
            remote,
            key,
        } => {
            (out.kind, out.a, out.b) = (1, request, connection);
            out.text = MxQuicBuffer::of(remote.into_bytes());
            out.data = MxQuicBuffer::of(key);
        }
        Event::Done { request } => (out.kind, out.a) = (2, request),
        Event::Failed { request, failure } => {
            (out.kind, out.a, out.b) = (3, request, failure.kind as u32);
            out.code = failure.code as f64;
            out.text = MxQuicBuffer::of(failure.text.into_bytes());
        }
        Event::Closed { connection, end } => {
            (out.kind, out.a, out.b) = (4, connection, end.kind as u32);
            out.code = end.code as f64;
            out.text = MxQuicBuffer::of(end.reason.into_bytes());
        }
        Event::Message {
            connection,
            data,
            held,
        } => {
            (out.kind, out.a) = (5, connection);
            out.data = MxQuicBuffer::of(data);
            // From here on the bytes count as memory of JS.
            drop(held);
        }
        Event::Observed {
            connection,
            address,
        } => {
            (out.kind, out.a) = (6, connection);
            out.text = MxQuicBuffer::of(address.into_bytes());
        }
        Event::Broken { text } => {
            out.kind = 7;
            out.text = MxQuicBuffer::of(text.into_bytes());
        }
    }
    out
}
