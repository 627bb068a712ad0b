/** What a state timeline shows: for each series the time ranges in which its state stays the same. Pure. */

import { FieldType, formattedValueToString, type DataFrame, type DisplayValue, type Field } from '@grafana/data';

import { intervalOf, isGap } from './gaps';

export interface Span {
  from: number;
  to: number;
  text: string;
  color: string;
}

function stateOf(field: Field, value: unknown): Pick<Span, 'text' | 'color'> | undefined {
  if (value === null || value === undefined) {
    return undefined;
  }
  const shown: DisplayValue | undefined = field.display?.(value);
  return shown && { text: formattedValueToString(shown), color: shown.color ?? 'gray' };
}

/**
 * The states of one series.
 *
 * @param merge whether neighbouring samples of the same text become one span
 * @param until where the last state ends, epoch milliseconds
 */
export function spans(frame: DataFrame, field: Field, merge: boolean, until: number): Span[] {
  const times = frame.fields.find(({ type }) => type === FieldType.time);
  if (!times) {
    return [];
  }
  const interval = intervalOf(frame);
  const found: Span[] = [];
  for (let place = 0; place < frame.length; place++) {
    const from = times.values[place] as number;
    const next = place + 1 < frame.length ? (times.values[place + 1] as number) : until;
    const to = isGap(from, next, interval) ? from + interval : next;
    const state = stateOf(field, field.values[place]);
    const last = found.at(-1);
    if (state && merge && last?.text === state.text && last.to === from) {
      last.to = to;
    } else if (state) {
      found.push({ from, to, ...state });
    }
  }
  return found;
}

export interface LegendEntry {
  label: string;
  color: string;
}

/** As Grafana has it: the steps of thresholds if there are several, otherwise the states that occur. */
export function legendOf(field: Field | undefined, rows: readonly (readonly Span[])[]): LegendEntry[] {
  const steps = field?.config.thresholds?.steps ?? [];
  if (field?.config.color?.mode === 'thresholds' && steps.length > 1) {
    return steps.map((step, place) => {
      const bound = place === 0 ? steps[1]?.value : step.value;
      const text = field.display ? formattedValueToString(field.display(bound)) : String(bound);
      return { label: `${place === 0 ? '<' : ''} ${text}${place === 0 ? '' : '+'}`.trim(), color: step.color };
    });
  }
  const seen = new Map(rows.flat().map(({ text, color }) => [text, color]));
  return [...seen].filter(([label]) => label).map(([label, color]) => ({ label, color }));
}
