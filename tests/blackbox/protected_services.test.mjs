// Services of protected routes that are asked whether they are well, start slowly or want to see a certificate; routes of a
// host or a site.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually, sample } from '../harness/client.mjs';
import { runCommand } from '../harness/gateway.mjs';
import { makeAuthority } from '../harness/certificates.mjs';
import { request } from '../harness/wire.mjs';
import { withGateway } from '../harness/with_gateway.mjs';

const kTimeout = { timeout: 60_000 };
const kEnv = { GUARDS_BOT_MODE: 'off', REPUTATION_ENABLED: 'false', SECURITY_RATE_LIMIT_REQUESTS_PER_MINUTE: '1000000' };
const routesTo = (targets, rest = '') =>
  `services:\n  - id: orders\n    targets: [${targets.join(', ')}]\n${rest}routes:\n  - {path: /orders/, service: orders, kind: anonymous, auth: none}\n`;

/** One that says its name, and of `/well` what `state.status` says. */
async function startTarget(name) {
  const state = { status: 200, served: 0, asked: 0, delay: 0 };
  const server = createServer((asked, response) => {
    if (asked.url !== '/well') {
      ++state.served;
      state.site = asked.headers['x-portcullis-site'];
      return response.end(name);
    }
    ++state.asked;
    state.host = asked.headers.host;
    setTimeout(() => response.writeHead(state.status).end(), state.delay);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    state,
    url: `http://127.0.0.1:${server.address().port}/base`,
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Has another configuration read. */
async function reload(gateway, yaml) {
  const times = () => gateway.log().split('configuration reloaded').length;
  const before = times();
  await gateway.writeConfig(yaml);
  gateway.signal('SIGHUP');
  await eventually(() => times() > before, { what: 'the reload' });
}

const count = async (gateway, requests) => {
  const names = {};
  for (let i = 0; i < requests; ++i) {
    const { status, text } = await request(gateway, { path: `/orders/${i}` });
    assert.equal(status, 200, text);
    names[text] = (names[text] ?? 0) + 1;
  }
  return names;
};

test('a target that is unwell gets nothing until it is well again, and where none is well all are tried', kTimeout, async () => {
  const [one, two] = [await startTarget('one'), await startTarget('two')];
  const health = '    health: {path: /well, interval: 100ms, timeout: 300ms}\n';
  await withGateway({ env: kEnv, yaml: routesTo([one.url, two.url], health) }, async (gateway) => {
    await eventually(() => one.state.asked > 1 && two.state.asked > 1, { what: 'questions to both' });
    assert.equal(one.state.host, new URL(one.url).host);
    assert.equal(Object.keys(await count(gateway, 40)).length, 2);

    two.state.status = 503;
    await eventually(async () => (await sample(gateway, 'portcullis_service_targets_away')) === 1, { what: 'two is unwell' });
    assert.deepEqual(await count(gateway, 20), { one: 20 });
    one.state.delay = 1000; // too late is as bad
    await eventually(async () => (await sample(gateway, 'portcullis_service_targets_away')) === 2, { what: 'one is unwell' });
    assert.equal(Object.keys(await count(gateway, 40)).length, 2, 'better than nothing');

    two.state.status = 301;
    await eventually(async () => (await sample(gateway, 'portcullis_service_targets_away')) === 1, { what: 'two is well' });
    assert.deepEqual(await count(gateway, 20), { two: 20 });
    assert.match(gateway.log(), /a target of a service is unwell/);
    assert.match(gateway.log(), /a target of a service is well again/);
  });
  await one.stop();
  await two.stop();
});

test('a target that recovers takes its share up slowly', kTimeout, async () => {
  const [one, two] = [await startTarget('one'), await startTarget('two')];
  const rest = '    health: {path: /well, interval: 100ms}\n    slow_start: 1h\n';
  await withGateway({ env: kEnv, yaml: routesTo([one.url, two.url], rest) }, async (gateway) => {
    const before = await count(gateway, 200);
    assert.ok(before.two > 50, JSON.stringify(before)); // at the start all are alike
    two.state.status = 500;
    await eventually(async () => (await sample(gateway, 'portcullis_service_targets_away')) === 1);
    two.state.status = 200;
    await eventually(async () => (await sample(gateway, 'portcullis_service_targets_away')) === 0);
    const after = await count(gateway, 400);
    assert.ok(after.two > 0 && after.two < 60, JSON.stringify(after)); // a tenth of its half: 20
  });
  await one.stop();
  await two.stop();
});

test('questions end with the configuration that asks them', kTimeout, async () => {
  const one = await startTarget('one');
  one.state.delay = 2000; // one is under way whenever the gateway stops
  const health = '    health: {path: /well, interval: 100ms, timeout: 5s}\n';
  await withGateway({ env: kEnv, yaml: routesTo([one.url], health) }, async (gateway) => {
    await eventually(() => one.state.asked > 0);
    await reload(gateway, routesTo([one.url]));
    const { asked } = one.state;
    one.state.delay = 0;
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.equal(one.state.asked, asked);
    await reload(gateway, routesTo([one.url], health));
    await eventually(() => one.state.asked > asked, { what: 'questions again' });
    one.state.delay = 2000;
    const now = one.state.asked;
    await eventually(() => one.state.asked > now);
  });
  await one.stop();
});

test('a service is shown the certificate that it asks for', kTimeout, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-mtls-'));
  const files = makeAuthority(folder, 'IP:127.0.0.1');
  const server = createTlsServer(
    { key: readFileSync(files.key), cert: readFileSync(files.cert), ca: readFileSync(files.ca), requestCert: true, rejectUnauthorized: true },
    (asked, response) => response.end(asked.socket.getPeerCertificate().subject.CN),
  );
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `https://127.0.0.1:${server.address().port}`;
  const own = `    ca_file: ${files.ca}\n`;
  await withGateway({ env: kEnv, yaml: routesTo([url], `${own}    client_certificate: ${files.cert}\n    client_key: ${files.key}\n`) }, async (gateway) => {
    const { status, text } = await request(gateway, { path: '/orders/1' });
    assert.deepEqual([status, text], [200, 'server']);
  });
  await withGateway({ env: kEnv, yaml: routesTo([url], own) }, async (gateway) => {
    assert.equal((await request(gateway, { path: '/orders/1' })).status, 502);
  });
  server.closeAllConnections();
  server.close();
  const wrong = await runCommand(['check-config'], { yaml: routesTo([url], `    client_certificate: ${files.ca}\n    client_key: ${files.key}\n`) });
  assert.equal(wrong.status, 2, 'a key of another certificate');
  await rm(folder, { recursive: true });
});

test('their keys are checked', kTimeout, async () => {
  for (const [rest, pattern] of [
    ['    health: {interval: 1s}\n', /needs a path/],
    ['    health: {path: no}\n', /health\.path/],
    ['    health: {path: /w, interval: 1ms}\n', /from 100ms to 1h/],
    ['    health: {path: /w, retries: 3}\n', /health\.retries/],
    ['    slow_start: soon\n', /a duration is written/],
    ['    client_certificate: a.pem\n', /go together/],
    ['    client_certificate: a.pem\n    client_key: a.key\n', /a\.pem/],
  ]) {
    const { status, stdout, stderr } = await runCommand(['check-config'], { yaml: routesTo(['https://127.0.0.1:1'], rest) });
    assert.equal(status, 2, rest + stdout + stderr);
    assert.match(stdout + stderr, pattern);
  }
});

test('a route is for its host, and of its site', kTimeout, async () => {
  const [one, two] = [await startTarget('one'), await startTarget('two')];
  const yaml = `
sites:
  - {id: alpha, origins: ["https://alpha.example"]}
  - {id: beta, origins: ["https://beta.example"]}
services:
  - {id: one, targets: ["${one.url}"]}
  - {id: two, targets: ["${two.url}"]}
routes:
  - {path: /shop/, service: one, host: One.example, kind: anonymous, auth: none}
  - {path: /shop/, service: two, host: two.example, kind: anonymous, auth: none, site: beta}
  - {path: /shop/admin/, service: one, host: two.example, methods: [PUT], auth: {roles: [admin]}}
  - {path: /any/, service: one, kind: anonymous, auth: none}
  - {path: /any/inner/, service: two, host: two.example, kind: anonymous, auth: none}
`;
  await withGateway({ env: { ...kEnv, SECURITY_JWT_SECRET_KEY: randomBytes(48).toString('base64url') }, yaml }, async (gateway) => {
    const get = async (host, path, headers = {}) => {
      const { status, text } = await request(gateway, { path, host, headers });
      return status === 200 ? text : status;
    };
    assert.equal(await get('one.example', '/shop/1'), 'one');
    assert.equal(await get('TWO.example:8000', '/shop/1'), 'two');
    assert.equal(await get('127.0.0.1', '/shop/1'), 404);
    assert.equal(await get('three.example', '/shop/1'), 400, 'none of its hosts');
    // What is narrower on one host is no matter of the other, and nobody gets round it on its own.
    assert.equal(await get('one.example', '/shop/admin/1'), 'one');
    assert.equal(await get('two.example', '/shop/admin/1'), 405);
    assert.equal(await get('127.0.0.1', '/any/1'), 'one');
    assert.equal(await get('two.example', '/any/inner/1'), 'two');
    assert.equal(await get('127.0.0.1', '/any/inner/1'), 404, "another host's path");
    // Whose pages may call it.
    assert.equal(await get('two.example', '/shop/1', { Origin: 'https://beta.example' }), 'two');
    assert.equal(await get('two.example', '/shop/1', { Origin: 'https://alpha.example' }), 403);
    assert.equal(await get('one.example', '/shop/1', { Origin: 'https://alpha.example' }), 'one');
    assert.match(two.state.site, /^beta$/);
  });
  await one.stop();
  await two.stop();
  for (const [route, pattern] of [
    ['{path: /a, service: one, host: "a b"}', /a host without a port/],
    ['{path: /a, service: one, site: gone}', /no site 'gone'/],
    ['{path: /a, service: one, host: h.example}\n  - {path: /a, service: one, host: H.example}', /is claimed by/],
  ]) {
    const { status, stdout, stderr } = await runCommand(['check-config'], { yaml: `services:\n  - {id: one, targets: ["http://127.0.0.1:1"]}\nroutes:\n  - ${route}\n` });
    assert.equal(status, 2, stdout + stderr);
    assert.match(stdout + stderr, pattern);
  }
});
