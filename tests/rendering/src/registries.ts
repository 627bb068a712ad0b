/** The registries that Grafana's application fills when it starts: field options, transformations. */

import {
  booleanOverrideProcessor,
  dataLinksOverrideProcessor,
  displayNameOverrideProcessor,
  FieldColorModeId,
  FieldConfigProperty,
  identityOverrideProcessor,
  numberOverrideProcessor,
  standardFieldConfigEditorRegistry,
  standardTransformers,
  standardTransformersRegistry,
  thresholdsOverrideProcessor,
  unitOverrideProcessor,
  valueMappingsOverrideProcessor,
  type DataTransformerInfo,
  type FieldConfigPropertyItem,
  type TransformerRegistryItem,
} from '@grafana/data';

/** Nothing is edited here. */
const NoEditor = () => null;

type Process = FieldConfigPropertyItem['process'];

const PROCESSES: Partial<Record<FieldConfigProperty, Process>> = {
  [FieldConfigProperty.Unit]: unitOverrideProcessor as Process,
  [FieldConfigProperty.Min]: numberOverrideProcessor as Process,
  [FieldConfigProperty.Max]: numberOverrideProcessor as Process,
  [FieldConfigProperty.FieldMinMax]: booleanOverrideProcessor as Process,
  [FieldConfigProperty.Decimals]: numberOverrideProcessor as Process,
  [FieldConfigProperty.DisplayName]: displayNameOverrideProcessor as Process,
  [FieldConfigProperty.NoValue]: identityOverrideProcessor as Process,
  [FieldConfigProperty.Thresholds]: thresholdsOverrideProcessor as Process,
  [FieldConfigProperty.Mappings]: valueMappingsOverrideProcessor as Process,
  [FieldConfigProperty.Links]: dataLinksOverrideProcessor as Process,
  [FieldConfigProperty.Color]: identityOverrideProcessor as Process,
  [FieldConfigProperty.Filterable]: booleanOverrideProcessor as Process,
};

const DEFAULTS: Partial<Record<FieldConfigProperty, unknown>> = {
  [FieldConfigProperty.Mappings]: [],
  [FieldConfigProperty.Color]: { mode: FieldColorModeId.Thresholds },
  [FieldConfigProperty.Thresholds]: {
    mode: 'absolute',
    steps: [
      { value: -Infinity, color: 'green' },
      { value: 80, color: 'red' },
    ],
  },
};

function standardField(id: FieldConfigProperty): FieldConfigPropertyItem {
  return {
    id,
    path: id,
    name: id,
    editor: NoEditor,
    override: NoEditor,
    process: PROCESSES[id] ?? (identityOverrideProcessor as Process),
    shouldApply: () => true,
    settings: {},
    defaultValue: DEFAULTS[id],
  };
}

function transformer(info: DataTransformerInfo): TransformerRegistryItem {
  return {
    id: info.id,
    name: info.name,
    description: info.description,
    transformation: async () => info,
    defaultOptions: info.defaultOptions,
    editor: NoEditor,
    imageDark: '',
    imageLight: '',
  };
}

export function fillRegistries(): void {
  standardFieldConfigEditorRegistry.setInit(() => Object.values(FieldConfigProperty).map(standardField));
  const transformers = Object.values(standardTransformers).map((info) => transformer(info as unknown as DataTransformerInfo));
  const byId = new Map(transformers.map((one) => [one.id, one]));
  standardTransformersRegistry.setInit(() => [...byId.values()]);
}

/** A property `custom.*` of a panel's fields, so that defaults and overrides of it reach the panel. */
export function customField(path: string, defaultValue?: unknown): FieldConfigPropertyItem {
  return {
    id: path,
    path,
    name: path,
    editor: NoEditor,
    override: NoEditor,
    process: identityOverrideProcessor as Process,
    shouldApply: () => true,
    settings: {},
    defaultValue,
  };
}
