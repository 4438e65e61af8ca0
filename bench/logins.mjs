// What a flood of logins does to everybody else: chat messages and probes at a steady rate, in turns with and without
// a flood of wrong passwords from many addresses. Needs `make build`.
//
//   node bench/logins.mjs [--seconds 6] [--rounds 3] [--rate 100] [--connections 64]

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request as send } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '6' },
    rounds: { type: 'string', default: '3' },
    rate: { type: 'string', default: '100' },
    connections: { type: 'string', default: '64' },
  },
});
const [seconds, rounds, rate, connections] = [values.seconds, values.rounds, values.rate, values.connections].map(Number);
const binary = join(dirname(fileURLToPath(import.meta.url)), '../build/release/portcullis');

const agent = new Agent({ keepAlive: true, maxSockets: 512 });
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** One request: its status, its body and how long it took. */
function call(base, method, path, { headers = {}, body } = {}) {
  const begun = performance.now();
  return new Promise((resolve, reject) => {
    const request = send(new URL(path, base), { method, agent, headers: { ...(body ? { 'Content-Type': 'application/json' } : {}), ...headers } }, (response) => {
      let text = '';
      response.on('data', (data) => (text += data));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text, ms: performance.now() - begun }));
    });
    request.on('error', reject);
    request.end(body ? JSON.stringify(body) : undefined);
  });
}

async function start() {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-bench-'));
  const child = spawn(binary, ['serve'], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      SERVER_HOST: '127.0.0.1',
      SERVER_PORT: '0',
      OPS_LISTEN: 'off',
      DATA_DIR: folder,
      LOG_LEVEL: 'critical',
      TRUSTED_PROXIES: '127.0.0.0/8',
      GUARDS_BOT_MODE: 'off',
      RATE_LIMIT_PER_MINUTE: '100000000',
      RATE_LIMIT_PER_HOUR: '100000000',
      RATE_LIMIT_SESSION_PER_MINUTE: '100000000',
      RATE_LIMIT_DOMAIN_PER_MINUTE: '100000000',
      SERVER_MAX_CONNECTIONS_PER_ADDRESS: '4000',
    },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const url = await new Promise((resolve, reject) => {
    let out = '';
    child.stdout.on('data', (data) => {
      out += data;
      const listening = out.match(/listening on (\S+)\n/);
      if (listening) resolve(listening[1]);
    });
    child.on('close', () => reject(new Error('the gateway did not start: `make build` first')));
  });
  return {
    url,
    stop: async () => {
      const closed = new Promise((resolve) => child.on('close', resolve));
      child.kill('SIGTERM');
      await closed;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Sends at its rate, whatever the answers do, and gives their times. */
async function steadily(until, perSecond, once) {
  const times = [];
  const under = [];
  for (let next = performance.now(); next < until; next += 1000 / perSecond) {
    await wait(Math.max(0, next - performance.now()));
    under.push(once().then(({ ms, status }) => times.push(status < 300 ? ms : NaN)));
  }
  await Promise.all(under);
  return times;
}

/** Logs in as nobody, from ever new addresses, as fast as answers come. */
async function flood(url, until, counts) {
  let address = 0;
  const attack = async () => {
    while (performance.now() < until) {
      const number = address++;
      const from = `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`;
      const { status } = await call(url, 'POST', '/api/auth/login', {
        headers: { 'X-Forwarded-For': from },
        body: { username: `user-${number}`, password: 'not the password' },
      });
      counts.set(status, (counts.get(status) ?? 0) + 1);
      if (status === 503) await wait(20); // nobody hears less of a client that does not wait at all
    }
  };
  await Promise.all(Array.from({ length: connections }, attack));
}

const percentile = (times, p) => [...times].sort((a, b) => a - b)[Math.min(times.length - 1, Math.floor(times.length * p))];
const line = (name, times) =>
  console.log(`${name.padEnd(26)} p50 ${percentile(times, 0.5).toFixed(2).padStart(7)} ms   p99 ${percentile(times, 0.99).toFixed(2).padStart(7)} ms   worst ${Math.max(...times).toFixed(2).padStart(8)} ms   of ${times.length}`);

const gateway = await start();
try {
  const origin = { Origin: gateway.url };
  const created = await call(gateway.url, 'POST', '/api/v1/session/create', { headers: origin, body: { origin_domain: '127.0.0.1', delivery: 'bearer' } });
  const session = { ...origin, Authorization: `Bearer ${JSON.parse(created.text).token}` };
  const seen = { quiet: { probe: [], chat: [] }, flood: { probe: [], chat: [] } };
  const counts = new Map();
  for (let round = 0; round < rounds; ++round) {
    for (const kind of ['quiet', 'flood']) {
      const until = performance.now() + seconds * 1000;
      const [probe, chat] = await Promise.all([
        steadily(until, rate, () => call(gateway.url, 'GET', '/health/live')),
        steadily(until, rate / 4, () => call(gateway.url, 'GET', '/api/v1/session/validate', { headers: session })),
        kind === 'flood' ? flood(gateway.url, until, counts) : undefined,
      ]);
      seen[kind].probe.push(...probe);
      seen[kind].chat.push(...chat);
    }
  }
  for (const kind of ['quiet', 'flood']) {
    line(`probe, ${kind}`, seen[kind].probe);
    line(`session check, ${kind}`, seen[kind].chat);
  }
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
  console.log(`logins: ${all} in ${seconds * rounds} s: ${[...counts].map(([status, count]) => `${count} x ${status}`).join(', ')}`);
} finally {
  agent.destroy();
  await gateway.stop();
}
