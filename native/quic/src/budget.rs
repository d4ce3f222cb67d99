//! Bytes of received messages that may be in memory at once. When they are used up, messages in the making wait in
//! line; the first in line may overdraw by one whole message, so the budget itself never stops every reader for good
//! (what a connection's window does to those that wait, and why slow ones are stopped: docs/adr/0006-quic-limits.md).
use crate::lock;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

pub struct Budget {
    limit: usize,
    overdraft: usize,
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Default)]
struct State {
    used: usize,
    /// Messages that had to wait once, by age; they stay in line until they are complete or given up.
    line: BTreeSet<u64>,
}

static AGE: AtomicU64 = AtomicU64::new(0);

impl Budget {
    /// `overdraft`: size of the largest message.
    pub fn new(limit: usize, overdraft: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            overdraft,
            state: Mutex::default(),
            freed: Notify::new(),
        })
    }

    /// A message in the making, with nothing yet.
    pub fn share(self: &Arc<Self>) -> Share {
        Share {
            budget: self.clone(),
            age: AGE.fetch_add(1, Relaxed),
            bytes: 0,
            in_line: false,
        }
    }

    pub fn used(&self) -> usize {
        lock(&self.state).used
    }

    /// Less than a quarter is left: slow messages must make room.
    pub fn scarce(&self) -> bool {
        self.used() > self.limit / 4 * 3
    }
}

/// What one message holds; given back when dropped.
pub struct Share {
    budget: Arc<Budget>,
    age: u64,
    bytes: usize,
    in_line: bool,
}

impl Share {
    /// Takes `bytes` more, waiting for them if need be. Cancelling the wait takes nothing.
    pub async fn grow(&mut self, bytes: usize) {
        let budget = self.budget.clone();
        loop {
            let freed = budget.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            if self.try_grow(bytes) {
                return;
            }
            freed.await;
        }
    }

    /// The message is complete: it keeps its bytes and leaves the line.
    pub fn complete(&mut self) {
        if self.in_line {
            self.in_line = false;
            lock(&self.budget.state).line.remove(&self.age);
            self.budget.freed.notify_waiters();
        }
    }

    fn try_grow(&mut self, bytes: usize) -> bool {
        let budget = &self.budget;
        let mut state = lock(&budget.state);
        let after = state.used.saturating_add(bytes);
        let first = state.line.first() == Some(&self.age);
        let room = if first {
            budget.limit.saturating_add(budget.overdraft)
        } else {
            budget.limit
        };
        // A single piece larger than everything must pass too, or it would wait for ever.
        if after <= room || state.used == 0 {
            state.used = after;
            self.bytes += bytes;
            return true;
        }
        if !self.in_line {
            self.in_line = true;
            state.line.insert(self.age);
            let now_first = state.line.first() == Some(&self.age);
            drop(state);
            return now_first && self.try_grow(bytes);
        }
        false
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if self.bytes == 0 && !self.in_line {
            return;
        }
        let mut state = lock(&self.budget.state);
        state.used = state.used.saturating_sub(self.bytes);
        if self.in_line {
            state.line.remove(&self.age);
        }
        drop(state);
        self.budget.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::Budget;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    fn ready(future: impl Future<Output = ()>) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        pin!(future).as_mut().poll(&mut context) == Poll::Ready(())
    }

    #[test]
    fn the_oldest_waiting_message_may_overdraw_and_the_others_wait() {
        let budget = Budget::new(100, 50);
        let (mut a, mut b, mut c) = (budget.share(), budget.share(), budget.share());
        assert!(ready(a.grow(60)) && ready(b.grow(40)));
        assert!(ready(a.grow(20)), "the first in line overdraws");
        assert!(!ready(b.grow(10)), "the second waits");
        assert!(!ready(c.grow(10)), "so does the third");
        assert!(!ready(a.grow(40)), "the overdraft ends too");
        a.complete();
        assert!(ready(b.grow(10)), "the next one moves up");
        assert_eq!(budget.used(), 130);
        drop((a, b));
        assert_eq!(budget.used(), 0);
        assert!(ready(c.grow(100)));
    }

    #[test]
    fn a_message_that_gives_up_leaves_the_line() {
        let budget = Budget::new(10, 10);
        let (mut a, mut b, mut c) = (budget.share(), budget.share(), budget.share());
        assert!(ready(a.grow(20)), "one piece larger than everything passes");
        assert!(!ready(b.grow(10)) && !ready(c.grow(10)));
        drop(a);
        drop(b);
        assert!(ready(c.grow(10)));
    }
}
