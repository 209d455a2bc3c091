// A socket that comes back.

import { Recovery } from '../model/recovery.js';

const PROTOCOL = 'chatapp.v1';
/** How long a socket may take to open, and a ping may wait for any answer, in milliseconds. */
const OPEN_MS = 15_000;
const ANSWER_MS = 15_000;
/** How often the socket is looked at, in milliseconds. */
const TICK_MS = 5_000;

/**
 * A connection to `/chat` or `/presence` that is made again when it is lost, after a random wait that grows.
 *
 * Dispatches `welcome` and `frame` (with the frame as `detail`), and `state` when `state` changes: `idle`,
 * `connecting`, `open`, `waiting`, or `ended` with `reason`.
 */
export class Link extends EventTarget {
  state = 'idle';
  /** Why it has ended. */
  reason = undefined;

  #path;
  #login;
  #recovery = new Recovery();
  #socket;
  #openedAt = 0;
  #heardAt = 0;
  #pingedAt = 0;
  #heartbeatMs = 25_000;
  #timers = new Map();

  constructor(path, login) {
    super();
    this.#path = path;
    this.#login = login;
    login.addEventListener('ended', () => this.stop());
    window.addEventListener('online', () => this.wake());
    document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && this.wake());
  }

  get isOpen() {
    return this.state === 'open';
  }

  /** Connects, also after an end. */
  start() {
    this.#recovery.reset();
    this.#connect();
  }

  /** Closes for good. */
  stop() {
    this.#drop();
    this.#change('ended', 'closed');
  }

  /** Tries again at once if it waits to: the network or the person came back. */
  wake() {
    if (this.state === 'waiting') this.start();
  }

  /** Sends a frame, and says whether there was a connection to send it by. */
  send(frame) {
    if (!this.isOpen) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  async #connect() {
    this.#drop();
    this.#change('connecting');
    const attempt = {};
    this.#socket = attempt;
    const token = await this.#login.token().catch(() => undefined);
    // Stopped, or begun anew, in the meantime.
    if (this.#socket !== attempt) return;
    if (!token) return this.#lost(1006);
    const url = new URL(this.#path, location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(url, [PROTOCOL, `chatapp.bearer.${token}`]);
    this.#socket = socket;
    this.#openedAt = 0;
    socket.addEventListener('message', ({ data }) => this.#socket === socket && this.#take(data));
    socket.addEventListener('close', ({ code }) => this.#socket === socket && this.#lost(code));
    this.#after('opening', OPEN_MS, () => this.#lost(1006));
  }

  #take(data) {
    const frame = JSON.parse(data);
    this.#heardAt = Date.now();
    this.#pingedAt = 0;
    if (frame.type === 'welcome') this.#welcome(frame);
    else if (frame.type === 'reconnect') this.#after('move', frame.after_ms, () => this.#connect());
    else if (frame.type !== 'pong') this.dispatchEvent(new CustomEvent('frame', { detail: frame }));
  }

  #welcome(frame) {
    clearTimeout(this.#timers.get('opening'));
    this.#openedAt = Date.now();
    this.#heartbeatMs = frame.heartbeat_seconds * 1000;
    this.#timers.set(
      'tick',
      setInterval(() => this.#tick(), TICK_MS),
    );
    // Set first, so that whoever is told can send; told last, so that a `resume` is the first frame.
    this.state = 'open';
    this.dispatchEvent(new CustomEvent('welcome', { detail: frame }));
    this.dispatchEvent(new Event('state'));
  }

  /** A browser answers the server's pings unseen; this finds out that the way to the server is cut. */
  #tick() {
    const now = Date.now();
    if (this.#pingedAt && now - this.#pingedAt > ANSWER_MS) {
      this.#lost(1006);
    } else if (!this.#pingedAt && now - this.#heardAt > this.#heartbeatMs) {
      this.#pingedAt = now;
      this.send({ type: 'ping' });
    }
  }

  async #lost(code) {
    const lasted = this.#openedAt ? Date.now() - this.#openedAt : 0;
    this.#drop();
    const next = this.#recovery.lost(code, lasted, Math.random());
    if (next.end === 'unauthenticated') return this.#login.logOut();
    if (next.end) return this.#change('ended', next.end);
    this.#change('waiting');
    this.#after('retry', next.afterMs, async () => {
      if (next.renewToken || next.checkLogin) await this.#check(next.renewToken);
      if (this.state === 'waiting') this.#connect();
    });
  }

  /** Makes sure of the login; one that has ended ends this as well. */
  async #check(renewToken) {
    try {
      if (renewToken) await this.#login.renew(await this.#login.token());
      else await this.#login.ask('GET', '/api/servers');
    } catch {
      // The next attempt shows what it is.
    }
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = undefined;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    socket?.close?.(1000);
  }

  #after(name, milliseconds, action) {
    clearTimeout(this.#timers.get(name));
    this.#timers.set(name, setTimeout(action, milliseconds));
  }

  #change(state, reason) {
    if (this.state === 'ended' && this.reason === 'closed') return;
    this.state = state;
    this.reason = reason;
    this.dispatchEvent(new Event('state'));
  }
}
