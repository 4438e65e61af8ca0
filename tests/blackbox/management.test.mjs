// What operators do while the gateway runs, and who may.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { withAccounts } from '../harness/accounts.mjs';
import { assertProblem, call, eventually, newVisitor } from '../harness/client.mjs';
import { startGateway } from '../harness/gateway.mjs';
import { PROVES } from '../harness/proves.mjs';
import { startRedis } from '../harness/redis.mjs';
import { userToken } from '../harness/site_user.mjs';
import { bearer, commonToNodes, logIn, logInAsAdmin, startWithAdmin } from '../harness/users.mjs';
import { frame, kText, openWebSocket } from '../harness/websocket.mjs';

const from = (address) => ({ 'X-Forwarded-For': address });
const blocks = '/api/security/blocks';

describe('blocks by operators', () => {
  let gateway;
  let admin;
  before(async () => {
    gateway = await startWithAdmin({ env: { TRUSTED_PROXIES: '127.0.0.0/8', ADDRESSES_NEVER_BLOCKED: '203.0.113.200' } });
    admin = bearer((await logInAsAdmin(gateway)).json.access_token);
  });
  after(() => gateway?.stop());
  const manage = (method, path, body) => call(gateway, method, path, { headers: admin, body });
  const visit = (address) => call(gateway, 'GET', '/api/health', { headers: from(address) });

  test(PROVES('F212') + 'nobody manages without a token', async () => {
    for (const [method, path] of [['GET', blocks], ['POST', blocks], ['DELETE', `${blocks}/203.0.113.1`], ['POST', '/api/security/threat-response']]) {
      assertProblem(await call(gateway, method, path), 401, 'AUTH_FAILED');
      assertProblem(await call(gateway, method, path, { headers: bearer('x.y.z') }), 401, 'AUTH_FAILED');
    }
  });

  test('an address is blocked, listed and let in again', async () => {
    assert.equal((await visit('203.0.113.7')).status, 200);
    const made = await manage('POST', blocks, { address: '203.0.113.7', reason: 'scans us', duration_minutes: 5 });
    assert.equal(made.status, 201, made.text);
    assert.equal(made.json.by, 'operator');
    const refused = await visit('203.0.113.7');
    assertProblem(refused, 403, 'ADDRESS_BLOCKED');
    assert.ok(Number(refused.headers['retry-after']) > 280);
    const list = (await manage('GET', blocks)).json;
    assert.deepEqual(list.blocks.map(({ address, reason }) => [address, reason]), [['203.0.113.7', 'scans us']]);
    assert.equal(list.total, 1);
    assert.equal((await manage('DELETE', `${blocks}/203.0.113.7`)).status, 200);
    assert.equal((await visit('203.0.113.7')).status, 200);
    assertProblem(await manage('DELETE', `${blocks}/203.0.113.7`), 404, 'NOT_FOUND');
    assert.equal((await manage('GET', blocks)).json.total, 0);
    for (const code of ['MGT_002', 'MGT_003']) await eventually(() => gateway.log().includes(code), { what: `the event ${code}` });
  });

  test('an IPv6 address is blocked with its network', async () => {
    assert.equal((await manage('POST', blocks, { address: '2001:db8:1:2::7', reason: 'scans us' })).json.address, '2001:db8:1:2::');
    assertProblem(await visit('2001:db8:1:2:ffff::1'), 403, 'ADDRESS_BLOCKED');
    assert.equal((await manage('DELETE', `${blocks}/2001:db8:1:2::9`)).status, 200);
  });

  test('lists come in pages', async () => {
    for (let i = 1; i <= 5; ++i) await manage('POST', blocks, { address: `198.51.100.${i}`, reason: 'many' });
    const seen = [];
    for (let after = ''; ; ) {
      const page = (await manage('GET', `${blocks}?limit=2${after && `&after=${after}`}`)).json;
      seen.push(...page.blocks.map(({ address }) => address));
      if (!page.next) break;
      after = page.next;
    }
    assert.deepEqual(seen, [1, 2, 3, 4, 5].map((i) => `198.51.100.${i}`));
    for (const address of seen) await manage('DELETE', `${blocks}/${address}`);
  });

  test('nobody shuts himself out, or whom the configuration protects', async () => {
    assertProblem(await manage('POST', blocks, { address: '127.0.0.1', reason: 'me' }), 409, 'CONFLICT');
    assertProblem(await manage('POST', blocks, { address: '203.0.113.200', reason: 'protected' }), 409, 'CONFLICT');
  });

  test('bad input gets a clear answer', async () => {
    assertProblem(await manage('POST', blocks, { reason: 'x' }), 422, 'SCHEMA_INVALID');
    assertProblem(await manage('POST', blocks, { address: 'localhost', reason: 'x' }), 422, 'SCHEMA_INVALID');
    assertProblem(await manage('POST', blocks, { address: '203.0.113.7', reason: ' ' }), 422, 'SCHEMA_INVALID');
    for (const minutes of [0, -1, 525_601, 1.5, '5']) {
      assertProblem(await manage('POST', blocks, { address: '203.0.113.7', reason: 'x', duration_minutes: minutes }), 422, 'SCHEMA_INVALID');
    }
    assertProblem(await manage('DELETE', `${blocks}/nobody`), 422, 'SCHEMA_INVALID');
    assertProblem(await manage('GET', `${blocks}?limit=0`), 422, 'SCHEMA_INVALID');
    assertProblem(await manage('GET', `${blocks}?after=x`), 422, 'SCHEMA_INVALID');
  });

  test('the words of the platform guide do the same', async () => {
    const respond = (body) => manage('POST', '/api/security/threat-response', body);
    const blocked = await respond({ action: 'block_ip', target: '203.0.113.9', reason: 'Multiple SQL injection attempts', duration_minutes: 60 });
    assert.equal(blocked.status, 200, blocked.text);
    assert.equal(blocked.json.success, true);
    assert.equal(blocked.json.target, '203.0.113.9');
    assertProblem(await visit('203.0.113.9'), 403, 'ADDRESS_BLOCKED');
    assert.equal((await respond({ action: 'unblock_ip', target: '203.0.113.9', reason: 'a mistake' })).json.success, true);
    assert.equal((await visit('203.0.113.9')).status, 200);
    assert.equal((await respond({ action: 'dismiss', target: '203.0.113.9', reason: 'known' })).status, 200);
    const escalated = await respond({ action: 'escalate', target: '01ARZ3NDEKTSV4RRFFQ69G5FAV', reason: 'look at this' });
    assert.equal(escalated.status, 200, escalated.text);
    await eventually(() => /critical.*MGT_005|MGT_005.*critical/.test(gateway.log()), { what: 'a critical event' });
    assertProblem(await respond({ action: 'explode', target: '203.0.113.9', reason: 'x' }), 400, 'VALIDATION_FAILED');
    assertProblem(await respond({ action: 'block_ip', reason: 'x' }), 422, 'SCHEMA_INVALID');
  });
});

test(PROVES('F212') + 'a role opens what it is for, and a role for one site nothing that concerns all', async () => {
  await withAccounts(async (desk) => {
    const tokens = {};
    for (const [name, grants] of Object.entries({
      viewer: ['viewer'],
      operator: ['operator'],
      admin: ['admin'],
      service: ['service'],
      of_a_site: ['admin@default'],
    })) {
      const roles = grants.flatMap((grant) => ['--role', grant]);
      await desk.done(['user', 'add', name, ...roles, '--password-stdin'], { input: 'correct horse battery\n' });
    }
    const key = await desk.done(['key', 'add', '--owner', 'admin', '--name', 'a program']);
    await desk.gateway(async (gateway) => {
      for (const name of ['viewer', 'operator', 'admin', 'service', 'of_a_site']) {
        const { json } = await logIn(gateway, { username: name, password: 'correct horse battery' });
        tokens[name] = bearer(json.access_token);
      }
      tokens.key = { 'X-API-Key': key };
      const block = { address: '203.0.113.7', reason: 'scans us' };
      const respond = { action: 'dismiss', target: '203.0.113.7', reason: 'known' };
      for (const [name, list, add, act] of [
        ['viewer', 200, 403, 403],
        ['operator', 200, 201, 403],
        ['admin', 200, 201, 200],
        ['service', 403, 403, 403],
        ['of_a_site', 403, 403, 403],
        ['key', 403, 403, 403],
      ]) {
        const headers = tokens[name];
        const statuses = [
          await call(gateway, 'GET', blocks, { headers }),
          await call(gateway, 'POST', blocks, { headers, body: block }),
          await call(gateway, 'POST', '/api/security/threat-response', { headers, body: respond }),
        ];
        assert.deepEqual(statuses.map(({ status }) => status), [list, add, act], name);
        for (const answer of statuses.filter(({ status }) => status === 403)) assertProblem(answer, 403, 'FORBIDDEN');
        assert.equal((await call(gateway, 'GET', '/api/auth/me', { headers })).status, 200, name);
      }
      // Another site named does not make a role of that site one for all.
      assertProblem(await call(gateway, 'GET', blocks, { headers: { ...tokens.of_a_site, 'X-Location-ID': 'default' } }), 403, 'FORBIDDEN');
      assertProblem(await call(gateway, 'GET', blocks, { headers: { ...tokens.admin, 'X-Location-ID': 'elsewhere' } }), 403, 'FORBIDDEN');
      await desk.done(['user', 'grant', 'admin', '--role', 'viewer']);
      await eventually(async () => (await call(gateway, 'GET', blocks, { headers: tokens.admin })).status === 401, { what: 'the end of an admin', within: 3000 });
      const { json } = await logIn(gateway, { username: 'admin', password: 'correct horse battery' });
      assertProblem(await call(gateway, 'POST', blocks, { headers: bearer(json.access_token), body: block }), 403, 'FORBIDDEN');
    });
  });
});

test('what an operator decides at one node holds at all within a second', async () => {
  const redis = await startRedis();
  const env = commonToNodes(redis, { REDIS_DEADLINE: '2s', TRUSTED_PROXIES: '127.0.0.0/8' });
  const nodes = [];
  try {
    nodes.push(await startWithAdmin({ env }));
    for (let i = 0; i < 2; ++i) nodes.push(await startGateway({ env }));
    const admin = bearer((await logInAsAdmin(nodes[0])).json.access_token);
    const visits = (status) => eventually(async () => {
      const answers = await Promise.all(nodes.map((node) => call(node, 'GET', '/api/health', { headers: from('203.0.113.7') })));
      return answers.every((answer) => answer.status === status);
    }, { within: 1000, what: `${status} at every node` });
    await visits(200);
    // A token is good at every node, whoever issued it.
    assert.equal((await call(nodes[1], 'POST', blocks, { headers: admin, body: { address: '203.0.113.7', reason: 'scans us' } })).status, 201);
    await visits(403);
    assert.equal((await call(nodes[2], 'DELETE', `${blocks}/203.0.113.7`, { headers: admin })).status, 200);
    await visits(200);
  } finally {
    await Promise.allSettled(nodes.map((node) => node.stop()));
    await redis.stop();
  }
});

describe('ending sessions of visitors', () => {
  const key = randomBytes(48).toString('base64url');
  const env = { TRUSTED_PROXIES: '127.0.0.0/8', VISITOR_IDENTITY_SECRET: key, VISITOR_IDENTITY_ISSUER: 'https://shop.example', GUARDS_BOT_MODE: 'off', SESSION_RISK: 'off', ALLOWED_ORIGINS: 'https://shop.example' };
  const visitor = (gateway, address, user) =>
    newVisitor(gateway, { origin: 'https://shop.example', headers: from(address), body: { delivery: 'bearer', ...(user && { user_token: userToken(key, user) }) } });
  const stands = async (one) => (await one.validate()).status === 200;

  test('all that were created from an address end, at every node, and later ones live', async () => {
    const redis = await startRedis();
    const common = commonToNodes(redis, { ...env});
    const [first, second] = await Promise.all([startWithAdmin({ env: common }), startGateway({ env: common })]);
    try {
      const admin = bearer((await logInAsAdmin(first)).json.access_token);
      const end = (body) => call(first, 'POST', '/api/security/sessions/end', { headers: admin, body });
      const [one, two, other] = [await visitor(first, '203.0.113.7'), await visitor(second, '203.0.113.7'), await visitor(first, '203.0.113.8')];
      assert.equal((await one.ask('hello')).status, 200);
      assert.ok((await stands(one)) && (await stands(two)) && (await stands(other)));
      const ended = await end({ address: '203.0.113.7', reason: 'stolen laptop' });
      assert.equal(ended.status, 200, ended.text);
      for (const gone of [one, two, one.at(second), two.at(first)]) assertProblem(await gone.validate(), 401, 'SESSION_INVALID');
      assertProblem(await one.ask('still here?'), 401, 'SESSION_INVALID');
      assert.ok(await stands(other), 'from another address');
      assert.ok(await stands(await visitor(first, '203.0.113.7')), 'what begins afterwards is another session');
      await eventually(() => first.log().includes('MGT_006'));

      const [ann, again, bob] = [await visitor(first, '198.51.100.1', 'ann'), await visitor(second, '198.51.100.2', 'ann'), await visitor(first, '198.51.100.1', 'bob')];
      assert.equal((await end({ user: 'ann', site: 'default', reason: 'left the company' })).status, 200);
      for (const gone of [ann, again]) assertProblem(await gone.validate(), 401, 'SESSION_INVALID');
      assert.ok(await stands(bob));
    } finally {
      await Promise.all([first.stop(), second.stop()]);
      await redis.stop();
    }
  });

  test('what is not meant is not done', async () => {
    const gateway = await startWithAdmin({ env });
    const admin = bearer((await logInAsAdmin(gateway)).json.access_token);
    const one = await visitor(gateway, '203.0.113.7');
    const end = (body, headers = admin) => call(gateway, 'POST', '/api/security/sessions/end', { headers, body });
    for (const body of [{ reason: 'x' }, { address: 'here', reason: 'x' }, { address: '203.0.113.7', user: 'ann', site: 'default', reason: 'x' }, { user: 'ann', reason: 'x' }, { user: 'ann', site: 'none', reason: 'x' }, { address: '203.0.113.7' }]) {
      assertProblem(await end(body), 422, 'SCHEMA_INVALID');
    }
    assertProblem(await end({ address: '203.0.113.7', reason: ' ' }), 422, 'SCHEMA_INVALID');
    assertProblem(await end({ address: '203.0.113.7', reason: 'x' }, {}), 401, 'AUTH_FAILED');
    assert.ok(await stands(one));
    await gateway.stop();
  });
});

describe('telling visitors something', () => {
  const shop = 'https://shop.example';
  const sites = `sites:\n  - {id: shop, origins: ["${shop}"]}\n  - {id: other, origins: ["https://other.example"]}\n`;
  const env = { GUARDS_BOT_MODE: 'off', SESSION_RISK: 'off', WEBSOCKET_AUTH_TIMEOUT: '60s' };
  const connect = async (gateway, origin, knows = true) => {
    const headers = { Origin: origin };
    if (knows) headers.Authorization = `Bearer ${(await newVisitor(gateway, { origin, body: { delivery: 'bearer' } })).token}`;
    const socket = await openWebSocket(gateway, { path: '/ws', headers });
    assert.equal(socket.answer.status, 101, socket.answer.text);
    socket.send(frame(kText, '{"type":"ping"}'));
    assert.equal((await socket.json()).type, 'pong');
    return socket;
  };
  const notice = (message) => ({ type: 'notice', message });

  test('a notice reaches who is connected to the site, at every node, and nobody else', async () => {
    const redis = await startRedis();
    const common = commonToNodes(redis, env);
    const [first, second] = await Promise.all([startWithAdmin({ env: common, yaml: sites }), startGateway({ env: common, yaml: sites })]);
    try {
      const admin = bearer((await logInAsAdmin(first)).json.access_token);
      const tell = (body, site = 'shop') => call(first, 'POST', '/api/security/broadcast', { headers: { ...admin, 'X-Location-ID': site }, body });
      const sockets = { here: await connect(first, shop), there: await connect(second, shop), unknown: await connect(first, shop, false), elsewhere: await connect(first, 'https://other.example') };
      const told = await tell({ message: 'We close "soon".' });
      assert.equal(told.status, 200, told.text);
      assert.deepEqual(await sockets.here.json(), notice('We close "soon".'));
      assert.deepEqual(await sockets.there.json(), notice('We close "soon".'));
      assert.equal((await tell({ message: 'Everybody.', everybody: true })).status, 200);
      for (const name of ['here', 'there', 'unknown']) assert.deepEqual(await sockets[name].json(), notice('Everybody.'), name);
      assert.equal((await tell({ message: 'Others.' }, 'other')).status, 200);
      assert.deepEqual(await sockets.elsewhere.json(), notice('Others.'), 'the first that it hears');
      sockets.here.destroy();
      assert.equal((await tell({ message: 'After.' })).status, 200);
      assert.deepEqual(await sockets.there.json(), notice('After.'));
      await eventually(() => first.log().includes('MGT_007'));
      for (const name of ['there', 'unknown', 'elsewhere']) sockets[name].destroy();
    } finally {
      await Promise.all([first.stop(), second.stop()]);
      await redis.stop();
    }
  });

  test('it is for operators of the site, and has some text', async () => {
    const gateway = await startWithAdmin({ env, yaml: sites });
    const admin = bearer((await logInAsAdmin(gateway)).json.access_token);
    const tell = (headers, body = { message: 'x' }) => call(gateway, 'POST', '/api/security/broadcast', { headers, body });
    assertProblem(await tell({}), 401, 'AUTH_FAILED');
    for (const body of [{}, { message: '' }, { message: 'x'.repeat(1001) }, { message: 'x', everybody: 'yes' }]) assert.ok([400, 422].includes((await tell(admin, body)).status), JSON.stringify(body));
    assert.equal((await tell(admin)).status, 200);
    await gateway.stop();
  });
});
