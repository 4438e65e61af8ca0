// Users log in, stay so, and log out.

import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { assertProblem, call, eventually, parseCookie } from '../harness/client.mjs';
import { runCommand, startGateway } from '../harness/gateway.mjs';
import { PROVES } from '../harness/proves.mjs';
import { startRedis } from '../harness/redis.mjs';
import { bearer, claimsOf, commonToNodes, headerOf, logIn, logInAsAdmin, me, refresh, startWithAdmin } from '../harness/users.mjs';
import { withGateway } from '../harness/with_gateway.mjs';

const page = 'https://panel.example';
const foreign = 'https://evil.example';
const secret = () => randomBytes(48).toString('base64url');
/** Attempts out of the way, for tests that are about something else. */
const patient = { LIMITS_LOGINS_PER_MINUTE: '10000', LIMITS_AUTH_FAILURES: '100000' };

describe('logging in', () => {
  let gateway;
  before(async () => {
    gateway = await startWithAdmin({ env: { ...patient, ALLOWED_ORIGINS: page, TRUSTED_PROXIES: '127.0.0.0/8' } });
  });
  after(() => gateway?.stop());

  test(PROVES('F168', 'F169', 'F176', 'F177') + 'a program gets both tokens in the body', async () => {
    const answer = await logInAsAdmin(gateway);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json.token_type, 'bearer');
    assert.equal(answer.json.expires_in, 3600, 'the development profile');
    assert.equal(answer.json.refresh_expires_in, 7 * 24 * 3600);
    assert.equal(answer.cookies.length, 0);
    assert.match(answer.headers['cache-control'], /no-store/);
    const claims = claimsOf(answer.json.access_token);
    for (const name of ['iss', 'aud', 'sub', 'exp', 'iat', 'nbf', 'jti', 'role', 'typ']) assert.ok(claims[name], `no ${name}`);
    assert.equal(claims.role, 'admin');
    assert.equal(claims.typ, 'access');
    assert.equal(Buffer.from(claims.jti, 'base64url').length, 16, '128 bits');
    assert.equal(headerOf(answer.json.access_token).alg, 'HS256');

    const who = await me(gateway, answer.json.access_token);
    assert.equal(who.status, 200);
    assert.equal(who.json.authenticated, true);
    assert.equal(who.json.user_id, claims.sub);
    assert.deepEqual(who.json.roles, [{ role: 'admin', site: '*' }]);
  });

  test('a form of OAuth2 says the same as JSON', async () => {
    const form = new URLSearchParams({ grant_type: 'password', username: 'Admin', password: gateway.password, scope: '' });
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
    const answer = await call(gateway, 'POST', '/api/auth/token', { body: form.toString(), headers });
    assert.equal(answer.status, 200, answer.text);
    assert.equal((await me(gateway, answer.json.access_token)).status, 200);
    const other = await call(gateway, 'POST', '/api/auth/token', { body: 'grant_type=client_credentials&username=a&password=b', headers });
    assertProblem(other, 400, 'VALIDATION_FAILED');
  });

  test('what is wrong is not told', async () => {
    const answers = [];
    for (const body of [
      { username: 'admin', password: 'wrong' },
      { username: 'nobody', password: gateway.password },
      { username: "' OR 1=1 --", password: "'; DROP TABLE users; --" },
      { username: 'аdmin', password: gateway.password }, // a Cyrillic letter
    ]) {
      const answer = await logIn(gateway, body);
      if (body.username.startsWith("'")) {
        assertProblem(answer, 400, 'CONTENT_REFUSED'); // a name is structure; a password is nothing that is looked at
        continue;
      }
      assertProblem(answer, 401, 'AUTH_FAILED');
      answers.push(answer);
    }
    const strange = await logIn(gateway, { username: 'admin', password: "'; DROP TABLE users; --<script>alert(1)</script>" });
    assertProblem(strange, 401, 'AUTH_FAILED');
    const told = ({ json, headers }) => JSON.stringify([json.title, json.detail, json.code, headers['www-authenticate']]);
    assert.equal(new Set(answers.map(told)).size, 1);
  });

  test('a body of another form gets a clear answer', async () => {
    assertProblem(await logIn(gateway, { username: 'admin' }), 422, 'SCHEMA_INVALID');
    assertProblem(await logIn(gateway, { username: 'admin', password: 7 }), 422, 'SCHEMA_INVALID');
    assertProblem(await logIn(gateway, { username: 'admin', password: 'x'.repeat(73) }), 422, 'SCHEMA_INVALID');
    assertProblem(await logIn(gateway, { username: 'admin', password: 'é'.repeat(37) }), 422, 'SCHEMA_INVALID');
    assertProblem(await logIn(gateway, { username: 'admin', password: 'é'.repeat(36) }), 401, 'AUTH_FAILED');
    assertProblem(await logIn(gateway, { username: '', password: 'x' }), 400, 'VALIDATION_FAILED');
    assertProblem(await logIn(gateway, { username: 'admin', password: 'x', code: '1'.repeat(65) }), 400, 'VALIDATION_FAILED');
    assertProblem(await logIn(gateway, 'password=x', { 'Content-Type': 'text/plain' }), 415, 'UNSUPPORTED_MEDIA_TYPE');
    assertProblem(await logIn(gateway, { username: 'a'.repeat(20_000), password: 'x' }), 413, 'PAYLOAD_TOO_LARGE');
    assertProblem(await call(gateway, 'GET', '/api/auth/login'), 405, 'METHOD_NOT_ALLOWED');
  });

  test(PROVES('F168') + 'a refresh token serves once; used again it ends its login', async () => {
    const first = (await logInAsAdmin(gateway)).json;
    const second = await refresh(gateway, first.refresh_token);
    assert.equal(second.status, 200, second.text);
    assert.notEqual(second.json.refresh_token, first.refresh_token);
    assert.equal((await me(gateway, second.json.access_token)).status, 200);
    const third = (await refresh(gateway, second.json.refresh_token)).json;

    assertProblem(await refresh(gateway, first.refresh_token), 401, 'AUTH_FAILED');
    assertProblem(await refresh(gateway, third.refresh_token), 401, 'AUTH_FAILED');
    assertProblem(await me(gateway, third.access_token), 401, 'AUTH_FAILED');
    await eventually(() => gateway.log().includes('AUTH_005') && /critical/.test(gateway.log()), { what: 'a critical event' });
  });

  test('of refreshes at the same time one wins, and the login goes on', async () => {
    const { refresh_token: token } = (await logInAsAdmin(gateway)).json;
    const answers = await Promise.all(Array.from({ length: 12 }, () => refresh(gateway, token)));
    const won = answers.filter((answer) => answer.status === 200);
    assert.equal(won.length, 1, answers.map((answer) => answer.status).join());
    for (const lost of answers.filter((answer) => answer.status !== 200)) assertProblem(lost, 401, 'AUTH_FAILED');
  });

  test(PROVES('F173') + 'neither token is the other, and a forged one is none', async () => {
    const { access_token: access, refresh_token: token } = (await logInAsAdmin(gateway)).json;
    assertProblem(await me(gateway, token), 401, 'AUTH_FAILED');
    assertProblem(await refresh(gateway, access), 401, 'AUTH_FAILED');
    const forged = await me(gateway, `${access.slice(0, -3)}AAA`);
    assertProblem(forged, 401, 'AUTH_FAILED');
    assert.match(forged.headers['www-authenticate'], /^Bearer realm="portcullis", error="invalid_token"$/);
    const none = access.split('.');
    none[0] = Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url');
    assertProblem(await me(gateway, `${none[0]}.${none[1]}.`), 401, 'AUTH_FAILED');
    for (const bad of ['', {}, null]) {
      const answer = await call(gateway, 'POST', '/api/auth/refresh', { body: bad === '' ? undefined : { refresh_token: bad } });
      assert.ok([401, 422].includes(answer.status), answer.text);
    }
  });

  test('logout ends a login, logout-all every one, at once', async () => {
    const one = (await logInAsAdmin(gateway)).json;
    const two = (await logInAsAdmin(gateway)).json;
    const three = (await logInAsAdmin(gateway)).json;
    const out = await call(gateway, 'POST', '/api/auth/logout', { headers: bearer(one.access_token) });
    assert.equal(out.status, 200, out.text);
    assertProblem(await me(gateway, one.access_token), 401, 'AUTH_FAILED');
    assertProblem(await refresh(gateway, one.refresh_token), 401, 'AUTH_FAILED');
    assert.equal((await me(gateway, two.access_token)).status, 200);
    assert.equal((await call(gateway, 'POST', '/api/auth/logout-all', { headers: bearer(two.access_token) })).status, 200);
    for (const { access_token: access, refresh_token: token } of [two, three]) {
      assertProblem(await me(gateway, access), 401, 'AUTH_FAILED');
      assertProblem(await refresh(gateway, token), 401, 'AUTH_FAILED');
    }
    assert.equal((await me(gateway, (await logInAsAdmin(gateway)).json.access_token)).status, 200, 'a new login, in the same second');
    assertProblem(await call(gateway, 'POST', '/api/auth/logout'), 401, 'AUTH_FAILED');
  });

  test('a page keeps its refresh token in a cookie that goes nowhere else', async () => {
    const answer = await logInAsAdmin(gateway, { Origin: page });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json.refresh_token, undefined);
    assert.equal(answer.headers['access-control-allow-origin'], page);
    const cookie = parseCookie(answer.cookies[0]);
    assert.equal(cookie.name, 'portcullis_refresh');
    assert.deepEqual(cookie.attributes, { 'max-age': String(7 * 24 * 3600), path: '/api/auth/refresh', httponly: true, samesite: 'Strict' });
    const headers = { Cookie: `portcullis_refresh=${cookie.value}` };

    // A cookie counts where an allowed page sends it, and nowhere else.
    const refreshWith = (more) => call(gateway, 'POST', '/api/auth/refresh', { headers: { ...headers, ...more } });
    assertProblem(await refreshWith({}), 401, 'AUTH_FAILED');
    assertProblem(await refreshWith({ Origin: foreign }), 403, 'INVALID_ORIGIN');
    assertProblem(await refreshWith({ Origin: 'null' }), 403, 'INVALID_ORIGIN');
    assertProblem(await refreshWith({ Origin: page, 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' }), 403, 'INVALID_ORIGIN');
    assertProblem(await refreshWith({ Origin: page, Cookie: `${headers.Cookie}; portcullis_refresh=planted` }), 401, 'AUTH_FAILED');
    const fresh = await refreshWith({ Origin: page });
    assert.equal(fresh.status, 200, fresh.text);
    assert.equal(fresh.json.refresh_token, undefined);
    const next = parseCookie(fresh.cookies[0]).value;
    assert.notEqual(next, cookie.value);

    const out = await call(gateway, 'POST', '/api/auth/logout', { headers: { Origin: page, ...bearer(fresh.json.access_token) } });
    assert.equal(out.status, 200);
    assert.equal(parseCookie(out.cookies[0]).attributes['max-age'], '0');
    assertProblem(await call(gateway, 'POST', '/api/auth/refresh', { headers: { Origin: page, Cookie: `portcullis_refresh=${next}` } }), 401, 'AUTH_FAILED');
    assertProblem(await logInAsAdmin(gateway, { Origin: foreign }), 403, 'INVALID_ORIGIN');
  });

  test('over https the cookie is for https', async () => {
    const answer = await logInAsAdmin(gateway, { Origin: page, 'X-Forwarded-For': '192.0.2.9', 'X-Forwarded-Proto': 'https' });
    assert.equal(parseCookie(answer.cookies[0]).attributes.secure, true);
  });

  test('a new password ends what was, and nothing that is secret is ever logged', async () => {
    const old = gateway.password;
    const before = (await logInAsAdmin(gateway)).json;
    const change = (body) => call(gateway, 'POST', '/api/auth/password', { body, headers: bearer(before.access_token) });
    assertProblem(await change({ current_password: 'wrong', new_password: 'a longer one, and better' }), 401, 'AUTH_FAILED');
    for (const weak of ['short', 'password1234', 'x'.repeat(73)]) {
      assertProblem(await change({ current_password: old, new_password: weak }), 422, 'SCHEMA_INVALID');
    }
    const after = await change({ current_password: old, new_password: 'a longer one, and better' });
    assert.equal(after.status, 200, after.text);
    gateway.password = 'a longer one, and better';
    assertProblem(await me(gateway, before.access_token), 401, 'AUTH_FAILED');
    assertProblem(await refresh(gateway, before.refresh_token), 401, 'AUTH_FAILED');
    assert.equal((await me(gateway, after.json.access_token)).status, 200);
    assertProblem(await logIn(gateway, { username: 'admin', password: old }), 401, 'AUTH_FAILED');
    assert.equal((await logInAsAdmin(gateway)).status, 200);

    await eventually(() => gateway.log().includes('AUTH_012'), { what: 'the event of the change' });
    for (const text of [old, gateway.password, before.access_token, before.refresh_token, after.json.access_token]) {
      assert.ok(!gateway.log().includes(text), 'a secret is in the log');
    }
  });
});

describe('keys and lives of tokens', () => {
  const outside = { SECURITY_ENVIRONMENT: 'staging', JWT_SECRET_KEY: secret(), SESSION_SECRET_KEY: secret(), UPSTREAM_KIND: 'demo', ALLOWED_HOSTS: '127.0.0.1' };

  test(PROVES('F213') + 'outside of development nobody logs in without a key, and none is well known or shared', async () => {
    await withGateway({ env: outside }, async (gateway) => {
      assertProblem(await logIn(gateway, { username: 'admin', password: 'x' }), 404, 'NOT_FOUND');
    });
    const check = (env) => runCommand(['check-config'], { env: { ...outside, ...env } });
    assert.match((await check({ SECURITY_JWT_SECRET_KEY: 'too short' })).stderr, /SECURITY_JWT_SECRET_KEY: is shorter than 32 bytes/);
    assert.match((await check({ SECURITY_JWT_SECRET_KEY: outside.JWT_SECRET_KEY })).stderr, /SECURITY_JWT_SECRET_KEY: equals JWT_SECRET_KEY/);
    assert.match((await check({ SECURITY_JWT_SECRET_KEY: outside.SESSION_SECRET_KEY })).stderr, /SECURITY_JWT_SECRET_KEY: equals SESSION_SECRET_KEY/);
    assert.match((await check({ SECURITY_JWT_SECRET_KEY: secret().slice(0, 40) })).stderr, /warning: SECURITY_JWT_SECRET_KEY: is shorter than the recommended 64/);
    assert.match((await check({ SECURITY_JWT_SECRET_KEY: 'your-super-secret-jwt-key-change-in-production' })).stderr, /well-known default/);
    assert.match((await check({ AUTH_KEY_FILES: '/nowhere.pem' })).stderr, /nowhere\.pem cannot be read/);
    assert.match((await check({ AUTH_TOTP_REQUIRED_ROLES: 'emperor' })).stderr, /'emperor' is not one of/);
  });

  test(PROVES('F174', 'F175', 'F176', 'F177') + 'how long tokens live follows the profile, and a setting wins', async () => {
    for (const [env, minutes, days] of [
      [{ SECURITY_ENVIRONMENT: 'production' }, 15, 7],
      [{ SECURITY_ENVIRONMENT: 'staging' }, 30, 7],
      [{ SECURITY_ENVIRONMENT: 'development' }, 60, 7],
      [{ SECURITY_ENVIRONMENT: 'production', SECURITY_JWT_ACCESS_TOKEN_EXPIRE_MINUTES: '5', SECURITY_JWT_REFRESH_TOKEN_EXPIRE_DAYS: '2' }, 5, 2],
    ]) {
      const { stdout } = await runCommand(['check-config'], { env: { ...outside, SECURITY_JWT_SECRET_KEY: secret(), ...env } });
      assert.match(stdout, new RegExp(`auth\\.access_minutes: ${minutes}\\b`), JSON.stringify(env));
      assert.match(stdout, new RegExp(`auth\\.refresh_days: ${days}\\b`), JSON.stringify(env));
    }
  });

  test('keys are changed without logging anybody out, and may be RSA or elliptic', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'portcullis-'));
    const options = { folder };
    const [first, second, session] = [secret(), secret(), secret()];
    const pem = async (name, pair) => {
      await writeFile(join(folder, name), pair.privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
      return join(folder, name);
    };
    const ec = await pem('ec.pem', generateKeyPairSync('ec', { namedCurve: 'P-256' }));
    const rsa = await pem('rsa.pem', generateKeyPairSync('rsa', { modulusLength: 2048 }));
    try {
      const tokens = [];
      let password;
      for (const [env, algorithm] of [
        [{ SECURITY_JWT_SECRET_KEY: first }, 'HS256'],
        [{ SECURITY_JWT_SECRET_KEY: `${second},${first}` }, 'HS256'],
        [{ SECURITY_JWT_SECRET_KEY: `${second},${first}`, AUTH_KEY_FILES: ec }, 'ES256'],
        [{ SECURITY_JWT_SECRET_KEY: `${second},${first}`, AUTH_KEY_FILES: `${rsa},${ec}` }, 'RS256'],
      ]) {
        const env2 = { ...env, SESSION_SECRET_KEY: session, ...patient };
        const gateway = password ? await startGateway({ ...options, env: env2 }) : await startWithAdmin({ ...options, env: env2 });
        try {
          password ??= gateway.password;
          const { json } = await logIn(gateway, { username: 'admin', password });
          assert.equal(headerOf(json.access_token).alg, algorithm);
          tokens.push(json.access_token);
          for (const token of tokens) assert.equal((await me(gateway, token)).status, 200);
        } finally {
          await gateway.stop();
        }
      }
      await withGateway({ ...options, env: { SECURITY_JWT_SECRET_KEY: second, SESSION_SECRET_KEY: session } }, async (gateway) => {
        assertProblem(await me(gateway, tokens[0]), 401, 'AUTH_FAILED');
        assert.equal((await me(gateway, tokens[1])).status, 200);
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test(PROVES('F173') + 'a token of an HMAC with a public key is none', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'portcullis-'));
    const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
    await writeFile(join(folder, 'rsa.pem'), pair.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const gateway = await startWithAdmin({ env: { AUTH_KEY_FILES: join(folder, 'rsa.pem') } });
    try {
      const { json } = await logInAsAdmin(gateway);
      const header = { ...headerOf(json.access_token), alg: 'HS256' };
      const signed = `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${json.access_token.split('.')[1]}`;
      for (const key of ['pem', 'der']) {
        const material = pair.publicKey.export({ type: 'spki', format: key });
        const mac = createHmac('sha256', material).update(signed).digest('base64url');
        assertProblem(await me(gateway, `${signed}.${mac}`), 401, 'AUTH_FAILED');
      }
    } finally {
      await gateway.stop();
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe('what must last', () => {
  test('users, logins and revocations outlive a restart, and no other admin is made', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'portcullis-'));
    try {
      const first = await startWithAdmin({ folder, env: patient });
      const kept = (await logInAsAdmin(first)).json;
      const ended = (await logInAsAdmin(first)).json;
      await call(first, 'POST', '/api/auth/logout', { headers: bearer(ended.access_token) });
      await first.stop({ signal: 'SIGKILL', expectStatus: 'SIGKILL' });

      await withGateway({ folder, env: { AUTH_FIRST_ADMIN: 'true' } }, async (second) => {
        assert.equal((await me(second, kept.access_token)).status, 200);
        assertProblem(await me(second, ended.access_token), 401, 'AUTH_FAILED');
        assertProblem(await refresh(second, ended.refresh_token), 401, 'AUTH_FAILED');
        assert.equal((await refresh(second, kept.refresh_token)).status, 200);
        assert.doesNotMatch(second.output(), /password/);
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('a configuration reloaded with keys lets users in from then on', async () => {
    const base = `environment: staging\nserver: {allowed_hosts: [127.0.0.1]}\njwt: {secret_key: ${secret()}}\nsession: {secret_key: ${secret()}}\nupstream: {kind: demo}\n`;
    await withGateway({ yaml: base }, async (gateway) => {
      assertProblem(await logIn(gateway, { username: 'a', password: 'b' }), 404, 'NOT_FOUND');
      await gateway.writeConfig(`${base}auth: {secret_key: ${secret()}}\n`);
      gateway.signal('SIGHUP');
      await eventually(async () => (await logIn(gateway, { username: 'a', password: 'b' })).status === 401, { what: 'the reload' });
    });
  });
});

describe('guessing', () => {
  test(PROVES('F195') + 'five failed logins block the address for a quarter of an hour', async () => {
    const gateway = await startWithAdmin({ env: { TRUSTED_PROXIES: '127.0.0.0/8' } });
    try {
      const from = (address) => ({ 'X-Forwarded-For': address });
      for (let i = 0; i < 4; ++i) assertProblem(await logIn(gateway, { username: `user${i}`, password: 'x' }, from('203.0.113.5')), 401, 'AUTH_FAILED');
      const fifth = await logIn(gateway, { username: 'user5', password: 'x' }, from('203.0.113.5'));
      assertProblem(fifth, 403, 'ADDRESS_BLOCKED');
      assert.equal(fifth.headers['retry-after'], '900');
      assertProblem(await logInAsAdmin(gateway, from('203.0.113.5')), 403, 'ADDRESS_BLOCKED');
      const elsewhere = await logInAsAdmin(gateway, from('203.0.113.6'));
      assert.equal(elsewhere.status, 200);
      const verified = await call(gateway, 'GET', '/api/auth/me', { headers: { ...from('203.0.113.5'), ...bearer(elsewhere.json.access_token) } });
      assert.equal(verified.status, 200, 'a user is none of the address');
      const forged = await call(gateway, 'GET', '/api/auth/me', { headers: { ...from('203.0.113.5'), ...bearer('x') } });
      assertProblem(forged, 403, 'ADDRESS_BLOCKED');
    } finally {
      await gateway.stop();
    }
  });

  test('attempts at one name are paced from everywhere but where its user was before', async () => {
    const gateway = await startWithAdmin({ env: { ...patient, TRUSTED_PROXIES: '127.0.0.0/8' } });
    try {
      const from = (number) => ({ 'X-Forwarded-For': `203.0.113.${number}` });
      assert.equal((await logInAsAdmin(gateway, from(250))).status, 200);
      const statuses = [];
      for (let i = 0; i < 14; ++i) statuses.push((await logIn(gateway, { username: 'ADMIN', password: 'x' }, from(i))).status);
      assert.deepEqual(statuses, [...Array(9).fill(401), ...Array(5).fill(429)]);
      const other = await logInAsAdmin(gateway, from(99));
      assertProblem(other, 429, 'RATE_LIMITED');
      assert.ok(Number(other.headers['retry-after']) > 60);
      assert.equal((await logInAsAdmin(gateway, from(250))).status, 200, 'where he was before');
    } finally {
      await gateway.stop();
    }
  });

  test('attempts of one address are limited, whatever comes of them', async () => {
    const gateway = await startWithAdmin({ env: { LIMITS_LOGINS_PER_MINUTE: '3' } });
    try {
      for (let i = 0; i < 3; ++i) assert.equal((await logInAsAdmin(gateway)).status, 200);
      assertProblem(await logInAsAdmin(gateway), 429, 'RATE_LIMITED');
    } finally {
      await gateway.stop();
    }
  });
});

describe('what must not open a door', () => {
  test(PROVES('F179') + 'the time of a refusal tells no name', async () => {
    // Names of each kind in turns, each asked once, so that nothing else differs; medians in one run.
    const gateway = await startWithAdmin({ env: patient });
    try {
      const time = async (username) => {
        const begun = performance.now();
        assertProblem(await logIn(gateway, { username, password: 'not the password' }), 401, 'AUTH_FAILED');
        return performance.now() - begun;
      };
      await time('nobody-at-first');
      assert.equal((await logInAsAdmin(gateway)).status, 200, 'a name is paced more generously from here now');
      const known = [];
      const unknown = [];
      for (let i = 0; i < 25; ++i) {
        known.push(await time('admin'));
        unknown.push(await time(`nobody-${i}`));
      }
      const median = (times) => times.sort((a, b) => a - b)[Math.floor(times.length / 2)];
      const ratio = median(known) / median(unknown);
      assert.ok(ratio > 0.7 && ratio < 1.4, `${ratio}: ${median(known)} beside ${median(unknown)} ms`);
    } finally {
      await gateway.stop();
    }
  });

  test('no guard of these routes can be switched off', async () => {
    const off = Object.fromEntries(['ORIGIN', 'CREDENTIALS', 'RATE', 'ACCESS', 'BODY'].map((name) => [`GUARDS_${name}_MODE`, 'off']));
    const routes = 'routes: [{path: /api/auth/me, guards: {access: off, rate: monitor}}]\n';
    const gateway = await startWithAdmin({ env: { ...patient, ...off }, yaml: routes });
    try {
      assertProblem(await call(gateway, 'GET', '/api/auth/me'), 401, 'AUTH_FAILED');
      assertProblem(await call(gateway, 'GET', '/api/security/blocks'), 401, 'AUTH_FAILED');
      assertProblem(await logIn(gateway, '{bad', { 'Content-Type': 'application/json' }), 400, 'VALIDATION_FAILED');
      assertProblem(await logIn(gateway, '[]', { 'Content-Type': 'application/json' }), 422, 'SCHEMA_INVALID');
      assertProblem(await logInAsAdmin(gateway, { Origin: foreign }), 403, 'INVALID_ORIGIN');
      const { access_token: token } = (await logInAsAdmin(gateway)).json;
      await call(gateway, 'POST', '/api/auth/logout', { headers: bearer(token) });
      assertProblem(await me(gateway, token), 401, 'AUTH_FAILED');
    } finally {
      await gateway.stop();
    }
  });

  test('a token that is shown at the login takes no blame for guesses', async () => {
    const gateway = await startWithAdmin({ env: { TRUSTED_PROXIES: '127.0.0.0/8' } });
    try {
      const from = { 'X-Forwarded-For': '203.0.113.5' };
      const { access_token: token } = (await logInAsAdmin(gateway)).json;
      const statuses = [];
      for (let i = 0; i < 6; ++i) {
        statuses.push((await logIn(gateway, { username: `user${i}`, password: 'x' }, { ...from, ...bearer(token) })).status);
      }
      assert.deepEqual(statuses, [401, 401, 401, 401, 403, 403]);
    } finally {
      await gateway.stop();
    }
  });

  test('guesses by API key count, whatever a client says of itself', async () => {
    const gateway = await startWithAdmin({ env: { TRUSTED_PROXIES: '127.0.0.0/8' } });
    try {
      const headers = { 'X-Forwarded-For': '203.0.113.5', 'X-API-Key': 'pck_x', 'Sec-Fetch-Site': 'cross-site' };
      const statuses = [];
      for (let i = 0; i < 5; ++i) statuses.push((await call(gateway, 'GET', '/api/auth/me', { headers })).status);
      assert.deepEqual(statuses, [401, 401, 401, 401, 403]);
    } finally {
      await gateway.stop();
    }
  });

  test('behind a blocked address a login goes on, and none begins', async () => {
    const gateway = await startWithAdmin({ env: { TRUSTED_PROXIES: '127.0.0.0/8' } });
    try {
      const from = { 'X-Forwarded-For': '203.0.113.5' };
      const { refresh_token: token } = (await logInAsAdmin(gateway, from)).json;
      for (let i = 0; i < 5; ++i) await logIn(gateway, { username: 'nobody', password: 'x' }, from);
      assertProblem(await logInAsAdmin(gateway, from), 403, 'ADDRESS_BLOCKED');
      const fresh = await refresh(gateway, token, from);
      assert.equal(fresh.status, 200, fresh.text);
      const who = await call(gateway, 'GET', '/api/auth/me', { headers: { ...from, ...bearer(fresh.json.access_token) } });
      assert.equal(who.status, 200);
      assertProblem(await refresh(gateway, 'x.y.z', from), 403, 'ADDRESS_BLOCKED');
    } finally {
      await gateway.stop();
    }
  });
});

describe('with Redis', () => {
  test('a Redis that comes back empty revives nothing', async () => {
    const redis = await startRedis();
    const folder = await mkdtemp(join(tmpdir(), 'portcullis-'));
    const env = commonToNodes(redis, patient);
    const nodes = [];
    try {
      nodes.push(await startWithAdmin({ env, folder }));
      nodes.push(await startGateway({ env }));
      const { access_token: ended } = (await logInAsAdmin(nodes[0])).json;
      await call(nodes[0], 'POST', '/api/auth/logout', { headers: bearer(ended) });
      const { access_token: good } = (await logInAsAdmin(nodes[0])).json;
      await redis.kill();
      for (const node of nodes) await eventually(async () => (await me(node, good)).status === 503, { what: 'an answer without Redis' });
      await redis.start();
      for (const node of nodes) {
        await eventually(async () => (await me(node, good)).status === 200, { what: 'Redis again' });
      }
      assertProblem(await me(nodes[0], ended), 401, 'AUTH_FAILED');
      await eventually(async () => (await me(nodes[1], ended)).status === 401, { what: 'the other node to be told again', within: 5000 });
    } finally {
      await Promise.allSettled(nodes.map((node) => node.stop()));
      await redis.stop();
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('what is revoked at one node is void at all, and while Redis is away nobody logs in', async () => {
    const redis = await startRedis();
    const env = commonToNodes(redis, { ...patient, REDIS_DEADLINE: '2s' });
    const nodes = [];
    try {
      nodes.push(await startWithAdmin({ env }));
      for (let i = 0; i < 2; ++i) nodes.push(await startGateway({ env }));
      const { access_token: one } = (await logInAsAdmin(nodes[0])).json;
      const { access_token: two } = (await logInAsAdmin(nodes[0])).json;
      for (const node of nodes) assert.equal((await me(node, one)).status, 200);
      await call(nodes[0], 'POST', '/api/auth/logout', { headers: bearer(one) });
      for (const node of nodes) assertProblem(await me(node, one), 401, 'AUTH_FAILED');
      for (const node of nodes) assert.equal((await me(node, two)).status, 200);

      await redis.stop();
      await eventually(async () => (await me(nodes[1], two)).status === 503, { what: 'an answer without Redis' });
      assertProblem(await logInAsAdmin(nodes[0]), 503, 'STATE_UNAVAILABLE');
    } finally {
      await Promise.allSettled(nodes.map((node) => node.stop()));
      await redis.stop();
    }
  });
});
