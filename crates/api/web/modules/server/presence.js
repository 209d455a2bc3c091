// The contacts, and who of them is there.

import { path } from './calls.js';
import { Link } from './link.js';

/** The server is told at most this often that the person does something, in milliseconds. */
const ACTIVE_MS = 60_000;

/** The contacts of a user, their presence, and the user's own status. */
export class Presence {
  /** The user's contacts: username and mutual. */
  contacts = [];
  /** What the user has chosen to be seen as. */
  status = 'online';

  #login;
  #changed;
  #link;
  #statuses = new Map();
  #activeAt = Date.now();

  constructor(login, changed) {
    this.#login = login;
    this.#changed = changed;
    this.#link = new Link('/presence', login);
    this.#link.addEventListener('welcome', () => this.#welcome());
    this.#link.addEventListener('frame', ({ detail }) => this.#take(detail));
    for (const kind of ['pointerdown', 'keydown']) document.addEventListener(kind, () => this.#active());
  }

  /** Connects; the contacts are read with every connection. */
  start() {
    this.#link.start();
  }

  /** Gives a contact's status; nothing for somebody who is none, or while nobody knows. */
  of(username) {
    const isContact = this.contacts.some((contact) => contact.username === username && contact.mutual);
    return isContact && this.#link.isOpen ? (this.#statuses.get(username)?.status ?? 'offline') : undefined;
  }

  /** Whether a user is among the contacts. */
  has(username) {
    return this.contacts.some((contact) => contact.username === username);
  }

  /** Reads the contacts anew. */
  async load() {
    this.contacts = await this.#login.all('/api/contacts');
    this.#changed();
  }

  /** Adds a contact. */
  async add(username) {
    await this.#login.ask('PUT', path('contacts', username));
    this.#link.send({ type: 'subscribe', users: [username] });
    await this.load();
  }

  /** Removes a contact. */
  async remove(username) {
    await this.#login.ask('DELETE', path('contacts', username));
    await this.load();
  }

  /** Sets what the user is seen as. */
  choose(status) {
    this.status = status;
    this.#link.send({ type: 'status', status });
    this.#changed();
  }

  #welcome() {
    if (this.status !== 'online') this.#link.send({ type: 'status', status: this.status });
    this.load().catch(() => undefined);
  }

  #take(frame) {
    if (frame.type === 'snapshot') {
      for (const presence of frame.users) this.#statuses.set(presence.user, presence);
    } else if (frame.type === 'presence') {
      this.#statuses.set(frame.user, frame);
    } else {
      return;
    }
    // Somebody whose presence shows has become a mutual contact in the meantime.
    const seen = frame.users?.map(({ user }) => user) ?? [frame.user];
    const isNew = (user) => this.contacts.some((contact) => contact.username === user && !contact.mutual);
    if (seen.some(isNew)) this.load().catch(() => undefined);
    this.#changed();
  }

  #active() {
    if (Date.now() - this.#activeAt < ACTIVE_MS) return;
    this.#activeAt = Date.now();
    this.#link.send({ type: 'active' });
  }
}
