import assert from 'node:assert/strict';
import { test } from 'node:test';

import { durationMs, durationText, interpolated, steps } from './interval.mjs';

const HOUR = 3_600_000;

test('durations are read and written as Prometheus has them', () => {
  assert.equal(durationMs('1m30s'), 90_000);
  assert.equal(durationMs('>5m'), 300_000);
  assert.equal(durationText(90_000), '90s');
  assert.equal(durationText(120_000), '2m');
  assert.equal(durationText(250), '250ms');
  assert.throws(() => durationMs('soon'), /not a duration: soon/);
});

test('a step is a round part of the range, and not shorter than the panel wants', () => {
  assert.equal(steps({ from: 0, to: 6 * HOUR, maxDataPoints: 1_000 }).step, 20_000);
  assert.equal(steps({ from: 0, to: 6 * HOUR, maxDataPoints: 1_000, interval: '60s' }).step, 60_000);
  assert.equal(steps({ from: 0, to: 6 * HOUR, maxDataPoints: 100 }).step, 300_000);
});

test('Prometheus is never asked for more points than it gives', () => {
  const range = 365 * 24 * HOUR;
  const { step } = steps({ from: 0, to: range, maxDataPoints: 1_000_000, interval: '60s' });
  assert.ok(range / step <= 11_000);
});

test('a rate looks back over four scrapes at least', () => {
  assert.equal(steps({ from: 0, to: HOUR, maxDataPoints: 1_000 }).rateInterval, 60_000);
  assert.equal(steps({ from: 0, to: 6 * HOUR, maxDataPoints: 100, interval: '60s' }).rateInterval, 360_000);
});

test('interval variables are put in, and others left alone', () => {
  const known = { from: 0, to: HOUR, step: 60_000, rateInterval: 240_000 };
  assert.equal(
    interpolated('rate(x[$__rate_interval])[$__range:${__interval}] + $__range_s + $other', known),
    'rate(x[4m])[3600s:1m] + 3600 + $other',
  );
});
