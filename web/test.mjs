// Runs the tests under web/: TypeScript ones are bundled to build/web-tests first, then Node's own
// test runner takes all of them. node web/test.mjs [part of a file name…]

import { spawnSync } from 'node:child_process';
import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundling.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, '../build/web-tests');

async function testsIn(directory, suffix) {
  const names = await readdir(directory);
  return names
    .filter((name) => name.endsWith(suffix))
    .sort()
    .map((name) => join(directory, name));
}

const wanted = process.argv.slice(2);
const isWanted = (file) =>
  wanted.length === 0 || wanted.some((part) => basename(file).includes(part));
const sources = (await testsIn(join(here, 'widget'), '.test.ts')).filter(isWanted);
const scripts = (await testsIn(here, '.test.mjs')).filter(isWanted);

await rm(out, { recursive: true, force: true });
await bundle({
  entryPoints: sources,
  outdir: out,
  outExtension: { '.js': '.mjs' },
  format: 'esm',
  platform: 'node',
  target: 'node18',
  // As in browsers: Node.js 18 has it in a module alone.
  banner: { js: "import { webcrypto as ofNode } from 'node:crypto'; globalThis.crypto ??= ofNode;" },
});
const bundled = sources.map((file) => join(out, basename(file).replace('.ts', '.mjs')));
const { status } = spawnSync(
  process.execPath,
  ['--test', '--test-reporter=spec', ...bundled, ...scripts],
  { stdio: 'inherit' },
);
process.exitCode = status ?? 1;
