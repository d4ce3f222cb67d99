//! Writes one message: a unidirectional stream, finished only when it is whole. A message that is given up resets its
//! stream, because an engine finishes a stream that is merely dropped, and the peer would take a part for the whole.
use crate::connection::Link;
use crate::endpoint::Shared;
use crate::engine::{self, SendStream, VarInt, WriteError};
use crate::events::{Event, Failure, FailureKind};
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// Messages above this share the few turns of large ones.
const LARGE_BYTES: usize = 64 << 10;
/// A peer that reads nothing gives no stream credit; stock nodes wait as long for a slot in their queue (wire.md 8).
const OPEN_WAIT: Duration = Duration::from_secs(10);

pub struct Request {
    pub number: u32,
    pub data: Bytes,
    pub acknowledged: bool,
    pub priority: i32,
}

pub async fn run(
    shared: Arc<Shared>,
    link: Arc<Link>,
    request: Request,
    cancelled: oneshot::Receiver<()>,
) {
    let (number, length) = (request.number, request.data.len());
    // Dropping the write on cancellation resets its stream.
    let result = tokio::select! {
        result = write(&shared, &link, request) => result,
        _ = cancelled => Err(Failure::new(FailureKind::Cancelled, "cancelled")),
    };
    link.queued.fetch_sub(length, Relaxed);
    shared.forget_cancel(number);
    shared.queue.push(match result {
        Ok(()) => {
            shared.counters.messages_out.fetch_add(1, Relaxed);
            link.carried.fetch_add(length as u64, Relaxed);
            Event::Done { request: number }
        }
        Err(failure) => Event::Failed {
            request: number,
            failure,
        },
    });
}

async fn write(shared: &Shared, link: &Link, request: Request) -> Result<(), Failure> {
    let stall = Duration::from_millis(shared.options.write_stall_ms);
    let large = request.data.len() > LARGE_BYTES;
    let turn = if large {
        Some(link.large_sends.acquire().await.map_err(|_| closed())?)
    } else {
        None
    };
    let stream = timeout(OPEN_WAIT, link.engine.open_uni())
        .await
        .map_err(|_| stalled("the peer takes no new streams", OPEN_WAIT))?
        .map_err(|_| closed())?;
    let mut stream = Outgoing {
        stream,
        finished: false,
    };
    if request.priority != 0 {
        let _ = stream.stream.set_priority(request.priority);
    }
    let mut whole = [request.data];
    let mut rest = whole.as_mut_slice();
    while !rest.is_empty() {
        timeout(stall, stream.stream.write_many_chunks(&mut rest))
            .await
            .map_err(|_| stalled("the peer takes no more of the message", stall))?
            .map_err(failure_of)?;
    }
    stream.finish()?;
    drop(turn);
    if request.acknowledged {
        return match stream.stream.stopped().await {
            Ok(None) => Ok(()),
            Ok(Some(code)) => Err(stopped(code)),
            Err(_) => Err(closed()),
        };
    }
    Ok(())
}

struct Outgoing {
    stream: SendStream,
    finished: bool,
}

impl Outgoing {
    fn finish(&mut self) -> Result<(), Failure> {
        // The engine's own word for "the peer stopped it meanwhile".
        self.stream.finish().map_err(|_| stopped(engine::var(0)))?;
        self.finished = true;
        Ok(())
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        if !self.finished {
            let _ = self.stream.reset(engine::var(0));
        }
    }
}

fn failure_of(error: WriteError) -> Failure {
    match error {
        WriteError::Stopped(code) => stopped(code),
        _ => closed(),
    }
}

fn stopped(code: VarInt) -> Failure {
    Failure {
        kind: FailureKind::Stopped,
        code: code.into_inner(),
        text: "the peer stopped the stream".into(),
    }
}

fn stalled(what: &str, limit: Duration) -> Failure {
    let text = format!("{what} for {} ms", limit.as_millis());
    Failure::new(FailureKind::Stalled, text)
}

fn closed() -> Failure {
    Failure::new(FailureKind::Closed, "the connection is over")
}
