import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Outbox } from '../modules/model/outbox.js';

function filled(count) {
  const outbox = new Outbox();
  for (let number = 0; number < count; number += 1) {
    outbox.push({ type: 'send', id: String(number), conversation: 'c', text: `text ${number}` }, 0);
  }
  return outbox;
}
const due = (outbox, now) => outbox.due(now).map(({ id }) => Number(id));

test('what was not answered is sent again in order after a cut, and nothing else is', () => {
  const outbox = filled(4);
  assert.deepEqual(due(outbox, 0), [0, 1, 2, 3]);
  assert.equal(outbox.answered('1').text, 'text 1');
  assert.equal(outbox.answered('1'), undefined);
  assert.deepEqual(due(outbox, 1), []);
  outbox.disconnected();
  assert.deepEqual(due(outbox, 2), [0, 2, 3]);
});

test('no more are under way than the window allows', () => {
  const outbox = filled(40);
  assert.equal(due(outbox, 0).length, 32);
  outbox.answered('3');
  assert.deepEqual(due(outbox, 1), [32]);
});

test('a request without an answer is sent again', () => {
  const outbox = filled(1);
  due(outbox, 1_000);
  assert.deepEqual([due(outbox, 20_999), due(outbox, 21_000)], [[], [0]]);
});

test('a postponed request holds back those after it, so that they keep their order', () => {
  const outbox = filled(2);
  due(outbox, 0);
  outbox.postponed('0', 500, 0);
  outbox.push({ type: 'send', id: '2' }, 0);
  assert.deepEqual([due(outbox, 499), due(outbox, 500)], [[], [0, 2]]);
});

test('a refused request waits for a person', () => {
  const outbox = filled(1);
  due(outbox, 0);
  outbox.refused('0', 'not allowed');
  assert.deepEqual(due(outbox, 60_000), []);
  assert.equal(outbox.messagesTo({ id: 'c' })[0].failed, 'not allowed');
  outbox.retry('0');
  assert.deepEqual(due(outbox, 60_000), [0]);
});

test('a page that is loaded anew goes on with what was left', () => {
  const before = filled(2);
  due(before, 0);
  const after = new Outbox(JSON.parse(JSON.stringify(before.entries)));
  assert.deepEqual(due(after, 1), [0, 1]);
});

test('messages are shown where they go', () => {
  const outbox = filled(1);
  outbox.push({ type: 'send', id: 'd', to: 'bob', text: 'hi' }, 0);
  outbox.push({ type: 'edit', id: 'e', conversation: 'c', seq: 1, text: 'x' }, 0);
  assert.deepEqual(
    outbox.messagesTo({ id: 'c' }).map(({ frame }) => frame.id),
    ['0'],
  );
  assert.deepEqual(
    outbox.messagesTo({ to: 'bob' }).map(({ frame }) => frame.id),
    ['d'],
  );
});
