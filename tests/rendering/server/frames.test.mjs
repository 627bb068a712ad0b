import assert from 'node:assert/strict';
import { test } from 'node:test';

import { frames, seriesName } from './frames.mjs';

const UP = { __name__: 'up', job: 'opwatch' };

test('a legend takes the labels it names, and nothing where one is missing', () => {
  assert.equal(seriesName({ refId: 'A', expr: 'up', legendFormat: '{{job}} of {{ region }}' }, UP), 'opwatch of ');
});

test('without a legend a series is called as in Prometheus, or by its query', () => {
  assert.equal(seriesName({ refId: 'A', expr: 'up' }, UP), 'up{job="opwatch"}');
  assert.equal(seriesName({ refId: 'A', expr: 'up' }, { __name__: 'up' }), 'up');
  assert.equal(seriesName({ refId: 'A', expr: 'sum(up)' }, {}), 'sum(up)');
});

test('the automatic legend leaves the name of labelled series to the data source', () => {
  assert.equal(seriesName({ refId: 'A', expr: 'up', legendFormat: '__auto' }, UP), '');
  assert.equal(seriesName({ refId: 'A', expr: 'sum(up)', legendFormat: '__auto' }, {}), 'sum(up)');
});

test('each series is a frame with times in milliseconds', () => {
  const data = { resultType: 'matrix', result: [{ metric: UP, values: /** @type {[number, string][]} */ ([[1.5, '1'], [61.5, '0.25']]) }] };
  const [frame] = frames({ refId: 'B', expr: 'up' }, data, 60_000);
  assert.deepEqual(frame?.data.values, [[1_500, 61_500], [1, 0.25]]);
  assert.equal(frame?.schema.refId, 'B');
  assert.deepEqual(frame?.schema.fields[1]?.labels, UP);
  assert.equal(frame?.schema.fields[0]?.config.interval, 60_000);
});

test('what JSON cannot say is told beside the values', () => {
  const data = { resultType: 'vector', result: [{ metric: {}, value: /** @type {[number, string]} */ ([1, 'NaN']) }, { metric: UP, value: /** @type {[number, string]} */ ([1, '+Inf']) }] };
  const told = frames({ refId: 'A', expr: 'x' }, data, 1_000);
  assert.deepEqual(told.map((frame) => frame.data.entities), [[null, { NaN: [0] }], [null, { Inf: [0] }]]);
  assert.deepEqual(told.map((frame) => frame.data.values[1]), [[null], [null]]);
});

test('a scalar is a series without labels', () => {
  assert.deepEqual(frames({ refId: 'A', expr: '1' }, { resultType: 'scalar', result: [7, '1'] }, 1_000)[0]?.data.values, [[7_000], [1]]);
});
