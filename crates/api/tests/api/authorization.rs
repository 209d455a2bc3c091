//! The authorization matrix: who may do what in a group, and who may call what at all.

use http::Method;
use serde_json::{Value, json};

use crate::support::{Reply, Request, Server, User};

/// How the calls on a group end for the six kinds of callers, in this order.
const KINDS: [&str; 6] = ["anonymous", "other", "ex-member", "member", "admin", "owner"];

/// A call on a group: its method, its path after the group's, its body, and the statuses for the kinds of callers.
type Row = (Method, &'static str, Value, [u16; 6]);

fn rows() -> Vec<Row> {
    let none = || Value::Null;
    vec![
        (Method::GET, "", none(), [401, 404, 404, 200, 200, 200]),
        (Method::GET, "/messages", none(), [401, 404, 404, 200, 200, 200]),
        (Method::PATCH, "", json!({ "muted": true }), [401, 404, 404, 200, 200, 200]),
        (Method::PATCH, "", json!({ "title": "new" }), [401, 404, 404, 403, 200, 200]),
        (Method::PATCH, "", json!({}), [401, 404, 404, 200, 200, 200]),
        (Method::DELETE, "", none(), [401, 404, 404, 204, 204, 204]),
        // Somebody who is not in it, and who may not even exist: a stranger learns neither.
        (Method::PUT, "/members/guest", none(), [401, 404, 404, 403, 204, 204]),
        (Method::PUT, "/members/nobody", none(), [401, 404, 404, 403, 404, 404]),
        (Method::PUT, "/members/guest", json!({ "role": "admin" }), [401, 404, 404, 403, 403, 204]),
        (Method::PUT, "/members/plain", json!({ "role": "admin" }), [401, 404, 404, 403, 403, 204]),
        (Method::PUT, "/members/plain", json!({ "role": "owner" }), [401, 404, 404, 403, 403, 204]),
        (Method::PUT, "/members/second", json!({ "role": "member" }), [401, 404, 404, 403, 403, 204]),
        (Method::DELETE, "/members/plain", none(), [401, 404, 404, 403, 204, 204]),
        (Method::DELETE, "/members/second", none(), [401, 404, 404, 403, 403, 204]),
        (Method::DELETE, "/members/owner", none(), [401, 404, 404, 403, 403, 204]),
        (Method::DELETE, "/members/guest", none(), [401, 404, 404, 403, 204, 204]),
    ]
}

/// Everybody of the matrix; only the first four of them, after the anonymous one, call.
struct Cast {
    callers: [Option<User>; 6],
    plain: User,
    second: User,
}

async fn cast(server: &Server) -> Cast {
    let [other, former, member, admin, owner] =
        server.users(["other", "former", "member", "admin", "owner"]).await;
    let [plain, second, _guest] = server.users(["plain", "second", "guest"]).await;
    let callers = [None, Some(other), Some(former), Some(member), Some(admin), Some(owner)];
    Cast { callers, plain, second }
}

/// Makes a group in which everybody is what the matrix says.
async fn group(server: &Server, cast: &Cast) -> String {
    let [_, _, former, member, admin, owner] = &cast.callers;
    let user = |caller: &Option<User>| caller.clone().unwrap();
    let (former, member, admin, owner) = (user(former), user(member), user(admin), user(owner));
    let group = server.group(&owner, &[&former, &member, &admin, &cast.plain, &cast.second]).await;
    let path = format!("/api/conversations/{group}");
    for promoted in ["admin", "second"] {
        let role = json!({ "role": "admin" });
        server.put(format!("{path}/members/{promoted}")).by(&owner).json(&role).send().await.expect(204);
    }
    server.say(group, &owner, "m", "secret").await;
    server.delete(path.clone()).by(&former).send().await.expect(204);
    path
}

fn request(server: &Server, method: &Method, path: String, body: &Value, caller: Option<&User>) -> Request {
    let request = Request::new(server.address, method.clone(), path);
    let request = if body.is_null() { request } else { request.json(body) };
    match caller {
        Some(user) => request.by(user),
        None => request,
    }
}

fn check_code(reply: &Reply, what: &str) {
    let code = reply.json()["code"].as_str().unwrap_or_default().to_owned();
    let expected: &[&str] = match reply.status {
        401 => &["unauthenticated"],
        403 => &["not_allowed"],
        404 if what.ends_with("admin") || what.ends_with("owner") => &["user_not_found"],
        404 => &["conversation_not_found"],
        _ => return,
    };
    assert!(expected.contains(&code.as_str()), "{what}: {code}");
    assert!(!String::from_utf8_lossy(&reply.body).contains("secret"), "{what}");
}

#[tokio::test]
async fn who_may_do_what_in_a_group() {
    let server = Server::start().await;
    let cast = cast(&server).await;
    for (method, path, body, statuses) in rows() {
        for (index, status) in statuses.into_iter().enumerate() {
            // Each in a group of its own, so that none finds what another has changed.
            let group = group(&server, &cast).await;
            let what = format!("{method} {path} {body} by {}", KINDS[index]);
            let caller = cast.callers[index].as_ref();
            let reply = request(&server, &method, format!("{group}{path}"), &body, caller).send().await;
            assert_eq!(reply.status, status, "{what}: {}", reply.json());
            check_code(&reply, &what);
        }
    }
}

#[tokio::test]
async fn strangers_find_nothing_of_a_group_in_their_lists() {
    let server = Server::start().await;
    let cast = cast(&server).await;
    group(&server, &cast).await;
    for (index, sees) in [(1, false), (2, false), (3, true), (4, true), (5, true)] {
        let caller = cast.callers[index].as_ref().unwrap();
        for path in ["/api/conversations", "/api/search?query=secret"] {
            let items = server.get(path).by(caller).send().await.expect(200).items();
            assert_eq!(!items.is_empty(), sees, "{path} by {}", KINDS[index]);
        }
    }
}

#[tokio::test]
async fn every_call_needs_a_token_but_those_that_the_document_names() {
    let server = Server::start().await;
    let document = server.get("/api/openapi.json").send().await.json();
    let service = server.keys.service_token("builds", "everything", 60_000).unwrap().token;
    for (method, path) in api::calls() {
        let documented = path.replace("{*", "{");
        let public = document["paths"][&documented][method.to_lowercase()]["security"] == json!([]);
        let path = path.replace("{id}", "AAAAAAAAAAAAAAAAAAAAAA").replace("{username}", "ada");
        let method: Method = method.parse().unwrap();
        let call = |token: Option<&str>| {
            let request = Request::new(server.address, method.clone(), path.clone()).json(&json!({}));
            match token {
                Some(token) => request.token(token),
                None => request,
            }
        };
        let reply = call(None).send().await;
        assert_eq!(reply.status == 401, !public, "{method} {path}: {}", reply.status);
        if !public {
            call(Some("x")).send().await.refused(401, "unauthenticated");
        }
        if !public && path != "/notify" {
            call(Some(&service)).send().await.refused(401, "unauthenticated");
        }
    }
}
