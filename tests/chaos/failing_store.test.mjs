// The state store fails always. What needs it answers 503 at once, the rest goes on; nothing hangs, nothing is a
// 500, the assistant is asked for nothing. Sessions come from a gateway with the same secret whose store works.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eventually, expectProblem } from '../harness/expect.mjs';
import { samplesOf } from '../harness/metrics.mjs';
import { startRecordingUpstream } from '../harness/recording_upstream.mjs';
import { createRequest, kOrigin, kWideLimits, messageRequest, openSession } from '../harness/visitor.mjs';
import { bytesOf, connect, request } from '../harness/wire.mjs';
import { withGateway } from '../harness/with_gateway.mjs';

const kTimeout = { timeout: 60_000 };
const kSoon = 5000; // ms: the store fails at once, so nothing has to wait
const kSecret = 'failing-store-session-secret-'.repeat(3);

let upstream;
let token;
before(async () => {
  upstream = await startRecordingUpstream();
  await withGateway({ env: environment() }, async (gateway) => (token = await openSession(gateway)));
});
after(() => upstream?.stop());

function environment(more) {
  return { ...kWideLimits, SESSION_SECRET_KEY: kSecret, ALLOWED_ORIGINS: kOrigin, N8N_WEBHOOK_URL: upstream.url, STATE_SIMULATE: 'none', ...more };
}

const session = (method, path, headers = {}) => ({ method, path, headers: { Origin: kOrigin, Authorization: `Bearer ${token}`, ...headers } });
const repeated = (message, more = {}) => ({ ...messageRequest(token, message, more), body: { message, client_message_id: 'm-1' } });

/** Each with its status where the rate guard refuses and where it lets pass. */
const kRequests = () => [
  ['a session is created', createRequest(), 503, 503],
  ['a session is looked at', session('GET', '/api/v1/session/validate'), 503, 200],
  ['a session is ended', session('DELETE', '/api/v1/session/destroy'), 503, 503],
  ['a message', messageRequest(token, 'hello'), 503, 503],
  ['a message that may be sent again', repeated('hello'), 503, 503],
  ['a message as SSE', messageRequest(token, 'hello', { headers: { Accept: 'text/event-stream' } }), 503, 503],
  ['a message as NDJSON', repeated('hello', { headers: { Accept: 'application/x-ndjson' } }), 503, 503],
  ['a message answered later', messageRequest(token, 'hello', { headers: { Prefer: 'respond-async' } }), 503, 503],
  ['a message to the stream', messageRequest(token, 'hello', { path: '/api/v1/chat/stream' }), 503, 503],
  ['a message of a stranger', messageRequest('pcs_nonsense', 'hello'), 503, 401],
  ['the history', session('GET', '/api/v1/chat/history'), 503, 503],
  ['a preflight', { method: 'OPTIONS', path: '/api/v1/chat/message', headers: { Origin: kOrigin, 'Access-Control-Request-Method': 'POST' } }, 503, 204],
  ['a path that is not there', { path: '/nowhere' }, 503, 404],
  ['the page of the widget', { path: '/widget/' }, 503, 200],
  ['a foreign origin', messageRequest(token, 'hello', { origin: 'https://evil.example' }), 403, 403],
  ['liveness', { path: '/health/live' }, 200, 200],
  ['readiness', { path: '/health/ready' }, 200, 200],
  ['health', { path: '/health' }, 200, 200],
];

function check(answer, status, what) {
  assert.equal(answer.status, status, `${what}: ${answer.text.slice(0, 300)}`);
  if (status < 400) return;
  expectProblem(answer, status, answer.json.code);
  if (status !== 503) return;
  assert.equal(answer.json.code, 'STATE_UNAVAILABLE', what);
  assert.equal(answer.header('Retry-After'), '1', what);
}

/** Guards see what the ones before them let pass, and every request is counted once. */
async function expectCountersToAddUp(gateway, requests) {
  // A request is counted at its very end, so the last ones may lag; each look is itself one request more.
  let looks = 0;
  const samples = await eventually(async () => {
    const now = await samplesOf(gateway);
    return now.value('portcullis_requests_total') === requests + looks++ && now;
  }, { what: 'all requests counted' });
  assert.equal(samples.value('portcullis_guard_decisions_total', { guard: 'address' }), requests + looks);
  assert.equal(samples.value('portcullis_request_duration_seconds_count'), requests + looks - 1);
  assert.equal(samples.value('portcullis_chat_messages_total'), 0);
  assert.equal(samples.value('portcullis_upstream_requests_total'), 0);
}

for (const [column, onError] of [[2, 'refuse'], [3, 'pass']]) {
  describe(`the rate guard's on_error is ${onError}`, () => {
    const failing = () => environment({ STATE_SIMULATE: 'failing', GUARDS_RATE_ON_ERROR: onError });

    test('each request has its answer', kTimeout, async () => {
      await withGateway({ env: failing() }, async (gateway) => {
        for (const row of kRequests()) check(await request(gateway, { ...row[1], within: kSoon }), row[column], row[0]);
        await expectCountersToAddUp(gateway, kRequests().length);
      });
    });

    test('many at the same time have the same answers, also through a reload and a drain', kTimeout, async () => {
      await withGateway({ env: failing() }, async (gateway) => {
        const rows = kRequests();
        let answered = 0;
        await Promise.all(
          Array.from({ length: 32 }, async (_, i) => {
            const wire = await connect(gateway);
            for (let n = 0; n < 20; ++n) {
              const row = rows[(i + n) % rows.length];
              wire.send(bytesOf(row[1]));
              check(await wire.answer({ within: kSoon }), row[column], row[0]);
              ++answered;
              if (i === 0 && n % 10 === 5) gateway.signal('SIGHUP');
            }
            wire.destroy();
          }),
        );
        await expectCountersToAddUp(gateway, answered);
      });
    });

    test('visitors who leave at once do no harm', kTimeout, async () => {
      await withGateway({ env: failing() }, async (gateway) => {
        const rows = kRequests();
        await Promise.all(
          Array.from({ length: 64 }, async (_, i) => {
            const wire = await connect(gateway);
            const bytes = bytesOf(rows[i % rows.length][1]);
            wire.send(bytes.subarray(0, i % 2 === 0 ? bytes.length : bytes.length - 3));
            if (i % 4 > 1) await new Promise((resolve) => setTimeout(resolve, i % 7));
            wire.destroy();
          }),
        );
        check(await request(gateway, { path: '/health/ready', within: kSoon }), 200, 'afterwards');
      });
    });
  });
}

test('events can be followed where the rate guard lets pass', kTimeout, async () => {
  await withGateway({ env: environment({ STATE_SIMULATE: 'failing', GUARDS_RATE_ON_ERROR: 'pass' }) }, async (gateway) => {
    const wire = await connect(gateway);
    wire.send(bytesOf(session('GET', '/api/v1/chat/stream')));
    assert.match(await wire.take(13), /^HTTP\/1\.1 200/);
    wire.destroy();
  });
});

test('the assistant was asked for nothing', () => assert.equal(upstream.requests.length, 0));
