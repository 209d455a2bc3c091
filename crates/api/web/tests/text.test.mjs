import assert from 'node:assert/strict';
import { test } from 'node:test';

import { byteLength, dayOf, initials, isSameDay, listed, sentence, shade, summary } from '../modules/model/text.js';

test('a name has one or two letters', () => {
  assert.deepEqual(['Ada Lovelace', 'bob', 'Åsa-Lis ö', '🦀 crab', '  '].map(initials), ['AL', 'B', 'ÅL', '🦀C', '?']);
});

test('a name always has the same shade', () => {
  assert.equal(shade('ada', 6), shade('ada', 6));
  assert.ok(['ada', 'bob', 'eve', 'mallory'].every((name) => shade(name, 6) >= 0 && shade(name, 6) < 6));
});

test('days are counted by midnights', () => {
  const late = new Date(2026, 2, 28, 23, 59).getTime();
  const early = new Date(2026, 2, 29, 0, 1).getTime();
  assert.deepEqual([isSameDay(late, early), dayOf(late, early), dayOf(early, early)], [false, 'Yesterday', 'Today']);
});

test('a message is summed up in one line', () => {
  assert.equal(summary({ text: 'hi' }), 'hi');
  assert.equal(summary({ deleted: true }), 'Message deleted');
  assert.equal(summary({ content: {} }), 'Attachment');
  assert.equal(summary(undefined), 'No messages yet');
});

test('lengths are bytes, and refusals are sentences', () => {
  assert.equal(byteLength('a🦀'), 5);
  assert.equal(listed(['a', 'b', 'c']), 'a, b, and c');
  assert.equal(
    sentence({ message: 'too many attempts', retryAfterMs: 1500 }),
    'Too many attempts. Try again in 2 seconds.',
  );
});
