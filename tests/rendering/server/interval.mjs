/**
 * Steps and interval variables, worked out as the back end of Grafana's Prometheus data source does.
 *
 * All durations are milliseconds.
 */

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000, y: 31_536_000_000 };
const MOST_POINTS = 11_000;
/** What Grafana assumes of a data source that does not say how often it is scraped. */
export const SCRAPE_INTERVAL = 15_000;

/** Upper bounds and what is taken below them. */
const ROUND = [
  [15, 10],
  [35, 20],
  [75, 50],
  [150, 100],
  [350, 200],
  [750, 500],
  [1_500, 1_000],
  [3_500, 2_000],
  [7_500, 5_000],
  [12_500, 10_000],
  [17_500, 15_000],
  [25_000, 20_000],
  [45_000, 30_000],
  [90_000, 60_000],
  [210_000, 120_000],
  [450_000, 300_000],
  [750_000, 600_000],
  [1_050_000, 900_000],
  [1_500_000, 1_200_000],
  [2_700_000, 1_800_000],
  [5_400_000, 3_600_000],
  [9_000_000, 7_200_000],
  [16_200_000, 10_800_000],
  [32_400_000, 21_600_000],
  [86_400_000, 43_200_000],
  [604_800_000, 86_400_000],
  [1_814_400_000, 604_800_000],
  [3_628_800_000, 2_592_000_000],
];

/**
 * @param {string} text such as 60s, 1m30s or >5m
 * @returns {number}
 */
export function durationMs(text) {
  const parts = [...text.replace(/^>/, '').matchAll(/(\d+(?:\.\d+)?)(ms|[smhdwy])/g)];
  if (parts.length === 0) {
    throw new Error(`not a duration: ${text}`);
  }
  return parts.reduce((sum, part) => sum + Number(part[1]) * UNITS[/** @type {keyof typeof UNITS} */ (part[2])], 0);
}

/** @param {number} ms */
export function durationText(ms) {
  for (const unit of /** @type {const} */ (['d', 'h', 'm', 's'])) {
    if (ms >= UNITS[unit] && ms % UNITS[unit] === 0) {
      return `${ms / UNITS[unit]}${unit}`;
    }
  }
  return `${ms}ms`;
}

/** @param {number} ms */
function rounded(ms) {
  const found = ROUND.find(([bound]) => ms < /** @type {number} */ (bound));
  return found ? /** @type {number} */ (found[1]) : 31_536_000_000;
}

/**
 * @typedef {object} Steps
 * @property {number} step between two points
 * @property {number} rateInterval what `$__rate_interval` stands for
 *
 * @param {{from: number, to: number, maxDataPoints: number, interval?: string}} query
 * @returns {Steps}
 */
export function steps({ from, to, maxDataPoints, interval }) {
  const least = interval ? durationMs(interval) : SCRAPE_INTERVAL;
  const range = to - from;
  const step = Math.max(rounded(range / maxDataPoints), least, rounded(range / MOST_POINTS));
  return { step, rateInterval: Math.max(step + least, 4 * least) };
}

/**
 * @param {string} expr
 * @param {{from: number, to: number} & Steps} known
 */
export function interpolated(expr, { from, to, step, rateInterval }) {
  const range = to - from;
  /** @type {Record<string, string>} */
  const values = {
    __interval: durationText(step),
    __interval_ms: String(step),
    __range: `${Math.round(range / 1_000)}s`,
    __range_s: String(Math.round(range / 1_000)),
    __range_ms: String(range),
    __rate_interval: durationText(rateInterval),
    __rate_interval_ms: String(rateInterval),
  };
  return expr.replace(/\$(?:\{(__\w+)\}|(__\w+))/g, (whole, braced, bare) => values[braced ?? bare] ?? whole);
}
