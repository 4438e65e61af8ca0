// Event streams: the first byte, silence, resuming, caps, slow readers, readers that leave.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { EventSource } from 'eventsource';
import { fetch as undiciFetch } from 'undici';
import { assertProblem, call, eventually, health, metrics, newVisitor, openSocket, plenty, rawPost, sample, within } from '../harness/client.mjs';
import { answers, controlled } from '../harness/fake_upstream.mjs';
import { runCommand, startGateway } from '../harness/gateway.mjs';
import { residentBytes } from '../harness/process.mjs';
import { PROVES } from '../harness/proves.mjs';
import { startRelay } from '../harness/relay.mjs';
import { useFakeUpstream } from '../harness/use_fake_upstream.mjs';

const MiB = 1024 * 1024;
const isType = (type) => (event) => event.json?.type === type;
const says = (text) => (event) => event.json?.content === text;

const upstream = await useFakeUpstream();

/** Runs `use` with a gateway of its own. */
async function withGateway(env, use) {
  const gateway = await startGateway({ env: { ...plenty, STREAM_MAX_PER_ADDRESS: '1000', N8N_WEBHOOK_URL: upstream.url, ...env } });
  try {
    return await use(gateway);
  } finally {
    await gateway.stop();
  }
}

/** A visitor's streamed answer of which the first piece has arrived; `call` is the upstream's view of it. */
async function begunStream(gateway, members) {
  const visitor = await newVisitor(gateway);
  const source = controlled();
  upstream.onRequest(source.handler);
  const stream = await visitor.stream('hello', members);
  const call = await source.opened;
  await source.send('one ');
  const seen = await stream.next(says('one '));
  return { visitor, source, stream, call, seen };
}

/** Closes the client's end; resolves with how long after that the upstream's end was closed. */
async function millisecondsUntilCallEnds(stream, call) {
  const left = performance.now();
  stream.close();
  await eventually(() => call.left(), { within: 4000, what: 'the upstream call went on' });
  return call.leftAt - left;
}

const openStreams = async (gateway) => (await health(gateway)).services.sse_connections;
const droppedStreams = (gateway, reason) => sample(gateway, `portcullis_streams_dropped_total{reason="${reason}"}`);

describe('a stream', () => {
  let gateway;
  let visitor;
  const open = new Set();
  const keep = (stream) => {
    open.add(stream);
    return stream;
  };
  before(async () => {
    gateway = await startGateway({ env: { ...plenty, STREAM_HEARTBEAT: '200ms', STREAM_MAX_PER_ADDRESS: '1000', STREAM_MAX_PER_SESSION: '100', N8N_WEBHOOK_URL: upstream.url } });
  });
  after(() => gateway?.stop());
  beforeEach(async () => {
    visitor = await newVisitor(gateway);
  });
  afterEach(() => {
    for (const stream of open) stream.close();
    open.clear();
  });

  test(PROVES('F072') + 'passes each piece on at once, in both faces', async () => {
    for (const Accept of ['text/event-stream', 'application/x-ndjson']) {
      const source = controlled();
      upstream.onRequest(source.handler);
      const stream = keep(await visitor.stream('hello', { headers: { Accept } }));
      await source.opened;
      await stream.next(isType('begin'));
      // The upstream sends the next piece only after the last one has arrived here: nothing can be held back.
      for (const piece of ['a', 'b', 'ü', ' ', '\n']) {
        await source.send(piece);
        await stream.next(says(piece), { within: 1000 });
      }
      await source.end();
      assert.equal(await within(2000, stream.ended), 'end');
      assert.deepEqual(stream.types(), ['begin', 'item', 'item', 'item', 'item', 'item', 'end']);
    }
  });

  test(PROVES('F072') + 'passes plain text and SSE of the upstream on at once', async () => {
    for (const [type, form] of [
      ['text/plain', (text) => text],
      ['text/event-stream', (text) => `data: ${JSON.stringify({ content: text })}\n\n`],
    ]) {
      let response;
      upstream.onRequest((call, itsResponse) => {
        response = itsResponse;
        response.writeHead(200, { 'Content-Type': type });
        response.write(form('the first piece '));
      });
      const stream = keep(await visitor.stream('hello'));
      await stream.next(says('the first piece '), { within: 1000 });
      response.write(form('the second piece '));
      await stream.next(says('the second piece '), { within: 1000 });
      response.end();
      assert.equal(await within(2000, stream.ended), 'end');
    }
  });

  test(PROVES('F072') + 'begins before the upstream has answered anything', async () => {
    upstream.onRequest(answers.never());
    const stream = keep(await visitor.stream('hello'));
    assert.equal(stream.status, 200);
    await stream.next(isType('begin'), { within: 1000 });
  });

  test(PROVES('F068') + 'has a heartbeat in silence, to the byte', async () => {
    const stream = keep(await visitor.subscribe());
    const started = performance.now();
    for (let i = 0; i < 4; i++) await stream.next((event) => event.name === 'heartbeat', { within: 1500 });
    const each = (performance.now() - started) / 4;
    assert.ok(each > 120 && each < 900, `one each ${each} ms`);
    assert.match(stream.raw(), /^retry: 2000\n\n(event: heartbeat\ndata: \{\}\n\n)+$/);
  });

  test(PROVES('F068') + 'has a heartbeat in NDJSON and while the upstream thinks', async () => {
    const subscribed = keep(await visitor.subscribe({ headers: { Accept: 'application/x-ndjson' } }));
    await subscribed.next(isType('heartbeat'), { within: 1500 });
    assert.match(subscribed.raw(), /^(\{"type":"heartbeat"\}\n)+$/);
    upstream.onRequest(answers.never());
    const asked = keep(await visitor.stream('hello'));
    await asked.next((event) => event.name === 'heartbeat', { within: 1500 });
    assert.deepEqual(asked.types(), ['begin']);
  });

  test(PROVES('F068') + 'has none while events flow', async () => {
    const source = controlled();
    upstream.onRequest(source.handler);
    const stream = keep(await visitor.stream('hello'));
    await source.opened;
    await stream.next(isType('begin'));
    const started = performance.now();
    let last = started;
    let longest = 0;
    for (let n = 0; performance.now() - started < 800; n++) {
      await source.send(`${n} `);
      await stream.next(says(`${n} `));
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }
    if (longest < 150) assert.equal(stream.events.filter((event) => event.name === 'heartbeat').length, 0);
    await source.end();
    await stream.ended;
  });

  test('of two tabs shows the same events with the same ids', async () => {
    const tabs = [keep(await visitor.subscribe()), keep(await visitor.subscribe()), keep(await visitor.subscribe({ headers: { Accept: 'application/x-ndjson' } }))];
    upstream.onRequest(answers.ndjson(['one ', 'two']));
    const sender = keep(await visitor.stream('hello'));
    await sender.ended;
    const expected = sender.events.filter((event) => event.json).map((event) => event.json);
    assert.deepEqual(expected.map((event) => event.type), ['begin', 'item', 'item', 'end']);
    for (const tab of tabs) {
      await tab.next(isType('end'));
      assert.deepEqual(tab.events.filter((e) => ['begin', 'item', 'end'].includes(e.json?.type)).map((e) => e.json), expected);
      assert.equal(tab.how, undefined, 'a subscription goes on');
    }
  });

  test('of one session never shows another’s', async () => {
    const other = await newVisitor(gateway);
    const stranger = keep(await other.subscribe());
    const own = keep(await visitor.subscribe());
    await visitor.ask('mine alone');
    await own.next(isType('end'));
    await stranger.next((event) => event.name === 'heartbeat');
    await stranger.next((event) => event.name === 'heartbeat');
    assert.deepEqual(stranger.types(), []);
  });

  test('of two messages at once keeps them apart', async () => {
    const sources = [controlled(), controlled()];
    upstream.onRequest(sources.map((source) => source.handler));
    const first = keep(await visitor.stream('first'));
    await sources[0].opened;
    const second = keep(await visitor.stream('second'));
    await sources[1].opened;
    const tab = keep(await visitor.subscribe());
    for (const n of [1, 2, 3]) {
      await sources[0].send(`a${n} `);
      await tab.next(says(`a${n} `));
      await sources[1].send(`b${n} `);
      await tab.next(says(`b${n} `));
    }
    await sources[1].end();
    await sources[0].end();
    await Promise.all([first.ended, second.ended]);
    assert.equal(first.text(), 'a1 a2 a3 ');
    assert.equal(second.text(), 'b1 b2 b3 ');
    await tab.next(isType('end'));
    assert.equal(tab.text(), 'a1 b1 a2 b2 a3 b3 ');
    const ids = tab.events.filter((e) => e.json?.id).map((e) => e.json.id);
    assert.deepEqual(ids, [...ids].sort((a, b) => a - b));
    assert.equal(new Set(ids).size, ids.length);
  });

  test('ends with an error event where the upstream breaks, never with an end event', async () => {
    upstream.onRequest(answers.cut(['half an ', 'answer']));
    const stream = keep(await visitor.stream('hello'));
    assert.equal(await within(5000, stream.ended), 'end');
    assert.deepEqual(stream.types(), ['begin', 'item', 'item', 'error']);
    const error = stream.events.find(isType('error')).json;
    assert.deepEqual(Object.keys(error).sort(), ['code', 'content', 'error_id', 'id', 'message', 'message_id', 'type']);
    assert.equal(error.code, 'UPSTREAM_ERROR');
    assert.match(error.error_id, /^[0-9A-HJKMNP-TV-Z]{26}$/);
    await eventually(() => gateway.log().includes(error.error_id), { what: 'the event was not recorded' });
    assert.equal(stream.events.at(-1).data, '[DONE]');
  });

  describe('resumed', () => {
    /** A message of which the first two pieces were seen before the reader was cut off. */
    async function interrupted() {
      const source = controlled();
      upstream.onRequest(source.handler);
      const tab = await visitor.subscribe();
      const accepted = await visitor.post('hello');
      await source.opened;
      await source.send('one ');
      await source.send('two ');
      await tab.next(says('two '));
      const seen = tab.events.filter((event) => event.id);
      tab.close();
      return { source, seen, last: seen.at(-1).id, message_id: accepted.json.message_id };
    }

    for (const [name, options] of [
      ['the Last-Event-ID header', (id) => ({ headers: { 'Last-Event-ID': id } })],
      ['last_event_id in the query', (id) => ({ query: `?last_event_id=${id}` })],
    ]) {
      test(`by ${name} goes on behind that event: nothing twice, nothing lost`, async () => {
        const { source, seen, last } = await interrupted();
        await source.send('three ');
        const resumed = keep(await visitor.subscribe(options(last)));
        await resumed.next(says('three '));
        await source.send('four');
        await source.end();
        await resumed.next(isType('end'));
        const ids = [...seen, ...resumed.events.filter((event) => event.id)].map((event) => Number(event.id));
        assert.deepEqual(ids, ids.map((id, i) => ids[0] + i), 'consecutive');
        assert.equal(resumed.text(), 'three four');
        assert.equal(resumed.events.filter((event) => event.name === 'reset').length, 0);
        assert.equal(upstream.requests.length, 1);
      });
    }

    test('from an earlier event shows what came since once more', async () => {
      const { source, seen } = await interrupted();
      await source.end();
      const resumed = keep(await visitor.subscribe({ headers: { 'Last-Event-ID': seen[0].id } }));
      await resumed.next(isType('end'));
      assert.equal(resumed.text(), 'one two ');
      assert.deepEqual(resumed.types(), ['item', 'item', 'end']);
    });

    test('with the newest id gives only what comes', async () => {
      await visitor.ask('hello', { client_message_id: 'kept' });
      const all = keep(await visitor.subscribe({ query: '?last_event_id=1' }));
      const end = await all.next(isType('end'));
      const resumed = keep(await visitor.subscribe({ headers: { 'Last-Event-ID': end.id } }));
      await resumed.next((event) => event.name === 'heartbeat');
      assert.deepEqual(resumed.types(), []);
      assert.equal(resumed.events.filter((event) => event.name === 'reset').length, 0);
    });

    test('with an id that is gone, invented or no number gets a reset', async () => {
      await visitor.ask('hello', { client_message_id: 'kept' });
      for (const id of ['1', '0', '99999999999999999', '18446744073709551615', 'abc', '-1', '1e3']) {
        for (const options of [{ headers: { 'Last-Event-ID': id } }, { query: `?last_event_id=${id}` }]) {
          const stream = keep(await visitor.subscribe(options));
          const reset = await stream.next((event) => event.name === 'reset' || event.name === 'heartbeat');
          assert.equal(reset.name, 'reset', `${id}: ${stream.raw()}`);
          assert.equal(reset.data, '{}');
          stream.close();
        }
      }
      const lines = keep(await visitor.subscribe({ headers: { 'Last-Event-ID': '1', Accept: 'application/x-ndjson' } }));
      assert.deepEqual((await lines.next(isType('reset'))).json, { type: 'reset' });
      assert.equal(upstream.requests.length, 1, 'none of them asked the upstream');
    });

    test('never starts an upstream call, even as a POST’s repeated send', async () => {
      const { source, message_id } = await interrupted();
      await source.end();
      await eventually(async () => (await visitor.history()).json.total_count === 2);
      assert.equal(upstream.requests.length, 1);
      assert.match(message_id, /^[0-9A-HJKMNP-TV-Z]{26}$/);
    });

    test('by a real EventSource over a cut connection, without a line of code', async () => {
      const relay = await startRelay(gateway.url);
      let source;
      try {
        const own = await newVisitor({ ...gateway, url: relay.url });
        const asked = [];
        source = new EventSource(`${relay.url}/api/v1/chat/stream`, {
          fetch: (input, init) => {
            asked.push(init.headers);
            return undiciFetch(input, { ...init, headers: { ...init.headers, ...own.headers } });
          },
        });
        const got = [];
        let resets = 0;
        let beats = 0;
        source.addEventListener('reset', () => resets++);
        source.addEventListener('heartbeat', () => beats++);
        source.onmessage = (event) => got.push(JSON.parse(event.data));
        await within(5000, new Promise((resolve) => source.addEventListener('open', resolve)));
        const answer = controlled();
        upstream.onRequest(answer.handler);
        await own.post('hello');
        await answer.opened;
        await answer.send('one ');
        await eventually(() => got.some((event) => event.content === 'one '));
        relay.cut();
        await answer.send('two ');
        await answer.send('three');
        await answer.end();
        await eventually(() => got.at(-1).type === 'end', { within: 8000, what: 'the EventSource never came back' });
        assert.deepEqual(got.map((event) => event.type), ['begin', 'item', 'item', 'item', 'end']);
        assert.equal(got.map((event) => event.content ?? '').join(''), 'one two three');
        assert.equal(resets, 0);
        await eventually(() => beats > 0);
        assert.equal(asked.length, 2);
        assert.equal(upstream.requests.length, 1);
      } finally {
        source?.close();
        await relay.stop();
      }
    });
  });
});

describe('caps', () => {
  const refusedStream = async (visitor) => {
    const answer = await visitor.call('GET', '/api/v1/chat/stream');
    const problem = assertProblem(answer, 503, 'STREAM_LIMIT');
    assert.equal(problem.retry_after, 5);
  };

  test(PROVES('F070', 'F067') + 'five streams a session and twenty an address, by default', async () => {
    const gateway = await startGateway({ env: { ...plenty, N8N_WEBHOOK_URL: upstream.url } });
    try {
      const visitors = [];
      for (let i = 0; i < 5; i++) visitors.push(await newVisitor(gateway));
      const streams = [];
      for (let i = 0; i < 5; i++) streams.push(await visitors[0].subscribe());
      assert.deepEqual(streams.map((stream) => stream.status), [200, 200, 200, 200, 200]);
      await refusedStream(visitors[0]);
      for (const visitor of visitors.slice(1, 4)) {
        for (let i = 0; i < 5; i++) streams.push(await visitor.subscribe());
      }
      assert.ok(streams.every((stream) => stream.status === 200));
      assert.equal(streams.length, 20);
      await refusedStream(visitors[4]);
      // A place that was left is free again.
      streams.pop().close();
      await eventually(async () => (await openStreams(gateway)) === 19);
      const again = await visitors[4].subscribe();
      assert.equal(again.status, 200);
      await refusedStream(visitors[4]);
      for (const stream of [...streams, again]) stream.close();
      await eventually(async () => (await openStreams(gateway)) === 0);
    } finally {
      await gateway.stop();
    }
  });

  test(PROVES('F070') + 'a message over the cap is refused before the upstream is asked, and can be sent again', async () => {
    await withGateway({ STREAM_MAX_PER_SESSION: '1' }, async (gateway) => {
      const visitor = await newVisitor(gateway);
      const stream = await visitor.subscribe();
      const refused = await visitor.stream('hello', { client_message_id: 'm-1' });
      assert.equal(refused.status, 503);
      assert.equal(refused.json.code, 'STREAM_LIMIT');
      assert.equal(upstream.requests.length, 0);
      assert.equal((await visitor.ask('a JSON answer is no stream')).status, 200);
      stream.close();
      await eventually(async () => (await openStreams(gateway)) === 0);
      const again = await visitor.stream('hello', { client_message_id: 'm-1' });
      assert.equal(await within(5000, again.ended), 'end');
      assert.equal(again.text(), 'Hello from the upstream.');
      assert.equal(again.types().at(-1), 'end');
    });
  });

  test(PROVES('F070') + 'a message refused over the cap leaves no trace in the history', async () => {
    await withGateway({ STREAM_MAX_PER_SESSION: '1' }, async (gateway) => {
      const visitor = await newVisitor(gateway);
      const stream = await visitor.subscribe();
      assert.equal((await visitor.stream('refused')).status, 503);
      assert.equal((await visitor.history()).json.total_count, 0);
      stream.close();
    });
  });

  test(PROVES('F067', 'F070') + 'streams in all are bounded', async () => {
    await withGateway({ STREAM_MAX: '4' }, async (gateway) => {
      const streams = [];
      for (let i = 0; i < 4; i++) streams.push(await (await newVisitor(gateway)).subscribe());
      assert.ok(streams.every((stream) => stream.status === 200));
      const fifth = await newVisitor(gateway);
      await refusedStream(fifth);
      streams[0].close();
      await eventually(async () => {
        const stream = await fifth.subscribe();
        streams.push(stream);
        return stream.status === 200;
      });
      for (const stream of streams) stream.close();
    });
  });

  test(PROVES('F070') + 'many at the same moment do not get past a cap', async () => {
    await withGateway({ STREAM_MAX: '10', STREAM_MAX_PER_SESSION: '100' }, async (gateway) => {
      const visitor = await newVisitor(gateway);
      const streams = await Promise.all(Array.from({ length: 30 }, () => visitor.subscribe()));
      assert.equal(streams.filter((stream) => stream.status === 200).length, 10);
      assert.equal(streams.filter((stream) => stream.status === 503).length, 20);
      assert.equal(await droppedStreams(gateway, 'limit'), 20);
      for (const stream of streams) stream.close();
    });
  });

  test(PROVES('F067') + 'the total is 10000 unless set otherwise', async () => {
    await withGateway({}, async (gateway) => {
      const page = (await call({ url: gateway.opsUrl }, 'GET', '/metrics?format=prometheus')).text;
      assert.match(page, /^portcullis_streams_open 0$/m);
    });
    const { stdout } = await runCommand(['check-config']);
    assert.match(stdout, /^stream\.max: 10000$/m);
    assert.match(stdout, /^stream\.max_per_session: 5$/m);
    assert.match(stdout, /^stream\.max_per_address: 20$/m);
    assert.match(stdout, /^stream\.heartbeat: 15s$/m);
    assert.match(stdout, /^stream\.resume_grace: 15s$/m);
  });
});

test(PROVES('F096', 'F097', 'F098', 'F099') + 'health and metrics count streams and sessions', async () => {
  await withGateway({ RATE_LIMIT_PER_MINUTE: '61', RATE_LIMIT_PER_HOUR: '1001' }, async (gateway) => {
    assert.deepEqual(await metrics(gateway).then((m) => m.connections), { total: 0, active: 0, sessions: 0, oldest_connection_age: 0 });
    const [first, second] = [await newVisitor(gateway), await newVisitor(gateway)];
    await eventually(async () => (await health(gateway)).services.active_sessions === 2, { what: 'health to count 2 sessions' });
    const streams = [await first.subscribe(), await first.subscribe(), await second.subscribe()];
    const report = await health(gateway);
    assert.equal(report.status, 'healthy');
    assert.equal(report.services.sse_connections, 3);
    assert.equal(report.services.redis, 'disabled');
    const figures = await eventually(async () => {
      const now = await metrics(gateway);
      return now.connections.oldest_connection_age >= 1 ? now : undefined;
    });
    assert.deepEqual({ ...figures.connections, oldest_connection_age: 0 }, { total: 3, active: 3, sessions: 2, oldest_connection_age: 0 });
    assert.deepEqual(figures.rate_limits, { per_minute: 61, per_hour: 1001 });
    assert.deepEqual(figures.system, { version: report.version, debug_mode: false });
    assert.equal(await sample(gateway, 'portcullis_streams_open'), 3);
    assert.equal(await sample(gateway, 'portcullis_streams_total'), 3);
    for (const stream of streams) stream.close();
    await eventually(async () => (await metrics(gateway)).connections.active === 0);
    const after = await metrics(gateway);
    assert.deepEqual(after.connections, { total: 3, active: 0, sessions: 0, oldest_connection_age: 0 });
    await first.call('DELETE', '/api/v1/session/destroy');
    await eventually(async () => (await health(gateway)).services.active_sessions === 1, { what: 'health to count one session' });
  });
});

describe('a slow reader', () => {
  /** Bytes in the kernel's queues of the connection with these two ports: {sent not read yet}. */
  function queued(fromPort, toPort) {
    const lines = readFileSync('/proc/net/tcp', 'utf8').trim().split('\n').slice(1);
    let bytes = 0;
    for (const line of lines) {
      const [, local, remote, , queues] = line.trim().split(/\s+/);
      const [localPort, remotePort] = [local, remote].map((end) => parseInt(end.split(':')[1], 16));
      const [sending, receiving] = queues.split(':').map((hex) => parseInt(hex, 16));
      if (localPort === fromPort && remotePort === toPort) bytes += sending;
      if (localPort === toPort && remotePort === fromPort) bytes += receiving;
    }
    return bytes;
  }

  const block = 'x'.repeat(4000);
  const lineBytes = Buffer.byteLength(`${JSON.stringify({ type: 'item', content: block })}\n`);

  /** A message whose answer comes faster than its reader, who takes nothing at all, can take it. */
  async function stuffed(gateway) {
    const source = controlled();
    let written = 0;
    let full = false;
    upstream.onRequest(async (call, response) => {
      await source.handler(call, response);
      const more = () => {
        full = false;
        while (!response.destroyed) {
          written += lineBytes;
          if (!response.write(`${JSON.stringify({ type: 'item', content: block })}\n`)) {
            full = true;
            response.once('drain', more);
            return;
          }
        }
      };
      more();
    });
    const visitor = await newVisitor(gateway);
    const socket = await openSocket(gateway.port);
    socket.socket.pause();
    await socket.send(rawPost(visitor, '/api/v1/chat/stream', { message: 'hello' }));
    const call = await within(5000, source.opened);
    return { socket, source, call, visitor, isFull: () => full, written: () => written - source.response.writableLength };
  }

  test(PROVES('F069') + 'makes the upstream wait: the gateway holds at most 256 KiB for it', async () => {
    await withGateway({ UPSTREAM_MAX_ANSWER: '64MiB' }, async (gateway) => {
      const run = await stuffed(gateway);
      // Standing still: everything the client's side can hold is there, and nothing moved over several looks.
      let before = -1;
      let looks = 0;
      let delivered = 0;
      await eventually(
        async () => {
          const now = run.written();
          delivered = queued(gateway.port, run.socket.socket.localPort);
          looks = now === before && run.isFull() && delivered > 64 * 1024 ? looks + 1 : 0;
          before = now;
          return looks >= 5 || new Promise((resolve) => setTimeout(() => resolve(false), 100));
        },
        { within: 20_000, what: 'the upstream never had to wait' },
      );
      const taken = run.written() - queued(upstream.port, run.source.response.socket.remotePort);
      const held = taken - delivered;
      assert.ok(taken > delivered / 2, 'the figures make sense');
      assert.ok(held <= 256 * 1024, `the gateway holds ${held} bytes`);
      // Once it reads again everything moves on, and nothing was lost.
      run.socket.socket.resume();
      await eventually(() => run.written() > before + MiB, { what: 'the stream never went on' });
      run.source.cut();
      await run.socket.until(/"type":"error"/);
      const ids = [...run.socket.text().matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]));
      assert.deepEqual(ids, ids.map((id, i) => ids[0] + i));
      run.socket.close();
    });
  });

  test(PROVES('F069') + 'is dropped after SERVER_WRITE_TIMEOUT, and its upstream call with it', async () => {
    await withGateway({ UPSTREAM_MAX_ANSWER: '64MiB', SERVER_WRITE_TIMEOUT: '500ms', STREAM_RESUME_GRACE: '200ms' }, async (gateway) => {
      const run = await stuffed(gateway);
      assert.equal(await openStreams(gateway), 1);
      assert.equal(await droppedStreams(gateway, 'slow'), 0);
      await eventually(async () => (await openStreams(gateway)) === 0, { within: 8000, what: 'the reader was not dropped' });
      assert.equal(await droppedStreams(gateway, 'slow'), 1);
      await eventually(() => run.call.left(), { what: 'the upstream call was not ended' });
      run.socket.socket.resume();
      await within(5000, run.socket.closed, 'the socket was not closed');
      assert.equal((await run.visitor.validate()).status, 200);
    });
  });

  /** Lets a paused reader take what one event brings: at most 64 KiB. */
  async function takeSome({ socket }) {
    const some = new Promise((resolve) =>
      socket.once('data', () => {
        socket.pause();
        resolve();
      }),
    );
    socket.resume();
    await within(5000, some, 'nothing came: the reader was dropped');
  }

  test('who reads a little now and then is not dropped', async () => {
    await withGateway({ UPSTREAM_MAX_ANSWER: '64MiB', SERVER_WRITE_TIMEOUT: '1500ms' }, async (gateway) => {
      const run = await stuffed(gateway);
      // Some kilobytes at a time, for twice the timeout and more: all of it would be the end of the answer.
      for (const started = performance.now(); performance.now() - started < 3500; ) {
        await takeSome(run.socket);
        await new Promise((resolve) => setTimeout(resolve, 60));
      }
      assert.equal(await openStreams(gateway), 1);
      run.socket.close();
    });
  });

  test('who reads a long JSON answer slowly is not dropped either, who stops is', async () => {
    await withGateway({ UPSTREAM_MAX_ANSWER: '64MiB', SERVER_WRITE_TIMEOUT: '800ms' }, async (gateway) => {
      const visitor = await newVisitor(gateway);
      const text = 'z'.repeat(16 * MiB);
      upstream.onRequest(answers.object('output', text));
      const ask = async () => {
        const socket = await openSocket(gateway.port);
        socket.socket.pause();
        await socket.send(rawPost(visitor, '/api/v1/chat/message', { message: 'hello' }));
        await eventually(() => queued(gateway.port, socket.socket.localPort) > 64 * 1024, { what: 'no answer came' });
        return socket;
      };
      const slow = await ask();
      const at = () => slow.socket.bytesRead;
      const started = performance.now();
      while (at() < text.length) {
        await takeSome(slow);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      assert.ok(performance.now() - started > 1600, 'this reader was not slow');
      slow.close();
      const stopped = await ask();
      await new Promise((resolve) => setTimeout(resolve, 2000));
      stopped.socket.resume();
      await within(5000, stopped.closed, 'the socket was not closed');
      assert.ok(stopped.socket.bytesRead < text.length, 'an answer that nobody took was kept for ever');
    });
  });

  test('does not hold up the other readers of its session for ever', async () => {
    await withGateway({ UPSTREAM_MAX_ANSWER: '64MiB', SERVER_WRITE_TIMEOUT: '500ms' }, async (gateway) => {
      const visitor = await newVisitor(gateway);
      const stuck = await openSocket(gateway.port);
      stuck.socket.pause();
      const head = Object.entries({ Host: new URL(gateway.url).host, ...visitor.headers }).map(([k, v]) => `${k}: ${v}\r\n`).join('');
      await stuck.send(`GET /api/v1/chat/stream HTTP/1.1\r\n${head}\r\n`);
      await eventually(async () => (await openStreams(gateway)) === 1);
      const pieces = Array.from({ length: 4000 }, () => block);
      upstream.onRequest(answers.oneChunk(pieces));
      const reader = await visitor.stream('hello');
      assert.equal(await within(30_000, reader.ended, 'the good reader never came to its end'), 'end');
      assert.equal(reader.types().at(-1), 'end');
      assert.equal(reader.items().length, pieces.length);
      stuck.close();
    });
  });
});

test(PROVES('F069', 'F072') + 'memory stays flat over a long stream', async () => {
  // The sanitizers keep freed memory for a while; without that the figure is the gateway's own.
  const env = { UPSTREAM_MAX_ANSWER: '64MiB', ASAN_OPTIONS: 'abort_on_error=0:detect_leaks=1:quarantine_size_mb=1:thread_local_quarantine_size_kb=64' };
  await withGateway(env, async (gateway) => {
    const rss = () => residentBytes(gateway.pid);
    const pieces = (count) => Array.from({ length: count }, (_, i) => `${i} ${'y'.repeat(16_000)}`);
    const run = async (count) => {
      upstream.onRequest(answers.ndjson(pieces(count)));
      const socket = await openSocket(gateway.port);
      const visitor = await newVisitor(gateway);
      let bytes = 0;
      let tail = '';
      socket.socket.removeAllListeners('data');
      let most = 0;
      socket.socket.on('data', (data) => {
        bytes += data.length;
        tail = (tail + data.toString('latin1')).slice(-200);
      });
      await socket.send(rawPost(visitor, '/api/v1/chat/stream', { message: 'hello' }, { Connection: 'close' }));
      const closed = within(60_000, socket.closed, 'the stream did not end');
      let done = false;
      void closed.then(() => (done = true));
      while (!done) {
        most = Math.max(most, rss());
        await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 20))]);
      }
      assert.match(tail, /"type":"end"[^]*data: \[DONE\]/);
      assert.ok(bytes > count * 16_000);
      return most;
    };
    await run(64);
    const before = rss();
    const most = await run(2048);
    const grown = most - before;
    assert.ok(grown < 20 * MiB, `a stream of 32 MiB made the gateway grow by ${(grown / MiB).toFixed(1)} MiB`);
  });
});

describe('a client that leaves', () => {
  test('from a JSON answer ends the upstream call at once', async () => {
    await withGateway({}, async (gateway) => {
      const visitor = await newVisitor(gateway);
      for (const source of [controlled(), { handler: answers.never() }]) {
        upstream.requests.length = 0;
        upstream.onRequest(source.handler);
        const aborter = new AbortController();
        const asked = visitor.ask('hello', { signal: aborter.signal }).catch((error) => error);
        await eventually(() => upstream.requests.length === 1);
        const [call] = upstream.requests;
        const left = performance.now();
        aborter.abort();
        await eventually(() => call.left(), { within: 2000, what: 'the upstream call went on' });
        const took = call.leftAt - left;
        assert.ok(took < 250, `${took} ms`);
        assert.ok((await asked) instanceof Error);
      }
      await eventually(async () => (await sample(gateway, 'portcullis_upstream_requests_total{upstream="default",outcome="cancelled"}')) === 2);
      upstream.onRequest(answers.object('output', 'fine'));
      assert.equal((await visitor.ask('the session goes on')).status, 200);
    });
  });

  test('from a JSON answer whose body came late ends the upstream call as well', async () => {
    await withGateway({}, async (gateway) => {
      const visitor = await newVisitor(gateway);
      upstream.onRequest(answers.never());
      const socket = await openSocket(gateway.port);
      const bytes = rawPost(visitor, '/api/v1/chat/message', { message: 'hello' });
      await socket.send(bytes.subarray(0, bytes.length - 10));
      await new Promise((resolve) => setTimeout(resolve, 150)); // longer than a client goes unwatched
      await socket.send(bytes.subarray(bytes.length - 10));
      await eventually(() => upstream.requests.length === 1);
      socket.close();
      await eventually(() => upstream.requests[0].left(), { within: 2000, what: 'the upstream call went on' });
    });
  });

  for (const [name, extra] of [['', ''], [' with a body that never comes', 'Content-Length: 1\r\n']]) {
    test(`HEAD of a subscription${name} is answered and keeps no place`, async () => {
      await withGateway({}, async (gateway) => {
        const visitor = await newVisitor(gateway);
        const headers = Object.entries({ Host: new URL(gateway.url).host, ...visitor.headers }).map(([k, v]) => `${k}: ${v}\r\n`).join('');
        const socket = await openSocket(gateway.port);
        await socket.send(`HEAD /api/v1/chat/stream HTTP/1.1\r\n${headers}${extra}\r\n`);
        await socket.until(/^HTTP\/1\.1 200 [^]*\r\n\r\n/);
        if (extra === '') {
          await socket.send(`GET /api/v1/session/validate HTTP/1.1\r\n${headers}\r\n`);
          await socket.until(/"valid":true/);
        }
        await eventually(async () => (await openStreams(gateway)) === 0, { what: 'the place was kept' });
        socket.close();
      });
    });
  }

  test('from a stream is waited for during the resume grace, then the call ends', async () => {
    await withGateway({ STREAM_RESUME_GRACE: '600ms' }, async (gateway) => {
      const { stream, call } = await begunStream(gateway);
      const took = await millisecondsUntilCallEnds(stream, call);
      assert.ok(took > 500 && took < 1400, `${took} ms`);
    });
  });

  test('from a stream without a grace ends the call at once', async () => {
    await withGateway({ STREAM_RESUME_GRACE: '0' }, async (gateway) => {
      const { stream, call } = await begunStream(gateway);
      const took = await millisecondsUntilCallEnds(stream, call);
      assert.ok(took < 250, `${took} ms`);
    });
  });

  test('and comes back within the grace finds the answer going on', async () => {
    await withGateway({ STREAM_RESUME_GRACE: '800ms' }, async (gateway) => {
      const { visitor, source, stream, call, seen } = await begunStream(gateway, { client_message_id: 'm-1' });
      stream.close();
      await source.send('two ');
      const resumed = await visitor.subscribe({ headers: { 'Last-Event-ID': seen.id } });
      await resumed.next(says('two '));
      // Longer than the grace: it must not run out while somebody reads.
      const back = performance.now();
      while (performance.now() - back < 1300) {
        await source.send('. ');
        await resumed.next(says('. '));
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      assert.equal(call.left(), false);
      await source.end();
      await resumed.next(isType('end'));
      resumed.close();
      assert.match((await visitor.history()).json.messages[1].content, /^one two (\. )+$/);
    });
  });

  test('within the grace loses nothing: the whole answer stands in the history', async () => {
    await withGateway({ STREAM_RESUME_GRACE: '10s' }, async (gateway) => {
      const { visitor, source, stream } = await begunStream(gateway);
      stream.close();
      await eventually(async () => (await openStreams(gateway)) === 0);
      await source.send('two');
      await source.end();
      const { json } = await eventually(async () => {
        const answer = await visitor.history();
        return answer.json.total_count === 2 ? answer : undefined;
      });
      assert.equal(json.messages[1].content, 'one two');
    });
  });

  test('from one of two streams leaves the other as it is', async () => {
    await withGateway({ STREAM_RESUME_GRACE: '0' }, async (gateway) => {
      const visitor = await newVisitor(gateway);
      const tab = await visitor.subscribe();
      const source = controlled();
      upstream.onRequest(source.handler);
      const stream = await visitor.stream('hello');
      const call = await source.opened;
      await source.send('one ');
      await stream.next(says('one '));
      stream.close();
      await eventually(async () => (await openStreams(gateway)) === 1);
      await source.send('two');
      await tab.next(says('two'));
      await source.end();
      await tab.next(isType('end'));
      assert.equal(call.left(), false);
      tab.close();
    });
  });

  test('from a 202 answer that nobody ever reads: the call ends with the grace', async () => {
    await withGateway({ STREAM_RESUME_GRACE: '500ms' }, async (gateway) => {
      const visitor = await newVisitor(gateway);
      const source = controlled();
      upstream.onRequest(source.handler);
      assert.equal((await visitor.post('hello')).status, 202);
      const call = await source.opened;
      await eventually(() => call.left(), { within: 4000, what: 'the upstream call went on' });
    });
  });

  test('leaves nothing behind: a hundred of them, and all is as before', async () => {
    await withGateway({ STREAM_RESUME_GRACE: '0' }, async (gateway) => {
      upstream.onRequest(answers.never());
      const visitors = await Promise.all(Array.from({ length: 20 }, () => newVisitor(gateway)));
      for (let round = 0; round < 5; round++) {
        const streams = await Promise.all(visitors.map((visitor) => visitor.stream('hello')));
        assert.ok(streams.every((stream) => stream.status === 200));
        for (const stream of streams) stream.close();
        await eventually(async () => (await openStreams(gateway)) === 0);
      }
      await eventually(() => upstream.requests.every((request) => request.left()) && upstream.requests.length > 0, { what: 'a call was left over' });
      assert.equal(await droppedStreams(gateway, 'slow'), 0, 'who leaves was not slow');
      upstream.onRequest(answers.object('output', 'fine'));
      assert.equal((await visitors[0].ask('hello')).status, 200);
      assert.equal(await sample(gateway, 'portcullis_upstream_connections_open'), 1);
    });
  });
});
