/** A dashboard's JSON (the classic model) as a scene, as Grafana's dashboard page makes one of it. */

import type { AnnotationQuery, DataTransformerConfig, FieldConfigSource } from '@grafana/data';
import { DashboardCursorSync } from '@grafana/data';
import {
  behaviors,
  CustomVariable,
  dataLayers,
  DataSourceVariable,
  EmbeddedScene,
  QueryVariable,
  SceneDataLayerSet,
  SceneDataTransformer,
  SceneGridItem,
  SceneGridLayout,
  SceneGridRow,
  SceneQueryRunner,
  SceneTimePicker,
  SceneTimeRange,
  SceneVariableSet,
  VariableValueSelectors,
  VizPanel,
  type SceneDataQuery,
  type SceneGridItemLike,
  type SceneVariable,
} from '@grafana/scenes';
import type { DataSourceRef } from '@grafana/schema';

interface Place {
  x: number;
  y: number;
  w: number;
  h: number;
}

interface PanelJson {
  id: number;
  type: string;
  title?: string;
  description?: string;
  gridPos: Place;
  datasource?: DataSourceRef;
  targets?: SceneDataQuery[];
  transformations?: DataTransformerConfig[];
  options?: object;
  fieldConfig?: FieldConfigSource;
  maxDataPoints?: number;
  interval?: string;
  transparent?: boolean;
  panels?: PanelJson[];
  collapsed?: boolean;
}

interface VariableJson {
  type: string;
  name: string;
  label?: string;
  query: string | SceneDataQuery;
  datasource?: DataSourceRef;
  regex?: string;
  sort?: number;
  refresh?: number;
  multi?: boolean;
  includeAll?: boolean;
  allValue?: string;
  hide?: number;
  current?: { value?: string | string[]; text?: string | string[] };
}

export interface DashboardJson {
  uid: string;
  title: string;
  panels: PanelJson[];
  templating?: { list: VariableJson[] };
  annotations?: { list: AnnotationQuery[] };
}

export interface Choices {
  /** Epoch milliseconds or Grafana's relative times. */
  from: string;
  to: string;
  timeZone: string;
  /** Values of variables, over those in the JSON. */
  values: Readonly<Record<string, string | string[]>>;
}

function variable(json: VariableJson, { values }: Choices): SceneVariable {
  const chosen = values[json.name];
  const common = {
    name: json.name,
    label: json.label,
    hide: json.hide ?? 0,
    isMulti: json.multi ?? false,
    includeAll: json.includeAll ?? false,
    allValue: json.allValue || undefined,
    value: chosen ?? json.current?.value ?? '',
    text: chosen ?? json.current?.text ?? '',
  };
  switch (json.type) {
    case 'datasource':
      return new DataSourceVariable({ ...common, pluginId: String(json.query), regex: json.regex ?? '' });
    case 'custom':
      return new CustomVariable({ ...common, query: String(json.query) });
    case 'query':
      return new QueryVariable({
        ...common,
        query: json.query,
        datasource: json.datasource ?? null,
        regex: json.regex ?? '',
        sort: json.sort ?? 0,
        refresh: json.refresh ?? 1,
      });
    default:
      throw new Error(`variables of type ${json.type} are not known here: ${json.name}`);
  }
}

function data(json: PanelJson) {
  const runner = new SceneQueryRunner({
    queries: json.targets ?? [],
    datasource: json.datasource,
    minInterval: json.interval,
    maxDataPoints: json.maxDataPoints,
    maxDataPointsFromWidth: json.maxDataPoints === undefined,
    dataLayerFilter: { panelId: json.id },
  });
  const transformations = json.transformations ?? [];
  return transformations.length > 0 ? new SceneDataTransformer({ $data: runner, transformations }) : runner;
}

function panel(json: PanelJson): SceneGridItem {
  return new SceneGridItem({
    x: json.gridPos.x,
    y: json.gridPos.y,
    width: json.gridPos.w,
    height: json.gridPos.h,
    isDraggable: false,
    isResizable: false,
    body: new VizPanel({
      key: `panel-${json.id}`,
      pluginId: json.type,
      title: json.title ?? '',
      description: json.description,
      options: json.options ?? {},
      fieldConfig: json.fieldConfig ?? { defaults: {}, overrides: [] },
      displayMode: json.transparent ? 'transparent' : 'default',
      $data: data(json),
    }),
  });
}

/** Panels below a row belong to it, as in Grafana. */
function placed(panels: PanelJson[]): SceneGridItemLike[] {
  const items: SceneGridItemLike[] = [];
  let row: SceneGridRow | undefined;
  for (const json of panels) {
    if (json.type === 'row') {
      const children = (json.panels ?? []).map(panel);
      row = new SceneGridRow({ key: `row-${json.id}`, title: json.title ?? '', y: json.gridPos.y, isCollapsed: false, children });
      items.push(row);
    } else if (row) {
      row.setState({ children: [...row.state.children, panel(json)] });
    } else {
      items.push(panel(json));
    }
  }
  return items;
}

export function scene(json: DashboardJson, choices: Choices): EmbeddedScene {
  const variables = (json.templating?.list ?? []).map((one) => variable(one, choices));
  const layers = (json.annotations?.list ?? [])
    .filter((query) => !query.builtIn && query.enable)
    .map((query, place) => new dataLayers.AnnotationsDataLayer({ key: `annotations-${place}`, name: query.name, query }));
  return new EmbeddedScene({
    $timeRange: new SceneTimeRange({ from: choices.from, to: choices.to, timeZone: choices.timeZone }),
    $variables: new SceneVariableSet({ variables }),
    $data: new SceneDataLayerSet({ layers }),
    $behaviors: [new behaviors.CursorSync({ sync: DashboardCursorSync.Crosshair })],
    controls: [new VariableValueSelectors({}), new SceneTimePicker({ isOnCanvas: true })],
    body: new SceneGridLayout({ isLazy: false, isDraggable: false, isResizable: false, children: placed(json.panels) }),
  });
}
