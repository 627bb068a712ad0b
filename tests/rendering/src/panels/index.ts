/** The panel types that can be drawn, by Grafana's names for them. */

import { PluginType, type PanelPlugin, type PanelPluginMeta } from '@grafana/data';

import { stat } from './stat';
import { stateTimeline } from './state-timeline';
import { table } from './table';
import { timeseries } from './timeseries';

const PANELS: Readonly<Record<string, PanelPlugin>> = {
  stat: stat as unknown as PanelPlugin,
  'state-timeline': stateTimeline as unknown as PanelPlugin,
  table: table as unknown as PanelPlugin,
  timeseries: timeseries as unknown as PanelPlugin,
};

function meta(id: string): PanelPluginMeta {
  return {
    id,
    name: id,
    type: PluginType.panel,
    module: '',
    baseUrl: '',
    sort: 0,
    info: {
      author: { name: '' },
      description: '',
      links: [],
      logos: { large: '', small: '' },
      screenshots: [],
      updated: '',
      version: '13.2.3',
    },
  };
}

export function panels(): ReadonlyMap<string, PanelPlugin> {
  for (const [id, plugin] of Object.entries(PANELS)) {
    plugin.meta = meta(id);
  }
  return new Map(Object.entries(PANELS));
}
