//! Carrying sockets to shards.

use api::ApiOptions;
use http::Method;
use placement::Bucket;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{FakeShard, Server, ServerParts, User, unused_address};

const HANDSHAKE: &str = "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// A socket, and the head of the answer to its handshake.
struct Socket {
    stream: TcpStream,
    head: String,
}

async fn open(server: &Server, path: &str, headers: &str) -> Socket {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let request = format!("{} {path} HTTP/1.1\r\nhost: chat.test\r\n{headers}{HANDSHAKE}\r\n", Method::GET);
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    Socket { stream, head: String::from_utf8(head).unwrap().to_lowercase() }
}

fn bearer(user: &User) -> String {
    format!("authorization: Bearer {}\r\n", user.token)
}

impl Socket {
    async fn read(&mut self, expected: &str) {
        let mut read = vec![0; expected.len()];
        self.stream.read_exact(&mut read).await.unwrap();
        assert_eq!(String::from_utf8(read).unwrap(), expected);
    }
}

async fn server(shards: [&str; 3]) -> Server {
    Server::with(ServerParts { shards: shards.map(str::to_owned), ..ServerParts::default() }).await
}

#[tokio::test]
async fn a_socket_is_carried_to_the_users_shard() {
    let (first, second, presence) =
        (FakeShard::open().await, FakeShard::open().await, FakeShard::open().await);
    let server = server([&first.url, &second.url, &presence.url]).await;
    for number in 0..4 {
        let user = server.user(&format!("user{number}")).await;
        let owner = server.table.chat.owner(Bucket::of(user.name.as_str()));
        let shard = if owner.url == first.url { &first } else { &second };
        let before = shard.heads().len();
        let mut socket =
            open(&server, "/chat", &format!("x-forwarded-for: 6.6.6.6\r\n{}", bearer(&user))).await;
        assert!(socket.head.starts_with("http/1.1 101 "), "{}", socket.head);
        assert!(socket.head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n"));
        assert!(socket.head.contains("x-shard: yes\r\n"));
        socket.read("welcome").await;
        for text in ["hello", &"x".repeat(100_000)] {
            let (mut read, mut write) = socket.stream.split();
            let mut echo = vec![0; text.len()];
            let (written, read) = tokio::join!(write.write_all(text.as_bytes()), read.read_exact(&mut echo));
            written.and(read.map(drop)).unwrap();
            assert!(echo == text.as_bytes());
        }
        let head = &shard.heads()[before];
        assert!(head.starts_with("get /chat http/1.1\r\n"), "{head}");
        assert!(
            head.contains("host: chat.test\r\n") && head.contains("x-forwarded-for: 127.0.0.1\r\n"),
            "{head}"
        );
        assert!(head.contains(&user.token.to_lowercase()) && head.contains("sec-websocket-key: "), "{head}");
    }
    let ada = server.user("ada").await;
    open(&server, "/presence", &bearer(&ada)).await.read("welcome").await;
    assert!(presence.heads()[0].starts_with("get /presence http/1.1\r\n"));
}

#[tokio::test]
async fn credentials_come_in_three_places() {
    let shard = FakeShard::open().await;
    let server = server([&shard.url, &shard.url, &shard.url]).await;
    let ada = server.user("ada").await;
    let list = format!("sec-websocket-protocol: chatapp.v1, chatapp.bearer.{}\r\n", ada.token);
    assert!(open(&server, "/chat", &list).await.head.starts_with("http/1.1 101 "));
    let ticket = server.post("/api/ticket").by(&ada).send().await.expect(201).text("ticket");
    assert!(open(&server, &format!("/chat?ticket={ticket}"), "").await.head.starts_with("http/1.1 101 "));
    // The shard uses it up, so it must come there.
    assert!(shard.heads()[1].starts_with(&format!("get /chat?ticket={}", ticket.to_lowercase())));

    for (path, headers) in [
        ("/chat".to_owned(), String::new()),
        (format!("/chat?token={}", ada.token), String::new()),
        (format!("/chat?token={}", ada.token), bearer(&ada)),
        ("/chat".to_owned(), "authorization: Bearer x\r\n".to_owned()),
        (format!("/chat?ticket={}", ada.token), String::new()),
    ] {
        let socket = open(&server, &path, &headers).await;
        assert!(socket.head.starts_with("http/1.1 401 "), "{}", socket.head);
        assert!(socket.head.contains("www-authenticate: bearer\r\n"), "{}", socket.head);
        assert!(socket.head.contains("content-type: application/problem+json\r\n"), "{}", socket.head);
    }
    server.get("/presence").send().await.refused(401, "unauthenticated");
    assert_eq!(shard.heads().len(), 2);
}

#[tokio::test]
async fn a_shard_that_is_away_is_stood_in_for_by_the_runner_up() {
    let (there, away) = (FakeShard::open().await, unused_address().await);
    let server = server([&there.url, &away, &away]).await;
    for number in 0..4 {
        let user = server.user(&format!("user{number}")).await;
        open(&server, "/chat", &bearer(&user)).await.read("welcome").await;
    }
    let ada = server.user("ada").await;
    let reply = server.get("/presence").by(&ada).send().await.refused(503, "unavailable");
    assert_eq!(reply.header("retry-after"), "1");
    assert_eq!(server.metric("chatapp_api_uncarried_sockets_total"), 1.0);
}

#[tokio::test]
async fn a_refusal_of_the_shard_is_passed_on() {
    let body = "{\"type\":\"urn:chatapp:problem:malformed\",\"title\":\"The request cannot be read\",\"status\":426,\
                \"detail\":\"not an upgrade\",\"code\":\"malformed\"}";
    let head = "HTTP/1.1 426 Upgrade Required\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                content-type: application/problem+json\r\n";
    let shard = FakeShard::answering(format!("{head}content-length: {}\r\n\r\n{body}", body.len())).await;
    let server = server([&shard.url, &shard.url, &shard.url]).await;
    let ada = server.user("ada").await;
    let reply = server.get("/chat").by(&ada).send().await.refused(426, "malformed");
    assert_eq!((reply.header("upgrade"), reply.header("connection")), ("websocket", "upgrade"));
}

#[tokio::test]
async fn only_so_many_sockets_are_carried() {
    let shard = FakeShard::open().await;
    let shards = [(); 3].map(|()| shard.url.clone());
    let options = ApiOptions { carried_sockets: 1, ..ServerParts::default().options };
    let server = Server::with(ServerParts { options, shards }).await;
    let ada = server.user("ada").await;
    let first = open(&server, "/chat", &bearer(&ada)).await;
    server.get("/chat").by(&ada).send().await.refused(503, "unavailable");
    drop(first);
    server.until_metric("chatapp_api_carried_sockets", 0.0).await;
    open(&server, "/chat", &bearer(&ada)).await.read("welcome").await;
}

#[tokio::test]
async fn a_close_of_either_side_is_passed_on() {
    let shard = FakeShard::open().await;
    let server = server([&shard.url, &shard.url, &shard.url]).await;
    let ada = server.user("ada").await;
    let mut socket = open(&server, "/chat", &bearer(&ada)).await;
    socket.read("welcome").await;
    // The echo ends when its input does: the end goes to the shard and comes back.
    socket.stream.shutdown().await.unwrap();
    let mut rest = Vec::new();
    socket.stream.read_to_end(&mut rest).await.unwrap();
    assert!(rest.is_empty());
    server.until_metric("chatapp_api_carried_sockets", 0.0).await;
}

#[tokio::test]
async fn carried_sockets_are_let_go_when_the_process_stops() {
    let shard = FakeShard::open().await;
    let shards = [(); 3].map(|()| shard.url.clone());
    let options = ApiOptions { drain: std::time::Duration::from_millis(1), ..ServerParts::default().options };
    let server = Server::with(ServerParts { options, shards }).await;
    let ada = server.user("ada").await;
    let mut socket = open(&server, "/chat", &bearer(&ada)).await;
    socket.read("welcome").await;
    server.stop.cancel();
    let mut rest = Vec::new();
    let _ = socket.stream.read_to_end(&mut rest).await;
    server.until_metric("chatapp_api_carried_sockets", 0.0).await;
}
