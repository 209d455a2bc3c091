// Reading a conversation anew, where its events alone do not say how it stands.

import { fullJitter } from '../model/recovery.js';
import { path } from './calls.js';

/** The conversations that are being read; what happens in them meanwhile is held, and follows. */
export class Reread {
  #login;
  #conversations;
  #follow;
  #held = new Map();

  /** `follow` takes the frames that were held, one by one. */
  constructor(login, conversations, follow) {
    this.#login = login;
    this.#conversations = conversations;
    this.#follow = follow;
  }

  /** Holds a frame if its conversation is being read, and says whether it is. */
  hold(frame) {
    const held = this.#held.get(frame.conversation);
    held?.push(frame);
    return Boolean(held);
  }

  /** Reads a conversation until the server answers; `frames` came before it was known. */
  async begin(id, frames = []) {
    if (this.#held.has(id)) return;
    this.#held.set(id, frames);
    for (let failures = 0; this.#held.has(id) && !this.#login.isOver; failures += 1) {
      try {
        const view = await this.#login.ask('GET', path('conversations', id));
        this.#conversations.put(view, { anew: true });
        this.#held.delete(id);
      } catch (problem) {
        if (problem.status === 403 || problem.status === 404) {
          this.#conversations.remove(id);
          this.#held.delete(id);
        } else {
          await new Promise((resume) => setTimeout(resume, fullJitter(failures, Math.random())));
        }
      }
    }
    if (this.#conversations.get(id)) frames.forEach(this.#follow);
  }
}
