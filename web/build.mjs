// Builds what the gateway serves under /widget/ into a directory: node web/build.mjs OUTDIR
//
// The same sources and the same esbuild give the same bytes. manifest.json lists the files:
// `immutable` for content-hashed names, `template` for html whose @@NONCE@@ the gateway replaces; `brotli` and
// `gzip` name the same file packed, as hard as it goes, where that makes it much shorter.

import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { browserBundle, browserModule, minifiedCss } from './bundling.mjs';

const kMaxEmbedGzipBytes = 20 * 1024;
const kTypes = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

const here = dirname(fileURLToPath(import.meta.url));

async function main() {
  if (!process.argv[2]) throw new Error('usage: node web/build.mjs OUTDIR');
  const out = resolve(process.argv[2]);
  const files = await builtFiles();
  checkSize(files.get('embed.js'));
  await mkdir(out, { recursive: true });
  await removeFormer(out, files);
  for (const [name, text] of files) await writeChanged(join(out, name), text);
  const manifest = [];
  for (const name of [...files.keys()].sort()) {
    const entry = manifestEntry(name);
    for (const [coding, bytes] of packed(files.get(name), entry)) {
      entry[coding] = `${name}.${coding}`;
      await writeChanged(join(out, entry[coding]), bytes);
    }
    manifest.push(entry);
  }
  await writeChanged(join(out, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

async function builtFiles() {
  const files = new Map();
  // What embed.js loads only when it is needed.
  const names = {};
  for (const part of ['captcha', 'proof', 'work']) {
    const text = await browserModule(join(here, `widget/${part}.ts`));
    const name = hashedName(`${part}.js`, text);
    files.set(name, text);
    names[`${part.toUpperCase()}_SCRIPT`] = JSON.stringify(name);
  }
  files.set('embed.js', await browserBundle(join(here, 'widget/main.ts'), names));
  const parts = {
    'demo.css': await minifiedCss(join(here, 'demo/demo.css')),
    'demo.js': await browserBundle(join(here, 'demo/demo.ts')),
    'icon.svg': await readFile(join(here, 'demo/icon.svg'), 'utf8'),
  };
  let page = await readFile(join(here, 'demo/index.html'), 'utf8');
  for (const [name, text] of Object.entries(parts)) {
    const hashed = hashedName(name, text);
    if (!page.includes(`"${name}"`)) throw new Error(`index.html does not refer to ${name}`);
    page = page.replaceAll(`"${name}"`, `"${hashed}"`);
    files.set(hashed, text);
  }
  files.set('index.html', page);
  return files;
}

function hashedName(name, text) {
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 8);
  return name.replace('.', `-${hash}.`);
}

function manifestEntry(name) {
  return {
    path: name,
    file: name,
    type: kTypes[extname(name)],
    immutable: /-[0-9a-f]{8}\./.test(name),
    template: name.endsWith('.html'),
    brotli: '',
    gzip: '',
  };
}

/** What is worth being sent packed: a template is another one each time. */
function packed(text, { template }) {
  if (template) return [];
  const bytes = Buffer.from(text);
  const ways = [
    ['brotli', brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } })],
    ['gzip', gzipSync(bytes, { level: 9 })],
  ];
  return ways.filter(([, shorter]) => shorter.length < bytes.length * 0.9);
}

function checkSize(embed) {
  const bytes = Buffer.byteLength(embed);
  const zipped = gzipSync(embed, { level: 9 }).length;
  console.log(`embed.js: ${bytes} bytes, ${zipped} gzip (limit ${kMaxEmbedGzipBytes})`);
  if (zipped > kMaxEmbedGzipBytes) throw new Error('embed.js is too large');
}

/** Only files of an earlier build that are not made any more are removed, whatever else lies in the directory. */
async function removeFormer(out, files) {
  const manifest = await readFile(join(out, 'manifest.json'), 'utf8').catch(() => '[]');
  for (const { file, brotli, gzip } of JSON.parse(manifest)) {
    if (files.has(file)) continue;
    for (const one of [file, brotli, gzip]) if (one) await rm(join(out, one), { force: true });
  }
}

/** A file that stays as it was keeps its time, so that nothing is linked anew for it. */
async function writeChanged(path, content) {
  const former = await readFile(path).catch(() => null);
  if (!former?.equals(Buffer.from(content))) await writeFile(path, content);
}

main().catch((error) => {
  console.error(`web/build.mjs: ${error.message}`);
  process.exitCode = 1;
});
