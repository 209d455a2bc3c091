//! What strangers may send: each thing is answered as the interface says, and costs bounded memory.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::support::{World, unique};

#[tokio::test(flavor = "multi_thread")]
async fn bad_frames_are_answered_and_name_the_field() {
    let world = World::start().await;
    let ada = world.person("ada").await;
    let a = world.chat(&ada).await;
    let long = "n".repeat(5000);
    let ghost = unique("ghost");
    let deep = format!(
        r#"{{"type":"send","id":"deep","to":"bob","content":{{"a":{}1{}}}}}"#,
        "[".repeat(60),
        "]".repeat(60)
    );
    for (frame, code, names) in [
        (r#"{"type":"nope"}"#.to_owned(), "unknown_type", "type"),
        (r#"{"type":7}"#.to_owned(), "invalid_field", "type"),
        (r#"{"id":"x"}"#.to_owned(), "invalid_field", "type"),
        (r#"{"type":"send"}"#.to_owned(), "invalid_field", "id"),
        (r#"{"type":"send","id":"x","to":"bob"}"#.to_owned(), "invalid_field", "text"),
        (r#"{"type":"send","id":"x","to":"bob","text":7}"#.to_owned(), "invalid_field", "text"),
        (format!(r#"{{"type":"send","id":"x","to":"{long}","text":"hi"}}"#), "invalid_field", "to"),
        (format!(r#"{{"type":"send","id":"{long}","to":"bob","text":"hi"}}"#), "invalid_field", "id"),
        (
            format!(r#"{{"type":"send","id":"x","to":"bob","text":"{}"}}"#, "t".repeat(40_000)),
            "invalid_field",
            "text",
        ),
        (format!(r#"{{"type":"send","id":"x","to":"{ghost}","text":"hi"}}"#), "user_not_found", ""),
        (r#"{"type":"read","conversation":"AAAA","seq":1}"#.to_owned(), "invalid_field", "conversation"),
        (
            r#"{"type":"history","id":"h","conversation":"AAAAAAAAAAAAAAAAAAAAAA","limit":-1}"#.to_owned(),
            "invalid_field",
            "limit",
        ),
        (
            r#"{"type":"resume","cursors":{"AAAAAAAAAAAAAAAAAAAAAA":"x"}}"#.to_owned(),
            "invalid_field",
            "cursors",
        ),
        (deep, "invalid_field", "content"),
    ] {
        let before = a.frames().len();
        a.send_raw(Message::text(frame.clone()));
        let error = loop {
            a.settle().await;
            if let Some(error) = a.frames()[before..].iter().find(|frame| frame["type"] == "error") {
                break error.clone();
            }
        };
        let shown: String = frame.chars().take(60).collect();
        assert_eq!(error["code"], code, "{shown}: {error}");
        assert!(error["detail"].as_str().unwrap().contains(names), "{shown}: {error}");
    }
    assert!(!a.is_closed());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_frame_closes_the_connection() {
    let world = World::start().await;
    let ada = world.person("ada").await;
    for (message, code) in [
        (Message::text("{"), 4400),
        (Message::text("[]"), 4400),
        (Message::text("\"hello\""), 4400),
        (Message::binary(vec![1, 2, 3]), 4400),
        (Message::text("x".repeat(8 << 20)), 4413),
    ] {
        let socket = world.chat(&ada).await;
        socket.send_raw(message);
        assert_eq!(socket.closed().await, code);
    }
}

/// A client that writes bytes as it likes after a proper handshake.
async fn raw(world: &World, token: &str) -> TcpStream {
    let mut stream = TcpStream::connect(world.cluster.public_address()).await.unwrap();
    let request = format!(
        "GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.windows(4).any(|window| window == b"\r\n\r\n") {
        answer.push(stream.read_u8().await.unwrap());
    }
    assert!(answer.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&answer));
    stream
}

/// Reads what comes until the end, and gives the code of the close frame.
async fn close_code(mut stream: TcpStream) -> Option<u16> {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    let mut rest = &bytes[..];
    while let [first, length, tail @ ..] = rest {
        let (length, tail) = match length {
            126 => (usize::from(u16::from_be_bytes([tail[0], tail[1]])), &tail[2..]),
            length => (usize::from(*length), tail),
        };
        if first & 0x0f == 8 {
            return Some(u16::from_be_bytes([tail[0], tail[1]]));
        }
        rest = &tail[length..];
    }
    None
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_websocket_frames_close_with_the_right_code() {
    let world = World::start().await;
    let ada = world.person("ada").await;
    let mask = |payload: &[u8]| [&[0, 0, 0, 0][..], payload].concat();
    let frame =
        |first: u8, payload: &[u8]| [&[first, 0x80 | payload.len() as u8][..], &mask(payload)].concat();
    for (bytes, codes, what) in [
        (vec![0x81, 0x02, b'h', b'i'], [1002, 1002], "not masked"),
        (frame(0x81, &[0xff, 0xfe]), [1007, 1007], "not utf-8"),
        ([frame(0x01, b"abc"), frame(0x81, b"def")].concat(), [1002, 1002], "a text inside a text"),
        (frame(0x80, b"abc"), [1002, 1002], "a continuation of nothing"),
        (frame(0xc1, b"abc"), [1002, 1002], "a reserved bit"),
        (vec![0x81, 0xff, 0, 0, 0, 0, 0x04, 0, 0, 0, 0, 0, 0, 0], [4413, 1009], "64 MiB declared"),
        ([frame(0x01, b"a"), frame(0x00, b"a").repeat(100)].concat(), [4413, 1009], "endless fragments"),
    ] {
        let mut stream = raw(&world, &ada.token).await;
        stream.write_all(&bytes).await.unwrap();
        let code = close_code(stream).await;
        assert!(code.is_some_and(|code| codes.contains(&code)), "{what}: {code:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_fragments_cost_no_memory() {
    let world = World::start().await;
    let ada = world.person("ada").await;
    let mut stream = raw(&world, &ada.token).await;
    let before = resident();
    let chunk = vec![b'x'; 60_000];
    let head =
        |first: u8| [first, 0x80 | 126, (60_000_u16 >> 8) as u8, (60_000_u16 & 0xff) as u8, 0, 0, 0, 0];
    let mut sent = 0;
    for n in 0..400 {
        let first = if n == 0 { 0x01 } else { 0x00 };
        if stream.write_all(&head(first)).await.is_err() || stream.write_all(&chunk).await.is_err() {
            break;
        }
        sent += chunk.len();
    }
    drop(stream);
    let grown = resident().saturating_sub(before);
    assert!(grown < 16 << 20, "{sent} bytes sent, {grown} bytes more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_is_refused_and_then_cut_off() {
    let world = World::start().await;
    let people = world.strangers(2).await;
    let (a, b) = (world.chat(&people[0]).await, world.chat(&people[1]).await);
    for n in 0..5000 {
        a.send(&json!({ "type": "ping", "id": format!("p{n}") }));
    }
    assert_eq!(a.closed().await, 4429);
    let refused = a.frames().into_iter().find(|frame| frame["code"] == "rate_limited").unwrap();
    assert!(refused["retry_after_ms"].as_u64().unwrap() > 0 && refused["id"].is_string());
    b.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_is_cut_off_and_costs_the_others_nothing() {
    let world = World::start_with(|configuration| {
        configuration.frames_per_second = 100_000;
        configuration.frames_burst = 100_000;
        configuration.queue_bytes = 1 << 19;
    })
    .await;
    let people = world.strangers(3).await;
    let group = people[0].group("three", &[&people[1], &people[2]]).await;
    let (a, b) = (world.chat(&people[0]).await, world.chat(&people[1]).await);
    // Reads nothing at all.
    let mut slow = people[2].chat_url.as_str().into_client_request().unwrap();
    slow.headers_mut().insert("authorization", format!("Bearer {}", people[2].token).parse().unwrap());
    let (slow, _) = tokio_tungstenite::connect_async(slow).await.unwrap();
    let text = "x".repeat(30_000);
    // More than the queue and what the kernel keeps for both ends.
    for n in 0..600 {
        let id = format!("m{n}");
        a.said(&id, &group, &text).await;
        b.wait(|frame| frame["type"] == "message" && frame["id"] == *id).await;
    }
    assert_eq!(b.seqs(&group), (1..=600).collect::<Vec<_>>());
    let (_, mut stream) = slow.split();
    let mut received = 0;
    let end = loop {
        match stream.next().await {
            Some(Ok(Message::Text(_))) => received += 1,
            Some(Ok(Message::Close(frame))) => break frame.map(|frame| u16::from(frame.code)),
            Some(Ok(_)) => {}
            Some(Err(_)) | None => break None,
        }
    };
    assert!(received < 600 && end.is_none_or(|code| code == 1013), "{received} received, {end:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_headers_and_half_requests_end() {
    let world = World::start().await;
    let mut stream = TcpStream::connect(world.cluster.public_address()).await.unwrap();
    stream.write_all(b"GET /chat HTTP/1.1\r\nHost: x\r\nX-Slow: ").await.unwrap();
    let mut answer = Vec::new();
    // The server ends it; the test waits for that and for nothing else.
    let _ = stream.read_to_end(&mut answer).await;
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_bodies_are_a_4xx_that_names_the_field() {
    let world = World::start().await;
    let ada = world.person("ada").await;
    let post = async |path: &str, kind: &str, body: Vec<u8>| {
        let request =
            world.http.post(world.url(path)).bearer_auth(&ada.token).header("content-type", kind).body(body);
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        (status, response.json::<Value>().await.unwrap())
    };
    let json = "application/json";
    let deep = format!(r#"{{"username":{}{}}}"#, "[".repeat(5000), "]".repeat(5000));
    for (body, statuses, names) in [
        (b"{".to_vec(), [400, 400], ""),
        (b"[]".to_vec(), [400, 422], ""),
        (br#"{"username":7,"password":"x"}"#.to_vec(), [400, 422], "username"),
        (br#"{"password":"correct-horse-battery-9"}"#.to_vec(), [400, 422], "username"),
        (b"{\"username\":\"\xff\xfe\",\"password\":\"x\"}".to_vec(), [400, 422], ""),
        (deep.into_bytes(), [400, 422], ""),
        (vec![b' '; 1 << 20], [413, 413], ""),
        (vec![b' '; 10 << 20], [413, 413], ""),
    ] {
        let (status, problem) = post("/api/signup", json, body).await;
        assert!(statuses.contains(&status), "{status} {problem}");
        assert!(problem.to_string().contains(names) && problem["code"].is_string(), "{problem}");
    }
    assert_eq!(post("/api/signup", "text/plain", b"{}".to_vec()).await.0, 415);
    let (status, problem) = post("/api/conversations", json, br#"{"members":["ok1",7]}"#.to_vec()).await;
    assert!([400, 422].contains(&status) && problem.to_string().contains("members[1]"), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_lives_on_after_a_body_that_nobody_wanted() {
    let world = World::start().await;
    let mut stream = TcpStream::connect(world.cluster.public_address()).await.unwrap();
    let body = "x".repeat(50_000);
    for _ in 0..20 {
        let head = format!(
            "POST /api/conversations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = vec![0; 12];
        stream.write_all(body.as_bytes()).await.unwrap();
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, b"HTTP/1.1 401");
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(stream.read_u8().await.unwrap());
        }
        let head = String::from_utf8(answer).unwrap();
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
        stream.read_exact(&mut vec![0; length]).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_half_open_socket_is_noticed_and_typing_ends() {
    let world = World::start_with(|configuration| configuration.heartbeat_seconds = 1).await;
    let people = world.strangers(2).await;
    let group = people[0].group("two", &[&people[1]]).await;
    let b = world.chat(&people[1]).await;
    let mut request = people[0].chat_url.as_str().into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {}", people[0].token).parse().unwrap());
    let (mut silent, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    let typing = json!({ "type": "typing", "conversation": group, "active": true });
    silent.send(Message::text(typing.to_string())).await.unwrap();
    b.wait(|frame| frame["type"] == "typing" && frame["active"] == true).await;
    // It answers no ping from now on, and does not close.
    b.wait(|frame| frame["type"] == "typing" && frame["active"] == false).await;
    drop(silent);
}

/// Gives this process's resident memory in bytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 4096
}
