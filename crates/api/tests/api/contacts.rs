//! Contacts and blocks.

use serde_json::json;

use crate::support::Server;

#[tokio::test]
async fn a_contact_is_mutual_once_both_have_added() {
    let server = Server::start().await;
    let [ada, bob] = server.users(["ada", "bob"]).await;
    let contacts = async || server.get("/api/contacts").by(&ada).send().await.expect(200).items();
    server.put("/api/contacts/bob").by(&ada).send().await.expect(204);
    server.put("/api/contacts/bob").by(&ada).send().await.expect(204);
    assert_eq!((contacts().await.len(), &contacts().await[0]["mutual"]), (1, &json!(false)));
    server.put("/api/contacts/ADA").by(&bob).send().await.expect(204);
    assert_eq!(contacts().await[0]["mutual"], json!(true));
    server.delete("/api/contacts/bob").by(&ada).send().await.expect(204);
    server.delete("/api/contacts/bob").by(&ada).send().await.expect(204);
    assert!(contacts().await.is_empty());
}

#[tokio::test]
async fn only_others_who_exist_are_contacts() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    for path in ["/api/contacts", "/api/blocks"] {
        server.put(format!("{path}/nobody")).by(&ada).send().await.refused(404, "user_not_found");
        server.put(format!("{path}/x")).by(&ada).send().await.refused(404, "user_not_found");
        let reply = server.put(format!("{path}/ada")).by(&ada).send().await;
        reply.refused(422, "invalid_field").blames("username");
        server.put(format!("{path}/%ff%fe%fd")).by(&ada).send().await.refused(404, "not_found");
    }
}

#[tokio::test]
async fn lists_come_in_pages() {
    let server = Server::start().await;
    let [ada, ..] = server.users(["ada", "bob", "carol", "dan"]).await;
    for other in ["dan", "carol", "bob"] {
        server.put(format!("/api/contacts/{other}")).by(&ada).send().await.expect(204);
        server.put(format!("/api/blocks/{other}")).by(&ada).send().await.expect(204);
    }
    for path in ["/api/contacts", "/api/blocks"] {
        let first = server.get(format!("{path}?limit=2")).by(&ada).send().await.expect(200);
        assert_eq!(first.names(), ["bob", "carol"]);
        let next = format!("{path}?limit=2&cursor={}", first.text("next_cursor"));
        let rest = server.get(next).by(&ada).send().await.expect(200);
        assert_eq!((rest.names(), rest.json().get("next_cursor")), (vec!["dan".to_owned()], None));
    }
    server.delete("/api/blocks/dan").by(&ada).send().await.expect(204);
    assert_eq!(server.get("/api/blocks").by(&ada).send().await.expect(200).names(), ["bob", "carol"]);
}
