//! What a delivery costs in CPU: users in pairs, each with the other on another shard, 128 bytes a message.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::prepare::{Person, people};
use crate::server::Server;

/// What all connections count together.
#[derive(Default)]
struct Counts {
    delivered: AtomicU64,
    acked: AtomicU64,
    /// Of every delivery's latency from the time when it was due, in microseconds: how many lie below each power of two.
    latencies: [AtomicU64; 32],
}

/// Sends `rate` messages a second for `seconds`, each due at its own time whatever the server does.
pub(crate) async fn measure(users: usize, rate: u64, seconds: u64) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let people = people(folder.path(), users * 2).await?;
    let server = Server::start(folder.path()).await?;
    let (counts, start) = (Arc::<Counts>::default(), Instant::now());
    let mut senders = Vec::new();
    for (one, other) in pairs(&server, &people, users / 2) {
        for (me, to) in [(one, other), (other, one)] {
            senders.push((connect(&server, me, start, counts.clone()).await?, to.name.clone()));
        }
    }
    let text = "x".repeat(128 - 20);
    let run = async |total: u64| -> Result<()> {
        let begin = start.elapsed();
        for n in 0..total {
            let due = begin + Duration::from_nanos(n * 1_000_000_000 / rate);
            if let Some(wait) =
                due.checked_sub(start.elapsed()).filter(|wait| *wait > Duration::from_micros(200))
            {
                tokio::time::sleep(wait).await;
            }
            let (sender, to) = &senders[(n as usize) % senders.len()];
            let due = due.as_micros();
            let frame = format!(r#"{{"type":"send","id":"{due}-{n}","to":"{to}","text":"{due:020}{text}"}}"#);
            sender.send(Message::text(frame))?;
        }
        Ok(())
    };
    // Conversations are made, caches warm.
    run(rate).await?;
    let (cpu, delivered) = (server.cpu_seconds()?, counts.delivered.load(Ordering::Relaxed));
    counts.latencies.iter().for_each(|count| count.store(0, Ordering::Relaxed));
    let began = Instant::now();
    run(rate * seconds).await?;
    let expected = rate + rate * seconds;
    let end = Instant::now() + Duration::from_secs(30);
    while counts.delivered.load(Ordering::Relaxed) < expected && Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let elapsed = began.elapsed().as_secs_f64();
    let (cpu, delivered) =
        (server.cpu_seconds()? - cpu, counts.delivered.load(Ordering::Relaxed) - delivered);
    println!(
        "pairs: {users} users, {rate}/s for {seconds} s: {delivered} delivered ({:.0}/s), {} acked, {} lost, \
         {:.1} CPU s a million deliveries, latency p50 < {}, p99 < {} µs",
        delivered as f64 / elapsed,
        counts.acked.load(Ordering::Relaxed),
        expected - counts.delivered.load(Ordering::Relaxed),
        cpu * 1e6 / delivered as f64,
        quantile(&counts, 0.50),
        quantile(&counts, 0.99),
    );
    Ok(())
}

/// Puts people into pairs whose two live on different shards.
fn pairs<'a>(server: &Server, people: &'a [Person], count: usize) -> Vec<(&'a Person, &'a Person)> {
    let mut waiting: BTreeMap<String, Vec<&Person>> = BTreeMap::new();
    let mut pairs = Vec::new();
    for person in people {
        let (shard, _) = server.chat_shard(&person.name);
        let other = waiting.iter_mut().find(|(known, people)| **known != shard && !people.is_empty());
        match other.and_then(|(_, people)| people.pop()) {
            Some(other) => pairs.push((other, person)),
            None => waiting.entry(shard).or_default().push(person),
        }
    }
    pairs.truncate(count);
    pairs
}

async fn connect(
    server: &Server,
    person: &Person,
    start: Instant,
    counts: Arc<Counts>,
) -> Result<mpsc::UnboundedSender<Message>> {
    let mut request = server.chat_shard(&person.name).1.into_client_request()?;
    request.headers_mut().insert("authorization", format!("Bearer {}", person.token).parse()?);
    let (stream, _) = tokio_tungstenite::connect_async(request).await?;
    let (mut sink, mut stream) = stream.split();
    let (sender, mut outgoing) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(message) = outgoing.recv().await {
            if sink.send(message).await.is_err() {
                return;
            }
        }
    });
    tokio::spawn(async move {
        while let Some(Ok(message)) = stream.next().await {
            let Ok(text) = message.into_text() else { continue };
            if text.contains(r#""type":"ack""#) {
                counts.acked.fetch_add(1, Ordering::Relaxed);
            } else if let Some((_, rest)) = text.split_once(r#""text":""#) {
                let due: u64 = rest.get(..20).and_then(|due| due.parse().ok()).unwrap_or(0);
                let latency =
                    u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX).saturating_sub(due);
                let bucket = (u64::BITS - latency.leading_zeros()).min(31) as usize;
                counts.latencies[bucket].fetch_add(1, Ordering::Relaxed);
                counts.delivered.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    Ok(sender)
}

fn quantile(counts: &Counts, quantile: f64) -> u64 {
    let buckets: Vec<u64> = counts.latencies.iter().map(|count| count.load(Ordering::Relaxed)).collect();
    let wanted = (buckets.iter().sum::<u64>() as f64 * quantile) as u64;
    let mut seen = 0;
    for (bucket, count) in buckets.iter().enumerate() {
        seen += count;
        if seen >= wanted {
            return 1 << bucket;
        }
    }
    u64::MAX
}
