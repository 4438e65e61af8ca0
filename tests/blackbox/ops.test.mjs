// What operators and probes see: health, metrics and who may read them, the operations listener, the form of
// errors, and the end of the process.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { eventually, expectProblem, expectSecurityHeaders } from '../harness/expect.mjs';
import { binary, runCommand, startGateway } from '../harness/gateway.mjs';
import { Samples, samplesOf } from '../harness/metrics.mjs';
import { PROVES } from '../harness/proves.mjs';
import { startRecordingUpstream } from '../harness/recording_upstream.mjs';
import { createRequest, kOrigin, kProduction, kWideLimits, messageRequest, openSession } from '../harness/visitor.mjs';
import { bytesOf, connect, request } from '../harness/wire.mjs';
import { withGateway } from '../harness/with_gateway.mjs';

const kTimeout = { timeout: 60_000 };
let stage;
const shared = () => (stage ??= startGateway({ env: { ...kWideLimits, ALLOWED_ORIGINS: kOrigin } }));
after(async () => (await stage?.catch(() => undefined))?.stop());

const healthOf = async (gateway) => {
  const answer = await request(gateway, { path: '/health' });
  assert.equal(answer.status, 200);
  assert.equal(answer.header('Content-Type'), 'application/json');
  return answer.json;
};
const jsonMetricsOf = async (gateway) => (await request(gateway, { path: '/metrics' })).json;
const versionOf = async () => (await runCommand(['version'])).stdout.match(/^portcullis (\S+)\n$/)[1];

// ---- health

test(PROVES('F095') + '/health answers 200 with status, version and environment', kTimeout, async () => {
  const health = await healthOf(await shared());
  assert.equal(health.status, 'healthy');
  assert.equal(health.version, await versionOf());
  assert.equal(health.environment, 'development');
  assert.equal(health.service, 'portcullis');
});

test('/health tells the time and how long the gateway has run', kTimeout, async () => {
  const gateway = await shared();
  const first = await healthOf(gateway);
  assert.ok(Math.abs(Date.parse(first.timestamp) - Date.now()) < 5000);
  assert.ok(Number.isInteger(first.uptime_seconds));
  const later = await eventually(async () => {
    const now = await healthOf(gateway);
    return now.uptime_seconds > first.uptime_seconds && now;
  });
  assert.ok(Date.parse(later.timestamp) > Date.parse(first.timestamp));
});

test(PROVES('F095') + 'APP_NAME and APP_VERSION are what /health, /metrics and the root show', kTimeout, async () => {
  await withGateway({ env: { APP_NAME: 'chat-proxy', APP_VERSION: '9.8.7' } }, async (gateway) => {
    const health = await healthOf(gateway);
    assert.deepEqual([health.service, health.version], ['chat-proxy', '9.8.7']);
    assert.equal((await jsonMetricsOf(gateway)).system.version, '9.8.7');
    const root = (await request(gateway)).json;
    assert.deepEqual([root.service, root.version], ['chat-proxy', '9.8.7']);
  });
});

test(PROVES('F096') + '/health counts sessions and open streams and says that there is no Redis', kTimeout, async () => {
  await withGateway({ env: { ...kWideLimits, ALLOWED_ORIGINS: kOrigin } }, async (gateway) => {
    const services = async () => (await healthOf(gateway)).services;
    assert.deepEqual(await services(), { redis: 'disabled', state: 'memory', database: 'disabled', sse_connections: 0, active_sessions: 0, upstreams: { default: 'healthy' } });
    const token = await openSession(gateway);
    await openSession(gateway);
    await eventually(async () => (await services()).active_sessions === 2, { what: 'the sessions to be counted' });

    const wires = [];
    for (let i = 1; i <= 2; ++i) {
      const wire = await connect(gateway);
      wires.push(wire);
      wire.send(bytesOf({ path: '/api/v1/chat/stream', headers: { Origin: kOrigin, Authorization: `Bearer ${token}`, Accept: 'text/event-stream' } }));
      assert.match(await wire.take(15), /^HTTP\/1\.1 200 OK/);
      assert.equal((await services()).sse_connections, i);
    }
    for (const wire of wires) wire.destroy();
    await eventually(async () => (await services()).sse_connections === 0, { what: 'the streams to be gone' });
  });
});

test('/health says unhealthy where the assistant cannot be reached, and names no address of it', kTimeout, async () => {
  const env = { ...kWideLimits, ALLOWED_ORIGINS: kOrigin, N8N_WEBHOOK_URL: 'http://127.0.0.1:1/webhook/secret-path', UPSTREAM_TRIES: '1', UPSTREAM_BREAKER_FAILURES: '2' };
  await withGateway({ env }, async (gateway) => {
    const token = await openSession(gateway);
    for (let i = 0; i < 2; ++i) assert.ok((await request(gateway, messageRequest(token, 'hi'))).status >= 502);
    const health = await healthOf(gateway);
    assert.equal(health.status, 'unhealthy');
    assert.deepEqual(health.services.upstreams, { default: 'unhealthy' });
    assert.doesNotMatch(JSON.stringify(health), /webhook|127\.0\.0\.1/);
    assert.equal((await request(gateway, { path: '/health/live' })).status, 200, 'no reason to restart');
    assert.equal((await request(gateway, { path: '/health/ready' })).status, 200);
  });
});

test('probes answer GET and HEAD and nothing else', kTimeout, async () => {
  const gateway = await shared();
  for (const path of ['/health/live', '/health/ready']) {
    const answer = await request(gateway, { path });
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.json, { status: 'ok' });
    expectSecurityHeaders(answer);
    assert.equal((await request(gateway, { path, method: 'HEAD' })).status, 200);
    const refused = await request(gateway, { path, method: 'POST' });
    expectProblem(refused, 405, 'METHOD_NOT_ALLOWED');
    assert.equal(refused.header('Allow'), 'GET, HEAD');
  }
});

test('HEALTH_CHECK_PATH moves the health page, HEALTH_CHECK_ENABLED=false removes it', kTimeout, async () => {
  const status = async (gateway, path) => (await request(gateway, { path })).status;
  await withGateway({ env: { HEALTH_CHECK_PATH: '/healthz' } }, async (gateway) => {
    assert.deepEqual([await status(gateway, '/healthz'), await status(gateway, '/health')], [200, 404]);
  });
  await withGateway({ env: { HEALTH_CHECK_ENABLED: 'false' } }, async (gateway) => {
    for (const path of ['/health', '/health/live', '/health/ready']) assert.equal(await status(gateway, path), 404, path);
  });
});

test('GATEWAY_PREFIX moves every route of the gateway', kTimeout, async () => {
  await withGateway({ env: { GATEWAY_PREFIX: '/gate', ALLOWED_ORIGINS: kOrigin } }, async (gateway) => {
    for (const path of ['/health', '/health/live', '/api/health', '/widget/', '/widget/embed.js', '/metrics', '/']) {
      assert.equal((await request(gateway, { path: `/gate${path}` })).status, 200, path);
      assert.equal((await request(gateway, { path })).status, 404, path);
    }
    assert.equal((await request(gateway, createRequest({ path: '/gate/api/v1/session/create' }))).status, 200);
  });
});

test('the root says that the service runs and nothing about its configuration', kTimeout, async () => {
  const answer = await request(await shared());
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.json, { service: 'portcullis', status: 'running', version: await versionOf() });
});

// ---- metrics

test(PROVES('F097') + '/metrics reports connections: total, active, sessions and the oldest age', kTimeout, async () => {
  await withGateway({ env: { ...kWideLimits, ALLOWED_ORIGINS: kOrigin } }, async (gateway) => {
    const connections = async () => (await jsonMetricsOf(gateway)).connections;
    assert.deepEqual(await connections(), { total: 0, active: 0, sessions: 0, oldest_connection_age: 0 });
    const [one, two] = [await openSession(gateway), await openSession(gateway)];
    const open = async (token) => {
      const wire = await connect(gateway);
      wire.send(bytesOf({ path: '/api/v1/chat/stream', headers: { Origin: kOrigin, Authorization: `Bearer ${token}` } }));
      assert.match(await wire.take(15), /^HTTP\/1\.1 200 OK/);
      return wire;
    };
    const wires = [await open(one), await open(one), await open(two)];
    const { oldest_connection_age: _, ...counts } = await connections();
    assert.deepEqual(counts, { total: 3, active: 3, sessions: 2 });
    await eventually(async () => (await connections()).oldest_connection_age >= 1, { what: 'the oldest stream to be a second old' });
    for (const wire of wires) wire.destroy();
    await eventually(async () => (await connections()).active === 0);
    assert.deepEqual(await connections(), { total: 3, active: 0, sessions: 0, oldest_connection_age: 0 });
  });
});

test(PROVES('F098') + '/metrics reports the configured rate limits', kTimeout, async () => {
  await withGateway({}, async (gateway) => assert.deepEqual((await jsonMetricsOf(gateway)).rate_limits, { per_minute: 60, per_hour: 1000 }));
  await withGateway({ env: { RATE_LIMIT_PER_MINUTE: '7', RATE_LIMIT_PER_HOUR: '70' } }, async (gateway) => {
    assert.deepEqual((await jsonMetricsOf(gateway)).rate_limits, { per_minute: 7, per_hour: 70 });
  });
});

test(PROVES('F099') + '/metrics reports version and debug mode', kTimeout, async () => {
  const version = await versionOf();
  for (const DEBUG of ['true', 'false']) {
    await withGateway({ env: { SECURITY_ENVIRONMENT: 'development', DEBUG } }, async (gateway) => {
      assert.deepEqual((await jsonMetricsOf(gateway)).system, { version, debug_mode: DEBUG === 'true' });
    });
  }
});

test('/metrics is Prometheus text where Accept or the query ask for it, else JSON, and varies by Accept', kTimeout, async () => {
  const gateway = await shared();
  for (const target of [gateway, { url: gateway.opsUrl }]) {
    for (const [path, accept, text] of [
      ['/metrics', undefined, false],
      ['/metrics', '*/*', false],
      ['/metrics', 'application/json', false],
      ['/metrics', 'text/html', false],
      ['/metrics', 'text/plain', true],
      ['/metrics', 'text/plain;version=0.0.4;q=0.5, */*;q=0.1', true],
      ['/metrics', 'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1', true],
      ['/metrics?format=prometheus', undefined, true],
      ['/metrics?format=prometheus', 'application/json', true],
      ['/metrics?format=json', undefined, false],
    ]) {
      const answer = await request(target, { path, headers: { Accept: accept } });
      assert.equal(answer.status, 200);
      assert.equal(answer.header('Content-Type'), text ? 'text/plain; version=0.0.4; charset=utf-8' : 'application/json', `${path} ${accept}`);
      assert.equal(answer.header('Vary'), 'Accept, Accept-Encoding, Origin');
      assert.equal(answer.header('Cache-Control'), 'no-store');
      expectSecurityHeaders(answer);
      if (text) assert.match(answer.text, /\n$/);
      else assert.deepEqual(Object.keys(answer.json), ['connections', 'websockets', 'rate_limits', 'system']);
    }
  }
});

test(PROVES('F122') + 'the Prometheus text is valid, and after a chat and a reload each documented metric is in it with its type', kTimeout, async () => {
  const upstream = await startRecordingUpstream();
  try {
    await withGateway({ env: { ...kWideLimits, ALLOWED_ORIGINS: kOrigin, N8N_WEBHOOK_URL: upstream.url } }, async (gateway) => {
      await request(gateway, { path: '/api/health' });
      await request(gateway, { path: '/api/health', host: 'evil.example' });
      const token = await openSession(gateway);
      for (const path of ['/api/v1/chat/message', '/api/v1/chat/stream']) assert.equal((await request(gateway, messageRequest(token, 'hi', { path }))).status, 200);
      gateway.signal('SIGHUP');
      await eventually(async () => (await samplesOf(gateway)).value('portcullis_config_reloads_total', { outcome: 'ok' }) === 1, { what: 'the reload' });
      const { text } = await request({ url: gateway.opsUrl }, { path: '/metrics?format=prometheus' });
      const types = Object.fromEntries([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map((m) => [m[1], m[2]]));
      const page = (await runCommand(['reference', 'metrics'])).stdout;
      const documented = [...page.matchAll(/^\| `(\w+)` \| (\w+) \|/gm)].map((m) => [m[1], m[2]]);
      assert.ok(documented.length >= 20);
      assert.deepEqual(documented.filter(([name, type]) => types[name] !== type), [], 'documented, but missing or of another type');
      for (const [name] of documented) assert.match(text, new RegExp(`^# HELP ${name} \\S`, 'm'));
      assert.deepEqual(Object.keys(types).filter((name) => !documented.some(([known]) => known === name)), [], 'metrics that no page names');
      const samples = new Samples(text);
      assert.ok(samples.value('portcullis_requests_total', { route: 'api_health', status: '2xx' }) >= 1);
      assert.equal(samples.value('portcullis_build_info'), 1);
      const buckets = samples.samples.filter(({ name }) => name === 'portcullis_request_duration_seconds_bucket').map(({ value }) => value);
      assert.deepEqual(buckets, [...buckets].sort((a, b) => a - b), 'buckets are cumulative');
      assert.equal(buckets.at(-1), samples.value('portcullis_request_duration_seconds_count'));
    });
  } finally {
    await upstream.stop();
  }
});

test('no label of a metric holds what a client sent', kTimeout, async () => {
  const gateway = await shared();
  for (let i = 0; i < 5; ++i) {
    await request(gateway, { path: `/label-${i}`, method: 'GET', host: '127.0.0.1', headers: { Origin: `https://label-${i}.example`, 'User-Agent': `label-${i}` } });
    await request(gateway, { method: `LABEL${i}`, host: `label-${i}.example` });
  }
  const { text } = await request({ url: gateway.opsUrl }, { path: '/metrics?format=prometheus' });
  assert.doesNotMatch(text, /label-?\d/i);
});

test('on the public listener /metrics is for this machine alone: no other Host, no sign of a proxy', kTimeout, async () => {
  await withGateway({ env: { ...kWideLimits, ALLOWED_ORIGINS: kOrigin, ALLOWED_HOSTS: 'gateway.internal', TRUSTED_PROXIES: '127.0.0.9' } }, async (gateway) => {
    const ask = (rest) => request(gateway, { path: '/metrics', ...rest });
    for (const host of ['127.0.0.1', '127.0.0.5:99', 'localhost', '[::1]']) assert.equal((await ask({ host })).status, 200, host);
    const refused = [
      { host: 'gateway.internal' }, { host: 'shop.example' },
      ...['X-Forwarded-For', 'X-Real-IP', 'Forwarded', 'Via', 'X-Forwarded-Host', 'X-Forwarded-Proto', 'X-Forwarded-Port', 'X-Forwarded-Server'].map((name) => ({ headers: { [name]: name === 'Forwarded' ? 'for=127.0.0.1' : '127.0.0.1' } })),
      { headers: { 'X-Forwarded-For': '127.0.0.1' }, localAddress: '127.0.0.9' },
      { host: 'gateway.internal', headers: { Authorization: 'Bearer anything' } },
    ];
    for (const rest of refused) {
      for (const path of ['/metrics', '/metrics?format=prometheus']) {
        const answer = await ask({ ...rest, path });
        assert.equal(answer.status, 401, JSON.stringify(rest));
        expectProblem(answer, 401, 'AUTH_FAILED');
        assert.match(answer.header('WWW-Authenticate'), /^Bearer/);
        assert.doesNotMatch(answer.text, /portcullis_|rate_limits/);
      }
    }
    expectProblem(await ask({ host: 'evil.example' }), 400, 'INVALID_HOST');
  });
});

test('ENABLE_METRICS=false removes /metrics from both listeners', kTimeout, async () => {
  await withGateway({ env: { ENABLE_METRICS: 'false' } }, async (gateway) => {
    for (const target of [gateway, { url: gateway.opsUrl }]) expectProblem(await request(target, { path: '/metrics' }), 404, 'NOT_FOUND');
  });
});

// ---- the operations listener

test('the operations listener has health and metrics, under any Host, and nothing of the public face', kTimeout, async () => {
  await withGateway({ env: { ...kProduction } }, async (gateway) => {
    const ops = { url: gateway.opsUrl };
    for (const path of ['/health', '/health/live', '/health/ready', '/metrics']) {
      for (const host of ['127.0.0.1', 'prometheus.internal', 'anything']) {
        const answer = await request(ops, { path, host });
        assert.equal(answer.status, 200, `${path} for ${host}`);
        expectSecurityHeaders(answer);
      }
    }
    for (const path of ['/', '/api/health', '/widget/', '/widget/embed.js', '/api/v1/session/create', '/api/v1/chat/message']) {
      assert.equal((await request(ops, { path, host: 'shop.example' })).status, 404, path);
    }
    assert.equal((await request(ops, createRequest({ host: 'shop.example' }))).status, 404);
  });
});

test('the operations listener refuses broken requests like the public one', kTimeout, async () => {
  const gateway = await shared();
  const wire = await connect({ url: gateway.opsUrl });
  wire.send('GET /metrics HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\nGET /metrics HTTP/1.1\r\nHost: a\r\n\r\n');
  expectProblem(await wire.answer(), 400, 'INVALID_HOST');
  assert.equal(await wire.closed(), 'end');
  assert.equal(wire.unread, '');
  wire.destroy();
});

test('OPS_LISTEN=off opens no operations listener', kTimeout, async () => {
  await withGateway({ env: { OPS_LISTEN: 'off' } }, async (gateway) => {
    assert.equal(gateway.opsUrl, undefined);
    assert.equal((await request(gateway, { path: '/metrics' })).status, 200);
  });
});

test('where the operations port is taken the gateway warns and goes on', kTimeout, async () => {
  const first = await shared();
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-ops-'));
  const child = spawn(binary, ['serve'], {
    cwd: folder,
    env: { PATH: process.env.PATH, SERVER_HOST: '127.0.0.1', SERVER_PORT: '0', WORKERS: '2', DATA_DIR: join(folder, 'data'), OPS_LISTEN: new URL(first.opsUrl).host },
  });
  const ended = new Promise((resolve) => child.on('close', resolve));
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (data) => (stdout += data));
  child.stderr.on('data', (data) => (stderr += data));
  try {
    const url = (await eventually(() => stdout.match(/listening on (\S+)\n/), { what: 'the listener' }))[1];
    assert.equal((await request({ url }, { path: '/health' })).status, 200);
    await eventually(() => /warning.*no operations listener/.test(stderr), { what: 'the warning' });
  } finally {
    child.kill('SIGTERM');
    assert.equal(await ended, 0);
    await rm(folder, { recursive: true, force: true });
  }
  assert.doesNotMatch(stdout, /operations on/);
});

// ---- errors

test(PROVES('F060') + 'every error is problem details with an id of its own, the path as instance and no internals', kTimeout, async () => {
  const gateway = await shared();
  const ids = new Set();
  const wrongMethod = { path: '/api/v1/chat/stream', method: 'PATCH' };
  const cases = [
    [{ path: '/a%20path/with/%C3%A9%3C3?and=query' }, 404, 'NOT_FOUND'],
    [wrongMethod, 405, 'METHOD_NOT_ALLOWED'],
    [createRequest({ body: '{"origin_domain":' }), 400, 'VALIDATION_FAILED'],
    [createRequest({ body: '{"origin_domain":"a.example","origin_domain":"b.example"}' }), 400, 'VALIDATION_FAILED'],
    [createRequest({ body: {} }), 422, 'SCHEMA_INVALID'],
    [createRequest({ body: { origin_domain: 7 } }), 422, 'SCHEMA_INVALID'],
    [createRequest({ headers: { 'Content-Type': 'text/plain' } }), 415, 'UNSUPPORTED_MEDIA_TYPE'],
    [createRequest({ origin: 'https://evil.example' }), 403, 'INVALID_ORIGIN'],
    [createRequest({ host: 'evil.example' }), 400, 'INVALID_HOST'],
    [messageRequest('pcs_none', 'hi'), 401, 'SESSION_INVALID'],
    [messageRequest(await openSession(gateway), 'hi', { headers: { Accept: 'image/png' } }), 406, 'NOT_ACCEPTABLE'],
    [{ method: 'BREW' }, 501, 'NOT_IMPLEMENTED'],
  ];
  for (const [rest, status, code] of cases) {
    const answer = await request(gateway, rest);
    const problem = expectProblem(answer, status, code);
    assert.equal(problem.instance, (rest.path ?? '/').split('?')[0]);
    assert.doesNotMatch(answer.text.replaceAll(problem.error_id, ''), /\.cpp|boost|std::|0x[0-9a-f]{6}|query/i);
    ids.add(problem.error_id);
  }
  assert.equal(ids.size, cases.length);
  assert.equal((await request(gateway, wrongMethod)).header('Allow'), 'POST, GET, HEAD');
});

test('the codes and statuses of errors are those of the reference page', kTimeout, async () => {
  const page = (await runCommand(['reference', 'errors'])).stdout;
  for (const [code, status] of [
    ['VALIDATION_FAILED', 400], ['SESSION_INVALID', 401], ['INVALID_ORIGIN', 403], ['REQUEST_TIMEOUT', 408], ['INTERNAL_ERROR', 500], ['RATE_LIMITED', 429], ['ADDRESS_BLOCKED', 403],
    ['CONTENT_REFUSED', 400], ['SCHEMA_INVALID', 422], ['INVALID_HOST', 400], ['PAYLOAD_TOO_LARGE', 413], ['STREAM_LIMIT', 503], ['SESSION_LIMIT', 503], ['UPSTREAM_ERROR', 502],
    ['UPSTREAM_UNAVAILABLE', 503], ['UPSTREAM_TIMEOUT', 504], ['NOT_FOUND', 404], ['METHOD_NOT_ALLOWED', 405],
  ]) {
    assert.match(page, new RegExp(`^\\| \`${code}\` \\| ${status} \\|`, 'm'));
  }
});

// ---- the end

test('a gateway that drains says so to probes, finishes what has begun and ends with 0', kTimeout, async () => {
  const gateway = await startGateway({ env: { ...kWideLimits, ALLOWED_ORIGINS: kOrigin } });
  try {
    const wire = await connect(gateway);
    const bytes = bytesOf(createRequest());
    wire.send(bytes.subarray(0, bytes.length - 3));
    const idle = await connect(gateway);
    idle.send(bytesOf({ path: '/health/live' }));
    assert.equal((await idle.answer()).status, 200);
    await eventually(async () => (await samplesOf(gateway)).value('portcullis_connections_open') === 2);
    gateway.signal('SIGTERM');
    const ops = { url: gateway.opsUrl };
    const ready = await eventually(async () => {
      const answer = await request(ops, { path: '/health/ready' });
      return answer.status === 503 && answer;
    }, { what: 'readiness to end' });
    assert.deepEqual(ready.json, { status: 'draining' });
    assert.equal((await request(ops, { path: '/health/live' })).status, 200);
    assert.equal((await request(ops, { path: '/health' })).json.status, 'unhealthy');
    assert.equal(await idle.closed(), 'end', 'an idle connection is closed');
    await assert.rejects(connect(gateway), { code: 'ECONNREFUSED' });
    wire.send(bytes.subarray(bytes.length - 3));
    const answer = await wire.answer();
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.header('Connection'), 'close');
    for (const w of [wire, idle]) w.destroy();
  } finally {
    await gateway.stop();
  }
});

test('a gateway that is stopped the moment it is ready ends with 0', kTimeout, async () => {
  for (let i = 0; i < 15; ++i) {
    const gateway = await startGateway({});
    assert.equal((await gateway.stop({ signal: i % 2 ? 'SIGINT' : 'SIGTERM' })).status, 0);
  }
});

test('a gateway whose operations listener was just in use ends with 0 and leaks nothing', kTimeout, async () => {
  for (let i = 0; i < 3; ++i) {
    await withGateway({}, async (gateway) => {
      const open = await connect({ url: gateway.opsUrl });
      open.send(bytesOf({ path: '/health' }));
      assert.equal((await open.answer()).status, 200);
      assert.equal((await request({ url: gateway.opsUrl }, { path: '/metrics' })).status, 200);
    });
  }
});
