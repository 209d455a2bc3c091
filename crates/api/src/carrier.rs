//! Carries sockets to the shard of their user: `/chat` and `/presence` on the role that clients know.
//!
//! The handshake is passed on to the user's shard, and after its answer bytes are copied both ways. The shard checks
//! everything; here only the user's name is read, to know which shard it is.

mod copying;
mod handshake;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use hyper_util::rt::TokioIo;
use placement::{Assignment, Bucket, Member, Table};
use ports::{Dial, Entropy, Tasks};
use protocol::ErrorCode;
use telemetry::IntGauge;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::address::ClientAddress;
use crate::api::Api;
use crate::failure::{Answer, Failure};
use crate::options::ApiOptions;

use handshake::Handshake;

/// When a client may come back whose shard cannot be reached.
const COME_BACK: Duration = Duration::from_secs(1);

/// Carries sockets.
pub(crate) struct Carrier {
    connect_timeout: Duration,
    upgrade_timeout: Duration,
    drain: Duration,
    places: Arc<Semaphore>,
    carried: IntGauge,
    entropy: Arc<dyn Entropy>,
    dial: Arc<dyn Dial>,
    tasks: Tasks,
    stop: CancellationToken,
}

/// A socket's place among those that are carried, counted while it is held.
struct Place {
    _permit: OwnedSemaphorePermit,
    carried: IntGauge,
}

/// `GET /chat`
pub(crate) async fn chat(
    State(api): State<Arc<Api>>,
    address: ClientAddress,
    request: Request,
) -> Answer<Response> {
    carry(&api, "chat", |table| &table.chat, address, request).await
}

/// `GET /presence`
pub(crate) async fn presence(
    State(api): State<Arc<Api>>,
    address: ClientAddress,
    request: Request,
) -> Answer<Response> {
    carry(&api, "presence", |table| &table.presence, address, request).await
}

async fn carry(
    api: &Api,
    service: &str,
    assignment: fn(&Table) -> &Assignment,
    address: ClientAddress,
    request: Request,
) -> Answer<Response> {
    let identity = api.authenticator.peek(request.headers(), request.uri().query())?;
    let table = api.tables.borrow().clone();
    let (assignment, bucket) = (assignment(&table), Bucket::of(identity.user.as_str()));
    let owner = assignment.owner(bucket);
    let candidates = std::iter::once(owner).chain(assignment.runner_up(bucket, &[]));
    let answer = api.carrier.carry(request, address, candidates).await;
    if answer.is_err() {
        api.metrics.uncarried_sockets.with_label_values(&[service]).inc();
    }
    answer
}

impl Carrier {
    /// Makes a carrier that reaches the shards by `dial`; `carried` shows how many sockets it carries.
    pub(crate) fn new(
        options: &ApiOptions,
        entropy: Arc<dyn Entropy>,
        dial: Arc<dyn Dial>,
        tasks: Tasks,
        stop: CancellationToken,
        carried: IntGauge,
    ) -> Self {
        Self {
            connect_timeout: options.connect_timeout,
            upgrade_timeout: options.upgrade_timeout,
            drain: options.drain,
            places: Arc::new(Semaphore::new(options.carried_sockets.min(Semaphore::MAX_PERMITS))),
            carried,
            entropy,
            dial,
            tasks,
            stop,
        }
    }

    /// Passes a handshake on to the first of these shards that can be reached, and gives its answer.
    async fn carry<'a>(
        &self,
        mut request: Request,
        address: ClientAddress,
        candidates: impl Iterator<Item = &'a Member>,
    ) -> Answer<Response> {
        let busy = || Failure::retry(ErrorCode::Unavailable, COME_BACK);
        let place = Place::take(&self.places, &self.carried).ok_or_else(busy)?;
        let client = hyper::upgrade::on(&mut request);
        let handshake = Handshake::new(&request, address);
        for member in candidates {
            let mut answer = match self.ask(&handshake, &member.url).await {
                Ok(answer) => answer,
                Err(error) => {
                    tracing::warn!(shard = %member.shard, %error, "a shard cannot be reached");
                    continue;
                }
            };
            let response = handshake::to_client(&answer);
            if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
                return Ok(response.map(|()| Body::new(answer.into_body())));
            }
            let shard = hyper::upgrade::on(&mut answer);
            let (stop, patience) = (self.stop.clone(), self.patience());
            self.tasks.spawn(async move {
                let _place = place;
                match tokio::try_join!(client, shard) {
                    Ok((client, shard)) => {
                        copying::both_ways(TokioIo::new(client), TokioIo::new(shard), &stop, patience).await;
                    }
                    Err(error) => tracing::debug!(%error, "a socket was not carried"),
                }
            });
            return Ok(response.map(|()| Body::empty()));
        }
        Err(busy())
    }

    async fn ask(
        &self,
        handshake: &Handshake,
        url: &str,
    ) -> Result<http::Response<hyper::body::Incoming>, handshake::Unreachable> {
        let stream = handshake::connect(&*self.dial, url, self.connect_timeout).await?;
        handshake.send(stream, self.upgrade_timeout, &self.tasks).await
    }

    /// How long a socket is still carried after the process was told to stop: spread, so that the clients do not all
    /// come back at once.
    fn patience(&self) -> Duration {
        let drain = u64::try_from(self.drain.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(self.entropy.below(drain))
    }
}

impl Place {
    fn take(places: &Arc<Semaphore>, carried: &IntGauge) -> Option<Self> {
        let permit = places.clone().try_acquire_owned().ok()?;
        carried.inc();
        Some(Self { _permit: permit, carried: carried.clone() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.carried.dec();
    }
}
