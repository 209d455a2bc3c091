// What is known of other users: their profiles, asked for once.

import { path } from './calls.js';

/** How many profiles are asked for at the same time. */
const AT_ONCE = 4;

/** Profiles by username. Until one is known, and where there is none, a name stands for itself. */
export class People {
  #login;
  #changed;
  #profiles = new Map();
  #waiting = [];
  #running = 0;

  constructor(login, changed) {
    this.#login = login;
    this.#changed = changed;
    this.learn(login.user);
  }

  /** Takes a profile that came with something else. */
  learn(profile) {
    this.#profiles.set(profile.username, profile);
  }

  /** Gives what a user is called, and asks for it if it is not known. */
  nameOf(username) {
    const profile = this.#profiles.get(username);
    if (profile) return profile.display_name;
    this.#profiles.set(username, { username, display_name: username });
    this.#waiting.push(username);
    this.#next();
    return username;
  }

  async #next() {
    if (this.#running >= AT_ONCE || this.#waiting.length === 0) return;
    this.#running += 1;
    const username = this.#waiting.shift();
    try {
      this.learn(await this.#login.ask('GET', path('users', username)));
      this.#changed();
    } catch {
      // A deleted account keeps its name.
    }
    this.#running -= 1;
    this.#next();
  }
}
