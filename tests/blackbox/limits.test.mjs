// How much: the tiers and their numbers, exactness under races, what costs nothing, headers, modes, and what
// happens when the state store is slow or fails.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { eventually, expectProblem } from '../harness/expect.mjs';
import { answers, startFakeUpstream } from '../harness/fake_upstream.mjs';
import { startGateway } from '../harness/gateway.mjs';
import { samplesOf } from '../harness/metrics.mjs';
import { PROVES } from '../harness/proves.mjs';
import { createRequest, kMachinesWelcome, kOrigin, kProduction, kWideLimits, messageRequest, openSession } from '../harness/visitor.mjs';
import { bytesOf, connect, request } from '../harness/wire.mjs';
import { withGateway, withUpstream } from '../harness/with_gateway.mjs';

const kTimeout = { timeout: 60_000 };
const kApi = { path: '/api/health' };
const kChat = { ...kMachinesWelcome, ALLOWED_ORIGINS: kOrigin };
const kStaging = { ...kProduction, SECURITY_ENVIRONMENT: 'staging', ALLOWED_HOSTS: '127.0.0.1' };
const kNoBlocks = { SECURITY_AUTO_BLOCK_SUSPICIOUS_IPS: 'false' };
const wide = (...kept) => Object.fromEntries(Object.entries(kWideLimits).filter(([name]) => !kept.includes(name)));

/** Sends the same request `count` times, one after the other on one connection. */
async function repeat(gateway, count, rest, options) {
  const wire = await connect(gateway, options);
  const answers = [];
  try {
    for (let i = 0; i < count; ++i) answers.push(await wire.send(bytesOf(rest)).answer());
  } finally {
    wire.destroy();
  }
  return answers;
}

const statuses = (answers) => answers.map(({ status }) => status);
const times = (status, count) => Array.from({ length: count }, () => status);
const tierOf = (answer) => answer.header('RateLimit-Policy');

/** `limit` requests pass and the next one is refused by `tier`. */
async function expectLimit(gateway, limit, rest, tier, window) {
  const answers = await repeat(gateway, limit + 1, rest);
  assert.deepEqual(statuses(answers), [...times(200, limit), 429]);
  expectProblem(answers.at(-1), 429, 'RATE_LIMITED');
  assert.equal(tierOf(answers.at(-1)), `"${tier}";q=${limit};w=${window}`);
}

const withChat = (env, body) => withUpstream({ ...kChat, ...env }, body);

// ---- a window that slides, watched while the other tests run

let slide;
const passed = (since) => new Promise((resolve) => setTimeout(resolve, Math.max(0, since - Date.now())));

/** Half of the limit now, half 15 s later; then the limit is spent. */
function startSlide() {
  slide ??= (async () => {
    const gateway = await startGateway({ env: kChat });
    const began = Date.now();
    const first = statuses(await repeat(gateway, 30, createRequest()));
    const rest = (async () => {
      await passed(began + 15_000); // time itself is what the test is about
      const resumed = Date.now();
      const second = await repeat(gateway, 31, createRequest());
      return { resumed, second, spent: Date.now() };
    })();
    rest.catch(() => {});
    return { gateway, began, first, rest };
  })();
  return slide;
}

after(async () => (await slide?.catch(() => undefined))?.gateway.stop());

// ---- the numbers

test(PROVES('F002', { guard: 'rate' }) + 'an address has 60 chat requests a minute by default', kTimeout, async () => {
  await startSlide();
  await withGateway({ env: kChat }, (gateway) => expectLimit(gateway, 60, createRequest(), 'address-minute', 60));
});

test(PROVES('F003', { guard: 'rate' }) + 'an address has 1000 chat requests an hour by default', kTimeout, async () => {
  await withGateway({ env: { ...kChat, ...wide('RATE_LIMIT_PER_HOUR') } }, (gateway) => expectLimit(gateway, 1000, createRequest(), 'address-hour', 3600));
});

test(PROVES('F004', 'F031', { guard: 'rate' }) + 'a session has 30 messages a minute by default; another session has its own 30', kTimeout, async () => {
  await withChat(wide('RATE_LIMIT_SESSION_PER_MINUTE'), async (gateway, upstream) => {
    await expectLimit(gateway, 30, messageRequest(await openSession(gateway), 'hi'), 'session-minute', 60);
    assert.equal(upstream.requests.length, 30);
    await expectLimit(gateway, 30, messageRequest(await openSession(gateway), 'hi'), 'session-minute', 60);
    assert.equal(upstream.requests.length, 60);
  });
});

test(PROVES('F005', { guard: 'rate' }) + 'a site has 1000 chat requests a minute by default, whatever the address', kTimeout, async () => {
  await withGateway({ env: { ...kChat, ...wide('RATE_LIMIT_DOMAIN_PER_MINUTE'), BOT_CHALLENGE: 'off' } }, async (gateway) => {
    const other = await repeat(gateway, 400, createRequest(), { localAddress: '127.0.0.2' });
    assert.deepEqual(statuses(other), times(200, 400));
    const answers = await repeat(gateway, 601, createRequest());
    assert.deepEqual(statuses(answers), [...times(200, 600), 429]);
    assert.equal(tierOf(answers.at(-1)), '"site-minute";q=1000;w=60');
  });
});

for (const [id, name, tier, window] of [
  ['F009', 'RATE_LIMIT_PER_MINUTE', 'address-minute', 60],
  ['F010', 'RATE_LIMIT_PER_HOUR', 'address-hour', 3600],
  ['F005', 'RATE_LIMIT_DOMAIN_PER_MINUTE', 'site-minute', 60],
]) {
  test(PROVES(id, { guard: 'rate' }) + `${name} is honoured`, kTimeout, async () => {
    for (const limit of [1, 7]) {
      await withGateway({ env: { ...kChat, ...wide(name), [name]: String(limit), BOT_CHALLENGE: 'off' } }, (gateway) => expectLimit(gateway, limit, createRequest(), tier, window));
    }
  });
}

test(PROVES('F004', { guard: 'rate' }) + 'RATE_LIMIT_SESSION_PER_MINUTE is honoured, for streams too', kTimeout, async () => {
  await withChat({ ...wide(), RATE_LIMIT_SESSION_PER_MINUTE: '3' }, async (gateway) => {
    const rest = messageRequest(await openSession(gateway), 'hi');
    assert.deepEqual(statuses(await repeat(gateway, 2, rest)), [200, 200]);
    assert.deepEqual(statuses(await repeat(gateway, 2, { ...rest, path: '/api/v1/chat/stream' })), [200, 429]);
    assert.deepEqual(statuses(await repeat(gateway, 1, rest)), [429]);
  });
});

test(PROVES('F131', { guard: 'rate' }) + 'an anonymous address has 100 API requests a minute by default', kTimeout, async () => {
  await withGateway({ env: kStaging }, (gateway) => expectLimit(gateway, 100, kApi, 'api-minute', 60));
});

test(PROVES('F143', { guard: 'rate' }) + 'of 150 quick calls exactly 100 are answered, then 429 begins', kTimeout, async () => {
  await withGateway({ env: { SECURITY_RATE_LIMIT_REQUESTS_PER_MINUTE: '100' } }, async (gateway) => {
    const answers = [];
    for (let i = 0; i < 150; ++i) answers.push(await request(gateway, kApi));
    assert.deepEqual(statuses(answers), [...times(200, 100), ...times(429, 50)]);
  });
});

test(PROVES('F144', { guard: 'rate' }) + 'the development profile has 1000 API requests a minute', kTimeout, async () => {
  await withGateway({}, (gateway) => expectLimit(gateway, 1000, kApi, 'api-minute', 60));
});

test('development relaxes no other tier, and no limit that is set', kTimeout, async () => {
  await withGateway({ env: { ...kChat, SECURITY_RATE_LIMIT_REQUESTS_PER_MINUTE: '100' } }, async (gateway) => {
    assert.equal((await request(gateway, kApi)).header('X-RateLimit-Limit'), '100');
    assert.equal((await request(gateway, createRequest())).header('X-RateLimit-Limit'), '60');
  });
});

test(PROVES('F008', { guard: 'rate' }) + 'each tier of each kind of client has a setting of its own', kTimeout, async () => {
  const others = { BOT_CHALLENGE: 'off', RATE_LIMIT_PER_MINUTE: '9', RATE_LIMIT_PER_HOUR: '90', RATE_LIMIT_DOMAIN_PER_MINUTE: '80', SECURITY_RATE_LIMIT_REQUESTS_PER_MINUTE: '8' };
  for (const [setting, limit, rest, tier, window] of [
    [{}, 9, createRequest(), 'address-minute', 60],
    [{ RATE_LIMIT_PER_HOUR: '6' }, 6, createRequest(), 'address-hour', 3600],
    [{ RATE_LIMIT_DOMAIN_PER_MINUTE: '5' }, 5, createRequest(), 'site-minute', 60],
    [{}, 8, kApi, 'api-minute', 60],
  ]) {
    await withGateway({ env: { ...kChat, ...others, ...setting } }, (gateway) => expectLimit(gateway, limit, rest, tier, window));
  }
  await withChat({ ...others, RATE_LIMIT_SESSION_PER_MINUTE: '4' }, async (gateway) => {
    await expectLimit(gateway, 4, messageRequest(await openSession(gateway), 'hi'), 'session-minute', 60);
  });
});

test('each address has its own limit', kTimeout, async () => {
  await withGateway({ env: { SECURITY_RATE_LIMIT_REQUESTS_PER_MINUTE: '3' } }, async (gateway) => {
    for (const localAddress of ['127.0.0.1', '127.0.0.2', '127.0.0.3']) {
      assert.deepEqual(statuses(await repeat(gateway, 5, kApi, { localAddress })), [200, 200, 200, 429, 429], localAddress);
    }
  });
});

test(PROVES('F002', { guard: 'address' }) + 'visitors behind a trusted proxy have a limit each', kTimeout, async () => {
  await withGateway({ env: { ...kChat, RATE_LIMIT_PER_MINUTE: '2', TRUSTED_PROXIES: '127.0.0.1' } }, async (gateway) => {
    for (const visitor of ['203.0.113.1', '203.0.113.2', '2001:db8::1']) {
      const answers = await repeat(gateway, 3, createRequest({ headers: { 'X-Forwarded-For': `192.0.2.9, ${visitor}` } }));
      assert.deepEqual(statuses(answers), [200, 200, 429], visitor);
    }
  });
});

// ---- how much at a time

/** Sends `count` messages that no answer comes to until `release()`, and looks at what came of them. */
async function holdAnswers(gateway, upstream, send, count) {
  let release;
  const held = new Promise((resolve) => (release = resolve));
  upstream.onRequest(async (call, response) => {
    await held;
    await answers.object('output', 'at last')(call, response);
  });
  const pending = Array.from({ length: count }, send);
  await eventually(() => upstream.requests.length === count, { what: 'all of them are under way' });
  return { release, pending };
}

for (const [tier, setting, visitor] of [
  ['address-in-flight', 'LIMITS_IN_FLIGHT_PER_ADDRESS', 'one address'],
  ['session-in-flight', 'LIMITS_IN_FLIGHT_PER_SESSION', 'one session'],
  ['site-in-flight', 'LIMITS_IN_FLIGHT_PER_SITE', 'one site'],
]) {
  test(`${visitor} has so many requests under way at a time (${setting}), and the refused one costs nothing`, kTimeout, async () => {
    const upstream = await startFakeUpstream();
    const env = { ...kChat, ...kWideLimits, UPSTREAM_RUNS_PER_SESSION: '100', RATE_LIMIT_SESSION_PER_MINUTE: '9', N8N_WEBHOOK_URL: upstream.url, [setting]: '3' };
    try {
      await withGateway({ env }, async (gateway) => {
        const token = await openSession(gateway);
        const send = () => request(gateway, messageRequest(token, 'hi'));
        const { release, pending } = await holdAnswers(gateway, upstream, send, 3);
        for (let i = 0; i < 5; ++i) {
          const refused = await send();
          const problem = expectProblem(refused, 429, 'RATE_LIMITED');
          assert.equal(problem.retry_after, 1);
        }
        const elsewhere = await request(gateway, { ...createRequest(), localAddress: '127.0.0.2' });
        assert.equal(elsewhere.status, tier === 'site-in-flight' ? 429 : 200);
        const light = await request(gateway, { path: '/api/v1/session/validate', headers: { Origin: kOrigin, Authorization: `Bearer ${token}` } });
        assert.equal(light.status, 200, 'what costs nothing is not counted');
        release();
        assert.deepEqual(statuses(await Promise.all(pending)), [200, 200, 200]);
        assert.equal(upstream.requests.length, 3);
        assert.equal((await samplesOf(gateway)).value('portcullis_rate_limited_total', { tier }), tier === 'site-in-flight' ? 6 : 5);
        assert.deepEqual(statuses(await repeat(gateway, 7, messageRequest(token, 'hi'))), [...times(200, 6), 429], 'nine messages in all: the refused ones took none');
      });
    } finally {
      await upstream.stop();
    }
  });
}

test('a visitor who leaves gives the place back', kTimeout, async () => {
  const upstream = await startFakeUpstream();
  const env = { ...kChat, ...kWideLimits, STREAM_RESUME_GRACE: '0s', N8N_WEBHOOK_URL: upstream.url, LIMITS_IN_FLIGHT_PER_SESSION: '1' };
  try {
    await withGateway({ env }, async (gateway) => {
      const token = await openSession(gateway);
      const wire = await connect(gateway);
      upstream.onRequest([() => new Promise(() => {}), answers.object('output', 'hello')]);
      wire.send(bytesOf(messageRequest(token, 'hi')));
      await eventually(() => upstream.requests.length === 1, { what: 'the message is under way' });
      expectProblem(await request(gateway, messageRequest(token, 'hi')), 429, 'RATE_LIMITED');
      wire.destroy();
      await eventually(async () => (await request(gateway, messageRequest(token, 'hi'))).status === 200, { what: 'a place' });
    });
  } finally {
    await upstream.stop();
  }
});

test('a site has limits of its own, and a route a cost and a window', kTimeout, async () => {
  const yaml = [
    'sites:',
    '- id: shop',
    '  origins: [https://small.example]',
    '  upstream: {kind: demo}',
    '  limits: {chat_address_per_minute: 4, session_per_minute: 2}',
    'routes:',
    '- path: /api/v1/session/create',
    '  cost: 2',
    '- path: /api/health',
    '  limits: {address_per_minute: 3}',
  ].join('\n');
  await withGateway({ env: { ...kChat, ...kNoBlocks }, yaml }, async (gateway) => {
    const small = createRequest({ origin: 'https://small.example', body: { origin_domain: 'small.example', delivery: 'bearer' } });
    const created = await repeat(gateway, 3, small);
    assert.deepEqual(statuses(created), [200, 200, 429]);
    assert.equal(tierOf(created.at(-1)), '"address-minute";q=4;w=60');
    assert.equal((await request(gateway, { ...createRequest(), localAddress: '127.0.0.2' })).header('X-RateLimit-Remaining'), '58');
    const health = await repeat(gateway, 4, kApi, { localAddress: '127.0.0.3' });
    assert.deepEqual(statuses(health), [200, 200, 200, 429]);
    assert.equal(tierOf(health.at(-1)), '"route-minute";q=3;w=60');
  });
});

// ---- what is charged

test('a request that one tier refuses takes no unit of the others', kTimeout, async () => {
  await withChat({ ...wide(), ...kNoBlocks, RATE_LIMIT_PER_MINUTE: '6', RATE_LIMIT_SESSION_PER_MINUTE: '2' }, async (gateway) => {
    const token = await openSession(gateway);
    const answers = await repeat(gateway, 12, messageRequest(token, 'hi'));
    assert.deepEqual(statuses(answers), [200, 200, ...times(429, 10)]);
    // One create and two messages of six: three are left.
    assert.deepEqual((await repeat(gateway, 4, createRequest())).map((a) => [a.status, a.header('X-RateLimit-Remaining')]), [[200, '2'], [200, '1'], [200, '0'], [429, '0']]);
  });
});

test('a request that another guard refuses before takes no unit', kTimeout, async () => {
  await withGateway({ env: { ...kChat, RATE_LIMIT_PER_MINUTE: '2', REPUTATION_ENABLED: 'false' } }, async (gateway) => {
    for (const rest of [createRequest({ origin: 'https://evil.example' }), createRequest({ host: 'evil.example' })]) {
      const answers = await repeat(gateway, 5, rest);
      assert.ok(statuses(answers).every((s) => s === 403 || s === 400));
      for (const answer of answers) assert.equal(answer.header('X-RateLimit-Limit'), undefined);
    }
    assert.deepEqual(statuses(await repeat(gateway, 3, createRequest())), [200, 200, 429]);
  });
});

test('a request that is refused later, for its session or body, has been charged', kTimeout, async () => {
  await withGateway({ env: { ...kChat, RATE_LIMIT_PER_MINUTE: '3' } }, async (gateway) => {
    const answers = [
      await request(gateway, createRequest({ body: '{' })),
      await request(gateway, messageRequest('pcs_nonsense', 'hi')),
      await request(gateway, createRequest({ body: {} })),
      await request(gateway, createRequest()),
    ];
    assert.deepEqual(statuses(answers), [400, 401, 422, 429]);
  });
});

test('preflights, validate, history and static files cost nothing in the chat tiers', kTimeout, async () => {
  await withChat({ RATE_LIMIT_PER_MINUTE: '4', RATE_LIMIT_SESSION_PER_MINUTE: '2' }, async (gateway) => {
    const token = await openSession(gateway);
    const headers = { Origin: kOrigin, Authorization: `Bearer ${token}` };
    for (const rest of [
      { method: 'OPTIONS', path: '/api/v1/chat/message', headers: { Origin: kOrigin, 'Access-Control-Request-Method': 'POST' } },
      { path: '/api/v1/session/validate', headers },
      { path: '/api/v1/chat/history', headers },
      { path: '/widget/embed.js' },
      { path: '/widget/' },
      { path: '/' },
    ]) {
      const answers = await repeat(gateway, 15, rest);
      assert.deepEqual(new Set(statuses(answers)), new Set([rest.method ? 204 : 200]), rest.path);
      for (const answer of answers) assert.equal(answer.header('X-RateLimit-Limit'), undefined, rest.path);
    }
    const answers = await repeat(gateway, 3, messageRequest(token, 'hi'));
    assert.deepEqual(answers.map((a) => [a.status, a.header('X-RateLimit-Remaining')]), [[200, '1'], [200, '0'], [429, '0']]);
  });
});

test('routes that cost nothing have a ceiling of ten times the limit of an address', kTimeout, async () => {
  await withGateway({ env: { ...kChat, RATE_LIMIT_PER_MINUTE: '3', SECURITY_RATE_LIMIT_REQUESTS_PER_MINUTE: '2' } }, async (gateway) => {
    const answers = await repeat(gateway, 32, { path: '/' });
    assert.deepEqual(statuses(answers), [...times(200, 30), 429, 429]);
    expectProblem(answers.at(-1), 429, 'RATE_LIMITED');
    assert.equal(tierOf(answers.at(-1)), '"light-minute";q=30;w=60');
    assert.deepEqual(statuses(await repeat(gateway, 3, createRequest())), [200, 200, 200]);
  });
});

test('probes are never limited', kTimeout, async () => {
  await withGateway({ env: { RATE_LIMIT_PER_MINUTE: '1', SECURITY_RATE_LIMIT_REQUESTS_PER_MINUTE: '1', LIMITS_LIGHT_FACTOR: '1' } }, async (gateway) => {
    for (const path of ['/health', '/health/live', '/health/ready']) {
      const answers = await repeat(gateway, 100, { path });
      assert.deepEqual(statuses(answers), times(200, 100));
      assert.equal(answers[99].header('X-RateLimit-Limit'), undefined);
    }
  });
});

// ---- headers

test(PROVES('F011', { guard: 'rate' }) + 'admitted requests carry the limit, what is left and when it is whole again', kTimeout, async () => {
  await withGateway({ env: { SECURITY_RATE_LIMIT_REQUESTS_PER_MINUTE: '4' } }, async (gateway) => {
    const answers = await repeat(gateway, 4, kApi);
    answers.forEach((answer, i) => {
      const remaining = 3 - i;
      assert.equal(answer.header('X-RateLimit-Limit'), '4');
      assert.equal(answer.header('X-RateLimit-Remaining'), String(remaining));
      const reset = Number(answer.header('X-RateLimit-Reset')) - Date.now() / 1000;
      assert.ok(reset > 50 && reset <= 66, `reset in ${reset} s`);
      assert.equal(tierOf(answer), '"api-minute";q=4;w=60');
      const [, left, wait] = answer.header('RateLimit').match(/^"api-minute";r=(\d+);t=(\d+)$/);
      assert.equal(Number(left), remaining);
      assert.ok(Math.abs(Number(wait) - reset) <= 2);
      assert.equal(answer.header('Retry-After'), undefined);
    });
  });
});

test(PROVES('F011', { guard: 'rate' }) + 'a 429 carries Retry-After and the three X-RateLimit headers', kTimeout, async () => {
  await withGateway({ env: { SECURITY_RATE_LIMIT_REQUESTS_PER_MINUTE: '1' } }, async (gateway) => {
    const [, refused] = await repeat(gateway, 2, kApi);
    const problem = expectProblem(refused, 429, 'RATE_LIMITED');
    assert.match(refused.header('Retry-After'), /^[1-9]\d*$/);
    const retry = Number(refused.header('Retry-After'));
    assert.ok(retry >= 55 && retry <= 65, `Retry-After: ${retry}`);
    assert.equal(problem.retry_after, retry);
    assert.equal(refused.header('X-RateLimit-Limit'), '1');
    assert.equal(refused.header('X-RateLimit-Remaining'), '0');
    assert.ok(Math.abs(Number(refused.header('X-RateLimit-Reset')) - Date.now() / 1000 - retry) <= 2);
    assert.equal(refused.header('RateLimit'), `"api-minute";r=0;t=${retry}`);
    assert.equal(tierOf(refused), '"api-minute";q=1;w=60');
  });
});

test('the headers name the tier that is nearest to its end', kTimeout, async () => {
  await withChat({ ...wide(), RATE_LIMIT_PER_MINUTE: '50', RATE_LIMIT_PER_HOUR: '20', RATE_LIMIT_DOMAIN_PER_MINUTE: '10', RATE_LIMIT_SESSION_PER_MINUTE: '3' }, async (gateway) => {
    const created = await request(gateway, createRequest());
    assert.equal(created.header('RateLimit-Policy'), '"site-minute";q=10;w=60');
    const sent = await request(gateway, messageRequest(created.json.token, 'hi'));
    assert.equal(sent.header('RateLimit-Policy'), '"session-minute";q=3;w=60');
    assert.equal(sent.header('X-RateLimit-Remaining'), '2');
  });
});

// ---- exactness

/** 64 connections on all workers send at once; returns how often each status came. */
async function race(gateway, rest, { connections = 64, each = 4 } = {}) {
  const wires = await Promise.all(Array.from({ length: connections }, () => connect(gateway)));
  const counts = {};
  await Promise.all(
    wires.map(async (wire) => {
      wire.send(Buffer.concat(Array.from({ length: each }, () => bytesOf(rest))));
      for (let i = 0; i < each; ++i) {
        const { status } = await wire.answer({ within: 30_000 });
        counts[status] = (counts[status] ?? 0) + 1;
      }
      wire.destroy();
    }),
  );
  return counts;
}

for (const simulate of ['none', 'slow']) {
  test(PROVES('F131', 'F001', { guard: 'rate' }) + `64 connections racing on two workers get exactly the limit (state ${simulate})`, kTimeout, async () => {
    await withGateway({ env: { ...kNoBlocks, SECURITY_RATE_LIMIT_REQUESTS_PER_MINUTE: '100', STATE_SIMULATE: simulate } }, async (gateway) => {
      assert.deepEqual(await race(gateway, kApi), { 200: 100, 429: 156 });
    });
  });

  test(PROVES('F002', 'F001', { guard: 'rate' }) + `64 connections racing for several tiers get exactly the narrowest (state ${simulate})`, kTimeout, async () => {
    await withGateway({ env: { ...kChat, ...kNoBlocks, BOT_CHALLENGE: 'off', STATE_SIMULATE: simulate, RATE_LIMIT_PER_MINUTE: '90', RATE_LIMIT_PER_HOUR: '100', RATE_LIMIT_DOMAIN_PER_MINUTE: '95' } }, async (gateway) => {
      assert.deepEqual(await race(gateway, createRequest()), { 200: 90, 429: 166 });
      // Nothing was charged for the refused ones: the site has its last five for another address.
      const other = await repeat(gateway, 6, createRequest(), { localAddress: '127.0.0.2' });
      assert.deepEqual(statuses(other), [...times(200, 5), 429]);
    });
  });
}

test('64 connections racing with one session get exactly its messages', kTimeout, async () => {
  await withChat({ ...wide(), ...kNoBlocks, RATE_LIMIT_SESSION_PER_MINUTE: '30', UPSTREAM_RUNS_PER_SESSION: '100' }, async (gateway, upstream) => {
    assert.deepEqual(await race(gateway, messageRequest(await openSession(gateway), 'hi'), { each: 2 }), { 200: 30, 429: 98 });
    assert.equal(upstream.requests.length, 30);
  });
});

// ---- the state store on a bad day

test('with a slow state store everything still works', kTimeout, async () => {
  await withChat({ STATE_SIMULATE: 'slow', RATE_LIMIT_PER_MINUTE: '4' }, async (gateway) => {
    const token = await openSession(gateway);
    assert.deepEqual(statuses(await repeat(gateway, 5, messageRequest(token, 'hi'))), [200, 200, 200, 429, 429]);
    const validated = await request(gateway, { path: '/api/v1/session/validate', headers: { Origin: kOrigin, Authorization: `Bearer ${token}` } });
    assert.equal(validated.status, 200);
  });
});

test('with a failing state store limited routes answer 503 at once, with Retry-After, and probes go on', kTimeout, async () => {
  await withGateway({ env: { ...kChat, STATE_SIMULATE: 'failing' } }, async (gateway) => {
    for (const rest of [
      kApi, createRequest(), messageRequest('pcs_nonsense', 'hi'), { path: '/' }, { path: '/nowhere' },
      { method: 'OPTIONS', path: '/api/v1/chat/message', headers: { Origin: kOrigin, 'Access-Control-Request-Method': 'POST' } },
    ]) {
      const answers = await repeat(gateway, 3, rest);
      for (const answer of answers) {
        expectProblem(answer, 503, 'STATE_UNAVAILABLE');
        assert.equal(answer.header('Retry-After'), '1');
      }
    }
    for (const path of ['/health', '/health/live', '/health/ready']) assert.equal((await request(gateway, { path })).status, 200, path);
    assert.deepEqual(await race(gateway, kApi, { connections: 16 }), { 503: 64 });
    const samples = await samplesOf(gateway);
    assert.equal(samples.value('portcullis_guard_decisions_total', { guard: 'rate', outcome: 'error' }), 82);
  });
});

test('guards.rate.on_error=pass lets requests through when the state store fails', kTimeout, async () => {
  await withGateway({ env: { STATE_SIMULATE: 'failing', GUARDS_RATE_ON_ERROR: 'pass', SECURITY_RATE_LIMIT_REQUESTS_PER_MINUTE: '1' } }, async (gateway) => {
    assert.deepEqual(statuses(await repeat(gateway, 5, kApi)), times(200, 5));
    const samples = await samplesOf(gateway);
    assert.equal(samples.value('portcullis_guard_decisions_total', { guard: 'rate', outcome: 'error' }), 5);
    await eventually(() => (gateway.log().match(/SYS_002/g) ?? []).length === 5, { what: 'five events' });
  });
});

// ---- modes

test('in monitor mode nothing is refused, and what would have been is counted and recorded', kTimeout, async () => {
  await withGateway({ env: { GUARDS_RATE_MODE: 'monitor', SECURITY_RATE_LIMIT_REQUESTS_PER_MINUTE: '3' } }, async (gateway) => {
    assert.deepEqual(statuses(await repeat(gateway, 8, kApi)), times(200, 8));
    const samples = await samplesOf(gateway);
    const count = (outcome) => samples.value('portcullis_guard_decisions_total', { guard: 'rate', outcome });
    assert.deepEqual([count('would_refuse'), count('refused')], [5, 0]);
    const lines = await eventually(() => {
      const found = gateway.log().split('\n').filter((l) => l.includes('RATE_LIMIT_EXCEEDED'));
      return found.length === 5 && found;
    });
    for (const line of lines) assert.match(line, /decision=would_refuse/);
  });
});

test('in mode off the guard neither decides nor counts nor shows headers', kTimeout, async () => {
  await withGateway({ env: { GUARDS_RATE_MODE: 'off', SECURITY_RATE_LIMIT_REQUESTS_PER_MINUTE: '3' } }, async (gateway) => {
    const answers = await repeat(gateway, 8, kApi);
    assert.deepEqual(statuses(answers), times(200, 8));
    for (const answer of answers) assert.equal(answer.header('X-RateLimit-Limit'), undefined);
    const samples = await samplesOf(gateway);
    assert.equal(samples.value('portcullis_guard_decisions_total', { guard: 'rate' }), 0);
  });
});

test('modes can be set for one route in the file', kTimeout, async () => {
  const yaml = `
limits: { api_address_per_minute: 2, chat_address_per_minute: 2 }
routes:
  - { path: /api/health, guards: { rate: off } }
  - path: /api/v1/session/create
    guards:
      rate: monitor
      origin: off
`;
  await withGateway({ env: { ...kChat, ...kNoBlocks }, yaml }, async (gateway) => {
    assert.deepEqual(statuses(await repeat(gateway, 6, kApi)), times(200, 6), 'rate: off');
    assert.deepEqual(statuses(await repeat(gateway, 6, createRequest({ origin: 'https://evil.example' }))), times(200, 6), 'rate: monitor, origin: off');
    // The chat limit of an address is one for all chat routes; what create went on without is spent here.
    assert.deepEqual(statuses(await repeat(gateway, 1, messageRequest('pcs_nonsense', 'hi'))), [429], 'message: enforce');
    assert.deepEqual(statuses(await repeat(gateway, 3, { path: '/nowhere' }, { localAddress: '127.0.0.2' })), [404, 404, 429], 'elsewhere: enforce');
  });
});

// ---- counters

test('guard counters on /metrics add up to the requests', kTimeout, async () => {
  await withGateway({ env: { ...kChat, SECURITY_RATE_LIMIT_REQUESTS_PER_MINUTE: '10', REPUTATION_ENABLED: 'false' } }, async (gateway) => {
    const sent = [
      ...times(kApi, 8),
      ...times({ path: '/api/health', host: 'evil.example' }, 3),
      ...times({ path: '/api/health', headers: { Origin: 'https://evil.example' } }, 4),
      ...times({ method: 'BREW', path: '/api/health' }, 2),
      ...times(createRequest(), 3),
      ...times(createRequest({ body: '{' }), 2),
      ...times(messageRequest('pcs_nonsense', 'hi'), 3),
      ...times({ path: '/nowhere' }, 5), // two of them pass the limit of ten
      ...times({ path: '/health' }, 2),
    ];
    for (const rest of sent) await request(gateway, rest);
    for (let i = 0; i < 3; ++i) {
      const wire = await connect(gateway);
      await wire.send('\0').answer();
      wire.destroy();
    }
    const requests = sent.length + 3;
    // A request is counted at its very end, so the last ones may lag; each look is itself one request more.
    let looks = 0;
    const samples = await eventually(async () => {
      const now = await samplesOf(gateway);
      return now.value('portcullis_requests_total') === requests + looks++ && now;
    }, { what: 'all requests counted' });
    const decided = (guard, outcome) => samples.value('portcullis_guard_decisions_total', outcome ? { guard, outcome } : { guard });
    const refused = { address: 0, blocks: 0, protocol: 5, host: 3, origin: 4, credentials: 0, rate: 3, session: 3, body: 2 };
    let arriving = requests + looks;
    for (const [guard, count] of Object.entries(refused)) {
      assert.equal(decided(guard, 'refused'), count, `${guard} refused`);
      assert.equal(decided(guard), arriving, `${guard} in all`);
      assert.equal(decided(guard, 'passed'), arriving - count, `${guard} passed`);
      arriving -= count;
    }
    assert.equal(samples.value('portcullis_requests_total', { route: 'api_health', status: '2xx' }), 8);
    assert.equal(samples.value('portcullis_requests_total', { route: 'session_create', status: '2xx' }), 3);
    assert.equal(samples.value('portcullis_requests_total', { status: '5xx' }), 2);
    assert.equal(samples.value('portcullis_rate_limited_total', { tier: 'api-minute' }), 3);
    assert.equal(samples.value('portcullis_events_total'), Object.values(refused).reduce((a, b) => a + b));
  });
});

// ---- last, because it takes a minute

test(PROVES('F001', 'F011', { guard: 'rate' }) + 'the window slides: after a minute exactly what was used then is free again, and Retry-After told so', { timeout: 120_000 }, async () => {
  const { gateway, began, first, rest } = await startSlide();
  assert.deepEqual(first, times(200, 30));
  const { resumed, second, spent } = await rest;
  assert.deepEqual(statuses(second), [...times(200, 30), 429]);
  const promised = spent + 1000 * Number(second.at(-1).header('Retry-After'));
  assert.ok(promised - began >= 60_000 && promised - began <= 67_000, `Retry-After leads to ${promised - began} ms after the start`);

  await passed(began + 55_000);
  assert.deepEqual(statuses(await repeat(gateway, 1, createRequest())), [429], 'never more than the limit in any minute');
  await passed(promised);
  // Whoever was refused is paced as well: twenty at once, and then one a second.
  assert.deepEqual(statuses(await repeat(gateway, 20, createRequest())), times(200, 20));
  for (let i = 0; i < 10; ++i) {
    await passed(Date.now() + 1050);
    assert.deepEqual(statuses(await repeat(gateway, 1, createRequest())), [200], `${i} of the last ten`);
  }
  assert.ok(Date.now() - resumed < 65_000, 'the second half is still in the window');
  await passed(Date.now() + 1050);
  assert.deepEqual(statuses(await repeat(gateway, 1, createRequest())), [429]);
});
