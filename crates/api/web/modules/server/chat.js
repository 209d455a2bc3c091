// The user's conversations, kept true by the socket: what comes in changes the model, what goes out waits for its ack.

import { Conversations } from '../model/conversations.js';
import { Outbox } from '../model/outbox.js';
import { fullJitter } from '../model/recovery.js';
import { path } from './calls.js';
import { Link } from './link.js';
import { Reread } from './reread.js';
import { own, unique } from './storage.js';

/** How many messages a page of the history has. */
const PAGE = 50;
/** How many conversations a `resume` names: more do not fit into a frame. */
const MAX_CURSORS = 800;
/** An event may be missing for this long before the conversation is read anew, in milliseconds. */
const GAP_MS = 5_000;
/** How often what is due is looked after, in milliseconds. */
const TICK_MS = 1_000;
/** After a reconnect the list is read anew within this time: all clients of a server may come back at once. */
const REFRESH_MS = 3_000;

/**
 * The conversations of a login. Calls `changed` whenever there is something new to show, and `heard` with the
 * conversation and the message when somebody else writes.
 */
export class Chat {
  link;
  conversations;
  outbox;
  /** Whether the list of conversations has been read. */
  isReady = false;

  #login;
  #changed;
  #heard;
  #outboxKey;
  #receiptsKey;
  #isReturning = false;
  #reread;

  constructor(login, { changed, heard }) {
    const { username } = login.user;
    this.#login = login;
    this.#changed = changed;
    this.#heard = heard;
    this.#outboxKey = `chatapp.outbox.${username}`;
    this.#receiptsKey = `chatapp.receipts.${username}`;
    this.conversations = new Conversations(username);
    this.#reread = new Reread(login, this.conversations, (frame) => this.#take(frame));
    this.outbox = new Outbox(own.read(this.#outboxKey));
    this.link = new Link('/chat', login);
    this.link.addEventListener('welcome', () => this.#welcome());
    this.link.addEventListener('frame', ({ detail }) => this.#take(detail));
    this.link.addEventListener('state', () => this.#changed());
    const ticking = setInterval(() => this.#tick(), TICK_MS);
    login.addEventListener('ended', () => {
      clearInterval(ticking);
      own.remove(this.#outboxKey);
      own.remove(this.#receiptsKey);
    });
    window.addEventListener('pagehide', () => {
      if (!login.isOver) own.write(this.#receiptsKey, this.conversations.receipts);
    });
  }

  /** Reads the list of conversations, then connects: the list says where to resume from. */
  async start() {
    for (let failures = 0; !this.isReady && !this.#login.isOver; failures += 1) {
      try {
        await this.#list();
        this.conversations.restore(own.read(this.#receiptsKey) ?? {});
        this.isReady = true;
      } catch {
        await new Promise((resume) => setTimeout(resume, fullJitter(failures, Math.random())));
      }
    }
    if (!this.#login.isOver) this.link.start();
    this.#changed();
  }

  /** Sends a message to a conversation (`id`), or to a user without one (`to`). */
  send({ id, to }, text, replyTo) {
    const target = id ? { conversation: id } : { to };
    this.#request({ type: 'send', ...target, text, ...(replyTo && { reply_to: replyTo }) });
  }

  /** Gives a message another text. */
  edit(message, text) {
    this.#request({ type: 'edit', conversation: message.conversation, seq: message.seq, text });
  }

  /** Takes a message back. */
  remove(message) {
    this.#request({ type: 'delete', conversation: message.conversation, seq: message.seq });
  }

  /** Puts an emoji on a message, or takes it off. */
  react(message, emoji, active) {
    this.#request({ type: 'react', conversation: message.conversation, seq: message.seq, emoji, active });
  }

  /** Tries a refused request again. */
  retry(id) {
    this.outbox.retry(id);
    this.#flush();
  }

  /** Gives a refused request up. */
  discard(id) {
    this.outbox.answered(id);
    this.#flush();
  }

  /** Tells the others that the user types, or has stopped. */
  typing(id, active) {
    this.link.send({ type: 'typing', conversation: id, active });
  }

  /** Tells the server that the user has read everything that is shown. */
  markRead(conversation) {
    const { seq } = conversation.timeline.cursor;
    if (seq <= conversation.read || !this.link.send({ type: 'read', conversation: conversation.id, seq })) return;
    this.conversations.markRead(conversation, seq);
    this.#changed();
  }

  /** Loads the newest messages if none were loaded, else the ones before those that are there. */
  async loadMore(conversation) {
    const { timeline } = conversation;
    if (timeline.isLoading || (timeline.loaded && !timeline.more)) return;
    timeline.isLoading = true;
    const before = timeline.loaded ? timeline.messages[0]?.seq : undefined;
    const query = new URLSearchParams({ limit: PAGE, ...(before && { before }) });
    try {
      const url = `${path('conversations', conversation.id, 'messages')}?${query}`;
      const { messages, more } = await this.#login.ask('GET', url);
      if (timeline === conversation.timeline) this.conversations.place(conversation, messages, more);
    } finally {
      timeline.isLoading = false;
      this.#changed();
    }
  }

  /** Makes a group. */
  async createGroup(title, members) {
    const body = { members, ...(title && { title }) };
    const conversation = this.conversations.put(await this.#login.ask('POST', '/api/conversations', body));
    this.#changed();
    return conversation;
  }

  /** Adds somebody to a group. */
  async addMember(id, username) {
    await this.#login.ask('PUT', path('conversations', id, 'members', username), {});
  }

  /** Leaves a group. */
  async leave(id) {
    await this.#login.ask('DELETE', path('conversations', id));
    this.conversations.remove(id);
    this.#changed();
  }

  async #list() {
    for (const view of await this.#login.all('/api/conversations')) this.conversations.put(view);
    this.#changed();
  }

  #request(frame) {
    this.outbox.push({ ...frame, id: unique() }, Date.now());
    this.#flush();
  }

  /** Sends what is due, and keeps the rest for a page that is loaded anew. */
  #flush() {
    if (this.link.isOpen) for (const frame of this.outbox.due(Date.now())) this.link.send(frame);
    own.write(this.#outboxKey, this.outbox.entries);
    this.#changed();
  }

  #tick() {
    if (this.link.isOpen) for (const frame of this.outbox.due(Date.now())) this.link.send(frame);
    if (this.conversations.expireTyping(Date.now())) this.#changed();
  }

  #welcome() {
    this.link.send({ type: 'resume', cursors: this.conversations.cursors(MAX_CURSORS) });
    this.outbox.disconnected();
    this.#flush();
  }

  #take(frame) {
    switch (frame.type) {
      case 'message':
      case 'edited':
      case 'deleted':
      case 'reacted':
        return this.#event(frame);
      case 'ack':
        return this.#acked(frame);
      case 'resumed':
        return this.#resumed(frame.conversations);
      case 'conversation':
        return this.#conversation(frame);
      case 'receipt':
        if (this.#reread.hold(frame)) return undefined;
        this.conversations.receipt(frame);
        return this.#changed();
      case 'typing':
        this.conversations.typing(frame, Date.now());
        return this.#changed();
      case 'error':
        return this.#refused(frame);
      default:
        // A newer server may say more.
        return undefined;
    }
  }

  #event(event) {
    if (event.from === this.conversations.me && this.outbox.answered(event.id)) this.#flush();
    if (this.#reread.hold(event)) return undefined;
    const conversation = this.conversations.get(event.conversation);
    if (!conversation) return this.#read(event.conversation, [event]);
    const isNew = this.conversations.take(event);
    if (isNew && event.type === 'message' && event.from !== this.conversations.me) this.#heard(conversation, event);
    if (conversation.timeline.lost) this.#read(event.conversation);
    else if (conversation.timeline.hasGap) setTimeout(() => this.#mend(conversation), GAP_MS);
    return this.#changed();
  }

  /** The server does not send a request's event to where it came from: the ack stands for it. */
  #acked({ id, conversation, seq, gen, sent_at }) {
    const frame = this.outbox.answered(id);
    this.#flush();
    if (!frame) return;
    const place = { conversation, seq, gen, id, from: this.conversations.me, sent_at };
    const { text, reply_to, emoji, active } = frame;
    const target = frame.seq;
    const events = {
      send: { ...place, type: 'message', text, reply_to },
      edit: { ...place, type: 'edited', target, text, edited_at: sent_at },
      delete: { ...place, type: 'deleted', target },
      react: { ...place, type: 'reacted', target, emoji, active },
    };
    this.#event(events[frame.type]);
  }

  #refused({ id, code, detail, retry_after_ms: wait }) {
    if (!id) return;
    if (wait !== undefined || code === 'unavailable') this.outbox.postponed(id, wait ?? 1_000, Date.now());
    else this.outbox.refused(id, detail);
    this.#flush();
  }

  #conversation(view) {
    if (!view.left && !this.conversations.get(view.id)) return this.#read(view.id);
    this.conversations.put(view);
    return this.#changed();
  }

  #resumed(places) {
    for (const [id, { seq, recovered, reason }] of Object.entries(places)) {
      const cursor = this.conversations.get(id)?.timeline.cursor;
      if (reason === 'not_a_member') this.conversations.remove(id);
      else if (!recovered || !cursor || cursor.seq < seq) this.#read(id);
    }
    // A resume brings events; who was added, and what was renamed or read elsewhere, the list has.
    if (this.#isReturning) setTimeout(() => this.#list().catch(() => undefined), Math.random() * REFRESH_MS);
    this.#isReturning = true;
    this.#changed();
  }

  #mend(conversation) {
    const isCurrent = this.conversations.get(conversation.id)?.timeline === conversation.timeline;
    if (isCurrent && conversation.timeline.hasGap) this.#read(conversation.id);
  }

  /** Reads a conversation anew. */
  async #read(id, events) {
    await this.#reread.begin(id, events);
    this.#changed();
  }
}
