// A session in the hands of somebody else: what speaks against him, what follows, and that its owner never notices.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openEvents } from '../harness/client.mjs';
import { eventually, expectProblem } from '../harness/expect.mjs';
import { samplesOf } from '../harness/metrics.mjs';
import { sharedEnv, withNodes } from '../harness/nodes.mjs';
import { PROVES } from '../harness/proves.mjs';
import { startRecordingUpstream } from '../harness/recording_upstream.mjs';
import { startRedis } from '../harness/redis.mjs';
import { createRequest, kMachinesWelcome, kOrigin, kWideLimits, messageRequest, openSession } from '../harness/visitor.mjs';
import { request } from '../harness/wire.mjs';
import { withGateway, withUpstream } from '../harness/with_gateway.mjs';
import { solve } from '../harness/work.mjs';

const kTimeout = { timeout: 120_000 };
const kFirefox = { 'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0', 'Accept-Language': 'en' };
const kUpdated = { ...kFirefox, 'User-Agent': kFirefox['User-Agent'].replaceAll('128', '129') };
const kSafari = { 'User-Agent': 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.5 Safari/605.1.15', 'Accept-Language': 'en' };
const at = (address, browser = kFirefox) => ({ ...browser, 'X-Forwarded-For': address });
const kOwner = at('203.0.113.7');
const kBoth = { user_agent_change: at('198.51.100.9', kUpdated), platform_change: at('198.51.100.9', kSafari) };

const kEnv = {
  ALLOWED_ORIGINS: kOrigin,
  TRUSTED_PROXIES: '127.0.0.0/8',
  REPUTATION_ENABLED: 'false',
  BOT_CHALLENGE_STEPS: '100',
  ...kWideLimits,
  ...kMachinesWelcome,
  SESSION_RISK_ALERT: '50',
  SESSION_RISK_DENY: '75',
};
// A quarter of this is what a suspicious presenter has a minute.
const kMinute = { RATE_LIMIT_SESSION_PER_MINUTE: '40' };

const say = (gateway, token, headers, message = 'Where is my parcel?') => request(gateway, messageRequest(token, message, { headers }));
const validate = (gateway, token, headers) => request(gateway, { path: '/api/v1/session/validate', headers: { Origin: kOrigin, Authorization: `Bearer ${token}`, ...headers } });
const createMany = async (gateway, headers, count = 6) => {
  let token;
  for (let i = 0; i < count; ++i) token = await openSession(gateway, { headers });
  return token;
};
const pay = (answer, headers) => ({ ...headers, 'X-Challenge-Solution': solve(answer.json.challenge) });
const events = (gateway, code) => gateway.log().split('\n').filter((line) => line.includes(code));
const expectPassed = (answer) => assert.equal(answer.status, 200, answer.text);

/** What holds on one node in memory and on three that share a Redis: `nodes` are asked in turn. */
function theft(start) {
  const scenario = (name, env, body) =>
    test(name, kTimeout, () =>
      start({ ...kEnv, ...env }, async (nodes) => {
        let turn = 0;
        const next = () => nodes[turn++ % nodes.length];
        const alerts = () => nodes.reduce((sum, node) => sum + events(node, 'SES_004').length, 0);
        await body({ next, nodes, alerts, open: (headers = kOwner) => openSession(next(), { headers }) });
      }),
    );

  scenario(PROVES('F028') + 'another address alone is noticed and harms nobody', {}, async ({ next, alerts, open }) => {
    const token = await open();
    for (const headers of [kOwner, at('198.51.100.9'), kOwner, at('192.0.2.1')]) expectPassed(await say(next(), token, headers));
    assert.equal(alerts(), 0);
  });

  scenario(PROVES('F029') + 'another browser alone is noticed and harms nobody', {}, async ({ next, alerts, open }) => {
    const token = await open();
    for (const browser of [kFirefox, kUpdated, kSafari]) expectPassed(await say(next(), token, at('203.0.113.7', browser)));
    assert.equal(alerts(), 0);
  });

  for (const [what, thief] of Object.entries(kBoth)) {
    scenario(PROVES('F026', 'F027', 'F028', 'F029', { guard: 'session' }) + `another address and browser (${what}): one alert, a challenge, a quarter of the limits; the owner goes on`, kMinute, async ({ next, alerts, open }) => {
      const token = await open();
      expectPassed(await say(next(), token, kOwner));
      for (let i = 0; i < 3; ++i) expectProblem(await say(next(), token, thief), 403, 'CHALLENGE_REQUIRED');
      expectProblem(await validate(next(), token, thief), 403, 'CHALLENGE_REQUIRED');
      await eventually(() => alerts() === 1, { what: 'one alert' });
      const paid = await say(next(), token, pay(await say(next(), token, thief), thief));
      expectPassed(paid);
      assert.equal(paid.header('X-Session-Token'), undefined, 'a thief can work, too: he gets no token for it');
      assert.equal(paid.header('Set-Cookie'), undefined);
      for (let i = 1; i < 10; ++i) expectPassed(await say(next(), token, thief));
      expectProblem(await say(next(), token, thief), 429, 'RATE_LIMITED');
      for (let i = 0; i < 12; ++i) expectPassed(await say(next(), token, kOwner));
      assert.equal(alerts(), 1);
    });
  }

  scenario('back and forth between owner and thief: the owner never loses his session', { SESSION_RISK_DENY: '65' }, async ({ next, alerts, open }) => {
    const token = await open();
    const thief = kBoth.platform_change; // 60, and 10 more while the owner is talking
    for (let i = 0; i < 8; ++i) {
      expectPassed(await say(next(), token, kOwner));
      expectProblem(await say(next(), token, thief), 401, 'SESSION_INVALID');
      expectProblem(await validate(next(), token, thief), 401, 'SESSION_INVALID');
    }
    await eventually(() => alerts() === 1, { what: 'one alert' });
    const { json } = await request(next(), { path: '/api/v1/chat/history', headers: { Origin: kOrigin, Authorization: `Bearer ${token}`, ...kOwner } });
    assert.equal(json.messages.filter((m) => m.role === 'user').length, 8);
    expectPassed(await say(next(), token, at('198.51.100.77')), 'another presenter is another matter');
  });

  scenario('a visitor of IPv4 and IPv6 is one visitor', {}, async ({ next, alerts, open }) => {
    const token = await createMany(next(), kOwner); // 40 points already
    for (const address of ['203.0.113.7', '2001:db8::7', '203.0.113.7', '2001:db8:0:0:ffff::1']) expectPassed(await say(next(), token, at(address)));
    assert.equal(alerts(), 0);
    expectProblem(await say(next(), token, at('2001:db8::7', kUpdated)), 403, 'CHALLENGE_REQUIRED');
  });

  scenario(PROVES('F033', { guard: 'session' }) + 'an office whose people all begin to talk is left alone; an update of a browser there brings a fresh token', kMinute, async ({ next, alerts, open }) => {
    const tokens = [];
    for (let i = 0; i < 12; ++i) tokens.push(await open());
    for (const token of tokens) expectPassed(await say(next(), token, kOwner));
    expectPassed(await say(next(), tokens[11], at('198.51.100.9')), 'who goes home');
    assert.equal(alerts(), 0);

    const token = tokens[11];
    const updated = at('203.0.113.7', kUpdated);
    const challenged = await say(next(), token, updated);
    expectProblem(challenged, 403, 'CHALLENGE_REQUIRED');
    assert.equal(challenged.header('X-Session-Token'), undefined, 'not with the request that raised the risk');
    const renewed = await say(next(), token, pay(challenged, updated));
    expectPassed(renewed);
    const fresh = renewed.header('X-Session-Token');
    assert.match(fresh, /^pcs_/);
    assert.match(renewed.header('Access-Control-Expose-Headers'), /X-Session-Token/);
    for (let i = 0; i < 20; ++i) expectPassed(await say(next(), fresh, updated));
    const { json } = await request(next(), { path: '/api/v1/chat/history', headers: { Origin: kOrigin, Authorization: `Bearer ${fresh}`, ...updated } });
    assert.equal(json.messages.filter((m) => m.role === 'user').length, 23, 'it is the same conversation');

    expectPassed(await validate(next(), token, updated), 'what is under way');
    expectProblem(await validate(next(), token, at('198.51.100.9', kUpdated)), 403, 'CHALLENGE_REQUIRED');
    expectPassed(await say(next(), token, kOwner), 'a neighbour with the old browser');
  });

  scenario(PROVES('F030', 'F033', { guard: 'session' }) + 'a thief whose network creates sessions in a burst is shut out', {}, async ({ next, nodes, open }) => {
    const token = await open();
    expectPassed(await say(next(), token, kOwner));
    const thief = at('198.51.100.9', kUpdated);
    for (let i = 0; i < 6; ++i) await open(thief);
    expectProblem(await say(next(), token, thief), 401, 'SESSION_INVALID');
    await eventually(() => nodes.some((node) => events(node, 'SES_006').length === 1), { what: 'its event' });
    expectPassed(await say(next(), token, kOwner));
    expectProblem(await say(next(), token, thief), 401, 'SESSION_INVALID');
    expectPassed(await say(next(), token, at('198.51.100.9')), 'who moved there');
  });

  scenario(PROVES('F030', 'F032', 'F034', { guard: 'session' }) + 'more than 100 messages in the first hour, of a session that was created in a burst', { SESSION_RISK_DENY: '60' }, async ({ next, nodes, alerts }) => {
    const token = await createMany(next(), kOwner);
    for (let i = 0; i < 101; ++i) expectPassed(await say(next(), token, kOwner));
    assert.equal(alerts(), 0);
    expectProblem(await say(next(), token, kOwner), 401, 'SESSION_INVALID'); // 65 points, of the owner himself
    await eventually(() => nodes.some((node) => events(node, 'SES_007').length === 1), { what: 'its event' });
    for (const headers of [kOwner, at('198.51.100.9')]) expectProblem(await validate(next(), token, headers), 401, 'SESSION_INVALID');
  });

  scenario('a stream that a thief holds open ends when he is shut out, the owner’s goes on', { SESSION_RISK_ALERT: '35', SESSION_RISK_DENY: '35', STREAM_HEARTBEAT: '300ms' }, async ({ next, open }) => {
    const token = await open();
    const listen = (headers) => openEvents(next(), 'GET', '/api/v1/chat/stream', { headers: { Origin: kOrigin, Authorization: `Bearer ${token}`, ...headers } });
    const thief = at('198.51.100.9'); // 30 points, and 10 more once the owner talks
    const [theirs, mine] = [await listen(thief), await listen(kOwner)];
    assert.deepEqual([theirs.status, mine.status], [200, 200]);
    expectPassed(await say(next(), token, kOwner));
    expectProblem(await validate(next(), token, thief), 401, 'SESSION_INVALID');
    await eventually(() => theirs.how !== undefined, { what: 'the end of the stream' });
    const seen = theirs.raw();
    expectPassed(await say(next(), token, kOwner, 'Something that is nobody else’s concern'));
    await mine.next((event) => JSON.stringify(event).includes('recorded'));
    assert.equal(theirs.raw(), seen);
    assert.equal(mine.how, undefined);
    mine.close();
  });

  scenario('a thief takes no window, no session and no address from the owner', kMinute, async ({ next, open }) => {
    const token = await open();
    expectPassed(await say(next(), token, kOwner));
    const refused = [];
    for (let i = 0; i < 120; ++i) refused.push((await say(next(), token, at(`198.51.100.${9 + (i % 4)}`, i % 2 ? kUpdated : undefined))).status);
    assert.ok(refused.some((status) => status !== 200), 'he is stopped somewhere');
    for (let i = 0; i < 20; ++i) expectPassed(await say(next(), token, kOwner));
    const { status } = await request(next(), { method: 'DELETE', path: '/api/v1/session/destroy', headers: { Origin: kOrigin, Authorization: `Bearer ${token}`, ...at('198.51.100.200') } });
    assert.equal(status, 200, 'he ends it for himself');
    expectProblem(await validate(next(), token, at('198.51.100.200', kUpdated)), 401, 'SESSION_INVALID');
    expectPassed(await say(next(), token, kOwner));
  });

  scenario('messages of a thief do not count against the owner', {}, async ({ next, open }) => {
    const token = await createMany(next(), kOwner);
    const thief = at('198.51.100.9');
    const disguised = at('198.51.100.9', kUpdated);
    for (let i = 0; i < 105; ++i) expectPassed(await say(next(), token, i % 34 ? thief : kOwner)); // 101 of them his
    expectPassed(await say(next(), token, thief), 'with the browser of the owner, who may have gone there');
    expectProblem(await say(next(), token, disguised), 401, 'SESSION_INVALID');
    expectPassed(await say(next(), token, kOwner));
    expectPassed(await say(next(), token, at('203.0.113.77')), 'the owner, who has gone elsewhere');
  });
}

describe('a stolen session, one node', () => theft((env, body) => withUpstream(env, (gateway) => body([gateway]))));

describe('a stolen session, three nodes that share a Redis', () => {
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
  theft((env, body) => withNodes(3, sharedEnv(redis, upstream, env), body));
});

describe('the fresh token', () => {
  test('of a cookie is a cookie, and the old one dies half a minute later', kTimeout, async () => {
    await withUpstream(kEnv, async (gateway) => {
      const create = () => request(gateway, createRequest({ headers: { ...kOwner, 'X-Forwarded-Proto': 'https', 'Sec-Fetch-Site': 'cross-site' }, body: { origin_domain: 'shop.example' } }));
      let created;
      for (let i = 0; i < 6; ++i) created = await create();
      const cookie = created.header('Set-Cookie').split(';')[0];
      const send = (value, more = {}, rest = { method: 'POST', path: '/api/v1/chat/message', body: { message: 'hi' } }) => request(gateway, {
        ...rest,
        headers: { Origin: kOrigin, Cookie: value, 'Content-Type': 'application/json', ...at('203.0.113.7', kUpdated), 'X-Forwarded-Proto': 'https', 'Sec-Fetch-Site': 'cross-site', ...more },
      });
      const challenged = await send(cookie);
      expectProblem(challenged, 403, 'CHALLENGE_REQUIRED');
      assert.equal(challenged.header('Set-Cookie'), undefined);
      const renewed = await send(cookie, { 'X-Challenge-Solution': solve(challenged.json.challenge) });
      expectPassed(renewed);
      const at0 = Date.now();
      assert.match(renewed.header('Set-Cookie'), /^chat_session_id=pcs_[\w-]+; Max-Age=86400; Path=\/; HttpOnly; Secure; SameSite=None; Partitioned$/);
      const fresh = renewed.header('Set-Cookie').split(';')[0];
      assert.notEqual(fresh, cookie);
      expectPassed(await send(fresh));
      expectPassed(await send(cookie));
      const look = () => send(cookie, {}, { path: '/api/v1/session/validate' });
      await eventually(async () => (await look()).status === 401, { within: 40_000, what: 'the end of the old token' });
      assert.ok(Date.now() - at0 > 27_000, `${Date.now() - at0} ms`);
      expectPassed(await send(fresh));
    });
  });

  test('where nobody can be challenged there is none, and the quarter holds', kTimeout, async () => {
    await withUpstream({ ...kEnv, ...kMinute, BOT_CHALLENGE: 'off' }, async (gateway) => {
      const token = await createMany(gateway, kOwner);
      const updated = at('203.0.113.7', kUpdated);
      for (let i = 0; i < 10; ++i) {
        const answer = await say(gateway, token, updated);
        expectPassed(answer);
        assert.equal(answer.header('X-Session-Token'), undefined);
      }
      expectProblem(await say(gateway, token, updated), 429, 'RATE_LIMITED');
    });
  });
});

describe('sensitivity', () => {
  const thief = kBoth.platform_change;

  test('monitor tells only, off does not look', kTimeout, async () => {
    for (const [env, told] of [[{ SESSION_RISK: 'monitor' }, 1], [{ SESSION_RISK: 'off' }, 0], [{ GUARDS_SESSION_MODE: 'monitor' }, 1]]) {
      await withUpstream({ ...kEnv, ...env, SESSION_RISK_DENY: '55' }, async (gateway) => {
        const token = await openSession(gateway, { headers: kOwner });
        for (let i = 0; i < 5; ++i) expectPassed(await say(gateway, token, thief));
        const samples = await samplesOf(gateway);
        assert.equal(samples.value('portcullis_session_risk_total', { outcome: 'alerted' }) ?? 0, told);
        assert.equal(samples.value('portcullis_session_risk_total', { outcome: 'shut_out' }) ?? 0, 0);
        const expected = env.GUARDS_SESSION_MODE ? 5 : 0;
        assert.equal(samples.value('portcullis_guard_decisions_total', { guard: 'session', outcome: 'would_refuse' }), expected);
      });
    }
  });

  test('each site has its own', kTimeout, async () => {
    const yaml = `sites:
  - id: bank
    origins: [https://bank.example]
    session_risk: {alert: 25, deny: 45}
  - id: blog
    origins: [https://blog.example]
    session_risk: {mode: off}
`;
    await withGateway({ env: { ...kEnv, UPSTREAM_KIND: 'demo' }, yaml }, async (gateway) => {
      const visit = async (origin, headers) => {
        const token = await openSession(gateway, { origin, headers: kOwner });
        return request(gateway, messageRequest(token, 'hi', { origin, headers }));
      };
      expectProblem(await visit('https://bank.example', at('198.51.100.9')), 403, 'CHALLENGE_REQUIRED');
      expectProblem(await visit('https://bank.example', at('198.51.100.9', kUpdated)), 401, 'SESSION_INVALID');
      expectPassed(await visit('https://blog.example', thief));
      expectProblem(await visit(kOrigin, thief), 403, 'CHALLENGE_REQUIRED');
    });
  });

  test(PROVES('F026') + 'what the page says of screen and time zone is part of the fingerprint, and bounded', kTimeout, async () => {
    await withUpstream(kEnv, async (gateway, upstream) => {
      const prints = [];
      for (const traits of [{}, { screen_resolution: '1920x1080', timezone: 'Europe/Oslo' }, { screen_resolution: '390x844', timezone: 'Europe/Oslo' }, { screen_resolution: '1920x1080', timezone: 'Europe/Oslo', language: 'nb' }]) {
        const token = await openSession(gateway, { headers: kOwner, body: { origin_domain: 'shop.example', delivery: 'bearer', ...traits } });
        expectPassed(await say(gateway, token, kOwner));
        prints.push(upstream.requests.at(-1).json.context.security_context.fingerprint);
      }
      assert.match(prints[0], /^[0-9a-f]{32}$/);
      assert.equal(prints[1], prints[3]);
      assert.equal(new Set(prints).size, 3);
      for (const traits of [{ timezone: 'x'.repeat(65) }, { screen_resolution: 'x'.repeat(65) }, { timezone: 5 }]) {
        const answer = await request(gateway, createRequest({ body: { origin_domain: 'shop.example', ...traits } }));
        assert.ok([400, 422].includes(answer.status), answer.text);
      }
    });
  });
});

describe('what pages can do with a visitor’s cookie', () => {
  const kCookieRoutes = [
    ['POST', '/api/v1/chat/message', { message: 'hi' }],
    ['POST', '/api/v1/chat/stream', { message: 'hi' }],
    ['GET', '/api/v1/chat/stream'],
    ['GET', '/api/v1/chat/history'],
    ['GET', '/api/v1/session/validate'],
    ['DELETE', '/api/v1/session/destroy'],
  ];
  const kHostile = {
    'a form of another page': { Origin: 'https://evil.example', 'Content-Type': 'application/x-www-form-urlencoded', 'Sec-Fetch-Site': 'cross-site' },
    'text/plain without CORS': { Origin: 'https://evil.example', 'Content-Type': 'text/plain', 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors' },
    'an opaque origin': { Origin: 'null', 'Content-Type': 'text/plain' },
    'no Origin': { 'Content-Type': 'application/json' },
    'fetch metadata of another site': { 'Content-Type': 'application/json', 'Sec-Fetch-Site': 'cross-site' },
    'a referring page elsewhere': { 'Content-Type': 'application/json', Referer: 'https://evil.example/' },
  };

  test(PROVES('F045', 'F046', { guard: 'origin' }) + 'no route takes the cookie from a foreign page, and none gives one', kTimeout, async () => {
    await withUpstream(kEnv, async (gateway, upstream) => {
      const created = await request(gateway, createRequest({ headers: { 'X-Forwarded-Proto': 'https' }, body: { origin_domain: 'shop.example' } }));
      const cookie = created.header('Set-Cookie').split(';')[0];
      for (const [how, headers] of Object.entries(kHostile)) {
        for (const [method, path, body] of kCookieRoutes) {
          const answer = await request(gateway, { method, path, headers: { Cookie: cookie, ...headers }, ...(body ? { body: headers['Content-Type'] === 'application/x-www-form-urlencoded' ? 'message=hi' : body } : {}) });
          assert.ok([400, 403, 415].includes(answer.status), `${how}: ${method} ${path}: ${answer.status} ${answer.text}`);
          assert.equal(answer.header('Access-Control-Allow-Origin'), undefined, how);
        }
        const create = await request(gateway, { method: 'POST', path: '/api/v1/session/create', headers, body: { origin_domain: 'shop.example' } });
        assert.equal(create.header('Set-Cookie'), undefined, how);
      }
      // The same content types from our own page change nothing of what is taken for a message.
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
        const answer = await request(gateway, { method: 'POST', path: '/api/v1/chat/message', headers: { Origin: kOrigin, Cookie: cookie, 'Content-Type': type }, body: '{"message":"hi"}' });
        expectProblem(answer, 415, 'UNSUPPORTED_MEDIA_TYPE');
      }
      assert.equal(upstream.requests.length, 0, 'nothing reached the assistant');
      expectPassed(await request(gateway, { path: '/api/v1/session/validate', headers: { Origin: kOrigin, Cookie: cookie } }));
    });
  });

  test('a cookie that somebody planted is his session and no other: create never adopts an id', kTimeout, async () => {
    await withUpstream(kEnv, async (gateway) => {
      const create = (headers) => request(gateway, createRequest({ headers: { 'X-Forwarded-Proto': 'https', ...headers }, body: { origin_domain: 'shop.example' } }));
      const planted = (await create(at('198.51.100.9', kSafari))).header('Set-Cookie').split(';')[0];
      // The victim's browser sends it along when it begins: the session is a new one all the same.
      const created = await create({ ...kOwner, Cookie: planted });
      const own = created.header('Set-Cookie').split(';')[0];
      assert.notEqual(own, planted);
      const asVictim = (cookie) => request(gateway, { path: '/api/v1/session/validate', headers: { Origin: kOrigin, Cookie: cookie, ...kOwner } });
      const [mine, theirs] = [await asVictim(own), await asVictim(planted)];
      expectPassed(mine);
      // Whoever uses the planted one is the stranger there: another address, browser and platform.
      expectProblem(theirs, 403, 'CHALLENGE_REQUIRED');
      assert.equal(mine.json.session_id, created.json.session_id);
      for (const invented of ['chat_session_id=planted', 'chat_session_id=pcs_AAAA', `chat_session_id=${'A'.repeat(43)}`]) {
        expectProblem(await asVictim(invented), 401, 'SESSION_INVALID');
      }
    });
  });
});
