//! The set of signing keys, and how it changes over time without logging anybody out.

use protocol::Timestamp;
use serde::{Deserialize, Serialize};

use super::key::{Jwk, Jwks, KeyError, SigningKey};

const HOUR: u64 = 3_600_000;

/// How far the clocks of two services may be apart, in milliseconds; twice the leeway of a token's times.
const SKEW: u64 = 60_000;

/// The keys of a deployment, in the order in which they begin to sign.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct KeyRing {
    keys: Vec<SigningKey>,
}

/// When keys come and go; all in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RotationPolicy {
    /// How long a key signs before the next one does.
    pub signs_for: u64,
    /// How long a key is published before it signs, so that every verifier has fetched it by then.
    pub published_ahead: u64,
    /// The longest life of a token: so long a key stays after its last signature.
    pub longest_token: u64,
}

/// What [`rotate`] made of a ring.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// The ring to use from now on.
    pub ring: KeyRing,
    /// It differs from the one before and must be stored.
    pub changed: bool,
}

impl KeyRing {
    /// Gives the key that signs at `now`: of those that may, the newest.
    pub fn active(&self, now: Timestamp) -> Option<&SigningKey> {
        self.keys.iter().rev().find(|key| key.signs_from() <= now).or(self.keys.first())
    }

    /// Gives all keys, the oldest first.
    pub fn keys(&self) -> &[SigningKey] {
        &self.keys
    }

    /// Gives the public keys for those who verify.
    pub fn jwks(&self) -> Jwks {
        Jwks { keys: self.keys.iter().map(|key| Jwk::from(key.public())).collect() }
    }

    fn with(mut self, key: SigningKey) -> Self {
        self.keys.push(key);
        self.keys.sort_by_key(SigningKey::signs_from);
        self
    }
}

impl Default for RotationPolicy {
    /// A new key each day, published an hour ahead; tokens live 30 days at most.
    fn default() -> Self {
        Self { signs_for: 24 * HOUR, published_ahead: HOUR, longest_token: 30 * 24 * HOUR }
    }
}

/// Adds the next key when its time has come and drops those that no living token needs.
///
/// `seed` is 32 random bytes, used only if a key is added. Replicas that share a ring store the result by
/// compare-and-set; the loser reads again. It may run as seldom as it likes: the last key signs on until the next does.
///
/// # Errors
/// The seed is refused by the cryptographic library.
pub fn rotate(
    ring: &KeyRing,
    now: Timestamp,
    policy: &RotationPolicy,
    seed: &[u8; 32],
) -> Result<Rotation, KeyError> {
    let mut next = ring.clone();
    let retired = (0..ring.keys.len()).take_while(|index| !needed(ring, *index, now, policy)).count();
    next.keys.drain(..retired);
    let mut changed = retired > 0;
    if let Some(signs_from) = next_start(&next, now, policy) {
        next = next.with(SigningKey::from_seed(seed, now, signs_from)?);
        changed = true;
    }
    Ok(Rotation { ring: next, changed })
}

/// Gives when a key that is added now would begin to sign, if one is due.
fn next_start(ring: &KeyRing, now: Timestamp, policy: &RotationPolicy) -> Option<Timestamp> {
    let Some(last) = ring.keys.last() else {
        return Some(now);
    };
    let due = last.signs_from().plus(policy.signs_for);
    let published = now.plus(policy.published_ahead);
    (published >= due).then_some(published.max(due))
}

/// Tells whether a token signed by the key at `index` may still be alive.
fn needed(ring: &KeyRing, index: usize, now: Timestamp, policy: &RotationPolicy) -> bool {
    let successor = ring.keys.get(index + 1);
    successor.is_none_or(|key| key.signs_from().plus(policy.longest_token).plus(SKEW) > now)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const POLICY: RotationPolicy =
        RotationPolicy { signs_for: 24 * HOUR, published_ahead: HOUR, longest_token: 2 * HOUR };

    fn seed(number: u64) -> [u8; 32] {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&number.to_be_bytes());
        seed
    }

    fn rotated(ring: &KeyRing, now: u64) -> KeyRing {
        rotate(ring, Timestamp(now), &POLICY, &seed(now)).unwrap().ring
    }

    fn kids(ring: &KeyRing) -> Vec<&str> {
        ring.keys().iter().map(SigningKey::kid).collect()
    }

    #[test]
    fn the_first_key_signs_at_once() {
        let ring = rotated(&KeyRing::default(), 5);
        assert_eq!(ring.active(Timestamp(5)).unwrap().signs_from(), Timestamp(5));
        assert!(KeyRing::default().active(Timestamp(5)).is_none());
    }

    #[test]
    fn the_next_key_is_published_an_hour_before_it_signs() {
        let first = rotated(&KeyRing::default(), 0);
        assert!(!rotate(&first, Timestamp(23 * HOUR - 1), &POLICY, &seed(1)).unwrap().changed);
        let second = rotated(&first, 23 * HOUR);
        assert_eq!(second.jwks().keys.len(), 2);
        assert_eq!(second.active(Timestamp(24 * HOUR - 1)).unwrap().kid(), kids(&first)[0]);
        assert_eq!(second.active(Timestamp(24 * HOUR)).unwrap().kid(), kids(&second)[1]);
    }

    #[test]
    fn a_key_is_retired_when_its_last_token_has_died() {
        let ring = rotated(&rotated(&KeyRing::default(), 0), 23 * HOUR);
        assert_eq!(kids(&rotated(&ring, 26 * HOUR + SKEW - 1)), kids(&ring));
        assert_eq!(kids(&rotated(&ring, 26 * HOUR + SKEW)), kids(&ring)[1..]);
    }

    #[test]
    fn after_a_long_pause_the_last_key_signs_on_until_the_next_is_known() {
        let first = rotated(&KeyRing::default(), 0);
        let late = rotated(&first, 1000 * HOUR);
        assert_eq!(late.active(Timestamp(1001 * HOUR - 1)).unwrap().kid(), kids(&first)[0]);
        assert_eq!(late.active(Timestamp(1001 * HOUR)).unwrap().kid(), kids(&late)[1]);
    }

    /// Gives the ring as it was stored at `time`, if it existed.
    fn stored(history: &[(u64, KeyRing)], time: u64) -> Option<&KeyRing> {
        history.iter().rfind(|(since, _)| *since <= time).map(|(_, ring)| ring)
    }

    proptest! {
        /// Signer and verifier may each use a copy of the ring that is up to an hour old.
        #[test]
        fn nobody_is_logged_out(
            pauses in prop::collection::vec(prop_oneof![1..3 * HOUR, 1..60 * HOUR], 1..12),
            event: prop::sample::Index,
            after in 0..3 * HOUR,
            life in 0..=POLICY.longest_token,
            signer_age in 0..POLICY.published_ahead,
            verifier_age in 0..POLICY.published_ahead,
        ) {
            let mut history = vec![(0, rotated(&KeyRing::default(), 0))];
            for pause in pauses {
                let (now, ring) = history.last().unwrap();
                let next = (now + pause, rotated(ring, now + pause));
                history.push(next);
            }
            let signed = HOUR.max(history[event.index(history.len())].0 + after);
            let signer = stored(&history, signed - signer_age).unwrap();
            let kid = signer.active(Timestamp(signed)).unwrap().kid();
            let verifier = stored(&history, signed + life - verifier_age).unwrap();
            prop_assert!(kids(verifier).contains(&kid));
        }

        #[test]
        fn rotating_twice_changes_nothing_more(pauses in prop::collection::vec(1..60 * HOUR, 1..12)) {
            let mut ring = KeyRing::default();
            let mut now = 0;
            for pause in pauses {
                now += pause;
                ring = rotated(&ring, now);
                prop_assert!(!rotate(&ring, Timestamp(now), &POLICY, &seed(0)).unwrap().changed);
                prop_assert!(ring.keys().is_sorted_by_key(SigningKey::signs_from));
            }
        }
    }
}
