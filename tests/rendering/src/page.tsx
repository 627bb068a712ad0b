/** The page: draws the dashboard it is given and tells the state of every panel. */

import { THEME, TIME_ZONE } from './boot';

import '@grafana/react-data-grid/lib/styles.css';
import 'uplot/dist/uPlot.min.css';
import './page.css';

import { createTheme, LoadingState, ThemeContext } from '@grafana/data';
import { initPluginTranslations } from '@grafana/i18n';
import { config } from '@grafana/runtime';
import { MultiValueVariable, sceneGraph, SceneQueryRunner, VizPanel, type EmbeddedScene } from '@grafana/scenes';
import { GlobalStyles, PortalContainer } from '@grafana/ui';
import { createRoot } from 'react-dom/client';
import { MemoryRouter } from 'react-router-dom';

import { panels } from './panels';
import { fillRegistries } from './registries';
import { failures, pending, provide } from './runtime';
import { scene, type Choices, type DashboardJson } from './scene';

interface PanelState {
  id: number;
  type: string;
  title: string;
  state: string;
  /** How many numbers, texts or times there are to show. */
  values: number;
  series: number;
  errors: string[];
}

export interface DashboardState {
  uid: string;
  variables: Record<string, unknown>;
  annotations: Record<string, number>;
  panels: PanelState[];
  /** Errors of queries that no panel made. */
  errors: string[];
  settled: boolean;
}

declare global {
  interface Window {
    draw: (json: DashboardJson, choices: Omit<Choices, 'timeZone'>) => void;
    state: () => DashboardState;
  }
}

/** For how long nothing may have happened until a dashboard is ready: one answer may lead to the next question. */
const QUIET_MS = 1_000;

let lastBusy = performance.now();

function settled(panels: readonly PanelState[]): boolean {
  const done = panels.length > 0 && panels.every(({ state }) => state === LoadingState.Done || state === LoadingState.Error);
  if (!done || pending() > 0) {
    lastBusy = performance.now();
  }
  return performance.now() - lastBusy > QUIET_MS;
}

const theme = createTheme({ colors: { mode: THEME } });
config.theme2 = theme;

function panelState(panel: VizPanel): PanelState {
  const data = sceneGraph.getData(panel).state.data;
  const series = data?.series ?? [];
  const plugin = panel.getPlugin();
  return {
    id: panel.getLegacyPanelId(),
    type: panel.state.pluginId,
    title: sceneGraph.interpolate(panel, panel.state.title),
    state: plugin ? (data?.state ?? LoadingState.NotStarted) : LoadingState.NotStarted,
    values: series.reduce((sum, frame) => sum + frame.fields.reduce((one, { values }) => one + known(values), 0), 0),
    series: series.length,
    errors: [
      ...(panel.state._pluginLoadError ? [panel.state._pluginLoadError] : []),
      ...(data?.errors ?? []).map(({ message, data: told }) => message ?? told?.message ?? 'an error without words'),
    ],
  };
}

function known(values: readonly unknown[]): number {
  return values.filter((value) => value !== null && value !== undefined && !Number.isNaN(value)).length;
}

function dashboardState(uid: string, drawn: EmbeddedScene): DashboardState {
  const states = sceneGraph.findAllObjects(drawn, (one) => one instanceof VizPanel).map((one) => panelState(one as VizPanel));
  const variables = drawn.state.$variables?.state.variables ?? [];
  const runners = sceneGraph.findAllObjects(drawn, (one) => one instanceof SceneQueryRunner) as SceneQueryRunner[];
  const annotations = runners[0]?.state.data?.annotations ?? [];
  const counted = new Map<string, number>();
  for (const frame of annotations) {
    const names = frame.fields.find(({ name }) => name === 'type')?.values ?? [];
    for (const name of names) {
      counted.set(String(name), (counted.get(String(name)) ?? 0) + 1);
    }
  }
  return {
    uid,
    variables: Object.fromEntries(variables.map((one) => [one.state.name, one instanceof MultiValueVariable ? one.state.value : one.getValue()])),
    annotations: Object.fromEntries([...counted].sort()),
    panels: states,
    errors: [...failures].filter((failure) => !states.some(({ errors }) => errors.includes(failure))),
    settled: settled(states),
  };
}

window.draw = (json, choices) => {
  const drawn = scene(json, { ...choices, timeZone: TIME_ZONE });
  window.state = () => dashboardState(json.uid, drawn);
  const container = document.getElementById('page');
  if (!container) {
    throw new Error('the page has no place to draw at');
  }
  createRoot(container).render(
    <MemoryRouter>
      <ThemeContext.Provider value={theme}>
        <GlobalStyles />
        <main className="dashboard" style={{ background: theme.colors.background.canvas }}>
          <h1>{json.title}</h1>
          <drawn.Component model={drawn} />
        </main>
        <PortalContainer />
      </ThemeContext.Provider>
    </MemoryRouter>,
  );
};

await initPluginTranslations('opwatch-rendering');
fillRegistries();
provide(TIME_ZONE, panels());
document.body.dataset.ready = 'true';
