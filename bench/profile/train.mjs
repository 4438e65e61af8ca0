// Traffic for recording a profile: what visitors of a site with a chat cause, in about the proportions that they
// cause it, and some of what is refused. Answers are checked, so that a profile of errors cannot arise.

import assert from 'node:assert/strict';
import { call, createSession, newVisitor, plenty } from '../../tests/harness/client.mjs';
import { answers, startFakeUpstream } from '../../tests/harness/fake_upstream.mjs';
import { startGateway } from '../../tests/harness/gateway.mjs';
import { startRedis } from '../../tests/harness/redis.mjs';

const kVisitors = 8;
const kRounds = 150;
const kText = 'Yes, we are open on Saturdays from nine to five, and dogs are welcome.\nAnything else — a "table"?';
const pick = (list) => list[Math.floor(Math.random() * list.length)];
/** What a visitor asks: hardly ever the same, or it would be a machine. */
const question = () =>
  `Hello, until when ${pick(['are you open on', 'can I call on', 'is delivery possible on', 'may I fetch it on'])} ${pick(['Mondays', 'Saturdays', 'public holidays', 'the last day of May'])}, ` +
  `and can I bring ${pick(['my dog along', 'three small children', 'a bicycle', 'an old receipt', 'glass bottles back', 'my own cup'])}? ${Math.random().toString(36)}`;
const kBrowser = {
  'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
  'Accept-Language': 'en-GB,en;q=0.8',
  'Sec-Fetch-Site': 'same-origin',
};

const upstream = await startFakeUpstream();
const kEnv = { ...plenty, WORKERS: '1', OPS_LISTEN: 'off', N8N_WEBHOOK_URL: upstream.url };

/** The forms in which upstreams answer, most often one JSON object. */
const forms = [
  ...Array.from({ length: 6 }, () => answers.object('output', kText)),
  answers.ndjson(kText.split(' ')),
  answers.sse(kText.split(' ')),
  answers.text(kText),
];

async function chat(gateway, visitor, round) {
  upstream.onRequest(forms[round % forms.length]);
  for (let i = 0; i < 5; ++i) assert.equal((await visitor.ask(question(), { page_url: 'https://shop.example/menu' })).status, 200);
  const stream = await visitor.stream(question());
  assert.equal(await stream.ended, 'end');
  if (round % 5 === 0) assert.equal((await visitor.validate()).status, 200);
  if (round % 10 === 0) assert.equal((await call(gateway, 'GET', '/api/v1/chat/history', { headers: visitor.headers })).status, 200);
  if (round % 15 === 0) assert.equal((await createSession(gateway)).status, 200);
  if (round % 10 === 0) assert.equal((await call(gateway, 'GET', '/health')).status, 200);
  if (round % 20 === 0) assert.equal((await call(gateway, 'GET', '/widget/embed.js')).status, 200);
  if (round % 20 === 0) assert.equal((await visitor.ask('')).status, 400);
  if (round % 20 === 0) assert.equal((await createSession(gateway, { origin: 'https://evil.example' })).status, 403);
}

async function train(env, rounds) {
  const gateway = await startGateway({ env: { ...kEnv, ...env } });
  try {
    const visitors = [];
    for (let i = 0; i < kVisitors; ++i) visitors.push(await newVisitor(gateway, { headers: kBrowser }));
    for (let round = 0; round < rounds; ++round) await Promise.all(visitors.map((visitor) => chat(gateway, visitor, round)));
  } finally {
    await gateway.stop();
  }
}

// Most gateways are alone; some share their state.
await train({}, kRounds);
const redis = await startRedis();
try {
  await train({ REDIS_URL: redis.url, REDIS_DEADLINE: '2s' }, kRounds / 3);
} finally {
  await redis.stop();
}
process.exit(0);
