// Three nodes share a Redis, or a Redis Cluster, whose servers are killed, stopped and paused at random, for CHAOS_SECONDS
// (120) each, while visitors chat through any of them. Nothing hangs, nothing is a 500, no message is executed twice, no
// event is seen twice, and when Redis is left alone all nodes find it again and agree.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { newVisitor } from '../harness/client.mjs';
import { eventually } from '../harness/expect.mjs';
import { startFakeUpstream } from '../harness/fake_upstream.mjs';
import { startGateway } from '../harness/gateway.mjs';
import { samplesOf } from '../harness/metrics.mjs';
import { connected, sharedEnv } from '../harness/nodes.mjs';
import { PROVES } from '../harness/proves.mjs';
import { startRecordingUpstream } from '../harness/recording_upstream.mjs';
import { startRedis, startRedisCluster } from '../harness/redis.mjs';
import { kOrigin, kWideLimits, messageRequest, openSession } from '../harness/visitor.mjs';
import { request } from '../harness/wire.mjs';

const kSeconds = Number(process.env.CHAOS_SECONDS ?? 120);
const kVisitors = 12;
const kReaders = 6;
const kPieces = 30;
const kHang = 20_000;
const kExpected = new Set([200, 401, 429]);
const kTimeout = { timeout: (kSeconds + 120) * 1000 };
const pick = (list) => list[Math.floor(Math.random() * list.length)];

const withinTime = (promise, what, ms = kHang) =>
  Promise.race([promise, pause(ms, undefined, { ref: false }).then(() => assert.fail(`${what} hangs`))]);

/** One after the other, one of the servers is gone for less than a second. */
async function torment(servers, until) {
  while (Date.now() < until) {
    await pause(300 + Math.random() * 1200);
    const redis = pick(servers);
    const how = pick(['kill', 'stop', 'pause', 'flush']);
    if (how === 'kill') {
      await redis.kill();
      await pause(Math.random() * 800);
      await redis.start();
    } else if (how === 'stop') {
      redis.signal('SIGSTOP');
      await pause(Math.random() * 800);
      redis.signal('SIGCONT');
    } else if (how === 'pause') {
      await redis.say(`CLIENT PAUSE ${Math.floor(Math.random() * 500)} ALL`).catch(() => {});
    } else {
      await redis.say('SCRIPT FLUSH').catch(() => {});
    }
  }
}

/** Runs `body(nodes, servers, until)` with three nodes on the servers of `start`. */
async function withChaos(start, upstream, body) {
  const redis = await start();
  const env = { ...kWideLimits, ...sharedEnv(redis, upstream), UPSTREAM_RUNS_PER_SESSION: '100', STREAM_MAX_PER_ADDRESS: '1000', STREAM_MAX_PER_SESSION: '100', STREAM_HEARTBEAT: '1s' };
  delete env.REDIS_DEADLINE; // a loss is the matter
  const nodes = [];
  try {
    for (let i = 0; i < 3; ++i) nodes.push(await startGateway({ env }));
    await body(nodes, redis.servers ?? [redis], Date.now() + kSeconds * 1000);
    for (const node of nodes) {
      await connected(node, { within: 30_000, what: 'all nodes are connected again' });
      assert.ok((await samplesOf(node)).value('portcullis_requests_total', { status: '5xx' }) === 0);
    }
    await Promise.all(nodes.splice(0).map((node) => node.stop())); // fails where a sanitizer has spoken
  } finally {
    await Promise.allSettled([...nodes.map((node) => node.stop()), redis.stop(), upstream.stop()]);
  }
}

for (const [name, start] of [
  ['a Redis', () => startRedis()],
  ['a Redis Cluster', () => startRedisCluster()],
]) {
  describe(`while ${name} comes and goes`, () => {
    test(PROVES('F233') + 'visitors chat on', kTimeout, async (t) => {
      const upstream = await startRecordingUpstream();
      const counted = new Map();
      const sent = new Set();
      await withChaos(start, upstream, async (nodes, servers, until) => {
        const visit = async (number) => {
          let token = await openSession(pick(nodes));
          for (let i = 0; Date.now() < until; ++i) {
            const message = `visitor ${number} says ${i}`;
            const node = pick(nodes);
            const answer = await withinTime(request(node, messageRequest(token, message)), message);
            counted.set(answer.status, (counted.get(answer.status) ?? 0) + 1);
            assert.ok(kExpected.has(answer.status), `${answer.status} ${answer.text}`);
            if (answer.status === 200) sent.add(message);
            if (answer.status === 401 || Math.random() < 0.02) {
              await withinTime(request(node, { method: 'DELETE', path: '/api/v1/session/destroy', headers: { Origin: kOrigin, Authorization: `Bearer ${token}` } }), 'destroy');
              token = await openSession(pick(nodes));
            }
          }
        };
        await Promise.all([torment(servers, until), ...Array.from({ length: kVisitors }, (_, number) => visit(number))]);
        t.diagnostic(`statuses: ${JSON.stringify(Object.fromEntries(counted))}`);

        const executed = upstream.requests.map(({ json }) => json.message);
        assert.equal(new Set(executed).size, executed.length, 'no message was executed twice');
        for (const message of sent) assert.ok(executed.includes(message), message);
        assert.ok(sent.size > kSeconds, `${sent.size} messages in ${kSeconds} s`);
        // A call that this machine held up for too long is one without Redis, so a conversation may need a second try.
        const conversation = async () => {
          const token = await openSession(nodes[0]);
          for (const node of nodes) assert.equal((await request(node, messageRequest(token, 'and now?'))).status, 200);
          const history = await request(nodes[1], { path: '/api/v1/chat/history', headers: { Origin: kOrigin, Authorization: `Bearer ${token}` } });
          return history.json.total_count === 6;
        };
        await eventually(conversation, { within: 30_000, what: 'all of them see the same conversation' });
      });
    });

    test('readers go on at any node', kTimeout, async (t) => {
      const upstream = await startFakeUpstream();
      upstream.onRequest(async (call, response) => {
        response.writeHead(200, { 'Content-Type': 'application/json' });
        for (let i = 0; i < kPieces && !response.destroyed; ++i) {
          response.write(`${JSON.stringify({ type: 'item', content: `${i} ` })}\n`);
          await pause(20 + Math.random() * 60);
        }
        response.end();
      });
      const counted = { whole: 0, reset: 0, failed: 0, resumed: 0 };
      await withChaos(start, upstream, async (nodes, servers, until) => {
        /** One answer, read in parts at whichever node. */
        const read = async (visitor, message) => {
          let stream = await visitor.at(pick(nodes)).stream(message);
          if (stream.status !== 200) return assert.ok(kExpected.has(stream.status), `${stream.status} ${stream.text}`);
          const pieces = [];
          let last;
          for (let ended = false; !ended; ) {
            const leaves = Date.now() + 50 + Math.random() * 1500;
            for (;;) {
              const event = await stream.next(() => true, { within: Math.max(1, leaves - Date.now()) }).catch(() => undefined);
              if (event === undefined && last === undefined && stream.how === undefined) continue;
              if (event === undefined) break;
              if (event.id) last = event.id;
              if (event.name === 'reset') return counted.reset++; // it would read the history now
              if (event.json?.type === 'item') pieces.push(Number(event.json.content));
              if (event.json?.type === 'error') return counted.failed++;
              ended = event.json?.type === 'end';
              if (ended) break;
            }
            stream.close();
            if (ended) break;
            assert.ok(last !== undefined, `the stream ended with ${stream.how} before it began`);
            counted.resumed++;
            stream = await visitor.at(pick(nodes)).subscribe({ headers: { 'Last-Event-ID': last } });
            if (stream.status !== 200) return assert.ok(kExpected.has(stream.status), `${stream.status} ${stream.text}`);
          }
          assert.deepEqual(pieces, Array.from({ length: kPieces }, (_, i) => i), 'each piece once and in order');
          counted.whole++;
        };
        const visit = async () => {
          while (Date.now() < until) {
            const visitor = await newVisitor(pick(nodes), { origin: kOrigin });
            await withinTime(read(visitor, 'hello'), 'an answer', 60_000);
          }
        };
        await Promise.all([torment(servers, until), ...Array.from({ length: kReaders }, visit)]);
        t.diagnostic(JSON.stringify(counted));
        assert.ok(counted.whole > counted.failed, JSON.stringify(counted));
      });
    });
  });
}
