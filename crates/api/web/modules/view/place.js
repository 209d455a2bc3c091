// What is open: part of the page's address, so that "back" goes back to the list. Identifiers and usernames have no
// character that an address would have to escape.

/** Gives what the address says is open: a conversation (`id`), a user without one (`to`), or nothing. */
export function opened() {
  const [kind, value] = location.hash.slice(1).split('/');
  if (kind === 'conversation' && value) return { id: value };
  if (kind === 'user' && value) return { to: value };
  return undefined;
}

/** Opens a conversation, or the way to a user. */
export function open({ id, to }) {
  location.hash = id ? `conversation/${id}` : `user/${to}`;
}

/** Says the same place in other words, without a step back in between. */
export function rename({ id }) {
  history.replaceState(null, '', `#conversation/${id}`);
}

/** Goes back to the list. */
export function leave() {
  location.hash = '';
}
