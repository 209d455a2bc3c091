//! Checks answers against the OpenAPI document.

use std::sync::LazyLock;

use http::Method;
use serde_json::Value;

use super::{Reply, check};

pub(crate) static OPENAPI: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../../documents/openapi.json")).unwrap());
static ASYNCAPI: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../../documents/asyncapi.json")).unwrap());

/// Gives the AsyncAPI document.
pub(crate) fn asyncapi() -> &'static Value {
    &ASYNCAPI
}

/// Checks that the document has this answer to this request: status, content type, code and every member of the body.
#[track_caller]
pub(super) fn check_reply(method: &Method, path: &str, reply: &Reply) {
    let path = path.split('?').next().unwrap();
    let request = format!("{method} {path} {}", reply.status);
    let code = reply.json()["code"].as_str().unwrap_or_default().to_owned();
    // Of any path; the document says so.
    if (reply.status == 404 && code == "not_found") || (reply.status == 405 && code == "method_not_allowed") {
        return;
    }
    let operation = operation(path, &method.as_str().to_lowercase());
    let response = resolve(&operation["responses"][reply.status.to_string()]);
    assert!(response.is_object(), "{request} {code} is not documented");
    let Some(content) = response["content"].as_object() else {
        assert!(reply.body.is_empty(), "{request} has a body");
        return;
    };
    let declared = reply.header("content-type").split(';').next().unwrap().to_owned();
    let media = content.get(&declared).unwrap_or_else(|| panic!("{request}: {declared} is not documented"));
    if declared.ends_with("json")
        && let Err(reason) = check(&OPENAPI, &media["schema"], &reply.json())
    {
        panic!("{request}: {reason}\n{}", reply.json());
    }
}

fn operation(path: &str, method: &str) -> &'static Value {
    let segments: Vec<&str> = path.split('/').collect();
    let fits = |template: &str| {
        let template: Vec<&str> = template.split('/').collect();
        let length_fits = template.len() == segments.len()
            || (template.last() == Some(&"{path}") && template.len() < segments.len());
        length_fits
            && template.iter().zip(&segments).all(|(part, segment)| part.starts_with('{') || part == segment)
    };
    let (_, item) = OPENAPI["paths"]
        .as_object()
        .unwrap()
        .iter()
        .find(|(template, _)| fits(template))
        .unwrap_or_else(|| panic!("{path} is not documented"));
    &item[method]
}

fn resolve(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(reference) => OPENAPI.pointer(reference.trim_start_matches('#')).unwrap(),
        None => value,
    }
}
