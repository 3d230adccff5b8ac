//! Limits on the memory for replies.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use octoseal_api::Body;

use crate::error::BoxError;

/// The most bytes of one reply. A page of 100 repositories has a few hundred kilobytes.
const MAX_REPLY_BYTES: usize = 16 * 1024 * 1024;

/// The most bytes of all replies of a client that are being read.
const MAX_BYTES_IN_ALL: usize = 64 * 1024 * 1024;

/// A reply up to this size is read even if all replies have too many bytes together.
const SMALL_REPLY_BYTES: usize = 1024 * 1024;

/// Counts the bytes of the replies that are being read.
#[derive(Clone, Default)]
pub(super) struct Bodies(Arc<AtomicUsize>);

impl Bodies {
    /// Wraps a body, whose bytes count until it is dropped, and which fails when there are too many.
    pub(super) fn bounded(&self, body: Body) -> Body {
        if body.is_end_stream() {
            return body;
        }
        let counted = Counted {
            inner: body,
            bytes: 0,
            all: self.0.clone(),
        };
        Body::wrap(http_body_util::Limited::new(counted, MAX_REPLY_BYTES))
    }
}

struct Counted {
    inner: Body,
    bytes: usize,
    all: Arc<AtomicUsize>,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.inner).poll_frame(context));
        let Some(frame) = frame.transpose()? else {
            return Poll::Ready(None);
        };
        let length = frame.data_ref().map_or(0, Bytes::len);
        this.bytes += length;
        let all = this.all.fetch_add(length, Ordering::Relaxed) + length;
        let is_too_much = all > MAX_BYTES_IN_ALL && this.bytes > SMALL_REPLY_BYTES;
        Poll::Ready(Some(match is_too_much {
            true => Err("the replies under way are too large together".into()),
            false => Ok(frame),
        }))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.all.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
