// Requests that wait for the server's answer. Each has an id, so that sending one again is harmless.

/** How many requests may be under way at once. */
const WINDOW = 32;
/** A request without an answer is sent again after this long, in milliseconds. */
const ANSWER_MS = 20_000;

/** Requests in the order in which they were made; each stays until it is answered or given up. */
export class Outbox {
  #entries;
  #pausedUntil = 0;

  /** Starts with the entries that an earlier page left behind. */
  constructor(entries = []) {
    this.#entries = entries.map(({ frame, made_at, failed }) => ({ frame, made_at, failed }));
  }

  /** The entries as they can be stored. */
  get entries() {
    return this.#entries;
  }

  /** Takes a request; `now` is what it is shown with until the server names the time. */
  push(frame, now) {
    this.#entries.push({ frame, made_at: new Date(now).toISOString() });
  }

  /** Gives the frames to send now, and counts them as sent. */
  due(now) {
    if (now < this.#pausedUntil) return [];
    for (const entry of this.#entries) if (now - entry.sentAt >= ANSWER_MS) entry.sentAt = undefined;
    const underWay = this.#entries.filter((entry) => entry.sentAt !== undefined).length;
    const waiting = this.#entries.filter((entry) => entry.sentAt === undefined && !entry.failed);
    const due = waiting.slice(0, Math.max(0, WINDOW - underWay));
    for (const entry of due) entry.sentAt = now;
    return due.map((entry) => entry.frame);
  }

  /** Takes out the request that was answered, and gives its frame. */
  answered(id) {
    const place = this.#entries.findIndex((entry) => entry.frame.id === id);
    return place < 0 ? undefined : this.#entries.splice(place, 1)[0].frame;
  }

  /** Takes note that the server wants a request again after a while; those after it wait too, to keep their order. */
  postponed(id, milliseconds, now) {
    const entry = this.#find(id);
    if (!entry) return;
    entry.sentAt = undefined;
    this.#pausedUntil = Math.max(this.#pausedUntil, now + milliseconds);
  }

  /** Takes note that the server refused a request for good: a person decides what becomes of it. */
  refused(id, detail) {
    const entry = this.#find(id);
    if (entry) Object.assign(entry, { failed: detail, sentAt: undefined });
  }

  /** Tries a refused request again. */
  retry(id) {
    const entry = this.#find(id);
    if (entry) entry.failed = undefined;
  }

  /** Takes note that nobody knows what of the requests under way has arrived. */
  disconnected() {
    for (const entry of this.#entries) entry.sentAt = undefined;
    this.#pausedUntil = 0;
  }

  /** The messages that wait to go to a conversation, or to a user without one. */
  messagesTo({ id, to }) {
    const goesThere = ({ frame }) =>
      frame.type === 'send' && ((id && frame.conversation === id) || (to && frame.to === to));
    return this.#entries.filter(goesThere);
  }

  #find(id) {
    return this.#entries.find((entry) => entry.frame.id === id);
  }
}
