//! All calls, and the router of them.

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, MethodRouter, on};
use http_edge::{EdgeOptions, harden};

use crate::api::Api;
use crate::carrier;
use crate::handlers::{
    blocks, contacts, conversations, devices, documents, log_in, members, messages, notify, password,
    profile, search, servers, sign_up, tokens, users, web,
};
use crate::idempotency::once;
use crate::limits::limit_address;

/// One call.
struct Call {
    method: &'static str,
    path: &'static str,
    handler: MethodRouter<Arc<Api>>,
    /// Whether it is carried out once for each `Idempotency-Key`.
    once: bool,
}

/// Gives the method and path of every call, as the router has it, for the check of the OpenAPI document.
pub fn calls() -> Vec<(&'static str, &'static str)> {
    all().iter().map(|call| (call.method, call.path)).collect()
}

/// Makes the router of all calls.
pub(crate) fn router(api: Arc<Api>) -> Router {
    let router = all().into_iter().fold(Router::new(), |router, call| {
        let handler = match call.once {
            true => call.handler.layer(from_fn_with_state(api.clone(), once)),
            false => call.handler,
        };
        router.route(call.path, handler)
    });
    let metrics = api.metrics.clone();
    let options = EdgeOptions {
        page_policy: Some(web::POLICY),
        observer: Some(Arc::new(move |exchange| metrics.observe(exchange))),
    };
    let limited = router.layer(from_fn_with_state(api.clone(), limit_address));
    harden(limited.with_state(api), options)
}

fn all() -> Vec<Call> {
    vec![
        post("/api/signup", sign_up::sign_up).once(),
        post("/api/login", log_in::log_in),
        post("/api/token/refresh", tokens::refresh),
        post("/api/logout", tokens::log_out),
        get("/api/profile", profile::get),
        patch("/api/profile", profile::change),
        delete("/api/profile", profile::delete),
        put("/api/profile/password", password::change),
        get("/api/users", users::search),
        get("/api/users/{username}", users::get),
        get("/api/servers", servers::get),
        post("/api/ticket", tokens::ticket),
        get("/api/contacts", contacts::list),
        put("/api/contacts/{username}", contacts::put),
        delete("/api/contacts/{username}", contacts::delete),
        get("/api/blocks", blocks::list),
        put("/api/blocks/{username}", blocks::put),
        delete("/api/blocks/{username}", blocks::delete),
        get("/api/conversations", conversations::list),
        post("/api/conversations", conversations::create).once(),
        get("/api/conversations/{id}", conversations::get),
        patch("/api/conversations/{id}", conversations::change),
        delete("/api/conversations/{id}", conversations::leave),
        put("/api/conversations/{id}/members/{username}", members::put),
        delete("/api/conversations/{id}/members/{username}", members::remove),
        get("/api/conversations/{id}/messages", messages::list),
        get("/api/search", search::search),
        get("/api/devices", devices::list),
        put("/api/devices/{id}", devices::put),
        delete("/api/devices/{id}", devices::delete),
        post("/notify", notify::notify).once(),
        get("/api/openapi.json", documents::openapi),
        get("/api/asyncapi.json", documents::asyncapi),
        get("/api/jwks.json", documents::jwks),
        get("/chat", carrier::chat),
        get("/presence", carrier::presence),
        get("/", web::page),
        get("/app.js", web::script),
        get("/modules/{*path}", web::module),
        get("/style.css", web::style),
    ]
}

impl Call {
    fn new<H, T>(method: &'static str, filter: MethodFilter, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<Api>>,
        T: 'static,
    {
        Self { method, path, handler: on(filter, handler), once: false }
    }

    fn once(self) -> Self {
        Self { once: true, ..self }
    }
}

macro_rules! call {
    ($function:ident $method:ident) => {
        fn $function<H: Handler<T, Arc<Api>>, T: 'static>(path: &'static str, handler: H) -> Call {
            Call::new(stringify!($method), MethodFilter::$method, path, handler)
        }
    };
}

call!(get GET);
call!(post POST);
call!(put PUT);
call!(patch PATCH);
call!(delete DELETE);
