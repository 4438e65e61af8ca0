// Builds the widget, then runs every browser test file, one Chromium at a time:
// node tests/browser/run.mjs [part of a file name…]

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../..');
const wanted = process.argv.slice(2);

function run(...args) {
  return spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status ?? 1;
}

let status = run('web/build.mjs', 'build/web');
const files = readdirSync(here)
  .filter((name) => name.endsWith('.test.mjs'))
  .sort();
for (const file of status === 0 ? files : []) {
  if (wanted.length > 0 && !wanted.some((part) => file.includes(part))) continue;
  status = Math.max(status, run('--test', '--test-reporter=spec', join(here, file)));
}
process.exitCode = status;
