//! The engine's own tasks, guarded: a panic in one of them is reported instead of leaving a silent endpoint.
use crate::events::Queue;
use crate::guard::spawn;
use noq::{AsyncTimer, AsyncUdpSocket, Runtime, TokioRuntime};
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

pub struct WatchedRuntime(pub Arc<Queue>);

impl fmt::Debug for WatchedRuntime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("WatchedRuntime")
    }
}

impl Runtime for WatchedRuntime {
    fn new_timer(&self, at: Instant) -> Pin<Box<dyn AsyncTimer>> {
        TokioRuntime.new_timer(at)
    }
    fn spawn(&self, task: Pin<Box<dyn Future<Output = ()> + Send>>) {
        spawn(&self.0, task);
    }
    fn wrap_udp_socket(&self, socket: std::net::UdpSocket) -> io::Result<Box<dyn AsyncUdpSocket>> {
        TokioRuntime.wrap_udp_socket(socket)
    }
    fn now(&self) -> Instant {
        TokioRuntime.now()
    }
}
