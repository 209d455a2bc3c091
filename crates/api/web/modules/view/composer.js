// Where messages are written.

import { byteLength, MAX_TEXT_BYTES, summary } from '../model/text.js';
import { byId, setText } from './dom.js';

/** The others are told again that the user types after this long, and that it is over after this pause, in milliseconds. */
const TYPING_MS = 3_000;
const PAUSE_MS = 4_000;

/** The form below a conversation. Drafts stay with their conversation. */
export class Composer {
  #parts;
  #place;
  #drafts = new Map();
  /** The message that is edited or answered: `{ kind, message }`. */
  #about;
  #typedAt = 0;
  #pause;

  /** `parts`: chat, people, `lastOwn()` and `changed()`. */
  constructor(parts) {
    this.#parts = parts;
    const text = byId('text');
    text.addEventListener('input', () => this.#typed());
    text.addEventListener('keydown', (event) => this.#key(event));
    byId('composer').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#send();
    });
    byId('composer-cancel').addEventListener('click', () => this.cancel());
  }

  /** Turns to what is open now. */
  render(place, isClosed) {
    if (nameOf(place) !== nameOf(this.#place)) this.#turn(place);
    byId('text').disabled = isClosed;
    byId('send').disabled = isClosed;
  }

  /** Goes on in the conversation that a first message has made. */
  follow(place) {
    this.#place = place;
  }

  /** Begins to edit a message. */
  edit(message) {
    this.#concern('edit', message, message.text);
  }

  /** Begins to answer a message. */
  reply(message) {
    this.#concern('reply', message, byId('text').value);
  }

  /** Gives up editing or answering. */
  cancel() {
    if (this.#about?.kind === 'edit') byId('text').value = '';
    this.#about = undefined;
    this.#show();
    byId('text').focus();
  }

  #turn(place) {
    const text = byId('text');
    this.#stopTyping();
    if (this.#place) this.#drafts.set(nameOf(this.#place), this.#about?.kind === 'edit' ? '' : text.value);
    this.#place = place;
    this.#about = undefined;
    text.value = this.#drafts.get(nameOf(place)) ?? '';
    this.#show();
    // A finger would only find the keyboard in its way.
    if (place && matchMedia('(pointer: fine)').matches) text.focus();
  }

  #concern(kind, message, text) {
    this.#about = { kind, message };
    byId('text').value = text;
    this.#show();
    byId('text').focus();
  }

  #show() {
    const { kind, message } = this.#about ?? {};
    byId('composer-about').hidden = !kind;
    if (kind === 'edit') setText(byId('composer-about-text'), 'Editing your message');
    if (kind === 'reply') {
      const author = this.#parts.people.nameOf(message.from);
      setText(byId('composer-about-text'), `Answering ${author}: ${summary(message)}`);
    }
    setText(byId('send'), kind === 'edit' ? 'Save' : 'Send');
    setText(byId('composer-problem'), '');
    this.#fit();
  }

  #key(event) {
    // Enter while a character is being composed belongs to the input method.
    if (event.isComposing) return;
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      this.#send();
    } else if (event.key === 'Escape' && this.#about) {
      this.cancel();
    } else if (event.key === 'ArrowUp' && byId('text').value === '') {
      const last = this.#parts.lastOwn();
      if (last) {
        event.preventDefault();
        this.edit(last);
      }
    }
  }

  #send() {
    const { chat } = this.#parts;
    const text = byId('text').value.trim();
    if (!text || !this.#place || byId('text').disabled) return;
    if (byteLength(text) > MAX_TEXT_BYTES) {
      setText(byId('composer-problem'), 'This is too long for one message.');
      return;
    }
    const { kind, message } = this.#about ?? {};
    if (kind !== 'edit') chat.send(this.#place, text, message?.seq);
    else if (text !== message.text) chat.edit(message, text);
    this.#stopTyping();
    this.#about = undefined;
    byId('text').value = '';
    this.#show();
    byId('text').focus();
  }

  #typed() {
    this.#fit();
    const { chat } = this.#parts;
    if (!this.#place?.id || this.#about?.kind === 'edit') return;
    if (byId('text').value === '') {
      this.#stopTyping();
      return;
    }
    if (Date.now() - this.#typedAt >= TYPING_MS) {
      this.#typedAt = Date.now();
      chat.typing(this.#place.id, true);
    }
    clearTimeout(this.#pause);
    this.#pause = setTimeout(() => this.#stopTyping(), PAUSE_MS);
  }

  #stopTyping() {
    clearTimeout(this.#pause);
    if (this.#typedAt && this.#place?.id) this.#parts.chat.typing(this.#place.id, false);
    this.#typedAt = 0;
  }

  /** Makes the field as high as its text, up to the bound that the style sheet sets. */
  #fit() {
    const text = byId('text');
    text.rows = Math.min(8, Math.max(1, text.value.split('\n').length));
  }
}

function nameOf(place) {
  return place && (place.id ?? `@${place.to}`);
}
