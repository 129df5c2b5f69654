//! Just enough of Kafka's protocol to ask how many records a topic has and how many a group is done with: of a partition
//! that is the only one of its topic, on a broker that is the only one.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, bail, ensure};
use bytes::{Buf, BufMut};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest answer that is read.
const ANSWER_LIMIT: usize = 64 * 1024;

/// Keys and versions of the two requests (Kafka protocol guide).
const LIST_OFFSETS: [i16; 2] = [2, 1];
const OFFSET_FETCH: [i16; 2] = [9, 1];

/// Asks for the end of a partition.
const LATEST: i64 = -1;

/// UNKNOWN_TOPIC_OR_PARTITION: nobody has written to it.
const UNKNOWN_TOPIC: i16 = 3;

/// A broker.
#[derive(Clone, Copy)]
pub(super) struct Kafka(pub(super) SocketAddr);

impl Kafka {
    /// How many records have been written to a topic.
    pub(super) async fn written(self, topic: &str) -> anyhow::Result<u64> {
        let mut body = Vec::new();
        body.put_i32(-1);
        put_partition(&mut body, topic);
        body.put_i64(LATEST);
        let answer = self.ask(LIST_OFFSETS, &body).await;
        let read = |answer: Vec<u8>| {
            let mut answer = partition(&answer)?;
            let error = answer.try_get_i16()?;
            answer.try_get_i64()?;
            offset(answer.try_get_i64()?, error)
        };
        answer.and_then(read).with_context(|| format!("ask Kafka for the end of topic {topic}"))
    }

    /// How many records of a topic a group is done with.
    pub(super) async fn done(self, topic: &str, group: &str) -> anyhow::Result<u64> {
        let mut body = Vec::new();
        put_text(&mut body, group);
        put_partition(&mut body, topic);
        let answer = self.ask(OFFSET_FETCH, &body).await;
        let read = |answer: Vec<u8>| {
            let mut answer = partition(&answer)?;
            let done = answer.try_get_i64()?;
            take_text(&mut answer)?;
            offset(done, answer.try_get_i16()?)
        };
        answer.and_then(read).with_context(|| format!("ask Kafka how far group {group} is"))
    }

    async fn ask(self, kind: [i16; 2], body: &[u8]) -> anyhow::Result<Vec<u8>> {
        let answer = timeout(PATIENCE, self.exchange(kind, body)).await;
        answer.with_context(|| format!("no answer in {} s", PATIENCE.as_secs()))?
    }

    async fn exchange(self, [key, version]: [i16; 2], body: &[u8]) -> anyhow::Result<Vec<u8>> {
        let mut request = Vec::new();
        request.put_i16(key);
        request.put_i16(version);
        // One request on each connection needs no number.
        request.put_i32(0);
        put_text(&mut request, "bench");
        request.put_slice(body);
        let mut stream = TcpStream::connect(self.0).await.context("connect")?;
        stream.write_i32(request.len().try_into()?).await?;
        stream.write_all(&request).await?;
        let length = usize::try_from(stream.read_i32().await?)?;
        ensure!(length <= ANSWER_LIMIT, "an answer of {length} bytes");
        let mut answer = vec![0; length];
        stream.read_exact(&mut answer).await?;
        Ok(answer)
    }
}

/// The first partition of a topic, as both requests name it.
fn put_partition(request: &mut Vec<u8>, topic: &str) {
    request.put_i32(1);
    put_text(request, topic);
    request.put_i32(1);
    request.put_i32(0);
}

fn put_text(request: &mut Vec<u8>, text: &str) {
    // Names here are short.
    request.put_i16(text.len() as i16);
    request.put_slice(text.as_bytes());
}

/// What is said of the partition.
fn partition(mut answer: &[u8]) -> anyhow::Result<&[u8]> {
    answer.try_get_i32()?;
    ensure!(answer.try_get_i32()? == 1, "the answer is not about one topic");
    take_text(&mut answer)?;
    ensure!(answer.try_get_i32()? == 1, "the answer is not about one partition");
    answer.try_get_i32()?;
    Ok(answer)
}

fn take_text(answer: &mut &[u8]) -> anyhow::Result<()> {
    // A text that is absent has the length -1.
    let length = usize::try_from(answer.try_get_i16()?).unwrap_or(0);
    ensure!(answer.len() >= length, "the answer is cut off");
    answer.advance(length);
    Ok(())
}

fn offset(offset: i64, error: i16) -> anyhow::Result<u64> {
    match error {
        // A group that has done nothing is at -1.
        0 => Ok(offset.max(0).unsigned_abs()),
        UNKNOWN_TOPIC => Ok(0),
        error => bail!("error code {error}"),
    }
}

#[cfg(test)]
mod tests {
    use tokio::{net::TcpListener, task::JoinSet};

    use super::*;

    /// A broker that answers one request; returns that and what was made of the answer.
    async fn check(group: Option<&str>, answer: &[u8], expected: Result<u64, &str>) -> Vec<u8> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let kafka = Kafka(listener.local_addr().unwrap());
        let answer = [&(answer.len() as u32).to_be_bytes(), answer].concat();
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; stream.read_u32().await.unwrap() as usize];
            stream.read_exact(&mut request).await.unwrap();
            stream.write_all(&answer).await.unwrap();
            request
        });
        let found = match group {
            None => kafka.written("t").await,
            Some(group) => kafka.done("t", group).await,
        };
        match (found, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected),
            (Err(cause), Err(expected)) => {
                assert!(format!("{cause:#}").contains(expected), "{cause:#}");
            }
            (found, expected) => panic!("{found:?}, not {expected:?}"),
        }
        serving.join_next().await.unwrap().unwrap()
    }

    const TOPIC: &[u8] = b"\0\0\0\0\0\0\0\x01\0\x01t\0\0\0\x01\0\0\0\0";

    #[tokio::test]
    async fn the_end_of_a_topic_is_read() {
        let ends = |end: &[u8]| [TOPIC, end].concat();
        let request =
            check(None, &ends(b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x02"), Ok(258)).await;
        let expected = b"\0\x02\0\x01\0\0\0\0\0\x05bench\xff\xff\xff\xff\0\0\0\x01\0\x01t\0\0\0\x01\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff";
        assert_eq!(request, expected);
        check(None, &ends(b"\0\x03\0\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff"), Ok(0)).await;
        check(None, &ends(b"\0\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), Err("topic t: error code 6"))
            .await;
        check(None, &ends(b"\0\0"), Err("topic t")).await;
    }

    #[tokio::test]
    async fn how_far_a_group_is_is_read() {
        let at = |at: &[u8]| [TOPIC, at].concat();
        let request = check(Some("g"), &at(b"\0\0\0\0\0\0\0\x07\0\0\0\0"), Ok(7)).await;
        let expected = b"\0\x09\0\x01\0\0\0\0\0\x05bench\0\x01g\0\0\0\x01\0\x01t\0\0\0\x01\0\0\0\0";
        assert_eq!(request, expected);
        check(Some("g"), &at(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0"), Ok(0)).await;
        check(Some("g"), &at(b"\0\0\0\0\0\0\0\x07\0\0\0\x10"), Err("group g is: error code 16"))
            .await;
    }
}
