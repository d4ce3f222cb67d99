//! Links cut on purpose, for tests of a local network: datagrams of and to chosen ports of this machine are lost. Off
//! until it is told otherwise through the C ABI; nothing that a peer sends gets here.
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{PoisonError, RwLock};

/// Ports of one direction: more than any local network has nodes.
pub const MAX_PORTS: usize = 1024;

#[derive(Default)]
pub struct Cuts {
    /// All that a packet costs while nothing is cut.
    any: AtomicBool,
    ports: RwLock<Ports>,
}

#[derive(Default)]
struct Ports {
    from: Vec<u16>,
    to: Vec<u16>,
}

impl Cuts {
    /// Replaces what was cut. False, and nothing changes, when there are too many.
    pub fn set(&self, from: &[u16], to: &[u16]) -> bool {
        if from.len() > MAX_PORTS || to.len() > MAX_PORTS {
            return false;
        }
        let mut ports = self.ports.write().unwrap_or_else(PoisonError::into_inner);
        *ports = Ports {
            from: from.to_vec(),
            to: to.to_vec(),
        };
        self.any.store(!from.is_empty() || !to.is_empty(), Relaxed);
        true
    }

    /// Whether what comes from there is lost.
    pub fn loses_from(&self, remote: SocketAddr) -> bool {
        self.loses(remote, |ports| &ports.from)
    }

    /// Whether what goes there is lost.
    pub fn loses_to(&self, remote: SocketAddr) -> bool {
        self.loses(remote, |ports| &ports.to)
    }

    fn loses(&self, remote: SocketAddr, side: impl Fn(&Ports) -> &Vec<u16>) -> bool {
        if !self.any.load(Relaxed) || !remote.ip().to_canonical().is_loopback() {
            return false;
        }
        let ports = self.ports.read().unwrap_or_else(PoisonError::into_inner);
        side(&ports).contains(&remote.port())
    }
}

#[cfg(test)]
mod tests {
    use super::{Cuts, MAX_PORTS};

    #[test]
    fn each_direction_by_itself_and_this_machine_only() {
        let cuts = Cuts::default();
        let [near, mapped, far] = ["127.0.0.1:7", "[::ffff:127.0.0.1]:7", "192.0.2.1:7"]
            .map(|text| text.parse().expect("an address"));
        assert!(!cuts.loses_from(near) && !cuts.loses_to(near));
        assert!(cuts.set(&[7], &[]));
        assert!(cuts.loses_from(near) && cuts.loses_from(mapped) && !cuts.loses_to(near));
        assert!(!cuts.loses_from(far));
        assert!(cuts.set(&[], &[7, 9]));
        assert!(!cuts.loses_from(near) && cuts.loses_to(mapped) && !cuts.loses_to(far));
        assert!(!cuts.set(&[], &[0; MAX_PORTS + 1]));
        assert!(cuts.loses_to(near), "what was refused changes nothing");
        assert!(cuts.set(&[], &[]));
        assert!(!cuts.loses_to(near));
    }
}
