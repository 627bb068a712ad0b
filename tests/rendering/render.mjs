/**
 * Draws dashboards from a real Prometheus with Grafana's own front end, as pictures.
 *
 * Exit status 1: a panel has an error or nothing to show, or the page complains. 2: it could not be tried.
 */

import { chromium } from 'playwright-core';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import UPNG from 'upng-js';

import { serve } from './server/server.mjs';

const USAGE = `usage: node render.mjs --prometheus URL --from TIME --to TIME --out DIR --dashboard FILE [--dashboard FILE ...]
  [--var NAME=VALUE ...] [--panel UID:ID ...] [--empty UID:ID ...] [--theme light|dark] [--timezone ZONE] [--width PIXELS]
  [--bundle DIR] [--chromium PATH] [--wait SECONDS]

Writes DIR/UID.png for each dashboard, DIR/UID-ID.png for each --panel, and DIR/report.json.
--empty names a panel that may have nothing to show. TIME is ISO 8601.`;

const here = dirname(fileURLToPath(import.meta.url));

function options() {
  const { values } = parseArgs({
    options: {
      prometheus: { type: 'string' },
      dashboard: { type: 'string', multiple: true },
      from: { type: 'string' },
      to: { type: 'string' },
      out: { type: 'string' },
      var: { type: 'string', multiple: true, default: [] },
      panel: { type: 'string', multiple: true, default: [] },
      empty: { type: 'string', multiple: true, default: [] },
      theme: { type: 'string', default: 'light' },
      timezone: { type: 'string', default: 'utc' },
      width: { type: 'string', default: '1400' },
      bundle: { type: 'string', default: join(here, 'bundle') },
      chromium: { type: 'string', default: '/usr/bin/chromium' },
      wait: { type: 'string', default: '120' },
    },
  });
  const { prometheus, dashboard, from, to, out } = values;
  if (!prometheus || !dashboard || !from || !to || !out) {
    throw new Error(USAGE);
  }
  return { ...values, prometheus: prometheus.replace(/\/$/, ''), dashboard, from, to, out };
}

/** @param {string} text */
function isoTime(text) {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) {
    throw new Error(`not a time: ${text}`);
  }
  return new Date(ms).toISOString();
}

/** @param {string[]} assignments */
function chosen(assignments) {
  return Object.fromEntries(
    assignments.map((text) => {
      const place = text.indexOf('=');
      return [text.slice(0, place), text.slice(place + 1)];
    }),
  );
}

const COLOURS = 256;

/** @param {Buffer} png */
function withPalette(png) {
  const image = UPNG.decode(png);
  return Buffer.from(UPNG.encode(UPNG.toRGBA8(image), image.width, image.height, COLOURS));
}

/**
 * The share of pixels that have a colour; frames, axes and almost all text are grey.
 *
 * @param {Buffer} png
 */
function coloured(png) {
  const image = UPNG.decode(png);
  const pixels = new Uint8Array(/** @type {ArrayBuffer} */ (UPNG.toRGBA8(image)[0]));
  let found = 0;
  for (let place = 0; place < pixels.length; place += 4) {
    const rgb = pixels.subarray(place, place + 3);
    found += Math.max(...rgb) - Math.min(...rgb) > 40 ? 1 : 0;
  }
  return found / (pixels.length / 4);
}

/** @param {{id: number, type: string, title: string, values: number, errors: string[]}} panel @param {boolean} mayBeEmpty */
function faults(panel, mayBeEmpty) {
  const found = panel.errors.map((error) => `panel ${panel.id} "${panel.title}": ${error}`);
  if (found.length === 0 && panel.values === 0 && !mayBeEmpty) {
    found.push(`panel ${panel.id} "${panel.title}": no data`);
  }
  return found;
}

/**
 * @param {import('playwright-core').BrowserContext} context
 * @param {string} url
 * @param {string} file
 * @param {ReturnType<typeof options>} asked
 */
async function render(context, url, file, asked) {
  const json = JSON.parse(await readFile(file, 'utf8'));
  const width = Number(asked.width);
  const page = await context.newPage();
  await page.setViewportSize({ width, height: 900 });
  /** @type {string[]} */
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') {
      complaints.push(`${message.text()} (${message.location().url})`);
    }
  });
  await page.goto(`${url}/?theme=${asked.theme}&timezone=${encodeURIComponent(asked.timezone)}`);
  await page.waitForSelector('body[data-ready]', { state: 'attached', timeout: 30_000 });
  const choices = { from: isoTime(asked.from), to: isoTime(asked.to), values: chosen(asked.var) };
  await page.evaluate(([dashboard, given]) => window.draw(/** @type {any} */ (dashboard), /** @type {any} */ (given)), [json, choices]);
  const ready = () =>
    page
      .waitForFunction(() => window.state().settled, undefined, { timeout: Number(asked.wait) * 1_000, polling: 200 })
      .catch((error) => complaints.push(`not all panels were ready within ${asked.wait} s: ${error.message}`));
  await ready();
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  await page.setViewportSize({ width, height });
  await ready();
  await page.evaluate(() => document.fonts.ready);
  const state = await page.evaluate(() => window.state());
  await writeFile(join(asked.out, `${state.uid}.png`), withPalette(await page.screenshot()));
  const panels = [];
  for (const panel of state.panels) {
    const name = `${state.uid}:${panel.id}`;
    const place = page.locator(`[data-viz-panel-key="panel-${panel.id}"]`);
    const picture = await place.screenshot();
    if (asked.panel.includes(name)) {
      await writeFile(join(asked.out, `${state.uid}-${panel.id}.png`), withPalette(picture));
    }
    panels.push({ ...panel, coloured: coloured(picture), faults: faults(panel, asked.empty.includes(name)) });
  }
  await page.close();
  return { ...state, panels, faults: [...complaints, ...state.errors, ...panels.flatMap((panel) => panel.faults)] };
}

/** @param {string} prometheus */
async function reach(prometheus) {
  const ready = await fetch(`${prometheus}/-/ready`).catch((error) => ({ ok: false, status: error.cause?.code ?? error.message }));
  if (!ready.ok) {
    throw new Error(`the Prometheus at ${prometheus} does not answer: ${ready.status}`);
  }
}

async function main() {
  const asked = options();
  await reach(asked.prometheus);
  await mkdir(asked.out, { recursive: true });
  const server = await serve({ prometheus: asked.prometheus, folder: resolve(asked.bundle) });
  const browser = await chromium.launch({ executablePath: asked.chromium, args: ['--no-sandbox', '--force-color-profile=srgb'] });
  try {
    // One for all pages, so that the bundle is fetched and compiled once.
    const context = await browser.newContext();
    const reports = [];
    for (const file of asked.dashboard) {
      const report = await render(context, server.url, file, asked);
      reports.push(report);
      for (const fault of report.faults) {
        console.error(`render: ${report.uid}: ${fault}`);
      }
    }
    await writeFile(join(asked.out, 'report.json'), `${JSON.stringify(reports, null, 2)}\n`);
    return reports.some(({ faults: found }) => found.length > 0) ? 1 : 0;
  } finally {
    await browser.close();
    server.close();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`render: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 2;
}
