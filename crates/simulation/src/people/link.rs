//! How a device comes to its user's shard: it asks where that is, tries, and tries again.

use std::sync::Arc;
use std::time::Duration;

use protocol::Service;
use protocol::account::{Servers, Ticket};
use tokio::time::{Instant, sleep_until, timeout};

use super::device::{Device, Switch};
use super::http::Asked;
use super::incoming::{Incoming, Welcome};
use super::signal::Follower;
use super::socket::{Pass, Refusal, Socket};
use crate::dice::Dice;

/// How long it may take from the first packet to the `welcome`.
const OPEN_WITHIN: Duration = Duration::from_secs(12);
/// The bound of the first wait between attempts, which doubles with each failure, in milliseconds.
const FIRST_WAIT: u64 = 250;
/// The greatest bound of a wait, in milliseconds.
const LONGEST_WAIT: u64 = 4_000;
/// A connection that lasted this long was a good one.
const STABLE: Duration = Duration::from_secs(3);
/// How often a device tries whether its login has really ended.
const TRIES_LOGGED_OUT: u32 = 3;

/// A device's way to one of the two services.
pub(super) struct Link {
    device: Arc<Device>,
    switch: Follower<Switch>,
    way: Way,
    failures: u32,
    /// No attempt before.
    not_before: Instant,
    /// How often it tried since it was logged out.
    tries_logged_out: u32,
}

/// Where the shard is.
struct Way {
    service: Service,
    dice: Dice,
    /// Where the server said to go.
    told: Option<String>,
    /// Where it was the last time.
    known: Option<String>,
}

impl Link {
    pub(super) fn new(device: Arc<Device>, service: Service, dice: Dice) -> Self {
        Self {
            switch: device.switch(),
            device,
            way: Way { service, dice, told: None, known: None },
            failures: 0,
            not_before: Instant::now(),
            tries_logged_out: 0,
        }
    }

    /// Opens a socket once the device is on, however often it takes; nothing if the device was logged out, and its login refused.
    pub(super) async fn open(&mut self) -> Option<(Socket, Welcome)> {
        loop {
            let switch = self.switch.see();
            if switch.logged_out.is_some() && self.tries_logged_out == TRIES_LOGGED_OUT {
                return None;
            }
            if !switch.on && switch.logged_out.is_none() {
                self.switch.changed().await;
                self.failures = 0;
                continue;
            }
            self.tries_logged_out += u32::from(switch.logged_out.is_some());
            let opened = tokio::select! {
                biased;
                () = self.switch.changed() => continue,
                opened = self.way.open(&self.device, switch.back_at.max(self.not_before), self.failures) => opened,
            };
            match opened {
                Ok(opened) => return Some(opened),
                Err(Refusal::LoggedOut) if switch.logged_out.is_some() => return None,
                Err(_) => self.fail(),
            }
        }
    }

    /// Takes note that a connection is over that had lasted so long.
    pub(super) fn lost(&mut self, lasted: Duration) {
        if lasted >= STABLE {
            self.failures = 0;
            self.not_before = Instant::now() + self.way.dice.millis(0..=FIRST_WAIT);
        } else {
            self.fail();
        }
    }

    /// Takes note of where the server said to go.
    pub(super) fn go(&mut self, url: Option<&str>) {
        self.way.told = url.and_then(address_of);
        self.way.known = None;
        (self.failures, self.not_before) = (0, Instant::now());
    }

    /// Waits longer, and no longer than a bound: by full jitter, as clients of this service are advised to.
    fn fail(&mut self) {
        let bound = (FIRST_WAIT << self.failures.min(10)).min(LONGEST_WAIT);
        self.failures += 1;
        self.not_before = Instant::now() + self.way.dice.millis(0..=bound);
    }
}

impl Way {
    /// Opens a socket, not before a moment.
    async fn open(
        &mut self,
        device: &Device,
        not_before: Instant,
        failures: u32,
    ) -> Result<(Socket, Welcome), Refusal> {
        sleep_until(not_before).await;
        let address = self.address(device, failures).await?;
        let opened = timeout(OPEN_WITHIN, Box::pin(self.open_at(device, &address))).await;
        let opened = opened.unwrap_or(Err(Refusal::NotNow));
        self.known = opened.is_ok().then_some(address);
        opened
    }

    /// Finds where to go: where the server said, where the device was, through the api role, or where the api role says.
    async fn address(&mut self, device: &Device, failures: u32) -> Result<String, Refusal> {
        if let Some(told) = self.told.take() {
            return Ok(told);
        }
        if failures == 0
            && let Some(known) = self.known.take()
            && self.dice.chance(0.5)
        {
            return Ok(known);
        }
        if self.dice.chance(0.25) {
            return Ok(device.shared.api(&self.dice));
        }
        let reply = device.http.ask(Asked::get("/api/servers")).await.ok_or(Refusal::NotNow)?;
        if reply.status == 401 {
            return Err(Refusal::LoggedOut);
        }
        let servers: Servers = reply.read().ok_or(Refusal::NotNow)?;
        let url = match self.service {
            Service::Chat => servers.chat.url,
            Service::Presence => servers.presence.url,
        };
        address_of(&url).ok_or(Refusal::NotNow)
    }

    async fn open_at(&self, device: &Device, address: &str) -> Result<(Socket, Welcome), Refusal> {
        let pass = match self.dice.between(0..=9) {
            0 => Pass::Ticket(ticket(device).await?),
            1 => Pass::Subprotocol(device.http.token()),
            _ => Pass::Header(device.http.token()),
        };
        let pipe = device.shared.network.connect(&device.name, address).await;
        let path = format!("/{}", self.service);
        let mut socket = Socket::open(pipe.map_err(|_| Refusal::NotNow)?, address, &path, pass).await?;
        match socket.next().await.map(|text| Incoming::read(&text)) {
            Ok(Incoming::Welcome(welcome)) => Ok((socket, welcome)),
            _ => Err(Refusal::NotNow),
        }
    }
}

async fn ticket(device: &Device) -> Result<String, Refusal> {
    let asked = Asked::new(http::Method::POST, "/api/ticket");
    let reply = device.http.ask(asked).await.ok_or(Refusal::NotNow)?;
    match reply.status {
        401 => Err(Refusal::LoggedOut),
        _ => reply.read().map(|ticket: Ticket| ticket.ticket.expose().to_owned()).ok_or(Refusal::NotNow),
    }
}

/// Gives the address in `ws://chat-0:80/chat`.
fn address_of(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    Some(rest.split('/').next()?.to_owned())
}
