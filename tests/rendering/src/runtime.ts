/** What Grafana's server and application give to its libraries, for one Prometheus data source and no user. */

import {
  DataTopic,
  EventBusSrv,
  setTimeZoneResolver,
  LoadingState,
  type DataFrame,
  type DataQueryRequest,
  type DataQueryResponse,
  type DataSourceApi,
  type DataSourceInstanceSettings,
  type DataSourceRef,
  type PanelData,
  type PanelPlugin,
  type ScopedVars,
} from '@grafana/data';
import { PrometheusDatasource, type PromOptions } from '@grafana/prometheus';
import {
  setAppEvents,
  setBackendSrv,
  setDataSourceSrv,
  setPluginImportUtils,
  setRunRequest,
  setTemplateSrv,
  type BackendSrv,
  type BackendSrvRequest,
  type DataSourceSrv,
  type FetchResponse,
  type TemplateSrv,
} from '@grafana/runtime';
import { sceneGraph, type SceneObject } from '@grafana/scenes';
import { from, lastValueFrom, map, startWith, type Observable } from 'rxjs';

import { SETTINGS } from './boot';

declare global {
  interface Window {
    __grafanaSceneContext?: SceneObject;
  }
}

let running = 0;

/** How many requests have no answer yet. */
export function pending(): number {
  return running;
}

async function fetched<T>(request: BackendSrvRequest): Promise<FetchResponse<T>> {
  running += 1;
  try {
    return await answered<T>(request);
  } finally {
    running -= 1;
  }
}

async function answered<T>(request: BackendSrvRequest): Promise<FetchResponse<T>> {
  const query = new URLSearchParams(request.params).toString();
  const form = request.headers?.['Content-Type'] === 'application/x-www-form-urlencoded';
  const response = await fetch(query ? `${request.url}?${query}` : request.url, {
    method: request.method ?? 'GET',
    ...(request.data !== undefined && {
      body: form ? new URLSearchParams(request.data) : JSON.stringify(request.data),
      headers: { 'Content-Type': form ? 'application/x-www-form-urlencoded' : 'application/json' },
    }),
  });
  const data = await response.json();
  const result = {
    data,
    status: response.status,
    statusText: response.statusText,
    ok: response.ok,
    headers: response.headers,
    redirected: response.redirected,
    type: response.type,
    url: response.url,
    config: request,
  };
  if (!response.ok) {
    throw result;
  }
  return result;
}

const backend: BackendSrv = {
  fetch: <T>(request: BackendSrvRequest) => from(fetched<T>(request)),
  request: async (request) => (await lastValueFrom(backend.fetch<never>(request))).data,
  datasourceRequest: (request) => lastValueFrom(backend.fetch<never>(request)),
  get: (url, params) => backend.request({ url, params }),
  post: (url, data) => backend.request({ url, data, method: 'POST' }),
  put: (url, data) => backend.request({ url, data, method: 'PUT' }),
  patch: (url, data) => backend.request({ url, data, method: 'PATCH' }),
  delete: (url) => backend.request({ url, method: 'DELETE' }),
  chunked: () => {
    throw new Error('nothing here is sent in chunks');
  },
};

const templates: TemplateSrv = {
  getVariables: () => [],
  replace: (target = '', scopedVars, format, interpolations) => {
    const scene = (scopedVars?.__sceneObject?.value?.valueOf() as SceneObject | undefined) ?? window.__grafanaSceneContext;
    return scene ? sceneGraph.interpolate(scene, target, scopedVars, format as never, interpolations) : target;
  },
  containsTemplate: (target = '') => /\$\w|\$\{|\[\[/.test(target),
  updateTimeRange: () => undefined,
};

/** The one data source, whatever a dashboard calls it. */
function dataSources(source: DataSourceApi, settings: DataSourceInstanceSettings): DataSourceSrv {
  const named = (ref?: DataSourceRef | string | null, scopedVars?: ScopedVars) => {
    const asked = typeof ref === 'string' ? ref : ref?.uid;
    const uid = asked ? templates.replace(asked, scopedVars) : settings.uid;
    return [settings.uid, settings.name, 'default', ''].includes(uid);
  };
  return {
    get: async (ref, scopedVars) => {
      if (!named(ref, scopedVars)) {
        throw new Error(`there is no data source ${JSON.stringify(ref)}`);
      }
      return source;
    },
    getList: (filters) => (filters?.pluginId && filters.pluginId !== settings.type ? [] : [settings]),
    getInstanceSettings: (ref, scopedVars) => (named(ref, scopedVars) ? settings : undefined),
    reload: async () => undefined,
    registerRuntimeDataSource: () => undefined,
  };
}

/** What queries were answered with instead of data; nobody shows it where an annotation asked. */
export const failures = new Set<string>();

function panelData(request: DataQueryRequest, response: DataQueryResponse): PanelData {
  const errors = response.errors ?? (response.error ? [response.error] : []);
  for (const { message, data } of errors) {
    failures.add(message ?? data?.message ?? 'an error without words');
  }
  // Not turned into frames here: the answer to a variable's query is a list of values.
  const all: DataFrame[] = response.data;
  const isAnnotation = (frame: DataFrame) => frame.meta?.dataTopic === DataTopic.Annotations;
  return {
    state: errors.length > 0 ? LoadingState.Error : (response.state ?? LoadingState.Done),
    series: all.filter((frame) => !isAnnotation(frame)),
    annotations: all.filter(isAnnotation),
    timeRange: request.range,
    request,
    ...(errors.length > 0 && { errors, error: errors[0] }),
  };
}

function runRequest(source: DataSourceApi, request: DataQueryRequest, query = source.query): Observable<PanelData> {
  const empty: PanelData = { state: LoadingState.Loading, series: [], annotations: [], timeRange: request.range, request };
  return from(query.call(source, request)).pipe(
    map((response) => panelData(request, response)),
    startWith(empty),
  );
}

/** Gives the libraries all they ask for. To be called once, before any scene is made. */
export function provide(timeZone: string, panels: ReadonlyMap<string, PanelPlugin>): void {
  setTimeZoneResolver(() => timeZone);
  setAppEvents(new EventBusSrv());
  setBackendSrv(backend);
  setTemplateSrv(templates);
  setRunRequest(runRequest);
  setPluginImportUtils({
    getPanelPluginFromCache: (id) => panels.get(id),
    importPanelPlugin: async (id) => {
      throw new Error(`panels of type ${id} cannot be drawn here`);
    },
  });
  const settings = SETTINGS as DataSourceInstanceSettings<PromOptions>;
  setDataSourceSrv(dataSources(new PrometheusDatasource(settings, templates) as unknown as DataSourceApi, settings));
}
