// Machines where people are expected: slowed down, asked for work, and refused where more is against them; spam; and
// everybody who is neither.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { expectProblem } from '../harness/expect.mjs';
import { samplesOf } from '../harness/metrics.mjs';
import { PROVES } from '../harness/proves.mjs';
import { createRequest, kOrigin, kWideLimits, messageRequest, openSession } from '../harness/visitor.mjs';
import { request } from '../harness/wire.mjs';
import { withUpstream } from '../harness/with_gateway.mjs';
import { solve } from '../harness/work.mjs';

const kTimeout = { timeout: 60_000 };
const kPerson = {
  'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
  'Accept-Language': 'en-GB,en;q=0.7',
};
const kTool = { 'User-Agent': 'python-requests/2.31.0' };
// Its narrow window: eight a minute.
const kEnv = { ALLOWED_ORIGINS: kOrigin, RATE_LIMIT_PER_MINUTE: '32', REPUTATION_ENABLED: 'false', BOT_CHALLENGE_STEPS: '2000' };

const withChat = (env, body) => withUpstream({ ...kEnv, ...env }, body);

const say = (gateway, token, message, headers, more = {}) => {
  const plain = messageRequest(token, message, { headers });
  return request(gateway, { ...plain, body: { ...plain.body, ...more } });
};

/** Sends `message` until the narrow window is used up; returns the answer that says so. */
async function exhaust(gateway, token, message, headers) {
  for (let i = 0; i < 8; ++i) assert.equal((await say(gateway, token, message, headers)).status, 200, `message ${i}`);
  return say(gateway, token, message, headers);
}

test(PROVES('F051', 'F053', 'F054', 'F137', { guard: 'bot' }) + 'a machine has a quarter of the limit, then a challenge; who solves it goes on', kTimeout, async () => {
  await withChat({}, async (gateway) => {
    const token = await openSession(gateway, { headers: kPerson });
    const slowed = await exhaust(gateway, token, 'test message', kTool);
    expectProblem(slowed, 403, 'CHALLENGE_REQUIRED');
    assert.equal(slowed.json.challenge.algorithm, 'SHA-256');
    assert.equal(slowed.json.challenge.max_number, 2000);
    assert.ok(Number(slowed.header('Retry-After')) > 0, 'waiting is the way round');
    assert.ok(slowed.header('Access-Control-Allow-Origin'), 'the page can read it');

    const solution = { ...kTool, 'X-Challenge-Solution': solve(slowed.json.challenge) };
    assert.equal((await say(gateway, token, 'test message', solution)).status, 200);
    expectProblem(await say(gateway, token, 'test message', solution), 403, 'CHALLENGE_REQUIRED'); // once
    const next = await say(gateway, token, 'test message', kTool);
    const elsewhere = await openSession(gateway, { headers: kPerson });
    expectProblem(await say(gateway, elsewhere, 'test message', { ...kTool, 'X-Challenge-Solution': solve(next.json.challenge) }), 403, 'CHALLENGE_REQUIRED');
    expectProblem(await say(gateway, token, 'test message', { ...kTool, 'X-Challenge-Solution': 'nonsense' }), 403, 'CHALLENGE_REQUIRED');

    assert.equal((await say(gateway, token, 'Where is my parcel, please?', kPerson)).status, 200, 'people at the same address go on');
    const samples = await samplesOf(gateway);
    assert.equal(samples.value('portcullis_challenges_total', { outcome: 'solved' }), 1);
    assert.equal(samples.value('portcullis_challenges_total', { outcome: 'used' }), 1);
    assert.ok(samples.value('portcullis_bot_suspicions_total', { ground: 'agent_tool' }) >= 9);
    assert.ok(samples.value('portcullis_guard_decisions_total', { guard: 'bot', outcome: 'challenged' }) >= 4);
  });
});

test('creating sessions is slowed for what is no browser, too', kTimeout, async () => {
  await withChat({ TRUSTED_PROXIES: '127.0.0.1/32' }, async (gateway) => {
    // Over https a browser says more of itself; this one has Chrome's name and nothing else.
    const headers = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-For': '203.0.113.9', 'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36' };
    const statuses = [];
    for (let i = 0; i < 10; ++i) statuses.push((await request(gateway, createRequest({ headers }))).status);
    assert.deepEqual(statuses, [...Array(8).fill(200), 403, 403]);
    const more = { ...headers, 'Accept-Language': 'en', 'Sec-Fetch-Site': 'cross-site', 'Sec-CH-UA': '"Chromium";v="126"' };
    for (let i = 0; i < 10; ++i) assert.equal((await request(gateway, createRequest({ headers: more }))).status, 200);
  });
});

test(PROVES('F005', { guard: 'rate' }) + 'on a site that is spent, new visitors solve a challenge and those in a conversation go on', kTimeout, async () => {
  await withChat({ RATE_LIMIT_DOMAIN_PER_MINUTE: '12', BOT_CHALLENGE_STEPS: '2000' }, async (gateway) => {
    const token = await openSession(gateway);
    assert.equal((await request(gateway, messageRequest(token, 'Are you open on Sunday?'))).status, 200);
    for (let i = 0; i < 10; ++i) assert.equal((await request(gateway, createRequest())).status, 200);
    const challenged = await request(gateway, createRequest());
    expectProblem(challenged, 403, 'CHALLENGE_REQUIRED');
    assert.equal((await request(gateway, messageRequest(token, 'And on Monday, from nine?'))).status, 200);
    const paid = (answer) => createRequest({ headers: { 'X-Challenge-Solution': solve(answer.json.challenge) } });
    assert.equal((await request(gateway, paid(challenged))).status, 200);
    expectProblem(await request(gateway, paid(challenged)), 403, 'CHALLENGE_REQUIRED');
    assert.equal((await request(gateway, paid(await request(gateway, createRequest())))).status, 200);
    const spent = await request(gateway, paid(await request(gateway, createRequest())));
    expectProblem(spent, 429, 'RATE_LIMITED');
    assert.match(spent.header('RateLimit-Policy'), /"site-reserve"/);
    for (const message of ['Do you have this in green?', 'Thank you, I will come by tomorrow.', 'One more thing: is there parking?']) {
      assert.equal((await request(gateway, messageRequest(token, message))).status, 200, 'new visitors leave a half of the reserve');
    }
  });
});

test('without challenges a machine is told to wait', kTimeout, async () => {
  await withChat({ BOT_CHALLENGE: 'off' }, async (gateway) => {
    const token = await openSession(gateway, { headers: kPerson });
    const slowed = await exhaust(gateway, token, 'test message', kTool);
    expectProblem(slowed, 429, 'RATE_LIMITED');
    assert.equal(slowed.header('RateLimit-Policy'), '"bot-minute";q=8;w=60');
    assert.ok(Number(slowed.header('Retry-After')) > 0);
  });
});

test('an agent that the operator expects, and the other modes of the guard', kTimeout, async () => {
  await withChat({ BOT_ALLOWED_AGENTS: 'python-requests' }, async (gateway) => {
    const token = await openSession(gateway, { headers: kPerson });
    for (let i = 0; i < 10; ++i) assert.equal((await say(gateway, token, `a question, the ${i}th, of something`, kTool)).status, 200);
  });
  for (const mode of ['monitor', 'off']) {
    await withChat({ GUARDS_BOT_MODE: mode, RATE_LIMIT_SESSION_PER_MINUTE: '30' }, async (gateway) => {
      const token = await openSession(gateway, { headers: kPerson });
      for (let i = 0; i < 12; ++i) assert.equal((await say(gateway, token, 'test', kTool)).status, 200);
      const counted = (await samplesOf(gateway)).value('portcullis_guard_decisions_total', { guard: 'bot', outcome: 'would_refuse' });
      assert.equal(counted > 0, mode === 'monitor');
    });
  }
});

test(PROVES('F055', 'F056', 'F057', 'F058', 'F059', { guard: 'bot' }) + 'spam is refused; each sign of it counts, and none is enough', kTimeout, async () => {
  await withChat({}, async (gateway, upstream) => {
    // Each from a session of its own: nobody is so quick.
    const tell = async (text) => say(gateway, await openSession(gateway, { headers: kPerson }), text, kPerson);
    const links = 'https://a.example https://b.example/x www.c.example';
    for (const text of [
      `Free cash and a prize for you: ${links}`, // links and words
      `LOOK AT ALL OF THIS RIGHT NOW ${links}`, // links and capitals
      `go!!! ?!?! ...;;; !!! ,,,, !!! ${links}`, // links and punctuation
      'WIN FREE MONEY AND A PRIZE AT WWW.A.EXAMPLE', // capitals and words
    ]) {
      expectProblem(await tell(text), 400, 'CONTENT_REFUSED');
    }
    const before = upstream.requests.length;
    for (const text of [
      `Which of these do you sell? ${links}`,
      'Is there free shipping, does the discount hold, and what is the offer? https://x.example/p',
      'WHERE IS MY ORDER? I HAVE WAITED FOR THREE WEEKS!!! IS THERE A FREE OFFER, MONEY OR A PRIZE?',
      'OK!!!',
    ]) {
      assert.equal((await tell(text)).status, 200, text);
    }
    assert.equal(upstream.requests.length, before + 4);
    assert.equal(before, 0, 'no spam has reached the assistant');
  });
});

test(PROVES('F052', { guard: 'bot' }) + 'the same message again and again, from many addresses, becomes evidence', kTimeout, async () => {
  await withChat({ ...kWideLimits, TRUSTED_PROXIES: '127.0.0.1/32' }, async (gateway) => {
    const text = 'Please have a look at our new shop for watches';
    for (let i = 0; i < 16; ++i) {
      const headers = { ...kTool, 'X-Forwarded-For': `198.51.100.${i}` };
      const token = await openSession(gateway, { headers });
      for (let k = 0; k < 2; ++k) await say(gateway, token, `${text}, number ${i}${k}`, headers);
    }
    const samples = await samplesOf(gateway);
    assert.ok(samples.value('portcullis_bot_suspicions_total', { ground: 'site_repeats' }) > 0);
    const token = await openSession(gateway, { headers: kPerson });
    for (let k = 0; k < 4; ++k) await say(gateway, token, `${text}!`, kTool);
    assert.ok((await samplesOf(gateway)).value('portcullis_bot_suspicions_total', { ground: 'repeats' }) > 0);
  });
});

test('a field that no person sees, filled in', kTimeout, async () => {
  await withChat({}, async (gateway) => {
    const token = await openSession(gateway, { headers: kPerson });
    for (let i = 0; i < 8; ++i) assert.equal((await say(gateway, token, `question ${i}?`, kPerson, { website: 'https://a.example' })).status, 200);
    expectProblem(await say(gateway, token, 'one more?', kPerson, { website: 'https://a.example' }), 403, 'CHALLENGE_REQUIRED');
    assert.equal((await say(gateway, token, 'and one more?', kPerson, { website: '' })).status, 200);
  });
});

test('nothing that people say is spam or the word of a machine', kTimeout, async () => {
  const lines = readFileSync(new URL('../detect/texts/harmless.jsonl', import.meta.url), 'utf8').trimEnd().split('\n');
  await withChat({ ...kWideLimits, GUARDS_CONTENT_MODE: 'off' }, async (gateway) => {
    // Each from a session of its own: what is judged is the message.
    for (const { id, text } of lines.map((line) => JSON.parse(line))) {
      const token = await openSession(gateway, { headers: kPerson });
      const answer = await say(gateway, token, text, kPerson);
      assert.equal(answer.status, 200, `${id}: ${answer.text}`);
    }
    assert.equal((await samplesOf(gateway)).value('portcullis_bot_suspicions_total'), 0);
  });
});
