// The face that n8n's own chat widget speaks to: what n8n sees of it, what the widget gets, and what neither does.

import assert from 'node:assert/strict';
import { createHash, createHmac, randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { chatTrigger, widgetOn } from '../harness/chat_trigger.mjs';
import { assertProblem, call, eventually, newVisitor, openSocket, plenty, sample } from '../harness/client.mjs';
import { answers, controlled, UPSTREAM_SECRET } from '../harness/fake_upstream.mjs';
import { runCommand } from '../harness/gateway.mjs';
import { useFakeUpstream } from '../harness/use_fake_upstream.mjs';
import { withGateway } from '../harness/with_gateway.mjs';

const jwtSecret = randomBytes(48).toString('base64');
const sessionSecret = randomBytes(48).toString('base64');
const upstream = await useFakeUpstream({ path: '/webhook/chat' });
const ULID = /[0-9A-HJKMNP-TV-Z]{26}/;

const env = (more = {}) => ({
  ...plenty,
  WORKERS: '1',
  N8N_WEBHOOK_URL: upstream.url,
  JWT_SECRET_KEY: jwtSecret,
  SESSION_SECRET_KEY: sessionSecret,
  ...more,
});
const gatewayWith = (more, body, options = {}) => withGateway({ env: env(more), ...options }, body);

/** The one call that n8n saw. */
function only() {
  assert.equal(upstream.requests.length, 1);
  return upstream.requests[0];
}

function claimsOf(token) {
  const [header, payload, signature] = token.split('.');
  assert.equal(createHmac('sha256', jwtSecret).update(`${header}.${payload}`).digest('base64url'), signature);
  return JSON.parse(Buffer.from(payload, 'base64url'));
}

/** A refusal as the widget shows it; gives its text. */
function assertShown(answer, code) {
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.headers['content-type'], 'application/json');
  assert.equal(answer.json.code, code, answer.text);
  assert.match(answer.json.output, new RegExp(`\\(${answer.json.error_id}\\)$`));
  assert.match(answer.json.error_id, ULID);
  return answer.json.output;
}

const png = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), randomBytes(600)]);

describe('a message', () => {
  test('reaches n8n as an object of our own, and its answer the widget', async () => {
    await gatewayWith({ N8N_API_KEY: 'n8n-key' }, async (gateway) => {
      const widget = widgetOn(gateway);
      const text = '  O\'Brien <b>"fragt"</b> \u{1f600}\n';
      const answer = await widget.send(text, { headers: { Cookie: 'a=b', 'X-Mine': 'c', Authorization: 'Basic eDp5' } });
      assert.deepEqual(answer.json, { output: 'Hello from the upstream.' });
      assert.equal(answer.headers['access-control-allow-origin'], gateway.url);
      const { method, path, headers, body } = only();
      assert.equal(`${method} ${path}`, 'POST /webhook/chat');
      assert.deepEqual(Object.keys(body), ['action', 'sessionId', 'chatInput', 'jwt_token']);
      assert.equal(body.action, 'sendMessage');
      assert.equal(body.chatInput, text);
      assert.match(body.sessionId, /^[A-Za-z0-9_-]{32}$/);
      assert.deepEqual(Object.keys(headers).sort(), [
        'accept', 'accept-encoding', 'authorization', 'content-length', 'content-type', 'host', 'idempotency-key', 'user-agent',
      ]);
      assert.equal(headers.authorization, 'Bearer n8n-key');
      const claims = claimsOf(body.jwt_token);
      assert.equal(claims.aud, 'n8n');
      assert.equal(claims.session_id, body.sessionId);
      assert.equal(claims.origin_domain, '127.0.0.1');
      assert.equal(claims.bh, createHash('sha256').update(text).digest('base64url'));
      assert.ok(!JSON.stringify(upstream.requests[0]).includes(widget.sessionId), 'n8n never sees the id that the browser holds');
      assert.ok(!gateway.log().includes(widget.sessionId));
    });
  });

  test('streams as the lines that the widget reads', async () => {
    await gatewayWith({}, async (gateway) => {
      const workflow = controlled();
      upstream.onRequest(workflow.handler);
      const opening = widgetOn(gateway).stream('Hi');
      await workflow.opened;
      await workflow.send('You ');
      const stream = await opening;
      assert.equal(stream.status, 200);
      await stream.next((e) => e.json.type === 'item');
      await workflow.send('are welcome.');
      await workflow.end();
      assert.equal(await stream.ended, 'end');
      assert.deepEqual(stream.types(), ['begin', 'item', 'item', 'end']);
      assert.equal(stream.text(), 'You are welcome.');
    });
  });

  test('gets the form that it asks for, whatever the workflow answers in', async () => {
    await gatewayWith({}, async (gateway) => {
      upstream.onRequest(answers.ndjson(['a', 'b']));
      assert.deepEqual((await widgetOn(gateway).send('x')).json, { output: 'ab' });
      upstream.onRequest(answers.object('text', 'whole'));
      const stream = await widgetOn(gateway).stream('x');
      await stream.ended;
      assert.deepEqual(stream.types(), ['begin', 'item', 'end']);
      assert.equal(stream.text(), 'whole');
    });
  });

  test('brings its metadata along byte by byte, and nothing of its query', async () => {
    await gatewayWith({}, async (gateway) => {
      const metadata = '{ "page": "/a?b", "price": 1.50, "big": 123456789012345678901234567890, "tags": ["x"] }';
      const widget = widgetOn(gateway, { path: '/webhook/chat?token=abc' });
      const answer = await widget.post(`{"action":"sendMessage","sessionId":"${widget.sessionId}","chatInput":"Hi","met\\u0061data":${metadata}}`);
      assert.equal(answer.status, 200, answer.text);
      const { raw, path } = only();
      assert.equal(path, '/webhook/chat');
      assert.ok(raw.toString().endsWith(`,"metadata":${metadata}}`), raw.toString());
    });
  });

  test('may name its members as the widget is set up', async () => {
    await gatewayWith({ N8N_SESSION_KEY: 'sid', N8N_INPUT_KEY: 'question' }, async (gateway) => {
      const answer = await widgetOn(gateway).post({ action: 'sendMessage', sid: randomUUID(), question: 'Hi' });
      assert.equal(answer.status, 200, answer.text);
      assert.deepEqual(Object.keys(only().body), ['action', 'sid', 'question', 'jwt_token']);
    });
  });

  test('ends with its visitor', async () => {
    await gatewayWith({}, async (gateway) => {
      const workflow = controlled();
      upstream.onRequest(workflow.handler);
      const opening = widgetOn(gateway).stream('Hi');
      const seen = await workflow.opened;
      await workflow.send('You ');
      (await opening).close();
      await eventually(() => seen.left(), { what: 'n8n is still being read' });
      await eventually(async () => (await sample(gateway, 'portcullis_chat_messages_total{outcome="cancelled"}')) === 1);
    });
  });

  test('is let end while the gateway drains, and cut with its workflow after the time for that', async () => {
    await gatewayWith({ SERVER_DRAIN_TIMEOUT: '500ms' }, async (gateway) => {
      const [quick, slow] = [controlled(), controlled()];
      upstream.onRequest(quick.handler);
      const answered = widgetOn(gateway).send('Hi');
      await quick.opened;
      upstream.onRequest(slow.handler);
      const cut = widgetOn(gateway).send('Hi').then((answer) => answer.json.code, (error) => error.code);
      const seen = await slow.opened;
      gateway.signal('SIGTERM');
      await quick.send('You are welcome.');
      await quick.end();
      assert.deepEqual((await answered).json, { output: 'You are welcome.' });
      assert.match(await cut, /ECONNRESET|UND_ERR_SOCKET|SHUTTING_DOWN/, 'cut, or told why');
      await eventually(() => seen.left());
    });
  });

  test('is found below the gateway\'s prefix', async () => {
    await gatewayWith({ GATEWAY_PREFIX: '/gw' }, async (gateway) => {
      assert.equal((await widgetOn(gateway, { path: '/gw/webhook/chat' }).send('Hi')).status, 200);
      assert.equal(only().path, '/webhook/chat');
    });
  });

  test('is one of a few in the making for its session', async () => {
    await gatewayWith({ UPSTREAM_RUNS_PER_SESSION: '1' }, async (gateway) => {
      const workflow = controlled();
      upstream.onRequest(workflow.handler);
      const widget = widgetOn(gateway);
      const first = widget.send('Hi');
      await workflow.opened;
      assertShown(await widget.send('And?'), 'RATE_LIMITED');
      await workflow.send('x');
      await workflow.end();
      assert.deepEqual((await first).json, { output: 'x' });
      assert.equal(upstream.requests.length, 1);
    });
  });
});

describe('what is passed', () => {
  test('is the webhook of the URL, its chat, and what is allowed; nothing else', async () => {
    await gatewayWith({ N8N_ALLOWED_PATHS: '/webhook/more/chat' }, async (gateway) => {
      for (const path of ['/webhook/chat', '/webhook-test/chat', '/webhook/more/chat']) {
        const answer = await widgetOn(gateway, { path }).send('Hi');
        assert.equal(answer.status, 200, `${path}: ${answer.text}`);
        assert.equal(upstream.requests.at(-1).path, path);
      }
      upstream.requests.length = 0;
      for (const path of ['/webhook/other', '/webhook/', '/webhook', '/webhook/more', '/webhook/chat/', '/webhook/chat/../other',
        '/webhook/%63hat', '/webhook//chat', '/form/chat', '/rest/login', '/webhook-waiting/1', '/chat']) {
        assertProblem(await widgetOn(gateway, { path }).send('Hi'), 404, 'NOT_FOUND');
      }
      assertProblem(await call(gateway, 'GET', '/webhook/chat'), 405, 'METHOD_NOT_ALLOWED');
      assert.equal(upstream.requests.length, 0);
    });
  });

  test('adds n8n\'s /chat to a webhook without it, and what stands before n8n\'s paths', async () => {
    await gatewayWith({ N8N_WEBHOOK_URL: upstream.url.replace('/webhook/chat', '/n8n/webhook/0a1b?x=y') }, async (gateway) => {
      for (const path of ['/webhook/0a1b', '/webhook/0a1b/chat']) {
        assert.equal((await widgetOn(gateway, { path }).send('Hi')).status, 200);
        assert.equal(upstream.requests.at(-1).path, `/n8n${path}`);
      }
    });
  });

  test('has no test webhooks in production, and no other site\'s', async () => {
    const yaml = `sites:\n  - id: shop\n    origins: [https://shop.example]\n    upstream: {url: "${upstream.url.replace('chat', 'shop')}", allowed_paths: [/webhook/extra]}\n`;
    const more = { SECURITY_ENVIRONMENT: 'production', SECURITY_REQUIRE_HTTPS: 'false', ALLOWED_HOSTS: '127.0.0.1', ALLOWED_ORIGINS: 'https://main.example' };
    await gatewayWith(more, async (gateway) => {
      const main = { origin: 'https://main.example' };
      const shop = { origin: 'https://shop.example' };
      assert.equal((await widgetOn(gateway, main).send('Hi')).status, 200);
      for (const path of ['/webhook/shop', '/webhook/extra']) {
        assert.equal((await widgetOn(gateway, { ...shop, path }).send('Hi')).status, 200);
        assertProblem(await widgetOn(gateway, { ...main, path }).send('Hi'), 404, 'NOT_FOUND');
      }
      assertProblem(await widgetOn(gateway, { ...shop }).send('Hi'), 404, 'NOT_FOUND');
      assertProblem(await widgetOn(gateway, { ...main, path: '/webhook-test/chat' }).send('Hi'), 404, 'NOT_FOUND');
      assert.equal(upstream.requests.length, 3);
    }, { yaml });
  });

  test('stands in check-config; a path that means something else is refused there', async () => {
    const good = await runCommand(['check-config'], { env: env({ N8N_ALLOWED_PATHS: '/webhook/a-1' }) });
    assert.equal(good.status, 0, good.stderr);
    for (const path of ['/webhook/a-1', '/webhook/chat', '/webhook-test/chat']) {
      assert.match(good.stdout, new RegExp(`POST +${path} +anonymous +chat +n8n_chat`));
    }
    for (const path of ['/rest/x', '/webhook/../rest', '/webhook/a?b', '/webhook/', 'webhook/a', '/webhook/%2e']) {
      const bad = await runCommand(['check-config'], { env: env({ N8N_ALLOWED_PATHS: path }) });
      assert.equal(bad.status, 2, path);
      assert.match(bad.stdout + bad.stderr, /N8N_ALLOWED_PATHS/);
    }
  });

  test('is asked for by a page of the site or by no page', async () => {
    await gatewayWith({}, async (gateway) => {
      const preflight = await call(gateway, 'OPTIONS', '/webhook/chat', {
        headers: { Origin: gateway.url, 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'content-type' },
      });
      assert.equal(preflight.status, 204);
      assert.equal(preflight.headers['access-control-allow-origin'], gateway.url);
      assert.match(preflight.headers['access-control-allow-methods'], /POST/);
      assert.equal((await widgetOn(gateway, { origin: null }).send('Hi')).status, 200);
      upstream.requests.length = 0;
      assertProblem(await widgetOn(gateway, { origin: 'https://evil.example' }).send('Hi'), 403, 'INVALID_ORIGIN');
      assert.equal(upstream.requests.length, 0);
    });
  });
});

describe("n8n's hosted page", () => {
  test('is passed only where that is set, under a policy of its own', async () => {
    await gatewayWith({ N8N_HOSTED_PAGE: 'true' }, async (gateway) => {
      const html = '<!doctype html><html><script type="module">createChat({})</script></html>';
      upstream.onRequest((request, response) => response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Set-Cookie': 'auth=n8n' }).end(html));
      const page = await call(gateway, 'GET', '/webhook/chat', { headers: { 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document', Cookie: 'a=b' } });
      assert.equal(page.status, 200);
      assert.equal(page.headers['content-type'], 'text/html; charset=utf-8');
      assert.equal(page.text, html);
      assert.equal(page.headers['set-cookie'], undefined);
      assert.match(page.headers['content-security-policy'], /script-src 'unsafe-inline' https:\/\/cdn\.jsdelivr\.net;.*connect-src 'self'.*frame-ancestors 'none'/);
      const { method, path, headers } = only();
      assert.equal(`${method} ${path}`, 'GET /webhook/chat');
      assert.equal(headers.cookie, undefined);
      upstream.onRequest(answers.html(500));
      assertProblem(await call(gateway, 'GET', '/webhook/chat'), 502, 'UPSTREAM_ERROR');
      upstream.onRequest(answers.object('output', UPSTREAM_SECRET));
      assertProblem(await call(gateway, 'GET', '/webhook/chat'), 502, 'UPSTREAM_ERROR');
    });
  });
});

/** Runs `before` on one gateway and `after` on the next one over the same data, with one workflow behind both. */
async function overARestart(before, after) {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
  upstream.onRequest(chatTrigger().handler);
  try {
    await gatewayWith({}, before, { folder });
    await gatewayWith({}, after, { folder });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('a session that the browser named', () => {
  test('keeps its history, over a restart too', async () => {
    let sessionId;
    await overARestart(async (gateway) => {
      const widget = widgetOn(gateway);
      ({ sessionId } = widget);
      assert.deepEqual((await widget.load()).json, { data: [] });
      await widget.send('First');
      const history = (await widget.load()).json.data;
      assert.deepEqual(history.map((m) => [m.id[2], m.kwargs.content]), [['HumanMessage', 'First'], ['AIMessage', 'You said: First']]);
    }, async (gateway) => {
      assert.equal((await widgetOn(gateway, { sessionId }).load()).json.data.length, 2);
    });
  });

  test('shows nothing to whoever stole its name, and stays its owner\'s', async () => {
    await gatewayWith({ TRUSTED_PROXIES: '127.0.0.1' }, async (gateway) => {
      const workflow = chatTrigger();
      upstream.onRequest(workflow.handler);
      const at = (address, agent, id) =>
        widgetOn(gateway, { sessionId: id, headers: { 'X-Forwarded-For': address, 'User-Agent': agent } });
      const owner = at('203.0.113.7', 'Browser/1');
      await owner.send('My secret is 4711');
      for (const [address, agent] of [['198.51.100.9', 'Browser/1'], ['203.0.113.7', 'Thief/1']]) {
        const thief = at(address, agent, owner.sessionId);
        const before = workflow.calls.length;
        assert.deepEqual((await thief.load()).json, { data: [] });
        assert.equal(workflow.calls.length, before, 'n8n is not even asked');
        await thief.send('What did I say?');
        assert.notEqual(workflow.calls.at(-1).sessionId, workflow.calls[0].sessionId);
        assert.ok(!(await thief.load()).text.includes('4711'));
      }
      const seen = new Set(workflow.calls.map((c) => c.sessionId));
      assert.equal(seen.size, 3);
      assert.equal((await owner.load()).json.data[0].kwargs.content, 'My secret is 4711');
      await owner.send('Still me');
      assert.equal(workflow.calls.at(-1).sessionId, workflow.calls[0].sessionId);
    });
  });

  test('shows nothing to a thief after a restart has forgotten its owner', async () => {
    let sessionId;
    await overARestart(async (gateway) => {
      const owner = widgetOn(gateway);
      ({ sessionId } = owner);
      await owner.send('My secret is 4711');
    }, async (gateway) => {
      const thief = widgetOn(gateway, { sessionId, headers: { 'User-Agent': 'Thief/1' } });
      assert.deepEqual((await thief.load()).json, { data: [] });
    });
  });

  test('is another one at another site', async () => {
    const yaml = `sites:\n  - id: shop\n    origins: [https://shop.example]\n    upstream: {url: "${upstream.url}"}\n`;
    await gatewayWith({}, async (gateway) => {
      const sessionId = randomUUID();
      await widgetOn(gateway, { sessionId }).send('Hi');
      await widgetOn(gateway, { sessionId, origin: 'https://shop.example' }).send('Hi');
      const [one, two] = upstream.requests.map((r) => r.body.sessionId);
      assert.notEqual(one, two);
    }, { yaml });
  });

  test('has the same rules on a slow store, and passes nothing on one that fails', async () => {
    await gatewayWith({ STATE_SIMULATE: 'slow' }, async (gateway) => {
      const owner = widgetOn(gateway);
      await owner.send('Hi');
      upstream.requests.length = 0;
      const thief = widgetOn(gateway, { sessionId: owner.sessionId, headers: { 'User-Agent': 'Thief/1' } });
      assert.deepEqual((await thief.load()).json, { data: [] });
      assert.equal(upstream.requests.length, 0);
    });
    await gatewayWith({ STATE_SIMULATE: 'failing' }, async (gateway) => {
      assertShown(await widgetOn(gateway).send('Hi'), 'STATE_UNAVAILABLE');
      assertShown(await widgetOn(gateway).load(), 'STATE_UNAVAILABLE');
      assertProblem(await widgetOn(gateway, { origin: null }).send('Hi'), 503, 'STATE_UNAVAILABLE');
      assert.equal(upstream.requests.length, 0);
    });
  });

  test('counts as one from its first message on', async () => {
    await gatewayWith({}, async (gateway) => {
      const active = async () => (await call(gateway, 'GET', '/health')).json.services.active_sessions;
      const widget = widgetOn(gateway);
      await widget.load();
      assert.equal(await active(), 0, 'a page that was only opened is none');
      await widget.send('Hi');
      await widget.send('Hi');
      await eventually(async () => (await active()) === 1);
    });
  });

  test('is refused where no further one can be held', async () => {
    await gatewayWith({ SESSION_MAX: '1' }, async (gateway) => {
      const visitor = await newVisitor(gateway);
      await visitor.ask('Hi');
      upstream.requests.length = 0;
      assertShown(await widgetOn(gateway).send('Hi'), 'SESSION_LIMIT');
      assert.equal(upstream.requests.length, 0);
    });
  });
});

describe('limits', () => {
  test('of the session are the visitor\'s, in the form that the widget shows', async () => {
    await gatewayWith({ RATE_LIMIT_SESSION_PER_MINUTE: '3' }, async (gateway) => {
      const widget = widgetOn(gateway, { headers: { 'Accept-Language': 'de-AT,en;q=0.5' } });
      for (let i = 0; i < 3; i++) {
        const answer = await widget.send('Hi');
        assert.equal(answer.json.output, 'Hello from the upstream.');
      }
      const refused = await widget.send('Hi');
      assert.match(assertShown(refused, 'RATE_LIMITED'), /^Das war viel in kurzer Zeit\./);
      assert.match(refused.headers['ratelimit-policy'], /"session-minute";q=3/);
      assert.ok(Number(refused.headers['retry-after']) >= 1);
      const stream = await widget.stream('Hi');
      await stream.ended;
      assert.deepEqual(stream.types(), ['begin', 'item', 'end']);
      assert.match(stream.text(), new RegExp(`^Das war viel.*\\(${ULID.source}\\)$`));
      const api = await widget.send('Hi', { headers: { Accept: 'application/problem+json' } });
      assertProblem(api, 429, 'RATE_LIMITED');
      assert.equal((await widget.load()).status, 200, 'history costs nothing there');
      assert.equal((await widgetOn(gateway).send('Hi')).json.output, 'Hello from the upstream.');
    });
  });

  test('of the address hold for messages and not for histories', async () => {
    await gatewayWith({ RATE_LIMIT_PER_MINUTE: '2' }, async (gateway) => {
      upstream.onRequest(chatTrigger().handler);
      for (let i = 0; i < 10; i++) assert.deepEqual((await widgetOn(gateway).load()).json, { data: [] });
      for (let i = 0; i < 2; i++) assert.equal((await widgetOn(gateway).send('Hi')).json.output, 'You said: Hi');
      assertShown(await widgetOn(gateway).send('Hi'), 'RATE_LIMITED');
    });
  });

  test('hold for streams', async () => {
    await gatewayWith({ STREAM_MAX_PER_SESSION: '1' }, async (gateway) => {
      const workflow = controlled();
      upstream.onRequest(workflow.handler);
      const widget = widgetOn(gateway);
      const opening = widget.stream('Hi');
      await workflow.opened;
      await workflow.send('You ');
      const open = await opening;
      const refused = await widget.stream('Hi');
      await refused.ended;
      assert.match(refused.text(), /^That was a lot/);
      open.close();
    });
  });
});

describe('a hostile request', () => {
  test('with a session of the chat API beside the one in the body is answered, and the gateway goes on', async () => {
    await withGateway({ env: { ...plenty, N8N_WEBHOOK_URL: upstream.url, LIMITS_IN_FLIGHT_PER_SESSION: '1' } }, async (gateway) => {
      upstream.onRequest(answers.object('output', 'Hello!'));
      const { token } = await newVisitor(gateway, { body: { delivery: 'bearer' } });
      for (let i = 0; i < 3; ++i) {
        const answer = await call(gateway, 'POST', new URL(upstream.url).pathname, { headers: { Origin: gateway.url, Authorization: `Bearer ${token}` }, body: { action: 'sendMessage', sessionId: 'b'.repeat(20), chatInput: 'Hi' } });
        assert.equal(answer.status, 200, answer.text);
      }
    });
  });

  const id = 'a'.repeat(20);
  const good = { action: 'sendMessage', sessionId: id, chatInput: 'Hi' };
  const cases = [
    ['an unknown action', 400, 'VALIDATION_FAILED', { ...good, action: 'runWorkflow' }],
    ['an action of another type', 422, 'SCHEMA_INVALID', { ...good, action: ['sendMessage'] }],
    ['no session', 422, 'SCHEMA_INVALID', { action: 'sendMessage', chatInput: 'Hi' }],
    ['a session of another type', 422, 'SCHEMA_INVALID', { ...good, sessionId: 12345678901234567890 }],
    ['a session that can be guessed', 400, 'VALIDATION_FAILED', { ...good, sessionId: 'a'.repeat(19) }],
    ['a session that is too long', 400, 'VALIDATION_FAILED', { ...good, sessionId: 'a'.repeat(65) }],
    ['a session with other characters', 400, 'VALIDATION_FAILED', { ...good, sessionId: `${'a'.repeat(20)}/../x` }],
    ['no message', 422, 'SCHEMA_INVALID', { action: 'sendMessage', sessionId: id }],
    ['a blank message', 400, 'VALIDATION_FAILED', { ...good, chatInput: ' \n' }],
    ['a message that is too long', 400, 'VALIDATION_FAILED', { ...good, chatInput: 'x'.repeat(10_001) }],
    ['a message of another type', 422, 'SCHEMA_INVALID', { ...good, chatInput: { $ne: null } }],
    ['a message where none belongs', 422, 'SCHEMA_INVALID', { ...good, action: 'loadPreviousSession' }],
    ['a member of n8n\'s own', 422, 'SCHEMA_INVALID', { ...good, jwt_token: 'x' }],
    ['an unknown member', 422, 'SCHEMA_INVALID', { ...good, executionId: '1' }],
    ['files in JSON', 422, 'SCHEMA_INVALID', { ...good, files: [{ fileName: 'a', data: 'b' }] }],
    ['metadata that is a string', 422, 'SCHEMA_INVALID', { ...good, metadata: '{}' }],
    ['metadata that is too long', 400, 'VALIDATION_FAILED', { ...good, metadata: { a: 'x'.repeat(4096) } }],
    ['metadata that is too deep', 400, 'VALIDATION_FAILED', { ...good, metadata: { a: { b: { c: { d: { e: 1 } } } } } }],
    ['metadata that names a prototype', 400, 'VALIDATION_FAILED', '{"action":"sendMessage","sessionId":"aaaaaaaaaaaaaaaaaaaa","chatInput":"Hi","metadata":{"__proto__":{"a":1}}}'],
    ['metadata with an odd key', 400, 'VALIDATION_FAILED', { ...good, metadata: { '={{$env}}': 1 } }],
    ['a key twice', 400, 'VALIDATION_FAILED', `{"action":"sendMessage","sessionId":"${id}","chatInput":"Hi","chatInput":"Ho"}`],
    ['no object', 422, 'SCHEMA_INVALID', '[]'],
    ['no JSON', 400, 'VALIDATION_FAILED', 'action=sendMessage'],
  ];
  for (const [name, status, code, body] of cases) {
    test(`with ${name} is refused before n8n sees it`, async () => {
      await gatewayWith({}, async (gateway) => {
        assertProblem(await widgetOn(gateway, { origin: null }).post(body), status, code);
        const shown = assertShown(await widgetOn(gateway).post(body), code);
        assert.ok(!shown.includes('SCHEMA'), 'the visitor reads no code');
        assert.equal(upstream.requests.length, 0);
      });
    });
  }

  test('that is not what it says is refused', async () => {
    await gatewayWith({}, async (gateway) => {
      const api = widgetOn(gateway, { origin: null });
      const json = JSON.stringify({ action: 'sendMessage', sessionId: api.sessionId, chatInput: 'Hi' });
      const form = `--b\r\nContent-Disposition: form-data; name="action"\r\n\r\nsendMessage\r\n--b--\r\n`;
      for (const [type, body, status, code] of [
        ['multipart/form-data; boundary=b', json, 400, 'VALIDATION_FAILED'],
        ['application/json', form, 400, 'VALIDATION_FAILED'],
        ['multipart/form-data', form, 400, 'BAD_REQUEST'],
        ['multipart/form-data; boundary=b; boundary=c', form, 400, 'BAD_REQUEST'],
        ['multipart/mixed; boundary=b', form, 415, 'UNSUPPORTED_MEDIA_TYPE'],
        ['application/x-www-form-urlencoded', 'chatInput=Hi', 415, 'UNSUPPORTED_MEDIA_TYPE'],
        ['text/plain', json, 415, 'UNSUPPORTED_MEDIA_TYPE'],
      ]) {
        assertProblem(await api.post(body, { 'Content-Type': type }), status, code);
      }
      assert.equal(upstream.requests.length, 0);
    });
  });

  test('that is too large is refused without being read', async () => {
    await gatewayWith({}, async (gateway) => {
      const socket = await openSocket(gateway.port);
      const head = (type, length) =>
        `POST /webhook/chat HTTP/1.1\r\nHost: 127.0.0.1:${gateway.port}\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\n\r\n`;
      await socket.send(head('multipart/form-data; boundary=b', 10 * 1024 * 1024 + 1));
      await socket.until(/^HTTP\/1\.1 413 /);
      socket.close();
      const other = await openSocket(gateway.port);
      await other.send(head('application/json', 1024 * 1024 + 1));
      await other.until(/^HTTP\/1\.1 413 /);
      other.close();
      assert.equal(upstream.requests.length, 0);
    });
  });
});

describe('files', () => {
  test('reach n8n as a form of our own, with their kind by their content', async () => {
    await gatewayWith({}, async (gateway) => {
      const workflow = chatTrigger();
      upstream.onRequest(workflow.handler);
      const widget = widgetOn(gateway);
      const answer = await widget.upload('Look', [
        { name: 'photo.png', type: 'text/html', content: png },
        { name: 'nötes.txt', type: 'application/x-msdownload', content: 'Grüße\r\n--x\r\n' },
      ], { fields: { metadata: '{"a": 1.0}' } });
      assert.deepEqual(answer.json, { output: 'You said: Look' });
      const [seen] = workflow.calls;
      assert.deepEqual(Object.keys(seen).sort(), ['action', 'chatInput', 'files', 'jwt_token', 'metadata', 'sessionId']);
      assert.equal(seen.metadata, '{"a": 1.0}');
      assert.notEqual(seen.sessionId, widget.sessionId);
      claimsOf(seen.jwt_token);
      assert.deepEqual(seen.files.map((f) => [f.name, f.type]), [['photo.png', 'image/png'], ['nötes.txt', 'text/plain']]);
      assert.ok(seen.files[0].bytes.equals(png));
      assert.equal(seen.files[1].bytes.toString(), 'Grüße\r\n--x\r\n');
      assert.ok(!only().raw.includes(widget.sessionId));
      const silent = await widget.upload('', [{ name: 'a.png', type: 'image/png', content: png }]);
      assert.equal(silent.status, 200, silent.text);
      assert.equal(silent.json.code, undefined, 'a file needs no words');
    });
  });

  const text = (name, content = 'hello') => ({ name, type: 'text/plain', content });
  const cases = [
    ['too many', 'SCHEMA_INVALID', Array.from({ length: 6 }, (_, i) => text(`${i}.txt`))],
    ['a page', 'UNSUPPORTED_MEDIA_TYPE', [text('a.txt', '<script>alert(1)</script>')]],
    ['a drawing that can run', 'UNSUPPORTED_MEDIA_TYPE', [text('a.svg', '<svg xmlns="http://www.w3.org/2000/svg"/>')]],
    ['a program', 'UNSUPPORTED_MEDIA_TYPE', [text('a.txt', Buffer.from('4d5a90000300', 'hex'))]],
    ['nothing in it', 'UNSUPPORTED_MEDIA_TYPE', [text('a.txt', '')]],
    ['another name than its content', 'UNSUPPORTED_MEDIA_TYPE', [text('a.exe', 'hello')]],
    ['a picture that is text', 'UNSUPPORTED_MEDIA_TYPE', [text('a.png', 'hello')]],
    ['a way out of its folder', 'VALIDATION_FAILED', [text('../a.txt')]],
    ['a hidden name', 'VALIDATION_FAILED', [text('.env')]],
    ['a name that turns around', 'VALIDATION_FAILED', [text('a\u202etxt.exe')]],
  ];
  for (const [name, code, files] of cases) {
    test(`with ${name} are refused before n8n sees them`, async () => {
      await gatewayWith({}, async (gateway) => {
        assertShown(await widgetOn(gateway).upload('Look', files), code);
        assert.equal(upstream.requests.length, 0);
      });
    });
  }

  test('need fields that the widget sends, each once', async () => {
    await gatewayWith({}, async (gateway) => {
      const widget = widgetOn(gateway);
      const files = [text('a.txt')];
      for (const fields of [{ action: 'loadPreviousSession' }, { jwt_token: 'x' }, { metadata: '[1]' }, { metadata: '{' }, { sessionId: 'short' }]) {
        const answer = await widget.upload('Look', files, { fields });
        assert.match(answer.json.code, /^(VALIDATION_FAILED|SCHEMA_INVALID)$/, JSON.stringify(fields));
      }
      assert.equal(upstream.requests.length, 0);
    });
  });

  test('have a bound in all', async () => {
    await gatewayWith({ LIMITS_FORMS_TOTAL: '10MiB' }, async (gateway) => {
      const workflow = controlled();
      upstream.onRequest(workflow.handler);
      const big = [text('a.txt', 'x'.repeat(6 << 20))];
      const first = widgetOn(gateway).upload('Look', big);
      await workflow.opened;
      assertShown(await widgetOn(gateway).upload('Look', big), 'RATE_LIMITED');
      assert.equal(upstream.requests.length, 1);
      await workflow.send('Seen.');
      await workflow.end();
      assert.deepEqual((await first).json, { output: 'Seen.' });
      upstream.onRequest(answers.object('output', 'Seen too.'));
      assert.deepEqual((await widgetOn(gateway).upload('Look', big)).json, { output: 'Seen too.' });
    });
  });

  test('can be switched off', async () => {
    await gatewayWith({ N8N_MAX_FILES: '0' }, async (gateway) => {
      assertShown(await widgetOn(gateway).upload('Look', [text('a.txt')]), 'UNSUPPORTED_MEDIA_TYPE');
      assert.equal(upstream.requests.length, 0);
      assert.equal((await widgetOn(gateway).send('Hi')).json.output, 'Hello from the upstream.');
    });
  });
});

describe('what n8n answers', () => {
  const bad = ['streamError', 'empty', 'html', 'stackTrace', 'errorObject', 'workflowStarted', 'executionStarted', 'notRegistered',
    'workflowError', 'redirect', 'noKnownField', 'brokenJson', 'gzip', 'garbage', 'closeWithoutAnswer'];
  for (const name of bad) {
    test(`never reaches the visitor as an answer: ${name}`, async () => {
      await gatewayWith({ UPSTREAM_TRIES: '1', DEBUG: 'false', SECURITY_ENVIRONMENT: 'development' }, async (gateway) => {
        upstream.onRequest(answers[name]());
        const plain = await widgetOn(gateway).send('Hi');
        const words = assertShown(plain, 'UPSTREAM_ERROR');
        assert.match(words, /^The chat is not available/);
        await eventually(() => gateway.log().includes(plain.json.error_id), { what: 'the id that the visitor sees is not in the log' });
        const stream = await widgetOn(gateway).stream('Hi');
        await stream.ended;
        assert.deepEqual(stream.types(), ['begin', 'item', 'end']);
        assert.match(stream.text(), /^The chat is not available/);
        const api = await widgetOn(gateway, { origin: null }).send('Hi');
        assertProblem(api, 502, 'UPSTREAM_ERROR');
        const history = await widgetOn(gateway).load();
        assert.equal(history.json.data, undefined);
        for (const answer of [plain.text, stream.raw(), api.text, history.text]) assert.ok(!answer.includes(UPSTREAM_SECRET));
      });
    });
  }

  test('is told apart where the workflow wants a socket that is not passed', async () => {
    await gatewayWith({}, async (gateway) => {
      upstream.onRequest(answers.executionStarted());
      await widgetOn(gateway).send('Hi');
      await eventually(() => gateway.log().includes("n8n's chat socket (response mode Using Response Nodes)"));
    });
  });

  test('that breaks in the middle is said so in the stream', async () => {
    await gatewayWith({}, async (gateway) => {
      upstream.onRequest(answers.cut(['You ']));
      const stream = await widgetOn(gateway).stream('Hi');
      assert.equal(await stream.ended, 'end');
      assert.deepEqual(stream.types(), ['begin', 'item', 'item', 'end']);
      assert.match(stream.text(), new RegExp(`^You \n\nThe chat is not available.*\\(${ULID.source}\\)$`, 's'));
    });
  });

  test('as a history holds what was said and nothing else', async () => {
    await gatewayWith({}, async (gateway) => {
      const entry = (role, content) => ({ lc: 1, type: 'constructor', id: ['langchain_core', 'messages', role], kwargs: { content, additional_kwargs: { key: UPSTREAM_SECRET } } });
      upstream.onRequest((request, response) => response.end(JSON.stringify({
        data: [entry('SystemMessage', UPSTREAM_SECRET), entry('HumanMessage', 'Hi'), entry('AIMessage', ''), entry('ToolMessage', UPSTREAM_SECRET),
          entry('AIMessage', [{ type: 'text', text: 'Hello' }, { type: 'image_url', image_url: UPSTREAM_SECRET }])],
        executionId: UPSTREAM_SECRET,
      })));
      const history = await widgetOn(gateway).load();
      assert.ok(!history.text.includes(UPSTREAM_SECRET));
      assert.deepEqual(history.json.data.map((m) => [m.id[2], m.kwargs.content]), [['HumanMessage', 'Hi'], ['AIMessage', 'Hello']]);
    });
  });
});

describe('the words of a refusal', () => {
  test('are the site\'s own where it has some, in the visitor\'s language', async () => {
    const yaml = `texts:\n  de: {SCHEMA_INVALID: "So geht das nicht."}\n  eo: {SCHEMA_INVALID: "Tio ne eblas."}\n`;
    await gatewayWith({}, async (gateway) => {
      const shown = async (language) =>
        (await widgetOn(gateway).post({}, { 'Accept-Language': language })).json.output.replace(/ \(.*/, '');
      assert.equal(await shown('de-CH, fr;q=0.9'), 'So geht das nicht.');
      assert.equal(await shown('eo'), 'Tio ne eblas.');
      assert.match(await shown('ja, pl;q=0.2, en;q=0.1'), /^Nie można przetworzyć/);
      assert.match(await shown('xx'), /^This message cannot be processed/);
    }, { yaml });
    const bad = await runCommand(['check-config'], { env: env(), yaml: 'texts:\n  de: {NO_SUCH_CODE: "x"}\n' });
    assert.equal(bad.status, 2);
    assert.match(bad.stdout + bad.stderr, /NO_SUCH_CODE is no error code/);
  });
});

test('an attack in a message, a field or the name of a file is refused before n8n sees it', async () => {
  await gatewayWith({}, async (gateway) => {
    const widget = widgetOn(gateway);
    const attack = '<script>alert(1)</script>';
    assertShown(await widget.send(attack), 'CONTENT_REFUSED');
    assertShown(await widget.upload(attack, []), 'CONTENT_REFUSED');
    assert.equal(upstream.requests.length, 0);
    assert.equal((await widget.send("Select a plan for O'Brien, please.")).json.output, 'Hello from the upstream.');
  });
});
