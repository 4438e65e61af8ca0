// Sessions that are bound to a key of the visitor's browser: what is asked of whom, that a stolen token or proof is worth
// nothing on any node, and that its owner never notices.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openEvents } from '../harness/client.mjs';
import { createProven, getProven, newKey, proven, sayProven, tokenHash } from '../harness/dpop.mjs';
import { eventually, expectProblem } from '../harness/expect.mjs';
import { sharedEnv, withNodes } from '../harness/nodes.mjs';
import { startRecordingUpstream } from '../harness/recording_upstream.mjs';
import { startRedis } from '../harness/redis.mjs';
import { createRequest, kMachinesWelcome, kOrigin, kWideLimits, messageRequest, openSession } from '../harness/visitor.mjs';
import { request } from '../harness/wire.mjs';
import { withGateway, withUpstream } from '../harness/with_gateway.mjs';

const kTimeout = { timeout: 60_000 };
const kEnv = { ALLOWED_ORIGINS: kOrigin, REPUTATION_ENABLED: 'false', ...kWideLimits, ...kMachinesWelcome };
const kRequire = { ...kEnv, SESSION_PROOF_OF_POSSESSION: 'require' };
const kOffer = { ...kEnv, SESSION_PROOF_OF_POSSESSION: 'offer' };
const kPath = '/api/v1/chat/message';
const kCookie = { origin_domain: 'shop.example' };

const events = (gateway, code) => gateway.log().split('\n').filter((line) => line.includes(code));
const expectPassed = (answer) => assert.equal(answer.status, 200, answer.text);
function expectUnproven(answer) {
  const problem = expectProblem(answer, 401, 'PROOF_INVALID');
  assert.equal(answer.header('WWW-Authenticate'), 'DPoP error="invalid_dpop_proof", algs="ES256"');
  assert.ok(Math.abs(problem.now - Date.now() / 1000) < 10, 'the time, for a clock that is wrong');
}

async function openProven(gateway, key, options) {
  const answer = await createProven(gateway, key, options);
  expectPassed(answer);
  assert.equal(answer.json.token_type, 'DPoP');
  return answer.json.token;
}

describe('a site that requires proofs of possession', () => {
  test('makes no session without a key, and asks for one', kTimeout, async () => {
    await withUpstream(kRequire, async (gateway) => {
      const refused = await request(gateway, createRequest());
      expectProblem(refused, 401, 'PROOF_REQUIRED');
      assert.equal(refused.header('WWW-Authenticate'), 'DPoP algs="ES256"');
      await eventually(() => events(gateway, 'SES_009').length === 1, { what: 'an event' });
      const asked = await request(gateway, createRequest({ body: { origin_domain: 'shop.example', proof: 'dpop' } }));
      expectProblem(asked, 401, 'PROOF_REQUIRED');
      expectProblem(await request(gateway, createRequest({ body: { origin_domain: 'shop.example', proof: 'other' } })), 400, 'VALIDATION_FAILED');
      for (const bad of ['nonsense', newKey().proof(gateway, 'GET', '/api/v1/session/create'), newKey().proof(gateway, 'POST', '/api/v1/session/destroy')]) {
        expectUnproven(await request(gateway, createRequest({ headers: { DPoP: bad } })));
      }
      assert.equal(events(gateway, 'SES_009').length, 1, 'who can prove is asked, which is no event');
      await openProven(gateway, newKey());
    });
  });

  test('serves who proves, and nobody with the token alone', kTimeout, async () => {
    await withUpstream(kRequire, async (gateway) => {
      const key = newKey();
      const token = await openProven(gateway, key);
      expectPassed(await sayProven(gateway, key, token, 'one'));
      const path = '/api/v1/chat/history?limit=5';
      assert.equal((await getProven(gateway, key, token, path)).json.total_count, 2, 'the query is no part of what is proven');
      expectUnproven(await request(gateway, messageRequest(token, 'stolen')));
      const bare = { headers: { Authorization: `DPoP ${token}` } };
      expectUnproven(await request(gateway, messageRequest(token, 'stolen', bare)));
      expectUnproven(await sayProven(gateway, newKey(), token, 'another key'));
      for (const claims of [{ htm: 'GET' }, { htu: `${gateway.url}/api/v1/chat/stream` }, { htu: `https://evil.example${kPath}` }, { ath: tokenHash('x') }, { ath: undefined }, { jti: undefined }, { iat: 1 }, { iat: Math.floor(Date.now() / 1000) + 300 }]) {
        expectUnproven(await sayProven(gateway, key, token, 'a proof for something else', claims));
      }
      assert.equal((await getProven(gateway, key, token, path)).json.total_count, 2);
      await eventually(() => events(gateway, 'SES_008').length === 11, { what: 'eleven events' });
      for (const line of events(gateway, 'SES_008')) assert.ok(!line.includes('pcs_'), 'no token in the log');
      expectPassed(await sayProven(gateway, key, token, 'the owner goes on'));
    });
  });

  test('a proof serves once', kTimeout, async () => {
    await withUpstream(kRequire, async (gateway) => {
      const key = newKey();
      const heard = proven(gateway, key, undefined, createRequest());
      const token = (await request(gateway, heard)).json.token;
      expectUnproven(await request(gateway, heard));
      const said = proven(gateway, key, token, messageRequest(token, 'one'));
      expectPassed(await request(gateway, said));
      expectUnproven(await request(gateway, said));
      const both = { ...said, headers: { ...said.headers, DPoP: `${key.proof(gateway, 'POST', kPath, token)}, ${key.proof(gateway, 'POST', kPath, token)}` } };
      expectUnproven(await request(gateway, both));
      expectPassed(await sayProven(gateway, key, token, 'two'));
    });
  });

  test('a thief costs the owner nothing of his limits', kTimeout, async () => {
    await withUpstream({ ...kRequire, RATE_LIMIT_SESSION_PER_MINUTE: '4', LIMITS_IN_FLIGHT_PER_SESSION: '2' }, async (gateway) => {
      const key = newKey();
      const token = await openProven(gateway, key);
      const heard = proven(gateway, key, token, messageRequest(token, 'one'));
      expectPassed(await request(gateway, heard));
      const thefts = Array.from({ length: 12 }, (_, i) => (i % 2 ? request(gateway, heard) : sayProven(gateway, newKey(), token, 'theft')));
      for (const answer of await Promise.all(thefts)) expectUnproven(answer);
      for (const message of ['two', 'three', 'four']) {
        const answer = await sayProven(gateway, key, token, message);
        expectPassed(answer);
        assert.notEqual(answer.header('X-RateLimit-Limit'), '4000000000');
      }
      expectProblem(await sayProven(gateway, key, token, 'five'), 429, 'RATE_LIMITED');
    });
  });

  test('a cookie is bound as well: its hash comes in a header', kTimeout, async () => {
    await withUpstream(kRequire, async (gateway) => {
      const key = newKey();
      const created = await createProven(gateway, key, { body: kCookie, headers: { 'Sec-Fetch-Site': 'same-site' } });
      expectPassed(created);
      assert.equal(created.json.token, undefined);
      const cookie = created.header('Set-Cookie').split(';')[0];
      const token = cookie.split('=')[1];
      assert.equal(created.header('X-Session-Token-Hash'), tokenHash(token));
      const call = (DPoP) => request(gateway, { path: '/api/v1/session/validate', headers: { Host: new URL(gateway.url).host, Origin: kOrigin, Cookie: cookie, ...(DPoP && { DPoP }) } });
      const proof = (...more) => key.proof(gateway, 'GET', '/api/v1/session/validate', ...more);
      assert.equal((await call(proof(token))).json.valid, true);
      expectUnproven(await call());
      expectUnproven(await call(proof()));
    });
  });

  test('a stream is opened by a proof', kTimeout, async () => {
    await withUpstream(kRequire, async (gateway) => {
      const key = newKey();
      const token = await openProven(gateway, key);
      const path = '/api/v1/chat/stream';
      const open = (DPoP) => openEvents(gateway, 'GET', path, { headers: { Origin: kOrigin, Authorization: `DPoP ${token}`, ...(DPoP && { DPoP }) } });
      const stream = await open(key.proof(gateway, 'GET', path, token));
      assert.equal(stream.status, 200);
      stream.close();
      assert.equal((await open()).status, 401);
    });
  });

  test('a page may send the header', kTimeout, async () => {
    await withUpstream(kRequire, async (gateway) => {
      const answer = await request(gateway, { method: 'OPTIONS', path: kPath, headers: { Origin: kOrigin, 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'dpop' } });
      assert.match(answer.header('Access-Control-Allow-Headers'), /\bDPoP\b/);
      assert.match((await createProven(gateway, newKey())).header('Access-Control-Expose-Headers'), /\bX-Session-Token-Hash\b/);
    });
  });

  test('behind a proxy the address is the one that browsers use', kTimeout, async () => {
    await withUpstream({ ...kRequire, TRUSTED_PROXIES: '127.0.0.0/8', PUBLIC_URL: 'https://www.example.com/chat' }, async (gateway) => {
      const headers = { 'X-Forwarded-For': '203.0.113.7', 'X-Forwarded-Proto': 'https' };
      const create = (htu) => createProven(gateway, newKey(), { headers, claims: { htu: `${htu}/api/v1/session/create` } });
      expectPassed(await create('https://www.example.com/chat'));
      expectPassed(await create(gateway.url.replace('http:', 'https:')));
      expectUnproven(await create(gateway.url));
      expectUnproven(await create('http://www.example.com/chat'));
    });
  });

  test('and others on the same gateway do not', kTimeout, async () => {
    const yaml = `sites:\n- {id: bank, origins: [https://bank.example], proof_of_possession: require, upstream: {kind: demo}}\n`;
    await withGateway({ env: { ...kEnv, UPSTREAM_KIND: 'demo' }, yaml }, async (gateway) => {
      await openSession(gateway);
      expectProblem(await request(gateway, createRequest({ origin: 'https://bank.example' })), 401, 'PROOF_REQUIRED');
    });
  });
});

describe('a site that offers proofs of possession', () => {
  test('binds who can prove, and nobody else', kTimeout, async () => {
    await withUpstream(kOffer, async (gateway) => {
      const unbound = await openSession(gateway);
      expectPassed(await request(gateway, messageRequest(unbound, 'as before')));
      expectProblem(await request(gateway, createRequest({ body: { origin_domain: 'shop.example', proof: 'dpop' } })), 401, 'PROOF_REQUIRED');
      assert.equal(events(gateway, 'SES_009').length, 0);
      expectUnproven(await request(gateway, createRequest({ headers: { DPoP: 'nonsense' } })));
      const key = newKey();
      const token = await openProven(gateway, key);
      expectPassed(await sayProven(gateway, key, token, 'bound'));
      expectUnproven(await request(gateway, messageRequest(token, 'stolen')));
    });
  });
});

describe('a site without them', () => {
  test('binds nobody, and old tokens go on', kTimeout, async () => {
    await withUpstream(kEnv, async (gateway) => {
      const created = await createProven(gateway, newKey());
      expectPassed(created);
      assert.equal(created.json.token_type, 'bearer');
      assert.equal(created.header('X-Session-Token-Hash'), undefined);
      expectPassed(await request(gateway, messageRequest(created.json.token, 'as before')));
    });
  });
});

describe('two nodes that share a Redis', () => {
  let redis;
  let upstream;
  before(async () => {
    redis = await startRedis();
    upstream = await startRecordingUpstream();
  });
  after(async () => {
    await redis?.stop();
    await upstream?.stop();
  });

  test('refuse at one what was proven at the other, and the owner goes on at both', kTimeout, async () => {
    // One address for both, as behind a balancer.
    const env = sharedEnv(redis, upstream, { ...kRequire, PUBLIC_URL: 'http://127.0.0.1:9' });
    const at = { url: env.PUBLIC_URL };
    await withNodes(2, env, async ([a, b]) => {
      const key = newKey();
      const heard = proven(at, key, undefined, createRequest());
      const token = (await request(a, heard)).json.token;
      expectUnproven(await request(b, heard));
      const said = proven(at, key, token, messageRequest(token, 'one'));
      expectPassed(await request(a, said));
      expectUnproven(await request(b, said));
      expectUnproven(await request(b, messageRequest(token, 'stolen')));
      for (const node of [a, b, a]) expectPassed(await request(node, proven(at, key, token, messageRequest(token, 'mine'))));
      const history = await request(b, proven(at, key, token, { path: '/api/v1/chat/history', headers: { Origin: kOrigin } }));
      assert.equal(history.json.total_count, 8);
    });
  });
});
