// Addresses that are turned away: for a time, by rule, and for good, by list; and who goes on all the same.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually, expectProblem } from '../harness/expect.mjs';
import { samplesOf } from '../harness/metrics.mjs';
import { PROVES } from '../harness/proves.mjs';
import { startRecordingUpstream } from '../harness/recording_upstream.mjs';
import { createRequest, kOrigin, messageRequest } from '../harness/visitor.mjs';
import { request } from '../harness/wire.mjs';
import { withGateway } from '../harness/with_gateway.mjs';

const kTimeout = { timeout: 60_000 };
const kOther = '127.0.0.2';
const kAttacker = '127.0.0.3';
const kEnv = { ALLOWED_ORIGINS: kOrigin };
const ask = (gateway, localAddress, rest) => request(gateway, { ...rest, localAddress });
const validate = (token) => ({ path: '/api/v1/session/validate', headers: { Origin: kOrigin, Authorization: `Bearer ${token}` } });

/** Asks until the address is blocked; returns that answer. */
async function provoke(gateway, address = kAttacker) {
  for (let i = 0; i < 300; ++i) {
    const answer = await ask(gateway, address, createRequest());
    if (answer.status === 403) return answer;
    assert.ok([200, 429].includes(answer.status), String(answer.status));
  }
  return assert.fail('never blocked');
}

test(PROVES('F195', { guard: 'rate' }) + 'the fifth credential that does not verify blocks its address; sessions that are over block nobody', kTimeout, async () => {
  await withGateway({ env: { ...kEnv, REPUTATION_ENABLED: 'false' } }, async (gateway) => {
    const guess = (localAddress, token) => ask(gateway, localAddress, { path: '/api/health', headers: { Authorization: `Bearer ${token}` } });
    for (let i = 0; i < 10; ++i) assert.equal((await guess(kOther, 'pcs_of-before-the-secret-was-changed')).status, 200);
    for (let i = 0; i < 4; ++i) assert.equal((await guess(kAttacker, `eyJhbGciOiJIUzI1NiJ9.e30.${i}`)).status, 200, 'anonymous');
    const fifth = await guess(kAttacker, 'eyJhbGciOiJIUzI1NiJ9.e30.5');
    expectProblem(fifth, 403, 'ADDRESS_BLOCKED');
    assert.equal(fifth.header('Retry-After'), '900');
    expectProblem(await ask(gateway, kAttacker, createRequest()), 403, 'ADDRESS_BLOCKED');
    assert.equal((await ask(gateway, kOther, createRequest())).status, 200);
    await eventually(() => /AUTH_001/.test(gateway.log()), { what: 'an event' });
  });
});

test(PROVES('F007', 'F133', 'F138', { guard: 'rate' }) + 'an address that does not stop at its limit is blocked, and told for how long', kTimeout, async () => {
  await withGateway({ env: kEnv }, async (gateway) => {
    const blocked = await provoke(gateway);
    const problem = expectProblem(blocked, 403, 'ADDRESS_BLOCKED');
    assert.equal(problem.retry_after, 900);
    assert.equal(blocked.header('Retry-After'), '900');
    for (const rest of [createRequest(), { path: '/api/health' }, { path: '/' }, { path: '/nowhere' }]) {
      expectProblem(await ask(gateway, kAttacker, rest), 403, 'ADDRESS_BLOCKED');
    }
    assert.equal((await ask(gateway, kAttacker, { path: '/health' })).status, 200, 'probes go on');
    assert.equal((await ask(gateway, kOther, createRequest())).status, 200, 'others do, too');
    assert.equal((await samplesOf(gateway)).value('portcullis_blocked_addresses'), 1);
    await eventually(() => /RATE_001/.test(gateway.log()), { what: 'an event' });
  });
});

test(PROVES('F007', 'F134', { guard: 'rate' }) + 'a block ends by itself after the time of its setting', kTimeout, async () => {
  await withGateway({ env: { ...kEnv, BLOCKS_FIRST: '2s' } }, async (gateway) => {
    assert.equal((await provoke(gateway)).header('Retry-After'), '2');
    await eventually(async () => (await ask(gateway, kAttacker, { path: '/api/health' })).status !== 403, { within: 5000, what: 'the end of the block' });
    const again = await provoke(gateway);
    assert.equal(again.header('Retry-After'), '4', 'the second one is twice as long');
  });
});

test('a visitor who was there before goes on behind a blocked address; nobody new comes in', kTimeout, async () => {
  const upstream = await startRecordingUpstream();
  await withGateway({ env: { ...kEnv, N8N_WEBHOOK_URL: upstream.url } }, async (gateway) => {
    const create = async (address) => (await ask(gateway, address, createRequest())).json.token;
    const before = await create(kAttacker);
    const silent = await create(kAttacker);
    assert.equal((await ask(gateway, kAttacker, messageRequest(before, 'hi'))).status, 200);
    const elsewhere = await create(kOther);
    await provoke(gateway);
    assert.equal((await ask(gateway, kAttacker, messageRequest(before, 'still here'))).status, 200);
    assert.equal((await ask(gateway, kAttacker, validate(before))).status, 200);
    expectProblem(await ask(gateway, kAttacker, messageRequest(silent, 'hi')), 403, 'ADDRESS_BLOCKED');
    expectProblem(await ask(gateway, kAttacker, messageRequest(`${before}x`, 'hi')), 403, 'ADDRESS_BLOCKED');
    expectProblem(await ask(gateway, kAttacker, createRequest()), 403, 'ADDRESS_BLOCKED');
    assert.equal((await ask(gateway, kOther, messageRequest(elsewhere, 'hi'))).status, 200);
    // At half the pace: its burst, and then it waits.
    let refused = 0;
    for (let i = 0; i < 30; ++i) refused += (await ask(gateway, kAttacker, messageRequest(before, `${i}`))).status === 429 ? 1 : 0;
    assert.ok(refused >= 8, `${refused} refused`);
  }).finally(() => upstream.stop());
});

test(PROVES('F142', { guard: 'rate' }) + 'trusted addresses are limited and never blocked', kTimeout, async () => {
  await withGateway({ env: { ...kEnv, SECURITY_IP_WHITELIST: '127.0.0.3/32' } }, async (gateway) => {
    const counts = {};
    for (let i = 0; i < 150; ++i) {
      const { status } = await ask(gateway, kAttacker, createRequest());
      counts[status] = (counts[status] ?? 0) + 1;
    }
    assert.deepEqual(Object.keys(counts), ['200', '429']);
  });
});

test(PROVES('F118', { guard: 'blocks' }) + 'an operator blocks an address by its list, also while the gateway runs', kTimeout, async () => {
  await withGateway({ env: kEnv, yaml: 'blocks: { always: [127.0.0.3] }\n' }, async (gateway) => {
    const refused = await ask(gateway, kAttacker, createRequest());
    expectProblem(refused, 403, 'ADDRESS_BLOCKED');
    assert.equal(refused.header('Retry-After'), undefined, 'it has no end');
    assert.equal((await ask(gateway, kOther, createRequest())).status, 200);
    await gateway.writeConfig('blocks: { always: [127.0.0.2] }\n');
    gateway.signal('SIGHUP');
    await eventually(() => gateway.log().includes('configuration reloaded'), { what: 'the reload' });
    assert.equal((await ask(gateway, kAttacker, createRequest())).status, 200);
    expectProblem(await ask(gateway, kOther, createRequest()), 403, 'ADDRESS_BLOCKED');
  });
});

test('in monitor mode nobody is blocked', kTimeout, async () => {
  await withGateway({ env: { ...kEnv, GUARDS_RATE_MODE: 'monitor' } }, async (gateway) => {
    for (let i = 0; i < 150; ++i) assert.equal((await ask(gateway, kAttacker, createRequest())).status, 200);
  });
});

// ---- reputation

const attack = { path: '/api/health?q=%3Cscript%3Ealert(1)%3C/script%3E' };
const limitOf = (answer) => answer.header('X-RateLimit-Limit');

test(PROVES('F006', 'F194', { guard: 'content' }) + 'an address that attacks has half of its limits, and is reported once; good conduct makes up for it', kTimeout, async () => {
  await withGateway({ env: kEnv }, async (gateway) => {
    assert.equal(limitOf(await ask(gateway, kAttacker, createRequest())), '60');
    const refused = [];
    for (let i = 0; i < 8; ++i) refused.push(await ask(gateway, kAttacker, attack));
    assert.ok(refused.every(({ status }) => status === 400), JSON.stringify(refused.map(({ status }) => status)));
    assert.equal(limitOf(await ask(gateway, kAttacker, createRequest())), '30');
    assert.equal(limitOf(await ask(gateway, kOther, createRequest())), '60', 'nobody else');
    await eventually(() => /REP_001/.test(gateway.log()), { what: 'an event' });
    assert.equal(gateway.log().match(/REP_001/g).length, 1);
  });
});

test('a page cannot ruin the reputation of those who look at it', kTimeout, async () => {
  await withGateway({ env: kEnv }, async (gateway) => {
    for (let i = 0; i < 20; ++i) {
      const answer = await ask(gateway, kAttacker, { ...attack, headers: { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'image' } });
      assert.ok([400, 403].includes(answer.status), String(answer.status));
    }
    assert.equal(limitOf(await ask(gateway, kAttacker, createRequest())), '60');
  });
});

test('the page of a blocked visitor can read that, and for how long; one of somebody else cannot', kTimeout, async () => {
  await withGateway({ env: { ...kEnv, ALLOWED_HOSTS: '' } }, async (gateway) => {
    await provoke(gateway);
    const preflight = { method: 'OPTIONS', path: '/api/v1/session/create', headers: { Origin: kOrigin, 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'content-type' } };
    const allowed = await ask(gateway, kAttacker, preflight);
    assert.ok([200, 204].includes(allowed.status), String(allowed.status));
    assert.equal(allowed.header('Access-Control-Allow-Origin'), kOrigin);
    const blocked = await ask(gateway, kAttacker, createRequest());
    expectProblem(blocked, 403, 'ADDRESS_BLOCKED');
    assert.equal(blocked.header('Access-Control-Allow-Origin'), kOrigin);
    assert.match(blocked.header('Access-Control-Expose-Headers'), /Retry-After/);
    const foreign = await ask(gateway, kAttacker, createRequest({ origin: 'https://evil.example' }));
    assert.equal(foreign.status, 403);
    assert.equal(foreign.header('Access-Control-Allow-Origin'), undefined);
    const misdirected = await ask(gateway, kOther, createRequest({ host: 'elsewhere.example' }));
    assert.equal(misdirected.header('Access-Control-Allow-Origin'), kOrigin, 'what the host guard refuses, too');
  });
});
