// Many visitors do everything at once, for CHAOS_SECONDS (120), before an assistant that is slow, cuts, resets,
// refuses and overloads at random, while the configuration is reloaded again and again. CHAOS_SEED repeats a run's
// choices, though not its timing.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { eventually, newVisitor, openEvents, openSocket, plenty, rawPost, within } from '../harness/client.mjs';
import { answers, closedPort, startFakeUpstream } from '../harness/fake_upstream.mjs';
import { startGateway } from '../harness/gateway.mjs';
import { samplesOf } from '../harness/metrics.mjs';

const kSeconds = Number(process.env.CHAOS_SECONDS ?? 120);
const kSeed = Number(process.env.CHAOS_SEED ?? Date.now() % 1_000_000);
const kVisitors = 32;
/** No wait of the gateway below is longer than some seconds, so whatever takes this long hangs. */
const kHang = 20_000;
const kExpected = new Set([200, 202, 409, 429, 502, 503, 504]);

const kEnv = {
  ...plenty,
  WORKERS: '4',
  LOG_ACCESS: 'false',
  STREAM_MAX_PER_ADDRESS: '1000',
  STREAM_HEARTBEAT: '300ms',
  STREAM_RESUME_GRACE: '500ms',
  STREAM_BUFFER: '16KiB',
  STREAM_TOTAL_BYTES: '1MiB',
  HISTORY_TOTAL_BYTES: '1MiB',
  SERVER_DRAIN_TIMEOUT: '3s',
  UPSTREAM_CONNECT_TIMEOUT: '500ms',
  UPSTREAM_FIRST_BYTE_TIMEOUT: '1s',
  UPSTREAM_RETRY_DELAY: '20ms',
  UPSTREAM_RETRY_BUDGET_PERCENT: '100',
  UPSTREAM_BREAKER_OPEN: '200ms',
  UPSTREAM_BREAKER_FAILURES: '20',
  UPSTREAM_RUNS_PER_SESSION: '4',
  // Freed memory comes back soon, so that what grows is ours.
  ASAN_OPTIONS: 'abort_on_error=0:detect_leaks=1:quarantine_size_mb=4:thread_local_quarantine_size_kb=64',
};

/** mulberry32: small, seeded, good enough to choose with. */
function randomFrom(seed) {
  let state = seed >>> 0;
  const unit = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  return { unit, below: (n) => Math.floor(unit() * n), pick: (list) => list[Math.floor(unit() * list.length)] };
}

/** What the assistant says to a message: anybody else's answer would be told apart. */
const piecesOf = (message) => Array.from({ length: 1 + (message.length % 7) }, (_, i) => `${i}:${message};`);
const wholeOf = (message) => piecesOf(message).join('');

/** An assistant in a random mood for each request. `executions` counts by message what a workflow would have run. */
function moody(upstream, random) {
  const executions = new Map();
  const moods = [
    [8, (pieces) => answers.ndjson(pieces)],
    [6, (pieces) => answers.ndjson(pieces, { pauseMs: random.below(60) })],
    [3, (pieces) => answers.sse(pieces)],
    [3, (pieces) => answers.object('output', pieces.join(''))],
    [2, (pieces) => answers.cut(pieces.slice(0, random.below(pieces.length)))],
    [1, () => answers.streamError()],
    [2, () => answers.closeWithoutAnswer()],
    [1, () => (call, response) => response.socket.resetAndDestroy()],
    [1, () => answers.never()],
    [1, () => answers.garbage()],
    [1, () => answers.status(500)],
    [2, () => answers.status(503, { 'Retry-After': '1' }), 'not executed'],
    [1, () => answers.status(429, { 'Retry-After': '0' }), 'not executed'],
  ];
  const bag = moods.flatMap((mood) => Array.from({ length: mood[0] }, () => mood));
  upstream.onRequest(async (call, response) => {
    upstream.requests.length = 0; // they would be kept for ever
    const message = call.body?.message;
    if (message === undefined) return response.destroy();
    const [, answer, note] = random.pick(bag);
    if (!note) executions.set(message, (executions.get(message) ?? 0) + 1);
    if (random.below(4) === 0) await pause(random.below(100));
    await answer(piecesOf(message))(call, response);
  });
  return executions;
}

/** One visitor after the other, until `running()` says no. What is not as it must be goes into `faults`. */
async function visit(gateway, random, { name, running, faults, sent }) {
  let count = 0;
  const fresh = (more = '') => {
    const message = `${name}-${count++}${more}${'x'.repeat(random.below(40))}`;
    sent.set(message, 1);
    return message;
  };
  const expectStatus = (answer, what) => {
    if (!kExpected.has(answer.status)) faults.push(`${what}: status ${answer.status}: ${answer.text}`);
    else if (answer.status > 202 && answer.json?.status !== answer.status) faults.push(`${what}: ${answer.status} without problem details`);
    return answer;
  };
  const expectAnswer = (answer, message) => {
    if (expectStatus(answer, 'ask').status === 200 && answer.json.response !== wholeOf(message)) {
      faults.push(`the answer to ${message} is ${answer.text}`);
    }
  };
  const expectStream = (stream, message, how) => {
    const [text, whole] = [stream.text(), wholeOf(message)];
    const complete = stream.types().at(-1) === 'end';
    if (complete ? text !== whole : !whole.startsWith(text)) faults.push(`the stream of ${message} says ${text}`);
    if (how === 'end' && stream.events.at(-1)?.data !== '[DONE]') faults.push(`the stream of ${message} ended with ${stream.raw().slice(-200)}`);
  };

  const acts = [
    async (visitor) => {
      const message = fresh();
      expectAnswer(await visitor.ask(message), message);
    },
    async (visitor) => {
      const message = fresh();
      const stream = await visitor.stream(message);
      if (stream.status !== 200) return expectStatus(stream, 'stream');
      expectStream(stream, message, await stream.ended);
    },
    // Leaves midway and comes back for the rest.
    async (visitor) => {
      const stream = await visitor.stream(fresh());
      if (stream.status !== 200) return expectStatus(stream, 'stream');
      await Promise.race([stream.ended, pause(random.below(80))]);
      const last = stream.events.findLast((event) => event.id !== undefined)?.id;
      stream.close();
      if (random.below(3) === 0) return;
      await pause(random.below(100));
      const resumed = await visitor.subscribe({ headers: last === undefined ? {} : { 'Last-Event-ID': last } });
      if (resumed.status !== 200) return expectStatus(resumed, 'resume');
      await Promise.race([resumed.ended, pause(random.below(400))]);
      resumed.close();
    },
    async (visitor) => {
      const events = await visitor.subscribe();
      if (events.status !== 200) return expectStatus(events, 'subscribe');
      const message = fresh();
      const posted = expectStatus(await visitor.post(message), 'post');
      if (posted.status === 202) {
        await events.next((event) => ['end', 'error'].includes(event.json?.type) && event.json.message_id === posted.json.message_id, { within: kHang });
      }
      events.close();
    },
    // The same message three times at once: one call, one answer.
    async (visitor) => {
      const message = fresh();
      const given = await Promise.all([1, 2, 3].map(() => visitor.ask(message, { client_message_id: 'once' + count })));
      for (const answer of given) expectAnswer(answer, message);
      // What comes after a failure is a new try, as it should be.
      sent.set(message, 1 + given.filter(({ status }) => status !== 200).length);
    },
    // Leaves while the answer is in the making.
    async (visitor) => {
      const leaving = AbortSignal.timeout(1 + random.below(60));
      await visitor.ask(fresh(), { signal: leaving }).catch((error) => {
        if (!leaving.aborted) throw error;
      });
    },
    // Leaves in the middle of a request, or without reading.
    async (visitor) => {
      const socket = await openSocket(gateway.port);
      const bytes = rawPost(visitor, '/api/v1/chat/message', { message: fresh() });
      await socket.send(bytes.subarray(0, random.below(bytes.length + 1)));
      await pause(random.below(20));
      socket.close();
    },
    // A reader who takes nothing for a while.
    async (visitor) => {
      const socket = await openSocket(gateway.port);
      socket.socket.pause();
      await socket.send(rawPost(visitor, '/api/v1/chat/stream', { message: fresh() }));
      await pause(random.below(300));
      socket.close();
    },
    async (visitor) => expectStatus(await visitor.history(), 'history'),
    async (visitor) => expectStatus(await visitor.validate(), 'validate'),
    async (visitor) => {
      const stream = await openEvents(gateway, 'GET', '/api/v1/chat/stream', { headers: { ...visitor.headers, Accept: 'application/x-ndjson' } });
      await pause(random.below(50));
      if (stream.status === 200) stream.close();
    },
  ];
  while (running()) {
    try {
      await within(kHang * 3, (async () => {
        const visitor = await newVisitor(gateway, { body: { delivery: 'bearer' } });
        for (let n = random.below(5); n >= 0 && running(); --n) await within(kHang, random.pick(acts)(visitor), 'no end of an act');
        // Mostly; some sessions are left behind.
        if (random.below(10) > 0) expectStatus(await visitor.call('DELETE', '/api/v1/session/destroy'), 'destroy');
      })());
    } catch (error) {
      if (running()) faults.push(`${name}: ${error.stack}`);
    }
  }
}

const residentBytes = (pid) => Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(/VmRSS:\s+(\d+) kB/)[1]) * 1024;

test(`chaos, seed ${kSeed}`, { timeout: (kSeconds + 120) * 1000 }, async (t) => {
  const random = randomFrom(kSeed);
  const upstream = await startFakeUpstream();
  const executions = moody(upstream, random);
  const nowhere = `http://127.0.0.1:${await closedPort()}/webhook/chat`;
  // Each is another assistant for the gateway: with pools, a breaker and a connection budget of its own.
  const configurations = [
    `upstream: { url: '${upstream.url}', idle_timeout: 1s, max_connections: 12 }\n`,
    `upstream: { url: '${upstream.url}', idle_timeout: 2s, max_connections: 4 }\n`,
    `upstream: { url: '${upstream.url}', idle_timeout: 2s, max_connections: 4 }\nlog: { level: warning }\n`,
    `upstream: { url: '${nowhere}' }\n`,
  ];
  const gateway = await startGateway({ env: kEnv, yaml: configurations[0] });
  const faults = [];
  const sent = new Map(); // how often each message may be executed
  let running = true;
  let wave = 0;
  const visitors = () => {
    const letter = 'abc'[wave++];
    return Array.from({ length: kVisitors }, (_, i) =>
      visit(gateway, randomFrom(kSeed + wave * 1000 + i), { name: `${letter}${i}`, running: () => running && faults.length === 0, faults, sent }));
  };

  try {
    const began = performance.now();
    const passed = () => (performance.now() - began) / 1000;
    const first = visitors();
    let reloads = 0;
    let midway;
    while (passed() < kSeconds && faults.length === 0) {
      await pause(300 + random.below(1200));
      const which = reloads % 5 === 4 ? configurations[3] : configurations[random.below(3)];
      await gateway.writeConfig(which);
      gateway.signal('SIGHUP');
      const wanted = ++reloads;
      await eventually(async () => (await samplesOf(gateway)).value('portcullis_config_reloads_total', { outcome: 'ok' }) === wanted, { within: kHang, what: 'reloaded' });
      if (midway === undefined && passed() > kSeconds / 2) midway = residentBytes(gateway.pid);
    }
    running = false;
    await within(kHang * 2, Promise.all(first), 'the visitors did not end');
    assert.deepEqual(faults, []);

    // Everything comes to rest: what was open is closed, and what was begun is counted once.
    const samples = await eventually(async () => {
      const now = await samplesOf(gateway);
      const open = ['portcullis_connections_open', 'portcullis_streams_open', 'portcullis_upstream_connections_open'].map((name) => now.value(name));
      return open.every((value) => value === 0) && upstream.connections() === 0 && now;
    }, { within: kHang, what: 'rest' });
    const end = residentBytes(gateway.pid);
    const total = samples.value('portcullis_requests_total');
    const decided = (guard, outcome) => samples.value('portcullis_guard_decisions_total', outcome ? { guard, outcome } : { guard });
    const guards = ['address', 'blocks', 'protocol', 'host', 'origin', 'credentials', 'rate', 'session', 'body'];
    let arriving = total + 1; // this look is not over yet
    for (const guard of guards) {
      assert.equal(decided(guard), arriving, `decisions of ${guard}`);
      arriving = decided(guard, 'passed');
    }
    assert.equal(samples.value('portcullis_request_duration_seconds_count'), total);
    const turns = ['answered', 'failed', 'cancelled'].map((outcome) => samples.value('portcullis_chat_messages_total', { outcome }));
    const calls = samples.value('portcullis_upstream_requests_total');
    assert.equal(turns.reduce((a, b) => a + b), calls, 'each turn is one call, whatever became of it');
    assert.ok(turns[0] > 0 && turns[1] > 0 && turns[2] > 0, `answered, failed, cancelled: ${turns}`);
    for (const [message, times] of executions) {
      assert.ok(sent.has(message), `nobody sent ${message}`);
      assert.ok(times <= sent.get(message), `${message} was executed ${times} times`);
    }
    t.diagnostic(`${total} requests, ${turns} answered, failed, cancelled, ${reloads} reloads, ${Math.round(midway / 2 ** 20)} MiB midway, ${Math.round(end / 2 ** 20)} MiB at the end`);
    assert.ok(end < midway * 1.25 + 32 * 2 ** 20, `memory grew from ${midway} to ${end} bytes`);

    // A second wave is under way when the signal comes.
    await gateway.writeConfig(configurations[0]);
    gateway.signal('SIGHUP');
    running = true;
    const second = visitors();
    await pause(1500);
    assert.deepEqual(faults, []);
    running = false; // from here on connections may be refused and cut
    const signalled = performance.now();
    const { status } = await gateway.stop();
    assert.equal(status, 0);
    assert.ok(performance.now() - signalled < 3000 + 5000, `the end took ${performance.now() - signalled} ms`);
    await within(kHang, Promise.all(second), 'the last visitors did not end');
    await eventually(() => upstream.connections() === 0, { what: 'no connection to the assistant' });
  } catch (error) {
    running = false;
    await gateway.stop().catch((end) => (error.message += `\nand at the gateway's end: ${end.message}`));
    throw error;
  } finally {
    await upstream.stop();
  }
});
