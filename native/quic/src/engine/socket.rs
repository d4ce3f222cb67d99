//! The UDP socket of an endpoint. Datagrams whose first two bits are 00 are not QUIC (RFC 9443: STUN and kin): they
//! are counted and dropped here, before the engine sees them; whoever will handle them takes them from `not_quic`.
use super::cut::Cuts;
use crate::trim;
use noq::udp::{RecvMeta, Transmit, UdpSocketState};
use noq::{AsyncUdpSocket, UdpSender};
use std::fmt;
use std::future::Future;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};
use tokio::io::Interest;

/// Failed receives in a row after which the socket counts as lost. Single ones are echoes of ICMP.
const MAX_ERRORS: u32 = 1000;

pub struct Socket {
    io: tokio::net::UdpSocket,
    state: UdpSocketState,
    received: AtomicU64,
    not_quic: AtomicU64,
    pub cuts: Cuts,
}

impl Socket {
    /// Binds inside the runtime. `buffer`: bytes asked of the system each way; it may give less.
    pub fn bind(address: SocketAddr, buffer: usize) -> io::Result<Arc<Self>> {
        let socket = socket2::Socket::new(
            socket2::Domain::for_address(address),
            socket2::Type::DGRAM,
            None,
        )?;
        if address.is_ipv6() {
            socket.set_only_v6(false)?;
        }
        socket.set_nonblocking(true)?;
        if buffer > 0 {
            // A refusal leaves the default, which only loses more packets in bursts.
            let _ = socket.set_recv_buffer_size(buffer);
            let _ = socket.set_send_buffer_size(buffer);
        }
        socket.bind(&address.into())?;
        let socket: UdpSocket = socket.into();
        let state = UdpSocketState::new((&socket).into())?;
        let io = tokio::net::UdpSocket::from_std(socket)?;
        Ok(Arc::new(Self {
            io,
            state,
            received: AtomicU64::new(0),
            not_quic: AtomicU64::new(0),
            cuts: Cuts::default(),
        }))
    }

    /// A target as this socket must name it.
    pub fn target(&self, address: SocketAddr) -> SocketAddr {
        let dual = self.io.local_addr().is_ok_and(|local| local.is_ipv6());
        match address.ip() {
            IpAddr::V4(v4) if dual => SocketAddr::new(v4.to_ipv6_mapped().into(), address.port()),
            _ => address,
        }
    }

    /// Datagrams received, and those of them that were dropped because they are not QUIC.
    pub fn datagrams(&self) -> [u64; 2] {
        [self.received.load(Relaxed), self.not_quic.load(Relaxed)]
    }

    /// Marks batches without QUIC as empty. A batch of one sender that mixes both goes to the engine, which drops
    /// packets without the fixed bit itself.
    fn sift(&self, buffer: &[u8], meta: &mut RecvMeta) {
        let mut quic = false;
        for datagram in buffer.chunks(meta.stride.max(1)) {
            self.received.fetch_add(1, Relaxed);
            if datagram.first().is_some_and(|first| first & 0xc0 == 0) {
                self.not_quic.fetch_add(1, Relaxed);
            } else {
                quic = true;
            }
        }
        if !quic {
            meta.len = 0;
        }
    }
}

/// The engine's view of the socket.
pub struct EngineSocket(pub Arc<Socket>);

impl fmt::Debug for EngineSocket {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("EngineSocket")
    }
}

impl AsyncUdpSocket for EngineSocket {
    fn create_sender(&self) -> Pin<Box<dyn UdpSender>> {
        Box::pin(Sender {
            socket: Arc::downgrade(&self.0),
            writable: None,
        })
    }

    fn poll_recv(
        &mut self,
        context: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let socket = &self.0;
        let mut errors = 0;
        loop {
            ready!(socket.io.poll_recv_ready(context))?;
            let received = socket.io.try_io(Interest::READABLE, || {
                socket.state.recv((&socket.io).into(), buffers, metas)
            });
            match received {
                Ok(count) => {
                    trim::moved(metas.iter().take(count).map(|meta| meta.len as u64).sum());
                    for (buffer, meta) in buffers.iter().zip(metas.iter_mut()).take(count) {
                        if let Some(filled) = buffer.get(..meta.len) {
                            socket.sift(filled, meta);
                        }
                        if socket.cuts.loses_from(meta.addr) {
                            meta.len = 0;
                        }
                    }
                    return Poll::Ready(Ok(count));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => {
                    errors += 1;
                    if errors > MAX_ERRORS {
                        return Poll::Ready(Err(error));
                    }
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.io.local_addr()
    }
    fn max_receive_segments(&self) -> NonZeroUsize {
        self.0.state.gro_segments()
    }
    fn may_fragment(&self) -> bool {
        self.0.state.may_fragment()
    }
}

/// Holds the socket weakly: the engine keeps a sender of its own for as long as it waits for late packets.
struct Sender {
    socket: Weak<Socket>,
    writable: Option<Pin<Box<dyn Future<Output = io::Result<()>> + Send + Sync>>>,
}

impl fmt::Debug for Sender {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sender")
    }
}

impl UdpSender for Sender {
    fn poll_send(
        mut self: Pin<&mut Self>,
        transmit: &Transmit<'_>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if let Some(writable) = &mut self.writable {
                let waited = ready!(writable.as_mut().poll(context));
                self.writable = None;
                waited?;
            }
            let Some(socket) = self.socket.upgrade() else {
                return Poll::Ready(Ok(()));
            };
            if socket.cuts.loses_to(transmit.destination) {
                return Poll::Ready(Ok(()));
            }
            let sent = socket.io.try_io(Interest::WRITABLE, || {
                socket.state.try_send((&socket.io).into(), transmit)
            });
            if sent.is_ok() {
                trim::moved(transmit.contents.len() as u64);
            }
            match sent {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.writable = Some(Box::pin(async move { socket.io.writable().await }));
                }
                // EPERM, ENETUNREACH and the like: a lost packet, not a lost connection.
                Ok(()) | Err(_) => return Poll::Ready(Ok(())),
            }
        }
    }

    fn max_transmit_segments(&self) -> NonZeroUsize {
        let socket = self.socket.upgrade();
        socket.map_or(NonZeroUsize::MIN, |socket| socket.state.max_gso_segments())
    }
}

/// Takes the place of the real socket once the endpoint is closed, so that its port is free at once while the engine
/// still waits for late packets of closed connections.
#[derive(Debug)]
pub struct NoSocket(pub SocketAddr);

impl AsyncUdpSocket for NoSocket {
    fn create_sender(&self) -> Pin<Box<dyn UdpSender>> {
        Box::pin(NoSender)
    }
    fn poll_recv(
        &mut self,
        _: &mut Context<'_>,
        _: &mut [IoSliceMut<'_>],
        _: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        Poll::Pending
    }
    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.0)
    }
}

#[derive(Debug)]
struct NoSender;

impl UdpSender for NoSender {
    fn poll_send(
        self: Pin<&mut Self>,
        _: &Transmit<'_>,
        _: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
