/** What a panel says where there is nothing to draw: its own words, if it has any. */

import type { FieldConfigSource } from '@grafana/data';

export function Nothing({ fieldConfig }: { fieldConfig: FieldConfigSource }) {
  return <p className="nothing">{fieldConfig.defaults.noValue || 'No data'}</p>;
}
