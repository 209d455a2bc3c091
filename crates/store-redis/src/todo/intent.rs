//! What may be left to do, in the words in which scripts note it.

use ports::{Error, Result};
use protocol::{ConversationId, LoginId, Timestamp, Username};

use super::identifier;
use crate::contacts::Relation;

/// A step of a saga that is left to do. All of them may be done again, and in any order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    /// The search index has to show an account as it is now.
    Index {
        /// Whose.
        username: Username,
    },
    /// All that a deleted account had elsewhere has to go.
    Delete {
        /// Whose.
        username: Username,
        /// When it was deleted.
        at: Timestamp,
    },
    /// Logins have to end, and to go from their user's list after that.
    End {
        /// Whose they are.
        username: Username,
        /// When they end.
        at: Timestamp,
        /// Which.
        logins: Vec<LoginId>,
    },
    /// A login that has ended has to go from its user's list.
    Unlist {
        /// Whose it was.
        username: Username,
        /// Which.
        login: LoginId,
    },
    /// The other side of a relation has to know of a change.
    Relation(Change),
    /// A conversation has to be in the lists of users who joined it.
    Joined {
        /// The conversation.
        id: ConversationId,
        /// Its version when they joined.
        version: u64,
        /// Who; without one, all members.
        username: Option<Username>,
    },
    /// A conversation has to go from the list of a user who left it.
    Left {
        /// The conversation.
        id: ConversationId,
        /// Its version when the user left.
        version: u64,
        /// Who.
        username: Username,
    },
}

/// A change of a relation between two users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// Contact or block.
    pub(crate) relation: Relation,
    /// Who relates.
    pub(crate) username: Username,
    /// To whom.
    pub(crate) other: Username,
    /// Grows with each change that the user makes.
    pub(crate) number: u64,
    /// Whether they are related now.
    pub(crate) is_related: bool,
}

/// The words of an intent, one after the other.
struct Words<'a>(std::str::Split<'a, char>);

impl Intent {
    /// Reads an intent; nothing from an empty text.
    pub(crate) fn parse(text: &str) -> Result<Option<Self>> {
        if text.is_empty() {
            return Ok(None);
        }
        Words(text.split(' ')).intent().map(Some).ok_or_else(|| Error::Corrupt(format!("intent {text:?}")))
    }
}

impl<'a> Words<'a> {
    fn intent(&mut self) -> Option<Intent> {
        Some(match self.word()? {
            "index" => Intent::Index { username: self.username()? },
            "delete" => Intent::Delete { username: self.username()?, at: self.time()? },
            "end" => Intent::End { username: self.username()?, at: self.time()?, logins: self.logins()? },
            "unlist" => Intent::Unlist { username: self.username()?, login: self.login()? },
            "relate" => Intent::Relation(self.change(true)?),
            "unrelate" => Intent::Relation(self.change(false)?),
            "joined" => Intent::Joined {
                id: self.conversation()?,
                version: self.number()?,
                username: self.anybody()?,
            },
            "left" => {
                Intent::Left { id: self.conversation()?, version: self.number()?, username: self.username()? }
            }
            _ => return None,
        })
    }

    fn change(&mut self, is_related: bool) -> Option<Change> {
        let relation = Relation::named(self.word()?)?;
        let (username, other) = (self.username()?, self.username()?);
        Some(Change { relation, username, other, number: self.number()?, is_related })
    }

    fn word(&mut self) -> Option<&'a str> {
        self.0.next()
    }

    fn number(&mut self) -> Option<u64> {
        self.word()?.parse().ok()
    }

    fn time(&mut self) -> Option<Timestamp> {
        self.number().map(Timestamp)
    }

    fn username(&mut self) -> Option<Username> {
        Username::new(self.word()?).ok()
    }

    fn anybody(&mut self) -> Option<Option<Username>> {
        match self.word()? {
            "*" => Some(None),
            name => Username::new(name).ok().map(Some),
        }
    }

    fn conversation(&mut self) -> Option<ConversationId> {
        identifier(self.word()?).map(ConversationId)
    }

    fn login(&mut self) -> Option<LoginId> {
        identifier(self.word()?).map(LoginId)
    }

    fn logins(&mut self) -> Option<Vec<LoginId>> {
        self.0.by_ref().map(|word| identifier(word).map(LoginId)).collect()
    }
}
