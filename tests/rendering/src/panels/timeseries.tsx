/** Time series panels: Grafana's own lines, axes and legend from @grafana/ui. */

import { FieldColorModeId, FieldConfigProperty, FieldType, PanelPlugin, type DataFrame, type PanelProps } from '@grafana/data';
import { type VizLegendOptions, LegendDisplayMode } from '@grafana/schema';
import { TimeSeries, useTheme2, type UPlotConfigBuilder } from '@grafana/ui';
import { useMemo, useRef } from 'react';

import { customField } from '../registries';
import { withGaps } from './gaps';
import { addMarks } from './marks';
import { Nothing } from './nothing';

/** Properties of a field with Grafana's default of each. */
const CUSTOM: Readonly<Record<string, unknown>> = {
  drawStyle: 'line',
  lineInterpolation: 'linear',
  lineWidth: 1,
  lineStyle: { fill: 'solid' },
  fillOpacity: 0,
  fillBelowTo: undefined,
  gradientMode: 'none',
  spanNulls: false,
  showPoints: 'auto',
  pointSize: 5,
  stacking: { mode: 'none', group: 'A' },
  scaleDistribution: { type: 'linear' },
  axisPlacement: 'auto',
  axisLabel: '',
  axisColorMode: 'text',
  axisBorderShow: false,
  axisGridShow: undefined,
  axisSoftMin: undefined,
  axisSoftMax: undefined,
  axisWidth: undefined,
  axisCenteredZero: false,
  barAlignment: 0,
  barWidthFactor: 0.6,
  hideFrom: { tooltip: false, viz: false, legend: false },
  thresholdsStyle: { mode: 'off' },
  transform: undefined,
  insertNulls: false,
};

interface Options {
  legend?: VizLegendOptions;
}

function plottable(frame: DataFrame): boolean {
  return frame.length > 0 && [FieldType.time, FieldType.number].every((type) => frame.fields.some((field) => field.type === type));
}

function TimeSeriesPanel({ data, options, fieldConfig, width, height, timeRange, timeZone }: PanelProps<Options>) {
  const theme = useTheme2();
  const marked = useRef(new WeakSet<UPlotConfigBuilder>());
  const annotations = useRef(data.annotations ?? []);
  annotations.current = data.annotations ?? [];
  const frames = useMemo(() => data.series.filter(plottable).map(withGaps), [data.series]);
  if (frames.length === 0) {
    return <Nothing fieldConfig={fieldConfig} />;
  }
  const legend: VizLegendOptions = {
    ...{ calcs: [], displayMode: LegendDisplayMode.List, placement: 'bottom', showLegend: true },
    ...options.legend,
  };
  return (
    <TimeSeries
      frames={frames}
      structureRev={data.structureRev}
      width={width}
      height={height}
      timeRange={timeRange}
      timeZone={timeZone}
      legend={legend}
      options={{ annotations: data.annotations }}
    >
      {(builder) => {
        if (!marked.current.has(builder)) {
          marked.current.add(builder);
          addMarks(builder, () => annotations.current, theme);
        }
        return null;
      }}
    </TimeSeries>
  );
}

export const timeseries = new PanelPlugin<Options>(TimeSeriesPanel).useFieldConfig({
  standardOptions: { [FieldConfigProperty.Color]: { defaultValue: { mode: FieldColorModeId.PaletteClassic } } },
  useCustomConfig: (builder) => {
    for (const [path, defaultValue] of Object.entries(CUSTOM)) {
      builder.addCustomEditor(customField(path, defaultValue));
    }
  },
}).setDataSupport({ annotations: true, alertStates: false });
