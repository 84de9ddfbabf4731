//! A stream whose length was announced: one that ends early or goes on is an error, not a shorter or longer file.

use bellhop_core::ports::ByteStream;
use bellhop_core::{PortError, PortErrorKind};
use futures::StreamExt as _;

/// The same bytes, and an error in the place of a wrong length.
#[must_use]
pub fn counted(bytes: ByteStream, announced: u64, service: String) -> ByteStream {
    let state = Some((bytes, 0_u64));
    Box::pin(futures::stream::unfold(state, move |state| {
        let service = service.clone();
        async move {
            let (mut bytes, came) = state?;
            let wrong = |came: u64, more: &str| {
                let message = format!("{came} bytes{more} came of the {announced} announced");
                PortError::new(PortErrorKind::Invalid, service.clone(), "upload", message)
            };
            match bytes.next().await {
                None if came == announced => None,
                None => Some((Err(wrong(came, "")), None)),
                Some(Err(error)) => Some((Err(error), None)),
                Some(Ok(chunk)) => {
                    let came = came + chunk.len() as u64;
                    if came > announced { Some((Err(wrong(came, " or more")), None)) } else { Some((Ok(chunk), Some((bytes, came)))) }
                }
            }
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use futures::TryStreamExt as _;

    async fn sent(parts: &[&'static str], announced: u64) -> Result<String, PortError> {
        let parts: Vec<_> = parts.iter().map(|part| Ok(Bytes::from_static(part.as_bytes()))).collect();
        let out: Vec<Bytes> = counted(Box::pin(futures::stream::iter(parts)), announced, "chat.x".into()).try_collect().await?;
        Ok(String::from_utf8(out.concat()).unwrap())
    }

    #[tokio::test]
    async fn only_the_announced_length_passes() {
        assert_eq!(sent(&["ab", "", "c"], 3).await.unwrap(), "abc");
        for (parts, announced) in [(&["ab"][..], 3), (&["abcd"][..], 3), (&[][..], 1)] {
            assert_eq!(sent(parts, announced).await.unwrap_err().kind, PortErrorKind::Invalid, "{parts:?}");
        }
    }
}
