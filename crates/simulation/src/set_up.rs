//! What there is before people begin: keys, accounts, logins, contacts, and devices for pushes.

use std::sync::Arc;

use auth::{Issuer, KeyError, KeyRing, Lifetimes, Realm, RotationPolicy, TokenId, rotate};
use ports::{Account, Accounts, Contacts, Device, Devices, Documents, Login, Logins};
use protocol::account::User;
use protocol::{LoginId, Timestamp, Username};

use crate::host::EPOCH_MS;
use crate::store::StoreHandle;
use crate::world::World;

/// How many devices a person has.
const DEVICES: u128 = 2;
/// The names of the people.
const NAMES: [&str; 10] = ["ada", "ben", "cyd", "dan", "eve", "fay", "gus", "hal", "ida", "jon"];

/// A person, with a token for each device.
#[derive(Clone, Debug)]
pub struct Actor {
    /// Who.
    pub user: Username,
    /// A login for each device, and its access token.
    pub logins: Vec<(LoginId, String)>,
}

/// Says why the scene could not be set.
#[derive(Debug, thiserror::Error)]
pub enum SetUpError {
    /// The store refused something.
    #[error(transparent)]
    Store(#[from] ports::Error),
    /// There is no key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A name is none.
    #[error(transparent)]
    Name(#[from] protocol::InvalidName),
    /// The keys cannot be written.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// Says who issues the tokens of a world.
pub fn realm() -> Realm {
    Realm { issuer: "https://chat.test".to_owned(), audience: "chatapp".to_owned() }
}

/// Says how long tokens live: longer than a world, since nobody logs in again.
pub fn lifetimes() -> Lifetimes {
    Lifetimes { access: 24 * 3_600_000, ..Lifetimes::default() }
}

/// Sets the scene, and gives the people.
///
/// # Errors
/// The scene is not a possible one.
pub async fn cast(world: &World, people: u64) -> Result<Vec<Actor>, SetUpError> {
    let (store, now) = (world.store.direct(), Timestamp(EPOCH_MS));
    let issuer = issuer(&store, now).await?;
    let people = usize::try_from(people).unwrap_or(NAMES.len()).min(NAMES.len());
    let mut actors = Vec::new();
    for (number, name) in (0_u128..).zip(&NAMES[..people]) {
        let user = Username::new(name)?;
        store.create_account(account(&user, now)).await?;
        let device = Device {
            id: format!("{name}-push"),
            channel: "log".to_owned(),
            address: serde_json::json!({ "user": user }),
            registered_at: now,
        };
        store.put_device(&user, device).await?;
        let mut logins = Vec::new();
        for device in 0..DEVICES {
            let id = LoginId((1 + number * DEVICES + device).to_be_bytes());
            store.create_login(login(id, &user, now)).await?;
            logins.push((id, issuer.access(&user, id, TokenId(id.0), now)?.token));
        }
        actors.push(Actor { user, logins });
    }
    make_contacts(world, &store, &actors).await?;
    Ok(actors)
}

/// Lets most people be contacts of each other.
async fn make_contacts(world: &World, store: &Arc<StoreHandle>, actors: &[Actor]) -> Result<(), SetUpError> {
    let dice = world.dice("contacts");
    for (number, one) in actors.iter().enumerate() {
        for other in &actors[number + 1..] {
            if dice.chance(0.7) {
                store.put_contact(&one.user, &other.user, Timestamp(EPOCH_MS)).await?;
                store.put_contact(&other.user, &one.user, Timestamp(EPOCH_MS)).await?;
            }
        }
    }
    Ok(())
}

/// Makes the first key, as the api role would, so that tokens can be signed before it starts.
async fn issuer(store: &StoreHandle, now: Timestamp) -> Result<Issuer, SetUpError> {
    let policy = RotationPolicy { longest_token: lifetimes().longest, ..RotationPolicy::default() };
    let ring = rotate(&KeyRing::default(), now, &policy, &[7; 32])?.ring;
    store.put_document("signing-keys", 0, serde_json::to_vec(&ring)?).await?;
    Ok(Issuer::new(realm(), ring, lifetimes()))
}

fn account(user: &Username, now: Timestamp) -> Account {
    let user = User {
        username: user.clone(),
        display_name: user.to_string(),
        bio: None,
        avatar_url: None,
        status_text: None,
        created_at: now,
    };
    Account { user, password_hash: String::new(), throttle: Vec::new() }
}

fn login(id: LoginId, user: &Username, now: Timestamp) -> Login {
    Login {
        id,
        username: user.clone(),
        device: None,
        created_at: now,
        expires_at: now.plus(365 * 24 * 3_600_000),
        refresh: Vec::new(),
        version: 1,
    }
}
