//! Where a user's pushes go.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use http_edge::{Json, Query};
use ports::Device;
use protocol::account::Page;
use protocol::{ClientId, ErrorCode, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::api::Api;
use crate::authenticate::Caller;
use crate::failure::{Answer, Failure};
use crate::paging::{self, PageQuery};
use crate::path::Path;

/// How much a channel may need to reach a device, in bytes of JSON.
const MAX_ADDRESS_BYTES: usize = 4096;

/// Registers a device: a channel, and beside it what the channel needs.
#[derive(Debug, Deserialize)]
pub(crate) struct PutDevice {
    channel: String,
    #[serde(flatten)]
    address: Map<String, Value>,
}

/// A device as its user sees it.
#[derive(Debug, Serialize)]
pub(crate) struct DeviceView {
    id: String,
    channel: String,
    registered_at: Timestamp,
    #[serde(flatten)]
    address: Map<String, Value>,
}

/// `GET /api/devices`
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Caller(caller): Caller,
    Query(query): Query<PageQuery>,
) -> Answer<Json<Page<DeviceView>>> {
    let limit = paging::limit(query.limit)?;
    let after: Option<String> = paging::decode(query.cursor.as_deref())?;
    let mut devices = api.store.devices(&caller.user).await?;
    devices.retain(|device| after.as_ref().is_none_or(|after| device.id > *after));
    let more = devices.len() > limit;
    devices.truncate(limit);
    let next_cursor = devices.last().filter(|_| more).map(|last| paging::encode(&last.id));
    Ok(Json(Page { items: devices.into_iter().map(DeviceView::from).collect(), next_cursor }))
}

/// `PUT /api/devices/{id}`
pub(crate) async fn put(
    State(api): State<Arc<Api>>,
    Caller(caller): Caller,
    Path(id): Path<ClientId>,
    Json(body): Json<PutDevice>,
) -> Answer<StatusCode> {
    let PutDevice { channel, mut address } = body;
    // What the answer has of its own, sent back by a client that changes something else.
    for own in ["id", "registered_at"] {
        address.remove(own);
    }
    let address = Value::Object(address);
    let sender = api.channels.iter().find(|sender| sender.channel() == channel).ok_or_else(|| {
        Failure::because(ErrorCode::UnsupportedChannel, "this server does not offer the channel")
            .with_field("channel")
    })?;
    if address.to_string().len() > MAX_ADDRESS_BYTES {
        return Err(Failure::field("channel", "needs less than what was given"));
    }
    sender.check(&address).map_err(|reason| Failure::field(blamed(&reason), reason.clone()))?;
    let device = Device { id: id.as_str().to_owned(), channel, address, registered_at: api.clock.now() };
    api.store.put_device(&caller.user, device).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /api/devices/{id}`
pub(crate) async fn delete(
    State(api): State<Arc<Api>>,
    Caller(caller): Caller,
    Path(id): Path<ClientId>,
) -> Answer<StatusCode> {
    api.store.delete_device(&caller.user, id.as_str()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives the field that a channel's reason begins with (`endpoint: must be a web address`), or the channel itself.
fn blamed(reason: &str) -> &str {
    match reason.split_once(':') {
        Some((field, _)) if !field.is_empty() && !field.contains(' ') => field,
        _ => "channel",
    }
}

impl From<Device> for DeviceView {
    fn from(device: Device) -> Self {
        let address = match device.address {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        Self { id: device.id, channel: device.channel, registered_at: device.registered_at, address }
    }
}
