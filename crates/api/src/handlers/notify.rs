//! Notes to users from services, or from a contact.

use std::sync::Arc;

use async_trait::async_trait;
use axum::extract::State;
use axum::response::IntoResponse;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use http_edge::Json;
use ports::Note;
use protocol::{ErrorCode, Username};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::Api;
use crate::authenticate::Principal;
use crate::failure::{Answer, Failure};
use crate::fields;

/// What a service token must allow.
const SCOPE: &str = "notify";
/// The longest headline, in characters.
const MAX_TITLE: usize = 200;
/// The longest text, in characters.
const MAX_BODY: usize = 2000;
/// The most data beside it, in bytes of JSON: providers take 4 KiB with everything.
const MAX_DATA_BYTES: usize = 3072;
/// The longest key, in characters.
const MAX_COLLAPSE_KEY: usize = 64;
/// For how long a note is worth telling if it does not say, and at most: what providers keep, in seconds.
const DAY: u64 = 24 * 3600;
const MAX_TTL: u64 = 28 * DAY;

/// Takes notes to users, to be sent to their devices.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Takes a note. It is durable, or handed on, when this gives `Ok`.
    async fn notify(&self, to: &Username, note: Note) -> ports::Result<()>;
}

/// Asks for a note to be sent.
#[derive(Debug, Deserialize)]
pub(crate) struct Notify {
    to: Username,
    title: String,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    data: Option<Value>,
    #[serde(default)]
    collapse_key: Option<String>,
    #[serde(default)]
    ttl_seconds: Option<u64>,
}

/// The name of a note that was taken.
#[derive(Debug, Serialize)]
pub(crate) struct Taken {
    id: String,
}

/// `POST /notify`
pub(crate) async fn notify(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Json(body): Json<Notify>,
) -> Answer<impl IntoResponse> {
    let id = URL_SAFE_NO_PAD.encode(api.entropy.bytes::<16>());
    let to = body.to.clone();
    let note = note(id.clone(), body)?;
    check_allowed(&api, &principal, &to).await?;
    if api.store.account(&to).await?.is_none() {
        return Err(Failure::new(ErrorCode::UserNotFound).with_field("to"));
    }
    api.notifier.notify(&to, note).await?;
    Ok((StatusCode::ACCEPTED, Json(Taken { id })))
}

/// A service needs the scope; a user a contact who is one the other way round too, or it is a note to themself.
async fn check_allowed(api: &Api, principal: &Principal, to: &Username) -> Answer<()> {
    let allowed = match principal {
        Principal::Service(token) => token.allows(SCOPE),
        Principal::User(identity) if identity.user == *to => true,
        Principal::User(identity) => api.store.visible_contacts(&identity.user).await?.contains(to),
    };
    if allowed { Ok(()) } else { Err(ErrorCode::NotAllowed.into()) }
}

fn note(id: String, body: Notify) -> Answer<Note> {
    if body.data.as_ref().is_some_and(|data| data.to_string().len() > MAX_DATA_BYTES) {
        return Err(Failure::field("data", format!("must have at most {MAX_DATA_BYTES} bytes")));
    }
    let ttl_seconds = body.ttl_seconds.unwrap_or(DAY);
    if ttl_seconds > MAX_TTL {
        return Err(Failure::field("ttl_seconds", format!("must be at most {MAX_TTL}")));
    }
    let collapse_key = body.collapse_key.as_deref();
    Ok(Note {
        id,
        title: fields::one_line("title", &body.title, MAX_TITLE)?,
        body: body.body.as_deref().map(|text| fields::within("body", text, MAX_BODY)).transpose()?,
        data: body.data,
        collapse_key: collapse_key
            .map(|key| fields::one_line("collapse_key", key, MAX_COLLAPSE_KEY))
            .transpose()?,
        ttl_seconds,
    })
}
