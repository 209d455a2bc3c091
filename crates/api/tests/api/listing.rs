//! The list of conversations: the newest activity first, in pages.

use std::time::Duration;

use crate::support::{Server, User};

async fn page(server: &Server, user: &User, query: &str) -> (Vec<String>, Option<String>) {
    let reply = server.get(format!("/api/conversations?{query}")).by(user).send().await.expect(200);
    let ids = reply.items().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect();
    (ids, reply.json()["next_cursor"].as_str().map(str::to_owned))
}

#[tokio::test]
async fn pages_follow_each_other_even_if_something_happens_between() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    let mut groups = Vec::new();
    for _ in 0..5 {
        groups.push(server.group(&ada, &[]).await);
        server.clock.advance(Duration::from_secs(1));
    }
    for number in [2, 0, 4, 1, 3] {
        server.say(groups[number], &ada, "m", "x").await;
        server.clock.advance(Duration::from_secs(1));
    }
    let expected: Vec<String> = [3, 1, 4, 0, 2].map(|number: usize| groups[number].to_string()).into();
    assert_eq!(page(&server, &ada, "").await, (expected.clone(), None));

    let (first, cursor) = page(&server, &ada, "limit=2").await;
    assert_eq!(first, expected[..2]);
    // One of the first page moves up: nothing is missed or seen twice.
    server.say(groups[1], &ada, "m2", "x").await;
    let (second, cursor) = page(&server, &ada, &format!("limit=2&cursor={}", cursor.unwrap())).await;
    assert_eq!(second, expected[2..4]);
    let (third, cursor) = page(&server, &ada, &format!("limit=2&cursor={}", cursor.unwrap())).await;
    assert_eq!((third, cursor), (expected[4..].to_vec(), None));
}

#[tokio::test]
async fn conversations_of_the_same_moment_have_an_order_too() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    for _ in 0..7 {
        server.group(&ada, &[]).await;
    }
    let (all, _) = page(&server, &ada, "").await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let (ids, next) = page(&server, &ada, &format!("limit=3{cursor}")).await;
        seen.extend(ids);
        let Some(next) = next else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!((seen.len(), seen), (7, all));
}

#[tokio::test]
async fn everybody_sees_their_own() {
    let server = Server::start().await;
    let [ada, bob, carol] = server.users(["ada", "bob", "carol"]).await;
    let group = server.group(&ada, &[&bob]).await;
    assert_eq!(page(&server, &bob, "").await.0, [group.to_string()]);
    assert!(page(&server, &carol, "").await.0.is_empty());
    let wrong = server.get("/api/conversations?cursor=x").by(&ada).send().await;
    wrong.refused(422, "invalid_field").blames("cursor");
}
