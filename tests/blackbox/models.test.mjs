// Language models behind their providers' APIs: what is sent, what is believed, and that keys stay where they belong.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { assertProblem, eventually, health, newVisitor, openEvents, plenty, sample, within } from '../harness/client.mjs';
import { anthropic, openai } from '../harness/fake_models.mjs';
import { UPSTREAM_SECRET } from '../harness/fake_upstream.mjs';
import { keepSecrets } from '../harness/secret_keeper.mjs';
import { useFakeUpstream } from '../harness/use_fake_upstream.mjs';

const upstream = await useFakeUpstream({ path: '' });
const keeper = keepSecrets();
const { tell } = keeper;

const kinds = {
  openai: {
    wire: openai,
    prefix: 'OPENAI',
    path: '/v1/chat/completions',
    base: `${upstream.url}/v1`,
    keyIn: (headers) => headers.authorization?.replace(/^Bearer /, ''),
  },
  anthropic: {
    wire: anthropic,
    prefix: 'ANTHROPIC',
    path: '/v1/messages',
    base: upstream.url,
    keyIn: (headers) => headers['x-api-key'],
  },
};

/** Runs `use(gateway, key)` with a gateway whose assistant is the model of this kind. */
function withModel(kind, env, use, yaml) {
  const { prefix, base } = kinds[kind];
  const key = keeper.newKey();
  const all = { ...plenty, WORKERS: '1', LOG_LEVEL: 'debug', [`${prefix}_API_KEY`]: key, [`${prefix}_BASE_URL`]: base, [`${prefix}_MODEL`]: 'fake-model', ...env };
  return keeper.run({ env: all, yaml }, (gateway) => use(gateway, key));
}

const tokens = (gateway, direction) => sample(gateway, `portcullis_upstream_tokens_total{upstream="default",direction="${direction}"}`);
const messagesOf = (body) => body.messages.filter((message) => message.role !== 'system');

for (const [kind, { wire, path, keyIn }] of Object.entries(kinds)) {
  describe(kind, () => {
    test('a message is asked with key, model, bound and system prompt, and nothing about the visitor', async () => {
      await withModel(kind, { UPSTREAM_SYSTEM_PROMPT: 'Say "hello".\nBe kind.', UPSTREAM_MAX_OUTPUT_TOKENS: '77', UPSTREAM_TEMPERATURE: '0.5' }, async (gateway, key) => {
        upstream.onRequest(wire.stream(['Good ', 'day', '!']));
        const visitor = await newVisitor(gateway, { headers: { 'User-Agent': 'Secretive/1.0' } });
        const answer = tell(await visitor.ask('What "is" this?', { page_url: `${gateway.url}/private-page`, context: { user_id: 'u-77' } }));
        assert.equal(answer.status, 200, answer.text);
        assert.equal(answer.json.response, 'Good day!');
        const [request] = upstream.requests;
        assert.equal(`${request.method} ${request.path}`, `POST ${path}`);
        assert.equal(keyIn(request.headers), key);
        assert.equal(request.headers['content-type'], 'application/json');
        const { body } = request;
        assert.equal(body.model, 'fake-model');
        assert.equal(body.max_tokens, 77);
        assert.equal(body.stream, true);
        assert.equal(body.temperature, 0.5);
        if (kind === 'openai') {
          assert.deepEqual(body.stream_options, { include_usage: true });
          assert.deepEqual(body.messages[0], { role: 'system', content: 'Say "hello".\nBe kind.' });
        } else {
          assert.equal(request.headers['anthropic-version'], '2023-06-01');
          assert.equal(body.system, 'Say "hello".\nBe kind.');
        }
        assert.deepEqual(messagesOf(body), [{ role: 'user', content: 'What "is" this?' }]);
        const everything = request.raw.toString() + request.rawHeaders.join('\n');
        for (const private_ of ['Secretive', 'private-page', 'u-77', '127.0.0.1:' + gateway.port, visitor.token]) {
          assert.ok(!everything.includes(private_), private_);
        }
      });
    });

    test('an answer streams in pieces as they come, and its tokens are counted', async () => {
      await withModel(kind, {}, async (gateway) => {
        let release;
        const held = new Promise((resolve) => (release = resolve));
        const [start, ...rest] = kind === 'openai' ? [openai.role()] : [anthropic.start(25), anthropic.blockStart()];
        upstream.onRequest(async (call, response) => {
          response.writeHead(200, { 'Content-Type': 'text/event-stream' });
          response.write(start + rest.join('') + wire.piece('Erst '));
          await held;
          response.end(
            wire.piece('dann 😀.') + (kind === 'openai' ? openai.finish() + openai.usage(25, 15) + openai.done() : anthropic.blockStop() + anthropic.finish() + anthropic.stop()),
          );
        });
        const visitor = await newVisitor(gateway);
        const stream = await visitor.stream('Hallo');
        await stream.next((event) => event.json?.type === 'item' && event.json.content === 'Erst ');
        release();
        assert.equal(await within(5000, stream.ended, 'no end'), 'end');
        assert.equal(stream.text(), 'Erst dann 😀.');
        assert.deepEqual(stream.types(), ['begin', 'item', 'item', 'end']);
        assert.equal(await tokens(gateway, 'input'), 25);
        assert.equal(await tokens(gateway, 'output'), 15);
        keeper.hear(stream.raw());
      });
    });

    test('the log tells what an answer cost, and no word of either side', async () => {
      await withModel(kind, {}, async (gateway) => {
        upstream.onRequest(wire.stream(['a-word-of-the-model'], { usage: [31, 17] }));
        tell(await (await newVisitor(gateway)).ask('a-word-of-the-visitor'));
        const line = await eventually(() => gateway.log().split('\n').find((l) => l.includes('answer of a model')));
        for (const part of ['fake-model', 'done', '31', '17']) assert.ok(line.includes(part), `${part} is not in ${line}`);
        assert.doesNotMatch(gateway.log(), /a-word-of-the/);
      });
    });

    test('NDJSON is another face of the same answer', async () => {
      await withModel(kind, {}, async (gateway) => {
        upstream.onRequest(wire.stream(['Grüße ', '😀']));
        const visitor = await newVisitor(gateway);
        const stream = await openEvents(gateway, 'POST', '/api/v1/chat/message', { headers: { ...visitor.headers, Accept: 'application/x-ndjson' }, body: { message: 'Hi' } });
        assert.equal(await within(5000, stream.ended, 'no end'), 'end');
        assert.equal(stream.text(), 'Grüße 😀');
        assert.deepEqual(stream.types().filter((type) => type !== 'item'), ['begin', 'end']);
        keeper.hear(stream.raw());
      });
    });

    test('every byte may come alone', async () => {
      await withModel(kind, {}, async (gateway) => {
        upstream.onRequest(wire.stream(['Grüße ', '日本語 ', '😀'], { bytewise: true }));
        const answer = tell(await (await newVisitor(gateway)).ask('Hallo'));
        assert.equal(answer.json?.response, 'Grüße 日本語 😀', answer.text);
      });
    });

    test('the conversation goes along, whole exchanges and the newest, within its bound of tokens', async () => {
      await withModel(kind, { UPSTREAM_HISTORY_TOKENS: '60' }, async (gateway) => {
        const visitor = await newVisitor(gateway);
        for (const n of [1, 2, 3]) {
          upstream.onRequest(wire.stream([`answer ${n} ${'x'.repeat(20)}`]));
          tell(await visitor.ask(`question ${n} ${'y'.repeat(20)}`));
        }
        upstream.onRequest(openai.refuse(500));
        tell(await visitor.ask('never answered'));
        upstream.requests.length = 0;
        upstream.onRequest(wire.stream(['four']));
        tell(await visitor.ask('question 4'));
        assert.deepEqual(messagesOf(upstream.requests[0].body).map(({ role, content }) => `${role}: ${content.slice(0, 10)}`), [
          'user: question 2', 'assistant: answer 2 x', 'user: question 3', 'assistant: answer 3 x', 'user: question 4',
        ]);
      });
    });

    test('a site that keeps no history sends none, and neither does a bound of 0', async () => {
      const yaml = `sites:
  - { id: quiet, origins: "https://quiet.example", history: off, upstream: { kind: ${kind} } }
  - { id: short, origins: "https://short.example", upstream: { kind: ${kind}, history_tokens: 0 } }
  - { id: usual, origins: "https://usual.example", upstream: { kind: ${kind} } }
`;
      const told = async (gateway, site) => {
        const visitor = await newVisitor(gateway, { origin: `https://${site}.example` });
        for (const message of ['one', 'two']) {
          upstream.onRequest(wire.stream(['ok']));
          assert.equal(tell(await visitor.ask(message)).status, 200);
        }
        return messagesOf(upstream.requests.at(-1).body).map((message) => message.content);
      };
      await withModel(kind, { ALLOWED_HOSTS: '127.0.0.1' }, async (gateway) => {
        assert.deepEqual(await told(gateway, 'quiet'), ['two']);
        assert.deepEqual(await told(gateway, 'short'), ['two']);
        assert.deepEqual(await told(gateway, 'usual'), ['one', 'ok', 'two']);
      }, yaml);
    });

    test('an answer that reached its bound says so, and one that does not stream is read as well', async () => {
      await withModel(kind, {}, async (gateway) => {
        const visitor = await newVisitor(gateway);
        upstream.onRequest(wire.stream(['Half an'], { reason: kind === 'openai' ? 'length' : 'max_tokens' }));
        assert.equal(tell(await visitor.ask('Hi')).json.response, 'Half an …');
        upstream.onRequest(wire.whole('All at once.'));
        assert.equal(tell(await visitor.ask('Hi')).json.response, 'All at once.');
      });
    });

    test('what was kept back, cut or empty is no answer, and the visitor sees nothing of an error', async () => {
      await withModel(kind, {}, async (gateway) => {
        const visitor = await newVisitor(gateway);
        const bad = {
          filtered: wire.stream(['Well'], { reason: kind === 'openai' ? 'content_filter' : 'refusal' }),
          empty: wire.stream([]),
          cut: wire.events(kind === 'openai' ? [openai.role(), openai.piece('Hel')] : [anthropic.start(), anthropic.piece('Hel')], { cut: true }),
          'ended early': wire.events([wire.piece('Hel')]),
          'an error in the stream': wire.events([wire.piece('Hel'), wire.error()]),
          'no JSON': wire.events([`data: ${UPSTREAM_SECRET}\n\n`]),
          'a wrong key': wire.refuse(401),
          'no such model': wire.refuse(404),
          'too long': wire.refuse(400),
          'a failure': wire.refuse(500),
        };
        for (const [name, handler] of Object.entries(bad)) {
          upstream.onRequest(handler);
          const answer = tell(await visitor.ask(`Hi ${name}`));
          const overloaded = kind === 'anthropic' && name === 'an error in the stream';
          if (overloaded) assertProblem(answer, 503, 'UPSTREAM_UNAVAILABLE');
          else if (name === 'filtered') assertProblem(answer, 422, 'ANSWER_WITHHELD');
          else assertProblem(answer, 502, 'UPSTREAM_ERROR');
          upstream.onRequest(wire.stream(['fine'])); // or the breaker opens, as it should
          assert.equal(tell(await visitor.ask(`And ${name}?`)).status, 200, name);
        }
      });
    });

    test('what an operator can mend is said to the operator', async () => {
      await withModel(kind, { SECURITY_ENVIRONMENT: 'development', DEBUG: 'false' }, async (gateway) => {
        const visitor = await newVisitor(gateway);
        for (const [status, hint] of [[401, 'is the key right?'], [403, 'is the key right?'], [404, 'are URL and model right?']]) {
          upstream.onRequest(wire.refuse(status));
          const answer = tell(await visitor.ask('Hi'));
          assertProblem(answer, 502, 'UPSTREAM_ERROR');
          await eventually(() => gateway.log().includes(`status ${status}: ${hint}`), { what: `no hint for ${status}` });
          assert.ok(!answer.text.includes('key'), 'visitors are told nothing of it');
        }
      });
    });

    test('a rate limit with a short Retry-After is waited for, a long one is told', async () => {
      await withModel(kind, { UPSTREAM_RETRY_DELAY: '10ms' }, async (gateway) => {
        const visitor = await newVisitor(gateway);
        upstream.onRequest([wire.refuse(429, { 'Retry-After': '1' }), wire.stream(['after all'])]);
        assert.equal(tell(await visitor.ask('Hi')).json?.response, 'after all');
        upstream.onRequest(wire.refuse(kind === 'anthropic' ? 529 : 429, { 'Retry-After': '40' }));
        const refused = tell(await visitor.ask('Hi'));
        assertProblem(refused, 503, 'UPSTREAM_UNAVAILABLE');
        assert.equal(refused.headers['retry-after'], '40');
        upstream.onRequest([wire.refuse(429, { 'Retry-After': '40', 'retry-after-ms': '30.5' }), wire.stream(['soon'])]);
        assert.equal(tell(await visitor.ask('Hi')).json?.response, 'soon', 'milliseconds are more precise, and count first');
        upstream.onRequest(wire.refuse(429, { 'retry-after-ms': '39200' }));
        assert.equal(tell(await visitor.ask('Hi')).headers['retry-after'], '40', 'visitors are told whole seconds, rounded up');
      });
    });

    test('the call ends when the visitor leaves', async () => {
      await withModel(kind, { STREAM_RESUME_GRACE: '0' }, async (gateway) => {
        upstream.onRequest(async (call, response) => {
          response.writeHead(200, { 'Content-Type': 'text/event-stream' });
          response.write(wire.piece('and so on '));
        });
        const visitor = await newVisitor(gateway);
        const callEnds = async (leave) => {
          const [request] = upstream.requests.splice(0);
          const left = performance.now();
          leave();
          await eventually(() => request.left(), { within: 4000, what: 'the upstream call went on' });
          const took = request.leftAt - left;
          assert.ok(took < 250, `${took} ms`);
        };
        const stream = await visitor.stream('Tell me everything');
        await stream.next((event) => event.json?.type === 'item');
        await callEnds(() => stream.close());

        const leaving = new AbortController();
        const asked = assert.rejects(visitor.ask('All at once', { signal: leaving.signal }));
        await eventually(() => upstream.requests.length === 1);
        await callEnds(() => leaving.abort());
        await asked;
        await eventually(async () => (await sample(gateway, 'portcullis_upstream_requests_total{upstream="default",outcome="cancelled"}')) === 2);
      });
    });

    test('failures open the breaker, and health tells of them', async () => {
      await withModel(kind, { UPSTREAM_BREAKER_FAILURES: '2' }, async (gateway) => {
        upstream.onRequest(wire.refuse(500));
        const visitor = await newVisitor(gateway);
        for (let i = 0; i < 2; i++) tell(await visitor.ask('Hi'));
        const before = upstream.requests.length;
        const refused = tell(await visitor.ask('Hi'));
        assertProblem(refused, 503, 'UPSTREAM_UNAVAILABLE');
        assert.equal(upstream.requests.length, before, 'the open breaker let a call through');
        assert.equal((await health(gateway)).services.upstreams.default, 'unhealthy');
      });
    });
  });
}

test('what is no text of an answer is never shown: tool calls, thoughts, unknown events, comments', async () => {
  await withModel('openai', {}, async (gateway) => {
    upstream.onRequest(openai.events([openai.comment(), openai.noChoices(), openai.role(), openai.toolCall(), openai.piece('Plain.'), openai.finish('tool_calls'), openai.done()]));
    assert.equal(tell(await (await newVisitor(gateway)).ask('Hi')).json?.response, 'Plain.');
    upstream.onRequest(openai.events([openai.role(), openai.refusal('I would rather not.'), openai.finish(), openai.done()]));
    assert.equal(tell(await (await newVisitor(gateway)).ask('Hi')).json?.response, 'I would rather not.', 'the model declines in its own words');
  });
  await withModel('anthropic', {}, async (gateway) => {
    upstream.onRequest(
      anthropic.events([
        anthropic.start(), anthropic.blockStart(0, { type: 'thinking', thinking: '' }), anthropic.thinking(UPSTREAM_SECRET), anthropic.blockStop(),
        anthropic.unknown(), anthropic.blockStart(1, { type: 'tool_use', id: 't', name: 'look_up', input: {} }), anthropic.toolInput(`{"a":"${UPSTREAM_SECRET}"}`),
        anthropic.blockStop(1), anthropic.blockStart(2), anthropic.piece('Plain.', 2), anthropic.blockStop(2), anthropic.finish('tool_use'), anthropic.stop(),
      ]),
    );
    assert.equal(tell(await (await newVisitor(gateway)).ask('Hi')).json?.response, 'Plain.');
  });
});

test('on a state store that answers late a conversation is remembered all the same', async () => {
  await withModel('anthropic', { STATE_SIMULATE: 'slow' }, async (gateway) => {
    const visitor = await newVisitor(gateway);
    for (const message of ['one', 'two']) {
      upstream.onRequest(anthropic.stream([`${message}!`]));
      tell(await visitor.ask(message));
    }
    assert.deepEqual(upstream.requests.at(-1).body.messages.map((m) => m.content), ['one', 'one!', 'two']);
  });
});

// ---- the fakes themselves: what the official clients read out of them. They bring a fetch() of their own along, which
// on Node.js 18 takes whole answers for broken ones.

test("OpenAI's own client reads the fake as the gateway does", async () => {
  const client = new OpenAI({ fetch, apiKey: 'none', baseURL: `${upstream.url}/v1`, maxRetries: 0 });
  upstream.onRequest(openai.stream(['Good ', 'day 😀'], { usage: [12, 5], reason: 'length' }));
  let text = '';
  let usage;
  let reason;
  for await (const part of await client.chat.completions.create({ model: 'm', messages: [], stream: true, stream_options: { include_usage: true } })) {
    text += part.choices[0]?.delta.content ?? '';
    reason = part.choices[0]?.finish_reason ?? reason;
    usage = part.usage ?? usage;
  }
  assert.deepEqual([text, reason, usage.prompt_tokens, usage.completion_tokens], ['Good day 😀', 'length', 12, 5]);
  upstream.onRequest(openai.whole('All at once.'));
  const whole = await client.chat.completions.create({ model: 'm', messages: [] });
  assert.equal(whole.choices[0].message.content, 'All at once.');
  upstream.onRequest(openai.events([openai.piece('Hel'), openai.error()]));
  await assert.rejects(async () => {
    for await (const part of await client.chat.completions.create({ model: 'm', messages: [], stream: true })) void part;
  }, OpenAI.APIError);
  upstream.onRequest(openai.refuse(429, { 'Retry-After': '40' }));
  await assert.rejects(client.chat.completions.create({ model: 'm', messages: [] }), OpenAI.RateLimitError);
});

test("Anthropic's own client reads the fake as the gateway does", async () => {
  const client = new Anthropic({ fetch, apiKey: 'none', baseURL: upstream.url, maxRetries: 0 });
  upstream.onRequest(anthropic.stream(['Good ', 'day 😀'], { usage: [25, 15], reason: 'max_tokens' }));
  const stream = client.messages.stream({ model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }] });
  const message = await stream.finalMessage();
  assert.deepEqual([message.content[0].text, message.stop_reason, message.usage.input_tokens, message.usage.output_tokens], ['Good day 😀', 'max_tokens', 25, 15]);
  upstream.onRequest(anthropic.whole('All at once.'));
  const whole = await client.messages.create({ model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }] });
  assert.equal(whole.content[0].text, 'All at once.');
  upstream.onRequest(anthropic.events([anthropic.start(), anthropic.error()]));
  await assert.rejects(client.messages.stream({ model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }] }).finalMessage(), Anthropic.APIError);
});
