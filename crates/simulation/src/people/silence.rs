//! Noticing that a server is gone without a word.

use std::time::Duration;

use tokio::time::Instant;

use crate::dice::Dice;

/// What a device does about a silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Silence {
    /// Nothing before then.
    Bears(Instant),
    /// It asks whether the server is there.
    Asks,
    /// It gives the connection up.
    GivesUp,
}

/// How long a device bears that nothing comes on a connection.
#[derive(Debug)]
pub(super) struct Patience {
    heard: Instant,
    asked: bool,
    ask_after: Duration,
    give_up_after: Duration,
}

impl Patience {
    /// Begins now; devices differ: some outlast the server, whose own limit is 45 s.
    pub(super) fn new(dice: &Dice) -> Self {
        let ask_after = dice.millis(8_000..=26_000);
        let give_up_after = ask_after + dice.millis(5_000..=26_000);
        Self { heard: Instant::now(), asked: false, ask_after, give_up_after }
    }

    /// Takes note that something came.
    pub(super) fn heard(&mut self) {
        (self.heard, self.asked) = (Instant::now(), false);
    }

    /// Says what to do now.
    pub(super) fn look(&mut self) -> Silence {
        let silence = self.heard.elapsed();
        if silence >= self.give_up_after {
            return Silence::GivesUp;
        }
        if silence >= self.ask_after && !self.asked {
            self.asked = true;
            return Silence::Asks;
        }
        Silence::Bears(self.heard + if self.asked { self.give_up_after } else { self.ask_after })
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_silent_server_is_asked_once_and_then_given_up() {
        let mut patience = Patience::new(&Dice::new(1, "patience"));
        let Silence::Bears(asks_at) = patience.look() else { panic!("impatient") };
        advance(asks_at - Instant::now()).await;
        assert_eq!(patience.look(), Silence::Asks);
        let Silence::Bears(gives_up_at) = patience.look() else { panic!("asked twice") };
        advance(gives_up_at - Instant::now()).await;
        assert_eq!(patience.look(), Silence::GivesUp);
        patience.heard();
        assert!(matches!(patience.look(), Silence::Bears(_)));
    }
}
