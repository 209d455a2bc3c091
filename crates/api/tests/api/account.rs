//! Accounts: sign-up, log-in, profile, password, deletion, and other users.

use auth::{HashParams, verify_password};
use ports::Accounts;
use protocol::hint::Hint;
use serde_json::json;

use crate::support::{PASSWORD, Server, name};

/// The hash of [`PASSWORD`] with less memory and fewer passes than are accepted today, made by argon2-cffi.
const WEAK: &str =
    "$argon2id$v=19$m=8192,t=1,p=1$BwcHBwcHBwcHBwcHBwcHBw$k+erzsr5zrPZAsV0hybcQL927kaz3owZYTJMYIQy1gM";

#[tokio::test]
async fn an_account_is_made_once() {
    let server = Server::start().await;
    let body = json!({ "username": "Ada.L", "password": PASSWORD, "display_name": " Ålice 🦀 " });
    let reply = server.post("/api/signup").json(&body).send().await.expect(201);
    assert_eq!(reply.header("location"), "/api/users/ada.l");
    assert_eq!((reply.text("username"), reply.text("display_name")), ("ada.l".into(), "Ålice 🦀".into()));
    server.post("/api/signup").json(&body).send().await.refused(409, "username_taken");

    let reply = server
        .post("/api/login")
        .json(&json!({ "username": "ADA.L", "password": PASSWORD, "device": "laptop" }));
    let reply = reply.send().await.expect(200);
    assert_eq!(reply.header("cache-control"), "no-store");
    assert_eq!(reply.json()["expires_in"], 900);
    let login =
        server.store().login(auth::RefreshToken::parse(&reply.text("refresh_token")).unwrap().login());
    assert_eq!(login.await.unwrap().unwrap().device.as_deref(), Some("laptop"));
}

#[tokio::test]
async fn a_name_without_a_displayed_one_is_displayed() {
    let server = Server::start().await;
    let body = json!({ "username": "ada", "password": PASSWORD });
    assert_eq!(server.post("/api/signup").json(&body).send().await.expect(201).text("display_name"), "ada");
}

#[tokio::test]
async fn bad_sign_ups_name_the_field() {
    let server = Server::start().await;
    let sign_up = async |body| server.post("/api/signup").json(&body).send().await;
    sign_up(json!({ "username": "x", "password": PASSWORD }))
        .await
        .refused(422, "invalid_username")
        .blames("username");
    for weak in ["short", "1234567890qwertyuiop", "ada-ada-ada-ada-", &"x".repeat(1025)] {
        let reply = sign_up(json!({ "username": "ada", "password": weak })).await;
        reply.refused(422, "weak_password").blames("password");
    }
    sign_up(json!({ "username": "ada" })).await.refused(422, "invalid_field").blames("password");
    sign_up(json!({ "username": 7, "password": PASSWORD }))
        .await
        .refused(422, "invalid_field")
        .blames("username");
    let blank = json!({ "username": "ada", "password": PASSWORD, "display_name": " \t" });
    sign_up(blank).await.refused(422, "invalid_field").blames("display_name");
    assert_eq!(server.store.account(&name("ada")).await.unwrap(), None);
}

#[tokio::test]
async fn unknown_names_and_wrong_passwords_look_alike() {
    let server = Server::start().await;
    server.user("ada").await;
    let log_in = async |username: &str, password: &str| {
        let body = json!({ "username": username, "password": password });
        server.post("/api/login").json(&body).send().await.refused(401, "invalid_credentials")
    };
    let wrong = log_in("ada", "wrong-wrong-wrong-1").await;
    for (username, password) in [("nobody", PASSWORD), ("!", PASSWORD), ("", ""), ("ada", &"x".repeat(2000))]
    {
        let reply = log_in(username, password).await;
        assert_eq!(reply.body, wrong.body);
        let mut headers = [wrong.headers.clone(), reply.headers];
        for headers in &mut headers {
            headers.remove("x-request-id");
            headers.remove("date");
        }
        assert_eq!(headers[0], headers[1]);
    }
}

#[tokio::test]
async fn a_weaker_hash_is_renewed_at_the_log_in() {
    let server = Server::start().await;
    server.user("ada").await;
    let before = server.store.account(&name("ada")).await.unwrap().unwrap().password_hash;
    server.store.set_password(&name("ada"), WEAK.to_owned()).await.unwrap();
    server.log_in("ada").await;
    let after = server.store.account(&name("ada")).await.unwrap().unwrap().password_hash;
    assert!(after != WEAK && after != before);
    assert!(after.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    assert!(verify_password(PASSWORD, &after, HashParams::default()).ok);
}

#[tokio::test]
async fn a_profile_is_changed_field_by_field() {
    let server = Server::start().await;
    let [ada, bob] = server.users(["ada", "bob"]).await;
    let change = async |body| server.patch("/api/profile").by(&ada).json(&body).send().await;
    change(json!({ "bio": "first\nlines", "avatar_url": "https://example.com/a.png", "status_text": "out" }))
        .await
        .expect(200);
    let reply = change(json!({ "bio": null, "display_name": "Ada L.", "later": 1 })).await.expect(200);
    let expected = json!({
        "username": "ada", "display_name": "Ada L.", "avatar_url": "https://example.com/a.png",
        "status_text": "out", "created_at": reply.json()["created_at"],
    });
    assert_eq!(reply.json(), expected);
    assert_eq!(server.get("/api/profile").by(&ada).send().await.expect(200).json(), expected);
    assert_eq!(server.get("/api/users/ADA").by(&bob).send().await.expect(200).json(), expected);
    for (field, value) in [
        ("display_name", json!("x".repeat(65))),
        ("bio", json!("x".repeat(501))),
        ("avatar_url", json!("javascript:alert(1)")),
        ("status_text", json!("x".repeat(141))),
        ("bio", json!(7)),
    ] {
        change(json!({ field: value })).await.refused(422, "invalid_field").blames(field);
    }
}

#[tokio::test]
async fn users_are_found_by_name_in_pages() {
    let server = Server::start().await;
    let [ada, ..] = server.users(["ada", "adam", "bob"]).await;
    server.patch("/api/profile").by(&ada).json(&json!({ "display_name": "Bobby" })).send().await.expect(200);
    let find =
        async |query: &str| server.get(format!("/api/users?{query}")).by(&ada).send().await.expect(200);
    assert_eq!(find("query=ad").await.names(), ["ada", "adam"]);
    assert_eq!(find("query=BOB").await.names(), ["ada", "bob"]);
    assert_eq!(find("").await.names(), ["ada", "adam", "bob"]);
    let first = find("limit=2").await;
    assert_eq!(first.names(), ["ada", "adam"]);
    let rest = find(&format!("limit=2&cursor={}", first.text("next_cursor"))).await;
    assert_eq!((rest.names(), rest.json().get("next_cursor")), (vec!["bob".to_owned()], None));
    server.get("/api/users/nobody").by(&ada).send().await.refused(404, "user_not_found");
    server.get("/api/users/x").by(&ada).send().await.refused(404, "user_not_found");
}

#[tokio::test]
async fn another_password_ends_all_other_logins() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    let other = server.log_in("ada").await;
    let change = async |current: &str, new: &str| {
        let body = json!({ "current": current, "new": new });
        server.put("/api/profile/password").by(&ada).json(&body).send().await
    };
    change("wrong-wrong-wrong-1", "another-horse-battery-9").await.refused(401, "invalid_credentials");
    change(PASSWORD, "short").await.refused(422, "weak_password").blames("new");
    server.get("/api/profile").by(&other).send().await.expect(200);
    server.hints.take();

    change(PASSWORD, "another-horse-battery-9").await.expect(204);
    server.get("/api/profile").by(&ada).send().await.expect(200);
    server.get("/api/profile").by(&other).send().await.refused(401, "unauthenticated");
    let body = json!({ "refresh_token": other.refresh });
    server.post("/api/token/refresh").json(&body).send().await.refused(401, "invalid_refresh_token");
    assert_eq!(server.hints.take().len(), 3);
    let log_in = async |password: &str| {
        let body = json!({ "username": "ada", "password": password });
        server.post("/api/login").json(&body).send().await
    };
    log_in(PASSWORD).await.refused(401, "invalid_credentials");
    log_in("another-horse-battery-9").await.expect(200);
}

#[tokio::test]
async fn a_deleted_account_is_gone_and_its_name_stays_taken() {
    let server = Server::start().await;
    let [ada, bob, carol] = server.users(["ada", "bob", "carol"]).await;
    let group = server.group(&ada, &[&bob]).await;
    for (one, other) in [(&ada, "carol"), (&carol, "ada")] {
        server.put(format!("/api/contacts/{other}")).by(one).send().await.expect(204);
    }
    server.hints.take();
    server.delete("/api/profile").by(&ada).send().await.expect(204);

    server.get("/api/profile").by(&ada).send().await.refused(401, "unauthenticated");
    server.get("/api/users/ada").by(&bob).send().await.refused(404, "user_not_found");
    let body = json!({ "username": "ada", "password": PASSWORD });
    server.post("/api/signup").json(&body).send().await.refused(409, "username_taken");
    server.post("/api/login").json(&body).send().await.refused(401, "invalid_credentials");
    let view = server.get(format!("/api/conversations/{group}")).by(&bob).send().await.expect(200).json();
    assert_eq!(view["members"], json!([{ "username": "bob", "role": "owner" }]));
    let hints: Vec<Hint> = server.hints.take_hints();
    assert!(hints.iter().any(|hint| matches!(hint, Hint::LoginEnded { user, .. } if *user == ada.name)));
    assert!(hints.iter().any(|hint| matches!(hint, Hint::Contacts { users } if users.contains(&carol.name))));
    assert!(
        hints
            .iter()
            .any(|hint| matches!(hint, Hint::Conversation(change) if change.removed == [ada.name.clone()]))
    );
}
