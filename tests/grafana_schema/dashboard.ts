// The dashboards that opwatch builds, in Grafana's own types: the dashboard model that file
// provisioning and import read ("v1", schemaVersion 42), with the options and field configuration
// of each kind of panel in the place of the open records that the model has there.
import type { DataQuery } from '@grafana/schema';
import type {
  AnnotationQuery,
  Dashboard,
  DataSourceRef,
  FieldConfig,
  FieldConfigSource,
  Panel,
  RowPanel,
} from '@grafana/schema/dist/esm/raw/dashboard/x/Dashboard_types.gen';
import type * as stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as statetimeline from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as timeseries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

// Grafana keeps the types of Prometheus' queries with its plug-in; these are the fields used here.
interface PrometheusQuery extends DataQuery {
  datasource?: DataSourceRef;
  expr: string;
  format?: 'time_series' | 'table' | 'heatmap';
  instant?: boolean;
  interval?: string;
  legendFormat?: string;
  range?: boolean;
}

interface Defaults<Custom> extends Omit<FieldConfig, 'custom' | 'links'> {
  custom?: Custom;
}

interface Fields<Custom> extends Omit<FieldConfigSource, 'defaults'> {
  defaults: Defaults<Custom>;
}

interface PanelOf<Type extends string, Options, Custom>
  extends Omit<Panel, 'type' | 'options' | 'fieldConfig' | 'targets'> {
  type: Type;
  options: Options;
  fieldConfig: Fields<Custom>;
  targets: PrometheusQuery[];
}

type AnyPanel =
  | PanelOf<'stat', stat.Options, Record<string, never>>
  | PanelOf<'state-timeline', statetimeline.Options, statetimeline.FieldConfig>
  | PanelOf<'table', table.Options, table.FieldConfig>
  | PanelOf<'timeseries', timeseries.Options, timeseries.FieldConfig>;

interface PrometheusAnnotation extends Omit<AnnotationQuery, 'target'> {
  expr: string;
  step: string;
  target: PrometheusQuery;
  textFormat: string;
  titleFormat: string;
  useValueForTime?: boolean;
}

export interface OpwatchDashboard extends Omit<Dashboard, 'panels' | 'annotations'> {
  panels: Array<AnyPanel | RowPanel>;
  annotations: { list: PrometheusAnnotation[] };
}
