import assert from 'node:assert/strict';
import { test } from 'node:test';

import { fullJitter, Recovery } from '../modules/model/recovery.js';

test('waits lie between nothing and a bound that doubles up to thirty seconds', () => {
  const bounds = [0, 1, 2, 3, 4, 5, 6, 100].map((failures) => fullJitter(failures, 1) / 1000);
  assert.deepEqual(bounds, [1, 2, 4, 8, 16, 30, 30, 30]);
  assert.equal(fullJitter(9, 0), 0);
});

test('a connection that is closed at once counts as a failure, one that has lasted does not', () => {
  const recovery = new Recovery();
  const wait = (lasted) => recovery.lost(1012, lasted, 1).afterMs;
  assert.deepEqual([wait(0), wait(5), wait(9_999), wait(10_000), wait(0)], [1_000, 2_000, 4_000, 1_000, 2_000]);
});

test('the login is checked after two failures, for a browser does not say why', () => {
  const recovery = new Recovery();
  assert.equal(recovery.lost(1006, 0, 0).checkLogin, false);
  assert.equal(recovery.lost(1006, 0, 0).checkLogin, true);
});

test('a token that is not taken is renewed once', () => {
  const recovery = new Recovery();
  assert.equal(recovery.lost(4401, 0, 0).renewToken, true);
  assert.deepEqual(recovery.lost(4401, 0, 0), { end: 'unauthenticated' });
  recovery.reset();
  assert.equal(recovery.lost(4401, 0, 0).renewToken, true);
});

test('restarts are survived, refusals are not', () => {
  for (const code of [1000, 1001, 1006, 1011, 1012, 1013, 4408, 4429, 4503]) {
    assert.equal(new Recovery().lost(code, 0, 0).end, undefined, String(code));
  }
  for (const [code, end] of [
    [4400, 'misunderstood'],
    [4403, 'forbidden'],
    [4409, 'replaced'],
    [4413, 'misunderstood'],
  ]) {
    assert.deepEqual(new Recovery().lost(code, 0, 0), { end });
  }
});
