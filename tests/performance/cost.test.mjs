// What the checks of a request cost: processor time of the gateway, as the kernel counts it, over many requests.
// The bounds are the promises themselves. A build with sanitizers, some ten times slower, keeps them too, but for
// the whole message, of which a token is a part: that has a bound of its own there.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { call, createSession, newVisitor, plenty } from '../harness/client.mjs';
import { startGateway } from '../harness/gateway.mjs';
import { samplesOf } from '../harness/metrics.mjs';
import { cpuOf, isSanitized } from '../harness/process.mjs';
import { PROVES } from '../harness/proves.mjs';
import { useFakeUpstream } from '../harness/use_fake_upstream.mjs';

const upstream = await useFakeUpstream();

describe('the cost of', () => {
  let gateway;
  let visitors;
  before(async () => {
    gateway = await startGateway({ env: { ...plenty, WORKERS: '1', SECURITY_RATE_LIMIT_REQUESTS_PER_MINUTE: '100000000', UPSTREAM_RUNS_PER_SESSION: '100', N8N_WEBHOOK_URL: upstream.url } });
    visitors = [];
    for (let i = 0; i < kAtOnce; i++) visitors.push(await newVisitor(gateway));
  });
  after(() => gateway?.stop());

  const kAtOnce = 10;

  /** Runs `one(visitor)` so many times, several visitors at once; each must give this status. */
  async function repeat(times, one, status = 200) {
    await Promise.all(
      visitors.map(async (visitor) => {
        for (let i = 0; i < times / kAtOnce; i++) {
          const answer = await one(visitor);
          assert.equal(answer.status, status, answer.text);
        }
      }),
    );
  }

  /** Milliseconds of processor time of one request: the best of three rounds, since memory is fetched and caches are cold only at times. */
  async function costOf(one, status) {
    const rounds = [];
    for (let round = 0; round < 3; round++) rounds.push((await cpuOf(gateway.pid, () => repeat(300, one, status))) / 300);
    return Math.min(...rounds);
  }

  const plain = () => call(gateway, 'GET', '/api/health');
  const validate = (visitor) => visitor.validate();
  const message = (visitor) => visitor.ask('What does it cost?', { page_url: 'https://shop.example/', context: { user_id: 'u-1' } });
  const said = (t, name, value) => t.diagnostic(`${name}: ${(value * 1000).toFixed(0)} µs`);

  test(PROVES('F239', 'F113', 'F231') + 'a token: below 1 ms of processor time to mint and to verify', async (t) => {
    const without = await costOf(plain);
    const verified = (await costOf(validate)) - without;
    const minted = (await costOf(() => createSession(gateway))) - without;
    said(t, 'verifying a session token', verified);
    said(t, 'minting a session token', minted);
    assert.ok(verified < 1, `verifying a session's token took ${verified} ms`);
    assert.ok(minted < 1, `minting a session's token took ${minted} ms`);
  });

  test(PROVES('F239', 'F113') + 'a whole message: below 2 ms of processor time (4 with sanitizers), the token of its session and the one minted for the upstream included', async (t) => {
    const extra = (await costOf(message)) - (await costOf(plain));
    said(t, 'a message', extra);
    const tokens = new Set(upstream.requests.map((request) => request.body.jwt_token));
    assert.equal(tokens.size, upstream.requests.length, 'each message had a token of its own');
    assert.ok(tokens.size >= 900);
    assert.ok(extra < (isSanitized(gateway.pid) ? 4 : 2), `a message took ${extra} ms`);
  });

  test(PROVES('F239', 'F230') + 'an event: below 3 ms of processor time', async (t) => {
    const foreign = () => call(gateway, 'GET', '/api/health', { headers: { Origin: 'https://evil.example' } });
    const counted = async () => (await samplesOf(gateway)).value('portcullis_events_total');
    const [before, cost] = [await counted(), (await costOf(foreign, 403)) - (await costOf(plain))];
    said(t, 'a refusal with its event', cost);
    const events = (await counted()) - before; // one more tells of a bad reputation
    assert.ok(events === 900 || events === 901, `each refusal made an event: ${events} of 900`);
    assert.ok(cost < 3, `an event took ${cost} ms`);
  });

  test(PROVES('F239', 'F111', 'F112', 'F114', 'F228', 'F229', 'F232') + 'each guard stays below its bound, and all of them below 3 ms', async (t) => {
    const before = await samplesOf(gateway);
    await repeat(1600, message);
    const after = await samplesOf(gateway);
    // One request in sixteen is measured, and counted as sixteen.
    const taken = (guard) => (after.value('portcullis_guard_duration_seconds_total', { guard }) - before.value('portcullis_guard_duration_seconds_total', { guard })) * 1000 / 1600;
    const guards = new Set(after.samples.filter(({ name }) => name === 'portcullis_guard_duration_seconds_total').map(({ labels }) => labels.guard));
    for (const guard of guards) said(t, guard, taken(guard));
    for (const guard of ['rate', 'body', 'content', 'credentials', 'session', 'origin']) assert.ok(taken(guard) > 0, `${guard} was not measured`);
    assert.ok(taken('rate') < 1, `rate limiting took ${taken('rate')} ms a request`);
    const validation = taken('body') + taken('content');
    assert.ok(validation < 2, `input validation took ${validation} ms a message`);
    const session = taken('credentials') + taken('session');
    assert.ok(session < 2, `the checks of a session took ${session} ms a request`);
    const all = [...guards].reduce((sum, guard) => sum + taken(guard), 0);
    assert.ok(all < 3, `all guards took ${all} ms a request`);
  });
});
