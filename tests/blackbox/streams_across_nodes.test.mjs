// A visitor reads on at another node than the one that answers: nothing twice, nothing lost, no second call.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eventually, newVisitor, plenty, within } from '../harness/client.mjs';
import { answers, controlled } from '../harness/fake_upstream.mjs';
import { startGateway } from '../harness/gateway.mjs';
import { connected, sharedEnv, withNodes } from '../harness/nodes.mjs';
import { startRedis, startRedisCluster } from '../harness/redis.mjs';
import { useFakeUpstream } from '../harness/use_fake_upstream.mjs';
import { kOrigin } from '../harness/visitor.mjs';

const kTimeout = { timeout: 90_000 };
const isType = (type) => (event) => event.json?.type === type;
const says = (text) => (event) => event.json?.content === text;
const isReset = (event) => event.name === 'reset';
const isBeat = (event) => event.name === 'heartbeat';
const ids = (stream) => stream.events.filter((event) => event.id).map((event) => Number(event.id));

const upstream = await useFakeUpstream();

/** A visitor at the first node, whose answer the upstream gives piece by piece. */
async function begun(node, message = 'hello', members) {
  const visitor = await newVisitor(node, { origin: kOrigin });
  const source = controlled();
  upstream.onRequest(source.handler);
  const stream = await visitor.stream(message, members);
  await source.opened;
  await source.send('one ');
  await stream.next(says('one '));
  return { visitor, source, stream };
}

/** An answer of the first node that only a reader at the second one has not left. */
async function readElsewhere(first, second) {
  const { visitor, source, stream } = await begun(first);
  const tab = await visitor.at(second).subscribe({ headers: { 'Last-Event-ID': ids(stream).at(-1) } });
  await source.send('two ');
  await tab.next(says('two '));
  stream.close();
  return { source, tab };
}

for (const [name, start] of [
  ['a Redis', () => startRedis()],
  ['a Redis Cluster', () => startRedisCluster()],
]) {
  describe(`nodes that share ${name}`, () => {
    let redis;
    before(async () => {
      redis = await start();
    });
    after(() => redis?.stop());

    const nodes = (number, env, body) =>
      withNodes(number, sharedEnv(redis, upstream, { ...plenty, STREAM_HEARTBEAT: '1s', ...env }), async (all) => {
        await Promise.all(all.map((node) => connected(node)));
        await body(all);
      });

    test('a reader goes on at another node behind the last event that it saw', kTimeout, async () => {
      await nodes(3, {}, async ([a, b, c]) => {
        const { visitor, source, stream } = await begun(a);
        await source.send('two ');
        await stream.next(says('two '));
        stream.close();
        await source.send('three ');
        const second = await visitor.at(b).subscribe({ headers: { 'Last-Event-ID': ids(stream).at(-1) } });
        await second.next(says('three '));
        await source.send('four ');
        await second.next(says('four '));
        second.close();
        const third = await visitor.at(c).subscribe({ headers: { 'Last-Event-ID': ids(second).at(-1) } });
        await source.send('five');
        await source.end();
        await third.next(isType('end'));
        third.close();
        assert.equal(stream.text() + second.text() + third.text(), 'one two three four five');
        const seen = [...ids(stream), ...ids(second), ...ids(third)];
        assert.deepEqual(seen, [...new Set(seen)].sort((x, y) => x - y), 'each once, in order');
        for (const each of [second, third]) assert.ok(!each.events.some(isReset));
        assert.equal(upstream.requests.length, 1);
        assert.ok(!upstream.requests[0].left());
        const history = await visitor.at(b).history();
        assert.deepEqual(history.json.messages.map((m) => m.content), ['hello', 'one two three four five']);
      });
    });

    test('tabs at all nodes see the same events with the same ids', kTimeout, async () => {
      await nodes(3, {}, async ([a, b, c]) => {
        const visitor = await newVisitor(a, { origin: kOrigin });
        const tabs = await Promise.all([a, b, c].map((node) => visitor.at(node).subscribe()));
        upstream.onRequest(answers.ndjson(['one ', 'two']));
        // One after the other at different nodes, in each form of answer.
        const ends = [];
        for (const [node, members] of [[a, {}], [b, { client_message_id: 'second' }]]) {
          assert.equal((await visitor.at(node).ask('hello', members)).status, 200);
          for (const tab of tabs) ends.push((await tab.next(isType('end'))).id);
        }
        const streamed = await visitor.at(c).stream('hello');
        await streamed.ended;
        for (const tab of tabs) await tab.next(isType('end'));
        const of = (stream) => stream.events.filter((e) => ['begin', 'item', 'end'].includes(e.json?.type)).map((e) => e.json);
        assert.equal(of(tabs[0]).length, 12);
        for (const tab of tabs) {
          assert.deepEqual(of(tab), of(tabs[0]));
          tab.close();
        }
        assert.deepEqual(of(tabs[0]).slice(8), of(streamed));
      });
    });

    test('a message that is sent again at another node joins its answer and asks nobody', kTimeout, async () => {
      await nodes(2, {}, async ([a, b]) => {
        const { visitor, source, stream } = await begun(a, 'hello', { client_message_id: 'once' });
        const again = await visitor.at(b).stream('hello', { client_message_id: 'once' });
        const asked = visitor.at(b).ask('hello', { client_message_id: 'once' });
        await again.next(says('one '));
        await source.send('two');
        await source.end();
        assert.equal(await within(5000, again.ended), 'end');
        assert.equal(again.text(), 'one two');
        assert.equal((await within(5000, asked)).json.response, 'one two');
        await stream.ended;
        assert.equal(upstream.requests.length, 1);
        const late = await visitor.at(b).stream('hello', { client_message_id: 'once' });
        await late.ended;
        assert.equal(late.text(), 'one two');
        assert.equal(upstream.requests.length, 1);
      });
    });

    test('an answer that only another node reads is read to its end', kTimeout, async () => {
      await nodes(2, { STREAM_RESUME_GRACE: '1s' }, async ([a, b]) => {
        const { source, tab } = await readElsewhere(a, b);
        await new Promise((resolve) => setTimeout(resolve, 2500)); // more than the grace
        await source.send('three');
        await source.end();
        await tab.next(isType('end'));
        assert.equal(tab.text(), 'two three');
        tab.close();
      });
    });

    test('an answer that nobody reads any more is cancelled after the grace', kTimeout, async () => {
      await nodes(2, { STREAM_RESUME_GRACE: '1s' }, async ([a, b]) => {
        const { tab } = await readElsewhere(a, b);
        tab.close();
        await eventually(() => upstream.requests[0].left(), { within: 15_000, what: 'the end of the call' });
      });
    });

    test('messages at turns to different nodes are all seen, or a reset says that they are not', kTimeout, async () => {
      await nodes(2, {}, async ([a, b]) => {
        const visitor = await newVisitor(a, { origin: kOrigin });
        const stream = await visitor.at(b).stream('hello');
        await stream.ended;
        const last = ids(stream).at(-1);
        for (const node of [a, b]) {
          await new Promise((resolve) => setTimeout(resolve, 2500));
          await (await visitor.at(node).stream('hello')).ended;
        }
        for (const node of [a, b]) {
          const tab = await visitor.at(node).subscribe({ headers: { 'Last-Event-ID': last } });
          const begun = [];
          const beginOf = (event) => isType('begin')(event) || isReset(event);
          for (let i = 0; i < 2; ++i) begun.push(await tab.next(beginOf));
          if (!begun.some(isReset)) assert.equal(new Set(begun.map((event) => event.json.message_id)).size, 2);
          tab.close();
        }
      });
    });

    test('an id that is gone at every node gets a reset', kTimeout, async () => {
      await nodes(2, {}, async ([a, b]) => {
        const visitor = await newVisitor(a, { origin: kOrigin });
        await visitor.ask('hello', { client_message_id: 'kept' });
        for (const id of ['1', '0', '99999999999999999', '18446744073709551615', 'abc']) {
          const stream = await visitor.at(b).subscribe({ headers: { 'Last-Event-ID': id } });
          await stream.next(isReset);
          stream.close();
        }
      });
    });

    test('a session that is destroyed at one node ends its streams at all', kTimeout, async () => {
      await nodes(2, {}, async ([a, b]) => {
        const visitor = await newVisitor(a, { origin: kOrigin });
        await visitor.ask('hello');
        const tabs = await Promise.all([a, b].map((node) => visitor.at(node).subscribe()));
        for (const tab of tabs) await tab.next(isBeat);
        assert.equal((await visitor.call('DELETE', '/api/v1/session/destroy')).status, 200);
        for (const tab of tabs) assert.equal(await within(5000, tab.ended), 'end');
      });
    });
  });
}

describe('a node that dies while it answers', () => {
  let redis;
  before(async () => {
    redis = await startRedis();
  });
  after(() => redis?.stop());

  test('leaves no reader at another node waiting', { timeout: 120_000 }, async () => {
    const env = sharedEnv(redis, upstream, { ...plenty, STREAM_HEARTBEAT: '1s' });
    const dying = await startGateway({ env });
    try {
      await withNodes(1, env, async ([other]) => {
        await Promise.all([dying, other].map((node) => connected(node)));
        const { visitor, source, stream } = await begun(dying, 'hello', { client_message_id: 'once' });
        await source.send('two ');
        const tab = await visitor.at(other).stream('hello', { client_message_id: 'once' });
        await tab.next(says('two '));
        dying.signal('SIGKILL');
        await dying.exited;
        stream.close();
        const error = await tab.next(isType('error'), { within: 60_000 });
        assert.equal(error.json.code, 'UPSTREAM_ERROR');
        assert.equal(await within(5000, tab.ended), 'end');
      });
    } finally {
      await dying.stop({ signal: 'SIGKILL', expectStatus: 'SIGKILL' });
    }
  });
});

describe('an assistant that is silent for long', () => {
  test('is not taken for dead', kTimeout, async () => {
    const redis = await startRedis();
    try {
      await withNodes(2, sharedEnv(redis, upstream, { ...plenty, STREAM_HEARTBEAT: '1s' }), async ([a, b]) => {
        await Promise.all([a, b].map((node) => connected(node)));
        const { visitor, source } = await begun(a, 'hello', { client_message_id: 'once' });
        await source.send('two ');
        const tab = await visitor.at(b).stream('hello', { client_message_id: 'once' });
        await tab.next(says('two '));
        await new Promise((resolve) => setTimeout(resolve, 32_000)); // a dead one is noticed within this
        await source.send('three');
        await source.end();
        assert.equal(await within(5000, tab.ended), 'end');
        assert.equal(tab.text(), 'one two three');
      });
    } finally {
      await redis.stop();
    }
  });
});

describe('what the server sees', () => {
  test('of an answer on its way is nothing that can be read', kTimeout, async () => {
    const redis = await startRedis();
    try {
      await withNodes(2, sharedEnv(redis, upstream, plenty), async ([a, b]) => {
        await Promise.all([a, b].map((node) => connected(node)));
        const { visitor, source, stream } = await begun(a);
        const tab = await visitor.at(b).subscribe({ headers: { 'Last-Event-ID': ids(stream)[0] } });
        const secret = 'a sentence that is nobody’s business ';
        await source.send(secret);
        await tab.next(says(secret));
        const keys = (await redis.say('KEYS *events*')).split('\r\n').filter((line) => line.includes(':events:'));
        assert.equal(keys.length, 1);
        const kept = await redis.say(`LRANGE ${keys[0]} 0 -1`);
        assert.match(kept, /^\*[1-9]/);
        assert.ok(!kept.includes('nobody') && !kept.includes('"item"') && !kept.includes(visitor.token));
        await source.end();
        await tab.next(isType('end'));
        tab.close();
      });
    } finally {
      await redis.stop();
    }
  });
});
