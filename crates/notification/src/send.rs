//! Giving notes to the providers.

use std::time::Duration;

use ports::{Device, Note, Outcome, PushSender, Result};
use protocol::Username;

use crate::role::Shared;

impl Shared {
    /// Sends a note to a user's devices, and says how many took it; devices that are gone for good are forgotten.
    pub(crate) async fn send(&self, user: &Username, note: &Note) -> Result<usize> {
        let mut sent = 0;
        for device in self.store.devices(user).await? {
            let Some(sender) = self.senders.get(device.channel.as_str()) else { continue };
            match self.try_often(&**sender, &device, note).await {
                Outcome::Sent => sent += 1,
                Outcome::Gone => self.store.delete_device(user, &device.id).await?,
                Outcome::Refused | Outcome::Retry { .. } => {}
            }
        }
        Ok(sent)
    }

    async fn try_often(&self, sender: &dyn PushSender, device: &Device, note: &Note) -> Outcome {
        let mut backoff = self.options.backoff;
        for attempt in 1.. {
            let outcome = sender.send(device, note).await;
            self.metrics.pushed(sender.channel(), &outcome);
            let Outcome::Retry { after } = outcome else { return outcome };
            if attempt >= self.options.attempts {
                tracing::warn!(channel = sender.channel(), note = note.id, "a push was given up");
                return outcome;
            }
            let jitter = self.entropy.below(u64::try_from(backoff.as_millis()).unwrap_or(u64::MAX));
            tokio::time::sleep(after.max(Duration::from_millis(jitter))).await;
            backoff *= 2;
        }
        Outcome::Refused
    }
}
