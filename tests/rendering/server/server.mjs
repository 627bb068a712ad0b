/** The part of Grafana's server that the panels talk to: files, queries, and the data source's own API. On 127.0.0.1 only. */

import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';

import { frames } from './frames.mjs';
import { interpolated, steps } from './interval.mjs';

const TYPES = /** @type {Record<string, string>} */ ({
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.woff': 'font/woff',
  '.json': 'application/json',
});
/** Some icons are in Grafana's application and not in its packages: nothing is drawn in their place. */
const ICONS = '/public/build/img/icons/';
const BLANK = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"></svg>';
const RESOURCES = /^\/api\/datasources\/uid\/[^/]+\/resources\/(.*)$/;

/** @param {import('node:http').IncomingMessage} request */
async function body(request) {
  const parts = [];
  for await (const part of request) {
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

/**
 * @typedef {{refId: string, expr: string, instant?: boolean, legendFormat?: string, interval?: string, maxDataPoints: number}} PanelQuery
 *
 * @param {string} prometheus
 * @param {PanelQuery} query
 * @param {{from: number, to: number}} range milliseconds
 */
async function answer(prometheus, query, { from, to }) {
  const found = steps({ from, to, maxDataPoints: query.maxDataPoints, interval: query.interval });
  const { step } = found;
  const expr = interpolated(query.expr, { from, to, ...found });
  const form = new URLSearchParams({ query: expr });
  if (query.instant) {
    form.set('time', String(to / 1_000));
  } else {
    form.set('start', String((Math.floor(from / step) * step) / 1_000));
    form.set('end', String((Math.floor(to / step) * step) / 1_000));
    form.set('step', String(step / 1_000));
  }
  const response = await fetch(`${prometheus}/api/v1/${query.instant ? 'query' : 'query_range'}`, { method: 'POST', body: form });
  const told = await response.json();
  if (told.status !== 'success') {
    return { status: response.status, error: `${told.errorType}: ${told.error} in ${expr}`, frames: [] };
  }
  return { status: 200, frames: frames({ ...query, expr }, told.data, step) };
}

/**
 * @param {string} prometheus
 * @param {{queries: PanelQuery[], from: string, to: string}} asked
 */
async function answers(prometheus, { queries, from, to }) {
  const range = { from: Number(from), to: Number(to) };
  const results = await Promise.all(queries.map(async (query) => [query.refId, await answer(prometheus, query, range)]));
  return { results: Object.fromEntries(results) };
}

/**
 * @param {{prometheus: string, folder: string}} where address of Prometheus, and the folder of the bundle
 * @returns {Promise<{url: string, close: () => void}>}
 */
export function serve({ prometheus, folder }) {
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    /** @param {number} status @param {unknown} value */
    const json = (status, value) => {
      response.writeHead(status, { 'Content-Type': 'application/json' });
      response.end(typeof value === 'string' ? value : JSON.stringify(value));
    };
    try {
      const resource = RESOURCES.exec(url.pathname);
      if (url.pathname === '/api/ds/query') {
        json(200, await answers(prometheus, JSON.parse(await body(request))));
      } else if (resource) {
        const post = request.method === 'POST';
        const upstream = await fetch(`${prometheus}/${resource[1]}${url.search}`, {
          method: request.method,
          ...(post && { body: await body(request), headers: { 'Content-Type': 'application/x-www-form-urlencoded' } }),
        });
        json(upstream.status, await upstream.text());
      } else {
        const path = join(folder, normalize(url.pathname === '/' ? '/index.html' : url.pathname));
        const there = path.startsWith(folder) && existsSync(path) && statSync(path).isFile();
        if (there) {
          response.writeHead(200, { 'Content-Type': TYPES[extname(path)] ?? 'application/octet-stream', 'Cache-Control': 'max-age=3600' });
          createReadStream(path).pipe(response);
        } else if (url.pathname.startsWith(ICONS)) {
          response.writeHead(200, { 'Content-Type': TYPES['.svg'] });
          response.end(BLANK);
        } else {
          json(404, { message: `no such file: ${url.pathname}` });
        }
      }
    } catch (error) {
      json(502, { message: String(error) });
    }
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = /** @type {import('node:net').AddressInfo} */ (server.address());
      resolve({
        url: `http://127.0.0.1:${address.port}`,
        close: () => {
          server.close();
          server.closeAllConnections();
        },
      });
    });
  });
}
