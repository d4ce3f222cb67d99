//! Tasks whose panic is seen: it becomes an event, and the endpoint counts as broken.
use crate::events::Queue;
use pin_project_lite::pin_project;
use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

pin_project! {
    struct Guarded<F> {
        #[pin]
        task: F,
        queue: Arc<Queue>,
    }
}

impl<F: Future<Output = ()>> Future for Guarded<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        match catch_unwind(AssertUnwindSafe(|| this.task.poll(context))) {
            Ok(state) => state,
            Err(panic) => {
                this.queue.broken(&text_of(panic.as_ref()));
                Poll::Ready(())
            }
        }
    }
}

/// Wraps a task so that its panic is reported to `queue` and goes no further.
pub fn guarded(
    queue: &Arc<Queue>,
    task: impl Future<Output = ()> + Send + 'static,
) -> impl Future<Output = ()> + Send + 'static {
    Guarded {
        task,
        queue: queue.clone(),
    }
}

/// Starts a guarded task. To be called inside the runtime.
pub fn spawn(queue: &Arc<Queue>, task: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(guarded(queue, task));
}

pub fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("the endpoint failed inside: {}", text.unwrap_or("unknown"))
}

#[cfg(test)]
mod tests {
    use super::{guarded, text_of};
    use crate::events::{Event, Queue, tests::idle_waker};
    use std::future::Future;
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::{Context, Poll, Waker};

    #[test]
    fn a_panic_in_a_task_becomes_one_event() {
        let queue = Arc::new(Queue::new(idle_waker(), 1, 1));
        for _ in 0..2 {
            let task = pin!(guarded(&queue, async { panic!("on purpose") }));
            let polled = task.poll(&mut Context::from_waker(Waker::noop()));
            assert_eq!(polled, Poll::Ready(()));
        }
        let events = queue.drain(10);
        assert!(
            matches!(events.as_slice(), [Event::Broken { text }] if text.contains("on purpose"))
        );
    }

    #[test]
    fn a_panic_has_a_text() {
        assert!(text_of(&"a").ends_with(": a"));
        assert!(text_of(&String::from("b")).ends_with(": b"));
        assert!(text_of(&7).ends_with(": unknown"));
    }
}
