// `portcullis user`, `token` and `key`: what they do, refuse and never say, and that a running server takes their changes.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { totpCode, withAccounts } from '../harness/accounts.mjs';
import { call, eventually } from '../harness/client.mjs';
import { binary } from '../harness/gateway.mjs';
import * as users from '../harness/users.mjs';

const kTimeout = { timeout: 120_000 };
const kPassword = 'several words make a password';
const kSoon = { within: 2000, what: 'the running server did not take it' };

const logIn = (gateway, username, password, code) => users.logIn(gateway, { username, password, ...(code === undefined ? {} : { code }) });
const meByToken = users.me;
const meByKey = (gateway, key) => call(gateway, 'GET', '/api/auth/me', { headers: { 'X-API-Key': key } });
const lines = (text) => text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line));

async function addUser(desk, name, { roles = ['viewer'], password = kPassword } = {}) {
  await desk.done(['user', 'add', name, ...roles.flatMap((role) => ['--role', role]), '--password-stdin'], { input: `${password}\n` });
  desk.secret(password);
}
const listed = async (desk) => lines(await desk.done(['user', 'list', '--json']));
const issue = async (desk, ...args) => {
  const token = await desk.done(['token', 'issue', ...args]);
  return desk.secret(token);
};

/** Until the server answers with this status, no later than 2 s from now. */
const becomes = (status, ask) => eventually(async () => (await ask()).status === status, kSoon);

// ---- users

test('a user is added with roles, listed, disabled, enabled, granted anew and removed', kTimeout, () =>
  withAccounts(async (desk) => {
    const added = await desk.done(['user', 'add', 'Alice', '--role', 'admin', '--role', 'viewer@shop', '--password-stdin'], { input: kPassword });
    assert.equal(added, 'user Alice added: admin,viewer@shop');
    await desk.done(['user', 'add', '--role', 'operator', '--role', 'viewer', '--site', 'shop', 'bob', '--no-password']);
    const [alice, bob] = await listed(desk);
    assert.deepEqual(alice.roles, [{ role: 'admin', site: '*' }, { role: 'viewer', site: 'shop' }]);
    assert.deepEqual({ ...alice, id: 0, roles: 0, created: 0 }, { id: 0, name: 'Alice', roles: 0, created: 0, last_login: null, disabled: null, second_factor: false, keys: 0 });
    assert.deepEqual(bob.roles, [{ role: 'operator', site: 'shop' }, { role: 'viewer', site: 'shop' }]);
    assert.ok(Math.abs(Date.parse(alice.created) - Date.now()) < 60_000);

    const table = (await desk.done(['user', 'list'])).split('\n');
    assert.match(table[0], /^NAME {3}ROLES +CREATED +LAST LOGIN +DISABLED +SECOND FACTOR +KEYS$/);
    assert.match(table[1], /^Alice {2}admin,viewer@shop +2\d{3}-\d\d-\d\dT\S+Z {2}- +- +- +0$/);

    assert.equal(await desk.done(['user', 'disable', 'alice']), 'user Alice disabled');
    assert.notEqual((await listed(desk))[0].disabled, null);
    await desk.done(['user', 'enable', 'alice']);
    assert.equal((await listed(desk))[0].disabled, null);
    assert.equal(await desk.done(['user', 'grant', 'alice', '--role', 'viewer']), 'user Alice granted: viewer');
    assert.deepEqual((await listed(desk))[0].roles, [{ role: 'viewer', site: '*' }]);
    await desk.done(['user', 'remove', 'alice']);
    assert.deepEqual((await listed(desk)).map((user) => user.name), ['bob']);
  }));

test('what cannot be done ends with 1 and one line that says why', kTimeout, () =>
  withAccounts(async (desk) => {
    await addUser(desk, 'alice');
    const add = ['user', 'add', 'bob', '--role', 'viewer', '--password-stdin'];
    await desk.refused(['user', 'add', 'ALICE', '--role', 'viewer', '--no-password'], 1, /there is a user 'ALICE' already/);
    await desk.refused(add, 1, /too short: it must have at least 12 characters/, { input: 'short\n' });
    await desk.refused(add, 1, /longer than 72 bytes/, { input: `${'long'.repeat(19)}\n` });
    await desk.refused(add, 1, /too long/, { input: 'long'.repeat(2000) });
    await desk.refused(add, 1, /tried first/, { input: 'password1234\n' });
    await desk.refused(add, 1, /not UTF-8/, { input: Buffer.from([...Buffer.from('twelve or more '), 0xff, 10]) });
    await desk.refused(add, 1, /nothing on standard input/);
    assert.deepEqual((await listed(desk)).map((user) => user.name), ['alice'], 'nothing of it was added');
    for (const command of ['disable', 'enable', 'remove', 'totp']) {
      await desk.refused(['user', command, 'nobody'], 1, /there is no user 'nobody'/);
    }
    await desk.refused(['user', 'grant', 'nobody', '--role', 'viewer'], 1, /there is no user 'nobody'/);
    await desk.refused(['user', 'passwd', 'nobody', '--password-stdin'], 1, /there is no user 'nobody'/, { input: kPassword });
    await desk.refused(['key', 'add', '--owner', 'nobody', '--name', 'x'], 1, /there is no user 'nobody'/);
    await desk.refused(['key', 'list', '--owner', 'nobody'], 1, /there is no user 'nobody'/);
    await desk.refused(['key', 'revoke', 'abcdefghijkl'], 1, /there is no such key/);
    await desk.refused(['key', 'revoke', '01M8RP0EMX1AD2F9EGNVRQ90NW'], 1, /there is no such key/);
    await desk.refused(['key', 'add', '--owner', 'alice', '--name', 'a\tb'], 1, /name of a key/);
    await desk.refused(['key', 'add', '--owner', 'alice', '--name', 'x', '--scope', 'a b'], 1, /scope/);
    await desk.refused(['key', 'add', '--owner', 'alice', '--name', 'x', '--expires', '2020-01-01'], 1, /expires after now/);
    await desk.refused(['token', 'issue', '--sub', 'nobody', '--ttl', '60'], 1, /no user 'nobody': name a --role/);
    await desk.refused(['token', 'issue', '--sub', 'alice', '--role', 'admin'], 1, /alice has not the role admin, only viewer/);
    await desk.refused(['token', 'revoke', 'no.such.token'], 1, /does not verify.*JWT_002/);
    await desk.refused(['token', 'inspect', '-'], 1, /no JSON Web Token: JWT_002/, { input: 'what is this\n' });
    await desk.done(['user', 'disable', 'alice']);
    await desk.refused(['token', 'issue', '--sub', 'alice'], 1, /alice is disabled/);
    await desk.refused(['key', 'add', '--owner', 'alice', '--name', 'x'], 1, /alice is disabled/);
  }));

test('a wrong command line or configuration ends with 2 and touches nothing', kTimeout, () =>
  withAccounts(async (desk) => {
    const bad = [
      [['user'], /subcommand/i],
      [['user', 'add'], /NAME is required/],
      [['user', 'add', 'x', '--no-password'], /--role is required/],
      [['user', 'add', 'x', '--role', 'boss', '--no-password'], /'boss' is none of viewer, operator, admin, service/],
      [['user', 'add', 'x', '--role', 'viewer@', '--no-password'], /for a site/],
      [['user', 'add', 'x y', '--role', 'viewer', '--no-password'], /user name/],
      [['user', 'add', 'x', '--role', 'viewer', '--no-password', '--password-stdin'], /excludes/],
      [['user', 'add', 'x', '--role', 'viewer'], /no terminal: give --password-stdin/],
      [['user', 'passwd', 'x'], /no terminal: give --password-stdin/],
      [['user', 'totp', 'x', '--remove', '--code', '123456'], /excludes/],
      [['user', 'totp', 'x', '--code', ''], /code/],
      [['token', 'issue', '--sub', 'x', '--role', 'viewer', '--ttl', '0'], /ttl/],
      [['token', 'issue', '--sub', 'x', '--role', 'viewer', '--ttl', '86401'], /ttl/],
      [['token', 'issue', '--role', 'viewer'], /--sub is required/],
      [['token', 'revoke'], /required/],
      [['token', 'revoke', 'x', '--id', 'y'], /required/],
      [['token', 'revoke', '--id', 'a b'], /id of a token/],
      [['key', 'add', '--owner', 'x'], /--name is required/],
      [['key', 'add', '--owner', 'x', '--name', 'y', '--expires', '90'], /is no time/],
      [['key', 'add', '--owner', 'x', '--name', 'y', '--expires', '9999d'], /ten years/],
      [['key', 'add', '--owner', 'x', '--name', 'y', '--requests-per-minute', '0'], /requests-per-minute/],
    ];
    for (const [args, pattern] of bad) await desk.refused(args, 2, pattern);
    await desk.refused(['user', 'list'], 2, /^error: SERVER_PORT: 'abc' is not a port/, { env: { SERVER_PORT: 'abc' } });
    await desk.refused(['user', 'list'], 2, /portcullis\.yaml:1:1 nonsense: is no setting/, { yaml: 'nonsense: 1\n' });
    const production = { SECURITY_ENVIRONMENT: 'production', N8N_WEBHOOK_URL: 'https://n8n.example/webhook/x', PUBLIC_URL: 'https://chat.example' };
    await desk.refused(['user', 'list'], 2, /SESSION_SECRET_KEY: is missing/, { env: production });
    assert.deepEqual(await listed(desk), []);
  }));

test('where users have no keys there are no tokens, and accounts can be prepared all the same', kTimeout, () =>
  withAccounts(
    async (desk) => {
      await addUser(desk, 'alice', { roles: ['admin'] });
      await desk.refused(['token', 'issue', '--sub', 'alice'], 2, /neither SECURITY_JWT_SECRET_KEY nor AUTH_KEY_FILES is set/);
    },
    {
      SECURITY_ENVIRONMENT: 'production',
      N8N_WEBHOOK_URL: 'https://n8n.example/webhook/x',
      PUBLIC_URL: 'https://chat.example',
      JWT_SECRET_KEY: 'Zq4vX8yB2nM6kP0sD3fG7hJ1lW5eR9tU4iO8aC2xV6bN0mQ3wE7rT1yU5iP9oA2s',
      SESSION_SECRET_KEY: 'hR7tY2uI9oP4aS8dF1gJ6kL3zX5cV0bN7mQ2wE9rT4yU8iO1pA6sD3fG5hJ0kL2z',
    },
  ));

test('the file of settings says where accounts are', kTimeout, () =>
  withAccounts(async (desk) => {
    const yaml = `data_dir: ${desk.folder}/elsewhere\n`;
    await desk.done(['user', 'add', 'alice', '--role', 'viewer', '--no-password'], { yaml, env: { DATA_DIR: '' } });
    assert.equal((await listed(desk)).length, 0);
    assert.match(await desk.done(['user', 'list'], { yaml, env: { DATA_DIR: '' } }), /alice/);
  }));

test('a terminal is asked twice for a password, which it does not show', kTimeout, () =>
  withAccounts(async (desk) => {
    const typed = (first, second) =>
      new Promise((resolve) => {
        // A pseudo terminal, of which Python has one and Node has none.
        const script = `
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:5])
shown = b''
for question, line in ((b'New password: ', sys.argv[5]), (b'Once more: ', sys.argv[6])):
    while question not in shown: shown += os.read(fd, 1000)
    os.write(fd, line.encode() + b'\\n')
try:
    while True:
        more = os.read(fd, 1000)
        if not more: break
        shown += more
except OSError:
    pass
sys.stdout.write(shown.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))`;
        const env = { PATH: process.env.PATH, DATA_DIR: `${desk.folder}/data`, AUTH_BCRYPT_COST: '10' };
        const child = spawn('python3', ['-c', script, binary, 'user', 'passwd', 'alice', first, second], { env });
        let said = '';
        child.stdout.on('data', (data) => (said += data));
        child.stderr.on('data', (data) => (said += data));
        child.on('close', (status) => resolve({ status, said }));
      });
    await desk.done(['user', 'add', 'alice', '--role', 'viewer', '--no-password']);
    const differing = await typed(kPassword, `${kPassword}.`);
    assert.equal(differing.status, 1, differing.said);
    assert.match(differing.said, /the two passwords differ/);
    const equal = await typed(kPassword, kPassword);
    assert.equal(equal.status, 0, equal.said);
    assert.match(equal.said, /user alice has a new password/);
    assert.ok(!(differing.said + equal.said).includes(kPassword));
    await desk.gateway(async (gateway) => assert.equal((await logIn(gateway, 'alice', kPassword)).status, 200));
  }));

test('lists of many users are complete and in order', kTimeout, () =>
  withAccounts(async (desk) => {
    const names = ['zoe', 'Bea', 'adam', 'carl'];
    for (const name of names) await desk.done(['user', 'add', name, '--role', 'viewer', '--no-password']);
    assert.deepEqual((await listed(desk)).map((user) => user.name), ['adam', 'Bea', 'carl', 'zoe']);
  }));

// ---- while the server runs

test('a running server lets in who is added, and nobody who is disabled or removed', kTimeout, () =>
  withAccounts((desk) =>
    desk.gateway(async (gateway) => {
      assert.equal((await logIn(gateway, 'alice', kPassword)).status, 401);
      await addUser(desk, 'alice', { roles: ['admin'] });
      const login = await logIn(gateway, 'alice', kPassword);
      assert.equal(login.status, 200, login.text);
      const issued = await issue(desk, '--sub', 'alice', '--role', 'admin', '--ttl', '600');
      const mine = await meByToken(gateway, issued);
      assert.deepEqual(mine.json.roles, [{ role: 'admin', site: '*' }]);
      assert.equal(mine.json.user_id, users.claimsOf(login.json.access_token).sub, 'a stored user is known by the id');

      await desk.done(['user', 'disable', 'alice']);
      await becomes(401, () => meByToken(gateway, login.json.access_token));
      await becomes(401, () => meByToken(gateway, issued));
      assert.equal((await logIn(gateway, 'alice', kPassword)).status, 401);
      assert.equal((await users.refresh(gateway, login.json.refresh_token)).status, 401);

      await desk.done(['user', 'enable', 'alice']);
      assert.equal((await meByToken(gateway, issued)).status, 401, 'what had ended stays so');
      const again = await logIn(gateway, 'alice', kPassword);
      assert.equal(again.status, 200);
      assert.equal((await meByToken(gateway, again.json.access_token)).status, 200);
      assert.equal((await meByToken(gateway, await issue(desk, '--sub', 'alice'))).status, 200, 'issued right after the end of sessions');

      await desk.done(['user', 'remove', 'alice']);
      await becomes(401, () => meByToken(gateway, again.json.access_token));
      assert.equal((await logIn(gateway, 'alice', kPassword)).status, 401);
    }),
  ));

test('new roles end tokens with the old ones, and a new password all logins', kTimeout, () =>
  withAccounts((desk) =>
    desk.gateway(async (gateway) => {
      await addUser(desk, 'alice', { roles: ['admin'] });
      const old = (await logIn(gateway, 'alice', kPassword)).json.access_token;
      await desk.done(['user', 'grant', 'alice', '--role', 'viewer']);
      await becomes(401, () => meByToken(gateway, old));
      const viewer = await logIn(gateway, 'alice', kPassword);
      assert.deepEqual((await meByToken(gateway, viewer.json.access_token)).json.roles, [{ role: 'viewer', site: '*' }]);

      const other = desk.secret('another one of several words');
      await desk.done(['user', 'passwd', 'alice', '--password-stdin'], { input: `${other}\nnot read\n` });
      await becomes(401, () => meByToken(gateway, viewer.json.access_token));
      assert.equal((await logIn(gateway, 'alice', kPassword)).status, 401);
      assert.equal((await logIn(gateway, 'alice', other)).status, 200);
    }),
  ));

test('what commands do one after the other within a second holds', kTimeout, () =>
  withAccounts((desk) =>
    desk.gateway(async (gateway) => {
      await addUser(desk, 'alice', { roles: ['admin'] });
      await desk.done(['user', 'grant', 'alice', '--role', 'viewer']);
      const token = await issue(desk, '--sub', 'alice');
      assert.equal((await meByToken(gateway, token)).status, 200);
      await desk.done(['user', 'disable', 'alice']);
      await becomes(401, () => meByToken(gateway, token));
    }),
  ));

// ---- tokens

test('a token for a name that nobody has carries the role given, and ends with a user of that name', kTimeout, () =>
  withAccounts((desk) =>
    desk.gateway(async (gateway) => {
      const token = await issue(desk, '--sub', 'Robot', '--role', 'operator', '--ttl', '600');
      assert.match(token, /^[\w-]+\.[\w-]+\.[\w-]+$/, 'alone on standard output');
      const { sub, grants, exp, iat } = users.claimsOf(token);
      assert.deepEqual({ sub, grants, life: exp - iat }, { sub: 'robot', grants: [{ role: 'operator', site: '*' }], life: 600 });
      assert.equal((await meByToken(gateway, token)).status, 200);
      await desk.done(['user', 'add', 'robot', '--role', 'viewer', '--no-password']);
      await desk.done(['user', 'disable', 'robot']);
      await becomes(401, () => meByToken(gateway, token));
    }),
  ));

test('a token of a user carries no more than the user has', kTimeout, () =>
  withAccounts(async (desk) => {
    await addUser(desk, 'alice', { roles: ['operator@shop', 'viewer'] });
    const granted = async (...args) => users.claimsOf(await issue(desk, '--sub', 'alice', ...args)).grants;
    const shop = { role: 'operator', site: 'shop' };
    assert.deepEqual(await granted(), [shop, { role: 'viewer', site: '*' }]);
    assert.deepEqual(await granted('--role', 'operator'), [shop]);
    assert.deepEqual(await granted('--role', 'operator', '--site', 'shop'), [shop]);
    assert.deepEqual(await granted('--role', 'viewer@blog'), [{ role: 'viewer', site: 'blog' }]);
    for (const more of ['operator@blog', 'operator@*', 'admin']) {
      await desk.refused(['token', 'issue', '--sub', 'alice', '--role', more], 1, /has not the role/);
    }
  }));

test('a revoked token is refused by the running server, and after a restart', kTimeout, () =>
  withAccounts(async (desk) => {
    const tokens = [];
    await desk.gateway(async (gateway) => {
      for (let i = 0; i < 3; ++i) tokens.push(await issue(desk, '--sub', 'robot', '--role', 'viewer', '--ttl', '600'));
      for (const token of tokens) assert.equal((await meByToken(gateway, token)).status, 200);
      const id = users.claimsOf(tokens[0]).jti;
      assert.equal(await desk.done(['token', 'revoke', '-'], { input: `${tokens[0]}\n` }), `token ${id} revoked`);
      await desk.done(['token', 'revoke', '--id', users.claimsOf(tokens[1]).jti]);
      for (const token of tokens.slice(0, 2)) await becomes(401, () => meByToken(gateway, token));
      assert.equal((await meByToken(gateway, tokens[2])).status, 200, 'of no other');
    });
    await desk.gateway(async (gateway) => {
      assert.equal((await meByToken(gateway, tokens[0])).status, 401);
      assert.equal((await meByToken(gateway, tokens[2])).status, 200);
    });
  }));

test('revoking a refresh token ends its login', kTimeout, () =>
  withAccounts((desk) =>
    desk.gateway(async (gateway) => {
      await addUser(desk, 'alice');
      const { access_token: access, refresh_token: refresh } = (await logIn(gateway, 'alice', kPassword)).json;
      assert.match(await desk.done(['token', 'revoke', refresh]), /^login [\w-]+ ended$/);
      await becomes(401, () => meByToken(gateway, access));
      assert.equal((await users.refresh(gateway, refresh)).status, 401);
    }),
  ));

test('a token is inspected: what it says, whether it is good and whether it is revoked', kTimeout, () =>
  withAccounts(async (desk) => {
    await addUser(desk, 'alice', { roles: ['admin'] });
    const inspect = async (token) => lines(await desk.done(['token', 'inspect', '-', '--json'], { input: `${token}\n` }))[0];
    const token = await issue(desk, '--sub', 'alice', '--ttl', '600');
    const [head, body, signature] = token.split('.');
    desk.secret(signature);
    const seen = await inspect(token);
    assert.deepEqual(seen.claims, users.claimsOf(token));
    assert.equal(seen.header.alg, 'HS256');
    assert.deepEqual({ ...seen, claims: 0, header: 0 }, { claims: 0, header: 0, verifies: true, fault: null, use: 'access', revoked_by: null, user: 'alice', user_disabled: false });
    const text = await desk.done(['token', 'inspect', token]);
    assert.match(text, /^header alg: "HS256"$/m);
    assert.match(text, /^claim exp: \d+ \(2\d{3}-\d\d-\d\dT\S+Z\)$/m);
    assert.match(text, /^verifies: yes, access token\nrevoked: no\nuser: alice$/m);

    const forged = Buffer.from(JSON.stringify({ ...users.claimsOf(token), sub: '\u001b[31m' })).toString('base64url');
    assert.equal((await inspect(`${head}.${forged}.${signature}`)).fault, 'JWT_008');
    const shown = await desk.done(['token', 'inspect', `${head}.${forged}.${signature}`]);
    assert.match(shown, /^claim sub: "\\u001[bB]\[31m"$/m);
    assert.match(shown, /^verifies: no, JWT_008$/m);
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    assert.equal((await inspect(`${none}.${body}.`)).verifies, false);

    await desk.done(['token', 'revoke', token]);
    assert.equal((await inspect(token)).revoked_by, 'token');
    const other = await issue(desk, '--sub', 'alice');
    await desk.done(['user', 'disable', 'alice']);
    assert.deepEqual([(await inspect(other)).revoked_by, (await inspect(other)).user_disabled], ['user', true]);
    const robot = await inspect(await issue(desk, '--sub', 'robot', '--role', 'viewer'));
    assert.deepEqual([robot.verifies, robot.user], [true, null]);
  }));

// ---- keys

test('a key opens the running server until it is revoked, and is shown once', kTimeout, () =>
  withAccounts((desk) =>
    desk.gateway(async (gateway) => {
      await desk.done(['user', 'add', 'shop', '--role', 'service', '--no-password']);
      const add = ['key', 'add', '--owner', 'shop', '--name', 'the till', '--scope', 'chat:read', '--scope', 'chat:write'];
      const key = desk.secret(await desk.done([...add, '--expires', '90d', '--requests-per-minute', '50']));
      assert.match(key, /^pck_[a-z2-7]{12}_[\w-]{47}$/);
      await becomes(200, () => meByKey(gateway, key));
      const second = desk.secret(await desk.done(add));
      await becomes(200, () => meByKey(gateway, second));

      const [first, other] = lines(await desk.done(['key', 'list', '--owner', 'SHOP', '--json']));
      assert.equal(first.prefix, key.slice(4, 16));
      const { owner, name, scopes, site, state, requests_per_minute, expires } = first;
      assert.deepEqual({ owner, name, scopes, site, state, requests_per_minute }, { owner: 'shop', name: 'the till', scopes: ['chat:read', 'chat:write'], site: '*', state: 'valid', requests_per_minute: 50 });
      assert.ok(Math.abs(Date.parse(expires) - Date.now() - 90 * 86_400_000) < 60_000);
      assert.match(await desk.done(['key', 'list']), /^ID +PREFIX .* NAME\n.* {2}valid {2}the till\n.* {2}valid {2}the till$/);
      assert.equal((await listed(desk))[0].keys, 2);

      assert.equal(await desk.done(['key', 'revoke', first.prefix]), `key ${first.id} revoked`);
      await becomes(401, () => meByKey(gateway, key));
      assert.equal((await meByKey(gateway, second)).status, 200, 'no other');
      assert.equal((await listed(desk))[0].keys, 1);

      await desk.done(['user', 'disable', 'shop']);
      await becomes(401, () => meByKey(gateway, second));
      await desk.done(['user', 'enable', 'shop']);
      await becomes(200, () => meByKey(gateway, second));
      await desk.done(['key', 'revoke', other.id]);
      await becomes(401, () => meByKey(gateway, second));
      assert.deepEqual(lines(await desk.done(['key', 'list', '--json'])).map((one) => one.state), ['revoked', 'revoked']);
    }),
  ));

// ---- second factors

test('a second factor is enrolled, asked for at the login, and each of its codes serves once', kTimeout, () =>
  withAccounts((desk) =>
    desk.gateway(async (gateway) => {
      await addUser(desk, 'alice', { roles: ['admin'] });
      let secret;
      let confirmed;
      const out = await desk.done(['user', 'totp', 'alice'], {
        input(said) {
          const shown = said.match(/^secret: ([A-Z2-7]{32})\nuri: (\S+)\n/);
          if (!shown || secret) return undefined;
          secret = shown[1];
          assert.equal(shown[2], `otpauth://totp/portcullis:alice?secret=${secret}&issuer=portcullis&algorithm=SHA1&digits=6&period=30`);
          confirmed = totpCode(secret, -1);
          return `${confirmed}\n`;
        },
      });
      desk.secret(secret);
      const recovery = out.split('\n').filter((line) => /^[A-Z2-7]{4}(-[A-Z2-7]{4}){3}$/.test(line));
      assert.equal(recovery.length, 10);
      recovery.forEach((code) => desk.secret(code));
      assert.equal((await listed(desk))[0].second_factor, true);

      const missing = await logIn(gateway, 'alice', kPassword);
      assert.deepEqual([missing.status, missing.json.code], [401, 'SECOND_FACTOR_REQUIRED']);
      assert.equal((await logIn(gateway, 'alice', kPassword, '000000')).status, 401);
      assert.equal((await logIn(gateway, 'alice', kPassword, confirmed)).status, 401, 'it was used to confirm');
      const code = totpCode(secret, 1);
      assert.equal((await logIn(gateway, 'alice', kPassword, code)).status, 200);
      assert.equal((await logIn(gateway, 'alice', kPassword, code)).status, 401, 'a replay');
      assert.equal((await logIn(gateway, 'alice', kPassword, recovery[0])).status, 200);
      assert.equal((await logIn(gateway, 'alice', kPassword, recovery[0])).status, 401, 'used up');

      await desk.refused(['user', 'totp', 'alice'], 1, /has a second factor; --remove takes it away first/);
      await desk.done(['user', 'totp', 'alice', '--remove']);
      assert.equal((await logIn(gateway, 'alice', kPassword)).status, 200);
      assert.equal((await listed(desk))[0].second_factor, false);
    }),
  ));

test('a second factor counts once it is confirmed, later too, and may be begun anew until then', kTimeout, () =>
  withAccounts(async (desk) => {
    await addUser(desk, 'alice');
    const begin = async () => {
      const begun = await desk.run(['user', 'totp', 'alice'], { input: '000000\n11\n\n' });
      assert.equal(begun.status, 1);
      assert.match(begun.stderr, /^error: no right code.*--code CODE/);
      return desk.secret(begun.stdout.match(/secret: (\S+)/)[1]);
    };
    await desk.refused(['user', 'totp', 'alice', '--code', '123456'], 1, /nothing to confirm/);
    const first = await begin();
    const second = await begin();
    assert.notEqual(first, second);
    assert.equal((await listed(desk))[0].second_factor, false);
    await desk.refused(['user', 'totp', 'alice', '--code', totpCode(first)], 1, /the code is wrong/);
    const codes = await desk.done(['user', 'totp', 'alice', '--code', totpCode(second)]);
    assert.equal(codes.split('\n').length, 11);
    assert.equal((await listed(desk))[0].second_factor, true);
    await desk.refused(['user', 'totp', 'alice', '--code', totpCode(second)], 1, /nothing to confirm/);
  }));
