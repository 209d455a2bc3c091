// The user's conversations: what the list shows, and what every event changes.

import { Timeline } from './timeline.js';

/** A typing notice without news is over after this long, in milliseconds: its sender repeats it. */
const TYPING_MS = 10_000;

/** The conversations of one user. */
export class Conversations {
  #byId = new Map();

  constructor(me) {
    this.me = me;
  }

  get(id) {
    return this.#byId.get(id);
  }

  /** Those that the user is in, the newest activity first. */
  sorted() {
    const here = [...this.#byId.values()].filter((conversation) => !conversation.left);
    return here.sort((one, other) => other.activeAt.localeCompare(one.activeAt) || one.id.localeCompare(other.id));
  }

  /** The direct conversation with a user, if there is one. */
  direct(username) {
    return this.sorted().find(
      (conversation) => conversation.kind === 'direct' && this.other(conversation) === username,
    );
  }

  /** The other one of a direct conversation; the user, where one writes to oneself. */
  other(conversation) {
    return conversation.members.find((member) => member.username !== this.me)?.username ?? this.me;
  }

  /** How many conversations have something unread. */
  unread() {
    return this.sorted().filter((conversation) => conversation.unread > 0 && !conversation.muted).length;
  }

  /** Where the user is in each conversation: what a `resume` begins from. The server says which are too many. */
  cursors(limit) {
    const newest = this.sorted().slice(0, limit);
    return Object.fromEntries(newest.map(({ id, timeline }) => [id, { ...timeline.cursor }]));
  }

  /**
   * Takes a conversation as the server shows it; without its state (a `conversation` frame) it only says who is in it.
   * `anew`: what is known of its events is forgotten, and it begins where the server says that it stands.
   */
  put(view, { anew = false } = {}) {
    const known = this.#byId.get(view.id);
    const conversation = known ?? blank(view);
    this.#byId.set(view.id, conversation);
    if (!known || view.version >= known.version) {
      const { kind, title, version, left = false } = view;
      Object.assign(conversation, { kind, title, version, left });
      if (!left) conversation.members = view.members;
    }
    if (view.seq === undefined) return conversation;
    if (anew || !known) conversation.timeline = new Timeline(view, view.last_message);
    const { read, muted } = view;
    Object.assign(conversation, { muted, read: Math.max(read, conversation.read) });
    // Else events are on their way that would be counted twice.
    if (view.seq === conversation.timeline.cursor.seq) {
      const { unread, active_at: activeAt, last_message: lastMessage } = view;
      Object.assign(conversation, { unread, activeAt, lastMessage: lastMessage ?? undefined });
    }
    return conversation;
  }

  remove(id) {
    this.#byId.delete(id);
  }

  /** Takes an event of a conversation that is known, and says whether it is a new one. */
  take(event) {
    const conversation = this.#byId.get(event.conversation);
    const isNew = conversation.timeline.take(event);
    if (!isNew) return false;
    if (event.type === 'message') {
      conversation.typing.delete(event.from);
      this.#count(conversation, event);
    } else if (event.target === conversation.lastMessage?.seq) {
      refreshLast(conversation, event);
    }
    return true;
  }

  /** Takes a page of the history, each message as it is now; `more` says whether older ones follow. */
  place(conversation, messages, more) {
    conversation.timeline.place(messages, more);
    for (const message of messages) this.#hasRead(conversation, message);
  }

  /** Takes how far a member has received and read; marks never go back. */
  receipt({ conversation: id, user, delivered = 0, read = 0 }) {
    const conversation = this.#byId.get(id);
    if (!conversation) return;
    const before = conversation.receipts.get(user) ?? { delivered: 0, read: 0 };
    const marks = { delivered: Math.max(before.delivered, delivered, read), read: Math.max(before.read, read) };
    conversation.receipts.set(user, marks);
    if (user === this.me) this.markRead(conversation, read);
  }

  /** How far the others have received and read, as far as is known; `restore` takes it back. */
  get receipts() {
    return Object.fromEntries([...this.#byId].map(([id, { receipts }]) => [id, Object.fromEntries(receipts)]));
  }

  /** Takes what `receipts` gave to an earlier page: the list of conversations does not say it. */
  restore(receipts) {
    for (const [conversation, marks] of Object.entries(receipts)) {
      for (const [user, mark] of Object.entries(marks)) this.receipt({ conversation, user, ...mark });
    }
  }

  /** Takes note that the user has read up to an event. */
  markRead(conversation, seq) {
    if (seq <= conversation.read) return;
    conversation.read = seq;
    const { messages, cursor } = conversation.timeline;
    const left = messages.filter((message) => message.seq > seq && message.from !== this.me && !message.deleted);
    conversation.unread = seq >= cursor.seq ? 0 : Math.min(conversation.unread, left.length);
  }

  /** Takes note that a member types, or has stopped. */
  typing({ conversation: id, user, active }, now) {
    const conversation = this.#byId.get(id);
    if (!conversation || user === this.me) return;
    if (active) conversation.typing.set(user, now + TYPING_MS);
    else conversation.typing.delete(user);
  }

  /** Forgets notices of typing that are over, and says whether there were any. */
  expireTyping(now) {
    let expired = false;
    for (const { typing } of this.#byId.values()) {
      for (const [user, until] of typing) if (until <= now) expired = typing.delete(user);
    }
    return expired;
  }

  /** How far a message of the user has come: `sent`, `delivered` to all others, or `read` by all of them. */
  stateOf(conversation, message) {
    const others = conversation.members.filter((member) => member.username !== this.me);
    const marks = others.map((member) => conversation.receipts.get(member.username));
    const all = (mark) => marks.length > 0 && marks.every((each) => (each?.[mark] ?? 0) >= message.seq);
    if (all('read')) return 'read';
    return all('delivered') ? 'delivered' : 'sent';
  }

  #count(conversation, message) {
    if (message.seq >= (conversation.lastMessage?.seq ?? 0)) {
      conversation.lastMessage = { ...message };
      conversation.activeAt = message.sent_at;
    }
    if (message.from !== this.me && message.seq > conversation.read && !message.deleted) conversation.unread += 1;
    this.#hasRead(conversation, message);
  }

  /** Whoever writes has read what was there. */
  #hasRead(conversation, { from: user, seq: read }) {
    this.receipt({ conversation: conversation.id, user, read });
  }
}

function blank(view) {
  return {
    id: view.id,
    members: [],
    version: 0,
    unread: 0,
    read: 0,
    muted: false,
    activeAt: view.created_at,
    lastMessage: undefined,
    timeline: new Timeline(),
    receipts: new Map(),
    typing: new Map(),
  };
}

function refreshLast(conversation, event) {
  const last = conversation.lastMessage;
  if (event.type === 'edited') last.text = event.text;
  if (event.type === 'deleted') conversation.lastMessage = { ...last, deleted: true, text: undefined };
}
