// The conversation that is open.

import { dayOf, isSameDay, listed, sentence, summary } from '../model/text.js';
import { byId, fillAvatar, keyed, once, setText } from './dom.js';
import { fillDay, fillMessage } from './message.js';

/** Whoever is this near to the end follows it, in pixels; this near to the begin, earlier messages are loaded. */
const NEAR = 120;
/** Messages of one author within this time stand together, in milliseconds. */
const TOGETHER_MS = 300_000;

/** The right side of the page, above the composer. */
export class Thread {
  #parts;
  #place;
  #conversation;
  #problem;
  #followsEnd = true;

  /** `parts`: chat, presence, people, composer, `titleOf(conversation)`, `details(conversation)` and `changed()`. */
  constructor(parts) {
    this.#parts = parts;
    byId('scroller').addEventListener('scroll', () => this.#scrolled());
    byId('earlier').addEventListener('click', () => this.#load());
    byId('to-newest').addEventListener('click', () => this.#toEnd());
    byId('messages').addEventListener('keydown', (event) => this.#step(event));
    byId('details').addEventListener('click', () => parts.details(this.#conversation));
    byId('add-contact').addEventListener('click', ({ target }) => once(target, () => this.#addContact()));
    new ResizeObserver(() => this.#followsEnd && this.#toEnd()).observe(byId('scroller'));
  }

  /** Shows the place as it is now; nothing if nothing is open. */
  render(place, conversation) {
    byId('welcome').hidden = Boolean(place);
    byId('conversation').hidden = !place;
    const isOther = place?.id !== this.#place?.id || place?.to !== this.#place?.to;
    this.#place = place;
    this.#conversation = conversation;
    if (!place) return;
    if (isOther) {
      this.#followsEnd = true;
      this.#problem = undefined;
    }
    this.#head();
    this.#messages();
    this.#typing();
    const { timeline } = conversation ?? {};
    if (timeline && !timeline.loaded && !timeline.isLoading && !this.#problem) this.#load();
    const isSeen = document.visibilityState === 'visible' && document.hasFocus();
    if (conversation && timeline.loaded && isSeen && this.#followsEnd) this.#parts.chat.markRead(conversation);
  }

  /** The user's last message that can be edited. */
  lastOwn() {
    const { me } = this.#parts.chat.conversations;
    const isOwn = ({ from, deleted, text }) => from === me && !deleted && text !== undefined;
    return this.#conversation?.timeline.messages.findLast(isOwn);
  }

  /** The user of a direct conversation, be it made or not. */
  get #other() {
    if (!this.#conversation) return this.#place.to;
    const isDirect = this.#conversation.kind === 'direct';
    return isDirect ? this.#parts.chat.conversations.other(this.#conversation) : undefined;
  }

  #head() {
    const { presence, people, titleOf, chat } = this.#parts;
    const other = this.#other;
    const title = this.#conversation ? titleOf(this.#conversation) : people.nameOf(other);
    const status = other && presence.of(other);
    setText(byId('thread-title'), title);
    fillAvatar(byId('thread-avatar'), { name: title, id: other ?? this.#place.id, status });
    const members = this.#conversation?.members.map((member) => people.nameOf(member.username)) ?? [];
    setText(byId('thread-about'), other ? [`@${other}`, status].filter(Boolean).join(' · ') : listed(members));
    byId('details').hidden = Boolean(other) || this.#conversation.left;
    byId('add-contact').hidden = !other || other === chat.conversations.me || presence.has(other);
  }

  #messages() {
    const { composer } = this.#parts;
    const { timeline, left } = this.#conversation ?? {};
    const scroller = byId('scroller');
    const before = {
      first: byId('messages').firstElementChild,
      height: scroller.scrollHeight,
      top: scroller.scrollTop,
    };
    const rows = this.#rows();
    keyed(byId('messages'), rows, {
      tag: 'li',
      key: (row) => row.key,
      fill: (element, row) =>
        row.day ? fillDay(element, row) : fillMessage(element, row, (...done) => this.#act(...done)),
    });
    if (!byId('messages').contains(document.activeElement)) this.#point(byId('messages').lastElementChild);
    byId('earlier').hidden = !timeline?.loaded || !timeline.more;
    this.#hint(rows.length, left);
    composer.render(this.#place, Boolean(left));
    if (this.#followsEnd) this.#toEnd();
    else if (before.first !== byId('messages').firstElementChild) {
      scroller.scrollTop = before.top + scroller.scrollHeight - before.height;
    }
    byId('to-newest').hidden = this.#followsEnd;
  }

  #hint(count, left) {
    const { timeline } = this.#conversation ?? {};
    const isLoading = timeline && !timeline.loaded;
    const hint = byId('thread-hint');
    const text =
      this.#problem ?? (left ? 'You are no longer in this group.' : isLoading ? 'Loading…' : 'No messages yet.');
    hint.hidden = !this.#problem && !left && count > 0;
    setText(hint, text);
  }

  /** Gives what the list shows: messages under the headings of their days, then those that wait to be sent. */
  #rows() {
    const { chat, people } = this.#parts;
    const { me } = chat.conversations;
    const { timeline, kind } = this.#conversation ?? {};
    const known = timeline?.messages ?? [];
    const ids = new Set(known.filter(({ from }) => from === me).map(({ id }) => id));
    const waiting = this.#waiting().filter(({ id }) => !ids.has(id));
    const rows = [];
    const used = new Set();
    let last;
    for (const message of [...known, ...waiting]) {
      const isOwn = message.from === me;
      const isNewDay = !last || !isSameDay(last.sent_at, message.sent_at);
      // By its id a message of ours stays the same element from when it waits; an old id may have been used again.
      const key = isOwn && !used.has(message.id) ? `id ${message.id}` : `seq ${message.seq}`;
      used.add(message.id);
      if (isNewDay) rows.push({ key: `day of ${key}`, day: dayOf(message.sent_at, Date.now()) });
      const isNear =
        last?.from === message.from && Date.parse(message.sent_at) - Date.parse(last.sent_at) < TOGETHER_MS;
      rows.push({
        ...message,
        key,
        me,
        isOwn,
        isFirst: isNewDay || !isNear,
        author: kind === 'group' && !isOwn ? people.nameOf(message.from) : undefined,
        state: isOwn ? (message.state ?? chat.conversations.stateOf(this.#conversation, message)) : undefined,
        quote: this.#quote(message.reply_to),
      });
      last = message;
    }
    return rows;
  }

  #waiting() {
    const { chat } = this.#parts;
    const { me } = chat.conversations;
    return chat.outbox.messagesTo({ id: this.#place.id, to: this.#other }).map(({ frame, made_at, failed }) => ({
      id: frame.id,
      from: me,
      text: frame.text,
      reply_to: frame.reply_to,
      sent_at: made_at,
      state: 'sending',
      failed,
    }));
  }

  #quote(seq) {
    if (!seq) return undefined;
    const message = this.#conversation?.timeline.find(seq);
    if (!message) return { author: '', line: 'An earlier message' };
    return { author: this.#parts.people.nameOf(message.from), line: summary(message) };
  }

  #typing() {
    const names = [...(this.#conversation?.typing.keys() ?? [])].map((user) => this.#parts.people.nameOf(user));
    const verb = names.length === 1 ? 'is' : 'are';
    setText(byId('typing'), names.length === 0 ? '' : `${listed(names)} ${verb} typing…`);
  }

  #act(name, row, value) {
    const { chat, composer } = this.#parts;
    const message = this.#conversation?.timeline.find(row.seq);
    if (name === 'retry') chat.retry(row.id);
    else if (name === 'discard') chat.discard(row.id);
    else if (!message) return;
    else if (name === 'react') chat.react(message, value.emoji, value.active);
    else if (name === 'reply') composer.reply(message);
    else if (name === 'edit') composer.edit(message);
    else if (name === 'delete' && window.confirm('Delete this message for everybody?')) chat.remove(message);
  }

  async #load() {
    const conversation = this.#conversation;
    this.#problem = undefined;
    try {
      await this.#parts.chat.loadMore(conversation);
    } catch (problem) {
      this.#problem = sentence(problem);
      this.#parts.changed();
    }
  }

  async #addContact() {
    try {
      await this.#parts.presence.add(this.#other);
    } catch (problem) {
      this.#problem = sentence(problem);
      this.#parts.changed();
    }
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = byId('scroller');
    const follows = scrollHeight - scrollTop - clientHeight < NEAR;
    const isNews = follows !== this.#followsEnd;
    this.#followsEnd = follows;
    if (isNews) this.#parts.changed();
    const { timeline } = this.#conversation ?? {};
    if (scrollTop < NEAR && timeline?.loaded && timeline.more && !this.#problem) this.#load();
  }

  #toEnd() {
    const scroller = byId('scroller');
    scroller.scrollTop = scroller.scrollHeight;
  }

  #step(event) {
    const { key, target } = event;
    const from = target.closest('li');
    const to = { ArrowUp: from?.previousElementSibling, ArrowDown: from?.nextElementSibling }[key];
    if (!to) return;
    event.preventDefault();
    this.#point(to);
    to.focus();
  }

  /** Lets one message be reached by Tab; the others are reached from it by the arrow keys. */
  #point(element) {
    for (const before of byId('messages').querySelectorAll('[tabindex="0"]')) before.tabIndex = -1;
    if (element) element.tabIndex = 0;
  }
}
