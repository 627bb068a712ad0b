/** What Grafana's page holds before any script runs. Imported first of all: the libraries read it while they load. */

import { PluginType, type DataSourceInstanceSettings } from '@grafana/data';

/** The data source as Grafana's provisioning would describe it. */
export const SETTINGS: DataSourceInstanceSettings = {
  id: 1,
  uid: 'prometheus',
  name: 'Prometheus',
  type: 'prometheus',
  access: 'proxy',
  isDefault: true,
  readOnly: true,
  jsonData: {},
  meta: {
    id: 'prometheus',
    name: 'Prometheus',
    type: PluginType.datasource,
    module: '',
    baseUrl: '',
    metrics: true,
    annotations: true,
    info: {
      author: { name: '' },
      description: '',
      links: [],
      logos: { large: '', small: '' },
      screenshots: [],
      updated: '',
      version: '',
    },
  },
};

const asked = new URLSearchParams(window.location.search);

/** light or dark */
export const THEME = asked.get('theme') === 'dark' ? 'dark' : 'light';
/** An IANA name or `utc`. */
export const TIME_ZONE = asked.get('timezone') ?? 'utc';

Object.assign(window, {
  __grafana_public_path__: '/public/',
  grafanaBootData: {
    assets: { light: '', dark: '' },
    navTree: [],
    user: { lightTheme: THEME === 'light', timezone: TIME_ZONE, orgRole: '', locale: 'en-GB', language: 'en-US' },
    settings: {
      appSubUrl: '',
      buildInfo: { version: '13.2.3', env: 'production' },
      datasources: { Prometheus: SETTINGS },
      defaultDatasource: 'Prometheus',
      featureToggles: {},
    },
  },
});
