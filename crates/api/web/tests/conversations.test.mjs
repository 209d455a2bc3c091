import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Conversations } from '../modules/model/conversations.js';

const at = (second) => `2026-01-01T00:00:${String(second).padStart(2, '0')}.000Z`;
const members = (...names) => names.map((username) => ({ username, role: 'member' }));
const view = (id, fields = {}) => ({
  id,
  kind: 'direct',
  members: members('ada', 'bob'),
  created_at: at(0),
  version: 1,
  seq: 0,
  gen: 0,
  last_message: null,
  unread: 0,
  read: 0,
  muted: false,
  active_at: at(0),
  ...fields,
});
const message = (conversation, seq, from, fields = {}) => ({
  type: 'message',
  conversation,
  seq,
  gen: 1,
  from,
  id: `${from}${seq}`,
  text: `text ${seq}`,
  sent_at: at(seq),
  ...fields,
});

function ada(...views) {
  const conversations = new Conversations('ada');
  for (const each of views) conversations.put(each);
  return conversations;
}

test('messages of others are unread until they are read, and one of the user reads what was there', () => {
  const conversations = ada(view('c'));
  conversations.take(message('c', 1, 'bob'));
  conversations.take(message('c', 2, 'bob'));
  conversations.take(message('c', 2, 'bob'));
  assert.deepEqual([conversations.get('c').unread, conversations.unread()], [2, 1]);
  conversations.take(message('c', 3, 'ada'));
  assert.deepEqual([conversations.get('c').unread, conversations.get('c').read], [0, 3]);
});

test('reading on another device counts here, and marks never go back', () => {
  const conversations = ada(view('c'));
  for (const seq of [1, 2, 3]) conversations.take(message('c', seq, 'bob'));
  conversations.receipt({ conversation: 'c', user: 'ada', read: 2 });
  assert.equal(conversations.get('c').unread, 1);
  conversations.receipt({ conversation: 'c', user: 'ada', read: 1 });
  assert.equal(conversations.get('c').read, 2);
});

test('the newest activity comes first, with its last message', () => {
  const conversations = ada(view('one', { active_at: at(1) }), view('two', { active_at: at(2) }));
  conversations.take(message('one', 3, 'bob'));
  assert.deepEqual(
    conversations.sorted().map(({ id }) => id),
    ['one', 'two'],
  );
  conversations.take({ ...message('one', 4, 'bob'), type: 'edited', target: 3, text: 'better' });
  assert.equal(conversations.get('one').lastMessage.text, 'better');
  conversations.take({ ...message('one', 5, 'bob'), type: 'deleted', target: 3 });
  assert.equal(conversations.get('one').lastMessage.deleted, true);
});

test('a message is delivered, and read, once all others have it', () => {
  const conversations = ada(view('c', { kind: 'group', members: members('ada', 'bob', 'eve') }));
  const own = message('c', 1, 'ada');
  conversations.take(own);
  const state = () => conversations.stateOf(conversations.get('c'), own);
  assert.equal(state(), 'sent');
  conversations.receipt({ conversation: 'c', user: 'bob', read: 1 });
  assert.equal(state(), 'sent');
  conversations.receipt({ conversation: 'c', user: 'eve', delivered: 1 });
  assert.equal(state(), 'delivered');
  conversations.take(message('c', 2, 'eve'));
  assert.equal(state(), 'read');
  conversations.receipt({ conversation: 'c', user: 'bob', read: 0 });
  assert.equal(state(), 'read');
});

test('marks survive a page that is loaded anew', () => {
  const before = ada(view('c'));
  before.receipt({ conversation: 'c', user: 'bob', delivered: 4, read: 3 });
  const after = ada(view('c'));
  after.restore(JSON.parse(JSON.stringify(before.receipts)));
  after.restore({ gone: { bob: { delivered: 1, read: 1 } } });
  assert.deepEqual(after.get('c').receipts.get('bob'), { delivered: 4, read: 3 });
});

test('a resume begins where the list said, or where events have come since', () => {
  const conversations = ada(view('c', { seq: 4, gen: 1 }), view('d', { seq: 2, gen: 3, active_at: at(9) }));
  conversations.take(message('c', 5, 'bob'));
  assert.deepEqual(conversations.cursors(10), { c: { seq: 5, gen: 1 }, d: { seq: 2, gen: 3 } });
  assert.deepEqual(Object.keys(conversations.cursors(1)), ['d']);
});

test('a list that is read again does not count twice what is on its way', () => {
  const conversations = ada(view('c', { seq: 1, gen: 1, unread: 1 }));
  conversations.put(view('c', { seq: 2, gen: 1, unread: 2 }));
  conversations.take(message('c', 2, 'bob'));
  assert.equal(conversations.get('c').unread, 2);
  conversations.put(view('c', { seq: 9, gen: 1, unread: 7 }), { anew: true });
  assert.deepEqual([conversations.get('c').unread, conversations.get('c').timeline.cursor.seq], [7, 9]);
});

test('an older view does not bring back who has left', () => {
  const conversations = ada(view('c', { kind: 'group', version: 5 }));
  conversations.put({ id: 'c', kind: 'group', members: members('ada', 'bob', 'eve'), created_at: at(0), version: 4 });
  assert.equal(conversations.get('c').members.length, 2);
  conversations.put({ id: 'c', kind: 'group', members: [], created_at: at(0), version: 6, left: true });
  assert.deepEqual([conversations.sorted(), conversations.direct('bob')], [[], undefined]);
});

test('typing ends with a message, with a notice, and by itself', () => {
  const conversations = ada(view('c'));
  const typing = () => [...conversations.get('c').typing.keys()];
  conversations.typing({ conversation: 'c', user: 'bob', active: true }, 0);
  assert.deepEqual(typing(), ['bob']);
  conversations.take(message('c', 1, 'bob'));
  assert.deepEqual(typing(), []);
  conversations.typing({ conversation: 'c', user: 'bob', active: true }, 0);
  assert.deepEqual(
    [conversations.expireTyping(9_999), conversations.expireTyping(10_000), typing()],
    [false, true, []],
  );
});
