// Building and changing the page. Whatever comes from people goes in as text, never as markup.

import { initials, shade } from '../model/text.js';

/** How many colours an avatar may have: as many as the style sheet knows. */
const SHADES = 6;

/** Gives the element with an id. */
export function byId(id) {
  return document.getElementById(id);
}

/** Makes an element. Properties that begin with `on` are listeners, others attributes; strings among the children are text. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.filter((child) => child !== undefined && child !== false));
  return element;
}

/** Sets a text where it differs: what did not change is not read out again. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Makes the children of an element show `items`, each under its `key`. An element stays with its key, so that focus
 * and place survive; `fill` writes into it, and is called when what the item holds has changed.
 */
export function keyed(parent, items, { tag, key, fill }) {
  const known = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const name = key(item);
    const element = known.get(name) ?? h(tag, { 'data-key': name });
    known.delete(name);
    const holds = JSON.stringify(item);
    if (element.holds !== holds) {
      element.holds = holds;
      refill(element, item, fill);
    }
    if (element === place) place = place.nextElementSibling;
    else parent.insertBefore(element, place);
  }
  for (const element of known.values()) element.remove();
}

/** Makes an avatar show the initials of a name, and whether its user is there. */
export function fillAvatar(element, { name, id, status }) {
  setText(element, initials(name));
  element.dataset.shade = shade(id, SHADES);
  if (status) element.dataset.status = status;
  else delete element.dataset.status;
}

/** Says something to those who listen to the page. */
export function announce(text) {
  byId('announcer').textContent = text;
}

/** Runs an action with a button disabled, so that it is not begun twice. */
export async function once(button, action) {
  if (button.disabled) return;
  button.disabled = true;
  try {
    await action();
  } finally {
    button.disabled = false;
  }
}

function refill(element, item, fill) {
  const held = element.contains(document.activeElement) && document.activeElement;
  fill(element, item);
  if (!held || held.isConnected) return;
  const heir = held.dataset.name && element.querySelector(`[data-name="${CSS.escape(held.dataset.name)}"]`);
  (heir || element).focus();
}
