//! An end of a connection, as a process or a device holds it.

use std::fmt::{self, Debug, Formatter};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::link::{Link, Side};

/// An end of a connection. Dropping it closes it: the peer reads the end of the stream after the delay.
pub struct Pipe {
    link: Arc<Link>,
    side: Side,
}

impl Pipe {
    pub(super) fn new(link: Arc<Link>, side: Side) -> Self {
        Self { link, side }
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.link.poll_read(self.side, context, into)
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let take = |room: usize| Bytes::copy_from_slice(&bytes[..bytes.len().min(room)]);
        self.link.poll_write(self.side, context, take)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.link.poll_write(self.side, context, |room| gather(slices, room))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.link.finish(self.side);
        Poll::Ready(Ok(()))
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.link.drop_end(self.side);
    }
}

impl Debug for Pipe {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let [client, server] = [Side::Client, Side::Server].map(|side| self.link.name(side));
        write!(formatter, "Pipe({client} to {server}, {:?})", self.side)
    }
}

/// Puts slices together, up to so many bytes: what is written at once travels at once.
fn gather(slices: &[IoSlice<'_>], room: usize) -> Bytes {
    let whole = slices.iter().map(|slice| slice.len()).sum::<usize>();
    let mut gathered = BytesMut::with_capacity(whole.min(room));
    for slice in slices {
        let part = slice.len().min(room - gathered.len());
        gathered.extend_from_slice(&slice[..part]);
    }
    gathered.freeze()
}
