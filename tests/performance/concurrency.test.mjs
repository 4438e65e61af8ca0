// A request that waits holds up no other one. One worker only, so that nothing but the worker's own
// concurrency can do that.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { call, createSession, eventually, newVisitor, openSocket, plenty, rawPost, within } from '../harness/client.mjs';
import { answers, controlled } from '../harness/fake_upstream.mjs';
import { startGateway } from '../harness/gateway.mjs';
import { PROVES } from '../harness/proves.mjs';
import { useFakeUpstream } from '../harness/use_fake_upstream.mjs';

const upstream = await useFakeUpstream();

const start = (env) => startGateway({ env: { ...plenty, SECURITY_RATE_LIMIT_REQUESTS_PER_MINUTE: '1000000', WORKERS: '1', N8N_WEBHOOK_URL: upstream.url, ...env } });

describe('with a state store that answers late', () => {
  let gateway;
  before(async () => {
    gateway = await start({ STATE_SIMULATE: 'slow' });
  });
  after(() => gateway?.stop());

  /** Milliseconds until all of them have been answered with 200. */
  async function timeOf(requests) {
    const began = performance.now();
    for (const answer of await Promise.all(requests())) assert.equal(answer.status, 200, answer.text);
    return performance.now() - began;
  }

  for (const [name, one] of [
    ['creations of a session', () => createSession(gateway)],
    ['requests whose limits it decides', () => call(gateway, 'GET', '/api/health')],
  ]) {
    test(PROVES('F239', 'F116') + `200 ${name} wait for it together, not one after the other`, async (t) => {
      let alone = 0;
      for (let i = 0; i < 10; i++) alone += (await timeOf(() => [one()])) / 10;
      assert.ok(alone >= 5, `one answers in ${alone} ms: it did not wait`);
      // A machine that is busy for a moment makes one round slow; a gateway that blocks makes all of them slow.
      const rounds = [];
      for (let i = 0; i < 3; i++) rounds.push(await timeOf(() => Array.from({ length: 200 }, one)));
      const together = Math.min(...rounds);
      t.diagnostic(`one alone ${alone.toFixed(1)} ms, 200 together ${together.toFixed(0)} ms`);
      assert.ok(together < 0.5 * 200 * alone, `200 took ${together} ms, one alone ${alone} ms`);
    });
  }

  test(PROVES('F239', 'F116') + 'a request that need not wait overtakes one that waits', async () => {
    // The probe is sent last. Were the worker blocked while the store is asked, it could never be answered first.
    await eventually(
      async () => {
        const order = [];
        const slow = call(gateway, 'GET', '/api/health').then(() => order.push('slow'));
        const probe = call(gateway, 'GET', '/health/live').then(() => order.push('probe'));
        await Promise.all([slow, probe]);
        return order[0] === 'probe';
      },
      { within: 10_000, what: 'no probe overtook a request that waited' },
    );
  });
});

describe('while one request waits', () => {
  let gateway;
  before(async () => {
    gateway = await start({});
  });
  after(() => gateway?.stop());

  /** A hundred requests of several kinds, all of which must be answered. */
  async function othersGoOn() {
    upstream.onRequest(answers.object('output', 'Hello from the upstream.'));
    const other = await newVisitor(gateway);
    for (let i = 0; i < 20; i++) {
      const all = await within(
        10_000,
        Promise.all([call(gateway, 'GET', '/health/live'), call(gateway, 'GET', '/api/health'), createSession(gateway), other.validate(), other.ask(`message ${i}`)]),
        'others were held up',
      );
      assert.deepEqual(all.map(({ status }) => status), [200, 200, 200, 200, 200]);
    }
  }

  test(PROVES('F239', 'F116') + 'for the rest of its own body, others are answered', async () => {
    const visitor = await newVisitor(gateway);
    const bytes = rawPost(visitor, '/api/v1/chat/message', { message: 'a message that comes in two halves' });
    const socket = await openSocket(gateway.port);
    await socket.send(bytes.subarray(0, bytes.length - 10));
    await othersGoOn();
    assert.equal(socket.text(), '');
    await socket.send(bytes.subarray(bytes.length - 10));
    await socket.until(/^HTTP\/1\.1 200 OK\r\n[^]*Hello from the upstream\./);
    socket.close();
  });

  test(PROVES('F239', 'F116') + 'for the upstream, others are answered, by the same upstream too', async () => {
    const source = controlled();
    upstream.onRequest(source.handler);
    const visitor = await newVisitor(gateway);
    let answered = false;
    const waiting = visitor.ask('hello').finally(() => (answered = true));
    await source.opened;
    await othersGoOn();
    assert.equal(answered, false);
    await source.send('late');
    await source.end();
    assert.equal((await waiting).json.response, 'late');
  });

  test(PROVES('F239', 'F116') + 'for a reader that takes nothing, others are answered', async () => {
    upstream.onRequest(answers.oneChunk(Array.from({ length: 200 }, () => 'x'.repeat(4000))));
    const visitor = await newVisitor(gateway);
    const socket = await openSocket(gateway.port);
    socket.socket.pause();
    await socket.send(rawPost(visitor, '/api/v1/chat/stream', { message: 'hello' }));
    await eventually(() => upstream.requests.length === 1);
    await othersGoOn();
    socket.socket.resume();
    await socket.until(/data: \[DONE\]/);
    socket.close();
  });
});
