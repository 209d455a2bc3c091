// How names, times and messages are written.

/** The longest text of a message, in bytes of UTF-8: the server's limit. */
export const MAX_TEXT_BYTES = 32_768;

const DAY_MS = 86_400_000;

/** Gives one or two letters that stand for a name. */
export function initials(name) {
  const words = name
    .trim()
    .split(/[\s._-]+/u)
    .filter(Boolean);
  const letters = words.slice(0, 2).map((word) => [...word][0]);
  return letters.join('').toLocaleUpperCase() || '?';
}

/** Gives one of `count` numbers for a name, always the same. */
export function shade(name, count) {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + character.codePointAt(0)) % 65_521;
  return hash % count;
}

/** Gives the time of day of a message. */
export function timeOf(timestamp) {
  return new Date(timestamp).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
}

/** Gives the day of a message as a heading. */
export function dayOf(timestamp, now) {
  const days = daysBetween(timestamp, now);
  if (days === 0) return 'Today';
  if (days === 1) return 'Yesterday';
  const weekday = { weekday: 'long', day: 'numeric', month: 'long' };
  return new Date(timestamp).toLocaleDateString([], days < 300 ? weekday : { ...weekday, year: 'numeric' });
}

/** Gives a short time for the list: the time of day, the weekday, or the date. */
export function shortTime(timestamp, now) {
  const days = daysBetween(timestamp, now);
  if (days === 0) return timeOf(timestamp);
  const options = days < 7 ? { weekday: 'short' } : { day: 'numeric', month: 'short' };
  return new Date(timestamp).toLocaleDateString([], options);
}

/** Says whether two times lie on the same day. */
export function isSameDay(one, other) {
  return daysBetween(one, other) === 0;
}

/** Gives a message in one line. */
export function summary(message) {
  if (!message) return 'No messages yet';
  if (message.deleted) return 'Message deleted';
  return message.text ?? 'Attachment';
}

/** Gives how long a text is, in bytes of UTF-8. */
export function byteLength(text) {
  return new TextEncoder().encode(text).length;
}

/** Gives a refusal as a sentence. */
export function sentence({ message, retryAfterMs }) {
  const text = `${message.charAt(0).toLocaleUpperCase()}${message.slice(1).replace(/\.$/, '')}.`;
  return retryAfterMs ? `${text} Try again in ${Math.ceil(retryAfterMs / 1000)} seconds.` : text;
}

/** Gives names as a sentence has them. */
export function listed(names) {
  return new Intl.ListFormat('en', { style: 'long', type: 'conjunction' }).format(names);
}

function daysBetween(one, other) {
  const midnight = (time) => new Date(time).setHours(0, 0, 0, 0);
  // Rounded, for a day may have 23 or 25 hours.
  return Math.round(Math.abs(midnight(other) - midnight(one)) / DAY_MS);
}
