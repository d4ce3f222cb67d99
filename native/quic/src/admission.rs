//! Who may begin a handshake. Pure: time comes in. An address that has not proved that it is real (no Retry token)
//! costs us little: it may not take the last slots, nor use up what a real peer behind the same address has left.
use crate::options::Options;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Instant;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Accept,
    /// Ask for proof of the address first (RFC 9000, 8.1.2).
    Retry,
    /// Answer CONNECTION_REFUSED.
    Refuse,
    /// Say nothing.
    Ignore,
}

/// Addresses remembered: wire.md 24 keeps 100 000, here in two generations of half of it.
const GENERATION: usize = 50_000;

pub struct Admission {
    max_connections: usize,
    max_half_open: usize,
    max_half_open_per_ip: usize,
    max_connections_per_ip: usize,
    retry_above: usize,
    per_second: f64,
    burst: f64,
    half_open: usize,
    half_open_by_ip: HashMap<IpAddr, usize>,
    /// Accepted connections, half open ones too.
    accepted_by_ip: HashMap<IpAddr, usize>,
    recent: HashMap<IpAddr, Bucket>,
    older: HashMap<IpAddr, Bucket>,
}

#[derive(Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Admission {
    pub fn new(options: &Options) -> Self {
        Self {
            max_connections: options.max_connections as usize,
            max_half_open: options.max_half_open as usize,
            max_half_open_per_ip: options.max_half_open_per_ip as usize,
            max_connections_per_ip: options.max_connections_per_ip as usize,
            retry_above: options.retry_above_half_open as usize,
            per_second: options.new_connections_per_minute as f64 / 60.0,
            burst: options.new_connections_burst as f64,
            half_open: 0,
            half_open_by_ip: HashMap::new(),
            accepted_by_ip: HashMap::new(),
            recent: HashMap::new(),
            older: HashMap::new(),
        }
    }

    /// On Accept the handshake counts as half open until `finished`, and as a connection until `left`, are called with
    /// the same address.
    pub fn decide(
        &mut self,
        ip: IpAddr,
        validated: bool,
        connections: usize,
        now: Instant,
    ) -> Verdict {
        if self.half_open >= self.max_half_open || connections >= self.max_connections {
            return if validated {
                Verdict::Refuse
            } else {
                Verdict::Ignore
            };
        }
        let source = source_of(ip);
        let waiting = self.half_open_by_ip.get(&source).copied().unwrap_or(0);
        let accepted = self.accepted_by_ip.get(&source).copied().unwrap_or(0);
        let mut bucket = self.bucket(source, now);
        if validated {
            if waiting >= self.max_half_open_per_ip
                || accepted >= self.max_connections_per_ip
                || bucket.tokens < 1.0
            {
                return Verdict::Refuse;
            }
        } else if self.half_open >= self.retry_above
            || waiting * 2 >= self.max_half_open_per_ip
            || accepted * 2 >= self.max_connections_per_ip
            || bucket.tokens * 2.0 < self.burst
        {
            return Verdict::Retry;
        }
        bucket.tokens -= 1.0;
        self.keep(source, bucket);
        self.half_open += 1;
        self.half_open_by_ip.insert(source, waiting + 1);
        self.accepted_by_ip.insert(source, accepted + 1);
        Verdict::Accept
    }

    /// A handshake that was accepted here is over, well or badly.
    pub fn finished(&mut self, ip: IpAddr) {
        self.half_open = self.half_open.saturating_sub(1);
        one_less(&mut self.half_open_by_ip, ip);
    }

    /// A connection that was accepted here is over.
    pub fn left(&mut self, ip: IpAddr) {
        one_less(&mut self.accepted_by_ip, ip);
    }

    pub fn half_open(&self) -> usize {
        self.half_open
    }

    fn bucket(&self, source: IpAddr, now: Instant) -> Bucket {
        let known = self.recent.get(&source).or_else(|| self.older.get(&source));
        let Some(bucket) = known else {
            return Bucket {
                tokens: self.burst,
                at: now,
            };
        };
        let passed = now.saturating_duration_since(bucket.at).as_secs_f64();
        Bucket {
            tokens: (bucket.tokens + passed * self.per_second).min(self.burst),
            at: now,
        }
    }

    fn keep(&mut self, source: IpAddr, bucket: Bucket) {
        if self.recent.len() >= GENERATION {
            self.older = std::mem::take(&mut self.recent);
        }
        self.recent.insert(source, bucket);
    }
}

fn one_less(counts: &mut HashMap<IpAddr, usize>, ip: IpAddr) {
    let source = source_of(ip);
    if let Some(count) = counts.get_mut(&source) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(&source);
        }
    }
}

/// One subscriber: an IPv4 address, or the /64 of an IPv6 one.
fn source_of(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() >> 64 << 64).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Admission, Verdict};
    use crate::options::Options;
    use std::net::IpAddr;
    use std::time::{Duration, Instant};

    const A: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const B: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    /// 8 half open, 4 per address, Retry from 2 on, burst 10, 1 per second, 16 connections, 6 per address.
    fn admission() -> (Admission, Instant) {
        (Admission::new(&Options::for_test()), Instant::now())
    }

    #[test]
    fn unproven_addresses_are_asked_for_proof_and_real_ones_are_limited() {
        let (mut admission, now) = admission();
        assert_eq!(admission.decide(A, false, 0, now), Verdict::Accept);
        assert_eq!(admission.decide(A, false, 0, now), Verdict::Accept);
        assert_eq!(admission.decide(A, false, 0, now), Verdict::Retry);
        assert_eq!(admission.decide(A, true, 0, now), Verdict::Accept);
        assert_eq!(admission.decide(A, true, 0, now), Verdict::Accept);
        assert_eq!(admission.decide(A, true, 0, now), Verdict::Refuse);
        assert_eq!(admission.decide(B, true, 0, now), Verdict::Accept);
        assert_eq!(admission.half_open(), 5);
        admission.finished(A);
        assert_eq!(admission.decide(A, true, 0, now), Verdict::Accept);
    }

    #[test]
    fn half_open_and_connections_have_a_total() {
        let (mut admission, now) = admission();
        for i in 0..8u8 {
            let ip = IpAddr::from([198, 51, 100, i]);
            assert_eq!(admission.decide(ip, true, 0, now), Verdict::Accept);
        }
        assert_eq!(admission.decide(A, false, 0, now), Verdict::Ignore);
        assert_eq!(admission.decide(A, true, 0, now), Verdict::Refuse);
        let (mut admission, now) = self::admission();
        assert_eq!(admission.decide(A, false, 16, now), Verdict::Ignore);
        assert_eq!(admission.decide(A, true, 15, now), Verdict::Accept);
    }

    #[test]
    fn the_rate_of_new_connections_is_limited_per_address() {
        let (mut admission, now) = admission();
        for _ in 0..10 {
            assert_eq!(admission.decide(A, true, 0, now), Verdict::Accept);
            admission.finished(A);
            admission.left(A);
        }
        assert_eq!(admission.decide(A, true, 0, now), Verdict::Refuse);
        assert_eq!(admission.decide(A, false, 0, now), Verdict::Retry);
        assert_eq!(admission.decide(B, true, 0, now), Verdict::Accept);
        let later = now + Duration::from_secs(1);
        assert_eq!(admission.decide(A, true, 0, later), Verdict::Accept);
        assert_eq!(admission.decide(A, true, 0, later), Verdict::Refuse);
    }

    #[test]
    fn one_address_may_not_have_all_connections() {
        let (mut admission, now) = admission();
        for _ in 0..6 {
            assert_eq!(admission.decide(A, true, 0, now), Verdict::Accept);
            admission.finished(A);
        }
        assert_eq!(admission.decide(A, true, 6, now), Verdict::Refuse);
        assert_eq!(admission.decide(B, true, 6, now), Verdict::Accept);
        admission.left(A);
        assert_eq!(admission.decide(A, true, 6, now), Verdict::Accept);
    }

    #[test]
    fn one_ipv6_network_is_one_source() {
        let (mut admission, now) = admission();
        for i in 0..4u16 {
            let ip = IpAddr::from([0x2001, 0xdb8, 0, 1, i, 0, 0, 1]);
            assert_eq!(admission.decide(ip, true, 0, now), Verdict::Accept);
        }
        let ip = IpAddr::from([0x2001, 0xdb8, 0, 1, 9, 9, 9, 9]);
        assert_eq!(admission.decide(ip, true, 0, now), Verdict::Refuse);
        let other = IpAddr::from([0x2001, 0xdb8, 0, 2, 0, 0, 0, 1]);
        assert_eq!(admission.decide(other, true, 0, now), Verdict::Accept);
    }
}
