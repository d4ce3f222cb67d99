//! Reads one message: a whole unidirectional stream. Too long, too slow or reset: dropped, and the connection lives on.
use crate::budget::Share;
use crate::connection::Link;
use crate::endpoint::Shared;
use crate::engine::{self, RecvStream};
use crate::events::Event;
use crate::spare;
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};

/// Pieces (a packet's worth each) taken in one turn.
const PIECES: usize = 32;
/// While memory is scarce, a message must come at this pace on average after its first two seconds, bytes a second.
const SCARCE_PACE: u64 = 64 << 10;
const SCARCE_GRACE: Duration = Duration::from_secs(2);

pub async fn run(
    shared: Arc<Shared>,
    link: Arc<Link>,
    mut stream: RecvStream,
    _permit: OwnedSemaphorePermit,
) {
    match read(&shared, &link, &mut stream).await {
        Some((data, _)) if data.is_empty() => {}
        Some((data, held)) => {
            shared.counters.messages_in.fetch_add(1, Relaxed);
            link.carried.fetch_add(data.len() as u64, Relaxed);
            shared.queue.push(Event::Message {
                connection: link.id,
                data,
                held,
            });
        }
        None => {
            shared.counters.messages_dropped.fetch_add(1, Relaxed);
            let _ = stream.stop(engine::var(0));
        }
    }
}

async fn read(
    shared: &Shared,
    link: &Link,
    stream: &mut RecvStream,
) -> Option<(Vec<u8>, [Share; 2])> {
    let limit = shared.options.max_message_bytes as usize;
    let pace = Pace::new(shared);
    let mut held = [link.inbound.share(), shared.inbound.share()];
    let mut data = Vec::new();
    let mut pieces: [Bytes; PIECES] = std::array::from_fn(|_| Bytes::new());
    loop {
        let count = pace
            .keep(&data, stream.read_many_chunks(&mut pieces))
            .await?
            .ok()?;
        let Some(count) = count else { break };
        let pieces = pieces.get_mut(..count)?;
        let bytes: usize = pieces.iter().map(Bytes::len).sum();
        if data.len().saturating_add(bytes) > limit {
            return None;
        }
        for share in &mut held {
            pace.keep(&data, share.grow(bytes)).await?;
        }
        spare::reserve(&mut data, bytes);
        for piece in pieces {
            data.extend_from_slice(&std::mem::take(piece));
        }
    }
    for share in &mut held {
        share.complete();
    }
    spare::fit(&mut data);
    Some((data, held))
}

/// The timers of one message.
struct Pace<'a> {
    shared: &'a Shared,
    begun: Instant,
}

impl<'a> Pace<'a> {
    fn new(shared: &'a Shared) -> Self {
        Self {
            shared,
            begun: Instant::now(),
        }
    }

    /// None when the step took too long, or the message as a whole, or when memory is scarce and it comes too slowly.
    async fn keep<T>(&self, data: &[u8], step: impl Future<Output = T>) -> Option<T> {
        let options = &self.shared.options;
        let stalled = Instant::now() + Duration::from_millis(options.read_stall_ms);
        let over = self.begun + Duration::from_millis(options.read_total_ms);
        let deadline = stalled.min(over);
        tokio::pin!(step);
        loop {
            let look = Instant::now() + SCARCE_GRACE;
            match timeout_at(deadline.min(look), step.as_mut()).await {
                Ok(value) => return (!self.too_slow(data)).then_some(value),
                Err(_) if Instant::now() >= deadline || self.too_slow(data) => return None,
                Err(_) => {}
            }
        }
    }

    fn too_slow(&self, data: &[u8]) -> bool {
        let elapsed = self.begun.elapsed();
        let due = elapsed.saturating_sub(SCARCE_GRACE).as_secs() * SCARCE_PACE;
        (data.len() as u64) < due && self.shared.inbound.scarce()
    }
}
