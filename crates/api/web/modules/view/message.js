// One message, as it is shown.

import { timeOf } from '../model/text.js';
import { h } from './dom.js';

/** The emojis that are one step away. */
const EMOJIS = ['👍', '❤️', '😂', '🎉'];

/** How far a message of the user has come: a sign, and the word for it. */
const STATES = {
  sending: ['◌', 'Sending'],
  sent: ['✓', 'Sent'],
  delivered: ['✓✓', 'Delivered'],
  read: ['✓✓', 'Read'],
};

/** An address in a text: up to a blank, without the punctuation after it. */
const ADDRESS = /(https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]}'])/u;

/**
 * Fills the element of a message.
 *
 * `row`: the message's fields, `isOwn`, `isFirst` of its author's in a row, `author` in groups, `state` of own ones,
 * `failed`, `quote` of the message that it answers, `me`. `act(name, row, value)` is told what is to be done.
 */
export function fillMessage(element, row, act) {
  element.className = ['message', row.isOwn ? 'own' : 'other', row.isFirst && 'first'].filter(Boolean).join(' ');
  element.tabIndex = -1;
  if (row.seq) element.dataset.seq = row.seq;
  if (row.state) element.dataset.state = row.failed ? 'failed' : row.state;
  const reactions = Object.entries(row.reactions ?? {});
  element.replaceChildren(
    ...[
      row.author && row.isFirst && h('span', { class: 'author' }, row.author),
      h('div', { class: 'bubble' }, row.quote && quoted(row.quote), text(row), about(row)),
      row.failed && failure(row, act),
      reactions.length > 0 && h('div', { class: 'reactions' }, ...reactions.map((each) => reaction(row, each, act))),
      row.seq && !row.deleted && actions(row, act),
    ].filter(Boolean),
  );
}

/** Fills the heading of a day. */
export function fillDay(element, { day }) {
  element.className = 'day';
  element.tabIndex = -1;
  element.replaceChildren(h('span', {}, day));
}

function text(row) {
  if (row.deleted) return h('p', { class: 'text gone' }, 'Message deleted');
  if (row.text === undefined) return h('p', { class: 'text gone' }, 'This page cannot show this kind of message.');
  return h('p', { class: 'text' }, ...linked(row.text));
}

function linked(text) {
  const link = (address) => h('a', { href: address, target: '_blank', rel: 'noopener noreferrer' }, address);
  // Split by a group, every second part is what the group has matched.
  return text.split(ADDRESS).map((part, place) => (place % 2 === 1 ? link(part) : part));
}

function quoted({ author, line }) {
  return h('blockquote', { class: 'quote clipped' }, h('strong', {}, author), ` ${line}`);
}

function about({ sent_at: sentAt, edited_at: editedAt, deleted, isOwn, state, failed }) {
  const [sign, word] = STATES[state] ?? [];
  return h(
    'span',
    { class: 'about' },
    editedAt && !deleted && 'edited ',
    h('time', { datetime: sentAt }, timeOf(sentAt)),
    isOwn &&
      !failed &&
      h(
        'span',
        { class: 'state', title: word },
        h('span', { 'aria-hidden': 'true' }, ` ${sign}`),
        h('span', { class: 'unseen' }, ` ${word}`),
      ),
  );
}

function failure(row, act) {
  const button = (name, label) => h('button', { class: 'plain', type: 'button', onclick: () => act(name, row) }, label);
  return h(
    'p',
    { class: 'problem' },
    `Not sent: ${row.failed}. `,
    button('retry', 'Try again'),
    ' ',
    button('discard', 'Discard'),
  );
}

function reaction(row, [emoji, users], act) {
  const isOn = users.includes(row.me);
  return h(
    'button',
    {
      class: 'chip',
      type: 'button',
      'data-name': emoji,
      'aria-pressed': String(isOn),
      'aria-label': `${emoji} ${users.length}, by ${users.join(', ')}`,
      title: users.join(', '),
      onclick: () => act('react', row, { emoji, active: !isOn }),
    },
    `${emoji} ${users.length}`,
  );
}

function actions(row, act) {
  const button = (name, label, value, text = label) =>
    h(
      'button',
      { class: 'plain', type: 'button', 'aria-label': label, title: label, onclick: () => act(name, row, value) },
      text,
    );
  const react = (emoji) => {
    const active = !row.reactions?.[emoji]?.includes(row.me);
    return button('react', `React with ${emoji}`, { emoji, active }, emoji);
  };
  return h(
    'div',
    { class: 'actions' },
    ...EMOJIS.map(react),
    button('reply', 'Reply'),
    row.isOwn && row.text !== undefined && button('edit', 'Edit'),
    row.isOwn && button('delete', 'Delete'),
  );
}
