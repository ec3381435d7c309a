//! Lines over real connections on loopback: order, bounds, ends.

use super::*;
use axum::extract::ws::WebSocketUpgrade;
use axum::routing::get;
use axum::{Extension, Router};
use homeroom_schema::limits::{FRAME_BYTES_MAX, SESSION_GATHER_BYTES, WRITE_STALL};
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message as ClientMessage;
use tokio_tungstenite::{WebSocketStream, client_async};

type Client = WebSocketStream<TcpStream>;

/// A line and the client at its other end, which takes little in without reading.
async fn connected() -> (Line, Client) {
    let (sender, mut sockets) = mpsc::channel(1);
    let upgrade = |upgrade: WebSocketUpgrade, Extension(sender): Extension<mpsc::Sender<WebSocket>>| async move {
        upgrade
            .max_message_size(FRAME_BYTES_MAX)
            .max_frame_size(FRAME_BYTES_MAX)
            .on_upgrade(|socket| async move {
                sender.send(socket).await.expect("the test waits for it");
            })
    };
    let router = Router::new().route("/", get(upgrade)).layer(Extension(sender));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("a bound address");
    tokio::spawn(axum::serve(listener, router).into_future());
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4 * 1024).expect("a small buffer");
    let stream = socket.connect(address).await.expect("a connection");
    let (client, _) = client_async(format!("ws://{address}/"), stream)
        .await
        .expect("an upgrade");
    let socket = sockets.recv().await.expect("an upgraded socket");
    (Line::new(socket), client)
}

async fn next(client: &mut Client) -> ClientMessage {
    client.next().await.expect("more").expect("a whole frame")
}

#[tokio::test]
async fn frames_leave_in_order_and_make_room_when_taken() {
    let (mut line, mut client) = connected().await;
    for number in 0..100 {
        line.push(number.to_string().into());
    }
    assert!(!line.outbox().is_clear());
    assert!(matches!(line.next(false).await, LineEvent::Flushed));
    assert!(line.outbox().is_clear() && line.outbox().has_room() && line.outbox().stalls_at().is_none());
    for number in 0..100 {
        assert_eq!(next(&mut client).await, ClientMessage::text(number.to_string()));
    }
}

#[tokio::test]
async fn a_peer_that_does_not_read_gets_no_more_than_the_bound_gathered() {
    let (mut line, mut client) = connected().await;
    let frame = Utf8Bytes::from("x".repeat(1_000));
    let mut pushed = 0;
    // Takes as much as the kernel does, then gets stuck.
    let stuck = loop {
        while line.outbox().has_room() {
            line.push(frame.clone());
            pushed += 1;
        }
        if timeout(Duration::from_millis(300), line.next(false)).await.is_err() {
            break line.outbox().len();
        }
    };
    assert!(!line.outbox().has_room() && !line.outbox().is_clear());
    assert!(stuck <= SESSION_GATHER_BYTES / 1_000 + 1, "{stuck} frames wait");
    let stalls_at = line.outbox().stalls_at().expect("something waits");
    assert!(stalls_at <= Instant::now() + WRITE_STALL);
    let reading = tokio::spawn(async move {
        for _ in 0..pushed {
            next(&mut client).await;
        }
    });
    assert!(matches!(line.next(false).await, LineEvent::Flushed));
    reading.await.expect("every frame comes");
    assert!(line.outbox().has_room());
}

#[tokio::test]
async fn a_stuck_line_still_hears_its_peer() {
    let (mut line, mut client) = connected().await;
    while timeout(Duration::from_millis(300), line.next(false)).await.is_ok() || line.outbox().is_clear() {
        while line.outbox().has_room() {
            line.push("x".repeat(10_000).into());
        }
    }
    client
        .send(ClientMessage::text("still here"))
        .await
        .expect("the other way is free");
    match line.next(true).await {
        LineEvent::Received(Message::Text(text)) => assert_eq!(text.as_str(), "still here"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_rest_goes_out_before_a_stop_and_not_after_the_right_is_gone() {
    for (close, expects_rest) in [(Close::Stopping, true), (Close::TokenEnded, false)] {
        let (mut line, mut client) = connected().await;
        line.push("the rest".into());
        let closing = tokio::spawn(line.close(close));
        if expects_rest {
            assert_eq!(next(&mut client).await, ClientMessage::text("the rest"));
        }
        match next(&mut client).await {
            ClientMessage::Close(Some(frame)) => assert_eq!(u16::from(frame.code), close.code()),
            other => panic!("{other:?}"),
        }
        while client.next().await.is_some() {}
        closing.await.expect("the close ends");
    }
}

#[tokio::test]
async fn what_a_client_does_wrong_has_its_close_code() {
    use tokio_tungstenite::tungstenite::protocol::frame::Frame;
    use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
    let too_large = ClientMessage::text("x".repeat(FRAME_BYTES_MAX + 1));
    let not_text = ClientMessage::Frame(Frame::message(vec![0xff], OpCode::Data(Data::Text), true));
    let no_message = ClientMessage::Frame(Frame::message(vec![b'x'], OpCode::Data(Data::Continue), true));
    for (frame, expected) in [
        (too_large, Close::TooLarge),
        (not_text, Close::InvalidUtf8),
        (no_message, Close::Protocol),
        (ClientMessage::Close(None), Close::Gone),
    ] {
        let (mut line, mut client) = connected().await;
        let sending = tokio::spawn(async move {
            // The line may be gone before all of it is taken.
            let _ = client.send(frame).await;
            client
        });
        match line.next(true).await {
            LineEvent::Ended(close) => assert_eq!(close, expected),
            other => panic!("{other:?}"),
        }
        drop(sending.await);
    }
}
