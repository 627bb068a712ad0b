/** Where samples are missing nothing must be drawn. Pure. */

import { FieldType, type DataFrame } from '@grafana/data';

/** How much later than expected the next sample may be, in intervals. */
const PATIENCE = 1.5;

/** The time field's interval, in milliseconds: what the data source says of the step between two samples. */
export function intervalOf(frame: DataFrame): number {
  return frame.fields.find(({ type }) => type === FieldType.time)?.config.interval ?? Infinity;
}

export function isGap(from: number, to: number, interval: number): boolean {
  return to - from > PATIENCE * interval;
}

/** Puts a null an interval after the last sample before each gap, so that no line spans it. */
export function withGaps(frame: DataFrame): DataFrame {
  const interval = intervalOf(frame);
  const times: number[] = frame.fields.find(({ type }) => type === FieldType.time)?.values ?? [];
  const before = times.flatMap((time, place) => (place > 0 && isGap(times[place - 1] as number, time, interval) ? [place] : []));
  if (before.length === 0) {
    return frame;
  }
  const gaps = new Set(before);
  const fields = frame.fields.map((field) => ({
    ...field,
    values: field.values.flatMap((value, place) => {
      const missing = field.type === FieldType.time ? (times[place - 1] as number) + interval : null;
      return gaps.has(place) ? [missing, value] : [value];
    }),
  }));
  return { ...frame, fields, length: frame.length + gaps.size };
}
