//! The runtime of the process: one worker thread for every endpoint, made on first use and never torn down.
use std::sync::OnceLock;
use tokio::runtime::{Builder, Runtime};

static RUNTIME: OnceLock<Option<Runtime>> = OnceLock::new();

/// None when the system gives no thread; the answer stays the same for the life of the process.
pub fn runtime() -> Option<&'static Runtime> {
    RUNTIME
        .get_or_init(|| {
            Builder::new_multi_thread()
                .worker_threads(1)
                .max_blocking_threads(2)
                .thread_name("myrmex-quic")
                .enable_all()
                .build()
                .ok()
        })
        .as_ref()
}
