// Starts a real n8n, installed by scripts/test-n8n.sh, with the workflows beside this file.

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const here = dirname(fileURLToPath(import.meta.url));
const home = join(here, '../../build/n8n');
const binary = join(home, 'app/node_modules/.bin/n8n');

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Nothing of the developer's environment, nothing that calls home, everything on loopback. */
function environment(folder, port, brokerPort) {
  return {
    PATH: process.env.PATH,
    HOME: folder,
    NODE_ENV: 'production',
    N8N_USER_FOLDER: folder,
    N8N_ENCRYPTION_KEY: 'for-this-test-run-only',
    DB_TYPE: 'sqlite',
    N8N_HOST: '127.0.0.1',
    N8N_LISTEN_ADDRESS: '127.0.0.1',
    N8N_PORT: String(port),
    WEBHOOK_URL: `http://127.0.0.1:${port}/`,
    N8N_RUNNERS_BROKER_LISTEN_ADDRESS: '127.0.0.1',
    N8N_RUNNERS_BROKER_PORT: String(brokerPort),
    NODE_FUNCTION_ALLOW_BUILTIN: 'crypto',
    N8N_DIAGNOSTICS_ENABLED: 'false',
    N8N_VERSION_NOTIFICATIONS_ENABLED: 'false',
    N8N_VERSION_NOTIFICATIONS_WHATS_NEW_ENABLED: 'false',
    N8N_TEMPLATES_ENABLED: 'false',
    N8N_PERSONALIZATION_ENABLED: 'false',
    N8N_COMMUNITY_PACKAGES_ENABLED: 'false',
    N8N_LICENSE_AUTO_RENEW_ENABLED: 'false',
    N8N_PUBLIC_API_DISABLED: 'true',
    N8N_DYNAMIC_BANNERS_ENABLED: 'false',
    EXECUTIONS_DATA_SAVE_ON_SUCCESS: 'none',
    EXECUTIONS_DATA_SAVE_ON_ERROR: 'none',
    GENERIC_TIMEZONE: 'UTC',
    NO_COLOR: '1',
  };
}

/** Writes the workflows with the secret in its place; returns the ids of the active ones. */
async function prepareWorkflows(folder, secret) {
  await mkdir(folder);
  const ids = [];
  for (const file of await readdir(join(here, 'workflows'))) {
    const text = (await readFile(join(here, 'workflows', file), 'utf8')).replaceAll('@@JWT_SECRET_KEY@@', secret);
    await writeFile(join(folder, file), text);
    const { id, active } = JSON.parse(text);
    if (active) ids.push(id);
  }
  return ids;
}

/**
 * Imports and publishes the workflows, and starts n8n. Returns `{url, log(), stop()}`; `stop` ends all of its
 * processes and removes its data.
 */
export async function startN8n({ secret }) {
  const folder = await mkdtemp(join(home, 'run-'));
  const [port, brokerPort] = [await freePort(), await freePort()];
  const env = environment(folder, port, brokerPort);
  const command = (...args) => promisify(execFile)(binary, args, { env, cwd: folder, timeout: 120_000 });
  let child;
  let log = '';
  const stop = async () => {
    if (child && child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      const late = setTimeout(() => signal(child, 'SIGKILL'), 20_000);
      signal(child, 'SIGTERM');
      await ended;
      clearTimeout(late);
    }
    if (child) signal(child, 'SIGKILL'); // what its task runner may have left
    await rm(folder, { recursive: true, force: true });
  };
  // A test run that is interrupted takes n8n and its data with it.
  process.once('exit', () => {
    if (child) signal(child, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(name, () => process.exit(1));
  try {
    const ids = await prepareWorkflows(join(folder, 'workflows'), secret);
    await command('import:workflow', '--separate', `--input=${join(folder, 'workflows')}`);
    for (const id of ids) await command('publish:workflow', `--id=${id}`);

    child = spawn(binary, ['start'], { env, cwd: folder, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (log += data));
    await ready(child, () => log);
  } catch (error) {
    await stop();
    throw new Error(`n8n did not start: ${error.message}\n${log.slice(-4000)}`, { cause: error });
  }
  return { url: `http://127.0.0.1:${port}`, log: () => log, stop };
}

/** n8n says so when its webhooks are live; its health page answers earlier. */
async function ready(child, log) {
  const deadline = Date.now() + 120_000;
  while (!log().includes('Editor is now accessible')) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
    if (Date.now() > deadline) throw new Error('it was not ready within two minutes');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function signal(child, name) {
  try {
    process.kill(-child.pid, name);
  } catch {
    // It is gone.
  }
}
