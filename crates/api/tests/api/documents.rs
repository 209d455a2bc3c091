//! The documents say what is there, all of it and nothing else.

use std::collections::BTreeSet;

use protocol::{ErrorCode, chat, presence};
use serde_json::{Value, json};

use crate::support::{Server, asyncapi, check};

async fn openapi() -> Value {
    let server = Server::start().await;
    let reply = server.get("/api/openapi.json").send().await.expect(200);
    assert_eq!(reply.header("content-type"), "application/json");
    reply.json()
}

#[tokio::test]
async fn every_call_is_in_the_document_and_the_other_way_round() {
    let document = openapi().await;
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap().iter();
    let documented: BTreeSet<(String, String)> = paths
        .flat_map(|(path, item)| {
            item.as_object().unwrap().keys().map(move |method| (path.clone(), method.to_uppercase()))
        })
        .collect();
    // OpenAPI has no sign for a parameter with slashes in it.
    let calls =
        api::calls().into_iter().map(|(method, path)| (path.replace("{*", "{"), method.to_owned())).collect();
    assert_eq!(documented, calls);
}

#[tokio::test]
async fn references_lead_somewhere_and_operations_have_names_of_their_own() {
    for document in [openapi().await, asyncapi().clone()] {
        for reference in values(&document, "$ref") {
            let pointer = reference.as_str().unwrap().trim_start_matches('#');
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }
    let document = openapi().await;
    let names: Vec<&Value> = values(&document, "operationId");
    assert_eq!(names.iter().map(|name| name.as_str().unwrap()).collect::<BTreeSet<_>>().len(), names.len());
}

#[tokio::test]
async fn the_codes_are_those_of_the_program() {
    let codes = json!(ErrorCode::ALL.iter().map(|code| code.as_str()).collect::<Vec<_>>());
    assert_eq!(openapi().await["components"]["schemas"]["Code"]["enum"], codes);
    assert_eq!(asyncapi()["components"]["schemas"]["Code"]["enum"], codes);
}

#[tokio::test]
async fn each_code_stands_where_its_status_is() {
    let document = openapi().await;
    let statuses = |response: &Value| -> BTreeSet<u64> {
        let codes = values(response, "enum").into_iter().flat_map(|codes| codes.as_array().unwrap());
        codes
            .filter_map(|code| ErrorCode::ALL.iter().find(|known| known.as_str() == code))
            .map(|code| u64::from(code.http_status()))
            .collect()
    };
    for item in document["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            for (status, response) in operation["responses"].as_object().unwrap() {
                // Upgrades are refused by statuses that no code has of its own.
                if status == "426" {
                    continue;
                }
                let expected = BTreeSet::from([status.parse::<u64>().unwrap()]);
                let found = statuses(response);
                assert!(found.is_empty() || found == expected, "{}: {status}", operation["operationId"]);
            }
        }
    }
}

#[tokio::test]
async fn the_examples_fit_their_schemas() {
    let document = openapi().await;
    let mut media = Vec::new();
    collect(&document, &mut |value| {
        if let (Some(schema), Some(example)) = (value.get("schema"), value.get("example")) {
            media.push((schema.clone(), example.clone()));
        }
    });
    assert!(media.len() > 20);
    for (schema, example) in media {
        assert_eq!(check(&document, &schema, &example), Ok(()), "{example}");
    }
}

#[test]
fn frames_of_clients_are_read_as_the_document_has_them() {
    let read = |channel: &str, operation: &str, read: fn(&str) -> Option<String>| {
        let messages = asyncapi()["operations"][operation]["messages"].as_array().unwrap();
        for reference in messages {
            let name = reference["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
            assert!(asyncapi()["channels"][channel]["messages"].get(name).is_some(), "{name}");
            let message = &asyncapi()["components"]["messages"][name];
            let example = &message["examples"][0]["payload"];
            assert_eq!(check(asyncapi(), &message["payload"], example), Ok(()), "{example}");
            assert_eq!(read(&example.to_string()), None, "{example}");
        }
        messages.len()
    };
    let chat =
        read("chat", "receiveChat", |text| chat::ClientFrame::parse(text).err().map(|error| error.detail));
    let presence = read("presence", "receivePresence", |text| {
        presence::ClientFrame::parse(text).err().map(|error| error.detail)
    });
    // As many as the protocol has.
    assert_eq!((chat, presence), (9, 5));
}

#[test]
fn frames_of_servers_are_as_the_document_has_them() {
    for name in [
        "welcome",
        "ack",
        "resumed",
        "historyPage",
        "receipt",
        "typingMember",
        "conversation",
        "pong",
        "reconnect",
        "error",
    ] {
        round_trip::<chat::ServerFrame>(name);
    }
    for name in ["welcome", "snapshot", "presence", "pong", "reconnect", "error"] {
        round_trip::<presence::ServerFrame>(name);
    }
    for name in ["message", "edited", "deleted", "reacted"] {
        let message = &asyncapi()["components"]["messages"][name];
        let example = &message["examples"][0]["payload"];
        assert_eq!(check(asyncapi(), &message["payload"], example), Ok(()));
        let (conversation, position, body) = protocol::Event::parse(example.to_string().as_bytes()).unwrap();
        let event = protocol::Event { conversation, position, body: body.encode() };
        assert_eq!(serde_json::from_slice::<Value>(&event.frame()).unwrap(), *example);
    }
}

/// Reads an example, writes it again, and checks that it is the same and fits its schema.
fn round_trip<T: serde::de::DeserializeOwned + serde::Serialize>(name: &str) {
    let message = &asyncapi()["components"]["messages"][name];
    let example = &message["examples"][0]["payload"];
    assert_eq!(check(asyncapi(), &message["payload"], example), Ok(()), "{name}");
    let frame: T =
        serde_json::from_str(&example.to_string()).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(serde_json::to_value(frame).unwrap(), *example, "{name}");
}

#[tokio::test]
async fn the_web_client_may_run_its_own_script_only() {
    let server = Server::start().await;
    let page = server.get("/").send().await.expect(200);
    assert!(String::from_utf8_lossy(&page.body).to_lowercase().contains("<html"));
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws: wss:;"
    ));
    assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"));
    let script = server.get("/app.js").send().await.expect(200);
    assert_eq!(script.header("content-type"), "text/javascript; charset=utf-8");
    server.get("/style.css").send().await.expect(200);
    let again = server.get("/app.js").header("if-none-match", script.header("etag")).send().await.expect(304);
    assert!(again.body.is_empty());
}

#[tokio::test]
async fn every_module_that_the_client_imports_is_served() {
    let server = Server::start().await;
    let (mut seen, mut left) = (BTreeSet::new(), vec!["/app.js".to_owned()]);
    while let Some(path) = left.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let script = server.get(path.clone()).send().await.expect(200);
        assert_eq!(script.header("content-type"), "text/javascript; charset=utf-8");
        let text = String::from_utf8(script.body.to_vec()).unwrap();
        left.extend(imports(&text).map(|import| resolved(&path, import)));
    }
    server.get("/modules/nothing.js").send().await.refused(404, "not_found");
    server.get("/modules/../app.js").send().await.refused(404, "not_found");
}

/// Gives what a script imports.
fn imports(script: &str) -> impl Iterator<Item = &str> {
    script
        .lines()
        .filter(|line| line.starts_with("import "))
        .filter_map(|line| line.split(['\'', '"']).nth(1))
}

/// Gives the path of what the script at `path` imports.
fn resolved(path: &str, import: &str) -> String {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in import.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Gives all members of this name.
fn values<'a>(value: &'a Value, name: &str) -> Vec<&'a Value> {
    let own = value.get(name).into_iter();
    let children: Vec<&Value> = match value {
        Value::Object(members) => members.values().collect(),
        Value::Array(items) => items.iter().collect(),
        _ => Vec::new(),
    };
    own.chain(children.into_iter().flat_map(|child| values(child, name))).collect()
}

fn collect(value: &Value, visit: &mut impl FnMut(&Value)) {
    visit(value);
    match value {
        Value::Object(members) => members.values().for_each(|child| collect(child, visit)),
        Value::Array(items) => items.iter().for_each(|child| collect(child, visit)),
        _ => {}
    }
}
