// What is open: part of the page's address, so that "back" goes back to the list.

/** Gives what the address says is open: a conversation (`id`), a user without one (`to`), or nothing. */
export function opened() {
  const [kind, value] = location.hash.slice(1).split('/');
  if (kind === 'conversation' && value) return { id: decodeURIComponent(value) };
  if (kind === 'user' && value) return { to: decodeURIComponent(value) };
  return undefined;
}

/** Opens a conversation, or the way to a user. */
export function open({ id, to }) {
  location.hash = id ? `conversation/${encodeURIComponent(id)}` : `user/${encodeURIComponent(to)}`;
}

/** Says the same place in other words, without a step back in between. */
export function rename({ id }) {
  history.replaceState(null, '', `#conversation/${encodeURIComponent(id)}`);
}

/** Goes back to the list. */
export function leave() {
  location.hash = '';
}
