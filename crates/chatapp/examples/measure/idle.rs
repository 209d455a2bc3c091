//! What an idle connection costs in memory.

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::prepare::{Person, people};
use crate::server::Server;

/// Opens `count` sockets of as many users, straight to their shards, and shows what the program grew by.
pub(crate) async fn measure(count: usize) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let people = people(folder.path(), count + 100).await?;
    let server = Server::start(folder.path()).await?;
    let (warm, counted) = people.split_at(100);
    let mut open = Vec::new();
    for person in warm {
        open.push(connect(&server, person).await?);
    }
    let before = server.resident()?;
    for person in counted {
        open.push(connect(&server, person).await?);
    }
    let grown = server.resident()?.saturating_sub(before);
    println!("idle: {count} connections, {} bytes each (resident memory)", grown / count as u64);
    drop(open);
    Ok(())
}

/// A socket as small as it can be: only the server is measured.
async fn connect(server: &Server, person: &Person) -> Result<TcpStream> {
    let (_, url) = server.chat_shard(&person.name);
    let host = url.trim_start_matches("ws://").trim_end_matches("/chat");
    let mut stream = TcpStream::connect(host).await?;
    let request = format!(
        "GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer {}\r\n\r\n",
        person.token
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    // Until the end of the welcome frame, which is the only one.
    while !answer.ends_with(b"}") {
        let mut buffer = [0; 1024];
        let length = stream.read(&mut buffer).await?;
        anyhow::ensure!(length > 0, "refused: {}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&buffer[..length]);
    }
    Ok(stream)
}
