//! Members of groups and their roles.

use serde_json::json;

use crate::support::{Server, User};

#[tokio::test]
async fn admins_add_and_the_owner_promotes() {
    let server = Server::start().await;
    let [ada, bob, carol, dan] = server.users(["ada", "bob", "carol", "dan"]).await;
    let group = server.group(&ada, &[&bob]).await;
    let path = |user: &User| format!("/api/conversations/{group}/members/{}", user.name);
    let put = async |by: &User, user: &User, body| server.put(path(user)).by(by).json(&body).send().await;

    put(&bob, &carol, json!({})).await.refused(403, "not_allowed");
    put(&ada, &bob, json!({ "role": "admin" })).await.expect(204);
    server.put(path(&carol)).by(&bob).send().await.expect(204);
    put(&bob, &carol, json!({ "role": "admin" })).await.refused(403, "not_allowed");
    put(&dan, &dan, json!({})).await.refused(404, "conversation_not_found");
    put(&ada, &dan, json!({ "role": "king" })).await.refused(422, "invalid_field").blames("role");
    server
        .put(format!("/api/conversations/{group}/members/nobody"))
        .by(&ada)
        .send()
        .await
        .refused(404, "user_not_found");

    put(&ada, &carol, json!({ "role": "owner" })).await.expect(204);
    let view = server.get(format!("/api/conversations/{group}")).by(&ada).send().await.expect(200).json();
    let roles = json!([
        { "username": "ada", "role": "admin" },
        { "username": "bob", "role": "admin" },
        { "username": "carol", "role": "owner" },
    ]);
    assert_eq!(view["members"], roles);
}

#[tokio::test]
async fn members_are_removed_by_those_above_and_by_themselves() {
    let server = Server::start().await;
    let [ada, bob, carol] = server.users(["ada", "bob", "carol"]).await;
    let group = server.group(&ada, &[&bob, &carol]).await;
    let remove = async |by: &User, user: &str| {
        server.delete(format!("/api/conversations/{group}/members/{user}")).by(by).send().await
    };
    remove(&bob, "carol").await.refused(403, "not_allowed");
    remove(&bob, "ada").await.refused(403, "not_allowed");
    remove(&bob, "bob").await.expect(204);
    remove(&bob, "bob").await.refused(404, "conversation_not_found");
    server.hints.take();
    remove(&ada, "bob").await.expect(204);
    assert!(server.hints.take().is_empty(), "who was no member was removed");
    remove(&ada, "carol").await.expect(204);
}
