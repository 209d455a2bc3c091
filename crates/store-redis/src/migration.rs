//! The layout of the keys: which version the store has, and the way from an older one to this program's.
//!
//! One process migrates at a time, the others wait. It has to say again and again that it is still there; if it
//! stops, another takes over with a higher number, and what the first may still do is refused. Each step may be done again.

mod presences;
#[cfg(test)]
mod tests;

use std::time::Duration;

use ports::{Error, Result};

use crate::OpenError;
use crate::context::Context;
use crate::link::Call;
use crate::script::Script;
use crate::todo::{Token, arguments, call, entity};

static OPEN: Script = entity!("open_layout");
static CLAIM: Script = entity!("claim_migration");
static FINISH: Script = entity!("finish_migration");

/// The layout that this program writes.
const LAYOUT: u64 = 1;
/// For how long a claim to migrate holds, in milliseconds.
const CLAIMED: u64 = 30_000;
/// How often one who waits looks again.
const PAUSE: Duration = Duration::from_millis(500);

/// What the store's identifiers depend on, so that nobody outside can tell them.
pub(crate) type Secret = [u8; 32];

/// Who migrates from which layout.
struct Migrator<'a> {
    context: &'a Context,
    token: Token,
    from: u64,
}

/// Makes sure that the store has the layout that this program knows, and gives its secret; begins an empty store.
///
/// # Errors
/// `NewerLayout`, or that the store cannot be reached.
pub(crate) async fn prepare(context: &Context) -> std::result::Result<Secret, OpenError> {
    loop {
        let (layout, secret) = open(context).await?;
        match layout {
            LAYOUT => {
                return secret
                    .try_into()
                    .map_err(|_| Error::Corrupt("the secret has another length".to_owned()).into());
            }
            older if older < LAYOUT => migrate(context, older).await?,
            newer => return Err(OpenError::NewerLayout { found: newer, known: LAYOUT }),
        }
    }
}

async fn open(context: &Context) -> Result<(u64, Vec<u8>)> {
    let secret: Secret = context.entropy.bytes();
    call(context, Call::new(&OPEN, vec![context.keys.meta()], arguments![LAYOUT, secret.to_vec()])).await
}

/// Migrates the store by one version, or waits a moment while another does.
async fn migrate(context: &Context, from: u64) -> Result<()> {
    let migrator = Migrator { context, token: Token::random(context.entropy.bytes()), from };
    let Some(number) = migrator.claim().await? else {
        tracing::info!(from, "waiting until the store in redis is migrated");
        tokio::time::sleep(PAUSE).await;
        return Ok(());
    };
    tracing::info!(from, "migrating the store in redis");
    match migrator.run(number).await {
        // Somebody else has taken over.
        Err(Error::Conflict) => Ok(()),
        outcome => outcome,
    }
}

impl Migrator<'_> {
    /// Claims to be the one who migrates, or that one still, and gives a number that grows with each.
    async fn claim(&self) -> Result<Option<u64>> {
        let arguments = arguments![&self.token, self.from, CLAIMED];
        call(self.context, Call::new(&CLAIM, vec![self.context.keys.meta()], arguments)).await
    }

    /// Says that the migrator is still there. Fails with `Conflict` if another has taken over.
    async fn hold(&self, number: u64) -> Result<()> {
        if self.claim().await? == Some(number) { Ok(()) } else { Err(Error::Conflict) }
    }

    async fn run(&self, number: u64) -> Result<()> {
        match self.from {
            0 => self.list_connected(number).await?,
            other => return Err(Error::Corrupt(format!("there is no layout {other}"))),
        }
        let arguments = arguments![&self.token, self.from, self.from + 1];
        let finish = Call::new(&FINISH, vec![self.context.keys.meta()], arguments);
        let is_mine: bool = call(self.context, finish).await?;
        if is_mine { Ok(()) } else { Err(Error::Conflict) }
    }
}
