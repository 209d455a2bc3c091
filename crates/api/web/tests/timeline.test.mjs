import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Timeline } from '../modules/model/timeline.js';

const message = (seq, fields = {}) => ({
  type: 'message',
  seq,
  gen: 1,
  from: 'ada',
  id: `m${seq}`,
  text: `text ${seq}`,
  ...fields,
});
const change = (type, seq, target, fields = {}) => ({
  type,
  seq,
  gen: 1,
  from: 'ada',
  id: `c${seq}`,
  target,
  ...fields,
});
const seqs = (timeline) => timeline.messages.map(({ seq }) => seq);

test('an event counts once', () => {
  const timeline = new Timeline();
  assert.equal(timeline.take(message(1)), true);
  assert.equal(timeline.take(message(1)), false);
  assert.deepEqual([seqs(timeline), timeline.cursor], [[1], { seq: 1, gen: 1 }]);
});

test('an ack that overtakes others leaves a gap until they come, and the cursor waits before it', () => {
  const timeline = new Timeline({ seq: 2, gen: 1 });
  timeline.take(message(5));
  timeline.take(message(3));
  assert.deepEqual([timeline.cursor.seq, timeline.hasGap, seqs(timeline)], [3, true, [3, 5]]);
  assert.equal(timeline.take(message(5)), false);
  timeline.take(message(4));
  assert.deepEqual([timeline.cursor.seq, timeline.hasGap, seqs(timeline)], [5, false, [3, 4, 5]]);
});

test('whatever the order, every event is there once and in order', () => {
  const numbers = Array.from({ length: 50 }, (_, place) => place + 1);
  for (let round = 0; round < 100; round += 1) {
    const timeline = new Timeline();
    const shuffled = [...numbers, ...numbers].map((seq) => [Math.random(), seq]).sort(([one], [other]) => one - other);
    const taken = shuffled.filter(([, seq]) => timeline.take(message(seq)));
    assert.deepEqual([taken.length, seqs(timeline), timeline.cursor.seq, timeline.hasGap], [50, numbers, 50, false]);
  }
});

test('a new generation is noticed: what is shown may not be what the log holds', () => {
  const timeline = new Timeline({ seq: 4, gen: 1 });
  timeline.take(message(5));
  assert.equal(timeline.lost, false);
  assert.equal(timeline.take(message(3, { gen: 2 })), true);
  assert.equal(timeline.lost, true);
  const fresh = new Timeline();
  fresh.take(message(1, { gen: 7 }));
  assert.equal(fresh.lost, false);
});

test('edits, deletions and reactions change their message', () => {
  const timeline = new Timeline();
  timeline.take(message(1));
  timeline.take(change('edited', 2, 1, { text: 'better', edited_at: 'then' }));
  timeline.take(change('reacted', 3, 1, { from: 'bob', emoji: '👍', active: true }));
  timeline.take(change('reacted', 4, 1, { from: 'ada', emoji: '👍', active: true }));
  timeline.take(change('reacted', 5, 1, { from: 'bob', emoji: '👍', active: false }));
  const [first] = timeline.messages;
  assert.deepEqual([first.text, first.edited_at, first.reactions], ['better', 'then', { '👍': ['ada'] }]);
  timeline.take(change('deleted', 6, 1));
  assert.deepEqual([first.deleted, first.text, first.reactions], [true, undefined, {}]);
});

test('a page of the history joins what came live, and an event does not undo what the page knows', () => {
  const timeline = new Timeline({ seq: 3, gen: 1 });
  timeline.take(message(4));
  timeline.place([message(2), message(3), message(4), message(5, { text: 'edited since' })], true);
  assert.deepEqual([seqs(timeline), timeline.more, timeline.loaded], [[2, 3, 4, 5], true, true]);
  timeline.take(message(5));
  assert.equal(timeline.find(5).text, 'edited since');
});

test('a change of a message that is not loaded is made when its page comes', () => {
  const timeline = new Timeline({ seq: 8, gen: 1 });
  timeline.take(change('deleted', 9, 2));
  timeline.place([message(1), message(2)], false);
  assert.deepEqual(
    timeline.messages.map(({ deleted }) => deleted ?? false),
    [false, true],
  );
});
