//! Accounts, logins and sockets belong together.

use serde_json::{Value, json};

use crate::support::{PASSWORD, Socket, World, unique};

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_closes_that_logins_sockets_and_no_others() {
    let world = World::start().await;
    let ada = world.person("ada").await;
    let other = ada.again().await;
    // On both shards, and through the api as well as straight.
    let sockets =
        [world.chat(&ada).await, Socket::open(&ada.chat_url, &ada.token).await, world.presence(&ada).await];
    let stays = [world.chat(&other).await, world.presence(&other).await];
    assert_eq!(ada.call("POST", "/api/logout", None).await.0, 204);
    for socket in &sockets {
        assert_eq!(socket.closed().await, 4401);
    }
    assert_eq!(ada.call("GET", "/api/profile", None).await.0, 401);
    assert!(Socket::try_open(&world.chat_url(), &ada.token).await.is_err());
    for socket in &stays {
        socket.send(&json!({ "type": "ping", "id": "still-here" }));
        socket.wait_for("pong").await;
    }
    assert_eq!(other.call("GET", "/api/profile", None).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_works_once_and_its_reuse_ends_the_family() {
    let world = World::start().await;
    let ada = world.person("ada").await;
    let socket = world.chat(&ada).await;
    let refresh = async |token: &str| {
        let body = json!({ "refresh_token": token });
        let response = world.http.post(world.url("/api/token/refresh")).json(&body).send().await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap())
    };
    let (status, fresh) = refresh(&ada.refresh).await;
    assert_eq!(status, 200);
    // A refresh closes no socket.
    socket.settle().await;
    assert_eq!(refresh(&ada.refresh).await.0, 401);
    assert_eq!(refresh(fresh["refresh_token"].as_str().unwrap()).await.0, 401);
    assert_eq!(socket.closed().await, 4401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_ends_all_other_logins() {
    let world = World::start().await;
    let ada = world.person("ada").await;
    let other = ada.again().await;
    let (mine, others) = (world.chat(&ada).await, world.chat(&other).await);
    let new = "another-horse-battery-9";
    let wrong = json!({ "current": "not-my-password-at-all", "new": new });
    assert!([401, 403, 422].contains(&ada.call("PUT", "/api/profile/password", Some(wrong)).await.0));
    let change = json!({ "current": PASSWORD, "new": new });
    assert_eq!(ada.call("PUT", "/api/profile/password", Some(change)).await.0, 204);
    assert_eq!(others.closed().await, 4401);
    mine.settle().await;
    let log_in = async |password: &str| {
        let body = json!({ "username": ada.name, "password": password });
        world.http.post(world.url("/api/login")).json(&body).send().await.unwrap().status().as_u16()
    };
    assert_eq!((log_in(PASSWORD).await, log_in(new).await), (401, 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_account_is_gone_and_its_name_stays_taken() {
    let world = World::start().await;
    let people = world.strangers(2).await;
    let (a, b) = (world.chat(&people[0]).await, world.chat(&people[1]).await);
    let group = people[0].group("two", &[&people[1]]).await;
    a.said("m", &group, "remember me").await;
    assert_eq!(people[0].call("DELETE", "/api/profile", None).await.0, 204);
    assert_eq!(a.closed().await, 4401);
    let without =
        |frame: &Value| frame["type"] == "conversation" && frame["members"].as_array().unwrap().len() == 1;
    b.wait(without).await;
    let body = json!({ "username": people[0].name, "password": PASSWORD });
    let again = world.http.post(world.url("/api/signup")).json(&body).send().await.unwrap();
    assert_eq!(again.status(), 409);
    assert_eq!(people[1].call("GET", &format!("/api/users/{}", people[0].name), None).await.0, 404);
    let (_, page) = people[1].call("GET", &format!("/api/conversations/{group}/messages"), None).await;
    assert_eq!(page["messages"][0]["text"], "remember me");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_opens_one_socket_once() {
    let world = World::start().await;
    let ada = world.person("ada").await;
    let (status, ticket) = ada.call("POST", "/api/ticket", None).await;
    assert_eq!(status, 201);
    let url = format!("{}?ticket={}", world.chat_url(), ticket["ticket"].as_str().unwrap());
    let (mut stream, _) = tokio_tungstenite::connect_async(&url).await.unwrap();
    let welcome = futures_util::StreamExt::next(&mut stream).await.unwrap().unwrap();
    assert!(welcome.to_text().unwrap().contains("\"welcome\""));
    assert!(tokio_tungstenite::connect_async(&url).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_credentials_no_socket_and_never_a_token_in_a_url() {
    let world = World::start().await;
    let ada = world.person("ada").await;
    for url in [world.chat_url(), ada.chat_url.clone()] {
        for query in [String::new(), format!("?token={}", ada.token), "?ticket=forged".to_owned()] {
            let error = tokio_tungstenite::connect_async(format!("{url}{query}")).await.unwrap_err();
            let tokio_tungstenite::tungstenite::Error::Http(response) = error else { panic!("{error}") };
            assert_eq!(response.status(), 401, "{url}{query}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_shows_its_token_as_a_subprotocol() {
    use tokio_tungstenite::tungstenite::client::IntoClientRequest;
    let world = World::start().await;
    let ada = world.person("ada").await;
    let mut request = world.chat_url().into_client_request().unwrap();
    let offer = format!("chatapp.v1, chatapp.bearer.{}", ada.token);
    request.headers_mut().insert("sec-websocket-protocol", offer.parse().unwrap());
    let (_, response) = tokio_tungstenite::connect_async(request).await.unwrap();
    assert_eq!(response.headers()["sec-websocket-protocol"], "chatapp.v1");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_and_the_documents_are_served() {
    let world = World::start().await;
    let page = world.http.get(world.url("/")).send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert!(page.text().await.unwrap().to_lowercase().contains("<html"));
    let document: Value =
        world.http.get(world.url("/api/openapi.json")).send().await.unwrap().json().await.unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let name = unique("nobody");
    assert_eq!(world.http.get(world.url(&format!("/api/users/{name}"))).send().await.unwrap().status(), 401);
}
