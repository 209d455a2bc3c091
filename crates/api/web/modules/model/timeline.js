// One conversation's events: how far they have come without a gap, and the messages as they are now.

/** How many events about messages that are not loaded are kept for when they are. */
const MAX_EARLY = 500;

/**
 * The events of one conversation.
 *
 * Events come in order, except that the ack of a message of ours may overtake the messages of others; so the cursor
 * is the last event before which nothing is missing, and what lies beyond it is remembered by its number.
 */
export class Timeline {
  /** Seq and generation of the last event before which nothing is missing. */
  cursor;
  /** The messages that are loaded, in order of seq and without a gap. */
  messages = [];
  /** Whether there are older messages than the loaded ones, as far as is known. */
  more = true;
  /** Whether the newest page was loaded, and whether a page is on its way. */
  loaded = false;
  isLoading = false;
  /** Whether the log was seen to begin a new generation: what is shown may not be what it holds. */
  lost = false;

  #ahead = new Map();
  #early = [];

  /** Begins after an event; `last` is the last message up to there, as it is now. */
  constructor({ seq = 0, gen = 0 } = {}, last = undefined) {
    this.cursor = { seq, gen };
    if (last) this.#insert(last);
  }

  /** Whether something is missing before an event that came. */
  get hasGap() {
    return this.#ahead.size > 0;
  }

  /** The message of that number, if it is loaded. */
  find(seq) {
    return this.messages.find((message) => message.seq === seq);
  }

  /** Takes an event and says whether it is a new one. */
  take(event) {
    if (!this.#note(event)) return false;
    if (event.type === 'message') this.#insert(event);
    else this.#change(event);
    return true;
  }

  /** Takes a page of the history, each message as it is now; `more` says whether older ones follow. */
  place(messages, more) {
    for (const message of messages) this.#insert(message);
    this.more = more;
    this.loaded = true;
    const early = this.#early;
    this.#early = [];
    for (const event of early) this.#change(event);
  }

  #note({ seq, gen }) {
    const { cursor } = this;
    if (gen > cursor.gen && cursor.seq > 0) this.lost = true;
    const seen = seq <= cursor.seq && gen <= cursor.gen;
    if (gen < cursor.gen || seen || this.#ahead.get(seq) === gen) return false;
    if (seq <= cursor.seq) return true;
    this.#ahead.set(seq, gen);
    while (this.#ahead.has(this.cursor.seq + 1)) {
      const next = this.cursor.seq + 1;
      this.cursor = { seq: next, gen: this.#ahead.get(next) };
      this.#ahead.delete(next);
    }
    return true;
  }

  #insert(message) {
    const after = this.messages.findLastIndex((known) => known.seq <= message.seq);
    const known = this.messages[after];
    // A page has messages as they are now, the event of one as it was: what is there stays.
    if (known?.seq === message.seq) {
      if (message.gen > known.gen) this.messages[after] = shown(message);
      return;
    }
    this.messages.splice(after + 1, 0, shown(message));
  }

  #change(event) {
    const message = this.find(event.target);
    if (!message) {
      this.#early = [...this.#early, event].slice(-MAX_EARLY);
      return;
    }
    if (event.type === 'edited') {
      message.text = event.text;
      message.edited_at = event.edited_at ?? event.sent_at;
    } else if (event.type === 'deleted') {
      message.deleted = true;
      delete message.text;
      delete message.content;
      message.reactions = {};
    } else if (event.type === 'reacted') {
      react(message.reactions, event);
    }
  }
}

/** Gives a message of its own, so that changes do not reach into what came from elsewhere. */
function shown(message) {
  const reactions = Object.entries(message.reactions ?? {}).map(([emoji, users]) => [emoji, [...users]]);
  return { ...message, reactions: Object.fromEntries(reactions) };
}

function react(reactions, { emoji, from, active }) {
  const others = (reactions[emoji] ?? []).filter((user) => user !== from);
  const users = active ? [...others, from] : others;
  if (users.length > 0) reactions[emoji] = users;
  else delete reactions[emoji];
}
