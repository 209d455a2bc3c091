//! Writing into the log past the shards: as if another shard had done it and its hints were lost.

use ports::{Append, Clock, Operation, SystemClock};
use protocol::{ClientId, ConversationId, EventBody, EventKind};

use super::{Cluster, Person};

impl Cluster {
    /// Writes a message whose text is its id; gives its number.
    pub(crate) async fn write(&self, conversation: ConversationId, from: &Person, id: &str) -> u64 {
        self.write_text(conversation, from, id, id).await
    }

    /// Writes so many messages.
    pub(crate) async fn write_many(&self, conversation: ConversationId, from: &Person, count: usize) {
        for number in 0..count {
            self.write(conversation, from, &format!("written-{number}")).await;
        }
    }

    /// Writes a message with a text; gives its number.
    pub(crate) async fn write_text(
        &self,
        conversation: ConversationId,
        from: &Person,
        id: &str,
        text: &str,
    ) -> u64 {
        let (id, at) = (ClientId::new(id).unwrap(), SystemClock.now());
        let mut body = EventBody::new(EventKind::Message, from.name.clone(), id.clone(), at);
        body.text = Some(text.to_owned());
        let append = Append {
            conversation,
            from: from.name.clone(),
            id,
            digest: 0,
            operation: Operation::Message,
            body: body.encode(),
            at,
        };
        self.log.append(append).await.unwrap().position.seq
    }
}
