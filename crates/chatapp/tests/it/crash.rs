//! The program is killed in the middle of writes, twenty times: nothing that was acknowledged is lost, nothing is there twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::{SinkExt, StreamExt};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::program::Program;
use crate::support::Person;

const KILLS: usize = 20;
const WRITERS: usize = 8;

/// What the writers know of one conversation.
#[derive(Default)]
struct Acked {
    /// The number of each id that was acknowledged.
    seqs: BTreeMap<String, u64>,
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_kills_lose_nothing_and_repeat_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let http = reqwest::Client::new();
    let mut program = Program::start(&data).await;
    let mut people = Vec::new();
    for n in 0..WRITERS {
        people.push(Person::sign_up(&program.base(), &http, &format!("writer{n}")).await);
    }
    let group = people[0].group("all", &people[1..].iter().collect::<Vec<_>>()).await;
    let acked = Arc::new(Mutex::new(Acked::default()));
    let count = Arc::new(AtomicU64::new(0));
    // What was sent and not acknowledged when the program died: sent again with the same ids.
    let mut open: Vec<BTreeSet<String>> = vec![BTreeSet::new(); WRITERS];
    for round in 0..KILLS {
        let target = count.load(Ordering::Relaxed) + 150;
        let writers: Vec<_> = people
            .iter()
            .zip(open.iter().cloned())
            .enumerate()
            .map(|(n, (person, open))| {
                let url = format!("ws://{}/chat", program.public);
                let name = format!("{round}-{n}");
                tokio::spawn(write(
                    url,
                    person.token.clone(),
                    group.clone(),
                    name,
                    open,
                    acked.clone(),
                    count.clone(),
                ))
            })
            .collect();
        while count.load(Ordering::Relaxed) < target {
            assert!(!writers.iter().all(tokio::task::JoinHandle::is_finished), "nobody can write");
            tokio::time::sleep(std::time::Duration::from_micros(200)).await;
        }
        program.kill();
        open.clear();
        for writer in writers {
            open.push(writer.await.unwrap());
        }
        program = Program::start(&data).await;
    }
    // Somebody who was away the whole time reads everything.
    let url = format!("{}/api/conversations/{group}/messages", program.base());
    let mut log: Vec<(u64, String)> = Vec::new();
    loop {
        let after = log.last().map_or(0, |(seq, _)| *seq);
        let request = http.get(format!("{url}?limit=200&after={after}")).bearer_auth(&people[0].token);
        let page: Value = request.send().await.unwrap().json().await.unwrap();
        for message in page["messages"].as_array().unwrap() {
            log.push((message["seq"].as_u64().unwrap(), message["id"].as_str().unwrap().to_owned()));
        }
        if page["more"] == false {
            break;
        }
    }
    let seqs: Vec<u64> = log.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(seqs, (1..=log.len() as u64).collect::<Vec<_>>(), "a gap in the log");
    let stored: BTreeMap<String, u64> = log.iter().map(|(seq, id)| (id.clone(), *seq)).collect();
    assert_eq!(stored.len(), log.len(), "an id is there twice");
    let acked = &acked.lock().seqs;
    assert!(acked.len() >= KILLS * 150);
    for (id, seq) in acked {
        assert_eq!(stored.get(id), Some(seq), "{id} was acknowledged");
    }
    assert_eq!(program.terminate(), Some(0));
}

/// Writes until the program dies, and gives what was not acknowledged.
async fn write(
    url: String,
    token: String,
    group: String,
    name: String,
    mut open: BTreeSet<String>,
    acked: Arc<Mutex<Acked>>,
    count: Arc<AtomicU64>,
) -> BTreeSet<String> {
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    let Ok((stream, _)) = tokio_tungstenite::connect_async(request).await else { return open };
    let (mut sink, mut stream) = stream.split();
    let send = |id: &str| {
        let frame =
            json!({ "type": "send", "id": id, "conversation": group, "text": format!("text of {id}") });
        Message::text(frame.to_string())
    };
    for id in open.clone() {
        if sink.send(send(&id)).await.is_err() {
            return open;
        }
    }
    let mut next = 0;
    loop {
        // A few on their way at once, so that a kill finds some half done.
        while open.len() < 8 {
            let id = format!("{name}-{next}");
            next += 1;
            open.insert(id.clone());
            if sink.send(send(&id)).await.is_err() {
                return open;
            }
        }
        let Some(Ok(message)) = stream.next().await else { return open };
        let Ok(text) = message.to_text() else { continue };
        let Ok(frame) = serde_json::from_str::<Value>(text) else { continue };
        match frame["type"].as_str() {
            Some("ack") => {
                let id = frame["id"].as_str().unwrap().to_owned();
                let seq = frame["seq"].as_u64().unwrap();
                open.remove(&id);
                let earlier = acked.lock().seqs.insert(id.clone(), seq);
                assert!(earlier.is_none_or(|earlier| earlier == seq), "{id} has two numbers");
                count.fetch_add(1, Ordering::Relaxed);
            }
            Some("error") => panic!("{frame}"),
            _ => {}
        }
    }
}
