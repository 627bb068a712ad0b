/** Bundles the page into the folder `bundle` beside this file. */

import { build } from 'esbuild';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const folder = join(here, 'bundle');

/** A button of the query editor, which nobody sees here, would need a package with half of Grafana's application in it. */
const WITHOUT_ASSISTANT = {
  name: 'without-assistant',
  /** @param {import('esbuild').PluginBuild} setup */
  setup(setup) {
    setup.onResolve({ filter: /^@grafana\/assistant$/ }, ({ path }) => ({ path, namespace: 'absent' }));
    setup.onLoad({ filter: /.*/, namespace: 'absent' }, () => ({ contents: 'export const QueryWithAssistantButton = () => null;' }));
  },
};

/**
 * This package asks the runtime for functions that some versions of it lack. That is an error among modules of the newer kind,
 * so it is taken in the older kind, which must still find the one copy of the runtime.
 */
const ONE_RUNTIME = {
  '@grafana/plugin-compat/datasources': join(here, 'node_modules/@grafana/plugin-compat/dist/cjs/datasources.cjs'),
  '@grafana/runtime/unstable': join(here, 'node_modules/@grafana/runtime/dist/esm/unstable.mjs'),
  '@grafana/runtime': join(here, 'node_modules/@grafana/runtime/dist/esm/index.mjs'),
};

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>opwatch dashboards</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="/page.css">
  </head>
  <body>
    <div id="page"></div>
    <script type="module" src="/page.js"></script>
  </body>
</html>
`;

/** Where Grafana's style sheet expects its font. */
const FONTS = /** @type {const} */ ([
  [400, 'Regular'],
  [500, 'Medium'],
]);

/**
 * The time picker wants an icon that only Grafana's application has: its mirror image is in the package.
 *
 * @param {string} icons
 * @param {string} name
 * @param {string} mirror
 */
async function mirrored(icons, name, mirror) {
  const svg = await readFile(join(icons, `${name}.svg`), 'utf8');
  await writeFile(join(icons, `${mirror}.svg`), svg.replace(/(<svg[^>]*>)(.*)(<\/svg>)/s, '$1<g transform="matrix(-1 0 0 1 24 0)">$2</g>$3'));
}

await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
await build({
  entryPoints: [join(here, 'src/page.tsx')],
  outdir: folder,
  bundle: true,
  splitting: true,
  format: 'esm',
  target: 'es2022',
  minify: true,
  keepNames: true,
  logLevel: 'warning',
  alias: ONE_RUNTIME,
  plugins: [WITHOUT_ASSISTANT],
  loader: { '.svg': 'dataurl', '.png': 'dataurl', '.gif': 'dataurl', '.ttf': 'file', '.woff': 'file', '.woff2': 'file' },
  define: { 'process.env.NODE_ENV': '"production"', global: 'globalThis' },
});
await cp(join(here, 'node_modules/@grafana/ui/dist/public'), join(folder, 'public/build'), { recursive: true });
for (const [weight, name] of FONTS) {
  const file = join(here, `node_modules/@fontsource/inter/files/inter-latin-${weight}-normal.woff2`);
  await cp(file, join(folder, 'public/fonts/inter', `Inter-${name}.woff2`));
}
await mirrored(join(folder, 'public/build/img/icons/unicons'), 'angle-double-right', 'angle-double-left');
await writeFile(join(folder, 'index.html'), PAGE);
