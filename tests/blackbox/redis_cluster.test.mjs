// Several nodes that share their state through a Redis Cluster of three masters, one of which has a replica.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { eventually, expectProblem } from '../harness/expect.mjs';
import { samplesOf } from '../harness/metrics.mjs';
import { connected, degraded, healthOf, sharedEnv, withNodes as withSomeNodes } from '../harness/nodes.mjs';
import { PROVES } from '../harness/proves.mjs';
import { startRecordingUpstream } from '../harness/recording_upstream.mjs';
import { makeCertificate, startRedisCluster } from '../harness/redis.mjs';
import { createRequest, kOrigin, kWideLimits, messageRequest, openSession } from '../harness/visitor.mjs';
import { request } from '../harness/wire.mjs';

const kTimeout = { timeout: 60_000 };
const kApi = { path: '/api/health' };
const at = (address, rest) => ({ ...rest, localAddress: address });
const count = (answers, status) => answers.filter((answer) => answer.status === status).length;

let cluster;
let upstream;

const withNodes = (number, env, body) =>
  withSomeNodes(number, sharedEnv(cluster, upstream, env), async (nodes) => {
    await Promise.all(nodes.map((node) => connected(node)));
    await body(nodes);
  });

before(async () => {
  cluster = await startRedisCluster({ replicas: 1 });
  upstream = await startRecordingUpstream();
});
after(async () => {
  await cluster?.stop();
  await upstream?.stop();
});

describe('nodes that share a Redis Cluster', () => {
  test(PROVES('F001', 'F002', { guard: 'rate' }) + 'three nodes admit exactly the limit, also of 90 requests at once', kTimeout, async () => {
    await withNodes(3, {}, async (nodes) => {
      const answers = await Promise.all(Array.from({ length: 90 }, (_, i) => request(nodes[i % 3], createRequest())));
      assert.equal(count(answers, 200), 60);
      assert.equal(count(answers, 429) + count(answers, 403), 30);
      const other = await request(nodes[0], at('127.0.0.2', createRequest()));
      assert.equal(other.header('X-RateLimit-Remaining'), '59');
      for (const node of nodes) assert.equal((await samplesOf(node)).value('portcullis_state_fallbacks_total'), 0, node.log());
    });
  });

  test(PROVES('F001', { guard: 'rate' }) + 'what one tier refuses takes nothing from another', kTimeout, async () => {
    await withNodes(2, { RATE_LIMIT_DOMAIN_PER_MINUTE: '20', RATE_LIMIT_PER_MINUTE: '10' }, async ([a, b]) => {
      // One address is refused thirty times, and the site has lost ten.
      const flood = [];
      for (let i = 0; i < 40; ++i) flood.push(await request(i % 2 ? a : b, at('127.0.0.5', createRequest())));
      assert.equal(count(flood, 200), 10);
      await eventually(
        async () => {
          const probe = await request(a, at('127.0.0.6', createRequest()));
          return probe.status === 200 && Number(probe.header('X-RateLimit-Remaining')) >= 5;
        },
        { within: 2000, what: 'room on the site' },
      );
    });
  });

  test('any node serves any request of a session', kTimeout, async () => {
    await withNodes(3, kWideLimits, async ([a, b, c]) => {
      const tokens = [];
      for (let i = 0; i < 6; ++i) tokens.push(await openSession(a)); // they lie on different servers
      for (const token of tokens) {
        const headers = { Origin: kOrigin, Authorization: `Bearer ${token}` };
        for (const [node, message] of [[a, 'one'], [b, 'two']]) {
          assert.equal((await request(node, messageRequest(token, message))).status, 200);
        }
        const { json } = await request(c, { path: '/api/v1/chat/history', headers });
        assert.deepEqual(json.messages.filter((m) => m.role === 'user').map((m) => m.content), ['one', 'two']);
        assert.equal((await request(b, { method: 'DELETE', path: '/api/v1/session/destroy', headers })).status, 200);
        expectProblem(await request(c, messageRequest(token, 'three')), 401, 'SESSION_INVALID');
      }
      const stored = await Promise.all(cluster.servers.slice(0, 3).map((server) => server.say('DBSIZE')));
      for (const size of stored) assert.match(size, /^:[1-9]/, 'every server has a part');
    });
  });

  test(PROVES('F133', { guard: 'blocks' }) + 'an address that one node blocks is blocked on all within a second', kTimeout, async () => {
    await withNodes(2, {}, async ([a, b]) => {
      const isBlocked = ({ json }) => json?.code === 'ADDRESS_BLOCKED';
      await eventually(async () => isBlocked(await request(a, at('127.0.0.3', createRequest()))), { what: 'the block' });
      await eventually(async () => isBlocked(await request(b, at('127.0.0.3', kApi))), { within: 1000, what: 'the block on the other node' });
      assert.equal((await request(b, at('127.0.0.4', kApi))).status, 200);
    });
  });

  test('a master whose replica takes over is missed by nobody for long, and limits go on', kTimeout, async () => {
    await withNodes(2, { RATE_LIMIT_PER_MINUTE: '1000', RATE_LIMIT_SESSION_PER_MINUTE: '1000' }, async (nodes) => {
      const token = await openSession(nodes[0]);
      for (let i = 0; i < 5; ++i) assert.equal((await request(nodes[i % 2], messageRequest(token, `before ${i}`))).status, 200);
      const replica = cluster.servers[3];
      await cluster.servers[0].kill();
      await Promise.all(nodes.map(degraded));
      // Nobody is turned away while the cluster chooses.
      assert.equal((await request(nodes[0], createRequest())).status, 200);
      assert.equal((await request(nodes[1], messageRequest(token, 'meanwhile'))).status, 200);
      await eventually(async () => (await replica.say('ROLE')).includes('master'), { within: 20_000, what: 'the replica in charge' });
      for (const node of nodes) await connected(node, { within: 10_000, what: 'the way to the new master' });
      const headers = { Origin: kOrigin, Authorization: `Bearer ${token}` };
      for (const node of nodes) {
        const { json } = await request(node, { path: '/api/v1/chat/history', headers });
        assert.ok(json.messages.some((m) => m.content === 'before 0'), 'the conversation is there again');
      }
      const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => request(nodes[i % 2], at('127.0.0.9', createRequest()))));
      assert.equal(count(answers, 200), 20);
      await cluster.servers[0].start();
    });
  });

  test(PROVES('F223') + 'TLS is spoken to every server of it, and their certificates are checked', kTimeout, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'portcullis-tls-'));
    const made = makeCertificate(folder);
    const secure = await startRedisCluster({ tls: made });
    try {
      await withNodes(2, { ...kWideLimits, REDIS_URL: secure.tlsUrl, REDIS_CA_FILE: made.cert }, async ([a, b]) => {
        for (let i = 0; i < 6; ++i) {
          const token = await openSession(a); // they lie on different servers
          assert.equal((await request(b, messageRequest(token, 'hi'))).status, 200);
          const history = await request(a, { path: '/api/v1/chat/history', headers: { Origin: kOrigin, Authorization: `Bearer ${token}` } });
          assert.equal(history.json.total_count, 2);
        }
        for (const node of [a, b]) assert.equal((await samplesOf(node)).value('portcullis_state_fallbacks_total'), 0, node.log());
      });
      await withSomeNodes(1, sharedEnv(secure, upstream, { REDIS_URL: secure.tlsUrl }), async ([node]) => {
        assert.equal((await healthOf(node)).redis, 'degraded', 'nobody vouches for those certificates');
      });
    } finally {
      await secure.stop();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
