//! Options of an endpoint. They cross the C ABI as an array of numbers in the order of the fields; their defaults and
//! the reason of each are in src/transport/quic/quic-options.ts.

macro_rules! options {
    ($($name:ident),* $(,)?) => {
        #[derive(Clone, Debug)]
        pub struct Options { $(pub $name: u64),* }

        impl Options {
            pub const COUNT: usize = [$(stringify!($name)),*].len();

            /// Whole numbers that are not negative, in the order of the fields; None when one is not or the count differs.
            pub fn from_numbers(numbers: &[f64]) -> Option<Self> {
                if numbers.len() != Self::COUNT {
                    return None;
                }
                let mut rest = numbers.iter();
                Some(Self { $($name: whole(*rest.next()?)?),* })
            }
        }
    };
}

options! {
    max_message_bytes,
    max_connections,
    send_queue_bytes,
    max_half_open,
    max_half_open_per_ip,
    max_connections_per_ip,
    retry_above_half_open,
    new_connections_per_minute,
    new_connections_burst,
    first_answer_ms,
    handshake_ms,
    idle_ms,
    dialler_keep_alive_ms,
    acceptor_keep_alive_ms,
    max_uni_streams,
    max_bidi_streams,
    concurrent_reads,
    stream_window_bytes,
    connection_window_bytes,
    max_connection_window_bytes,
    window_budget_bytes,
    send_window_bytes,
    inbound_budget_bytes,
    connection_inbound_bytes,
    event_queue_bytes,
    event_queue_messages,
    write_stall_ms,
    read_stall_ms,
    read_total_ms,
    initial_mtu,
    max_mtu,
    initial_congestion_window_bytes,
    socket_buffer_bytes,
    concurrent_large_sends,
}

/// The largest whole number that a double holds exactly, and more than any option means.
const MAX: f64 = 9_007_199_254_740_991.0;

fn whole(number: f64) -> Option<u64> {
    ((0.0..=MAX).contains(&number) && number.fract() == 0.0).then_some(number as u64)
}

#[cfg(test)]
impl Options {
    /// Small and quick, for tests.
    pub fn for_test() -> Self {
        Self {
            max_message_bytes: 1 << 20,
            max_connections: 16,
            send_queue_bytes: 8 << 20,
            max_half_open: 8,
            max_half_open_per_ip: 4,
            max_connections_per_ip: 6,
            retry_above_half_open: 2,
            new_connections_per_minute: 60,
            new_connections_burst: 10,
            first_answer_ms: 500,
            handshake_ms: 1_000,
            idle_ms: 30_000,
            dialler_keep_alive_ms: 10_000,
            acceptor_keep_alive_ms: 25_000,
            max_uni_streams: 100,
            max_bidi_streams: 100,
            concurrent_reads: 100,
            stream_window_bytes: 1 << 20,
            connection_window_bytes: 2 << 20,
            max_connection_window_bytes: 16 << 20,
            window_budget_bytes: 64 << 20,
            send_window_bytes: 8 << 20,
            inbound_budget_bytes: 8 << 20,
            connection_inbound_bytes: 4 << 20,
            event_queue_bytes: 8 << 20,
            event_queue_messages: 64,
            write_stall_ms: 2_000,
            read_stall_ms: 2_000,
            read_total_ms: 10_000,
            initial_mtu: 1_350,
            max_mtu: 1_452,
            initial_congestion_window_bytes: 1 << 20,
            socket_buffer_bytes: 0,
            concurrent_large_sends: 8,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Options;

    #[test]
    fn numbers_must_be_whole_and_complete() {
        let mut numbers = vec![1.0; Options::COUNT];
        assert!(Options::from_numbers(&numbers).is_some());
        for bad in [-1.0, 0.5, f64::NAN, f64::INFINITY, 1e300] {
            numbers[3] = bad;
            assert!(Options::from_numbers(&numbers).is_none(), "{bad}");
        }
        assert!(Options::from_numbers(&vec![1.0; Options::COUNT - 1]).is_none());
    }
}
