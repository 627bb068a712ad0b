/** State timeline panels, drawn with the plots of @grafana/ui: the panel itself is not published as a package. */

import { FieldType, getFieldDisplayName, PanelPlugin, type DataFrame, type Field, type GrafanaTheme2, type PanelProps } from '@grafana/data';
import { AxisPlacement, LegendDisplayMode, ScaleDirection, ScaleOrientation, type VizLegendOptions } from '@grafana/schema';
import { Pagination, UPlotChart, UPlotConfigBuilder, useTheme2, VizLayout, VizLegend } from '@grafana/ui';
import { useEffect, useMemo, useRef, useState } from 'react';

import { customField } from '../registries';
import { addMarks } from './marks';
import { Nothing } from './nothing';
import { legendOf, spans, type Span } from './spans';

interface Options {
  legend?: Partial<VizLegendOptions>;
  mergeValues?: boolean;
  perPage?: number;
  rowHeight?: number;
  showValue?: 'auto' | 'always' | 'never';
}

interface Row {
  name: string;
  field: Field;
  spans: Span[];
  fillOpacity: number;
  lineWidth: number;
}

const PAGER_HEIGHT = 36;
const PADDING = 4;

function rowsOf(frames: DataFrame[], options: Options, until: number): Row[] {
  return frames.flatMap((frame) =>
    frame.fields
      .filter((field) => field.type !== FieldType.time)
      .map((field) => ({
        name: getFieldDisplayName(field, frame, frames),
        field,
        spans: spans(frame, field, options.mergeValues ?? true, until),
        fillOpacity: field.config.custom?.fillOpacity ?? 70,
        lineWidth: field.config.custom?.lineWidth ?? 0,
      })),
  );
}

/** Row 0 is the topmost. */
function middle(place: number, count: number): number {
  return count - place - 0.5;
}

function drawRows(builder: UPlotConfigBuilder, rows: readonly Row[], options: Options, theme: GrafanaTheme2): void {
  builder.addHook('drawClear', (plot) => {
    const { ctx, bbox } = plot;
    const height = (bbox.height / rows.length) * (options.rowHeight ?? 0.9);
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.font = `${12 * devicePixelRatio}px ${theme.typography.fontFamily}`;
    ctx.textBaseline = 'middle';
    rows.forEach((row, place) => {
      const y = plot.valToPos(middle(place, rows.length), 'y', true) - height / 2;
      for (const span of row.spans) {
        const from = plot.valToPos(span.from, 'x', true);
        const width = plot.valToPos(span.to, 'x', true) - from;
        ctx.fillStyle = span.color;
        ctx.globalAlpha = row.fillOpacity / 100;
        ctx.fillRect(from, y, width, height);
        ctx.globalAlpha = 1;
        if (row.lineWidth > 0) {
          ctx.strokeStyle = span.color;
          ctx.lineWidth = row.lineWidth * devicePixelRatio;
          ctx.strokeRect(from, y, width, height);
        }
        const room = width - 2 * PADDING * devicePixelRatio;
        const fits = ctx.measureText(span.text).width <= room;
        if (options.showValue === 'always' || (options.showValue !== 'never' && fits)) {
          ctx.fillStyle = theme.colors.getContrastText(span.color, 3);
          ctx.fillText(span.text, from + PADDING * devicePixelRatio, y + height / 2);
        }
      }
    });
    ctx.restore();
  });
}

function StateTimelinePanel({ data, options, fieldConfig, width, height, timeRange, timeZone }: PanelProps<Options>) {
  const theme = useTheme2();
  const [page, setPage] = useState(1);
  const annotations = useRef(data.annotations ?? []);
  annotations.current = data.annotations ?? [];
  const [from, to] = [timeRange.from.valueOf(), timeRange.to.valueOf()];
  const all = useMemo(() => rowsOf(data.series, options, to), [data.series, options, to]);
  const perPage = options.perPage ?? 20;
  const pages = Math.max(1, Math.ceil(all.length / perPage));
  const rows = useMemo(() => all.slice((page - 1) * perPage, page * perPage), [all, page, perPage]);
  useEffect(() => setPage(1), [all.length]);
  const config = useMemo(() => {
    const builder = new UPlotConfigBuilder(timeZone);
    builder.addScale({
      scaleKey: 'x',
      isTime: true,
      orientation: ScaleOrientation.Horizontal,
      direction: ScaleDirection.Right,
      range: () => [from, to],
    });
    builder.addScale({
      scaleKey: 'y',
      orientation: ScaleOrientation.Vertical,
      direction: ScaleDirection.Up,
      range: () => [0, rows.length],
    });
    builder.addAxis({ scaleKey: 'x', isTime: true, placement: AxisPlacement.Bottom, timeZone, theme, grid: { show: true } });
    builder.addAxis({
      scaleKey: 'y',
      placement: AxisPlacement.Left,
      splits: () => rows.map((_, place) => middle(place, rows.length)),
      values: () => rows.map(({ name }) => name),
      grid: { show: false },
      ticks: { show: false },
      gap: 15,
      theme,
    });
    builder.addSeries({ scaleKey: 'y', theme, pathBuilder: () => null, pxAlign: 0, lineColor: 'transparent' } as never);
    drawRows(builder, rows, options, theme);
    addMarks(builder, () => annotations.current, theme);
    return builder;
  }, [rows, options, theme, timeZone, from, to, data.annotations]);
  if (all.length === 0) {
    return <Nothing fieldConfig={fieldConfig} />;
  }
  const entries = legendOf(
    all[0]?.field,
    all.map((row) => row.spans),
  );
  const items = entries.map(({ label, color }) => ({ label, yAxis: 1, color: theme.visualization.getColorByName(color) }));
  const shown = options.legend?.showLegend !== false && items.length > 0;
  const legend = shown ? (
    <VizLayout.Legend placement={options.legend?.placement ?? 'bottom'}>
      <VizLegend placement={options.legend?.placement ?? 'bottom'} items={items} displayMode={LegendDisplayMode.List} readonly />
    </VizLayout.Legend>
  ) : null;
  const room = height - (pages > 1 ? PAGER_HEIGHT : 0);
  return (
    <>
      <VizLayout width={width} height={room} legend={legend}>
        {(plotWidth: number, plotHeight: number) => (
          <UPlotChart
            config={config}
            data={[
              [from, to],
              [null, null],
            ]}
            width={plotWidth}
            height={plotHeight}
          />
        )}
      </VizLayout>
      {pages > 1 && <Pagination currentPage={page} numberOfPages={pages} onNavigate={setPage} />}
    </>
  );
}

export const stateTimeline = new PanelPlugin<Options>(StateTimelinePanel).useFieldConfig({
  useCustomConfig: (builder) => {
    for (const [path, defaultValue] of Object.entries({ fillOpacity: 70, lineWidth: 0, hideFrom: { viz: false } })) {
      builder.addCustomEditor(customField(path, defaultValue));
    }
  },
}).setDataSupport({ annotations: true, alertStates: false });
