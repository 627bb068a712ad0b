/** Annotations as Grafana marks them on plots: a dashed line for a moment, a tinted band for a time range. */

import { colorManipulator, type DataFrame, type GrafanaTheme2 } from '@grafana/data';
import type { UPlotConfigBuilder } from '@grafana/ui';
import type uPlot from 'uplot';

interface Mark {
  time: number;
  timeEnd: number;
  isRegion: boolean;
  color: string;
}

function marks(frames: readonly DataFrame[]): Mark[] {
  return frames.flatMap((frame) => {
    const column = (name: string): ArrayLike<unknown> | undefined => frame.fields.find((field) => field.name === name)?.values;
    const [time, timeEnd, isRegion, color] = ['time', 'timeEnd', 'isRegion', 'color'].map(column);
    return Array.from({ length: time ? frame.length : 0 }, (_, place) => ({
      time: Number(time?.[place]),
      timeEnd: Number(timeEnd?.[place] ?? time?.[place]),
      isRegion: isRegion?.[place] === true,
      color: String(color?.[place] ?? 'red'),
    }));
  });
}

function drawLine(plot: uPlot, x: number): void {
  const { ctx, bbox } = plot;
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
}

/** Adds the marks to what a plot draws. */
export function addMarks(builder: UPlotConfigBuilder, current: () => readonly DataFrame[], theme: GrafanaTheme2): void {
  builder.addHook('draw', (plot) => {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    for (const mark of marks(current())) {
      const color = theme.visualization.getColorByName(mark.color);
      const from = plot.valToPos(mark.time, 'x', true);
      ctx.strokeStyle = color;
      ctx.fillStyle = colorManipulator.alpha(color, 0.1);
      ctx.lineWidth = 2;
      ctx.setLineDash([5, 5]);
      drawLine(plot, from);
      if (mark.isRegion) {
        const to = plot.valToPos(mark.timeEnd, 'x', true);
        drawLine(plot, to);
        ctx.fillRect(from, bbox.top, to - from, bbox.height);
      }
    }
    ctx.restore();
  });
}
