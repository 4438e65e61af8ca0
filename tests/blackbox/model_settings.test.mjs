// How language models are configured: keys and where they may go, sites, files, reloads.

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { eventually, newVisitor, plenty } from '../harness/client.mjs';
import { anthropic, openai } from '../harness/fake_models.mjs';
import { controlled } from '../harness/fake_upstream.mjs';
import { keepSecrets } from '../harness/secret_keeper.mjs';
import { useFakeUpstream } from '../harness/use_fake_upstream.mjs';

const upstream = await useFakeUpstream({ path: '' });
const keeper = keepSecrets();
const { newKey, tell } = keeper;

describe('settings of models', () => {
  test('a key alone is enough, and is masked', async () => {
    for (const [prefix, kind, url] of [['OPENAI', 'openai', 'https://api.openai.com/v1'], ['ANTHROPIC', 'anthropic', 'https://api.anthropic.com']]) {
      const result = await keeper.check({ env: { [`${prefix}_API_KEY`]: newKey() } });
      assert.equal(result.status, 0, result.stderr);
      assert.match(result.stdout, new RegExp(`^site default: upstream ${kind} ${url}`, 'm'));
    }
  });

  test('what would not work is refused, or warned about, before anything starts', async () => {
    const production = { SECURITY_ENVIRONMENT: 'production', ALLOWED_ORIGINS: 'https://a.example', JWT_SECRET_KEY: newKey() + newKey(), SESSION_SECRET_KEY: newKey() + newKey() };
    const cases = [
      [{ UPSTREAM_KIND: 'openai' }, 2, /OPENAI_API_KEY: is missing/],
      [{ UPSTREAM_KIND: 'anthropic' }, 2, /ANTHROPIC_API_KEY: is missing/],
      [{ UPSTREAM_KIND: 'openai', OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' }, 0, /OPENAI_API_KEY: is missing/],
      [{ OPENAI_API_KEY: newKey(), OPENAI_BASE_URL: 'http://models.example/v1' }, 0, /OPENAI_BASE_URL: is http/],
      [{ ...production, OPENAI_API_KEY: newKey(), OPENAI_BASE_URL: 'http://models.example/v1' }, 2, /OPENAI_BASE_URL: is http/],
      [{ ...production, OPENAI_API_KEY: newKey(), OPENAI_BASE_URL: 'http://models:8080/v1' }, 0, /OPENAI_BASE_URL: is http/],
      [{ ...production, ANTHROPIC_API_KEY: newKey(), ANTHROPIC_BASE_URL: 'http://192.168.7.4' }, 0, /ANTHROPIC_BASE_URL: is http/],
      [{ ...production, ANTHROPIC_API_KEY: newKey(), ANTHROPIC_BASE_URL: 'http://8.8.4.4' }, 2, /ANTHROPIC_BASE_URL: is http/],
      [{ OPENAI_API_KEY: newKey(), UPSTREAM_TEMPERATURE: '2.5' }, 2, /UPSTREAM_TEMPERATURE: '2\.5' is no number from 0 to 2/],
      [{ ANTHROPIC_API_KEY: newKey(), UPSTREAM_TEMPERATURE: '1.5' }, 2, /UPSTREAM_TEMPERATURE: is above 1/],
      [{ OPENAI_API_KEY: newKey(), UPSTREAM_ANSWER: '/text' }, 0, /upstream\.answer: is set, but no upstream is of the kind http/],
      [{ OPENAI_API_KEY: newKey(), OPENAI_MODEL: 'two words' }, 2, /OPENAI_MODEL: the name of a model/],
      [{ OPENAI_API_KEY: 'a key' }, 2, /OPENAI_API_KEY: a key has visible ASCII characters only/],
      [{ OPENAI_BASE_URL: 'https://user:pass@models.example' }, 2, /OPENAI_BASE_URL: user and password/],
      [{ UPSTREAM_KIND: 'gemini' }, 2, /UPSTREAM_KIND: 'gemini' is not one of auto, demo, n8n, openai, anthropic, http/],
      [{ OPENAI_API_KEY: newKey(), ANTHROPIC_API_KEY: newKey() }, 0, /UPSTREAM_KIND: is not set and several upstreams are: openai answers/],
    ];
    for (const [env, status, pattern] of cases) {
      const result = await keeper.check({ env });
      assert.equal(result.status, status, JSON.stringify(Object.keys(env)) + result.stderr);
      assert.match(result.stderr, pattern);
    }
  });

  test('a site has its own prompt and model, and a key goes to no other server than the one it was given for', async () => {
    const key = newKey();
    const yaml = `sites:
  - id: shop
    origins: https://shop.example
    upstream: { kind: anthropic, model: shop-model, system_prompt: Sell shoes., max_output_tokens: 9, history_tokens: 0 }
  - id: house
    origins: https://house.example
    upstream: { kind: openai, url: "${upstream.url}/own/v1" }
`;
    const env = { ...plenty, ALLOWED_HOSTS: '127.0.0.1', OPENAI_API_KEY: key, OPENAI_BASE_URL: `${upstream.url}/v1`, ANTHROPIC_API_KEY: key, ANTHROPIC_BASE_URL: upstream.url };
    await keeper.run({ yaml, env }, async (gateway) => {
      upstream.onRequest([anthropic.stream(['shoes']), openai.stream(['home'])]);
      tell(await (await newVisitor(gateway, { origin: 'https://shop.example' })).ask('Hi'));
      tell(await (await newVisitor(gateway, { origin: 'https://house.example' })).ask('Hi'));
      const [shop, house] = upstream.requests;
      assert.deepEqual([shop.path, shop.body.model, shop.body.system, shop.body.max_tokens], ['/v1/messages', 'shop-model', 'Sell shoes.', 9]);
      assert.equal(shop.headers['x-api-key'], key);
      assert.equal(house.path, '/own/v1/chat/completions');
      assert.equal(house.headers.authorization, undefined);
    });
  });

  test('keys have a file form, and a reload brings another key and model into force while an answer goes on', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'portcullis-'));
    try {
      const [file, first, second] = [join(folder, 'key'), newKey(), newKey()];
      await writeFile(file, `${first}\n`);
      const yaml = (model) => `openai:\n  model: ${model}\n`;
      await keeper.run({ yaml: yaml('old-model'), env: { ...plenty, OPENAI_API_KEY_FILE: file, OPENAI_BASE_URL: `${upstream.url}/v1` } }, async (gateway) => {
        const source = controlled({ head: { 'Content-Type': 'text/event-stream' }, first: openai.role() });
        upstream.onRequest(source.handler);
        const visitor = await newVisitor(gateway);
        const stream = await visitor.stream('Hi');
        const { body, headers } = await source.opened;
        assert.deepEqual([body.model, headers.authorization], ['old-model', `Bearer ${first}`]);

        await writeFile(file, second);
        await gateway.writeConfig(yaml('new-model'));
        gateway.signal('SIGHUP');
        await eventually(() => gateway.log().includes('configuration reloaded'), { what: 'the reload' });
        upstream.onRequest(openai.stream(['new']));
        assert.equal(tell(await visitor.ask('Hi')).json?.response, 'new');
        const { body: newBody, headers: newHeaders } = upstream.requests.at(-1);
        assert.deepEqual([newBody.model, newHeaders.authorization], ['new-model', `Bearer ${second}`]);

        await source.write(openai.piece('old') + openai.finish() + openai.done());
        source.response.end();
        assert.equal(await stream.ended, 'end');
        assert.equal(stream.text().replace('new', ''), 'old');
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
