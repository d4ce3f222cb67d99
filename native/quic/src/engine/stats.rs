//! Figures of a connection, read from the engine.
use noq::{Connection, PathId};

#[derive(Clone, Copy, Debug, Default)]
pub struct Stats {
    pub rtt_ms: f64,
    pub sent_bytes: u64,
    pub received_bytes: u64,
    pub sent_packets: u64,
    pub lost_packets: u64,
    pub congestion_window: u64,
    pub mtu: u16,
}

pub fn stats_of(connection: &Connection) -> Stats {
    let all = connection.stats();
    let path = connection.path_stats(PathId::ZERO).unwrap_or_default();
    Stats {
        rtt_ms: path.rtt.as_secs_f64() * 1e3,
        sent_bytes: all.udp_tx.bytes,
        received_bytes: all.udp_rx.bytes,
        sent_packets: all.sent_packets,
        lost_packets: all.lost_packets,
        congestion_window: path.cwnd,
        mtu: path.current_mtu,
    }
}

impl Stats {
    pub const COUNT: usize = 7;

    /// In the order of the fields.
    pub fn numbers(&self) -> [f64; Self::COUNT] {
        [
            self.rtt_ms,
            self.sent_bytes as f64,
            self.received_bytes as f64,
            self.sent_packets as f64,
            self.lost_packets as f64,
            self.congestion_window as f64,
            f64::from(self.mtu),
        ]
    }
}
