//! Streams against a reader in the same task: what is written, when it counts as taken, and how each end looks.

use super::*;
use futures_util::{FutureExt, StreamExt};
use homeroom_schema::limits::SESSION_GATHER_BYTES;

fn opened() -> (EventStream, Reader) {
    EventStream::new(Bookmark::default())
}

/// What the reader has by now.
fn taken(reader: &mut Reader) -> String {
    let mut text = String::new();
    while let Some(Some(Ok(piece))) = reader.next().now_or_never() {
        text.push_str(str::from_utf8(&piece).unwrap());
    }
    text
}

fn polled(stream: &mut EventStream) -> Option<LineEvent> {
    stream.next(true).now_or_never()
}

#[test]
fn what_waits_leaves_as_one_piece_with_an_id_each() {
    let (mut stream, mut reader) = opened();
    let topic: TopicName = "user:7".parse().unwrap();
    let epoch = "0123456789abcdef".into();
    let mut position = Position { epoch, offset: 4 };
    stream.moved(topic, &position);
    stream.push(r#"{"n":1}"#.into());
    position.offset = 5;
    stream.moved(topic, &position);
    stream.push(r#"{"n":2}"#.into());
    stream.push_ping();
    assert!(polled(&mut stream).is_none(), "nobody has taken it");
    assert!(!stream.outbox().is_clear());
    let text = taken(&mut reader);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("retry: "), "{text}");
    let offset = |line: &str| {
        let bookmark = Bookmark::decode(line.strip_prefix("id: ").unwrap()).unwrap();
        bookmark.position(topic).unwrap().offset
    };
    assert_eq!((offset(lines[2]), offset(lines[5])), (4, 5), "{text}");
    assert_eq!((lines[3], lines[6]), (r#"data: {"n":1}"#, r#"data: {"n":2}"#));
    assert_eq!(lines[8], ":");
    assert!(matches!(polled(&mut stream), Some(LineEvent::Flushed)));
    assert!(stream.outbox().is_clear() && polled(&mut stream).is_none());
}

#[test]
fn a_reader_that_takes_nothing_is_felt() {
    let (mut stream, mut reader) = opened();
    while stream.outbox().has_room() {
        stream.push("x".repeat(1_000).into());
    }
    assert!(polled(&mut stream).is_none());
    assert!(stream.outbox().stalls_at().is_some() && !stream.outbox().has_room());
    assert!(taken(&mut reader).len() >= SESSION_GATHER_BYTES);
    assert!(matches!(polled(&mut stream), Some(LineEvent::Flushed)));
    assert!(stream.outbox().has_room() && stream.outbox().stalls_at().is_none());
}

#[tokio::test]
async fn a_reader_that_hangs_up_wakes_the_session() {
    let (mut stream, reader) = opened();
    let waiting = tokio::spawn(async move {
        loop {
            if let LineEvent::Ended(close) = stream.next(true).await {
                return close;
            }
        }
    });
    tokio::task::yield_now().await;
    drop(reader);
    assert_eq!(waiting.await.unwrap(), Close::Gone);
}

#[tokio::test]
async fn each_end_is_seen_for_what_it_is() {
    for (close, expects_rest, expects_last) in [
        (Close::Stopping, true, Some(1012)),
        (Close::Restarting, true, Some(4001)),
        (Close::TokenEnded, false, Some(4500)),
        (Close::SlowConsumer, false, None),
    ] {
        let (mut stream, mut reader) = opened();
        stream.push("the rest".into());
        let closing = tokio::spawn(stream.close(close));
        let (mut text, mut is_whole) = (String::new(), true);
        while let Some(piece) = reader.next().await {
            match piece {
                Ok(piece) => text.push_str(str::from_utf8(&piece).unwrap()),
                Err(_) => {
                    is_whole = false;
                    break;
                }
            }
        }
        closing.await.unwrap();
        assert_eq!(text.contains("data: the rest"), expects_rest, "{close:?}: {text}");
        assert_eq!(is_whole, expects_last.is_some(), "{close:?}");
        if let Some(code) = expects_last {
            let (before, last) = text.trim_end().rsplit_once("data: ").unwrap();
            let last: serde_json::Value = serde_json::from_str(last).unwrap();
            assert_eq!((&last["type"], &last["code"]), (&"closed".into(), &code.into()));
            assert_eq!(last["retry_after_ms"].is_u64(), close == Close::Stopping, "{text}");
            assert!(
                before.is_empty() || before.ends_with("\n\n"),
                "the last message has no id: {text}"
            );
        }
    }
}

#[test]
fn a_session_that_is_cut_off_breaks_its_stream() {
    let (stream, mut reader) = opened();
    drop(stream);
    assert!(matches!(reader.next().now_or_never(), Some(Some(Err(_)))));
}
