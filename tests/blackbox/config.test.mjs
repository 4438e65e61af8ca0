// Configuration: what is refused before anything listens, what is warned about, where values come from, what
// the log says, and the secrets that development makes for itself.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually, expectProblem, kUlid, kUuid } from '../harness/expect.mjs';
import { runCommand, startGateway } from '../harness/gateway.mjs';
import { PROVES } from '../harness/proves.mjs';
import { startRecordingUpstream } from '../harness/recording_upstream.mjs';
import { createRequest, kHttps, kOrigin, kProduction, messageRequest, openSession } from '../harness/visitor.mjs';
import { connect, request } from '../harness/wire.mjs';
import { withGateway } from '../harness/with_gateway.mjs';

const kTimeout = { timeout: 30_000 };
const { JWT_SECRET_KEY: kJwt, SESSION_SECRET_KEY: kSession } = kProduction;

/** The environment of kProduction with some variables changed; undefined removes one. */
function production(changes = {}) {
  const env = { ...kProduction, PUBLIC_URL: 'https://chat.example', ...changes };
  for (const key of Object.keys(env)) if (env[key] === undefined) delete env[key];
  return env;
}

const check = (env, yaml) => runCommand(['check-config'], { env, yaml });
const linesOf = (result, kind) => result.stderr.split('\n').filter((line) => line.startsWith(`${kind}: `)).map((line) => line.slice(kind.length + 2));

/** check-config and serve must both end with 2, before anything listens, with exactly these errors. */
async function expectErrors({ env = {}, yaml }, ...patterns) {
  for (const command of ['check-config', 'serve']) {
    const result = await runCommand([command], { env, yaml });
    assert.equal(result.status, 2, `${command}: ${result.stdout}${result.stderr}`);
    assert.doesNotMatch(result.stdout, /listening/);
    const errors = linesOf(result, 'error');
    assert.equal(errors.length, patterns.length, `${command}:\n${errors.join('\n')}`);
    for (const pattern of patterns) assert.ok(errors.some((line) => (typeof pattern === 'string' ? line.includes(pattern) : pattern.test(line))), `${pattern} in\n${errors.join('\n')}`);
  }
}

async function withFolder(body) {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-config-'));
  try {
    return await body(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

// ---- refused

const kBad = [
  ['an unknown key, with its place and the nearest name', { yaml: 'app:\n  name: x\nserver:\n  prot: 1\n' }, /portcullis\.yaml:4:3 server\.prot: .*did you mean server\.port\?$/],
  ['an unknown key like nothing known, without a suggestion', { yaml: 'zebra_crossing_light: 1\n' }, /portcullis\.yaml:1:1 zebra_crossing_light: is no setting$/],
  ['an unknown group', { yaml: 'servers:\n  port: 1\n' }, /:1:1 servers: /],
  ['a key that is set twice', { yaml: 'server:\n  port: 1\n  port: 2\n' }, /:3:3 server\.port: is set twice$/],
  ['a list where a value belongs', { yaml: 'server:\n  port: [1, 2]\n' }, /:2:9 server\.port: .*not a list$/],
  ['a mapping where a value belongs', { yaml: 'server:\n  port: { a: 1 }\n' }, /:2:9 server\.port: /],
  ['broken YAML', { yaml: 'server:\n  port: [1\n' }, /portcullis\.yaml:\d+:\d+: is no valid YAML/],
  ['a file that is no mapping', { yaml: '- a\n- b\n' }, 'must be a mapping'],
  ['a port that is no number', { env: { SERVER_PORT: 'abc' } }, /^SERVER_PORT: 'abc' /],
  ['a port above 65535', { env: { SERVER_PORT: '65536' } }, /^SERVER_PORT: '65536' /],
  ['a negative port', { env: { SERVER_PORT: '-1' } }, /^SERVER_PORT: /],
  ['a number with a letter', { env: { RATE_LIMIT_PER_MINUTE: '60x' } }, /^RATE_LIMIT_PER_MINUTE: '60x' is not a whole number$/],
  ['a fraction', { env: { RATE_LIMIT_PER_MINUTE: '1.5' } }, /^RATE_LIMIT_PER_MINUTE: /],
  ['a limit of 0', { env: { RATE_LIMIT_PER_MINUTE: '0' } }, /^RATE_LIMIT_PER_MINUTE: 0 is outside 1 to 1000000000$/],
  ['a limit above 10^9', { env: { SECURITY_RATE_LIMIT_REQUESTS_PER_MINUTE: '1000000001' } }, /^SECURITY_RATE_LIMIT_REQUESTS_PER_MINUTE: 1000000001 is outside/],
  ['a number beyond 64 bit', { env: { RATE_LIMIT_PER_HOUR: '99999999999999999999' } }, /^RATE_LIMIT_PER_HOUR: /],
  ['a limit of 0 in the file, by its place', { yaml: 'limits:\n  chat_address_per_minute: 0\n' }, /:2:28 limits\.chat_address_per_minute: 0 is outside/],
  ['a boolean that is none', { env: { CORS_ALLOW_CREDENTIALS: 'maybe' } }, /^CORS_ALLOW_CREDENTIALS: 'maybe' is neither true nor false$/],
  ['a choice that is none', { env: { LOG_LEVEL: 'LOUD' } }, /^LOG_LEVEL: 'LOUD' is not one of /],
  ['an unknown profile', { env: { SECURITY_ENVIRONMENT: 'prod' } }, /^SECURITY_ENVIRONMENT: 'prod' is not one of development, staging, production$/],
  ['an unknown guard mode', { env: { GUARDS_RATE_MODE: 'disabled' } }, /^GUARDS_RATE_MODE: 'disabled' is not one of enforce, monitor, off$/],
  ['a duration without meaning', { env: { SERVER_HEAD_TIMEOUT: '5 parsecs' } }, /^SERVER_HEAD_TIMEOUT: .*500ms, 15s, 2m or 24h$/],
  ['a duration out of bounds', { env: { SERVER_HEAD_TIMEOUT: '1ms' } }, /^SERVER_HEAD_TIMEOUT: 1ms is outside 100ms to 10m$/],
  ['a duration that overflows', { env: { SERVER_HEAD_TIMEOUT: '9223372036854775807h' } }, /^SERVER_HEAD_TIMEOUT: /],
  ['a size without meaning', { env: { LIMITS_CHAT_BODY: '1 elephant' } }, /^LIMITS_CHAT_BODY: /],
  ['a size out of bounds', { env: { LIMITS_CHAT_BODY: '10' } }, /^LIMITS_CHAT_BODY: 10 is outside 1KiB to 64MiB$/],
  ['an origin with a path', { env: { ALLOWED_ORIGINS: 'https://a.example/x' } }, /^ALLOWED_ORIGINS: 'https:\/\/a\.example\/x' is no origin/],
  ['an origin without scheme', { env: { ALLOWED_ORIGINS: 'https://a.example,b.example' } }, /^ALLOWED_ORIGINS: 'b\.example' is no origin/],
  ['the origin null', { env: { ALLOWED_ORIGINS: 'null' } }, /^ALLOWED_ORIGINS: 'null' is no origin/],
  ['a wildcard for part of a label', { env: { ALLOWED_ORIGINS: 'https://*shop.example' } }, /^ALLOWED_ORIGINS: /],
  ['a wildcard that is not the first label', { env: { ALLOWED_ORIGINS: 'https://a.*.example' } }, /^ALLOWED_ORIGINS: /],
  ['a wildcard for every host', { env: { ALLOWED_ORIGINS: 'https://*' } }, /^ALLOWED_ORIGINS: /],
  ['a list that begins like JSON', { env: { ALLOWED_ORIGINS: '["https://a.example"' } }, /^ALLOWED_ORIGINS: begins like a JSON list but is none$/],
  ['a JSON list of numbers', { env: { ALLOWED_ORIGINS: '[1]' } }, /^ALLOWED_ORIGINS: /],
  ['a proxy that is no address', { env: { TRUSTED_PROXIES: '10.0.0.0/33' } }, /^TRUSTED_PROXIES: '10\.0\.0\.0\/33' /],
  ['a host name that is none', { env: { ALLOWED_HOSTS: 'a b' } }, /^ALLOWED_HOSTS: 'a b' /],
  ['a webhook that is no URL', { env: { N8N_WEBHOOK_URL: 'n8n/webhook' } }, /^N8N_WEBHOOK_URL: /],
  ['a webhook with a password', { env: { N8N_WEBHOOK_URL: 'http://user:pass@n8n.example/x' } }, /^N8N_WEBHOOK_URL: /],
  ['n8n without a webhook', { env: { UPSTREAM_KIND: 'n8n' } }, /^N8N_WEBHOOK_URL: is needed for the upstream kind n8n$/],
  ['an algorithm other than HS256', { env: { JWT_ALGORITHM: 'none' } }, /^JWT_ALGORITHM: 'none' is not supported/],
  ['a cookie name with a space', { env: { SESSION_COOKIE_NAME: 'a b' } }, /^SESSION_COOKIE_NAME: /],
  ['a policy that breaks out of its directive', { env: { SECURITY_CSP_SCRIPT_SRC: "'self'; script-src *" } }, /^SECURITY_CSP/],
  ['a header value with a line break', { env: { HEADERS_XSS_PROTECTION: '0\r\nSet-Cookie: a=b' } }, /^HEADERS_XSS_PROTECTION: control characters/],
  ['a public URL that is none', { env: { PUBLIC_URL: 'chat.example' } }, /^PUBLIC_URL: 'chat\.example' /],
  ['an operations listener without port', { env: { OPS_LISTEN: '127.0.0.1' } }, /^OPS_LISTEN: /],
  ['a route that does not exist', { yaml: 'routes:\n  - path: /api/v1/chat/massage\n' }, '/api/v1/chat/massage is none of the gateway\'s routes'],
  ['a guard of a route that does not exist', { yaml: 'routes:\n  - path: /api/health\n    guards: { rates: off }\n' }, /:3:15 routes\[0\]\.guards\.rates: is no setting/],
  ['a guard mode of a route that does not exist', { yaml: 'routes:\n  - path: /api/health\n    guards: { rate: never }\n' }, /:3:21 routes\[0\]\.guards\.rate: 'never' is not one of/],
  ['a site without origins', { yaml: 'sites:\n  - id: a\n' }, /:2:5 sites\[0\]: a site needs origins$/],
  ['a site without id', { yaml: 'sites:\n  - origins: [https://a.example]\n' }, 'a site needs an id'],
  ['a site named default', { yaml: 'sites:\n  - id: default\n    origins: [https://a.example]\n' }, "the id 'default'"],
  ['an unknown key of a site', { yaml: 'sites:\n  - id: a\n    origins: [https://a.example]\n    color: red\n' }, /:4:5 sites\[0\]\.color: is no setting/],
  ['two sites with one id', { yaml: 'sites:\n  - { id: a, origins: [https://a.example] }\n  - { id: a, origins: [https://b.example] }\n' }, "'a' is used twice"],
  ['two sites with one origin', { yaml: 'sites:\n  - { id: a, origins: [https://a.example] }\n  - { id: b, origins: [https://a.example] }\n' }, 'https://a.example belongs to two sites'],
  ['a simulated state store in production', { env: production({ STATE_SIMULATE: 'slow' }) }, /^STATE_SIMULATE: /],
  ['a star as origin in production', { env: production({ ALLOWED_ORIGINS: '*' }) }, /^ALLOWED_ORIGINS: `\*` is refused in production/],
  ['a star among origins in production', { env: production({ ALLOWED_ORIGINS: '["https://a.example","*"]' }) }, /^ALLOWED_ORIGINS: `\*` is refused in production/],
  ['no assistant in production', { env: production({ UPSTREAM_KIND: undefined }) }, /^N8N_WEBHOOK_URL: is missing/],
];

for (const [name, options, ...patterns] of kBad) {
  test(`a configuration is refused with status 2: ${name}`, kTimeout, () => expectErrors(options, ...patterns));
}

test('all problems are reported at once, each with its place', kTimeout, async () => {
  await expectErrors(
    {
      env: { SERVER_MAX_CONNECTIONS: '0', LOG_LEVEL: 'LOUD', ALLOWED_ORIGINS: 'x', JWT_SECRET_KEY: 'short', SERVER_IDLE_TIMEOUT: 'soon' },
      yaml: 'server:\n  prot: 1\n  host: [a]\nlimits:\n  light_factor: many\nsites:\n  - id: a b\n    origins: [nowhere]\n',
    },
    /^SERVER_MAX_CONNECTIONS: /, /^LOG_LEVEL: /, /^ALLOWED_ORIGINS: /, /^JWT_SECRET_KEY: /, /^SERVER_IDLE_TIMEOUT: /,
    /:2:3 server\.prot: /, /:3:9 server\.host: /, /:5:17 limits\.light_factor: /, /:7:5 sites\[0\]\.id: /, /:8:14 sites\[0\]\.origins: /, /:7:5 sites\[0\]: a site needs origins/,
  );
});

test('a file that is not there is refused', kTimeout, async () => {
  const result = await runCommand(['check-config', '--config', 'missing.yaml']);
  assert.equal(result.status, 2);
  assert.match(result.stderr, /^error: missing\.yaml: cannot be read$/m);
});

test('an empty file and one with only comments are fine', kTimeout, async () => {
  for (const yaml of ['', '# nothing yet\n']) assert.equal((await check({}, yaml)).status, 0);
});

// ---- secrets

test(PROVES('F170') + 'a secret shorter than 32 bytes is refused in every profile', kTimeout, async () => {
  for (const SECURITY_ENVIRONMENT of ['development', 'staging', 'production']) {
    for (const name of ['JWT_SECRET_KEY', 'SESSION_SECRET_KEY']) {
      await expectErrors({ env: production({ SECURITY_ENVIRONMENT, [name]: kJwt.slice(-31) }) }, `${name}: is shorter than 32 bytes`);
    }
  }
  const enough = await check(production({ JWT_SECRET_KEY: kJwt.slice(-32) }));
  assert.equal(enough.status, 0, enough.stderr);
});

test(PROVES('F171') + 'a secret shorter than 64 bytes is warned about, a longer one is not', kTimeout, async () => {
  for (const [length, warned] of [[32, true], [63, true], [64, false]]) {
    const result = await check(production({ SESSION_SECRET_KEY: kSession.slice(0, length) }));
    assert.equal(result.status, 0, result.stderr);
    assert.deepEqual(linesOf(result, 'warning'), warned ? ['SESSION_SECRET_KEY: is shorter than the recommended 64 bytes'] : []);
  }
});

test(PROVES('F105') + 'well-known defaults and secrets without variety are refused', kTimeout, async () => {
  for (const secret of [
    'your-super-secret-jwt-key-change-this-in-production', 'change-me-change-me-change-me-change-me!', 'CHANGEME-0000000-1111111-2222222-3333333', 'my-secret-key-my-secret-key-my-secret-key',
    'a'.repeat(64), 'abababababababababababababababababababab', '0123456789abcdef0123456789abcdef', 'abcdefghijklmnopqrstuvwxyz0123456789',
  ]) {
    await expectErrors({ env: production({ JWT_SECRET_KEY: secret }) }, /^JWT_SECRET_KEY: (looks like a well-known default|has too few different characters)/);
  }
});

test(PROVES('F105') + 'missing secrets are refused in production and staging', kTimeout, async () => {
  for (const SECURITY_ENVIRONMENT of ['staging', 'production']) {
    const env = production({ SECURITY_ENVIRONMENT, JWT_SECRET_KEY: undefined, SESSION_SECRET_KEY: '' });
    await expectErrors({ env }, /^JWT_SECRET_KEY: is missing/, /^SESSION_SECRET_KEY: is missing/);
  }
});

test('two secrets of one value are refused, in lists too', kTimeout, async () => {
  for (const SECURITY_ENVIRONMENT of ['development', 'production']) {
    await expectErrors({ env: production({ SECURITY_ENVIRONMENT, SESSION_SECRET_KEY: kJwt }) }, /^SESSION_SECRET_KEY: equals JWT_SECRET_KEY/);
    await expectErrors({ env: production({ SECURITY_ENVIRONMENT, JWT_SECRET_KEY: `${kJwt},${kSession}` }) }, /^SESSION_SECRET_KEY: equals JWT_SECRET_KEY/);
  }
});

test('a secret may come from a file, without its newline', kTimeout, () =>
  withFolder(async (folder) => {
    await writeFile(join(folder, 'session'), `${kSession}\n`);
    let token;
    await withGateway({ env: { SESSION_SECRET_KEY_FILE: join(folder, 'session'), ALLOWED_ORIGINS: kOrigin } }, async (gateway) => {
      token = await openSession(gateway);
    });
    const validate = { path: '/api/v1/session/validate', headers: { Origin: kOrigin, Authorization: `Bearer ${token}` } };
    await withGateway({ env: { SESSION_SECRET_KEY: kSession, ALLOWED_ORIGINS: kOrigin } }, async (gateway) => {
      assert.equal((await request(gateway, validate)).status, 200);
    });
    await withGateway({ env: { SESSION_SECRET_KEY: `${kSession}x`, ALLOWED_ORIGINS: kOrigin } }, async (gateway) => {
      assert.equal((await request(gateway, validate)).status, 401);
    });
  }));

test('of several secrets the first signs and all verify', kTimeout, async () => {
  const other = [...kSession].reverse().join('');
  const env = { ALLOWED_ORIGINS: kOrigin };
  const tokens = {};
  const validate = (token) => ({ path: '/api/v1/session/validate', headers: { Origin: kOrigin, Authorization: `Bearer ${token}` } });
  await withGateway({ env: { ...env, SESSION_SECRET_KEY: kSession } }, async (gateway) => (tokens.old = await openSession(gateway)));
  await withGateway({ env: { ...env, SESSION_SECRET_KEY: `${other},${kSession}` } }, async (gateway) => {
    tokens.fresh = await openSession(gateway);
    assert.equal((await request(gateway, validate(tokens.old))).status, 200);
  });
  await withGateway({ env: { ...env, SESSION_SECRET_KEY: other } }, async (gateway) => {
    assert.equal((await request(gateway, validate(tokens.fresh))).status, 200);
    assert.equal((await request(gateway, validate(tokens.old))).status, 401);
  });
});

test('a secret that is given twice or whose file is no good is refused, with one error that says why', kTimeout, () =>
  withFolder(async (folder) => {
    const file = async (name, text) => {
      await writeFile(join(folder, name), text);
      return join(folder, name);
    };
    for (const [name, value] of [['JWT_SECRET_KEY', kJwt], ['SESSION_SECRET_KEY', kSession]]) {
      await expectErrors({ env: production({ [`${name}_FILE`]: await file('good', value) }) }, `${name}_FILE: and ${name} are both set`);
      for (const [path, message] of [
        [join(folder, 'nothing'), 'cannot be read'],
        [folder, 'cannot be read'],
        [await file('empty', ''), 'is empty'],
        [await file('blank', ' \r\n\n'), 'is empty'],
        [await file('large', 'q'.repeat(64 * 1024 + 1)), 'is larger than 64 KiB'],
        ['/dev/zero', 'is larger than 64 KiB'],
      ]) {
        await expectErrors({ env: production({ [name]: undefined, [`${name}_FILE`]: path }) }, `${name}_FILE: ${path} ${message}`);
      }
      const short = { env: production({ [name]: undefined, [`${name}_FILE`]: await file('short', `${value.slice(0, 31)}\n`) }) };
      await expectErrors(short, `${name}: is shorter than 32 bytes`);
    }
  }));

test('every secret has a file form, and SIGHUP reads the file again', kTimeout, () =>
  withFolder(async (folder) => {
    const upstream = await startRecordingUpstream();
    const files = { JWT_SECRET_KEY: kJwt, SESSION_SECRET_KEY: kSession, N8N_API_KEY: 'n8n-key-7Hq2' };
    const env = production({ UPSTREAM_KIND: undefined, N8N_WEBHOOK_URL: upstream.url, ALLOWED_HOSTS: '127.0.0.1' });
    for (const [name, value] of Object.entries(files)) {
      delete env[name];
      env[`${name}_FILE`] = join(folder, name);
      await writeFile(join(folder, name), `${value}\r\n`);
    }
    try {
      await withGateway({ env }, async (gateway) => {
        const token = await openSession(gateway, { headers: kHttps });
        const ask = async () => (await request(gateway, messageRequest(token, 'hi', { headers: kHttps }))).status;
        assert.equal(await ask(), 200);
        const [first] = upstream.requests;
        assert.match(first.head, /\r\nauthorization: Bearer n8n-key-7Hq2(\r\n|$)/i);
        const signed = (secret, jwt) => {
          const [head, payload, signature] = jwt.split('.');
          return createHmac('sha256', secret).update(`${head}.${payload}`).digest('base64url') === signature;
        };
        assert.ok(signed(kJwt, first.json.jwt_token), 'not signed with the secret of the file');

        await writeFile(join(folder, 'N8N_API_KEY'), 'n8n-key-8Jr3\n');
        await writeFile(join(folder, 'JWT_SECRET_KEY'), [...kJwt].reverse().join(''));
        gateway.signal('SIGHUP');
        await eventually(() => gateway.log().includes('configuration reloaded'), { what: 'the reload' });
        assert.equal(await ask(), 200);
        assert.match(upstream.requests[1].head, /\r\nauthorization: Bearer n8n-key-8Jr3(\r\n|$)/i);
        assert.ok(signed([...kJwt].reverse().join(''), upstream.requests[1].json.jwt_token));

        await writeFile(join(folder, 'SESSION_SECRET_KEY'), '');
        gateway.signal('SIGHUP');
        await eventually(() => gateway.log().includes('SESSION_SECRET_KEY_FILE'), { what: 'the refusal of the reload' });
        assert.equal(await ask(), 200, 'a configuration with errors changes nothing');
      });
    } finally {
      await upstream.stop();
    }
  }));

test('no message and no page of check-config shows a secret', kTimeout, async () => {
  const secrets = { N8N_API_KEY: 'n8n-key-7Hq2', REDIS_URL: 'redis://:redis-pass-9Kd@127.0.0.1:6379/0', DATABASE_URL: 'postgres://u:pg-pass-4Lm@127.0.0.1/x' };
  const good = await check(production(secrets));
  assert.equal(good.status, 0, good.stderr);
  const bad = await check({ JWT_SECRET_KEY: 'hunter2-hunter2', N8N_API_KEY: 'has a space', SESSION_SECRET_KEY: 'change-me-change-me-change-me-change-me' });
  assert.equal(bad.status, 2);
  assert.match(bad.stderr, /^error: N8N_API_KEY: a key has visible ASCII characters only$/m);
  for (const result of [good, bad]) {
    for (const secret of [kJwt, kSession, 'n8n-key-7Hq2', 'redis-pass-9Kd', 'pg-pass-4Lm', 'hunter2', 'has a space', 'change-me']) {
      assert.ok(!`${result.stdout}${result.stderr}`.includes(secret), secret);
    }
  }
  for (const path of ['jwt.secret_key', 'session.secret_key', 'upstream.api_key', 'redis.url', 'database.url']) {
    assert.match(good.stdout, new RegExp(`^${path.replaceAll('.', '\\.')}: \\*{8}  # set$`, 'm'));
  }
});

test('a secret in the file works and is warned about', kTimeout, async () => {
  const result = await check(production({ JWT_SECRET_KEY: undefined }), `jwt:\n  secret_key: ${kJwt}\n`);
  assert.equal(result.status, 0, result.stderr);
  assert.match(linesOf(result, 'warning').join('\n'), /:2:15 jwt\.secret_key: a secret in the file: prefer the environment or JWT_SECRET_KEY_FILE/);
  assert.ok(!result.stdout.includes(kJwt));
});

const kMade = ['jwt_secret_key', 'security_jwt_secret_key', 'session_secret_key'];

test('development makes its secrets once, readable by nobody else, and keeps them', kTimeout, () =>
  withFolder(async (folder) => {
    const secrets = join(folder, 'data/secrets');
    const read = () => Promise.all(kMade.map((name) => readFile(join(secrets, name), 'utf8')));
    const env = { ALLOWED_ORIGINS: kOrigin };
    let gateway = await startGateway({ folder, env });
    const token = await openSession(gateway);
    await gateway.stop();
    assert.deepEqual((await readdir(secrets)).sort(), kMade);
    for (const name of kMade) {
      assert.equal((await stat(join(secrets, name))).mode & 0o777, 0o600, name);
    }
    assert.equal((await stat(secrets)).mode & 0o777, 0o700);
    const made = await read();
    assert.notEqual(made[0], made[1]);
    for (const secret of made) assert.ok(Buffer.from(secret.trim(), 'base64url').length >= 48, secret);
    assert.ok(!made.some((secret) => gateway.log().includes(secret.trim())), 'a secret in the log');

    gateway = await startGateway({ folder, env });
    const validate = { path: '/api/v1/session/validate', headers: { Origin: kOrigin, Authorization: `Bearer ${token}` } };
    assert.equal((await request(gateway, validate)).status, 200, 'the session lives on');
    await gateway.stop();
    assert.deepEqual(await read(), made);
  }));

test('where the secrets are given nothing is made', kTimeout, () =>
  withFolder(async (folder) => {
    const gateway = await startGateway({ folder, env: { ...kProduction } });
    await gateway.stop();
    await assert.rejects(stat(join(folder, 'data/secrets')), { code: 'ENOENT' });
  }));

// ---- warnings

const kWarned = {
  SECURITY_REQUIRE_HTTPS: 'false',
  SECURITY_JWT_ACCESS_TOKEN_EXPIRE_MINUTES: '61',
  SECURITY_ENABLE_SECURITY_MONITORING: 'false',
  SECURITY_ENABLE_THREAT_DETECTION: 'false',
  SECURITY_RATE_LIMIT_REQUESTS_PER_MINUTE: '501',
  SECURITY_ENABLE_INPUT_SANITIZATION: 'false',
  SECURITY_WEBSOCKET_REQUIRE_AUTH: 'false',
  SECURITY_ENABLE_SECURITY_HEADERS: 'false',
  DEBUG: 'true',
};

test(PROVES('F217') + 'each risky setting has its warning in production, in check-config and at the start', kTimeout, async () => {
  const clean = await check(production());
  assert.equal(clean.status, 0, clean.stderr);
  assert.deepEqual(linesOf(clean, 'warning'), []);
  for (const [name, value] of Object.entries(kWarned)) {
    const result = await check(production({ [name]: value }));
    assert.equal(result.status, 0, result.stderr);
    const warnings = linesOf(result, 'warning');
    assert.equal(warnings.length, 1, `${name}: ${warnings}`);
    assert.ok(warnings[0].startsWith(`${name}: is `), warnings[0]);
  }
  const shortSecret = kJwt.slice(0, 40);
  await withGateway({ env: production({ ...kWarned, JWT_SECRET_KEY: shortSecret }) }, async (gateway) => {
    const expected = [...Object.keys(kWarned), 'JWT_SECRET_KEY'].sort();
    // A line may be half read.
    const parsed = (line) => (line.endsWith('}') ? [JSON.parse(line)] : []);
    const warned = await eventually(() => {
      const lines = gateway.log().split('\n').flatMap(parsed).filter(({ level }) => level === 'warning');
      return lines.length >= expected.length && lines.map(({ setting }) => setting);
    }, { what: 'the warnings' });
    assert.deepEqual(warned.sort(), expected);
  });
});

test('the boundary values of the warnings are not warned about', kTimeout, async () => {
  const result = await check(production({ SECURITY_JWT_ACCESS_TOKEN_EXPIRE_MINUTES: '60', SECURITY_RATE_LIMIT_REQUESTS_PER_MINUTE: '500' }));
  assert.deepEqual(linesOf(result, 'warning'), []);
});

test('a guard that does not enforce is warned about in every profile', kTimeout, async () => {
  for (const mode of ['monitor', 'off']) {
    const result = await check({ GUARDS_ORIGIN_MODE: mode });
    assert.deepEqual(linesOf(result, 'warning'), [`guards.origin.mode: the guard runs in mode ${mode}`]);
  }
});

test(PROVES('F103') + 'REDIS_URL is taken and masked; what is no such URL is told without repeating it', kTimeout, async () => {
  for (const REDIS_URL of ['redis://localhost:6379/0', 'redis://user:redis-pass-9Kd@10.0.0.9:6380/5', 'rediss://:redis-pass-9Kd@redis.internal']) {
    const checked = await check(production({ REDIS_URL }));
    assert.equal(checked.status, 0, checked.stderr);
    assert.deepEqual(linesOf(checked, 'warning'), []);
    assert.match(checked.stdout, /^redis\.url: \*{8}  # set$/m);
    for (const text of [checked.stdout, checked.stderr]) assert.ok(!text.includes('redis-pass-9Kd'), text);
  }
  for (const REDIS_URL of ['localhost:6379', 'redis://:redis-pass-9Kd@host:port', 'redis://:redis-pass-9Kd@']) {
    const checked = await check(production({ REDIS_URL }));
    assert.equal(checked.status, 2);
    assert.match(checked.stderr, /^error: REDIS_URL: /m);
    assert.ok(!checked.stderr.includes('redis-pass-9Kd'), checked.stderr);
  }
  const unset = await check(production());
  assert.match(unset.stdout, /^redis\.url: ""$/m);
  const alone = await check({ REDIS_URL: 'redis://localhost' });
  assert.match(linesOf(alone, 'warning').join('\n'), /REDIS_URL: is set without SESSION_SECRET_KEY/);
});

test('DATABASE_URL must name a PostgreSQL database, and a remote one should insist on TLS', kTimeout, async () => {
  for (const [url, fault] of [
    ['mysql://u:pg-pass-4Lm@127.0.0.1/x', /is no postgresql:\/\/ URL/],
    ['postgres://u:pg-pass-4Lm@127.0.0.1', /names no database/],
    ['postgres://u:pg-pass-4Lm@127.0.0.1/x?sslmode=on', /has an sslmode that is none of/],
  ]) {
    const result = await check({ DATABASE_URL: url });
    assert.equal(result.status, 2, url);
    assert.match(linesOf(result, 'error').join(), fault);
    assert.ok(!(result.stdout + result.stderr).includes('pg-pass-4Lm'));
  }
  const warnings = async (url) => linesOf(await check({ DATABASE_URL: url, SESSION_SECRET_KEY: kSession }), 'warning').filter((line) => line.startsWith('DATABASE_URL'));
  assert.deepEqual(await warnings('postgresql+asyncpg://u:p@127.0.0.1/x'), []);
  assert.deepEqual(await warnings('postgresql://u:p@db.example/x?sslmode=verify-full'), []);
  assert.match((await warnings('postgresql://u:p@db.example/x')).join(), /does not insist on TLS/);
});

// ---- what applies

test('a command line that makes no sense ends with 2, and asking for help with 0', kTimeout, async () => {
  for (const words of [[], ['serv'], ['serve', '--conf', 'x.yaml'], ['serve', 'now'], ['reference'], ['reference', 'poems']]) {
    const result = await runCommand(words);
    assert.equal(result.status, 2, words.join(' '));
    assert.notEqual(result.stderr, '', words.join(' '));
  }
  const help = await runCommand(['--help']);
  assert.equal(help.status, 0);
  assert.match(help.stdout, /serve/);
});

test('check-config shows every route with its kind and the guards that do not enforce', kTimeout, async () => {
  const result = await check({ GUARDS_BODY_MODE: 'monitor' }, 'routes:\n  - { path: /api/health, guards: { rate: off } }\n  - { path: /metrics, enabled: false }\n');
  assert.equal(result.status, 0, result.stderr);
  const routes = result.stdout.split('\nroutes\n')[1].trim().split('\n').map((line) => line.trim().split(/\s+/));
  const of = (name) => routes.filter((route) => route[4] === name).map((route) => [...route.slice(0, 4), ...route.slice(5)]);
  assert.deepEqual(of('session_create'), [['POST', '/api/v1/session/create', 'browser', 'chat', 'body=monitor']]);
  assert.deepEqual(of('chat_subscribe'), [['GET', '/api/v1/chat/stream', 'browser', 'chat', 'body=monitor']]);
  assert.deepEqual(of('api_health'), [['GET', '/api/health', 'anonymous', 'api', 'rate=off', 'body=monitor']]);
  assert.deepEqual(of('health_ready'), [['GET', '/health/ready', 'anonymous', 'probe', 'body=monitor']]);
  assert.deepEqual(of('metrics'), []);
});

test('a route that is switched off answers 404', kTimeout, async () => {
  await withGateway({ yaml: 'routes:\n  - { path: /widget/embed.js, enabled: false }\n' }, async (gateway) => {
    expectProblem(await request(gateway, { path: '/widget/embed.js' }), 404, 'NOT_FOUND');
    assert.equal((await request(gateway, { path: '/widget/' })).status, 200);
  });
});

const profileOf = async (env, yaml) => (await check(env, yaml)).stdout.match(/^profile: (.*)$/m)[1];

test(PROVES('F214') + 'the profile is SECURITY_ENVIRONMENT, else ENVIRONMENT, else the file, else DEBUG, else development', kTimeout, async () => {
  const file = 'environment: staging\ndebug: false\n';
  for (const value of ['development', 'staging', 'production']) {
    assert.equal(await profileOf({ SECURITY_ENVIRONMENT: value, ENVIRONMENT: 'staging', DEBUG: 'true' }, file), `${value} (SECURITY_ENVIRONMENT)`);
  }
  assert.equal(await profileOf({ ENVIRONMENT: 'production', DEBUG: 'true' }, file), 'production (ENVIRONMENT)');
  assert.match(await profileOf({ DEBUG: 'true' }, file), /^staging \(.*:1:14 environment\)$/);
  assert.equal(await profileOf({ DEBUG: 'true' }, 'debug: false\n'), 'development (DEBUG=true)');
  assert.equal(await profileOf({ DEBUG: 'false' }), 'production (DEBUG=false)');
  assert.match(await profileOf({}, 'debug: false\n'), /^production \(.*=false\)$/);
  assert.match(await profileOf({}), /^development \(/);
  assert.equal(await profileOf({ SECURITY_ENVIRONMENT: '', ENVIRONMENT: 'production' }), 'production (ENVIRONMENT)');
});

test(PROVES('F214') + 'SECURITY_ENVIRONMENT decides what /health says and which limits and policy hold', kTimeout, async () => {
  for (const [profile, limit, lax] of [['development', '1000', true], ['staging', '100', false], ['production', '100', false]]) {
    await withGateway({ env: production({ SECURITY_ENVIRONMENT: profile }) }, async (gateway) => {
      assert.equal((await request(gateway, { path: '/health' })).json.environment, profile);
      const answer = await request(gateway, { path: '/api/health', host: 'shop.example', headers: kHttps });
      assert.equal(answer.header('X-RateLimit-Limit'), limit);
      assert.equal(answer.header('Content-Security-Policy').includes("'unsafe-eval'"), lax);
    });
  }
});

test('the environment wins over the file, and an empty variable counts as none', kTimeout, async () => {
  const yaml = 'limits:\n  chat_address_per_minute: 5\n  chat_address_per_hour: 50\n';
  const result = await check({ RATE_LIMIT_PER_MINUTE: '7', RATE_LIMIT_PER_HOUR: '' }, yaml);
  assert.match(result.stdout, /^limits\.chat_address_per_minute: 7 {2}# set$/m);
  assert.match(result.stdout, /^limits\.chat_address_per_hour: 50 {2}# set$/m);
  assert.match(result.stdout, /^limits\.session_per_minute: 30$/m);
});

test('a variable may have its path as name, in lower case too', kTimeout, async () => {
  for (const name of ['LIMITS_CHAT_ADDRESS_PER_MINUTE', 'limits_chat_address_per_minute', 'rate_limit_per_minute']) {
    assert.match((await check({ [name]: '9' })).stdout, /^limits\.chat_address_per_minute: 9 {2}# set$/m, name);
  }
});

test(PROVES('F104') + 'DEBUG switches detailed errors and debug_mode', kTimeout, async () => {
  for (const debug of [true, false]) {
    await withGateway({ env: production({ SECURITY_ENVIRONMENT: 'staging', DEBUG: String(debug), ALLOWED_HOSTS: '127.0.0.1' }) }, async (gateway) => {
      assert.equal((await request(gateway, { path: '/metrics' })).json.system.debug_mode, debug);
      const problem = expectProblem(await request(gateway, createRequest({ origin: 'https://evil.example' })), 403, 'INVALID_ORIGIN');
      assert.equal(typeof problem.debug, debug ? 'string' : 'undefined');
    });
  }
});

test(PROVES('F104') + 'LOG_LEVEL decides which lines are written', kTimeout, async () => {
  const logAt = async (env) => {
    const gateway = await startGateway({ env });
    await request(gateway, { path: '/health' });
    await request(gateway, { path: '/api/health' });
    await request(gateway, { path: '/api/health', host: 'evil.example' });
    return (await gateway.stop()).stderr;
  };
  const count = (log) => [/path=\/health /, /path=\/api\/health .*status=200/, /SECURITY_ALERT/].map((pattern) => log.split('\n').filter((line) => pattern.test(line)).length);
  assert.deepEqual(count(await logAt({ LOG_LEVEL: 'DEBUG' })), [1, 1, 1]);
  assert.deepEqual(count(await logAt({ LOG_LEVEL: 'INFO' })), [0, 1, 1]);
  assert.deepEqual(count(await logAt({ SECURITY_LOG_LEVEL: 'WARNING' })), [0, 0, 1]);
  assert.deepEqual(count(await logAt({ LOG_LEVEL: 'ERROR' })), [0, 0, 0]);
  assert.deepEqual(count(await logAt({ LOG_ACCESS: 'false' })), [0, 0, 1]);
});

test(PROVES('F222') + 'development tells the reason of an error, production and staging do not', kTimeout, async () => {
  for (const profile of ['development', 'staging', 'production']) {
    await withGateway({ env: production({ SECURITY_ENVIRONMENT: profile }) }, async (gateway) => {
      for (const [rest, status, code, reason] of [
        [createRequest({ origin: 'https://evil.example' }), 403, 'INVALID_ORIGIN', 'Origin: https://evil.example is not allowed'],
        [{ path: '/api/v1/session/validate', headers: { Origin: kOrigin } }, 401, 'SESSION_INVALID', 'no session'],
        [createRequest({ headers: { 'Content-Encoding': 'deflate' } }), 415, 'UNSUPPORTED_MEDIA_TYPE', 'Content-Encoding'],
      ]) {
        const problem = expectProblem(await request(gateway, { ...rest, host: 'shop.example', headers: { ...rest.headers, ...kHttps } }), status, code);
        assert.equal(problem.debug, profile === 'development' ? reason : undefined, profile);
        assert.deepEqual(Object.keys(problem).filter((k) => k !== 'debug'), ['type', 'title', 'status', 'detail', 'instance', 'error', 'error_id', 'code']);
      }
    });
  }
});

test('SECURITY_ENABLE_INPUT_SANITIZATION decides whether unknown context reaches the assistant', kTimeout, async () => {
  for (const on of [true, false]) {
    const upstream = await startRecordingUpstream();
    try {
      await withGateway({ env: { ALLOWED_ORIGINS: kOrigin, N8N_WEBHOOK_URL: upstream.url, SECURITY_ENABLE_INPUT_SANITIZATION: String(on) } }, async (gateway) => {
        const body = { message: 'hi', context: { language: 'en', shoe_size: 44 } };
        const answer = await request(gateway, messageRequest(await openSession(gateway), '', { body }));
        assert.equal(answer.status, 200, answer.text);
        assert.deepEqual(answer.json.dropped_context, on ? ['shoe_size'] : undefined);
        const passed = upstream.requests[0].json.context.user_context;
        assert.deepEqual(passed, on ? { language: 'en' } : { language: 'en', shoe_size: 44 });
      });
    } finally {
      await upstream.stop();
    }
  }
});

// ---- the log

const kAccessFields = ['time', 'level', 'message', 'request_id', 'address', 'site', 'route', 'method', 'path', 'status', 'bytes', 'ms', 'code', 'error_id'];
const kEventFields = [
  'time', 'level', 'message', 'event_id', 'type', 'threat_level', 'decision', 'description', 'guard', 'tier', 'place', 'classes', 'codes', 'address', 'site', 'method', 'endpoint', 'session', 'request_id',
];

test('in production every line is JSON with the documented fields, and no query, body or credential', kTimeout, async () => {
  const gateway = await startGateway({ env: production({ LOG_LEVEL: 'DEBUG' }) });
  const host = 'shop.example';
  const token = await openSession(gateway, { host, headers: kHttps });
  const secrets = { Cookie: 'chat_session_id=cookie-secret', ...kHttps };
  const answers = [];
  const ask = async (rest) => answers.push(await request(gateway, { host, ...rest }));
  await ask(messageRequest(token, 'body-secret', { headers: kHttps }));
  await ask({ path: '/api/health?query-secret=1', headers: secrets });
  await ask({ path: '/nowhere?query-secret=1', headers: { ...secrets, 'X-Anything': 'header-secret' } });
  await ask(createRequest({ body: '{"body-secret', headers: kHttps }));
  await ask(createRequest({ origin: 'https://evil.example', headers: { ...secrets, Referer: 'https://evil.example/?referer-secret' } }));
  await ask(messageRequest('pcs_token-secret', 'body-secret', { headers: kHttps }));
  const wire = await connect(gateway);
  wire.send('POST /x?query-secret HTTP/1.1\r\nHost: a\r\nHost: header-secret\r\n\r\nbody-secret');
  answers.push(await wire.answer());
  wire.destroy();
  const { stderr } = await gateway.stop();
  assert.deepEqual(answers.map(({ status }) => status), [200, 200, 404, 400, 403, 401, 400]);
  assert.doesNotMatch(stderr, /secret(?!_)/, 'a secret in the log');
  assert.ok(!stderr.includes(token) && !stderr.includes(kJwt) && !stderr.includes(kSession));

  const lines = stderr.trim().split('\n').map((line) => JSON.parse(line));
  for (const line of lines) {
    assert.match(line.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.match(line.level, /^(debug|info|warning|error|critical)$/);
    assert.equal(typeof line.message, 'string');
  }
  const access = lines.filter(({ message }) => message === 'request');
  assert.equal(access.length, answers.length + 1);
  for (const line of access) assert.deepEqual(Object.keys(line), kAccessFields);
  for (const answer of answers) {
    const line = access.find(({ request_id }) => request_id === answer.header('X-Request-ID'));
    assert.equal(line.status, answer.status);
    assert.equal(line.bytes, answer.body.length);
    assert.equal(line.code, answer.status >= 400 ? answer.json.code : '');
    assert.equal(line.error_id, answer.status >= 400 ? answer.json.error_id : '');
    assert.equal(line.address, '127.0.0.1');
    assert.ok(line.ms >= 0);
  }
  const events = lines.filter(({ event_id }) => event_id);
  assert.equal(events.length, 4, 'one event for each refusal; an unknown path is none');
  for (const event of events) {
    assert.deepEqual(Object.keys(event), kEventFields);
    assert.match(event.event_id, kUlid);
    assert.match(event.request_id, kUuid);
  }
});

test('a path cannot forge a line of the log', kTimeout, async () => {
  for (const LOG_FORMAT of ['text', 'json']) {
    const gateway = await startGateway({ env: { LOG_FORMAT } });
    await request(gateway, { path: '/%0a12:00:00.000%20info%20forged', headers: { 'User-Agent': 'x" level="error' } });
    await request(gateway, { path: "/x'=%22{}[]|^`" });
    const { stderr } = await gateway.stop();
    assert.equal(stderr.split('\n').filter((line) => line.includes('forged')).length, 1);
    if (LOG_FORMAT === 'json') for (const line of stderr.trim().split('\n')) JSON.parse(line);
  }
});

test('LOG_FORMAT chooses the form whatever the profile', kTimeout, async () => {
  for (const [env, json] of [[{ LOG_FORMAT: 'json' }, true], [production({ LOG_FORMAT: 'text' }), false], [{}, false], [production({ SECURITY_ENVIRONMENT: 'staging' }), true]]) {
    const gateway = await startGateway({ env });
    const [first] = (await gateway.stop()).stderr.split('\n');
    assert.equal(first.startsWith('{'), json, first);
  }
});

/** One refusal, and the line of its event. */
async function eventOf(env, ask) {
  const gateway = await startGateway({ env: production({ SECURITY_REQUIRE_HTTPS: 'false', ...env }) });
  const problem = (await ask((rest) => request(gateway, { host: 'shop.example', ...rest }))).json;
  const { stderr } = await gateway.stop();
  const events = stderr.trim().split('\n').map((line) => JSON.parse(line)).filter(({ event_id }) => event_id === problem.error_id);
  assert.equal(events.length, 1, stderr);
  assert.equal(events[0].level, 'warning');
  assert.equal(events[0].decision, 'refused');
  return events[0];
}

test(PROVES('F107', 'F066', { guard: 'origin' }) + 'a foreign origin is logged with the key word SECURITY_ALERT', kTimeout, async () => {
  const event = await eventOf({}, (ask) => ask(createRequest({ origin: 'https://evil.example' })));
  assert.deepEqual([event.message, event.type, event.threat_level, event.guard, event.codes], ['SECURITY_ALERT', 'network_security', 'medium', 'origin', 'NET_005']);
  assert.deepEqual([event.method, event.endpoint, event.site, event.address], ['POST', '/api/v1/session/create', 'default', '127.0.0.1']);
});

test(PROVES('F108', 'F066', { guard: 'rate' }) + 'a request above its limit is logged with the key word RATE_LIMIT_EXCEEDED', kTimeout, async () => {
  const event = await eventOf({ RATE_LIMIT_PER_MINUTE: '1' }, async (ask) => (await ask(createRequest()), ask(createRequest())));
  assert.deepEqual([event.message, event.type, event.threat_level, event.guard, event.tier, event.codes], ['RATE_LIMIT_EXCEEDED', 'rate_limiting', 'low', 'rate', 'address-minute', 'RATE_003']);
});

test(PROVES('F109', 'F066', { guard: 'body' }) + 'a body that is refused is logged with the key word VALIDATION_ERROR', kTimeout, async () => {
  for (const [rest, code] of [
    [createRequest({ body: '{' }), 'VAL_005'],
    [createRequest({ body: {} }), 'VAL_006'],
    [createRequest({ body: '', headers: { 'Content-Length': '9999999' } }), 'VAL_001'],
  ]) {
    const event = await eventOf({}, (ask) => ask(rest));
    assert.deepEqual([event.message, event.type, event.guard, event.codes], ['VALIDATION_ERROR', 'input_validation', 'body', code]);
  }
});

test(PROVES('F110', 'F066', { guard: 'session' }) + 'a credential that does not verify is logged with the key word AUTH_FAILED', kTimeout, async () => {
  for (const [headers, level] of [[{}, 'low'], [{ Authorization: 'Bearer pcs_forged' }, 'medium'], [{ Cookie: 'chat_session_id=forged' }, 'medium']]) {
    const event = await eventOf({}, (ask) => ask({ path: '/api/v1/session/validate', headers: { Origin: kOrigin, ...headers } }));
    assert.deepEqual([event.message, event.type, event.threat_level, event.guard, event.codes], ['AUTH_FAILED', 'authentication', level, 'session', 'SES_001']);
  }
});

test(PROVES('F216') + 'SECURITY_ENABLE_SECURITY_MONITORING=false records no events and refuses as before', kTimeout, async () => {
  for (const on of [true, false]) {
    const gateway = await startGateway({ env: { ALLOWED_ORIGINS: kOrigin, SECURITY_ENABLE_SECURITY_MONITORING: String(on) } });
    expectProblem(await request(gateway, createRequest({ origin: 'https://evil.example' })), 403, 'INVALID_ORIGIN');
    expectProblem(await request(gateway, createRequest({ body: '{' })), 400, 'VALIDATION_FAILED');
    const { stderr } = await gateway.stop();
    assert.equal((stderr.match(/SECURITY_ALERT|VALIDATION_ERROR/g) ?? []).length, on ? 2 : 0);
  }
});

test('a misspelt variable is warned of, and starts nothing else than it would without', kTimeout, async () => {
  const result = await runCommand(['check-config'], { env: { RATE_LIMIT_PER_MINUT: '5' } });
  assert.equal(result.status, 0, result.stderr);
  assert.match(result.stderr, /^warning: RATE_LIMIT_PER_MINUT: is no setting; did you mean RATE_LIMIT_PER_MINUTE\?$/m);
});

// ---- commands

test('the version is printed; an unknown command or page is refused', kTimeout, async () => {
  const version = await runCommand(['version']);
  assert.equal(version.status, 0);
  assert.match(version.stdout, /^portcullis \d+\.\d+\.\d+\n$/);
  assert.deepEqual(await runCommand(['--version']), version);
  for (const args of [['dance'], [], ['serve', '--port', '1'], ['reference', 'nothing']]) {
    const result = await runCommand(args);
    assert.notEqual(result.status, 0, args.join(' '));
    assert.notEqual(result.status, null, args.join(' '));
  }
});

test('a port that is taken is refused with status 2', kTimeout, async () => {
  await withGateway({}, async (gateway) => {
    const result = await runCommand(['serve'], { env: { SERVER_PORT: String(gateway.port) } });
    assert.equal(result.status, 2);
    assert.match(result.stderr, new RegExp(`^error: cannot listen on 127\\.0\\.0\\.1:${gateway.port}: Address already in use$`, 'm'));
  });
});
