//! Everything that knows the QUIC engine by name, apart from the streams that `send`, `receive` and `dial` use: its
//! configuration here, its socket and its statistics in the files beside. quinn has the same shape but for these.
mod cut;
mod runtime;
pub mod socket;
pub mod stats;

pub use noq::{
    ClientConfig, Connection, ConnectionError, Endpoint, Incoming, RecvStream, SendStream,
    ServerConfig, VarInt, WriteError,
};
pub use runtime::WatchedRuntime;

use crate::events::{End, EndKind};
use crate::options::Options;
use crate::tls;
use noq::congestion::Bbr3Config;
use noq::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use noq::{EndpointConfig, MtuDiscoveryConfig, PathId, TransportConfig};
use std::ffi::CStr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio_stream::{Stream, StreamExt};

pub const NAME: &CStr = c"noq 1.4.0";

/// The receive window of a stream may not be larger: noq 1.4.0 ends a healthy stream with "too many gaps in stream
/// buffer" when more than 1024 pieces of a packet each wait in it (1 MiB / 1150 bytes = 911).
const MAX_STREAM_WINDOW: u64 = 1 << 20;

const QUIC_VERSION_1: u32 = 1;

/// Initials that wait for our verdict: count, bytes of each (a hybrid ClientHello fills two datagrams), bytes of all.
const MAX_INCOMING: usize = 1024;
const INCOMING_BYTES: u64 = 16 << 10;
const ALL_INCOMING_BYTES: u64 = 8 << 20;

/// Which timers and windows a connection has.
#[derive(Clone, Copy)]
pub enum Role {
    Dialler,
    Acceptor,
}

pub fn endpoint_config() -> EndpointConfig {
    let mut config = EndpointConfig::default();
    // A peer that may clear the fixed bit makes short headers look like STUN (RFC 9443): not offered.
    config.grease_quic_bit(false);
    config.supported_versions(vec![QUIC_VERSION_1]);
    config
}

pub fn client_config(tls: rustls::ClientConfig, options: &Options) -> Result<ClientConfig, String> {
    let crypto = QuicClientConfig::try_from(tls).map_err(|error| error.to_string())?;
    let mut config = ClientConfig::new(Arc::new(crypto));
    let window = options.connection_window_bytes;
    config.transport_config(Arc::new(transport(options, Role::Dialler, window)));
    Ok(config)
}

/// `window`: receive window of a whole connection, bytes.
pub fn server_config(
    tls: rustls::ServerConfig,
    options: &Options,
    window: u64,
) -> Result<ServerConfig, String> {
    let crypto = QuicServerConfig::try_from(tls).map_err(|error| error.to_string())?;
    let mut config = ServerConfig::with_crypto(Arc::new(crypto));
    config.transport_config(Arc::new(transport(options, Role::Acceptor, window)));
    config.migration(true);
    config.max_incoming(MAX_INCOMING);
    config.incoming_buffer_size(INCOMING_BYTES);
    config.incoming_buffer_size_total(ALL_INCOMING_BYTES);
    Ok(config)
}

fn transport(options: &Options, role: Role, window: u64) -> TransportConfig {
    let keep_alive = match role {
        Role::Dialler => options.dialler_keep_alive_ms,
        Role::Acceptor => options.acceptor_keep_alive_ms,
    };
    let mut config = TransportConfig::default();
    config
        .max_idle_timeout(Some(var(options.idle_ms).into()))
        .keep_alive_interval((keep_alive > 0).then(|| Duration::from_millis(keep_alive)))
        .max_concurrent_uni_streams(var(options.max_uni_streams))
        .max_concurrent_bidi_streams(var(options.max_bidi_streams))
        .stream_receive_window(var(options.stream_window_bytes.min(MAX_STREAM_WINDOW)))
        .receive_window(var(window))
        .send_window(options.send_window_bytes)
        .initial_mtu(small(options.initial_mtu))
        .send_observed_address_reports(true)
        .receive_observed_address_reports(true)
        // QUIC datagrams are not used on this network: not offered, nothing to buffer.
        .datagram_receive_buffer_size(None);
    let mut mtu = MtuDiscoveryConfig::default();
    mtu.upper_bound(small(options.max_mtu));
    config.mtu_discovery_config(Some(mtu));
    // CUBIC falls to 2 MB/s at 0.1 % loss and 100 ms; BBR3 keeps 70 (measured).
    let mut congestion = Bbr3Config::default();
    congestion.initial_window(options.initial_congestion_window_bytes);
    config.congestion_controller_factory(Arc::new(congestion));
    config
}

/// A QUIC integer of at most 2^62 - 1; larger ones become the largest.
pub fn var(number: u64) -> VarInt {
    VarInt::from_u64(number).unwrap_or(VarInt::MAX)
}

fn small(number: u64) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

/// The ML-DSA-65 key that the peer proved in the handshake.
pub fn peer_key(connection: &Connection) -> Option<Vec<u8>> {
    let identity = connection.peer_identity()?;
    let entries = identity
        .downcast::<Vec<rustls::pki_types::CertificateDer<'static>>>()
        .ok()?;
    tls::key_of_spki(entries.first()?).map(<[u8]>::to_vec)
}

/// Sends a packet that the peer must acknowledge; false when the connection is over.
pub fn ping(connection: &Connection) -> bool {
    connection
        .path(PathId::ZERO)
        .is_some_and(|path| path.ping().is_ok())
}

pub fn remote_of(connection: &Connection) -> Option<SocketAddr> {
    let path = connection.path(PathId::ZERO)?;
    path.remote_address().ok().map(canonical)
}

/// What the peer says our address is, each time it changes. Ends with the connection.
pub fn observed_addresses(connection: &Connection) -> impl Stream<Item = SocketAddr> + use<> {
    connection.observed_external_addr().map(canonical)
}

/// IPv4 as IPv4, also on a dual-stack socket.
pub fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

pub fn end_of(error: &ConnectionError) -> End {
    let (kind, code, reason) = match error {
        ConnectionError::LocallyClosed => (EndKind::Local, 0, String::new()),
        ConnectionError::ApplicationClosed(close) => (
            EndKind::Peer,
            close.error_code.into_inner(),
            String::from_utf8_lossy(&close.reason).into_owned(),
        ),
        ConnectionError::ConnectionClosed(close) => (
            EndKind::Peer,
            close.error_code.into(),
            String::from_utf8_lossy(&close.reason).into_owned(),
        ),
        ConnectionError::TransportError(error) => {
            (EndKind::Error, error.code.into(), error.to_string())
        }
        ConnectionError::TimedOut => (EndKind::Timeout, 0, "idle timeout".into()),
        ConnectionError::Reset => (EndKind::Reset, 0, "reset by the peer".into()),
        other => (EndKind::Error, 0, other.to_string()),
    };
    End { kind, code, reason }
}
