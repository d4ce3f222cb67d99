//! What the runtime tells JS: one queue, one wake for all that gathers until the next drain. The queue is bounded:
//! messages and new connections wait outside while too many are in it; all else is bounded by what JS asked for.
//! A wake is a system call that makes the other thread run at once, so it comes after the round of the runtime that had
//! something to tell, not after the first event of it.
use crate::budget::Share;
use crate::lock;
use std::collections::VecDeque;
use std::ffi::c_void;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering::AcqRel, Ordering::Release};
use std::sync::{Arc, Mutex, Weak};
use tokio::sync::Notify;

/// New connections that may wait for JS (each carries a key of 2 KB).
const MAX_CONNECTIONS_QUEUED: usize = 1024;

pub enum Event {
    Connected {
        /// 0 for an accepted connection.
        request: u32,
        connection: u32,
        remote: String,
        key: Vec<u8>,
    },
    Done {
        request: u32,
    },
    Failed {
        request: u32,
        failure: Failure,
    },
    Closed {
        connection: u32,
        end: End,
    },
    Message {
        connection: u32,
        data: Vec<u8>,
        held: [Share; 2],
    },
    Observed {
        connection: u32,
        address: String,
    },
    Broken {
        text: String,
    },
}

/// Why a request failed. The numbers are part of the C ABI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    Cancelled = 1,
    Timeout = 2,
    /// The connection or the endpoint is over.
    Closed = 3,
    /// The peer stopped the stream.
    Stopped = 4,
    Stalled = 5,
    /// The handshake failed.
    Handshake = 6,
}

#[derive(Clone, Debug)]
pub struct Failure {
    pub kind: FailureKind,
    pub code: u64,
    pub text: String,
}

impl Failure {
    pub fn new(kind: FailureKind, text: impl Into<String>) -> Self {
        Self {
            kind,
            code: 0,
            text: text.into(),
        }
    }
}

/// Why a connection ended. The numbers are part of the C ABI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndKind {
    Local = 1,
    Peer = 2,
    Timeout = 3,
    Reset = 4,
    Error = 5,
}

#[derive(Clone, Debug)]
pub struct End {
    pub kind: EndKind,
    pub code: u64,
    pub reason: String,
}

/// Calls JS from any thread; made by the shell.
#[repr(C)]
pub struct Waker {
    pub wake: unsafe extern "C" fn(*mut c_void),
    pub release: unsafe extern "C" fn(*mut c_void),
    pub context: *mut c_void,
}

// SAFETY: the shell promises that `wake` may be called from any thread until `release`, and guards its own state.
unsafe impl Send for Waker {}
// SAFETY: as above.
unsafe impl Sync for Waker {}

impl Drop for Waker {
    fn drop(&mut self) {
        // SAFETY: called once, and `wake` is never called afterwards because the waker is gone.
        unsafe { (self.release)(self.context) };
    }
}

pub struct Queue {
    state: Mutex<State>,
    woken: AtomicBool,
    waker: Waker,
    gathered: Arc<Notify>,
    drained: Notify,
    max_bytes: usize,
    max_messages: usize,
}

#[derive(Default)]
struct State {
    events: VecDeque<Event>,
    bytes: usize,
    messages: usize,
    connections: usize,
    broken: bool,
}

impl Queue {
    pub fn new(waker: Waker, max_bytes: usize, max_messages: usize) -> Self {
        Self {
            state: Mutex::default(),
            woken: AtomicBool::new(false),
            waker,
            gathered: Arc::default(),
            drained: Notify::new(),
            max_bytes,
            max_messages,
        }
    }

    pub fn push(&self, event: Event) {
        let mut state = lock(&self.state);
        match &event {
            Event::Message { data, .. } => {
                state.bytes += data.len();
                state.messages += 1;
            }
            Event::Connected { .. } => state.connections += 1,
            _ => {}
        }
        state.events.push_back(event);
        drop(state);
        if !self.woken.swap(true, AcqRel) {
            self.gathered.notify_one();
        }
    }

    /// Wakes JS for what was pushed; a task of its own, which ends with the queue.
    pub fn waking(self: &Arc<Self>) -> impl Future<Output = ()> + Send + use<> {
        let (gathered, queue) = (self.gathered.clone(), Arc::downgrade(self));
        async move {
            loop {
                gathered.notified().await;
                // Behind everything that is ready now.
                tokio::task::yield_now().await;
                let Some(queue) = Weak::upgrade(&queue) else {
                    return;
                };
                queue.wake();
            }
        }
    }

    /// The endpoint failed inside: said once.
    pub fn broken(&self, text: &str) {
        let mut state = lock(&self.state);
        if state.broken {
            return;
        }
        state.broken = true;
        state.events.push_back(Event::Broken { text: text.into() });
        drop(state);
        // At once: the task that wakes may be what broke.
        self.woken.store(true, Release);
        self.wake();
    }

    /// At most `max` events, oldest first.
    pub fn drain(&self, max: usize) -> Vec<Event> {
        self.woken.store(false, Release);
        let mut state = lock(&self.state);
        let count = state.events.len().min(max);
        let events: Vec<Event> = state.events.drain(..count).collect();
        for event in &events {
            match event {
                Event::Message { data, .. } => {
                    state.bytes = state.bytes.saturating_sub(data.len());
                    state.messages = state.messages.saturating_sub(1);
                }
                Event::Connected { .. } => state.connections = state.connections.saturating_sub(1),
                _ => {}
            }
        }
        drop(state);
        self.drained.notify_waiters();
        events
    }

    /// Resolves when JS has taken enough of what waits for it. Cancelling it changes nothing.
    pub async fn has_room(&self) {
        loop {
            let drained = self.drained.notified();
            tokio::pin!(drained);
            drained.as_mut().enable();
            if self.is_open() {
                return;
            }
            drained.await;
        }
    }

    fn is_open(&self) -> bool {
        let state = lock(&self.state);
        state.bytes <= self.max_bytes
            && state.messages <= self.max_messages
            && state.connections <= MAX_CONNECTIONS_QUEUED
    }

    fn wake(&self) {
        // SAFETY: the context is alive as long as the waker, which is ours.
        unsafe { (self.waker.wake)(self.waker.context) };
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.gathered.notify_one();
    }
}

#[cfg(test)]
pub mod tests {
    use super::{Event, Queue, Waker};
    use std::ffi::c_void;
    use std::future::Future;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    use std::task::Context;

    static WAKES: AtomicUsize = AtomicUsize::new(0);

    unsafe extern "C" fn count(_: *mut c_void) {
        WAKES.fetch_add(1, Relaxed);
    }
    unsafe extern "C" fn nothing(_: *mut c_void) {}

    pub fn idle_waker() -> Waker {
        Waker {
            wake: nothing,
            release: nothing,
            context: std::ptr::null_mut(),
        }
    }

    #[test]
    fn one_wake_for_a_round_and_none_until_the_next_drain() {
        let waker = Waker {
            wake: count,
            release: nothing,
            context: std::ptr::null_mut(),
        };
        let queue = Arc::new(Queue::new(waker, 1, 1));
        let mut waking = Box::pin(queue.waking());
        let mut turn = || {
            // Once to hear of the events, once after the yield.
            let mut context = Context::from_waker(std::task::Waker::noop());
            waking.as_mut().poll(&mut context).is_ready()
                || waking.as_mut().poll(&mut context).is_ready()
        };
        for request in 0..5 {
            queue.push(Event::Done { request });
        }
        assert_eq!(WAKES.load(Relaxed), 0, "the round is not over");
        assert!(!turn());
        assert_eq!(WAKES.load(Relaxed), 1);
        queue.push(Event::Done { request: 5 });
        assert!(!turn());
        assert_eq!(WAKES.load(Relaxed), 1, "JS has not looked yet");
        assert_eq!(queue.drain(2).len(), 2);
        queue.push(Event::Done { request: 6 });
        assert!(!turn());
        assert_eq!(WAKES.load(Relaxed), 2);
        assert_eq!(queue.drain(100).len(), 5);
        queue.broken("a");
        queue.broken("b");
        assert_eq!(WAKES.load(Relaxed), 3, "at once, and once");
        assert_eq!(queue.drain(100).len(), 1);
        drop(queue);
        assert!(turn(), "the task ends with its queue");
    }
}
