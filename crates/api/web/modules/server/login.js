// A login: its tokens, kept fresh, and shared by all pages of this browser.

import { call, Problem } from './calls.js';
import { shared, unique } from './storage.js';

const KEY = 'chatapp.login';
/** The token is exchanged after this part of its life. */
const FRESH_FOR = 0.8;

/** A login. It ends when the person logs out, here or in another page, or when the server no longer knows it. */
export class Login extends EventTarget {
  /** Whose it is: username and display_name. */
  user;
  /** Whether it has ended; an `ended` event came then. */
  isOver = false;

  #queue = Promise.resolve();

  constructor(saved) {
    super();
    this.user = saved.user;
    window.addEventListener('storage', (event) => this.#stored(event));
  }

  /** Goes on with the login that this browser has, if it has one. */
  static restore() {
    const saved = shared.read(KEY);
    return saved?.refreshToken ? new Login(saved) : undefined;
  }

  /** Makes an account and logs in. */
  static async signUp(username, password, displayName) {
    const body = { username, password, ...(displayName && { display_name: displayName }) };
    await call('POST', '/api/signup', { body });
    return Login.logIn(username, password);
  }

  /** Logs in. */
  static async logIn(username, password) {
    const body = { username, password, device: 'Web browser' };
    const saved = keep(await call('POST', '/api/login', { body }));
    return new Login(saved);
  }

  /** Gives a token that holds for a while. */
  async token() {
    const saved = this.#saved();
    if (Date.now() < saved.refreshAt) return saved.token;
    try {
      return await this.renew(saved.token);
    } catch (problem) {
      // The server may still take it.
      if (this.isOver) throw problem;
      return saved.token;
    }
  }

  /** Gives another token than `refused`, which the server did not take. */
  renew(refused) {
    return this.#alone(async () => {
      const saved = this.#saved();
      // Another page was faster: a refresh token works once.
      if (saved.token !== refused) return saved.token;
      const body = { refresh_token: saved.refreshToken };
      try {
        return keep(await call('POST', '/api/token/refresh', { body, key: saved.refreshKey })).token;
      } catch (problem) {
        if (problem.status === 401) this.#end();
        throw problem;
      }
    });
  }

  /** Makes a call of this user; one whose token is refused is made once more with a fresh one. */
  async ask(method, url, body) {
    const key = method === 'POST' ? unique() : undefined;
    const token = await this.token();
    try {
      return await call(method, url, { token, body, key });
    } catch (problem) {
      if (problem.code !== 'unauthenticated') throw problem;
      return call(method, url, { token: await this.renew(token), body, key });
    }
  }

  /** Gives all items of a list that comes in pages. */
  async all(url, limit = 200) {
    const items = [];
    let cursor;
    do {
      const query = new URLSearchParams({ limit, ...(cursor && { cursor }) });
      const page = await this.ask('GET', `${url}?${query}`);
      items.push(...page.items);
      cursor = page.next_cursor;
    } while (cursor);
    return items;
  }

  /** Ends the login, at the server too if it can be reached. */
  async logOut() {
    await this.ask('POST', '/api/logout').catch(() => undefined);
    this.#end();
  }

  #saved() {
    const saved = shared.read(KEY);
    if (saved?.user.username === this.user.username) return saved;
    this.#end(false);
    throw new Problem('The login has ended.', { status: 401 });
  }

  #end(forget = true) {
    if (this.isOver) return;
    this.isOver = true;
    if (forget) shared.remove(KEY);
    this.dispatchEvent(new Event('ended'));
  }

  #stored(event) {
    const isOther = () => shared.read(KEY)?.user.username !== this.user.username;
    if ((event.key === KEY || event.key === null) && isOther()) this.#end(false);
  }

  /** Runs one exchange at a time: of all pages where the browser can lock, else of this one. */
  #alone(exchange) {
    if (navigator.locks) return navigator.locks.request(KEY, exchange);
    const turn = this.#queue.then(exchange);
    this.#queue = turn.catch(() => undefined);
    return turn;
  }
}

function keep(answer) {
  const saved = {
    user: answer.user,
    token: answer.token,
    refreshAt: Date.now() + answer.expires_in * 1000 * FRESH_FOR,
    refreshToken: answer.refresh_token,
    // An exchange whose answer is lost is repeated under the same key, even by the page that comes next.
    refreshKey: unique(),
  };
  shared.write(KEY, saved);
  return saved;
}
