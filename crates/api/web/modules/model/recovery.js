// What to do when a connection is lost.

/** A connection that lasted this long was a good one: earlier failures do not count any more, in milliseconds. */
const STABLE_MS = 10_000;
/** The bound of the first wait, and the greatest one, in milliseconds. */
const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;
/** After so many failures in a row the login is checked: a browser does not say why a socket was refused. */
const FAILURES_BEFORE_CHECK = 2;

/** Close codes after which another attempt would end in the same way. */
const ENDS = new Map([
  [4400, 'misunderstood'],
  [4403, 'forbidden'],
  [4409, 'replaced'],
  [4413, 'misunderstood'],
]);

/** The close code of a login that has ended, or whose token is no longer taken. */
const UNAUTHENTICATED = 4401;

/**
 * Gives a random wait up to a bound that doubles with each failure: "full jitter" in Marc Brooker, "Exponential
 * Backoff and Jitter" (AWS Architecture Blog, 2015). `random` lies between 0 and 1.
 */
export function fullJitter(failures, random) {
  return random * Math.min(LONGEST_MS, FIRST_MS * 2 ** failures);
}

/** Counts failures and decides. */
export class Recovery {
  #failures = 0;
  #renewed = false;

  /**
   * Decides after a connection was closed with `code`; `lastedMs` is 0 for one that was never made.
   *
   * Gives `{ end }` with the reason, or `{ afterMs, checkLogin, renewToken }`.
   */
  lost(code, lastedMs, random) {
    if (lastedMs >= STABLE_MS) {
      this.#failures = 0;
      this.#renewed = false;
    }
    const renewToken = code === UNAUTHENTICATED && !this.#renewed;
    if (code === UNAUTHENTICATED && !renewToken) return { end: 'unauthenticated' };
    if (ENDS.has(code)) return { end: ENDS.get(code) };
    this.#renewed ||= renewToken;
    const afterMs = fullJitter(this.#failures, random);
    this.#failures += 1;
    return { afterMs, checkLogin: this.#failures >= FAILURES_BEFORE_CHECK, renewToken };
  }

  /** Forgets the failures: a person asked for another attempt, or the network came back. */
  reset() {
    this.#failures = 0;
    this.#renewed = false;
  }
}
