// Checks that the tests of promises can fail: for each guard that a test names, runs those tests with the guard
// switched off. A test that still passes proves nothing about its guard; it is listed, and the end is 1.
// Usage: node scripts/assurance.mjs [GUARD...]

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../tests/harness/gateway.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const folder = join(root, 'tests/blackbox');

/** The guards that tests name, each with the files that name it. */
function guardsInTests() {
  const found = new Map();
  for (const name of readdirSync(folder).filter((n) => n.endsWith('.test.mjs')).sort()) {
    for (const [, guard] of readFileSync(join(folder, name), 'utf8').matchAll(/\bguard:[^},)]*?'(\w+)'/g)) {
      if (!found.has(guard)) found.set(guard, new Set());
      found.get(guard).add(join(folder, name));
    }
  }
  return new Map([...found].sort());
}

/** Runs the tests of one guard with the guard off; returns what the reporter wrote about them. */
async function runWithout(guard, files) {
  const env = { [`GUARDS_${guard.toUpperCase()}_MODE`]: 'off' };
  const checked = await runCommand(['check-config'], { env });
  if (checked.status !== 0) throw new Error(`the gateway does not start with ${JSON.stringify(env)}:\n${checked.stderr}`);
  const scratch = mkdtempSync(join(tmpdir(), 'portcullis-assurance-'));
  try {
    const report = join(scratch, 'report.jsonl');
    const args = ['--test', `--test-name-pattern=guard=${guard}\\]`, '--test-reporter=./tests/harness/reporter.mjs', `--test-reporter-destination=${report}`, ...files];
    const { NODE_TEST_CONTEXT: _, ...inherited } = process.env;
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'], env: { ...inherited, PORTCULLIS_TEST_ENV: JSON.stringify(env) } });
    await new Promise((resolve) => child.on('close', resolve));
    const lines = readFileSync(report, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
    return lines.filter((line) => line.guard === guard);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

const wanted = process.argv.slice(2);
const guards = guardsInTests();
for (const guard of wanted) {
  if (!guards.has(guard)) {
    console.error(`No test names the guard '${guard}'; named are: ${[...guards.keys()].join(', ')}`);
    process.exit(1);
  }
}
let bad = 0;
for (const [guard, files] of guards) {
  if (wanted.length > 0 && !wanted.includes(guard)) continue;
  const results = await runWithout(guard, [...files]);
  const passing = results.filter(({ passed }) => passed);
  console.log(`${guard}: ${results.length} tests, ${results.length - passing.length} fail without it`);
  for (const { name, file } of passing) console.log(`  still passes: ${name}${file ? ` (${relative(root, file.replace(/^file:\/\//, ''))})` : ''}`);
  if (results.length === 0) console.log('  no test of this guard ran');
  bad += passing.length + (results.length === 0 ? 1 : 0);
}
process.exit(bad > 0 ? 1 : 0);
