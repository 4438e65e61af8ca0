// Visitors who are users of the site: its server says who they are, and the upstream is told.

import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { eventually, expectProblem } from '../harness/expect.mjs';
import { startRecordingUpstream } from '../harness/recording_upstream.mjs';
import { userHash, userToken } from '../harness/site_user.mjs';
import { createRequest, kMachinesWelcome, kOrigin, kWideLimits, messageRequest } from '../harness/visitor.mjs';
import { request } from '../harness/wire.mjs';
import { withGateway, withUpstream } from '../harness/with_gateway.mjs';

const kTimeout = { timeout: 60_000 };
const kSecret = randomBytes(48).toString('base64url');
const kEnv = {
  ALLOWED_ORIGINS: kOrigin,
  REPUTATION_ENABLED: 'false',
  ...kWideLimits,
  ...kMachinesWelcome,
  VISITOR_IDENTITY_SECRET: kSecret,
  VISITOR_IDENTITY_ISSUER: 'https://shop.example',
};

const create = (gateway, identity, options) => request(gateway, createRequest({ ...options, body: { origin_domain: 'shop.example', delivery: 'bearer', ...identity } }));
const events = (gateway, code) => gateway.log().split('\n').filter((line) => line.includes(code));
const claimsOf = (jwt) => JSON.parse(Buffer.from(jwt.split('.')[1], 'base64url'));

async function openAs(gateway, identity, options) {
  const answer = await create(gateway, identity, options);
  assert.equal(answer.status, 200, answer.text);
  return answer.json.token;
}

/** What the upstream is told of who says this. */
async function toldOf(gateway, upstream, token, options) {
  const before = upstream.requests.length;
  assert.equal((await request(gateway, messageRequest(token, 'hello', options))).status, 200);
  return upstream.requests[before].json;
}

describe('a site whose server names its users', () => {
  test('has the upstream told who asks, in the payload and in the signed token', kTimeout, async () => {
    await withUpstream(kEnv, async (gateway, upstream) => {
      const ann = await openAs(gateway, { user_token: userToken(kSecret, 'Zoë "7"') });
      const told = await toldOf(gateway, upstream, ann);
      assert.equal(told.user_id, 'Zoë "7"');
      assert.equal(claimsOf(told.jwt_token).user_id, 'Zoë "7"');
      assert.ok(!Buffer.from(ann.slice(4), 'base64url').includes('Zoë'), 'the page cannot read it in the token');
      const nobody = await toldOf(gateway, upstream, await openAs(gateway, {}));
      assert.equal(nobody.user_id, undefined);
      assert.equal(claimsOf(nobody.jwt_token).user_id, undefined);
      const context = { headers: {}, body: { message: 'hello', context: { user_id: 'admin' }, user_id: 'admin' } };
      const liar = await toldOf(gateway, upstream, await openAs(gateway, {}), context);
      assert.equal(liar.user_id, undefined, 'what a page says in a message is no user');
    });
  });

  test('what does not verify is refused, and makes no stranger of anybody', kTimeout, async () => {
    await withUpstream(kEnv, async (gateway, upstream) => {
      const now = Math.floor(Date.now() / 1000);
      const token = (claims) => ({ user_token: userToken(kSecret, 'ann', claims) });
      const [head, claims, signature] = userToken(kSecret, 'ann').split('.');
      const refused = [
        token({ exp: now - 60, iat: now - 600 }),
        token({ exp: now + 86_400 }),
        token({ iat: now + 600, exp: now + 700 }),
        token({ aud: 'another' }),
        token({ iss: 'https://other.example' }),
        token({ sub: undefined }),
        token({ sub: 'x'.repeat(257) }),
        token({ header: { alg: 'none' } }),
        token({ header: { alg: 'RS256' } }),
        token({ header: { typ: 'at+jwt' } }),
        { user_token: userToken(randomBytes(48).toString('base64url'), 'ann') },
        { user_token: `${Buffer.from('{"alg":"none"}').toString('base64url')}.${claims}.` },
        { user_token: `${head}.${Buffer.from(JSON.stringify({ ...claimsOf(`.${claims}`), sub: 'bob' })).toString('base64url')}.${signature}` },
        { user_token: 'nonsense' },
        { user_id: 'ann', user_hash: userHash(kSecret, 'ann') },
        { user_id: 'ann' },
      ];
      for (const identity of refused) expectProblem(await create(gateway, identity), 401, 'IDENTITY_INVALID');
      await eventually(() => events(gateway, 'SES_011').length === refused.length, { what: 'an event for each' });
      for (const line of events(gateway, 'SES_011')) assert.ok(!line.includes('eyJ'), 'no token in the log');
      assert.equal(upstream.requests.length, 0);
    });
  });

  test('may require a user', kTimeout, async () => {
    await withUpstream({ ...kEnv, VISITOR_IDENTITY_REQUIRED: 'true' }, async (gateway) => {
      expectProblem(await create(gateway, {}), 401, 'IDENTITY_REQUIRED');
      await eventually(() => events(gateway, 'SES_010').length === 1, { what: 'an event' });
      expectProblem(await create(gateway, { user_token: 'nonsense' }), 401, 'IDENTITY_INVALID');
      await openAs(gateway, { user_token: userToken(kSecret, 'ann') });
    });
  });

  test('another user in the same browser has another session', kTimeout, async () => {
    await withUpstream(kEnv, async (gateway, upstream) => {
      const browser = (Cookie) => ({ headers: { 'Sec-Fetch-Site': 'same-site', ...(Cookie && { Cookie }) } });
      const open = async (user, cookie) => {
        const answer = await request(gateway, createRequest({ ...browser(cookie), body: { origin_domain: 'shop.example', ...(user && { user_token: userToken(kSecret, user) }) } }));
        assert.equal(answer.status, 200, answer.text);
        return { id: answer.json.session_id, cookie: answer.header('Set-Cookie').split(';')[0] };
      };
      const say = async (cookie) => {
        const { Authorization, ...headers } = messageRequest('', '').headers;
        assert.equal((await request(gateway, { ...messageRequest('', 'mine alone'), headers: { ...headers, Cookie: cookie } })).status, 200);
        return upstream.requests.at(-1).json.user_id;
      };
      const ann = await open('ann');
      assert.equal(await say(ann.cookie), 'ann');
      const bob = await open('bob', ann.cookie);
      const nobody = await open(undefined, ann.cookie);
      for (const other of [bob, nobody]) {
        assert.notEqual(other.id, ann.id);
        const history = await request(gateway, { path: '/api/v1/chat/history', headers: { Origin: kOrigin, Cookie: other.cookie } });
        assert.equal(history.json.total_count, 0, history.text);
      }
      assert.equal(await say(bob.cookie), 'bob');
      assert.equal(await say(nobody.cookie), undefined);
    });
  });

  test('by the hash of an id, where that is its form', kTimeout, async () => {
    await withUpstream({ ...kEnv, VISITOR_IDENTITY_FORM: 'hash' }, async (gateway, upstream) => {
      const ann = await openAs(gateway, { user_id: 'ann', user_hash: userHash(kSecret, 'ann') });
      assert.equal((await toldOf(gateway, upstream, ann)).user_id, 'ann');
      const flipped = userHash(kSecret, 'ann').replace(/^./, (digit) => (digit === '0' ? '1' : '0'));
      for (const identity of [{ user_id: 'ann', user_hash: flipped }, { user_id: 'bob', user_hash: userHash(kSecret, 'ann') }, { user_id: 'ann' }, { user_token: userToken(kSecret, 'ann') }]) {
        expectProblem(await create(gateway, identity), 401, 'IDENTITY_INVALID');
      }
    });
  });

  test('by a key that the gateway cannot sign with, each site its own', kTimeout, async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const file = join(tmpdir(), `portcullis-key-${process.pid}.pem`);
    await writeFile(file, publicKey.export({ type: 'spki', format: 'pem' }));
    const upstream = await startRecordingUpstream();
    try {
      const yaml = `sites:\n- {id: bank, origins: [https://bank.example], visitor_identity: {key_file: ${file}, issuer: bank}, upstream: {kind: http, url: '${upstream.url}', request: '{"q":"{{message}}","who":"{{user_id}}"}'}}\n`;
      await withGateway({ env: { ...kEnv, UPSTREAM_KIND: 'demo' }, yaml }, async (gateway) => {
        const now = Math.floor(Date.now() / 1000);
        const input = [{ alg: 'ES256', typ: 'JWT' }, { iss: 'bank', aud: 'portcullis', sub: 'carl', iat: now, exp: now + 60 }].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
        const signature = sign('sha256', input, { key: privateKey, dsaEncoding: 'ieee-p1363' });
        const identity = { user_token: `${input}.${signature.toString('base64url')}` };
        const bank = { origin: 'https://bank.example' };
        const token = await openAs(gateway, identity, bank);
        assert.deepEqual(await toldOf(gateway, upstream, token, bank), { q: 'hello', who: 'carl' });
        expectProblem(await create(gateway, identity), 401, 'IDENTITY_INVALID');
        expectProblem(await create(gateway, { user_token: userToken(kSecret, 'ann') }, bank), 401, 'IDENTITY_INVALID');
        expectProblem(await request(gateway, messageRequest(token, 'hello')), 403, 'INVALID_ORIGIN');
      });
    } finally {
      await upstream.stop();
      await rm(file, { force: true });
    }
  });

  test('a user who is named where nobody is asked for is refused', kTimeout, async () => {
    const { VISITOR_IDENTITY_SECRET, VISITOR_IDENTITY_ISSUER, ...env } = kEnv;
    await withUpstream(env, async (gateway) => {
      expectProblem(await create(gateway, { user_token: userToken(kSecret, 'ann') }), 401, 'IDENTITY_INVALID');
      await openAs(gateway, {});
    });
  });
});
