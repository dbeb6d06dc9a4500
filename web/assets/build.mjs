// Bundles the browser side into web/static/vendor and writes manifest.json (name -> file with content hash).
import { createHash } from 'node:crypto';
import { cp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';
import { formInChinese } from './build-form-zh.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, '../..');
const out = path.join(root, 'web/static/vendor');

const ENTRIES = {
  app: 'web/assets/app.js',
  form: 'web/assets/form.js',
  diagram: 'web/assets/diagram.js',
  viewer: 'web/assets/viewer.js',
  map: 'web/assets/map.js',
  anju: 'web/static/anju.css',
};
const COPIES = {
  'htmx.min.js': 'node_modules/htmx.org/dist/htmx.min.js',
  'pdf.worker.js': 'node_modules/pdfjs-dist/legacy/build/pdf.worker.min.mjs',
};
// What PDF pages ask for by name: character maps and fonts that a file does not bring along.
const FOLDERS = { 'pdf/cmaps': 'node_modules/pdfjs-dist/cmaps', 'pdf/fonts': 'node_modules/pdfjs-dist/standard_fonts' };

/** Names of built files, as pages ask for them, with the file that holds them. */
function namesOf(metafile) {
  const names = {};
  const base = (file) => path.basename(file);
  for (const [file, made] of Object.entries(metafile.outputs)) {
    if (!made.entryPoint) continue;
    const plain = path.basename(made.entryPoint);
    names[plain] = base(file);
    if (made.cssBundle) names[plain.replace(/\.js$/, '.css')] = base(made.cssBundle);
  }
  return names;
}

async function copyHashed(name, source) {
  const bytes = await readFile(path.join(root, source));
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 8).toUpperCase();
  const { name: stem, ext } = path.parse(name);
  const file = `${stem}-${hash}${ext}`;
  await writeFile(path.join(out, file), bytes);
  return file;
}

/** One text with the licence of every package that went into a bundle. */
async function licences(metafile) {
  const packages = new Set(['htmx.org', 'pdfjs-dist']);
  for (const input of Object.keys(metafile.inputs)) {
    const found = input.match(/node_modules\/((?:@[^/]+\/)?[^/]+)\//g)?.at(-1);
    if (found) packages.add(found.slice('node_modules/'.length, -1));
  }
  const parts = [];
  for (const name of [...packages].sort()) {
    const dir = path.join(root, 'node_modules', name);
    const about = JSON.parse(await readFile(path.join(dir, 'package.json'), 'utf8'));
    const file = (await readdir(dir)).find((f) => /^licen[cs]e/i.test(f));
    const text = file ? await readFile(path.join(dir, file), 'utf8') : '';
    parts.push(`${name} ${about.version} (${about.license ?? 'see text'})\n\n${text.trim()}\n`);
  }
  await writeFile(path.join(out, 'LICENSES.txt'), parts.join(`\n${'-'.repeat(72)}\n\n`));
}

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
const result = await esbuild.build({
  absWorkingDir: root,
  entryPoints: Object.values(ENTRIES),
  bundle: true,
  minify: true,
  format: 'esm',
  target: ['chrome109', 'firefox115', 'safari16'],
  outdir: out,
  entryNames: '[name]-[hash]',
  assetNames: '[name]-[hash]',
  loader: { '.woff2': 'file', '.woff': 'file', '.ttf': 'file', '.eot': 'file', '.svg': 'file', '.png': 'file' },
  plugins: [formInChinese],
  charset: 'utf8',
  legalComments: 'linked',
  metafile: true,
  logLevel: 'warning',
});

const manifest = namesOf(result.metafile);
for (const [name, source] of Object.entries(COPIES)) manifest[name] = await copyHashed(name, source);
for (const [name, source] of Object.entries(FOLDERS)) await cp(path.join(root, source), path.join(out, name), { recursive: true });
await licences(result.metafile);
const sorted = Object.fromEntries(Object.entries(manifest).sort());
await writeFile(path.join(out, 'manifest.json'), `${JSON.stringify(sorted, null, 2)}\n`);
console.log(Object.values(sorted).join('\n'));
