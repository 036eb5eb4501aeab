//! How the names of headers are spelled where a client minds.
//!
//! Names of headers are the same in any case, but Iceberg's Java client looks for `ETag` and for
//! `Cache-Control` letter by letter: answered in lower case, it never asks again with `If-None-Match`,
//! and loads the same metadata over and over. hyper writes names in lower case over HTTP/1, unless
//! the answer carries the spelling that a client of its own found in some other answer. So such an
//! answer is read once, and what it left behind is put on ours. In HTTP/2 names are always in lower
//! case, and nothing changes.

use axum::body::Body;
use axum::http::{Extensions, HeaderMap, Request, Response, header};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// An answer with the names as they are to be spelled.
const MODEL: &[u8] = b"HTTP/1.1 200 OK\r\nETag: \"\"\r\nCache-Control: no-store\r\n\
    Content-Length: 0\r\nConnection: close\r\n\r\n";

/// The spelling of headers, as hyper remembers it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spelling(Extensions);

impl Spelling {
    /// Learns it, from memory to memory. Should that fail, names are in lower case: that is right,
    /// too, and costs Java's clients their caches.
    pub(crate) async fn learn() -> Self {
        match learn().await {
            Ok(extensions) => Self(extensions),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "headers are spelled in lower case");
                Self::default()
            }
        }
    }

    /// Spells the headers of an answer, if one is among them that a client minds.
    pub(crate) fn apply<B>(&self, response: &mut Response<B>) {
        if is_minded(response.headers()) {
            response.extensions_mut().extend(self.0.clone());
        }
    }
}

fn is_minded(headers: &HeaderMap) -> bool {
    headers.contains_key(header::ETAG) || headers.contains_key(header::CACHE_CONTROL)
}

async fn learn() -> Result<Extensions, hyper::Error> {
    let (near, mut far) = tokio::io::duplex(4096);
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .preserve_header_case(true)
        .handshake(TokioIo::new(near))
        .await?;
    let asking = async move { sender.send_request(Request::new(Body::empty())).await };
    let answering = async move {
        // It need not be read what was asked: the pipe holds it. That an answer comes before the
        // question is what hyper would refuse.
        let _ = far.read_u8().await;
        let _ = far.write_all(MODEL).await;
        far
    };
    let (response, _, _far) = tokio::join!(asking, connection, answering);
    let mut response = response?;
    Ok(std::mem::take(response.extensions_mut()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_spelling_is_learnt_and_put_on_answers_that_need_it() {
        let spelling = Spelling::learn().await;
        assert_eq!(spelling.0.len(), 1, "hyper no longer remembers the spelling, or more than it");
        let mut plain = Response::new(());
        let mut tagged = Response::new(());
        tagged.headers_mut().insert(header::ETAG, header::HeaderValue::from_static("\"x\""));

        spelling.apply(&mut plain);
        spelling.apply(&mut tagged);

        assert_eq!((plain.extensions().len(), tagged.extensions().len()), (0, 1));
    }
}
