//! A store that is not there, or whose answers are lost: whoever asks again with the same id is heard once.

use std::collections::BTreeSet;

use protocol::ConversationId;
use serde_json::{Value, json};

use crate::support::{Client, Cluster, Dice, HintFaults, Person, Rates, Requests, message, quick};

const DOUBTFUL: Rates = Rates { refused: 10, lost: 25, late: 40 };

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_doubt_is_sent_again_until_it_is_acked_and_is_there_once() {
    for seed in 0..8 {
        println!("seed {seed}");
        talk_in_doubt(seed).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_stands_for_one_request() {
    let cluster = Cluster::start(1, quick(), 0).await;
    let [ada, bob] = &cluster.people_on([0, 0]).await;
    let pair = cluster.group(&[ada, bob]).await;
    let (mut a, mut b) = (cluster.connect(ada).await, cluster.connect(bob).await);
    let first = a.say(pair, "same").await;
    let again = a.say(pair, "same").await;
    assert_eq!((&first["duplicate"], &again["duplicate"]), (&json!(false), &json!(true)));
    assert_eq!((&first["seq"], &first["sent_at"]), (&again["seq"], &again["sent_at"]));
    a.send(&json!({"type": "send", "id": "same", "conversation": pair, "text": "other"})).await;
    assert_eq!(a.until(|frame| frame["id"] == "same").await["code"], "id_conflict");
    a.say(pair, "last").await;
    b.event(pair, 2).await;
    assert_eq!(b.seen.events(pair), [1, 2]);
    assert_eq!(cluster.ids(pair).await, ["same", "last"]);
}

/// Four people on two shards talk while the store and the log fail in every way, and hints as well.
async fn talk_in_doubt(seed: u64) {
    let cluster = Cluster::start(2, quick(), seed).await;
    cluster.hints(HintFaults { lost: 20, repeated: 20, kept: 4 });
    let people = cluster.people_on([0, 1, 0, 1]).await;
    let group = cluster.group(&people.each_ref()).await;
    let pair = cluster.group(&[&people[0], &people[1]]).await;
    let mut clients = Vec::new();
    for person in &people {
        clients.push(cluster.connect(person).await);
    }
    cluster.failing(DOUBTFUL);
    let talking = clients.into_iter().enumerate().map(|(number, client)| {
        let conversations = if number < 2 { vec![group, pair] } else { vec![group] };
        talk(&cluster, client, &people[number], conversations, seed)
    });
    let mut clients: Vec<Client> = futures_util::future::join_all(talking).await;
    cluster.failing(Rates::default());
    for (conversation, members) in [(group, 0..4), (pair, 0..2)] {
        let ids = cluster.ids(conversation).await;
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "an id is there twice: {ids:?}");
        for client in &mut clients[members] {
            client.whole(conversation, 0, ids.len() as u64).await;
            for (seq, id) in (1..).zip(&ids) {
                let shown = client.seen.event(conversation, seq).map(|event| event["id"].clone());
                assert!(shown.is_none_or(|shown| shown == json!(id)), "{seq} was shown as another");
            }
        }
    }
    let (all, of_pair) = (cluster.ids(group).await.len(), cluster.ids(pair).await.len());
    assert_eq!(all + of_pair, 4 * 25, "what was asked for is there, and nothing else");
}

/// Sends messages, and looks at the moment of each ack whether the log holds what it says.
async fn talk(
    cluster: &Cluster,
    mut client: Client,
    person: &Person,
    conversations: Vec<ConversationId>,
    seed: u64,
) -> Client {
    let mut dice = Dice::new(seed ^ u64::from(person.login.0[0]));
    let requests: Vec<Value> = (0..25)
        .map(|number| message(*dice.pick(&conversations), &format!("{}.{number}", person.name)))
        .collect();
    let mut requests = Requests::new(requests, 5);
    while let Some(ack) = client.next_ack(&mut requests).await {
        let conversation = ConversationId::parse(ack["conversation"].as_str().unwrap()).unwrap();
        let id = cluster.id_at(conversation, ack["seq"].as_u64().unwrap()).await;
        assert_eq!(id.as_deref(), ack["id"].as_str(), "the log does not hold what {ack} says");
    }
    client
}
