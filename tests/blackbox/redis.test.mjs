// Several nodes that share their state through Redis, and what becomes of requests while it is away.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openEvents } from '../harness/client.mjs';
import { eventually, expectProblem } from '../harness/expect.mjs';
import { samplesOf } from '../harness/metrics.mjs';
import { connected, degraded, healthOf, sharedEnv, withNodes } from '../harness/nodes.mjs';
import { PROVES } from '../harness/proves.mjs';
import { startRecordingUpstream } from '../harness/recording_upstream.mjs';
import { makeCertificate, startRedis, tlsArgs } from '../harness/redis.mjs';
import { createRequest, kOrigin, kWideLimits, messageRequest, openSession } from '../harness/visitor.mjs';
import { request } from '../harness/wire.mjs';

const kTimeout = { timeout: 60_000 };
const kApi = { path: '/api/health' };
const statuses = (answers) => answers.map(({ status }) => status);
const count = (answers, status) => statuses(answers).filter((s) => s === status).length;
const at = (address, rest) => ({ ...rest, localAddress: address });

let redis;
let upstream;

const shared = (env) => sharedEnv(redis, upstream, env);

before(async () => {
  redis = await startRedis();
  upstream = await startRecordingUpstream();
});
after(async () => {
  await redis?.stop();
  await upstream?.stop();
});

describe('nodes that share a Redis', () => {
  test(PROVES('F103', 'F001') + 'REDIS_URL is honoured, and /health says so', kTimeout, async () => {
    await withNodes(1, shared(), async ([node]) => {
      const services = await healthOf(node);
      assert.equal(services.redis, 'connected');
      assert.equal(services.state, 'redis');
      assert.equal((await request(node, createRequest())).status, 200);
      assert.match(await redis.say('DBSIZE'), /^:[1-9]/);
      assert.equal((await samplesOf(node)).value('portcullis_state_shared'), 1);
    });
  });

  test(PROVES('F001', 'F002', { guard: 'rate' }) + 'three nodes admit exactly the limit, also of 90 requests at once', kTimeout, async () => {
    await withNodes(3, shared(), async (nodes) => {
      const answers = await Promise.all(Array.from({ length: 90 }, (_, i) => request(nodes[i % 3], createRequest())));
      assert.equal(count(answers, 200), 60);
      assert.equal(count(answers, 429) + count(answers, 403), 30);
      const other = await request(nodes[0], at('127.0.0.2', createRequest()));
      assert.equal(other.header('X-RateLimit-Remaining'), '59');
    });
  });

  test('any node serves any request of a session', kTimeout, async () => {
    await withNodes(3, shared(kWideLimits), async ([a, b, c]) => {
      const token = await openSession(a);
      const headers = { Origin: kOrigin, Authorization: `Bearer ${token}` };
      for (const [node, message] of [[a, 'one'], [b, 'two'], [c, 'three']]) {
        assert.equal((await request(node, messageRequest(token, message))).status, 200);
      }
      for (const node of [a, b, c]) {
        const { json } = await request(node, { path: '/api/v1/chat/history', headers });
        assert.equal(json.total_count, 6);
        assert.deepEqual(json.messages.filter((m) => m.role === 'user').map((m) => m.content), ['one', 'two', 'three']);
      }
      assert.equal((await request(b, { method: 'DELETE', path: '/api/v1/session/destroy', headers })).status, 200);
      for (const node of [a, c]) expectProblem(await request(node, messageRequest(token, 'four')), 401, 'SESSION_INVALID');
    });
  });

  test('a repeated send on another node is the same message', kTimeout, async () => {
    await withNodes(2, shared(kWideLimits), async ([a, b]) => {
      const token = await openSession(a);
      const before = upstream.requests.length;
      const send = (node) => request(node, messageRequest(token, 'once', { body: { message: 'once', client_message_id: 'c-1' } }));
      const first = await send(a);
      const second = await send(b);
      assert.equal(first.status, 200);
      assert.equal(second.status, 200);
      assert.equal(second.json.message_id, first.json.message_id);
      assert.equal(upstream.requests.length, before + 1);
    });
  });

  test(PROVES('F133', { guard: 'blocks' }) + 'an address that one node blocks is blocked on all within a second, and on one that starts later', kTimeout, async () => {
    const env = shared();
    await withNodes(2, env, async ([a, b]) => {
      const attacker = '127.0.0.3';
      await eventually(async () => (await request(a, at(attacker, createRequest()))).status === 403, { what: 'the block' });
      await eventually(async () => (await request(b, at(attacker, kApi))).status === 403, { within: 1000, what: 'the block on the other node' });
      assert.equal((await request(b, at('127.0.0.4', kApi))).status, 200);
      await withNodes(1, env, async ([late]) => {
        await eventually(async () => (await request(late, at(attacker, kApi))).status === 403, { within: 1000, what: 'the block on a new node' });
      });
    });
  });

  test(PROVES('F006', 'F194', { guard: 'content' }) + 'a bad reputation on one node is one on all', kTimeout, async () => {
    await withNodes(2, shared(), async ([a, b]) => {
      const attack = { path: '/api/health?q=%3Cscript%3Ealert(1)%3C/script%3E' };
      for (let i = 0; i < 3; ++i) assert.equal((await request(a, at('127.0.0.3', attack))).status, 400);
      await eventually(async () => (await request(b, at('127.0.0.3', createRequest()))).header('X-RateLimit-Limit') === '30', { within: 2000, what: 'half of the limit' });
      assert.equal((await request(b, createRequest())).header('X-RateLimit-Limit'), '60');
    });
  });

  test('limits and sessions outlive a restart of all nodes', kTimeout, async () => {
    const env = shared({ RATE_LIMIT_PER_MINUTE: '5' });
    let token;
    await withNodes(1, env, async ([node]) => {
      token = await openSession(node);
      for (let i = 0; i < 3; ++i) assert.equal((await request(node, messageRequest(token, 'hi'))).status, 200);
    });
    await withNodes(1, env, async ([node]) => {
      assert.deepEqual(statuses([await request(node, messageRequest(token, 'hi')), await request(node, messageRequest(token, 'hi'))]), [200, 429]);
      const { json } = await request(node, { path: '/api/v1/chat/history', headers: { Origin: kOrigin, Authorization: `Bearer ${token}` } });
      assert.equal(json.total_count, 8);
    });
  });

  test('the widget of n8n finds its presenter on every node', kTimeout, async () => {
    await withNodes(2, shared(kWideLimits), async ([a, b]) => {
      const id = 'session-of-the-widget-0001';
      const send = (node) => request(node, { method: 'POST', path: '/webhook/chat', headers: { Origin: kOrigin, 'Content-Type': 'application/json' }, body: { action: 'sendMessage', sessionId: id, chatInput: 'hi' } });
      const before = upstream.requests.length;
      assert.equal((await send(a)).status, 200);
      assert.equal((await send(b)).status, 200);
      const [first, second] = upstream.requests.slice(before).map(({ json }) => json.sessionId);
      assert.equal(first, second, 'the upstream sees one conversation');
    });
  });
});

describe('a Redis that is away', () => {
  let own;
  before(async () => (own = await startRedis()));
  after(() => own?.stop());
  const env = (more) => ({ ...shared(more), REDIS_URL: own.url, REDIS_DEADLINE: '50ms' });
  const revive = async () => {
    await own.kill();
    await own.start();
  };

  for (const [how, away, back] of [
    ['killed', () => own.kill(), () => own.start()],
    ['stopped (SIGSTOP)', () => own.signal('SIGSTOP'), () => own.signal('SIGCONT')],
    ['paused (CLIENT PAUSE)', () => own.say('CLIENT PAUSE 3000 ALL'), () => {}],
  ]) {
    test(`${how}: requests go on by limits of the node, nothing hangs, nothing fails, and it recovers by itself`, kTimeout, async () => {
      await withNodes(1, env(), async ([node]) => {
        await connected(node);
        const token = await openSession(node);
        assert.equal((await request(node, messageRequest(token, 'hi'))).status, 200);
        const before = upstream.requests.length;
        await away();
        const began = Date.now();
        const answers = [];
        for (let i = 0; i < 20; ++i) answers.push(await request(node, messageRequest(token, 'hi')));
        assert.ok(answers.every(({ status }) => status === 200 || status === 429), JSON.stringify(statuses(answers)));
        assert.equal(count(answers, 200), upstream.requests.length - before, 'none was executed twice');
        assert.ok(count(answers, 200) >= 15, 'half of the limit of a session holds while it cannot be looked up');
        assert.ok(Date.now() - began < 5000, `${Date.now() - began} ms`);
        await degraded(node);
        assert.equal((await healthOf(node)).state, 'memory');
        await back();
        await connected(node);
        await eventually(() => (node.log().match(/SYS_005/g) ?? []).length === 1, { what: 'the event of its return' });
        assert.equal(node.log().match(/SYS_004/g).length, 1, 'one event for the whole time');
        assert.equal((await request(node, { ...createRequest(), localAddress: '127.0.0.2' })).status, 200);
        assert.ok((await samplesOf(node)).value('portcullis_state_fallbacks_total') >= 15);
      });
      await revive();
    });
  }

  test('a gateway that starts without it serves, and takes it when it comes', kTimeout, async () => {
    await own.kill();
    await withNodes(1, env(), async ([node]) => {
      assert.equal((await healthOf(node)).redis, 'degraded');
      assert.equal((await request(node, createRequest())).status, 200);
      await own.start();
      await connected(node);
      assert.equal((await request(node, createRequest())).status, 200);
    });
  });

  test('each node has its part of the limits meanwhile', kTimeout, async () => {
    const both = env();
    await withNodes(2, both, async (nodes) => {
      await Promise.all(nodes.map((node) => connected(node)));
      // Both have been counted once they have said that they live.
      await eventually(async () => /:2/.test(await own.say(`ZCARD ${both.REDIS_PREFIX}{nodes}:seen`)), { what: 'two nodes' });
      await new Promise((resolve) => setTimeout(resolve, 5500)); // a beat later both know of each other
      await own.kill();
      await Promise.all(nodes.map((node) => degraded(node)));
      for (const node of nodes) {
        const answers = [];
        for (let i = 0; i < 45; ++i) answers.push(await request(node, createRequest()));
        assert.equal(count(answers, 200), 30, 'half of sixty');
      }
    });
    await own.start();
  });

  test('a session that is ended meanwhile stays ended when it is back', kTimeout, async () => {
    await withNodes(2, env(kWideLimits), async (nodes) => {
      const [a, b] = nodes;
      await Promise.all(nodes.map((node) => connected(node)));
      const token = await openSession(a);
      const headers = { Origin: kOrigin, Authorization: `Bearer ${token}` };
      assert.equal((await request(a, messageRequest(token, 'hi'))).status, 200);
      own.signal('SIGSTOP');
      await degraded(a);
      assert.equal((await request(a, { method: 'DELETE', path: '/api/v1/session/destroy', headers })).status, 200);
      expectProblem(await request(a, messageRequest(token, 'hi')), 401, 'SESSION_INVALID');
      own.signal('SIGCONT');
      await Promise.all(nodes.map((node) => connected(node)));
      for (const node of nodes) expectProblem(await request(node, messageRequest(token, 'hi')), 401, 'SESSION_INVALID');
      assert.equal((await request(b, createRequest())).status, 200);
    });
  });

  test('a block that is made meanwhile is told when it is back', kTimeout, async () => {
    await withNodes(2, env(), async (nodes) => {
      const [a, b] = nodes;
      await Promise.all(nodes.map((node) => connected(node)));
      own.signal('SIGSTOP');
      await degraded(a);
      await eventually(async () => (await request(a, at('127.0.0.3', createRequest()))).status === 403, { what: 'the block' });
      own.signal('SIGCONT');
      await eventually(async () => (await request(b, at('127.0.0.3', kApi))).status === 403, { what: 'the block on the other node' });
    });
    await revive();
  });

  for (const [policy, during] of [['open', 200], ['closed', 503]]) {
    test(`STATE_FALLBACK=${policy}: ${during}`, kTimeout, async () => {
      await withNodes(1, env({ STATE_FALLBACK: policy, RATE_LIMIT_PER_MINUTE: '1' }), async ([node]) => {
        await connected(node);
        assert.equal((await request(node, createRequest())).status, 200);
        await own.kill();
        await degraded(node);
        for (let i = 0; i < 3; ++i) {
          const answer = await request(node, createRequest());
          assert.equal(answer.status, during, answer.text);
          if (during === 503) expectProblem(answer, 503, 'STATE_UNAVAILABLE');
        }
        await own.start();
        await connected(node);
      });
    });
  }
});

describe('the way to Redis', () => {
  test(PROVES('F223') + 'a password is given, and never told', kTimeout, async () => {
    const password = randomBytes(24).toString('base64url');
    const guarded = await startRedis({ args: ['--requirepass', password] });
    try {
      for (const [env, state] of [
        [{ REDIS_URL: guarded.url.replace('//', `//:${password}@`) }, 'connected'],
        [{ REDIS_URL: guarded.url, REDIS_PASSWORD: password }, 'connected'],
        [{ REDIS_URL: guarded.url, SECURITY_REDIS_PASSWORD: password }, 'connected'],
        [{ REDIS_URL: guarded.url }, 'degraded'],
        [{ REDIS_URL: guarded.url, REDIS_PASSWORD: 'wrong-wrong-wrong' }, 'degraded'],
      ]) {
        await withNodes(1, shared(env), async ([node]) => {
          assert.equal((await healthOf(node)).redis, state);
          assert.equal((await request(node, createRequest())).status, 200, 'either way');
          for (const secret of [password, 'wrong-wrong-wrong']) assert.ok(!node.log().includes(secret));
        });
      }
    } finally {
      await guarded.stop();
    }
  });

  test(PROVES('F224') + 'the hardened sample works: its user may do what the gateway does, and no other may do anything', kTimeout, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'portcullis-acl-'));
    const password = randomBytes(24).toString('base64url');
    const sample = (name) => readFile(new URL(`../../deploy/redis/${name}`, import.meta.url), 'utf8');
    const acl = join(folder, 'users.acl');
    await writeFile(acl, (await sample('users.acl')).replace('CHANGE-ME', password));
    const config = join(folder, 'redis.conf');
    await writeFile(config, (await sample('redis.conf')).replace('/etc/redis/users.acl', acl));
    for (const setting of ['bind 127.0.0.1', 'protected-mode yes', 'aclfile', 'maxmemory 512mb', 'maxmemory-policy volatile-ttl']) {
      assert.match(await sample('redis.conf'), new RegExp(`^${setting}`, 'm'));
    }
    const hardened = await startRedis({ config });
    try {
      assert.match(await hardened.say('DBSIZE'), /^-NOAUTH/);
      const env = { ...shared({ REDIS_URL: hardened.url.replace('//', `//portcullis:${password}@`), REDIS_PREFIX: 'portcullis:' }) };
      await withNodes(2, env, async ([a, b]) => {
        await Promise.all([a, b].map((node) => connected(node)));
        const token = await openSession(a);
        const headers = { Origin: kOrigin, Authorization: `Bearer ${token}` };
        const send = (node) => request(node, messageRequest(token, 'hi', { body: { message: 'hi', client_message_id: 'c' } }));
        assert.equal((await send(a)).status, 200);
        assert.equal((await send(b)).status, 200);
        assert.equal((await request(b, { path: '/api/v1/chat/history', headers })).json.total_count, 2);
        const tab = await openEvents(b, 'GET', '/api/v1/chat/stream', { headers });
        assert.equal((await request(a, messageRequest(token, 'and you?'))).status, 200);
        await tab.next((event) => event.json?.type === 'end');
        tab.close();
        assert.equal((await request(b, { method: 'DELETE', path: '/api/v1/session/destroy', headers })).status, 200);
        await eventually(async () => (await request(a, at('127.0.0.3', createRequest()))).status === 403, { what: 'the block' });
        await eventually(async () => (await request(b, at('127.0.0.3', kApi))).status === 403, { within: 1000, what: 'the block on the other node' });
        for (const node of [a, b]) assert.equal((await samplesOf(node)).value('portcullis_state_fallbacks_total'), 0, node.log());
      });
    } finally {
      await hardened.stop();
      await rm(folder, { recursive: true, force: true });
    }
  });

  test(PROVES('F223') + 'TLS is spoken, and the certificate is checked', kTimeout, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'portcullis-tls-'));
    const made = makeCertificate(folder);
    const secure = await startRedis({ tls: true, args: tlsArgs(made) });
    try {
      await withNodes(1, shared({ REDIS_URL: secure.url, REDIS_CA_FILE: made.cert }), async ([node]) => {
        assert.equal((await healthOf(node)).redis, 'connected');
        assert.equal((await request(node, createRequest())).status, 200);
      });
      await withNodes(1, shared({ REDIS_URL: secure.url }), async ([node]) => {
        assert.equal((await healthOf(node)).redis, 'degraded', 'nobody vouches for that certificate');
      });
    } finally {
      await secure.stop();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
