//! Both directions of a connection, with an end for whoever stalls.

use std::error::Error;
use std::future::Future as _;
use std::io;
use std::iter::successors;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// So long nothing may happen that is waited for.
struct Patience {
    stalled: Duration,
    until: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    fn new(stalled: Duration) -> Self {
        Self { stalled, until: None }
    }

    /// What has happened by now; `None` when that was waited for too long.
    fn judge<T>(&mut self, context: &mut Context<'_>, happened: Poll<T>) -> Poll<Option<T>> {
        if let Poll::Ready(happened) = happened {
            self.until = None;
            return Poll::Ready(Some(happened));
        }
        let stalled = self.stalled;
        let until = self.until.get_or_insert_with(|| Box::pin(sleep(stalled)));
        until.as_mut().poll(context).map(|()| None)
    }
}

/// A stream that breaks off when the other side takes nothing of what is written for too long. Nothing is read from it for as long as
/// an answer takes to be made: what is sent is waited for by whoever reads a body.
pub(super) struct Patient {
    stream: TcpStream,
    writing: Patience,
}

impl Patient {
    pub(super) fn new(stream: TcpStream, stalled: Duration) -> Self {
        Self { stream, writing: Patience::new(stalled) }
    }

    fn judge<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        let judged = self.writing.judge(context, written);
        judged.map(|written| written.unwrap_or_else(|| Err(io::ErrorKind::TimedOut.into())))
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.judge(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.judge(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(context);
        self.judge(context, shut)
    }
}

/// The body of a request, which breaks off when nothing of it comes for too long while somebody waits for more.
pub struct Coming {
    body: Incoming,
    reading: Patience,
}

/// Why a body did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// Nothing of it came for too long.
    #[error("nothing of it came for too long")]
    Stalled,
    /// The connection broke, or what came is no body.
    #[error(transparent)]
    Broken(#[from] hyper::Error),
}

impl Stopped {
    /// Whether a body stalled, and an error says so or was made of one that does.
    pub fn has_stalled(error: &(dyn Error + 'static)) -> bool {
        successors(Some(error), |error: &&(dyn Error + 'static)| (*error).source())
            .any(|error| matches!(error.downcast_ref(), Some(Self::Stalled)))
    }
}

impl Coming {
    pub(super) fn new(body: Incoming, stalled: Duration) -> Self {
        Self { body, reading: Patience::new(stalled) }
    }
}

impl Body for Coming {
    type Data = Bytes;
    type Error = Stopped;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Stopped>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        self.reading.judge(context, frame).map(|come| match come {
            Some(frame) => frame.map(|frame| frame.map_err(Stopped::Broken)),
            None => Some(Err(Stopped::Stalled)),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
