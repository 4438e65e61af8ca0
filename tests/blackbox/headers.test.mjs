// Response headers: each promised one with its exact value on answers of every kind, in every profile.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { expectProblem, kSecurityHeaders, kUuid } from '../harness/expect.mjs';
import { startGateway } from '../harness/gateway.mjs';
import { PROVES } from '../harness/proves.mjs';
import { createRequest, kHttps, kOrigin, kProduction } from '../harness/visitor.mjs';
import { connect, request } from '../harness/wire.mjs';
import { withGateway } from '../harness/with_gateway.mjs';

const kTimeout = { timeout: 30_000 };
const kHost = 'shop.example';
const started = new Map();

/** The gateway of a profile behind a proxy, with a chat limit of one request a minute for each address. */
function gatewayOf(profile) {
  if (!started.has(profile)) {
    started.set(profile, startGateway({ env: { ...kProduction, SECURITY_ENVIRONMENT: profile, RATE_LIMIT_PER_MINUTE: '1' } }));
  }
  return started.get(profile);
}

after(async () => {
  for (const gateway of started.values()) await (await gateway.catch(() => undefined))?.stop();
});

let visitors = 0;
/** A request as the https proxy passes it on, from an address of its own. */
const proxied = (rest = {}) => ({
  host: kHost,
  ...rest,
  headers: { ...kHttps, 'X-Forwarded-For': `203.0.113.${++visitors % 256}`, ...rest.headers },
});

async function raw(gateway, bytes) {
  const wire = await connect(gateway);
  try {
    return await wire.send(bytes).answer();
  } finally {
    wire.destroy();
  }
}

/** One answer of each kind: [what, status, answer, policy]. */
async function collect(gateway) {
  const ask = (rest) => request(gateway, proxied(rest));
  const create = (rest) => createRequest(rest);
  const json = { 'Content-Type': 'application/json' };
  const limited = { 'X-Forwarded-For': '198.51.100.7' };
  await ask(create({ headers: limited }));
  const embed = await ask({ path: '/widget/embed.js' });
  return [
    ['the root', 200, await ask({ path: '/' }), 'api'],
    ['an API answer', 200, await ask({ path: '/api/health' }), 'api'],
    ['a chat answer', 200, await ask(create()), 'api'],
    ['the health page', 200, await ask({ path: '/health' }), 'api'],
    ['HEAD', 200, await ask({ path: '/health', method: 'HEAD' }), 'api'],
    ['the demo page', 200, await ask({ path: '/widget/' }), 'page'],
    ['a widget file', 200, embed, 'asset'],
    ['preflight', 204, await ask({ path: '/api/v1/chat/message', method: 'OPTIONS', headers: { Origin: kOrigin, 'Access-Control-Request-Method': 'POST' } }), 'api'],
    ['an unchanged file', 304, await ask({ path: '/widget/embed.js', headers: { 'If-None-Match': embed.header('ETag') } }), 'asset'],
    ['refusal of the parser', 400, await raw(gateway, 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'), 'api'],
    ['broken JSON', 400, await ask(create({ body: '{' })), 'api'],
    ['no session', 401, await ask({ path: '/api/v1/session/validate', headers: { Origin: kOrigin } }), 'api'],
    ['foreign origin', 403, await ask(create({ origin: 'https://evil.example' })), 'api'],
    ['unknown path', 404, await ask({ path: '/nowhere' }), 'api'],
    ['unknown file', 404, await ask({ path: '/widget/nowhere.js' }), 'api'],
    ['wrong method', 405, await ask({ path: '/health', method: 'DELETE' }), 'api'],
    ['large body', 413, await ask(create({ headers: { 'Content-Length': '99999999' }, body: '' })), 'api'],
    ['wrong type', 415, await ask(create({ headers: { 'Content-Type': 'text/plain' }, body: 'x' })), 'api'],
    ['missing member', 422, await ask(create({ headers: json, body: '{}' })), 'api'],
    ['limit', 429, await ask(create({ headers: limited })), 'api'],
    ['unknown method', 501, await ask({ method: 'BREW' }), 'api'],
  ];
}

const collections = new Map();
async function answersOf(profile) {
  if (!collections.has(profile)) collections.set(profile, gatewayOf(profile).then(collect));
  const all = await collections.get(profile);
  for (const [what, status, answer] of all) assert.equal(answer.status, status, `${profile}, ${what}: ${answer.text}`);
  return all;
}

const kProfiles = ['development', 'staging', 'production'];

// ---- constant headers

const kPromised = {
  'X-Frame-Options': ['F039'],
  'X-Content-Type-Options': ['F040'],
  'X-XSS-Protection': ['F041'],
  'Referrer-Policy': ['F042'],
  'Cross-Origin-Embedder-Policy': ['F153'],
  'Cross-Origin-Opener-Policy': ['F145'],
  'Permissions-Policy': ['F154'],
};

for (const [name, ids] of Object.entries(kPromised)) {
  test(PROVES(...ids, 'F234') + `${name} is '${kSecurityHeaders[name]}' on every answer of every profile`, kTimeout, async () => {
    for (const profile of kProfiles) {
      for (const [what, , answer] of await answersOf(profile)) assert.equal(answer.header(name), kSecurityHeaders[name], `${profile}, ${what}`);
    }
  });
}

test(PROVES('F145') + 'Cross-Origin-Resource-Policy lets other sites load the files of the widget and nothing else', kTimeout, async () => {
  for (const profile of kProfiles) {
    for (const [what, , answer, policy] of await answersOf(profile)) {
      assert.equal(answer.header('Cross-Origin-Resource-Policy'), policy === 'asset' ? 'cross-origin' : 'same-origin', `${profile}, ${what}`);
    }
  }
});

test('no answer names the software or the nonce in a header', kTimeout, async () => {
  for (const profile of kProfiles) {
    for (const [what, , answer] of await answersOf(profile)) {
      for (const name of ['Server', 'X-Powered-By', 'X-CSP-Nonce', 'Via']) {
        assert.equal(answer.header(name), undefined, `${profile}, ${what}: ${name}`);
      }
    }
  }
});

test('no header is sent twice', kTimeout, async () => {
  for (const profile of kProfiles) {
    for (const [what, , answer] of await answersOf(profile)) {
      const names = answer.fields.map(([key]) => key);
      assert.deepEqual(names.filter((n, i) => names.indexOf(n) !== i), [], `${profile}, ${what}`);
    }
  }
});

test('every answer has a Date; API answers must not be stored', kTimeout, async () => {
  for (const [what, , answer, policy] of await answersOf('production')) {
    assert.match(answer.header('Date'), /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/, what);
    assert.equal(answer.header('Cache-Control'), policy === 'asset' ? 'public, max-age=300' : 'no-store', what);
  }
});

test(PROVES('F151', { guard: 'address' }) + 'each answer has a request id of its own, a random UUID, whatever the client sends', kTimeout, async () => {
  const seen = new Set();
  for (const profile of kProfiles) {
    for (const [what, , answer] of await answersOf(profile)) {
      assert.match(answer.header('X-Request-ID') ?? '', kUuid, `${profile}, ${what}`);
      seen.add(answer.header('X-Request-ID'));
    }
  }
  const gateway = await gatewayOf('development');
  const wire = await connect(gateway);
  const theirs = 'ffffffff-ffff-4fff-8fff-ffffffffffff';
  for (let i = 0; i < 50; ++i) {
    wire.send(`GET /health/live HTTP/1.1\r\nHost: ${kHost}\r\nX-Request-ID: ${theirs}\r\n\r\n`);
    seen.add((await wire.answer()).header('X-Request-ID'));
  }
  wire.destroy();
  assert.equal(seen.size, 3 * (await answersOf('development')).length + 50);
  assert.ok(!seen.has(theirs));
});

// ---- Content-Security-Policy

const kTail = "frame-src 'none'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'";
const kImages = "font-src 'self' https://fonts.gstatic.com; img-src 'self' data: https:";
const kPolicies = {
  development: () =>
    `default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline' https://fonts.googleapis.com; ${kImages}; ` +
    `connect-src 'self' ws: wss: http://localhost:* ws://localhost:*; ${kTail}`,
  staging: (nonce) =>
    `default-src 'self'; script-src 'self'${nonce}; style-src 'self'${nonce}; ${kImages}; connect-src 'self' wss: https:; ${kTail}; upgrade-insecure-requests`,
  production: (nonce) =>
    `default-src 'self'; script-src 'self'${nonce && " 'strict-dynamic'"}${nonce}; style-src 'self'${nonce}; ${kImages}; ` +
    `connect-src 'self' wss: https:; ${kTail}; upgrade-insecure-requests; block-all-mixed-content`,
};

/** The nonce of a page as its policy has it, with the space and quotes around it; empty where there is none. */
const nonceIn = (answer) => answer.header('Content-Security-Policy').match(/ 'nonce-[^']*'/)?.[0] ?? '';

for (const [profile, id] of [['development', 'F146'], ['staging', 'F147'], ['production', 'F148']]) {
  test(PROVES(id, 'F043') + `the ${profile} profile has its own Content-Security-Policy on every answer`, kTimeout, async () => {
    for (const [what, , answer, policy] of await answersOf(profile)) {
      const nonce = policy === 'page' ? nonceIn(answer) : '';
      assert.equal(answer.header('Content-Security-Policy'), kPolicies[profile](nonce), what);
      assert.equal(nonce !== '', policy === 'page' && profile !== 'development', `${what}: nonce`);
    }
  });
}

test(PROVES('F155') + 'the page of staging and production has a fresh nonce of 128 bit, and each of its scripts and styles carries it', kTimeout, async () => {
  for (const profile of ['staging', 'production']) {
    const gateway = await gatewayOf(profile);
    const seen = new Set();
    for (let i = 0; i < 20; ++i) {
      const page = await request(gateway, proxied({ path: '/widget/' }));
      assert.equal(page.status, 200);
      const nonce = nonceIn(page).match(/^ 'nonce-([A-Za-z0-9_-]{22,})'$/)?.[1];
      assert.ok(nonce, nonceIn(page));
      assert.ok(Buffer.from(nonce, 'base64url').length >= 16);
      seen.add(nonce);
      const tags = page.text.match(/<(script|style|link rel="stylesheet")\b[^>]*>/g) ?? [];
      assert.ok(tags.some((tag) => tag.startsWith('<script')), 'the page has a script');
      for (const tag of tags) assert.ok(tag.includes(` nonce="${nonce}"`), tag);
      assert.doesNotMatch(page.text, /@@|\son[a-z]+=|javascript:/i);
    }
    assert.equal(seen.size, 20);
  }
});

test('parts of the policy and a report address can be configured', kTimeout, async () => {
  const env = {
    ...kProduction, SECURITY_CSP_DEFAULT_SRC: "'none'", SECURITY_CSP_SCRIPT_SRC: "'self' https://cdn.example", SECURITY_CSP_STYLE_SRC: "'self' https://css.example",
    SECURITY_CSP_IMG_SRC: "'self'", SECURITY_CSP_CONNECT_SRC: "'self' https://api.example", SECURITY_CSP_REPORT_URI: 'https://report.example/csp',
  };
  await withGateway({ env }, async (gateway) => {
    const page = await request(gateway, proxied({ path: '/widget/' }));
    const nonce = nonceIn(page);
    assert.equal(
      page.header('Content-Security-Policy'),
      `default-src 'none'; script-src 'self' https://cdn.example${nonce}; style-src 'self' https://css.example${nonce}; font-src 'self' https://fonts.gstatic.com; ` +
        `img-src 'self'; connect-src 'self' https://api.example; ${kTail}; upgrade-insecure-requests; block-all-mixed-content; report-uri https://report.example/csp`,
    );
  });
});

test('X-XSS-Protection can be set to 0', kTimeout, async () => {
  await withGateway({ env: { HEADERS_XSS_PROTECTION: '0' } }, async (gateway) => {
    assert.equal((await request(gateway)).header('X-XSS-Protection'), '0');
  });
});

// ---- Strict-Transport-Security

const kHsts = 'max-age=31536000; includeSubDomains; preload';

test(PROVES('F044', 'F149') + 'production sends Strict-Transport-Security with preload on every answer over https', kTimeout, async () => {
  for (const [what, , answer] of await answersOf('production')) {
    if (what === 'refusal of the parser') continue; // whether the proxy said https is not known of a broken head
    assert.equal(answer.header('Strict-Transport-Security'), kHsts, what);
  }
});

test('development and staging never send Strict-Transport-Security', kTimeout, async () => {
  for (const profile of ['development', 'staging']) {
    for (const [what, , answer] of await answersOf(profile)) assert.equal(answer.header('Strict-Transport-Security'), undefined, `${profile}, ${what}`);
  }
});

test('production sends no Strict-Transport-Security over plain http', kTimeout, async () => {
  const gateway = await gatewayOf('production');
  for (const headers of [{}, { 'X-Forwarded-Proto': 'http' }, { 'X-Forwarded-Proto': 'https, http' }]) {
    const answer = await request(gateway, { path: '/health', host: kHost, headers });
    assert.equal(answer.status, 200);
    assert.equal(answer.header('Strict-Transport-Security'), undefined);
  }
});

test('a stranger who says https is not believed', kTimeout, async () => {
  await withGateway({ env: { ...kProduction, TRUSTED_PROXIES: '' } }, async (gateway) => {
    for (const headers of [kHttps, { Forwarded: 'for=1.2.3.4;proto=https' }]) {
      const answer = await request(gateway, { path: '/', host: kHost, headers });
      assert.equal(answer.status, 308);
      assert.equal(answer.header('Strict-Transport-Security'), undefined);
    }
  });
});

test(PROVES('F219') + 'SECURITY_ENABLE_HSTS=false and SECURITY_ENABLE_CSP=false remove those headers alone', kTimeout, async () => {
  for (const [variable, gone, stays] of [
    ['SECURITY_ENABLE_HSTS', 'Strict-Transport-Security', 'Content-Security-Policy'],
    ['SECURITY_ENABLE_CSP', 'Content-Security-Policy', 'Strict-Transport-Security'],
  ]) {
    await withGateway({ env: { ...kProduction, [variable]: 'false' } }, async (gateway) => {
      for (const path of ['/', '/widget/', '/widget/embed.js', '/nowhere']) {
        const answer = await request(gateway, proxied({ path }));
        assert.equal(answer.header(gone), undefined, `${gone} of ${path}`);
        assert.notEqual(answer.header(stays), undefined, `${stays} of ${path}`);
        assert.equal(answer.header('X-Frame-Options'), 'DENY');
      }
    });
  }
});

test('SECURITY_ENABLE_SECURITY_HEADERS=false removes them all and keeps the request id', kTimeout, async () => {
  await withGateway({ env: { ...kProduction, SECURITY_ENABLE_SECURITY_HEADERS: 'false' } }, async (gateway) => {
    for (const path of ['/', '/widget/', '/widget/embed.js', '/nowhere']) {
      const answer = await request(gateway, proxied({ path }));
      for (const name of [...Object.keys(kSecurityHeaders), 'Content-Security-Policy', 'Strict-Transport-Security', 'Cross-Origin-Resource-Policy']) {
        assert.equal(answer.header(name), undefined, `${name} of ${path}`);
      }
      assert.match(answer.header('X-Request-ID'), kUuid);
    }
  });
});

// ---- https enforced

test(PROVES('F150', { guard: 'host' }) + 'production redirects GET and HEAD over plain http to the same URL over https', kTimeout, async () => {
  const gateway = await gatewayOf('production');
  for (const method of ['GET', 'HEAD']) {
    for (const path of ['/', '/api/health', '/widget/?a=1&b=%2F', '/nowhere']) {
      const answer = await request(gateway, { method, path, host: kHost });
      assert.equal(answer.status, 308, `${method} ${path}`);
      assert.equal(answer.header('Location'), `https://${kHost}${path}`);
    }
  }
});

test(PROVES('F150', { guard: 'host' }) + 'production refuses every other method over plain http with 403', kTimeout, async () => {
  const gateway = await gatewayOf('production');
  for (const rest of [createRequest({ headers: {} }), { method: 'DELETE', path: '/api/v1/session/destroy' }, { method: 'PUT', path: '/' }, { method: 'OPTIONS', path: '/api/v1/chat/message' }]) {
    const answer = await request(gateway, { host: kHost, ...rest });
    expectProblem(answer, 403, 'HTTPS_REQUIRED');
    assert.equal(answer.header('Location'), undefined);
    assert.equal(answer.header('Set-Cookie'), undefined);
  }
});

test('probes are answered over plain http in production', kTimeout, async () => {
  const gateway = await gatewayOf('production');
  for (const path of ['/health', '/health/live', '/health/ready']) {
    assert.equal((await request(gateway, { path, host: kHost })).status, 200, path);
    assert.equal((await request({ url: gateway.opsUrl }, { path })).status, 200, `${path} on the operations listener`);
  }
  assert.equal((await request({ url: gateway.opsUrl }, { path: '/metrics' })).status, 200);
});

test(PROVES('F215', { guard: 'host' }) + 'SECURITY_REQUIRE_HTTPS=true redirects in development', kTimeout, async () => {
  await withGateway({ env: { SECURITY_REQUIRE_HTTPS: 'true' } }, async (gateway) => {
    const answer = await request(gateway, { path: '/widget/', host: 'localhost' });
    assert.equal(answer.status, 308);
    assert.equal(answer.header('Location'), 'https://localhost/widget/');
  });
});

test(PROVES('F215') + 'SECURITY_REQUIRE_HTTPS=false lets plain http through in production', kTimeout, async () => {
  await withGateway({ env: { ...kProduction, SECURITY_REQUIRE_HTTPS: 'false' } }, async (gateway) => {
    assert.equal((await request(gateway, { host: kHost })).status, 200);
    assert.equal((await request(gateway, { ...createRequest(), host: kHost })).status, 200);
  });
});

test('development and staging answer over plain http', kTimeout, async () => {
  for (const profile of ['development', 'staging']) {
    assert.equal((await request(await gatewayOf(profile), { host: kHost })).status, 200, profile);
  }
});
