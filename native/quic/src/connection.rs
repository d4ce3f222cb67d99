//! A live connection: one task that takes what the peer opens, and what the sends of JS share.
use crate::budget::Budget;
use crate::endpoint::{Seat, Shared};
use crate::engine::{self, Connection, RecvStream};
use crate::events::Event;
use crate::guard::spawn;
use crate::receive;
use crate::{lock, trim};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_stream::StreamExt;

/// Least time between two reports of our address to JS: a peer may send ten a second.
const OBSERVED_PAUSE: Duration = Duration::from_secs(1);

pub struct Link {
    pub id: u32,
    pub engine: Connection,
    /// Bytes of messages in sends that are not finished.
    pub queued: AtomicUsize,
    /// Large messages write a few at a time, so that each makes progress.
    pub large_sends: Arc<Semaphore>,
    /// What messages of this connection may hold of the endpoint's memory.
    pub inbound: Arc<Budget>,
    /// Bytes carried in messages, both ways.
    pub carried: AtomicU64,
    /// Receive window granted above the default; None once the connection is over.
    pub raised: Mutex<Option<u64>>,
}

/// Takes over a connection whose handshake is done. `request` is 0 for an accepted one.
pub fn adopt(shared: &Arc<Shared>, engine: Connection, request: u32, seat: Option<Seat>) {
    let (Some(key), Some(remote)) = (engine::peer_key(&engine), engine::remote_of(&engine)) else {
        // Gone already, or a handshake without a key, which the TLS profile rules out.
        engine.close(engine::var(0), b"");
        shared.lost_before_adoption(request);
        return;
    };
    let options = &shared.options;
    let link = Arc::new(Link {
        id: shared.next_id(),
        engine,
        queued: AtomicUsize::new(0),
        large_sends: Arc::new(Semaphore::new(options.concurrent_large_sends as usize)),
        inbound: Budget::new(
            options.connection_inbound_bytes as usize,
            options.max_message_bytes as usize,
        ),
        carried: AtomicU64::new(0),
        raised: Mutex::new(Some(0)),
    });
    lock(&shared.links).insert(link.id, link.clone());
    shared.queue.push(Event::Connected {
        request,
        connection: link.id,
        remote: remote.to_string(),
        key,
    });
    spawn(&shared.queue, serve(shared.clone(), link, seat));
}

async fn serve(shared: Arc<Shared>, link: Arc<Link>, _seat: Option<Seat>) {
    let reads = Arc::new(Semaphore::new(shared.options.concurrent_reads as usize));
    let observed = report_observed(&shared, &link);
    tokio::pin!(observed);
    let mut observing = true;
    loop {
        tokio::select! {
            stream = next_stream(&shared, &link, &reads) => match stream {
                Some((stream, permit)) => {
                    spawn(&shared.queue, receive::run(shared.clone(), link.clone(), stream, permit));
                }
                None => break,
            },
            stream = link.engine.accept_bi() => match stream {
                // Nobody serves bidirectional streams here; the connection lives on.
                Ok((mut send, mut receive)) => {
                    let _ = send.reset(engine::var(0));
                    let _ = receive.stop(engine::var(0));
                }
                Err(_) => break,
            },
            () = &mut observed, if observing => observing = false,
        }
    }
    let error = link.engine.closed().await;
    lock(&shared.links).remove(&link.id);
    shared
        .windows
        .give_back(lock(&link.raised).take().unwrap_or(0));
    shared.queue.push(Event::Closed {
        connection: link.id,
        end: engine::end_of(&error),
    });
    if link.carried.load(Relaxed) >= trim::WORTH_BYTES {
        trim::soon();
    }
}

/// The next message stream, once there is room for one; None when the connection is over.
async fn next_stream(
    shared: &Shared,
    link: &Link,
    reads: &Arc<Semaphore>,
) -> Option<(RecvStream, OwnedSemaphorePermit)> {
    // A connection that ends while it waits for room is noticed by the branch for bidirectional streams.
    let permit = reads.clone().acquire_owned().await.ok()?;
    shared.queue.has_room().await;
    let stream = link.engine.accept_uni().await.ok()?;
    Some((stream, permit))
}

async fn report_observed(shared: &Shared, link: &Link) {
    let mut addresses = std::pin::pin!(engine::observed_addresses(&link.engine));
    let mut last = None;
    while let Some(address) = addresses.next().await {
        if last == Some(address) {
            continue;
        }
        last = Some(address);
        shared.queue.has_room().await;
        shared.queue.push(Event::Observed {
            connection: link.id,
            address: address.to_string(),
        });
        tokio::time::sleep(OBSERVED_PAUSE).await;
    }
}
