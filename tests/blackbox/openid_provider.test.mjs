// Users whom an OpenID provider knows.

import assert from 'node:assert/strict';
import { createHmac, createPublicKey } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import { assertProblem, call, eventually } from '../harness/client.mjs';
import { withAccounts } from '../harness/accounts.mjs';
import { runCommand, startGateway } from '../harness/gateway.mjs';
import { startOpenIdProvider } from '../harness/openid_provider.mjs';
import { bearer, claimsOf, me } from '../harness/users.mjs';
import { withGateway } from '../harness/with_gateway.mjs';

/** A program of its own address each time, so that no test is blocked for what another showed. */
let client = 0;
const elsewhere = () => ({ 'X-Forwarded-For': `198.51.100.${(client += 1)}` });
const settings = (provider, env = {}) => ({
  AUTH_OIDC_ISSUER: provider.issuer,
  AUTH_OIDC_AUDIENCE: provider.audience,
  AUTH_OIDC_ROLES: 'support=operator,staff=viewer@shop,boss=admin',
  TRUSTED_PROXIES: '127.0.0.0/8',
  SECURITY_RATE_LIMIT_REQUESTS_PER_MINUTE: '100000',
  SECURITY_RATE_LIMIT_AUTHENTICATED_RPM: '100000',
  ...env,
});
const ask = (gateway, token, path = '/api/auth/me', headers = elsewhere()) => call(gateway, 'GET', path, { headers: { ...bearer(token), ...headers } });
const documents = (provider) => provider.requests.filter((path) => path !== '/token');
const keysAsked = (provider) => provider.requests.filter((path) => path === '/jwks').length;

describe('a user of an OpenID provider', () => {
  let provider;
  let gateway;
  before(async () => {
    provider = await startOpenIdProvider();
    gateway = await startGateway({ env: settings(provider) });
  });
  after(async () => {
    await gateway?.stop();
    await provider?.stop();
  });

  test('is known by a token of it, and its groups are roles here', async () => {
    const health = async () => (await call(gateway, 'GET', '/health')).json.services.openid_provider;
    assert.equal(await health(), 'unasked');
    const token = await provider.token({ sub: 'auth0|5f7c', claims: { roles: ['support', 'unknown', 'support'] } });
    const answer = await ask(gateway, token);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json.user_id, 'oidc:auth0|5f7c');
    assert.deepEqual(answer.json.roles, [{ role: 'operator', site: '*' }]);
    assert.equal(await health(), 'healthy');
    assert.deepEqual(documents(provider), ['/.well-known/openid-configuration', '/jwks'], 'each document once');
    for (let i = 0; i < 20; ++i) assert.equal((await ask(gateway, token)).status, 200);
    assert.equal(documents(provider).length, 2, 'the keys are kept');
  });

  test('has what these roles open, and nothing else', async () => {
    const blocks = '/api/security/blocks';
    const of = (...roles) => provider.token({ claims: { roles } });
    assert.equal((await ask(gateway, await of('support'), blocks)).status, 200);
    assertProblem(await ask(gateway, await of('staff'), blocks), 403, 'FORBIDDEN'); // of one site only
    assertProblem(await ask(gateway, await of('operator', 'admin'), blocks), 403, 'FORBIDDEN'); // the provider's words mean nothing
    assertProblem(await ask(gateway, await of(), blocks), 403, 'FORBIDDEN');
    const strange = await provider.token({ claims: { roles: { support: true } } });
    assertProblem(await ask(gateway, strange, blocks), 403, 'FORBIDDEN');
    const text = await provider.token({ claims: { roles: 'support' } });
    assert.equal((await ask(gateway, text, blocks)).status, 200);
    assertProblem(await ask(gateway, await provider.token({ claims: { roles: 'no support' } }), blocks), 403, 'FORBIDDEN');
  });

  test('tokens for somebody else, of somebody else, or not fresh are refused', async () => {
    const good = await provider.token();
    const [header, payload, signature] = good.split('.');
    const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = claimsOf(good);
    const key = (await (await fetch(`${provider.issuer}/jwks`)).json()).keys[0];
    const pem = createPublicKey({ key, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
    const confused = `${encode({ alg: 'HS256', typ: 'at+jwt', kid: key.kid })}.${payload}`;
    const other = await startOpenIdProvider();
    const bad = {
      'for another service': await provider.token({ resource: 'https://other.example' }),
      'of another provider': await other.token(),
      'that names another issuer': await provider.token({ claims: { iss: other.issuer } }),
      'that says to be of our own users': await provider.token({ claims: { iss: 'portcullis', aud: 'portcullis', typ: 'access', role: 'admin' } }),
      expired: await provider.token({ claims: { exp: claims.iat - 60, iat: claims.iat - 600 } }),
      'that lives for a week': await provider.token({ life: 7 * 24 * 3600 }),
      'without a subject': await provider.token({ claims: { sub: '' } }),
      'without a signature': `${encode({ alg: 'none', typ: 'at+jwt' })}.${payload}.`,
      'signed by the public key': `${confused}.${createHmac('sha256', pem).update(confused).digest('base64url')}`,
      altered: `${header}.${encode({ ...claims, roles: ['boss'] })}.${signature}`,
    };
    await other.stop();
    for (const [what, token] of Object.entries(bad)) {
      const answer = await ask(gateway, token);
      assertProblem(answer, 401, 'AUTH_FAILED');
      assert.match(answer.headers['www-authenticate'], /error="invalid_token"/, what);
    }
    assert.equal((await ask(gateway, good)).status, 200);
  });

  test('whoever makes up signatures is refused each time, and the provider not asked for each', async () => {
    const [header, payload] = (await provider.token()).split('.');
    const headers = elsewhere();
    const before = keysAsked(provider);
    const guess = () => ask(gateway, `${header}.${payload}.${Buffer.alloc(256, Math.random().toString()).toString('base64url')}`, undefined, headers);
    for (let i = 0; i < 20; ++i) assertProblem(await guess(), 401, 'AUTH_FAILED');
    assert.ok(keysAsked(provider) <= before + 1);
  });

  test('whoever makes up what is none by its form is blocked like one who makes up ours', async () => {
    const [, payload, signature] = (await provider.token()).split('.');
    const headers = elsewhere();
    const none = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url');
    for (let i = 0; i < 4; ++i) assert.equal((await ask(gateway, `${none}.${payload}.${signature}`, undefined, headers)).status, 401);
    assertProblem(await ask(gateway, `${none}.${payload}.${signature}`, undefined, headers), 403, 'ADDRESS_BLOCKED');
  });
});

describe('the keys of an OpenID provider', () => {
  let provider;
  beforeEach(async () => {
    await provider?.stop();
    provider = await startOpenIdProvider({ alg: 'ES256' });
  });
  after(() => provider?.stop());

  test('are fetched again when a token names another, and old ones are no longer believed', async () => {
    await withGateway({ env: settings(provider) }, async (gateway) => {
      assert.equal((await ask(gateway, await provider.token())).status, 200);
      const stolen = provider.keep();
      provider.rotate('RS256');
      const fresh = await provider.token();
      // At most every ten seconds: the first requests may come too early.
      const answers = [];
      await eventually(async () => {
        answers.push((await ask(gateway, fresh)).status);
        return answers.at(-1) === 200;
      }, { within: 14_000 });
      assert.ok(answers.slice(0, -1).every((status) => status === 401));
      assert.equal(keysAsked(provider), 2);
      assertProblem(await ask(gateway, await stolen()), 401, 'AUTH_FAILED');
    });
  });

  test('are not fetched for every key that a stranger makes up', async () => {
    await withGateway({ env: settings(provider) }, async (gateway) => {
      const token = await provider.token();
      assert.equal((await ask(gateway, token)).status, 200);
      const [, payload, signature] = token.split('.');
      const made = (i) => `${Buffer.from(JSON.stringify({ alg: 'ES256', kid: `k${i}` })).toString('base64url')}.${payload}.${signature}`;
      const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => ask(gateway, made(i))));
      assert.ok(answers.every(({ status }) => status === 401));
      assert.ok(keysAsked(provider) <= 2, `${keysAsked(provider)} times`);
      assert.equal((await ask(gateway, token)).status, 200);
    });
  });

  test('are fetched by one of many who come first', async () => {
    await withGateway({ env: settings(provider) }, async (gateway) => {
      const token = await provider.token();
      const answers = await Promise.all(Array.from({ length: 100 }, () => ask(gateway, token)));
      assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
      assert.equal(keysAsked(provider), 1);
    });
  });

  test('serve on while the provider is away, and are renewed when it is back', async () => {
    await withGateway({ env: settings(provider, { AUTH_OIDC_REFRESH: '10' }) }, async (gateway) => {
      const token = await provider.token();
      assert.equal((await ask(gateway, token)).status, 200);
      provider.intercept((request, response) => response.writeHead(500).end());
      const health = async () => (await call(gateway, 'GET', '/health')).json.services.openid_provider;
      const becomes = (state) =>
        eventually(async () => {
          assert.equal((await ask(gateway, token)).status, 200);
          return (await health()) === state;
        }, { within: 25_000, what: `the provider never was ${state}` });
      await becomes('degraded');
      assert.match(gateway.log(), /OpenID provider cannot be asked/);
      provider.intercept(undefined);
      await becomes('healthy');
    });
  });

  test('that never came leave tokens unjudged, not refused', async () => {
    for (const [what, intercept] of Object.entries({
      'an error': (request, response) => response.writeHead(503).end(),
      silence: () => {},
      'no JSON': (request, response) => response.end('<html>'),
      'another issuer': (request, response) => response.end(JSON.stringify({ issuer: 'https://evil.example', jwks_uri: `${provider.issuer}/jwks` })),
      'keys over plain http': (request, response) => response.end(JSON.stringify({ issuer: provider.issuer, jwks_uri: 'http://keys.example/jwks' })),
      'no place of keys': (request, response) => response.end(JSON.stringify({ issuer: provider.issuer })),
      'too much': (request, response) => response.end(`{"issuer":"${provider.issuer}","x":"${'x'.repeat(100_000)}"}`),
      'a redirect': (request, response) => response.writeHead(302, { Location: `${provider.issuer}/x` }).end(),
      'no keys': (request, response) => (request.url === '/jwks' ? response.end('{"keys":[]}') : false),
      'a secret as a key': (request, response) => (request.url === '/jwks' ? response.end('{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}') : false),
    })) {
      const token = await provider.token();
      await withGateway({ env: settings(provider) }, async (gateway) => {
        provider.intercept(intercept);
        const answer = await ask(gateway, token);
        provider.intercept(undefined);
        assertProblem(answer, 503, 'STATE_UNAVAILABLE');
        assert.equal((await ask(gateway, 'nonsense')).status, 401, what);
        assert.equal((await call(gateway, 'GET', '/health')).json.services.openid_provider, 'degraded', what);
      });
    }
  });

  test('are kept over a reload', async () => {
    await withGateway({ env: settings(provider) }, async (gateway) => {
      const token = await provider.token();
      assert.equal((await ask(gateway, token)).status, 200);
      provider.intercept((request, response) => response.writeHead(500).end());
      gateway.signal('SIGHUP');
      await eventually(() => gateway.log().includes('configuration reloaded'));
      assert.equal((await ask(gateway, token)).status, 200);
      provider.intercept(undefined);
    });
  });

  test('without a name are looked for where a signature does not fit', async () => {
    let key = provider.newKey('ES256');
    const sign = () => provider.signWith(key);
    provider.intercept((request, response) => (request.url === '/jwks' ? response.end(JSON.stringify({ keys: [key.public] })) : false));
    await withGateway({ env: settings(provider) }, async (gateway) => {
      assert.equal((await ask(gateway, sign())).status, 200);
      key = provider.newKey('ES256');
      const headers = elsewhere();
      await eventually(async () => (await ask(gateway, sign(), undefined, headers)).status === 200, { within: 14_000 });
    });
    provider.intercept(undefined);
  });

  test('may be named in the configuration instead', async () => {
    await withGateway({ env: settings(provider, { AUTH_OIDC_KEYS_URL: `${provider.issuer}/jwks`, AUTH_OIDC_ROLES_CLAIM: '/realm_access/roles' }) }, async (gateway) => {
      const answer = await ask(gateway, await provider.token({ claims: { realm_access: { roles: ['boss'] } } }));
      assert.deepEqual(answer.json.roles, [{ role: 'admin', site: '*' }]);
      assert.deepEqual(documents(provider), ['/jwks']);
    });
  });
});

test('a token of a provider can be revoked, and all of a user of it', async () => {
  const provider = await startOpenIdProvider();
  await withAccounts(async (desk) => {
    await desk.gateway(async (gateway) => {
      const tokenOf = (sub, claims) => provider.token({ sub, claims });
      const [first, second, odd, other] = [await tokenOf('ann|1'), await tokenOf('ann|1'), await tokenOf('cy', { jti: 'ä'.repeat(90) }), await tokenOf('ben')];
      await desk.done(['token', 'revoke', '--id', claimsOf(first).jti]);
      await eventually(async () => (await me(gateway, first)).status === 401);
      assert.equal((await me(gateway, second)).status, 200);
      assert.equal(await desk.done(['token', 'revoke', '--user', 'oidc:ann|1']), 'all tokens of oidc:ann|1 revoked');
      await eventually(async () => (await me(gateway, second)).status === 401);
      assert.equal((await me(gateway, odd)).status, 200);
      const out = await call(gateway, 'POST', '/api/auth/logout', { headers: bearer(odd) });
      assert.equal(out.status, 200, out.text);
      assert.equal((await me(gateway, odd)).status, 401, 'one without an id of use is ended by itself');
      assert.equal((await me(gateway, other)).status, 200);
    });
  }, settings(provider));
  await provider.stop();
});

test('a provider that cannot be used is told at the start', async () => {
  const check = (env) => runCommand(['check-config'], { env });
  const good = { AUTH_OIDC_ISSUER: 'https://login.example', AUTH_OIDC_AUDIENCE: 'a' };
  for (const [env, why] of [
    [{ AUTH_OIDC_ISSUER: 'http://login.example', AUTH_OIDC_AUDIENCE: 'a' }, /AUTH_OIDC_ISSUER.*not https/],
    [{ AUTH_OIDC_ISSUER: 'https://login.example' }, /AUTH_OIDC_AUDIENCE.*is needed/],
    [{ ...good, AUTH_OIDC_ROLES: 'boss=king' }, /AUTH_OIDC_ROLES.*'king' is not one of/],
    [{ ...good, AUTH_OIDC_ROLES: 'admin' }, /AUTH_OIDC_ROLES.*not GROUP=ROLE/],
    [{ ...good, AUTH_OIDC_ROLES_CLAIM: '/a~b' }, /AUTH_OIDC_ROLES.*JSON pointer/],
    [{ ...good, AUTH_OIDC_CA_FILE: '/nonexistent' }, /\/nonexistent/],
    [{ ...good, AUTH_ISSUER: 'https://login.example' }, /AUTH_OIDC_ISSUER.*our own/],
  ]) {
    const { status, stdout, stderr } = await check(env);
    assert.notEqual(status, 0, JSON.stringify(env));
    assert.match(stdout + stderr, why);
  }
  assert.equal((await check(good)).status, 0);
});
