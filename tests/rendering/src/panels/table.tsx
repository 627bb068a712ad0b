/** Table panels: Grafana's own table from @grafana/ui. */

import { cacheFieldDisplayNames, PanelPlugin, type PanelProps } from '@grafana/data';
import type { TableCellHeight, TableSortByFieldState } from '@grafana/schema';
import { TableNG } from '@grafana/ui/unstable';

import { customField } from '../registries';
import { Nothing } from './nothing';

const CUSTOM: Readonly<Record<string, unknown>> = {
  width: undefined,
  minWidth: 50,
  align: 'auto',
  cellOptions: { type: 'auto' },
  inspect: false,
  filterable: false,
  hidden: false,
  hideFrom: { viz: false },
  wrapText: false,
  wrapHeaderText: false,
};

interface Options {
  frameIndex?: number;
  showHeader?: boolean;
  cellHeight?: TableCellHeight;
  sortBy?: TableSortByFieldState[];
}

function TablePanel({ data, options, fieldConfig, width, height, timeRange }: PanelProps<Options>) {
  cacheFieldDisplayNames(data.series);
  const frame = data.series[options.frameIndex ?? 0];
  if (!frame || frame.fields.length === 0) {
    return <Nothing fieldConfig={fieldConfig} />;
  }
  return (
    <TableNG
      data={frame}
      width={width}
      height={height}
      noHeader={options.showHeader === false}
      cellHeight={options.cellHeight}
      sortBy={options.sortBy}
      structureRev={data.structureRev}
      fieldConfig={fieldConfig}
      noValue={fieldConfig.defaults.noValue}
      timeRange={timeRange}
      enableVirtualization={false}
    />
  );
}

export const table = new PanelPlugin<Options>(TablePanel).useFieldConfig({
  useCustomConfig: (builder) => {
    for (const [path, defaultValue] of Object.entries(CUSTOM)) {
      builder.addCustomEditor(customField(path, defaultValue));
    }
  },
});
