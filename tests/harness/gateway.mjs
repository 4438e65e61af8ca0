// Starts the real binary on a free port with a configuration of the test's own.

import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
export const binary = process.env.PORTCULLIS_BINARY ?? join(root, 'build/dev/portcullis');

/** What a test run sets for every gateway, such as GUARDS_RATE_MODE=off: a JSON object. */
const extra = JSON.parse(process.env.PORTCULLIS_TEST_ENV ?? '{}');

/** Nothing of the developer's own environment reaches the gateway. */
function environment(folder, env) {
  const everywhere = { ...extra };
  if (env.SECURITY_ENVIRONMENT === 'production') delete everywhere.STATE_SIMULATE; // production refuses it
  return {
    PATH: process.env.PATH,
    SERVER_HOST: '127.0.0.1',
    SERVER_PORT: '0',
    OPS_LISTEN: '127.0.0.1:0',
    WORKERS: '2',
    AUTH_FIRST_ADMIN: 'false', // it takes the time of a hash
    AUTH_BCRYPT_COST: '10',
    DATA_DIR: join(folder, 'data'),
    ASAN_OPTIONS: 'abort_on_error=0:detect_leaks=1',
    TSAN_OPTIONS: 'halt_on_error=0:exitcode=66:second_deadlock_stack=1',
    ...everywhere,
    ...env,
  };
}

/** A finding of a sanitizer fails the test, whatever else it saw. */
function assertNoFinding(stderr) {
  const at = stderr.search(/(ERROR|WARNING): \w+Sanitizer|runtime error:/);
  if (at >= 0) throw new Error(`a sanitizer reported:\n${stderr.slice(at, at + 12_000)}`);
}

/**
 * Runs a command of the binary to its end. `input` is all of its standard input, or a function that is called with what it has
 * said so far and returns what to say to that, if anything.
 */
export async function runCommand(args, { env = {}, yaml, input } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-'));
  try {
    const all = [...args];
    if (yaml !== undefined) {
      await writeFile(join(folder, 'portcullis.yaml'), yaml);
      all.push('--config', join(folder, 'portcullis.yaml'));
    }
    const child = spawn(binary, all, { env: environment(folder, env), cwd: folder });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (data) => {
      stdout += data;
      const reply = typeof input === 'function' ? input(stdout) : undefined;
      if (reply !== undefined) child.stdin.write(reply);
    });
    child.stderr.on('data', (data) => (stderr += data));
    child.stdin.on('error', () => {}); // it may end without reading what it was given
    if (input !== undefined && typeof input !== 'function') child.stdin.end(input);
    const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
    const status = await new Promise((resolve) => child.on('close', resolve));
    clearTimeout(timer);
    assertNoFinding(stderr);
    return { status, stdout, stderr };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Starts a gateway and waits until it is ready.
 *
 * `yaml` becomes its file; `folder` keeps data from an earlier start (it is then not removed).
 * Returns `{url, port, opsUrl, pid, log(), output(), exited, signal(name), writeConfig(yaml), stop()}`; `stop` drains, fails
 * the test where the exit status is not 0 or a sanitizer has spoken, and removes the folder.
 */
export async function startGateway({ env = {}, yaml, folder: given, readyTimeout = 20_000 } = {}) {
  const folder = given ?? (await mkdtemp(join(tmpdir(), 'portcullis-')));
  const file = join(folder, 'portcullis.yaml');
  const args = ['serve'];
  if (yaml !== undefined) {
    await writeFile(file, yaml);
    args.push('--config', file);
  }
  const child = spawn(binary, args, { env: environment(folder, env), cwd: folder });
  let stdout = '';
  let stderr = '';
  const exited = new Promise((resolve) => child.on('close', (code, signal) => resolve(code ?? signal)));
  child.stderr.on('data', (data) => (stderr += data));
  const ready = new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`not ready in time\n${stderr}`)), readyTimeout);
    child.stdout.on('data', (data) => {
      stdout += data;
      const listening = stdout.match(/listening on (http:\/\/\S+)\n/);
      const wantsOps = (env.OPS_LISTEN ?? extra.OPS_LISTEN) !== 'off';
      const operations = stdout.match(/operations on (http:\/\/\S+)\n/);
      if (listening && (operations || !wantsOps)) {
        clearTimeout(timer);
        resolve({ url: listening[1], opsUrl: operations?.[1] });
      }
    });
    exited.then((status) => {
      clearTimeout(timer);
      reject(new Error(`ended with ${status} before it was ready\n${stderr}`));
    });
  });
  const remove = () => (given ? undefined : rm(folder, { recursive: true, force: true }));
  let urls;
  try {
    urls = await ready;
  } catch (error) {
    child.kill('SIGKILL');
    await exited;
    await remove();
    throw error;
  }
  let stopped;
  const stop = async ({ signal = 'SIGTERM', expectStatus = 0 } = {}) => {
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), 45_000);
    const status = await exited;
    clearTimeout(timer);
    await remove();
    assertNoFinding(stderr);
    if (status !== expectStatus) throw new Error(`exit status ${status}, expected ${expectStatus}\n${stderr.slice(-4000)}`);
    return { status, stdout, stderr };
  };
  return {
    ...urls,
    port: Number(new URL(urls.url).port),
    pid: child.pid,
    folder,
    exited,
    log: () => stderr,
    output: () => stdout,
    signal: (name) => child.kill(name),
    writeConfig: (text) => writeFile(file, text),
    stop: (options) => (stopped ??= stop(options)),
  };
}
