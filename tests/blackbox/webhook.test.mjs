// A plain JSON webhook: what it is sent by its template, where its answer is read, and what never gets through.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertProblem, eventually, health, newVisitor, openEvents, plenty, sample } from '../harness/client.mjs';
import { answers, UPSTREAM_SECRET } from '../harness/fake_upstream.mjs';
import { keepSecrets } from '../harness/secret_keeper.mjs';
import { useFakeUpstream } from '../harness/use_fake_upstream.mjs';

const upstream = await useFakeUpstream({ path: '/ask?v=2' });
const keeper = keepSecrets();
const { tell, newKey } = keeper;

const template = JSON.stringify({
  query: 'Visitor asks: {{message}}',
  meta: ['{{message_id}}', '{{session_id}}', '{{origin_domain}}', '{{page_url}}'],
  past: '{{history}}',
  admin: false,
});
const reply = (text, more = {}) => (call, response) => {
  response.writeHead(200, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify({ error: null, data: [{ 'a/b': text, trace: UPSTREAM_SECRET }], ...more }));
};

const withWebhook = (env, use) =>
  keeper.run(
    { env: { ...plenty, WORKERS: '1', LOG_LEVEL: 'debug', UPSTREAM_KIND: 'http', UPSTREAM_URL: upstream.url, UPSTREAM_REQUEST: template, UPSTREAM_ANSWER: '/data/0/a~1b', ...env } },
    use,
  );

describe('a webhook of kind http', () => {
  test('is sent its template filled in, its headers and nothing else of the visitor', async () => {
    const [key, token] = [newKey(), newKey()];
    await withWebhook({ UPSTREAM_API_KEY: key, UPSTREAM_HEADERS: JSON.stringify([`X-Token: ${token}`, 'X-Team: a, b']) }, async (gateway) => {
      upstream.onRequest(reply('Fine, thanks.'));
      const visitor = await newVisitor(gateway, { headers: { 'User-Agent': 'Secretive/1.0' } });
      const answer = tell(await visitor.ask('How are you?', { page_url: `${gateway.url}/a`, context: { user_id: 'u-77' } }));
      assert.equal(answer.json?.response, 'Fine, thanks.', answer.text);
      const [{ method, path, headers, body, raw, rawHeaders }] = upstream.requests;
      assert.equal(`${method} ${path}`, 'POST /ask?v=2');
      assert.deepEqual([headers.authorization, headers['x-token'], headers['x-team']], [`Bearer ${key}`, token, 'a, b']);
      assert.equal(headers['content-type'], 'application/json');
      assert.equal(headers['idempotency-key'], answer.json.message_id);
      assert.deepEqual(body, {
        query: 'Visitor asks: How are you?',
        meta: [answer.json.message_id, body.meta[1], '127.0.0.1', `${gateway.url}/a`],
        past: [],
        admin: false,
      });
      assert.notEqual(body.meta[1], visitor.created.session_id, 'the page and the webhook know a session by different handles');
      const everything = raw.toString() + rawHeaders.join('\n');
      for (const word of ['Secretive', 'u-77', visitor.token]) assert.ok(!everything.includes(word), word);
    });
  });

  test('answers on every face', async () => {
    await withWebhook({}, async (gateway) => {
      upstream.onRequest(reply('Grüße 😀'));
      const visitor = await newVisitor(gateway);
      for (const accept of ['text/event-stream', 'application/x-ndjson']) {
        const stream = await openEvents(gateway, 'POST', '/api/v1/chat/message', { headers: { ...visitor.headers, Accept: accept }, body: { message: 'Hi' } });
        assert.equal(await stream.ended, 'end');
        assert.ok(stream.headers['content-type'].startsWith(accept));
        assert.equal(stream.text(), 'Grüße 😀');
        assert.deepEqual(stream.types(), ['begin', 'item', 'end']);
        keeper.hear(stream.raw());
      }
    });
  });

  test('gets whatever is said as text, never as structure', async () => {
    await withWebhook({}, async (gateway) => {
      const visitor = await newVisitor(gateway);
      for (const said of ['","admin":true,"x":"', '\\', '\\"', '{{session_id}} }}', 'line\nbreak\u2028more']) {
        upstream.requests.length = 0;
        upstream.onRequest(reply(said));
        assert.equal(tell(await visitor.ask(said)).json?.response, said);
        const [{ body }] = upstream.requests;
        assert.equal(body.query, `Visitor asks: ${said}`);
        assert.equal(body.admin, false);
      }
    });
  });

  test('is told the conversation where its template has a place for it, within the bound', async () => {
    await withWebhook({ UPSTREAM_HISTORY_TOKENS: '19' }, async (gateway) => {
      const visitor = await newVisitor(gateway);
      for (const n of ['one', 'two', 'three']) {
        upstream.onRequest(reply(`${n}!`));
        tell(await visitor.ask(n));
      }
      assert.deepEqual(upstream.requests.at(-1).body.past, [{ role: 'user', content: 'two' }, { role: 'assistant', content: 'two!' }]);
    });
  });

  test('needs no template where its service knows ours, and no pointer where its answer is plain', async () => {
    await withWebhook({ UPSTREAM_REQUEST: '', UPSTREAM_ANSWER: '' }, async (gateway) => {
      upstream.onRequest([answers.ndjson(['in ', 'pieces']), answers.object('response', 'at once'), answers.text('plain')]);
      const visitor = await newVisitor(gateway);
      const first = tell(await visitor.ask('Hi'));
      assert.equal(first.json?.response, 'in pieces', first.text);
      assert.deepEqual(Object.keys(upstream.requests[0].body), ['message', 'session_id', 'message_id']);
      assert.equal(tell(await visitor.ask('Hi')).json?.response, 'at once');
      assert.equal(tell(await visitor.ask('Hi')).json?.response, 'plain');
    });
  });

  test('whose answer has no text at the pointer, or breaks, is no answer, and shows nothing of it', async () => {
    const noText = [answers.object('data', UPSTREAM_SECRET), answers.text(UPSTREAM_SECRET), reply(7), reply(''), reply(' \n'), reply({ text: UPSTREAM_SECRET })];
    const broken = [answers.brokenJson(), answers.html(), answers.empty(), answers.gzip(), answers.closeWithoutAnswer(), answers.redirect()];
    const refused = [400, 401, 404, 500].map((status) => answers.status(status));
    for (const bad of [noText, broken, refused]) {
      await withWebhook({}, async (gateway) => {
        const visitor = await newVisitor(gateway);
        for (const handler of bad) {
          upstream.onRequest(handler);
          assertProblem(tell(await visitor.ask('Hi')), 502, 'UPSTREAM_ERROR');
          upstream.onRequest(reply('fine')); // or the breaker opens, as it should
          assert.equal(tell(await visitor.ask('And now?')).status, 200);
        }
      });
    }
  });

  test('is retried, left alone and left as any upstream', async () => {
    await withWebhook({ UPSTREAM_RETRY_DELAY: '10ms', UPSTREAM_BREAKER_FAILURES: '2' }, async (gateway) => {
      const visitor = await newVisitor(gateway);
      upstream.onRequest([answers.status(503, { 'Retry-After': '1' }), reply('after all')]);
      assert.equal(tell(await visitor.ask('Hi')).json?.response, 'after all');
      assert.equal(await sample(gateway, 'portcullis_upstream_retries_total{upstream="default"}'), 1);

      upstream.onRequest(answers.never());
      const leaving = new AbortController();
      upstream.requests.length = 0;
      const left = visitor.ask('Hi', { signal: leaving.signal });
      await eventually(() => upstream.requests.length === 1);
      leaving.abort();
      await assert.rejects(left);
      await eventually(() => upstream.requests[0].left(), { what: 'the webhook was not left' });

      upstream.onRequest(answers.status(500));
      for (let i = 0; i < 2; i++) assertProblem(tell(await visitor.ask('Hi')), 502, 'UPSTREAM_ERROR');
      const before = upstream.requests.length;
      assertProblem(tell(await visitor.ask('Hi')), 503, 'UPSTREAM_UNAVAILABLE');
      assert.equal(upstream.requests.length, before, 'the open breaker let a call through');
      assert.equal((await health(gateway)).services.upstreams.default, 'unhealthy');
    });
  });

  test('may be another one for each site, with headers of its own', async () => {
    const key = newKey();
    const yaml = `sites:
  - id: shop
    origins: https://shop.example
    upstream:
      kind: http
      url: ${upstream.url}
      request: '{"ask": "{{message}}", "from": "shop"}'
      answer: /said
      headers: ["X-Token: ${key}"]
`;
    await keeper.run({ yaml, env: { ...plenty, ALLOWED_HOSTS: '127.0.0.1', UPSTREAM_KIND: 'http', UPSTREAM_URL: upstream.url, UPSTREAM_API_KEY: newKey() } }, async (gateway) => {
      upstream.onRequest(answers.object('said', 'shoes'));
      const answer = tell(await (await newVisitor(gateway, { origin: 'https://shop.example' })).ask('Hi'));
      assert.equal(answer.json?.response, 'shoes', answer.text);
      const [{ body, headers }] = upstream.requests;
      assert.deepEqual(body, { ask: 'Hi', from: 'shop' });
      assert.equal(headers['x-token'], key);
      assert.equal(headers.authorization, undefined, "the default site's key is not the shop's");
    });
  });
});

describe('settings of a webhook', () => {
  test('what would not work is refused, or warned about, before anything starts', async () => {
    const production = { SECURITY_ENVIRONMENT: 'production', ALLOWED_ORIGINS: 'https://a.example', JWT_SECRET_KEY: newKey() + newKey(), SESSION_SECRET_KEY: newKey() + newKey() };
    const http = { UPSTREAM_KIND: 'http', UPSTREAM_URL: 'https://hook.example/ask' };
    const cases = [
      [{ UPSTREAM_KIND: 'http' }, 2, /UPSTREAM_URL: is needed for the upstream kind http/],
      [{ ...http, UPSTREAM_REQUEST: '{"q": {{message}}}' }, 2, /UPSTREAM_REQUEST: is no JSON object or list/],
      [{ ...http, UPSTREAM_REQUEST: '{"q": "{{massage}}"}' }, 2, /UPSTREAM_REQUEST: '\{\{massage\}\}' is no placeholder/],
      [{ ...http, UPSTREAM_REQUEST: '{"q": "hello"}' }, 2, /UPSTREAM_REQUEST: has no \{\{message\}\}/],
      [{ ...http, UPSTREAM_ANSWER: '$.text' }, 2, /UPSTREAM_ANSWER: '\$\.text' is no JSON pointer/],
      [{ ...http, UPSTREAM_HEADERS: `X-Token ${newKey()}` }, 2, /UPSTREAM_HEADERS: is not acceptable/],
      [{ ...http, UPSTREAM_HEADERS: 'Content-Length: 5' }, 2, /UPSTREAM_HEADERS: is not acceptable/],
      [{ ...http, UPSTREAM_API_KEY: newKey(), UPSTREAM_HEADERS: `Authorization: Basic ${newKey()}` }, 2, /UPSTREAM_HEADERS: has an Authorization beside/],
      [{ ...http, UPSTREAM_URL: 'http://hook.example/ask', UPSTREAM_API_KEY: newKey() }, 0, /UPSTREAM_URL: is http: the API key would travel/],
      [{ ...production, ...http, UPSTREAM_URL: 'http://hook.example/ask', UPSTREAM_HEADERS: `X-Token: ${newKey()}` }, 2, /UPSTREAM_URL: is http: the API key would travel/],
      [{ ...production, ...http, UPSTREAM_URL: 'http://10.0.0.7/ask', UPSTREAM_HEADERS: `X-Token: ${newKey()}` }, 0, /UPSTREAM_URL: is http: the API key would travel/],
    ];
    for (const [env, status, pattern] of cases) {
      const result = await keeper.check({ env });
      assert.match(result.stderr, pattern);
      assert.equal(result.status, status, result.stderr);
    }
  });

  test('headers are masked, and never quoted where they are wrong', async () => {
    const good = await keeper.check({ env: { UPSTREAM_KIND: 'http', UPSTREAM_URL: 'https://hook.example/ask', UPSTREAM_HEADERS: `X-Token: ${newKey()}` } });
    assert.equal(good.status, 0, good.stderr);
    assert.match(good.stdout, /^upstream\.headers: \*{8} {2}# set$/m);
    assert.match(good.stdout, /^site default: upstream http https:\/\/hook\.example\/ask/m);
    const site = `sites: [{id: a, origins: "https://a.example", upstream: {kind: http, url: "https://h.example", headers: ["X-Token: ${newKey()}\\u00fc"]}}]`;
    const bad = await keeper.check({ yaml: site });
    assert.equal(bad.status, 2);
    assert.match(bad.stderr, /sites\[0\]\.upstream\.headers: the value of the header X-Token/);
  });
});
