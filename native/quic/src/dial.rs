//! Dials from the listening socket, within a time of ours, until it is cancelled.
use crate::connection::adopt;
use crate::endpoint::Shared;
use crate::engine::{self, Connection, ConnectionError};
use crate::events::{Event, Failure, FailureKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// Servers ignore the name; the reference sends this one (wire.md 6.1).
const SERVER_NAME: &str = "peer";

pub async fn run(
    shared: Arc<Shared>,
    request: u32,
    address: SocketAddr,
    limit: Duration,
    cancelled: oneshot::Receiver<()>,
) {
    let result = tokio::select! {
        result = tokio::time::timeout(limit, connect(&shared, address)) => result.unwrap_or_else(|_| {
            let text = format!("no connection within {} ms", limit.as_millis());
            Err(Failure::new(FailureKind::Timeout, text))
        }),
        _ = cancelled => Err(Failure::new(FailureKind::Cancelled, "cancelled")),
    };
    shared.forget_cancel(request);
    match result {
        Ok(connection) => {
            shared
                .counters
                .dialled
                .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            adopt(&shared, connection, request, None);
        }
        Err(failure) => shared.queue.push(Event::Failed { request, failure }),
    }
}

async fn connect(shared: &Shared, address: SocketAddr) -> Result<Connection, Failure> {
    let (client, target) = (shared.client.clone(), shared.target(address));
    let mut connecting = shared
        .engine
        .connect_with(client, target, SERVER_NAME)
        .map_err(|error| Failure::new(FailureKind::Handshake, error.to_string()))?;
    // The server's first flight, or silence: most dead addresses end here.
    let first_answer = Duration::from_millis(shared.options.first_answer_ms);
    let answered = tokio::time::timeout(first_answer, connecting.handshake_data())
        .await
        .map(|answer| answer.map(drop));
    match answered {
        Ok(Ok(())) => connecting.await.map_err(|error| refused(&error)),
        Ok(Err(error)) => Err(refused(&error)),
        Err(_) => {
            let text = format!("no answer within {} ms", first_answer.as_millis());
            Err(Failure::new(FailureKind::Timeout, text))
        }
    }
}

fn refused(error: &ConnectionError) -> Failure {
    let end = engine::end_of(error);
    Failure {
        kind: FailureKind::Handshake,
        code: end.code,
        text: end.reason,
    }
}
