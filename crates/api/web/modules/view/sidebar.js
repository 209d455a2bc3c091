// The list of conversations, the contacts, and the search for people.

import { sentence, shortTime, summary } from '../model/text.js';
import { path } from '../server/calls.js';
import { byId, fillAvatar, h, keyed, once, setText } from './dom.js';
import { open } from './place.js';

/** A search begins when nothing was typed for this long, in milliseconds. */
const PAUSE_MS = 250;
/** How many people a search shows. */
const MOST = 20;

/** The left side of the page. */
export class Sidebar {
  #parts;
  #tab = 'chats';
  #found = [];
  #problem;
  #pause;

  /** `parts`: login, chat, presence, people, `titleOf(conversation)` and `changed()`. */
  constructor(parts) {
    this.#parts = parts;
    byId('show-chats').addEventListener('click', () => this.#show('chats'));
    byId('show-contacts').addEventListener('click', () => this.#show('contacts'));
    byId('status').addEventListener('change', ({ target }) => parts.presence.choose(target.value));
    byId('log-out').addEventListener('click', ({ target }) => once(target, () => parts.login.logOut()));
    byId('search').addEventListener('input', () => this.#searchSoon());
    byId('search').addEventListener('keydown', (event) => event.key === 'Escape' && this.#endSearch());
  }

  /** Shows everything as it is now. */
  render(place) {
    const { login, presence, people } = this.#parts;
    const name = people.nameOf(login.user.username);
    setText(byId('own-name'), name);
    fillAvatar(byId('own-avatar'), { name, id: login.user.username });
    byId('status').value = presence.status;
    byId('show-chats').setAttribute('aria-pressed', this.#tab === 'chats');
    byId('show-contacts').setAttribute('aria-pressed', this.#tab === 'contacts');
    byId('tabs').hidden = this.#query !== '';
    const conversations = this.#query || this.#tab === 'chats' ? this.#conversations(place) : [];
    const others = this.#people(place);
    this.#fill(byId('conversations'), conversations, (element, row) => this.#fillConversation(element, row));
    this.#fill(byId('people'), others, (element, row) => this.#fillPerson(element, row));
    this.#hint(conversations.length + others.length);
  }

  get #query() {
    return byId('search').value.trim();
  }

  #conversations(place) {
    const { chat, presence, titleOf } = this.#parts;
    const { conversations } = chat;
    const wanted = this.#query.toLocaleLowerCase();
    const rows = conversations.sorted().map((conversation) => {
      const { id, kind, unread, muted, lastMessage, activeAt } = conversation;
      const isDirect = kind === 'direct';
      const other = isDirect ? conversations.other(conversation) : id;
      return {
        id,
        other,
        title: titleOf(conversation),
        status: isDirect ? presence.of(other) : undefined,
        line: this.#line(conversation, lastMessage),
        time: lastMessage ? shortTime(activeAt, Date.now()) : '',
        unread,
        muted,
        isOpen: place?.id === id,
      };
    });
    return rows.filter((row) => `${row.title} ${row.other}`.toLocaleLowerCase().includes(wanted));
  }

  #line(conversation, message) {
    const { chat, people } = this.#parts;
    if (conversation.typing.size > 0) return 'Typing…';
    if (!message) return summary(message);
    if (message.from === chat.conversations.me) return `You: ${summary(message)}`;
    return conversation.kind === 'group' ? `${people.nameOf(message.from)}: ${summary(message)}` : summary(message);
  }

  #people(place) {
    const { presence, people, login } = this.#parts;
    const row = (username) => ({
      username,
      name: people.nameOf(username),
      status: presence.of(username),
      isContact: presence.has(username),
      isMutual: presence.contacts.some((contact) => contact.username === username && contact.mutual),
      isOpen: place?.to === username,
    });
    if (this.#query) return this.#found.filter((username) => username !== login.user.username).map(row);
    return this.#tab === 'contacts' ? presence.contacts.map(({ username }) => row(username)) : [];
  }

  #fill(list, rows, fill) {
    list.hidden = rows.length === 0;
    keyed(list, rows, { tag: 'li', key: (row) => row.id ?? row.username, fill });
  }

  #fillConversation(element, { id, other, title, status, line, time, unread, muted, isOpen }) {
    const avatar = h('span', { class: 'avatar', 'aria-hidden': 'true' });
    fillAvatar(avatar, { name: title, id: other, status });
    const count = unread > 99 ? '99+' : String(unread);
    const badge =
      unread > 0 &&
      h('span', { class: `badge${muted ? ' muted' : ''}` }, count, h('span', { class: 'unseen' }, ' unread'));
    element.replaceChildren(
      h(
        'button',
        {
          class: 'row',
          type: 'button',
          'data-name': 'open',
          'aria-current': isOpen && 'true',
          onclick: () => this.#open({ id }),
        },
        avatar,
        h('span', { class: 'title clipped' }, title, status && h('span', { class: 'unseen' }, `, ${status}`)),
        h('time', {}, time),
        h('span', { class: 'line clipped' }, line),
        badge,
      ),
    );
  }

  #fillPerson(element, { username, name, status, isContact, isMutual, isOpen }) {
    const { presence } = this.#parts;
    const avatar = h('span', { class: 'avatar', 'aria-hidden': 'true' });
    fillAvatar(avatar, { name, id: username, status });
    const change = ({ target }) =>
      once(target, () => this.#change(isContact ? presence.remove(username) : presence.add(username)));
    const about = isContact && !isMutual ? 'has not added you yet' : status;
    element.replaceChildren(
      h(
        'button',
        {
          class: 'row',
          type: 'button',
          'data-name': 'open',
          'aria-current': isOpen && 'true',
          onclick: () => this.#open({ to: username }),
        },
        avatar,
        h('span', { class: 'title clipped' }, name),
        h('span', { class: 'line clipped' }, [`@${username}`, about].filter(Boolean).join(' · ')),
      ),
      h(
        'button',
        {
          class: 'plain',
          type: 'button',
          'data-name': 'contact',
          'aria-label': `${isContact ? 'Remove' : 'Add'} contact ${name}`,
          onclick: change,
        },
        isContact ? 'Remove' : 'Add',
      ),
    );
  }

  #hint(count) {
    const { chat } = this.#parts;
    const hint = byId('list-hint');
    hint.hidden = count > 0 && !this.#problem;
    if (this.#problem) setText(hint, this.#problem);
    else if (this.#query) setText(hint, 'Nobody and nothing found.');
    else if (this.#tab === 'contacts') setText(hint, 'No contacts yet. Search for people and add them.');
    else setText(hint, chat.isReady ? 'No conversations yet. Search for somebody to write to.' : 'Loading…');
  }

  #show(tab) {
    this.#tab = tab;
    this.#problem = undefined;
    this.#parts.changed();
    if (tab === 'contacts') this.#change(this.#parts.presence.load());
  }

  #open(target) {
    if (this.#query) this.#endSearch();
    open(target);
  }

  #searchSoon() {
    clearTimeout(this.#pause);
    this.#parts.changed();
    this.#pause = setTimeout(() => this.#search(), PAUSE_MS);
  }

  async #search() {
    const query = this.#query;
    if (!query) {
      this.#found = [];
      return this.#parts.changed();
    }
    const { login, people } = this.#parts;
    return this.#change(
      login.ask('GET', `${path('users')}?${new URLSearchParams({ query, limit: MOST })}`).then(({ items }) => {
        // Typed on meanwhile: this is the answer to another question.
        if (query !== this.#query) return;
        items.forEach((profile) => people.learn(profile));
        this.#found = items.map(({ username }) => username);
      }),
    );
  }

  #endSearch() {
    byId('search').value = '';
    this.#found = [];
    this.#parts.changed();
  }

  /** Waits for a change, and shows why it failed if it did. */
  async #change(change) {
    this.#problem = undefined;
    await change.catch((problem) => {
      this.#problem = sentence(problem);
    });
    this.#parts.changed();
  }
}
