// Accounts in PostgreSQL: several nodes share them, and it may be away, hang, be read-only or speak TLS.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { assertProblem, call, eventually, newVisitor, plenty } from '../harness/client.mjs';
import { runCommand, startGateway } from '../harness/gateway.mjs';
import { healthOf, withNodes } from '../harness/nodes.mjs';
import { startPostgres } from '../harness/postgres.mjs';
import { PROVES } from '../harness/proves.mjs';
import { startRedis } from '../harness/redis.mjs';
import { claimsOf, commonToNodes, logIn, logInAsAdmin, me, refresh, startWithAdmin } from '../harness/users.mjs';

const kTimeout = { timeout: 60_000 };
const kPassword = 'correct horse battery';
const kSecret = randomBytes(48).toString('base64url');
const patient = { ...plenty, LIMITS_LOGINS_PER_MINUTE: '10000', LIMITS_AUTH_FAILURES: '100000', REDIS_DEADLINE: '2s' };

const byKey = (gateway, key) => call(gateway, 'GET', '/api/auth/me', { headers: { 'X-API-Key': key } });
const databaseIs = (gateway, state) => eventually(async () => (await healthOf(gateway)).database === state, { what: `a database that is ${state}` });

/** A command of an operator, with the settings of the nodes and a data directory that none of them has. */
async function operate(env, ...args) {
  const result = await runCommand(args, { env, input: `${kPassword}\n` });
  assert.equal(result.status, 0, result.stdout + result.stderr);
  return result.stdout.trim();
}
const addUser = (env, name, role = 'admin') => operate(env, 'user', 'add', name, '--role', role, '--password-stdin');
const keyIn = (output) => output.match(/pck_[a-z2-7]{12}_[\w-]{47}/)[0];
async function tokensOf(gateway, username) {
  const answer = await logIn(gateway, { username, password: kPassword });
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
}

describe('two nodes and one PostgreSQL', () => {
  let postgres;
  let redis;
  let env;
  let nodes;
  before(async () => {
    [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
    env = commonToNodes(redis, { ...patient, DATABASE_URL: postgres.url });
    nodes = await Promise.all([startGateway({ env }), startGateway({ env })]);
  });
  after(async () => {
    await Promise.all((nodes ?? []).map((node) => node.stop()));
    await Promise.all([postgres?.stop(), redis?.stop()]);
  });

  test('a user that the command makes logs in at either, and what one gave is good at the other', kTimeout, async () => {
    await addUser(env, 'alice');
    for (const [one, other] of [nodes, [...nodes].reverse()]) {
      const tokens = await tokensOf(one, 'ALICE');
      const who = await me(other, tokens.access_token);
      assert.deepEqual([who.json.authenticated, who.json.user_id], [true, claimsOf(tokens.access_token).sub]);
      assert.equal((await refresh(other, tokens.refresh_token)).status, 200);
    }
    assertProblem(await logIn(nodes[0], { username: 'alice', password: 'something else' }), 401, 'AUTH_FAILED');
  });

  test('of many who refresh one token at both nodes exactly one gets the next', kTimeout, async () => {
    await addUser(env, 'racer');
    for (let round = 0; round < 4; ++round) {
      const { refresh_token: token } = await tokensOf(nodes[round % 2], 'racer');
      const answers = await Promise.all(Array.from({ length: 12 }, (_, i) => refresh(nodes[i % 2], token)));
      const won = answers.filter(({ status }) => status === 200).length;
      assert.equal(won, 1, answers.map(({ status }) => status).join());
    }
  });

  test('whoever is disabled, and a key that is revoked, has no access at any node', kTimeout, async () => {
    await addUser(env, 'bob');
    const key = keyIn(await operate(env, 'key', 'add', '--owner', 'bob', '--name', 'a program'));
    const { access_token: token } = await tokensOf(nodes[0], 'bob');
    for (const node of nodes) {
      assert.equal((await me(node, token)).status, 200);
      await eventually(async () => (await byKey(node, key)).status === 200, { what: 'the key at each node' });
    }
    await operate(env, 'user', 'disable', 'bob');
    const since = performance.now();
    for (const node of nodes) {
      await eventually(async () => (await me(node, token)).status === 401, { what: 'the end of the token', within: 5000 });
      await eventually(async () => (await byKey(node, key)).status === 401, { what: 'the end of the key', within: 5000 });
    }
    // Half a second until it is looked for, and time for a busy machine with sanitizers.
    assert.ok(performance.now() - since < 3000, `${performance.now() - since} ms`);
    for (const node of nodes) assertProblem(await logIn(node, { username: 'bob', password: kPassword }), 401, 'AUTH_FAILED');
  });

  test('while it is away visitors, tokens and keys go on, logins answer 503, and all is told once', kTimeout, async () => {
    await addUser(env, 'carol');
    const key = keyIn(await operate(env, 'key', 'add', '--owner', 'carol', '--name', 'a program'));
    const { access_token: token, refresh_token: next } = await tokensOf(nodes[0], 'carol');
    const visitor = await newVisitor(nodes[0]);
    await eventually(async () => (await byKey(nodes[0], key)).status === 200);
    assert.equal((await healthOf(nodes[0])).database, 'connected');

    await postgres.kill();
    assertProblem(await logIn(nodes[0], { username: 'carol', password: kPassword }), 503, 'STATE_UNAVAILABLE');
    assertProblem(await refresh(nodes[0], next), 503, 'STATE_UNAVAILABLE');
    await databaseIs(nodes[0], 'degraded');
    assert.equal((await visitor.ask('are you there?')).status, 200);
    assert.equal((await me(nodes[0], token)).status, 200);
    assert.equal((await byKey(nodes[0], key)).status, 200);
    const failed = await runCommand(['user', 'list'], { env });
    assert.equal(failed.status, 1);
    assert.match(failed.stderr, /^error: PostgreSQL 127\.0\.0\.1:\d+\/portcullis: [^\n]*refused[^\n]*\n$/);

    await postgres.start(); // and all the while both have looked for it twice a second
    for (const node of nodes) await databaseIs(node, 'connected');
    assert.equal((await refresh(nodes[0], next)).status, 200, 'nothing had been done with it');
    await tokensOf(nodes[1], 'carol');
    for (const node of nodes) {
      assert.equal(node.log().split('accounts cannot be read').length - 1, 1, node.log());
      assert.equal(node.log().split('accounts can be read again').length - 1, 1, node.log());
    }
  });

  test('one that hangs holds no login up for long, and visitors not at all', kTimeout, async () => {
    await addUser(env, 'dave');
    postgres.freeze();
    try {
      const since = performance.now();
      const answers = await Promise.all(Array.from({ length: 4 }, () => logIn(nodes[0], { username: 'dave', password: kPassword })));
      for (const answer of answers) assertProblem(answer, 503, 'STATE_UNAVAILABLE');
      assert.ok(performance.now() - since < 15_000, `${performance.now() - since} ms`);
      await newVisitor(nodes[0]);
      await databaseIs(nodes[0], 'degraded');
    } finally {
      postgres.thaw();
    }
    for (const node of nodes) await databaseIs(node, 'connected');
    await tokensOf(nodes[0], 'dave');
  });

  test('one that takes no writes is told of, and opens no login', kTimeout, async () => {
    await addUser(env, 'erin');
    const { access_token: token } = await tokensOf(nodes[0], 'erin');
    const end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'gate'`;
    await postgres.sql(`ALTER ROLE gate SET default_transaction_read_only = on; ${end}`);
    assertProblem(await logIn(nodes[0], { username: 'erin', password: kPassword }), 503, 'STATE_UNAVAILABLE');
    assert.equal((await me(nodes[0], token)).status, 200);
    await withNodes(1, { ...env, DATABASE_URL: postgres.url }, async ([fresh]) => {
      await databaseIs(fresh, 'degraded');
      assert.match(fresh.log(), /accounts cannot be written.*read-only/);
      await postgres.sql(`ALTER ROLE gate RESET default_transaction_read_only; ${end}`);
      await databaseIs(fresh, 'connected');
    });
    await tokensOf(nodes[0], 'erin');
  });

  test('what is revoked after it went back to an earlier state, as by a failover, is void all the same', kTimeout, async () => {
    await addUser(env, 'frank');
    const tokens = [];
    for (let i = 0; i < 2; ++i) tokens.push((await tokensOf(nodes[0], 'frank')).access_token);
    const revoke = (token) => operate(env, 'token', 'revoke', '--id', claimsOf(token).jti);
    const isVoid = (token) => Promise.all(nodes.map((node) => eventually(async () => (await me(node, token)).status === 401, { what: 'the end of a token' })));
    for (let i = 0; i < 3; ++i) await operate(env, 'token', 'revoke', '--id', `nobody-${i}`);
    await revoke(tokens[0]);
    await isVoid(tokens[0]);
    await postgres.sql('TRUNCATE portcullis.revocations RESTART IDENTITY; UPDATE portcullis.parts SET changes = 1');
    await revoke(tokens[1]);
    assert.equal(await postgres.sql('SELECT max(number) FROM portcullis.revocations'), '1', 'a number that was given out before');
    await isVoid(tokens[1]);
  });

  test('what is wrong with it is told without its password', kTimeout, async () => {
    const url = postgres.urlOf('gate', 'wr0ng-pass-5Tz');
    const failed = await runCommand(['user', 'list'], { env: { ...env, DATABASE_URL: url } });
    assert.equal(failed.status, 1);
    assert.match(failed.stderr, /^error: [^\n]*password authentication failed for user "gate"[^\n]*\n$/);
    await withNodes(1, { ...env, DATABASE_URL: url }, async ([node]) => {
      await databaseIs(node, 'degraded');
      assert.match(node.log(), /password authentication failed/);
      for (const text of [node.log(), node.output(), failed.stderr]) assert.ok(!text.includes('wr0ng-pass'), text);
    });
    for (const node of nodes) assert.ok(!(node.log() + node.output()).includes(postgres.password));
  });
});

test('a gateway starts without it, says 503 where it cannot know, and finds it', kTimeout, async () => {
  const postgres = await startPostgres();
  const redis = await startRedis();
  const env = commonToNodes(redis, { ...patient, DATABASE_URL: postgres.url });
  const nodes = [];
  try {
    nodes.push(await startWithAdmin({ env }));
    const { access_token: token } = (await logInAsAdmin(nodes[0])).json;
    const key = keyIn(await operate(env, 'key', 'add', '--owner', 'admin', '--name', 'a program'));
    await nodes.pop().stop();
    await postgres.sql('TRUNCATE portcullis.users CASCADE'); // nobody is there to begin with
    await postgres.kill();

    const node = await startGateway({ env: { ...env, AUTH_FIRST_ADMIN: 'true' } });
    nodes.push(node);
    await newVisitor(node);
    assert.equal((await healthOf(node)).database, 'degraded');
    assertProblem(await me(node, token), 503, 'STATE_UNAVAILABLE');
    assertProblem(await byKey(node, key), 503, 'STATE_UNAVAILABLE');
    assertProblem(await logIn(node, { username: 'admin', password: kPassword }), 503, 'STATE_UNAVAILABLE');

    await postgres.start();
    const password = await eventually(() => node.output().match(/the user admin has the password ([A-Z2-7]{24}) /)?.[1], { what: 'the first user' });
    assert.equal((await logIn(node, { username: 'admin', password })).status, 200);
    assertProblem(await byKey(node, key), 401, 'AUTH_FAILED');
    assert.equal((await healthOf(node)).database, 'connected');
  } finally {
    await Promise.allSettled(nodes.map((node) => node.stop()));
    await Promise.all([postgres.stop(), redis.stop()]);
  }
});

test('a server that takes connections and says nothing keeps neither the start nor the end waiting', kTimeout, async () => {
  const silent = createServer(() => {});
  await new Promise((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const url = `postgresql://a:b@127.0.0.1:${silent.address().port}/c?sslmode=disable`;
  const begun = performance.now();
  const gateway = await startGateway({ env: { ...patient, DATABASE_URL: url } });
  const started = performance.now();
  assert.ok(started - begun < 8000, `the start took ${started - begun} ms`);
  await newVisitor(gateway);
  await gateway.stop();
  assert.ok(performance.now() - started < 10_000, `the end took ${performance.now() - started} ms`);
  silent.close();
});

describe('TLS', () => {
  let secure;
  let plain;
  before(async () => {
    [secure, plain] = await Promise.all([startPostgres({ names: 'IP:127.0.0.1' }), startPostgres()]);
  });
  after(() => Promise.all([secure?.stop(), plain?.stop()]));
  const ask = (server, query, host) => {
    const url = new URL(server.url);
    if (host) url.hostname = host;
    return runCommand(['user', 'list'], { env: { DATABASE_URL: `${url}?${query}`, SESSION_SECRET_KEY: kSecret } });
  };

  test(PROVES('F223') + 'it is spoken, and the certificate checked as the URL demands', kTimeout, async () => {
    const trusted = `sslrootcert=${secure.tls.ca}`;
    for (const query of ['sslmode=require', `sslmode=verify-ca&${trusted}`, `sslmode=verify-full&${trusted}`]) {
      const done = await ask(secure, query);
      assert.equal(done.status, 0, `${query}: ${done.stderr}`);
    }
    for (const [query, host, why] of [
      ['sslmode=verify-full', undefined, /certificate verify failed/],
      [`sslmode=verify-full&${trusted}`, 'localhost', /does not match host name/],
    ]) {
      const refused = await ask(secure, query, host);
      assert.equal(refused.status, 1, query);
      assert.match(refused.stderr, why);
    }
    assert.equal((await ask(secure, `sslmode=verify-ca&${trusted}`, 'localhost')).status, 0, 'which looks at no name');
  });

  test(PROVES('F223') + 'a server without it is refused where it is demanded', kTimeout, async () => {
    assert.equal((await ask(plain, 'sslmode=prefer')).status, 0);
    for (const mode of ['require', 'verify-full']) {
      const refused = await ask(plain, `sslmode=${mode}&sslrootcert=${secure.tls.ca}`);
      assert.equal(refused.status, 1);
      assert.match(refused.stderr, /does not support SSL/);
    }
  });

  test(PROVES('F223') + 'a gateway keeps accounts over it', kTimeout, async () => {
    const env = { DATABASE_URL: `${secure.url}?sslmode=verify-full&sslrootcert=${secure.tls.ca}`, ...patient };
    const gateway = await startWithAdmin({ env });
    try {
      assert.equal((await logInAsAdmin(gateway)).status, 200);
      const spoken = await secure.sql(`SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'gate'`);
      assert.equal(spoken, 't');
      await eventually(async () => (await me(gateway, (await logInAsAdmin(gateway)).json.access_token)).status === 200);
    } finally {
      await gateway.stop();
    }
  });

  test(PROVES('F223') + 'the hardened sample works: TLS only, and a role that may use the tables and not make them', kTimeout, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'portcullis-sample-'));
    const sample = (name) => readFile(new URL(`../../deploy/postgres/${name}`, import.meta.url), 'utf8');
    const [owner, gate] = [randomBytes(24).toString('hex'), randomBytes(24).toString('hex')];
    const roles = join(folder, 'roles.sql');
    await writeFile(roles, (await sample('roles.sql')).replace('CHANGE-ME-OWNER', owner).replace('CHANGE-ME-GATEWAY', gate));
    const hardened = await startPostgres({
      names: 'IP:127.0.0.1',
      roles,
      // The superuser of this server is not always the user that runs the test.
      sample: { config: await sample('postgresql.conf'), hba: (await sample('pg_hba.conf')).replace(/ peer$/m, ' trust') },
    });
    try {
      const url = (user, password, mode = `verify-full&sslrootcert=${hardened.tls.ca}`) => `${hardened.urlOf(user, password)}?sslmode=${mode}`;
      const list = (DATABASE_URL) => runCommand(['user', 'list'], { env: { DATABASE_URL, SESSION_SECRET_KEY: kSecret } });
      assert.match((await list(url('portcullis', gate))).stderr, /permission denied/, 'it makes no tables');
      assert.match((await list(url('portcullis', gate, 'disable'))).stderr, /pg_hba\.conf rejects|no pg_hba\.conf entry/, 'nobody without TLS');
      assert.equal((await list(url('portcullis_owner', owner))).status, 0);
      const gateway = await startWithAdmin({ env: { DATABASE_URL: url('portcullis', gate), SESSION_SECRET_KEY: kSecret, ...patient } });
      try {
        assert.equal((await logInAsAdmin(gateway)).status, 200);
        assert.equal((await healthOf(gateway)).database, 'connected');
      } finally {
        await gateway.stop();
      }
      assert.equal(await hardened.sql('SHOW fsync'), 'on');
    } finally {
      await hardened.stop();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
