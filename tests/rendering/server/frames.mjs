/** Answers of Prometheus' HTTP API as the data frames that Grafana's back end makes of them. */

/**
 * @typedef {{expr: string, legendFormat?: string, refId: string}} Query
 * @typedef {{metric: Record<string, string>, values?: [number, string][], value?: [number, string]}} Series
 */

/** @param {Record<string, string>} labels */
function metricName(labels) {
  const { __name__: name = '', ...others } = labels;
  const pairs = Object.keys(others).sort().map((key) => `${key}="${others[key]}"`);
  return name && pairs.length === 0 ? name : `${name}{${pairs.join(', ')}}`;
}

/**
 * @param {Query} query
 * @param {Record<string, string>} labels
 */
export function seriesName({ expr, legendFormat = '' }, labels) {
  const auto = legendFormat === '__auto';
  if (auto && Object.keys(labels).length > 0) {
    return '';
  }
  const name = legendFormat && !auto ? legendFormat.replace(/\{\{\s*(.+?)\s*\}\}/g, (_, key) => labels[key] ?? '') : metricName(labels);
  return name === '{}' ? expr : name;
}

/**
 * JSON has no NaN and no infinity: their places are told beside the values.
 *
 * @param {string[]} texts
 */
function numbers(texts) {
  /** @type {Record<'NaN' | 'Inf' | 'NegInf', number[]>} */
  const places = { NaN: [], Inf: [], NegInf: [] };
  const values = texts.map((text, place) => {
    if (text === 'NaN') {
      places.NaN.push(place);
    } else if (text === '+Inf') {
      places.Inf.push(place);
    } else if (text === '-Inf') {
      places.NegInf.push(place);
    } else {
      return Number(text);
    }
    return null;
  });
  const told = Object.fromEntries(Object.entries(places).filter(([, found]) => found.length > 0));
  return { values, entities: Object.keys(told).length > 0 ? told : null };
}

/**
 * @param {Query} query
 * @param {{resultType: string, result: Series[] | [number, string]}} data
 * @param {number} step milliseconds
 */
export function frames(query, data, step) {
  const scalar = data.resultType === 'scalar' || data.resultType === 'string';
  const all = /** @type {Series[]} */ (scalar ? [{ metric: {}, value: data.result }] : data.result);
  return all.map((series) => {
    const points = series.values ?? (series.value ? [series.value] : []);
    const { values, entities } = numbers(points.map(([, text]) => text));
    const name = seriesName(query, series.metric);
    return {
      schema: {
        name,
        refId: query.refId,
        meta: {
          type: 'timeseries-multi',
          typeVersion: [0, 1],
          custom: { resultType: data.resultType },
          executedQueryString: `Expr: ${query.expr}\nStep: ${step / 1_000}s`,
        },
        fields: [
          { name: 'Time', type: 'time', typeInfo: { frame: 'time.Time' }, config: { interval: step } },
          {
            name: series.metric.__name__ ?? 'Value',
            type: 'number',
            typeInfo: { frame: 'float64' },
            labels: series.metric,
            config: name ? { displayNameFromDS: name } : {},
          },
        ],
      },
      data: { values: [points.map(([seconds]) => Math.round(seconds * 1_000)), values], entities: [null, entities] },
    };
  });
}
