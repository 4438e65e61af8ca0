// Who asks, and from where: origins and their look-alikes, Referer, Fetch-Metadata, CORS, sites, Host, and the
// address that proxies report.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { eventually, expectProblem } from '../harness/expect.mjs';
import { runCommand, startGateway } from '../harness/gateway.mjs';
import { PROVES } from '../harness/proves.mjs';
import { startRecordingUpstream } from '../harness/recording_upstream.mjs';
import { createRequest, kHttps, kMachinesWelcome, kOrigin, kProduction, kWideLimits, messageRequest, openSession } from '../harness/visitor.mjs';
import { bytesOf, connect, request } from '../harness/wire.mjs';
import { withGateway } from '../harness/with_gateway.mjs';

const kTimeout = { timeout: 30_000 };
const kHost = 'shop.example';
/** Staging has production's rules without its https. */
const kStaging = { ...kProduction, ...kWideLimits, SECURITY_ENVIRONMENT: 'staging', TRUSTED_PROXIES: '' };
const kOrigins = `${kOrigin}, https://*.wild.example ,http://plain.example:8081`;
let stage;

const shared = () => (stage ??= startGateway({ env: { ...kStaging, ALLOWED_ORIGINS: kOrigins } }));

after(async () => (await stage?.catch(() => undefined))?.stop());

const create = (rest) => createRequest({ host: kHost, ...rest });

/** A create call with exactly these headers about its page. */
const createWith = (headers) => ({ ...create(), headers: { 'Content-Type': 'application/json', ...headers } });

function expectRefused(answer) {
  expectProblem(answer, 403, 'INVALID_ORIGIN');
  for (const name of ['Access-Control-Allow-Origin', 'Access-Control-Allow-Credentials', 'Set-Cookie']) {
    assert.equal(answer.header(name), undefined, name);
  }
  assert.equal(answer.header('Vary'), 'Origin');
}

function expectAllowed(answer, origin) {
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.header('Access-Control-Allow-Origin'), origin);
}

// ---- Origin

const kLookAlikes = {
  'a prefix of the host': 'https://shop.exampl',
  'the host as a prefix': 'https://shop.example.evil.example',
  'the host as a suffix': 'https://evilshop.example',
  'the host as a label': 'https://shop.example-evil.example',
  'a host below it': 'https://www.shop.example',
  'the host above it': 'https://example',
  'http instead of https': 'http://shop.example',
  'another port': 'https://shop.example:8443',
  'port 0': 'https://shop.example:0',
  'a port that wraps around to 443': 'https://shop.example:65979',
  'an empty port': 'https://shop.example:',
  'a user before a foreign host': 'https://shop.example@evil.example',
  'a user before the host': 'https://evil@shop.example',
  'a trailing dot': 'https://shop.example.',
  'a trailing slash': 'https://shop.example/',
  'a path': 'https://shop.example/x',
  'a query': 'https://shop.example?x',
  'a fragment': 'https://shop.example#x',
  'a backslash': 'https://shop.example\\.evil.example',
  'a percent-encoded dot': 'https://shop.example%2eevil.example',
  'a list': 'https://shop.example, https://evil.example',
  'a list with a space': 'https://evil.example https://shop.example',
  'a tab inside': 'https://shop\t.example',
  'null': 'null',
  'nothing': '',
  'a star': '*',
  'the host without scheme': 'shop.example',
  'an empty scheme': '//shop.example',
  'an empty host': 'https://',
  'a file': 'file://',
  'an extension': 'chrome-extension://shop.example',
  'ws': 'wss://shop.example',
  'a Cyrillic letter': 'https://sh\xd0\xbep.example',
  'a foreign host': 'https://evil.example',
  'the base of a wildcard': 'https://wild.example',
  'a host that ends like a wildcard': 'https://evilwild.example',
  'a wildcard host with more behind it': 'https://a.wild.example.evil.example',
  'a wildcard host over http': 'http://a.wild.example',
  'a wildcard host on another port': 'https://a.wild.example:8443',
  'a literal star': 'https://*.wild.example',
  'an empty label below a wildcard': 'https://.wild.example',
  'an allowed host on the default port of http': 'http://plain.example',
};

for (const [name, origin] of Object.entries(kLookAlikes)) {
  test(PROVES('F045', { guard: 'origin' }) + `an origin that differs by ${name} is refused`, kTimeout, async () => {
    const gateway = await shared();
    expectRefused(await request(gateway, create({ origin })));
  });
}

test(PROVES('F045', { guard: 'origin' }) + 'a foreign origin is refused on every route of the chat and on open ones', kTimeout, async () => {
  const gateway = await shared();
  for (const [method, path] of [
    ['POST', '/api/v1/session/create'], ['GET', '/api/v1/session/validate'], ['DELETE', '/api/v1/session/destroy'], ['POST', '/api/v1/chat/message'],
    ['POST', '/api/v1/chat/stream'], ['GET', '/api/v1/chat/stream'], ['GET', '/api/v1/chat/history'], ['GET', '/api/health'], ['GET', '/'], ['GET', '/nowhere'],
  ]) {
    expectRefused(await request(gateway, { method, path, host: kHost, headers: { Origin: 'https://evil.example' } }));
  }
});

test('two Origin headers are refused even where both are allowed', kTimeout, async () => {
  const gateway = await shared();
  const headers = [['Origin', kOrigin], ['Origin', kOrigin], ['Content-Type', 'application/json']];
  expectRefused(await request(gateway, { ...create(), headers }));
});

test(PROVES('F049') + 'each origin of the comma list is allowed, exactly and by wildcard', kTimeout, async () => {
  const gateway = await shared();
  for (const origin of [kOrigin, 'https://a.wild.example', 'https://a.b.wild.example', 'http://plain.example:8081']) {
    expectAllowed(await request(gateway, create({ origin })), origin);
  }
});

test('scheme and host of an origin are compared without regard to case', kTimeout, async () => {
  expectAllowed(await request(await shared(), create({ origin: 'HTTPS://Shop.Example' })), kOrigin);
});

for (const [name, env] of [
  ['a JSON list', { ALLOWED_ORIGINS: '["https://shop.example", "https://b.example"]' }],
  ['a comma list with spaces and a slash', { ALLOWED_ORIGINS: ' https://shop.example/ ,, https://b.example ' }],
  ['the older name with a JSON list', { ALLOWED_ORIGINS: undefined, SECURITY_CORS_ALLOW_ORIGINS: '["https://shop.example","https://b.example"]' }],
]) {
  test(PROVES('F049') + `origins may be given as ${name}`, kTimeout, async () => {
    const all = { ...kStaging, ...env };
    for (const key of Object.keys(all)) if (all[key] === undefined) delete all[key];
    await withGateway({ env: all }, async (gateway) => {
      for (const origin of [kOrigin, 'https://b.example']) expectAllowed(await request(gateway, create({ origin })), origin);
      expectRefused(await request(gateway, create({ origin: 'https://c.example' })));
    });
  });
}

test('where no origin is configured none is allowed', kTimeout, async () => {
  await withGateway({ env: { ...kStaging, ALLOWED_ORIGINS: '', ALLOWED_HOSTS: kHost } }, async (gateway) => {
    for (const origin of [kOrigin, `http://${kHost}`, 'null', '']) expectRefused(await request(gateway, create({ origin })));
  });
});

// ---- Referer and Fetch-Metadata

for (const [name, headers, allowed] of [
  ['Referer of an allowed page', { Referer: 'https://shop.example/cart?id=1' }, true],
  ['Referer that is an allowed origin alone', { Referer: 'https://shop.example' }, true],
  ['Referer of a foreign page', { Referer: 'https://evil.example/' }, false],
  ['Referer with the allowed origin in its path', { Referer: 'https://evil.example/https://shop.example/' }, false],
  ['Referer with the allowed host as user', { Referer: 'https://shop.example@evil.example/' }, false],
  ['Referer with the allowed host as prefix', { Referer: 'https://shop.example.evil.example/' }, false],
  ['Referer over http', { Referer: 'http://shop.example/' }, false],
  ['Referer that is no URL', { Referer: 'shop.example' }, false],
  ['empty Referer', { Referer: '' }, false],
  ['neither Origin nor Referer', {}, false],
  ['foreign Origin with an allowed Referer', { Origin: 'https://evil.example', Referer: 'https://shop.example/' }, false],
  ['Origin null with an allowed Referer', { Origin: 'null', Referer: 'https://shop.example/' }, false],
  ['empty Origin with an allowed Referer', { Origin: '', Referer: 'https://shop.example/' }, false],
  ['foreign Referer with same-origin metadata', { Referer: 'https://evil.example/', 'Sec-Fetch-Site': 'same-origin' }, false],
  ['allowed Origin with a foreign Referer', { Origin: kOrigin, Referer: 'https://evil.example/' }, true],
]) {
  test(PROVES('F046', { guard: allowed ? undefined : 'origin' }) + `${name}: ${allowed ? 'allowed' : 'refused'}`, kTimeout, async () => {
    const answer = await request(await shared(), createWith(headers));
    if (allowed) assert.equal(answer.status, 200, answer.text);
    else expectRefused(answer);
  });
}

for (const [headers, allowed] of [
  [{ 'Sec-Fetch-Site': 'same-origin' }, true],
  [{ 'Sec-Fetch-Site': 'same-origin', 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' }, true],
  [{ 'Sec-Fetch-Site': 'same-site' }, false],
  [{ 'Sec-Fetch-Site': 'cross-site' }, false],
  [{ 'Sec-Fetch-Site': 'none' }, false],
  [{ Origin: kOrigin, 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' }, true],
  [{ Origin: kOrigin, 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' }, false],
  [{ Origin: kOrigin, 'Sec-Fetch-Mode': 'navigate' }, false],
  [{ Origin: kOrigin, 'Sec-Fetch-Dest': 'document' }, false],
  [{ Origin: kOrigin, 'Sec-Fetch-Dest': 'iframe' }, false],
  [{ Origin: kOrigin, 'Sec-Fetch-Dest': 'image' }, false],
  [{ Origin: kOrigin, 'Sec-Fetch-Dest': 'script' }, false],
  [{ Origin: kOrigin, 'Sec-Fetch-Dest': 'websocket' }, false],
]) {
  const text = Object.entries(headers).map(([k, v]) => `${k.replace('Sec-Fetch-', '')} ${v}`).join(', ');
  test(`Fetch-Metadata on an API path: ${text}: ${allowed ? 'allowed' : 'refused'}`, kTimeout, async () => {
    const answer = await request(await shared(), createWith(headers));
    if (allowed) assert.equal(answer.status, 200, answer.text);
    else expectRefused(answer);
  });
}

test('a navigation to the demo page and a script load of the widget are ordinary', kTimeout, async () => {
  const gateway = await shared();
  const navigation = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' };
  assert.equal((await request(gateway, { path: '/widget/', host: kHost, headers: navigation })).status, 200);
  const script = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'script' };
  assert.equal((await request(gateway, { path: '/widget/embed.js', host: kHost, headers: script })).status, 200);
});

// ---- CORS

const kExposed = 'X-Request-ID, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, RateLimit, RateLimit-Policy, Retry-After, X-Session-Token, X-Session-Token-Hash';

const preflight = (rest = {}) => ({
  method: 'OPTIONS',
  path: '/api/v1/chat/message',
  host: kHost,
  ...rest,
  headers: { Origin: kOrigin, 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'content-type,authorization', ...rest.headers },
});

test('an allowed origin may read answers, errors too, and never by a star', kTimeout, async () => {
  const gateway = await shared();
  for (const [rest, status] of [
    [create(), 200],
    [create({ body: '{' }), 400],
    [{ path: '/api/v1/session/validate', host: kHost, headers: { Origin: kOrigin } }, 401],
    [{ path: '/nowhere', host: kHost, headers: { Origin: kOrigin } }, 404],
    [{ path: '/api/health', host: kHost, headers: { Origin: kOrigin } }, 200],
  ]) {
    const answer = await request(gateway, rest);
    assert.equal(answer.status, status, answer.text);
    assert.equal(answer.header('Access-Control-Allow-Origin'), kOrigin);
    assert.equal(answer.header('Access-Control-Allow-Credentials'), 'true');
    assert.equal(answer.header('Access-Control-Expose-Headers'), kExposed);
    assert.equal(answer.header('Vary'), 'Origin');
  }
});

test('an answer to a request without Origin varies by it and has no CORS headers', kTimeout, async () => {
  const answer = await request(await shared(), createWith({ Referer: 'https://shop.example/' }));
  assert.equal(answer.status, 200);
  assert.equal(answer.header('Vary'), 'Origin');
  assert.equal(answer.header('Access-Control-Allow-Origin'), undefined);
});

test('a preflight names the methods of its path, the headers and how long they hold', kTimeout, async () => {
  const gateway = await shared();
  for (const [path, wanted, methods] of [
    ['/api/v1/chat/message', 'POST', 'POST, OPTIONS'],
    ['/api/v1/chat/stream', 'GET', 'POST, GET, HEAD, OPTIONS'],
    ['/api/v1/session/destroy', 'DELETE', 'DELETE, OPTIONS'],
    ['/api/v1/chat/history', 'GET', 'GET, HEAD, OPTIONS'],
  ]) {
    const answer = await request(gateway, preflight({ path, headers: { 'Access-Control-Request-Method': wanted } }));
    assert.equal(answer.status, 204, answer.text);
    assert.equal(answer.body.length, 0);
    assert.equal(answer.header('Content-Length'), undefined);
    assert.equal(answer.header('Access-Control-Allow-Origin'), kOrigin);
    assert.equal(answer.header('Access-Control-Allow-Credentials'), 'true');
    assert.equal(answer.header('Access-Control-Allow-Methods'), methods);
    assert.equal(answer.header('Access-Control-Max-Age'), '3600');
    assert.equal(answer.header('Vary'), 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers');
    const headers = answer.header('Access-Control-Allow-Headers').toLowerCase().split(', ');
    for (const name of ['content-type', 'authorization', 'accept', 'last-event-id', 'prefer', 'x-api-key', 'x-location-id']) {
      assert.ok(headers.includes(name), name);
    }
    assert.ok(!headers.includes('*'));
  }
});

test(PROVES('F045', { guard: 'origin' }) + 'the preflight of a foreign origin is refused', kTimeout, async () => {
  expectRefused(await request(await shared(), preflight({ headers: { Origin: 'https://evil.example' } })));
});

test('the preflight of an unknown path is 404', kTimeout, async () => {
  expectProblem(await request(await shared(), preflight({ path: '/nowhere' })), 404, 'NOT_FOUND');
});

test('a preflight does not carry the method that its path lacks', kTimeout, async () => {
  const answer = await request(await shared(), preflight({ headers: { 'Access-Control-Request-Method': 'DELETE' } }));
  assert.equal(answer.status, 204);
  assert.equal(answer.header('Access-Control-Allow-Methods'), 'POST, OPTIONS');
});

for (const name of ['CORS_ALLOW_CREDENTIALS', 'SECURITY_CORS_ALLOW_CREDENTIALS']) {
  test(PROVES('F050') + `${name}=false takes the permission to send cookies away`, kTimeout, async () => {
    await withGateway({ env: { ...kStaging, [name]: 'false', SECURITY_CORS_MAX_AGE: '60' } }, async (gateway) => {
      for (const rest of [create(), preflight()]) {
        const answer = await request(gateway, rest);
        assert.equal(answer.header('Access-Control-Allow-Origin'), kOrigin);
        assert.equal(answer.header('Access-Control-Allow-Credentials'), undefined);
      }
      assert.equal((await request(gateway, preflight())).header('Access-Control-Max-Age'), '60');
    });
  });
}

// ---- the gateway's own origin

test('the origin of PUBLIC_URL is allowed and its host accepted', kTimeout, async () => {
  await withGateway({ env: { ...kStaging, PUBLIC_URL: 'https://chat.gateway.example/' } }, async (gateway) => {
    const host = 'chat.gateway.example';
    expectAllowed(await request(gateway, create({ host, origin: 'https://chat.gateway.example' })), 'https://chat.gateway.example');
    for (const origin of ['http://chat.gateway.example', 'https://chat.gateway.example:8443', 'https://gateway.example']) {
      expectRefused(await request(gateway, create({ host, origin })));
    }
  });
});

test('in development a page of the gateway itself may chat, on loopback and nowhere else', kTimeout, async () => {
  await withGateway({ env: kWideLimits }, async (gateway) => {
    const own = (name) => ({ host: `${name}:${gateway.port}`, origin: `http://${name}:${gateway.port}` });
    for (const name of ['127.0.0.1', 'localhost', 'app.localhost']) {
      expectAllowed(await request(gateway, createRequest(own(name))), own(name).origin);
    }
    for (const [host, origin] of [
      [`127.0.0.1:${gateway.port}`, `http://127.0.0.1:${gateway.port + 1}`],
      [`127.0.0.1:${gateway.port}`, `https://127.0.0.1:${gateway.port}`],
      [`127.0.0.1:${gateway.port}`, `http://localhost:${gateway.port}`],
      [`127.0.0.1:${gateway.port}`, 'http://127.0.0.1'],
      [`127.0.0.1:${gateway.port}`, 'null'],
    ]) {
      expectRefused(await request(gateway, createRequest({ host, origin })));
    }
    // A name that a stranger's DNS points at 127.0.0.1.
    expectProblem(await request(gateway, createRequest({ host: `evil.example:${gateway.port}`, origin: `http://evil.example:${gateway.port}` })), 400, 'INVALID_HOST');
  });
});

test('outside of development loopback is no origin and no host of the gateway', kTimeout, async () => {
  await withGateway({ env: { ...kStaging, ALLOWED_HOSTS: '127.0.0.1' } }, async (gateway) => {
    const host = `127.0.0.1:${gateway.port}`;
    expectRefused(await request(gateway, createRequest({ host, origin: `http://${host}` })));
    expectProblem(await request(gateway, createRequest({ host: `localhost:${gateway.port}` })), 400, 'INVALID_HOST');
  });
});

// ---- Host

const kBadHosts = [
  'evil.example', 'shop.example.evil.example', 'evilshop.example', 'www.shop.example', 'shop.example.', 'shop.example@evil.example', 'evil@shop.example',
  'shop.example/evil', 'shop.example, evil.example', 'shop.example evil', 'shop.example:99999', 'shop.example:', 'shop.example:0', 'shop.example:80:80', 'shop_example',
  '127.0.0.1', 'localhost', '[::1]', '', 'wild.example', '*.wild.example',
];

for (const host of kBadHosts) {
  test(PROVES('F047', { guard: 'host' }) + `Host '${host}' is refused on every route but probes`, kTimeout, async () => {
    const gateway = await shared();
    for (const rest of [{ path: '/' }, { path: '/api/health' }, { path: '/widget/' }, { path: '/nowhere' }, createRequest()]) {
      expectProblem(await request(gateway, { ...rest, host }), 400, 'INVALID_HOST');
    }
    assert.equal((await request(gateway, { path: '/health', host })).status, 200);
  });
}

test('the hosts of allowed origins and of ALLOWED_HOSTS are answered, with any port and in any case', kTimeout, async () => {
  await withGateway({ env: { ...kStaging, ALLOWED_ORIGINS: kOrigins, ALLOWED_HOSTS: 'Gateway.internal,10.0.0.9' } }, async (gateway) => {
    for (const host of ['shop.example', 'SHOP.example', 'shop.example:8080', 'a.wild.example', 'plain.example', 'gateway.internal', 'gateway.internal:1', '10.0.0.9:8000']) {
      assert.equal((await request(gateway, { host })).status, 200, host);
    }
    expectProblem(await request(gateway, { host: '10.0.0.90' }), 400, 'INVALID_HOST');
  });
});

test(PROVES('F047', { guard: 'host' }) + 'a forwarded host does not stand in for a Host that is refused', kTimeout, async () => {
  const answer = await request(await shared(), { host: 'evil.example', headers: { 'X-Forwarded-Host': kHost, Forwarded: `host=${kHost}` } });
  expectProblem(answer, 400, 'INVALID_HOST');
});

test('a forwarded host appears in no answer', kTimeout, async () => {
  const gateway = await shared();
  for (const path of ['/', '/widget/', '/nowhere']) {
    const answer = await request(gateway, { path, host: kHost, headers: { 'X-Forwarded-Host': 'evil.example', 'X-Host': 'evil.example' } });
    assert.ok(!`${answer.fields.flat().join(' ')}${answer.text}`.includes('evil.example'), path);
  }
});

test(PROVES('F047') + 'the redirect to https never leads to a host that is not ours', kTimeout, async () => {
  await withGateway({ env: { ...kProduction, ...kWideLimits } }, async (gateway) => {
    for (const path of ['/', '/widget/', '//evil.example/']) {
      const answer = await request(gateway, { path, host: 'evil.example' });
      expectProblem(answer, 400, 'INVALID_HOST');
      assert.equal(answer.header('Location'), undefined);
    }
  });
});

// ---- sites

const kSites = (blue, green) => `
sites:
  - id: blue
    origins: [https://blue.example, "https://*.blue.example"]
    upstream: { kind: n8n, url: "${blue}" }
    limits: { per_minute: 4 }
  - id: green
    origins: https://green.example
    upstream:
      url: "${green}"
`;

test('each site has its own origins, assistant and limit', kTimeout, async () => {
  const [main, blue, green] = await Promise.all(['main', 'blue', 'green'].map((response) => startRecordingUpstream({ answer: { response } })));
  try {
    const env = { ...kStaging, BOT_CHALLENGE: 'off', UPSTREAM_KIND: 'n8n', N8N_WEBHOOK_URL: main.url };
    await withGateway({ env, yaml: kSites(blue.url, green.url) }, async (gateway) => {
      const ask = (origin, host) => openSession(gateway, { origin, host }).then((token) => request(gateway, messageRequest(token, 'hello', { origin, host })));
      assert.equal((await ask(kOrigin, kHost)).json.response, 'main');
      assert.equal((await ask('https://green.example', 'green.example')).json.response, 'green');
      const first = await ask('https://blue.example', kHost); // any host of ours serves any site
      assert.equal(first.json.response, 'blue');
      assert.equal(first.header('X-RateLimit-Limit'), '4');
      assert.equal(first.header('X-RateLimit-Remaining'), '2');
      assert.equal((await ask('https://a.blue.example', 'blue.example')).json.response, 'blue');
      const spent = await request(gateway, createRequest({ origin: 'https://blue.example', host: kHost }));
      expectProblem(spent, 429, 'RATE_LIMITED');
      assert.match(spent.header('RateLimit-Policy'), /^"site-minute";q=4;w=60$/);
      assert.equal((await ask(kOrigin, kHost)).json.response, 'main', 'another site goes on');
      assert.equal((await ask('https://green.example', kHost)).json.response, 'green');
      assert.deepEqual([main, blue, green].map(({ requests }) => requests.length), [2, 2, 2]);
      assert.equal(blue.requests[0].json.context.origin_domain, 'blue.example');
    });
  } finally {
    await Promise.all([main, blue, green].map((u) => u.stop()));
  }
});

test('a session is refused on another origin, of the same site too', kTimeout, async () => {
  const upstream = await startRecordingUpstream();
  try {
    const env = { ...kStaging, ALLOWED_ORIGINS: `${kOrigin},https://second.example` };
    await withGateway({ env, yaml: kSites(upstream.url, upstream.url) }, async (gateway) => {
      const token = await openSession(gateway, { host: kHost });
      for (const origin of ['https://second.example', 'https://blue.example', 'https://green.example']) {
        expectProblem(await request(gateway, messageRequest(token, 'stolen', { origin, host: kHost })), 403, 'INVALID_ORIGIN');
      }
      assert.equal(upstream.requests.length, 0);
    });
  } finally {
    await upstream.stop();
  }
});

// ---- the address behind proxies

/** The access line of one answer. */
async function accessLine(gateway, answer) {
  const id = answer.header('X-Request-ID');
  return eventually(
    () => {
      const line = gateway.log().split('\n').find((l) => l.includes(id) && l.includes('"message":"request"') && l.endsWith('}'));
      return line && JSON.parse(line);
    },
    { what: `the access line of ${id}` },
  );
}

async function addressSeen(gateway, headers, options = {}) {
  const answer = await request(gateway, { path: '/api/health', host: kHost, headers, ...options });
  assert.equal(answer.status, 200, answer.text);
  return (await accessLine(gateway, answer)).address;
}

const kProxyEnv = { ...kStaging, TRUSTED_PROXIES: '127.0.0.1, 10.0.0.0/8, 2001:db8:aaaa::/48' };
const proxied = {};
const behindProxy = (kind = 'x-forwarded-for') => (proxied[kind] ??= startGateway({ env: { ...kProxyEnv, FORWARDED_HEADER: kind } }));
after(async () => {
  for (const gateway of Object.values(proxied)) (await gateway.catch(() => undefined))?.stop();
});

for (const [name, headers, expected] of [
  ['no header: the peer', {}, '127.0.0.1'],
  ['one hop', { 'X-Forwarded-For': '203.0.113.5' }, '203.0.113.5'],
  ['forged hops before the real one', { 'X-Forwarded-For': '198.51.100.1, 192.0.2.2, 203.0.113.5' }, '203.0.113.5'],
  ['a forged hop in the block of our proxies', { 'X-Forwarded-For': '10.9.9.9, 203.0.113.5' }, '203.0.113.5'],
  ['trusted hops behind the real one', { 'X-Forwarded-For': '198.51.100.1, 203.0.113.5, 10.1.2.3, 10.1.2.4' }, '203.0.113.5'],
  ['several header lines', [['X-Forwarded-For', '198.51.100.1'], ['X-Forwarded-For', '203.0.113.5'], ['X-Forwarded-For', '10.1.2.3']], '203.0.113.5'],
  ['only trusted hops', { 'X-Forwarded-For': '10.1.1.1, 10.1.2.3' }, '10.1.1.1'],
  ['spaces and empty elements', { 'X-Forwarded-For': ' , 203.0.113.5 ,, ' }, '203.0.113.5'],
  ['a port', { 'X-Forwarded-For': '203.0.113.5:4711' }, '203.0.113.5'],
  ['IPv6', { 'X-Forwarded-For': '2001:db8::5' }, '2001:db8::5'],
  ['IPv6 in brackets with a port', { 'X-Forwarded-For': '[2001:db8::5]:4711' }, '2001:db8::5'],
  ['an IPv6 proxy of ours', { 'X-Forwarded-For': '2001:db8::5, 2001:db8:aaaa:1::7' }, '2001:db8::5'],
  ['IPv4 mapped into IPv6', { 'X-Forwarded-For': '::ffff:203.0.113.5' }, '203.0.113.5'],
  ['no address', { 'X-Forwarded-For': 'unknown' }, '127.0.0.1'],
  ['no address behind a forged one', { 'X-Forwarded-For': '198.51.100.1, unknown' }, '127.0.0.1'],
  ['an address cut short', { 'X-Forwarded-For': '198.51.100.1, 203.0.113' }, '127.0.0.1'],
  ['an address with more behind it', { 'X-Forwarded-For': '203.0.113.5evil' }, '127.0.0.1'],
  ['an address in another base', { 'X-Forwarded-For': '0xcb007105' }, '127.0.0.1'],
  ['Forwarded', { Forwarded: 'for=203.0.113.5;proto=https;by=10.0.0.1' }, '203.0.113.5'],
  ['Forwarded in other case', { Forwarded: 'By=10.0.0.1; FOR=203.0.113.5' }, '203.0.113.5'],
  ['Forwarded with forged and trusted hops', { Forwarded: 'for=198.51.100.1, for=203.0.113.5, for=10.1.2.3' }, '203.0.113.5'],
  ['Forwarded with quoted IPv6', { Forwarded: 'for="[2001:db8::5]:4711"' }, '2001:db8::5'],
  ['Forwarded with a hidden name', { Forwarded: 'for=198.51.100.1, for=_hidden' }, '127.0.0.1'],
  ['Forwarded without for', { Forwarded: 'for=198.51.100.1, proto=https' }, '127.0.0.1'],
  ['headers that nobody named', { 'X-Real-IP': '198.51.100.1', 'True-Client-IP': '198.51.100.1', 'CF-Connecting-IP': '198.51.100.1' }, '127.0.0.1'],
]) {
  test(`the address that a trusted proxy reports: ${name}`, kTimeout, async () => {
    const gateway = await behindProxy('Forwarded' in headers ? 'forwarded' : 'x-forwarded-for');
    assert.equal(await addressSeen(gateway, headers), expected);
  });
}

test('a peer that is no trusted proxy speaks for nobody', kTimeout, async () => {
  const gateway = await behindProxy();
  for (const headers of [{ 'X-Forwarded-For': '203.0.113.5' }, { Forwarded: 'for=203.0.113.5' }, { 'X-Real-IP': '203.0.113.5' }]) {
    assert.equal(await addressSeen(gateway, headers, { localAddress: '127.0.0.2' }), '127.0.0.2');
  }
});

test('a client that sends the other of the two forwarding headers neither chooses nor hides its address', kTimeout, async () => {
  // A proxy writes one of Forwarded and X-Forwarded-For and passes the other on as the client sent it.
  for (const [kind, written, forged] of [
    [undefined, { 'X-Forwarded-For': '203.0.113.5' }, [{ Forwarded: 'for=198.51.100.77' }, { Forwarded: 'for=127.0.0.1' }, { Forwarded: 'x' }]],
    ['forwarded', { Forwarded: 'for=203.0.113.5' }, [{ 'X-Forwarded-For': '198.51.100.77' }, { 'X-Forwarded-For': 'x' }]],
  ]) {
    const gateway = await behindProxy(kind);
    for (const one of forged) assert.equal(await addressSeen(gateway, { ...written, ...one }), '203.0.113.5', JSON.stringify(one));
  }
});

test('the named header of a trusted proxy gives the address; a stranger\'s does not', kTimeout, async () => {
  await withGateway({ env: { ...kProxyEnv, CLIENT_ADDRESS_HEADER: 'CF-Connecting-IP' } }, async (gateway) => {
    const headers = { 'CF-Connecting-IP': '203.0.113.5', 'X-Forwarded-For': '198.51.100.1' };
    assert.equal(await addressSeen(gateway, headers), '203.0.113.5');
    assert.equal(await addressSeen(gateway, headers, { localAddress: '127.0.0.2' }), '127.0.0.2');
    const usual = ['X-Forwarded-For', '198.51.100.1'];
    for (const [sent, expected, why] of [
      [[['cf-connecting-ip', '203.0.113.5'], usual], '203.0.113.5', 'the name in another case'],
      [[['CF-Connecting-IP', ' 203.0.113.5 '], usual], '203.0.113.5', 'spaces'],
      [[['CF-Connecting-IP', '2001:db8::5'], usual], '2001:db8::5', 'IPv6'],
      [[['CF-Connecting-IP', '[2001:db8::5]:4711'], usual], '2001:db8::5', 'IPv6 with a port'],
      [[['CF-Connecting-IP', '10.1.2.3'], usual], '10.1.2.3', 'an address in the block of our proxies'],
      [[['CF-Connecting-IP', 'unknown'], usual], '127.0.0.1', 'no address'],
      [[['CF-Connecting-IP', '203.0.113.5, 203.0.113.6'], usual], '127.0.0.1', 'a list'],
      [[['CF-Connecting-IP', ''], usual], '127.0.0.1', 'nothing'],
      [[['CF-Connecting-IP', '203.0.113.5'], ['CF-Connecting-IP', '203.0.113.6'], usual], '198.51.100.1', 'twice: the usual header speaks'],
      [[usual], '198.51.100.1', 'not at all: the usual header speaks'],
      [[['True-Client-IP', '203.0.113.5']], '127.0.0.1', 'another header of the kind'],
    ]) {
      assert.equal(await addressSeen(gateway, sent), expected, why);
    }
  });
});

test(PROVES('F002', { guard: 'rate' }) + 'the named header decides whose limit is charged, and a peer that is not trusted chooses none', kTimeout, async () => {
  await withGateway({ env: { ...kProxyEnv, SECURITY_RATE_LIMIT_REQUESTS_PER_MINUTE: '2', CLIENT_ADDRESS_HEADER: 'CF-Connecting-IP' } }, async (gateway) => {
    const ask = async (address, options) => (await request(gateway, { path: '/api/health', host: kHost, headers: { 'CF-Connecting-IP': address }, ...options })).status;
    const five = [];
    for (let i = 0; i < 3; ++i) five.push(await ask('203.0.113.5'));
    assert.deepEqual(five, [200, 200, 429]);
    assert.equal(await ask('203.0.113.6'), 200);
    const stranger = [];
    for (let i = 0; i < 3; ++i) stranger.push(await ask(`203.0.113.${i + 10}`, { localAddress: '127.0.0.2' }));
    assert.deepEqual(stranger, [200, 200, 429]);
    const { notices } = (await request(gateway, { path: '/health' })).json;
    assert.equal(notices.length, 1);
    assert.match(notices[0], /TRUSTED_PROXIES/, 'a proxy that somebody forgot to name');
  });
});

test('a CLIENT_ADDRESS_HEADER that is no header name is refused', kTimeout, async () => {
  for (const CLIENT_ADDRESS_HEADER of ['X Y', 'X:Y', 'X\nY', 'Ü']) {
    const { status, stderr } = await runCommand(['check-config'], { env: { CLIENT_ADDRESS_HEADER } });
    assert.equal(status, 2, CLIENT_ADDRESS_HEADER);
    assert.match(stderr, /^error: CLIENT_ADDRESS_HEADER: /m);
  }
});

const kFive = { ...kProxyEnv, SECURITY_RATE_LIMIT_REQUESTS_PER_MINUTE: '5' };

test(PROVES('F131', { guard: 'rate' }) + 'forged forwarding headers give a stranger no further requests', kTimeout, async () => {
  await withGateway({ env: kFive }, async (gateway) => {
    const statuses = [];
    for (let i = 0; i < 8; ++i) {
      const headers = { 'X-Forwarded-For': `203.0.113.${i}`, Forwarded: `for=203.0.113.${i}`, 'X-Real-IP': `203.0.113.${i}`, 'CF-Connecting-IP': `203.0.113.${i}` };
      statuses.push((await request(gateway, { path: '/api/health', host: kHost, headers, localAddress: '127.0.0.2' })).status);
    }
    assert.deepEqual(statuses, [200, 200, 200, 200, 200, 429, 429, 429]);
  });
});

test('addresses of one IPv6 /64 share one limit, those of another have their own', kTimeout, async () => {
  await withGateway({ env: kFive }, async (gateway) => {
    const ask = async (address) => (await request(gateway, { path: '/api/health', host: kHost, headers: { 'X-Forwarded-For': address } })).status;
    const statuses = [];
    for (const end of ['::1', '::2', ':ffff:ffff:ffff:ffff', '::dead:beef', ':1::', '::6']) statuses.push(await ask(`2001:db8:1:2${end}`));
    assert.deepEqual(statuses, [200, 200, 200, 200, 200, 429]);
    assert.equal(await ask('2001:db8:1:3::1'), 200);
  });
});

/** A gateway on ::1 behind a proxy of ours, for visitors from all over IPv6. */
const overIpv6 = (env, body) =>
  withGateway({ env: { ...kStaging, ...kMachinesWelcome, SERVER_HOST: '::1', TRUSTED_PROXIES: '::1', ALLOWED_ORIGINS: kOrigin, ...env } }, body);
const from = (address, rest) => ({ ...rest, host: kHost, headers: { ...rest.headers, 'X-Forwarded-For': address } });
const kNetwork = ['2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff', '2001:db8:1:2:0:dead:0:beef'];
const kNeighbour = '2001:db8:1:3::1';

test(PROVES('F002', 'F004', { guard: 'rate' }) + 'in the chat API one IPv6 /64 is one address too, and a session still has its own limit', kTimeout, async () => {
  await overIpv6({ RATE_LIMIT_PER_MINUTE: '6', RATE_LIMIT_SESSION_PER_MINUTE: '2' }, async (gateway) => {
    const tokens = [];
    for (const address of kNetwork) tokens.push((await request(gateway, from(address, create()))).json.token);
    // Three creations, and one session that speaks from three addresses of its network: two of that are admitted.
    const statuses = [];
    for (const address of kNetwork) {
      const message = messageRequest(tokens[0], 'hi', { headers: { Prefer: 'respond-async' } });
      statuses.push((await request(gateway, from(address, message))).status);
    }
    assert.deepEqual(statuses, [202, 202, 429]);
    assert.equal((await request(gateway, from(kNetwork[2], create()))).status, 200, 'a refused message costs nothing: the sixth');
    for (const address of kNetwork) {
      const refused = await request(gateway, from(address, create()));
      expectProblem(refused, 429, 'RATE_LIMITED');
      assert.equal(refused.header('RateLimit-Policy'), '"address-minute";q=6;w=60');
    }
    for (const other of [kNeighbour, '203.0.113.5', '::ffff:203.0.113.6']) {
      assert.equal((await request(gateway, from(other, create()))).status, 200, other);
    }
  });
});

test(PROVES('F070') + 'streams are counted for an IPv6 /64', kTimeout, async () => {
  await overIpv6({ STREAM_MAX_PER_ADDRESS: '2' }, async (gateway) => {
    const wires = [];
    try {
      const statuses = [];
      for (const address of [...kNetwork, kNeighbour, '203.0.113.5']) {
        const { token } = (await request(gateway, from(address, create()))).json;
        const wire = await connect(gateway);
        wires.push(wire);
        const headers = { Origin: kOrigin, Authorization: `Bearer ${token}` };
        wire.send(bytesOf(from(address, { path: '/api/v1/chat/stream', headers })));
        statuses.push((await wire.take(12)).slice(9));
      }
      assert.deepEqual(statuses, ['200', '200', '503', '200', '200']);
    } finally {
      for (const wire of wires) wire.destroy();
    }
  });
});

test('a stranger that sends forwarding headers is reported once, in /health and the log, and not blocked', kTimeout, async () => {
  await withGateway({ env: kStaging }, async (gateway) => {
    const notices = async () => (await request(gateway, { path: '/health' })).json.notices;
    assert.deepEqual(await notices(), []);
    for (let i = 0; i < 5; ++i) {
      assert.equal(await addressSeen(gateway, { 'X-Forwarded-For': `203.0.113.${i}` }), '127.0.0.1');
    }
    const [notice, ...others] = await notices();
    assert.match(notice, /TRUSTED_PROXIES/);
    assert.doesNotMatch(notice, /\d\.\d/, 'the public page names no address');
    assert.deepEqual(others, []);
    const [full] = (await request({ url: gateway.opsUrl }, { path: '/health' })).json.notices;
    assert.match(full, /127\.0\.0\.1.*TRUSTED_PROXIES/, 'operators read which one');
    const alerts = await eventually(() => {
      const lines = gateway.log().split('\n').filter((l) => l.includes('SECURITY_ALERT') && l.includes('TRUSTED_PROXIES') && l.endsWith('}'));
      return lines.length > 0 && lines;
    });
    assert.equal(alerts.length, 1);
    assert.equal(JSON.parse(alerts[0]).peer, '127.0.0.1');
  });
});

test('a trusted proxy that forwards is not reported', kTimeout, async () => {
  await withGateway({ env: kProxyEnv }, async (gateway) => {
    await addressSeen(gateway, { ...kHttps, 'X-Forwarded-For': '203.0.113.5' });
    assert.deepEqual((await request(gateway, { path: '/health' })).json.notices, []);
  });
});
