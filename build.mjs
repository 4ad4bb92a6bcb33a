// Builds the front end: static/{js,css,icons} in, hashed files and manifest.json in static/built out.
// The browsers we promise are written here once; tests/browser/check_floor.mjs reads what came out.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import * as esbuild from 'esbuild';
import { bundle } from 'lightningcss';

const ROOT = path.dirname(fileURLToPath(import.meta.url));
const STATIC = path.join(ROOT, 'videolib/web/static');
const BUILT = path.join(STATIC, 'built');
const FRESH = path.join(ROOT, 'node_modules/.cache', `built-${process.pid}`);
const JS_FLOOR = ['chrome100', 'safari15', 'firefox115'];
const CSS_FLOOR = { chrome: 100 << 16, safari: 15 << 16, ios_saf: 15 << 16, firefox: 115 << 16 };

// What we change in two libraries, because no option of theirs does. Each change must be found, or the build stops:
// a new version is then looked at again.
const PLAYER = /[\\/]vidstack[\\/]prod[\\/].*\.js$/;
const API_PAGE = /[\\/]swagger-ui-dist[\\/]swagger-ui-es-bundle\.js$/;
const CHANGES = [
  // Vidstack knows addresses of other hosts (a CDN, cast senders, video sites). We use none of them, and no request leaves
  // the origin: so they are cut out instead of trusting that no code path asks.
  [PLAYER, /https:\/\/(?!www\.w3\.org)[\w.-]+/g, 'about:invalid'],
  // Style attributes are refused by our CSP: player.css says the same.
  [PLAYER, /class="vds-controls-group" style="pointer-events: none;"/g, 'class="vds-controls-group vl-pass-through"'],
  [PLAYER, /preload="none" style="max-width: unset;"/g, 'preload="none"'],
  // English that its translations do not reach: the spoken place in the recording.
  [PLAYER, /`\$\{formatSpokenTime\(time\)\} out of \$\{formatSpokenTime\(duration\(\)\)\}`/g, '`${formatTime(time)} / ${formatTime(duration())}`'],
  // A page has one main landmark, and it is ours.
  [API_PAGE, /createElement\("main",/g, 'createElement("div",'],
];
const changed = (library) => ({
  name: 'change-library',
  setup(build) {
    const changes = CHANGES.filter(([of]) => of === library);
    const missing = new Set(changes);
    build.onLoad({ filter: library }, ({ path: file }) => {
      let contents = readFileSync(file, 'utf8');
      for (const change of changes) {
        const [, pattern, replacement] = change;
        if (contents.search(pattern) >= 0) missing.delete(change);
        contents = contents.replace(pattern, replacement);
      }
      return { contents, loader: 'js' };
    });
    build.onEnd(() => {
      const patterns = [...missing].map(([, pattern]) => pattern).join('  ');
      if (patterns) throw new Error(`A library has changed; look again at what build.mjs changes in it: ${patterns}`);
    });
  },
});

// Vidstack comes in forty files, some only when they are wanted: one file, without what our pages never play or show.
const NEVER = /[\\/](?:vidstack-(?:dash|google-cast|vimeo|youtube)|ssa-parser|srt-parser)\.js$/;
const playerInOne = {
  name: 'player-in-one',
  setup(build) {
    build.onLoad({ filter: /[\\/]static[\\/]js[\\/]vidstack\.js$/ }, async ({ path: file }) => {
      const left = new Set();
      const leaveOut = ({ path: one }) => { left.add(path.basename(one)); return { contents: '' }; };
      const without = { name: 'without', setup: (inner) => { inner.onLoad({ filter: NEVER }, leaveOut); } };
      const { outputFiles: [one] } = await esbuild.build({
        entryPoints: [file], absWorkingDir: ROOT, bundle: true, write: false, format: 'esm', target: JS_FLOOR,
        legalComments: 'none', logLevel: 'warning', plugins: [without, changed(PLAYER)],
      });
      if (left.size !== 6) throw new Error(`Vidstack has changed; look again at what build.mjs leaves out: ${[...left].join(' ')}`);
      return { contents: one.text, loader: 'js' };
    });
  },
};

// hls.js is built from its own sources, by its own switches, without what our packages never have: 43 kB less before play.
const HLS = path.join(ROOT, 'node_modules/hls.js');
const { version } = JSON.parse(readFileSync(path.join(HLS, 'package.json'), 'utf8'));
const has = (there, ...parts) => parts.map((part) => [`__USE_${part}__`, String(there)]);
const hlsSwitches = Object.fromEntries([
  ...has(true, 'ALT_AUDIO', 'SUBTITLES', 'MEDIA_CAPABILITIES', 'IFRAMES'),
  ...has(false, 'EME_DRM', 'CMCD', 'CONTENT_STEERING', 'VARIABLE_SUBSTITUTION', 'M2TS_ADVANCED_CODECS', 'INTERSTITIALS'),
  ['__VERSION__', JSON.stringify(version)], ['__IN_WORKER__', 'false'], ['__HLS_WORKER_BUNDLE__', 'undefined'],
]);
const hlsSources = { 'hls.js': path.join(HLS, 'src/exports-named.ts'), '@svta/cml-cmcd': path.join(HLS, 'src/empty.js') };

function write(name, content) {
  const { name: stem, ext } = path.parse(name);
  const digest = createHash('sha256').update(content).digest('hex').slice(0, 8);
  const hashed = `${stem}-${digest}${ext}`;
  writeFileSync(path.join(FRESH, hashed), content);
  return hashed;
}

function buildStyles() {
  const entries = ['app.css', 'player.css', 'api-docs.css'];
  return entries.map((name) => {
    const { code, warnings } = bundle({ filename: path.join(STATIC, 'css', name), minify: true, targets: CSS_FLOOR });
    for (const warning of warnings) console.error(`${name}: ${warning.message}`);
    return [name, write(name, code)];
  });
}

async function buildModules() {
  const entries = ['app.js', 'account.js', 'player.js', 'upload.js', 'compare.js', 'timeline.js', 'captions.js', 'api-docs.js'];
  const { metafile } = await esbuild.build({
    entryPoints: entries.map((name) => path.join(STATIC, 'js', name)),
    outdir: FRESH, absWorkingDir: ROOT, bundle: true, splitting: true, format: 'esm', minify: true,
    target: JS_FLOOR, entryNames: '[name]-[hash]', chunkNames: 'chunk-[hash]', legalComments: 'none',
    metafile: true, logLevel: 'warning', plugins: [playerInOne, changed(API_PAGE)], define: hlsSwitches, alias: hlsSources,
  });
  return Object.entries(metafile.outputs)
    .map(([file, output]) => [path.basename(output.entryPoint ?? ''), path.basename(file)])
    .filter(([name]) => entries.includes(name));
}

function buildSprite() {
  const folder = path.join(STATIC, 'icons');
  const names = readdirSync(folder).filter((name) => name.endsWith('.svg') && name !== 'favicon.svg').sort();
  const symbols = names.map((name) => {
    const svg = readFileSync(path.join(folder, name), 'utf8').replace(/<!--.*?-->/gs, '').trim();
    const [, attributes, body] = /^<svg([^>]*)>(.*)<\/svg>$/s.exec(svg);
    const kept = attributes.match(/(viewBox|fill|stroke|stroke-width|stroke-linecap|stroke-linejoin)="[^"]*"/g);
    return `<symbol id="${path.parse(name).name}" ${kept.join(' ')}>${body.replace(/\s+/g, ' ').trim()}</symbol>`;
  });
  return write('icons.svg', `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join('')}</svg>`);
}

rmSync(FRESH, { recursive: true, force: true });
mkdirSync(FRESH, { recursive: true });
const manifest = Object.fromEntries([
  ...buildStyles(),
  ...(await buildModules()),
  ['floor.js', write('floor.js', readFileSync(path.join(STATIC, 'js/floor.js')))], // read by old browsers: as written
  ['icons.svg', buildSprite()],
  ['favicon.svg', write('favicon.svg', readFileSync(path.join(STATIC, 'icons/favicon.svg')))],
]);
writeFileSync(path.join(FRESH, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
// Packed once, here; the service hands these out to whoever takes them (`videolib/web/assets.py`).
for (const name of readdirSync(FRESH)) {
  writeFileSync(path.join(FRESH, `${name}.gz`), gzipSync(readFileSync(path.join(FRESH, name)), { level: 9 }));
}
// Swapped in whole, so that a running server never reads a manifest whose files are not there.
const old = `${FRESH}-old`;
try { renameSync(BUILT, old); } catch (error) { if (error.code !== 'ENOENT') throw error; }
renameSync(FRESH, BUILT);
rmSync(old, { recursive: true, force: true });
