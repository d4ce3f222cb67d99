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
