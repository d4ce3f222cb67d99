//! An endpoint: its socket, its connections, its budgets, and the loop that accepts.
use crate::admission::{Admission, Verdict};
use crate::budget::Budget;
use crate::connection::{Link, adopt};
use crate::engine::socket::{EngineSocket, NoSocket, Socket};
use crate::engine::{self, ClientConfig, Incoming, ServerConfig, WatchedRuntime};
use crate::events::{Event, Failure, FailureKind, Queue};
use crate::guard::spawn;
use crate::options::Options;
use crate::{lock, tls};
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Smallest receive window of a connection, for those accepted when half of the window budget is spoken for.
const SMALL_WINDOW: u64 = 256 << 10;
/// How long a close may take: for CONNECTION_CLOSE to leave, for late packets, for the socket to be free.
const CLOSE_SENT: Duration = Duration::from_millis(250);
const CLOSE_LATE: Duration = Duration::from_millis(100);
const CLOSE_SOCKET: Duration = Duration::from_millis(500);

#[derive(Default)]
pub struct Counters {
    pub dialled: AtomicU64,
    pub accepted: AtomicU64,
    pub refused: AtomicU64,
    pub retried: AtomicU64,
    pub handshakes_failed: AtomicU64,
    pub messages_in: AtomicU64,
    pub messages_out: AtomicU64,
    pub messages_dropped: AtomicU64,
}

pub struct Shared {
    pub options: Options,
    pub queue: Arc<Queue>,
    pub engine: engine::Endpoint,
    pub client: ClientConfig,
    pub links: Mutex<HashMap<u32, Arc<Link>>>,
    pub inbound: Arc<Budget>,
    pub windows: WindowBudget,
    pub counters: Counters,
    pub public_key: Vec<u8>,
    small_server: Arc<ServerConfig>,
    cancels: Mutex<HashMap<u32, oneshot::Sender<()>>>,
    admission: Mutex<Admission>,
    socket: Mutex<Weak<Socket>>,
    next_id: AtomicU32,
    closing: AtomicBool,
}

pub enum OpenError {
    Bind(io::Error),
    Other(String),
}

impl From<String> for OpenError {
    fn from(text: String) -> Self {
        Self::Other(text)
    }
}

/// Opens an endpoint. To be called inside the runtime.
pub fn open(
    secret: &[u8],
    bind: SocketAddr,
    options: Options,
    queue: Arc<Queue>,
) -> Result<Arc<Shared>, OpenError> {
    let tls::Profile {
        client,
        server,
        public_key,
    } = tls::profile(secret)?;
    let server_config =
        engine::server_config(server.clone(), &options, options.connection_window_bytes)?;
    let small = SMALL_WINDOW.min(options.connection_window_bytes);
    let small_server = engine::server_config(server, &options, small)?;
    let client = engine::client_config(client, &options)?;
    let socket =
        Socket::bind(bind, options.socket_buffer_bytes as usize).map_err(OpenError::Bind)?;
    let engine = engine::Endpoint::new_with_abstract_socket(
        engine::endpoint_config(),
        Some(server_config),
        Box::new(EngineSocket(socket.clone())),
        Arc::new(WatchedRuntime(queue.clone())),
    )
    .map_err(OpenError::Bind)?;
    let shared = Arc::new(Shared {
        inbound: Budget::new(
            options.inbound_budget_bytes as usize,
            options.max_message_bytes as usize,
        ),
        windows: WindowBudget(AtomicU64::new(options.window_budget_bytes)),
        admission: Mutex::new(Admission::new(&options)),
        socket: Mutex::new(Arc::downgrade(&socket)),
        small_server: Arc::new(small_server),
        links: Mutex::default(),
        cancels: Mutex::default(),
        counters: Counters::default(),
        next_id: AtomicU32::new(1),
        closing: AtomicBool::new(false),
        options,
        queue,
        engine,
        client,
        public_key,
    });
    spawn(&shared.queue, accept(shared.clone()));
    Ok(shared)
}

async fn accept(shared: Arc<Shared>) {
    loop {
        shared.queue.has_room().await;
        let Some(incoming) = shared.engine.accept().await else {
            break;
        };
        let ip = incoming.remote_address().ip();
        let validated = incoming.remote_address_validated();
        let connections = shared.engine.open_connections();
        let verdict = lock(&shared.admission).decide(ip, validated, connections, Instant::now());
        let counters = &shared.counters;
        match verdict {
            Verdict::Accept => spawn(&shared.queue, handshake(shared.clone(), incoming)),
            Verdict::Retry => {
                counters.retried.fetch_add(1, Relaxed);
                let _ = incoming.retry();
            }
            Verdict::Refuse => {
                counters.refused.fetch_add(1, Relaxed);
                incoming.refuse();
            }
            Verdict::Ignore => {
                counters.refused.fetch_add(1, Relaxed);
                incoming.ignore();
            }
        }
    }
    if !shared.closing.load(Relaxed) {
        shared.queue.broken("the socket of the endpoint failed");
    }
}

/// Half open until it is done; the timer is ours, the engine would wait for the idle timeout.
async fn handshake(shared: Arc<Shared>, incoming: Incoming) {
    let half_open = HalfOpen(&shared, incoming.remote_address());
    let seat = Seat(shared.clone(), incoming.remote_address());
    let crowded = shared.engine.open_connections() as u64 * shared.options.connection_window_bytes
        > shared.options.window_budget_bytes / 2;
    let accepted = if crowded {
        incoming.accept_with(shared.small_server.clone())
    } else {
        incoming.accept()
    };
    let limit = Duration::from_millis(shared.options.handshake_ms);
    let connected = match accepted {
        Ok(connecting) => tokio::time::timeout(limit, connecting).await.ok(),
        Err(_) => None,
    };
    drop(half_open);
    match connected {
        Some(Ok(connection)) => {
            shared.counters.accepted.fetch_add(1, Relaxed);
            adopt(&shared, connection, 0, Some(seat));
        }
        _ => {
            shared.counters.handshakes_failed.fetch_add(1, Relaxed);
        }
    }
}

struct HalfOpen<'a>(&'a Shared, SocketAddr);

impl Drop for HalfOpen<'_> {
    fn drop(&mut self) {
        lock(&self.0.admission).finished(self.1.ip());
    }
}

/// Held while an accepted connection lives.
pub struct Seat(Arc<Shared>, SocketAddr);

impl Drop for Seat {
    fn drop(&mut self) {
        lock(&self.0.admission).left(self.1.ip());
    }
}

impl Shared {
    pub fn next_id(&self) -> u32 {
        loop {
            let id = self.next_id.fetch_add(1, Relaxed);
            if id != 0 && !lock(&self.links).contains_key(&id) {
                return id;
            }
        }
    }

    pub fn link(&self, connection: u32) -> Option<Arc<Link>> {
        lock(&self.links).get(&connection).cloned()
    }

    pub fn target(&self, address: SocketAddr) -> SocketAddr {
        let socket = lock(&self.socket).upgrade();
        socket.map_or(address, |socket| socket.target(address))
    }

    pub fn local_address(&self) -> Option<SocketAddr> {
        self.engine.local_addr().ok().map(engine::canonical)
    }

    /// A receiver that resolves when JS cancels the request.
    pub fn cancellable(&self, request: u32) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        lock(&self.cancels).insert(request, sender);
        receiver
    }

    pub fn cancel(&self, request: u32) {
        if let Some(sender) = lock(&self.cancels).remove(&request) {
            let _ = sender.send(());
        }
    }

    pub fn forget_cancel(&self, request: u32) {
        lock(&self.cancels).remove(&request);
    }

    pub fn lost_before_adoption(&self, request: u32) {
        if request != 0 {
            let failure = Failure::new(FailureKind::Closed, "closed right after the handshake");
            self.queue.push(Event::Failed { request, failure });
        }
    }

    pub fn half_open(&self) -> usize {
        lock(&self.admission).half_open()
    }

    /// Datagrams received, and those of them that are not QUIC.
    pub fn datagrams(&self) -> [u64; 2] {
        let socket = lock(&self.socket).upgrade();
        socket.map_or([0; 2], |socket| socket.datagrams())
    }

    /// Loses datagrams from and to ports of this machine, for tests; false when there are too many.
    pub fn cut_links(&self, from: &[u16], to: &[u16]) -> bool {
        let socket = lock(&self.socket).upgrade();
        socket.is_none_or(|socket| socket.cuts.set(from, to))
    }

    /// A hint: between the default window and the largest, as far as the budget of all connections goes.
    pub fn set_receive_window(&self, link: &Link, bytes: u64) {
        let default = self.options.connection_window_bytes;
        let wanted = bytes
            .min(self.options.max_connection_window_bytes)
            .saturating_sub(default);
        let mut raised = lock(&link.raised);
        let Some(had) = *raised else { return };
        let granted = if wanted > had {
            had + self.windows.take(wanted - had)
        } else {
            self.windows.give_back(had - wanted);
            wanted
        };
        *raised = Some(granted);
        if granted != had {
            link.engine
                .set_receive_window(engine::var(default + granted));
        }
    }

    /// Starts the close of every connection; nothing new comes in.
    pub fn begin_close(&self, code: u64, reason: &[u8]) {
        self.closing.store(true, Relaxed);
        self.engine.close(engine::var(code), reason);
    }

    /// Resolves when every peer has been told, or has had its time.
    pub async fn close_sent(&self) {
        let _ = tokio::time::timeout(CLOSE_SENT, self.engine.wait_all_draining()).await;
    }

    /// Frees the port. Late packets of closed connections get a moment first: a lost CONNECTION_CLOSE is said again.
    pub async fn release_socket(&self) {
        let _ = tokio::time::timeout(CLOSE_LATE, self.engine.wait_idle()).await;
        let Ok(address) = self.engine.local_addr() else {
            return;
        };
        // Twice: the engine keeps the socket before the present one.
        for _ in 0..2 {
            let _ = self.engine.rebind_abstract(Box::new(NoSocket(address)));
        }
        let socket = std::mem::take(&mut *lock(&self.socket));
        let deadline = Instant::now() + CLOSE_SOCKET;
        while socket.strong_count() > 0 && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// Receive window that connections may have above their default, all together.
pub struct WindowBudget(AtomicU64);

impl WindowBudget {
    /// As much of `bytes` as is left.
    fn take(&self, bytes: u64) -> u64 {
        let mut left = self.0.load(Relaxed);
        loop {
            let taken = left.min(bytes);
            match self
                .0
                .compare_exchange_weak(left, left - taken, Relaxed, Relaxed)
            {
                Ok(_) => return taken,
                Err(now) => left = now,
            }
        }
    }

    pub fn give_back(&self, bytes: u64) {
        self.0.fetch_add(bytes, Relaxed);
    }
}
