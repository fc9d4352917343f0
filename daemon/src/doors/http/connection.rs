//! Connections: who may have one, and how long it may be silent.

use crate::Rooms;
use crate::audit::Entry;
use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixListener;
use tokio::time::{Instant, Sleep};

/// Serves connections until the task is dropped.
pub async fn serve(listener: UnixListener, rooms: Rooms, router: Router, write_stall: Duration) {
    let own = rustix::process::getuid().as_raw();
    let request_time = rooms.config.request_time;
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(e) => {
                // Out of descriptors, most likely: others will be closed.
                tracing::warn!(error = %e, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        match stream.peer_cred() {
            Ok(peer) if peer.uid() == own => {
                let busy = rooms.activity.client();
                let router = router.clone();
                let patience = Patience { first: request_time, stall: write_stall };
                tokio::spawn(async move {
                    let _busy = busy;
                    talk(stream, patience, router, std::future::pending()).await;
                });
            }
            peer => {
                let who = peer.map_or_else(|e| e.to_string(), |p| format!("user {}", p.uid()));
                tracing::warn!(%who, "refused a connection of another user");
                let entry = Entry {
                    request_id: uuid::Uuid::now_v7().to_string(),
                    principal: who,
                    action: "connect".to_owned(),
                    outcome: "denied".to_owned(),
                    reason: Some("the socket serves its owner only".to_owned()),
                    ..Entry::default()
                };
                let audit = rooms.gate.audit().clone();
                tokio::spawn(async move { audit.append(entry).await });
            }
        }
    }
}

/// How long a peer may be silent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Until the first byte, and until a request's head is whole.
    pub(super) first: Duration,
    /// While it is behind with reading.
    pub(super) stall: Duration,
}

/// Serves one connection until it ends, or until its request is answered once `last` says so.
pub(super) async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    patience: Patience,
    router: Router,
    last: impl Future<Output = ()>,
) {
    let io = TokioIo::new(Patient::new(stream, patience.first, patience.stall));
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.first)
        .max_buf_size(256 << 10)
        .serve_connection(io, TowerToHyperService::new(router));
    let mut served = std::pin::pin!(served);
    let mut last = std::pin::pin!(last);
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = last.as_mut() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(e) = ended {
        tracing::debug!(error = %e, "a connection ended early");
    }
}

/// A stream that gives up on a peer which sends nothing at first, or stops reading.
struct Patient<S> {
    stream: S,
    stall: Duration,
    first: Option<Pin<Box<Sleep>>>,
    writing: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    fn new(stream: S, first: Duration, stall: Duration) -> Self {
        Self { stream, stall, first: Some(Box::pin(tokio::time::sleep(first))), writing: None }
    }

    fn watched<T>(&mut self, result: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.writing = None;
            return result;
        }
        let stall = self.stall;
        let timer =
            self.writing.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + stall)));
        match timer.as_mut().poll(cx) {
            Poll::Ready(()) => {
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer stopped reading")))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_read(cx, buf);
        if result.is_ready() {
            self.first = None;
            return result;
        }
        match self.first.as_mut().map(|timer| timer.as_mut().poll(cx)) {
            Some(Poll::Ready(())) => {
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer sent nothing")))
            }
            _ => Poll::Pending,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.watched(result, cx)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.watched(result, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
