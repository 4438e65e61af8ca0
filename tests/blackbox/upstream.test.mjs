// The call to the assistant: what is sent, what is believed, when it is tried again, when it is held back.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { assertProblem, call, eventually, health, newVisitor, plenty, sample, ULID, within } from '../harness/client.mjs';
import { answers, closedPort, controlled, startFakeUpstream, UPSTREAM_SECRET } from '../harness/fake_upstream.mjs';
import { runCommand, startGateway } from '../harness/gateway.mjs';
import { PROVES } from '../harness/proves.mjs';
import { useFakeUpstream } from '../harness/use_fake_upstream.mjs';

const jwtSecret = 'upstream-signing-key-0123456789abcdef-0123456789abcdef-0123456789';
const sessionSecret = 'session-signing-key-9876543210fedcba-9876543210fedcba-9876543210';
const apiKey = 'n8n-api-key-5f0c2a';

const upstream = await useFakeUpstream({ path: '/webhook/chat?tenant=a%20b' });

/** Runs `use` with a gateway of its own; one worker, so that pools and counters are one. */
async function withGateway(env, use) {
  const gateway = await startGateway({
    env: { ...plenty, WORKERS: '1', N8N_WEBHOOK_URL: upstream.url, JWT_SECRET_KEY: jwtSecret, SESSION_SECRET_KEY: sessionSecret, ...env },
  });
  try {
    return await use(gateway);
  } finally {
    await gateway.stop();
  }
}

/** Checks an HS256 token with nothing but node:crypto, as n8n does with the shared key. */
function verifyJwt(token, secret) {
  const [header, payload, signature, ...more] = token.split('.');
  assert.equal(more.length, 0);
  const expected = createHmac('sha256', secret).update(`${header}.${payload}`).digest('base64url');
  assert.equal(signature, expected, 'the signature does not verify');
  return { header: JSON.parse(Buffer.from(header, 'base64url')), claims: JSON.parse(Buffer.from(payload, 'base64url')) };
}

const retries = (gateway) => sample(gateway, 'portcullis_upstream_retries_total{upstream="default"}');

describe('what is sent', () => {
  test(PROVES('F085') + 'is the payload of the chat proxy, exactly', async () => {
    await withGateway({ N8N_API_KEY: apiKey }, async (gateway) => {
      const visitor = await newVisitor(gateway, { headers: { 'User-Agent': 'Browser/1.0 (<b>"x"\')', 'Accept-Language': 'de' } });
      const before = Date.now() / 1000;
      const answer = await visitor.ask('Was kostet das?', { page_url: 'https://shop.example/p?a=1', context: { user_id: 'u-1' } });
      assert.equal(answer.status, 200);
      const [request] = upstream.requests;
      assert.equal(request.method, 'POST');
      assert.equal(request.path, '/webhook/chat?tenant=a%20b');
      const { body } = request;
      assert.deepEqual(Object.keys(body).sort(), ['context', 'jwt_token', 'message', 'message_id', 'session_id', 'timestamp']);
      assert.equal(body.message, 'Was kostet das?');
      assert.match(body.session_id, /^[A-Za-z0-9_-]{32}$/);
      assert.equal(body.message_id, answer.json.message_id);
      assert.equal(typeof body.timestamp, 'number');
      assert.ok(!Number.isInteger(body.timestamp) || body.timestamp % 1 === 0);
      assert.ok(body.timestamp >= before - 1 && body.timestamp <= Date.now() / 1000 + 1, 'seconds, not milliseconds');
      const { fingerprint } = body.context.security_context;
      assert.match(fingerprint, /^[0-9a-f]{32}$/);
      assert.deepEqual(body.context, {
        session_id: body.session_id,
        origin_domain: '127.0.0.1',
        page_url: 'https://shop.example/p?a=1',
        user_agent: 'Browser/1.0 (bx)',
        ip_address: '127.0.0.1',
        message_count: 1,
        security_context: { fingerprint, verified: true },
        user_context: { user_id: 'u-1' },
      });
      await visitor.ask('again');
      const second = upstream.requests[1].body;
      assert.equal(second.context.message_count, 2);
      assert.equal(second.context.user_context, undefined);
      assert.equal(second.session_id, body.session_id);
      assert.equal(second.context.security_context.fingerprint, fingerprint);
      assert.notEqual(second.message_id, body.message_id);
    });
  });

  test(PROVES('F085') + 'carries the headers of a JSON call and the API key as bearer', async () => {
    await withGateway({ N8N_API_KEY: apiKey }, async (gateway) => {
      const visitor = await newVisitor(gateway, { headers: { 'X-Custom': 'visitor', Via: '1.1 x' } });
      await visitor.ask('hello');
      const { headers, rawHeaders, raw } = upstream.requests[0];
      assert.deepEqual(Object.keys(headers).sort(), ['accept', 'accept-encoding', 'authorization', 'content-length', 'content-type', 'host', 'idempotency-key', 'user-agent']);
      assert.equal(rawHeaders.length, 16, 'none of them twice');
      assert.equal(headers.authorization, `Bearer ${apiKey}`);
      assert.equal(headers['content-type'], 'application/json');
      assert.equal(headers.host, `127.0.0.1:${upstream.port}`);
      assert.match(headers.accept, /text\/event-stream/);
      assert.equal(headers['accept-encoding'], 'identity');
      assert.match(headers['user-agent'], /^portcullis\/\d/);
      assert.equal(headers['content-length'], String(raw.length));
      assert.equal(headers['idempotency-key'], upstream.requests[0].body.message_id);
    });
  });

  test(PROVES('F085') + 'has no Authorization without N8N_API_KEY', async () => {
    await withGateway({}, async (gateway) => {
      await (await newVisitor(gateway)).ask('hello');
      assert.equal(upstream.requests[0].headers.authorization, undefined);
    });
  });

  test(PROVES('F100', 'F102', 'F169') + 'holds a token that n8n verifies with the shared key: HS256, for this message, for a minute', async () => {
    await withGateway({}, async (gateway) => {
      const visitor = await newVisitor(gateway);
      const before = Math.floor(Date.now() / 1000);
      await visitor.ask('Grüße 🙂');
      await visitor.ask('Grüße 🙂');
      const [first, second] = upstream.requests.map((request) => verifyJwt(request.body.jwt_token, jwtSecret));
      assert.deepEqual(first.header, { alg: 'HS256', typ: 'JWT' });
      const { claims } = first;
      assert.deepEqual(Object.keys(claims).sort(), ['aud', 'bh', 'exp', 'iat', 'iss', 'jti', 'nbf', 'origin_domain', 'session_id', 'sub', 'type']);
      assert.equal(claims.aud, 'n8n');
      assert.equal(claims.type, 'chat');
      assert.ok(claims.iat >= before && claims.iat <= before + 5);
      assert.equal(claims.exp - claims.iat, 60);
      assert.ok(claims.nbf <= claims.iat);
      assert.equal(claims.bh, createHash('sha256').update('Grüße 🙂').digest('base64url'));
      assert.equal(claims.session_id, upstream.requests[0].body.session_id);
      assert.ok(claims.jti.length >= 16);
      assert.notEqual(second.claims.jti, claims.jti);
      for (const personal of ['127.0.0.1:', 'fingerprint', 'user_agent', 'ip_address']) assert.ok(!JSON.stringify(claims).includes(personal));
      assert.throws(() => verifyJwt(upstream.requests[0].body.jwt_token, sessionSecret), /does not verify/);
    });
  });

  test(PROVES('F100') + 'JWT_EXPIRATION_SECONDS and a list of keys are honoured: the first signs', async () => {
    const other = 'another-signing-key-0123456789-0123456789-0123456789-0123456789';
    await withGateway({ JWT_EXPIRATION_SECONDS: '30', JWT_SECRET_KEY: `${other},${jwtSecret}` }, async (gateway) => {
      await (await newVisitor(gateway)).ask('hello');
      const { claims } = verifyJwt(upstream.requests[0].body.jwt_token, other);
      assert.equal(claims.exp - claims.iat, 30);
    });
  });

  test(PROVES('F100') + 'another algorithm than HS256 refuses to start', async () => {
    for (const algorithm of ['none', 'RS256', 'HS512', 'hs256 ']) {
      const { status, stderr } = await runCommand(['serve'], { env: { JWT_ALGORITHM: algorithm } });
      assert.equal(status, 2, algorithm);
      assert.match(stderr, /JWT_ALGORITHM/);
    }
  });
});

describe('secrets', () => {
  test(PROVES('F038', 'F102') + 'appear in no answer and no line of the log', async () => {
    await withGateway({ N8N_API_KEY: apiKey, LOG_LEVEL: 'debug', DEBUG: 'true', UPSTREAM_FIRST_BYTE_TIMEOUT: '200ms' }, async (gateway) => {
      const visitor = await newVisitor(gateway);
      const secretMessage = 'my-private-words-4711';
      const seen = [];
      for (const handler of [answers.object('output', 'secret-answer-0815'), answers.errorObject(), answers.status(401), answers.never(), answers.garbage()]) {
        upstream.onRequest(handler);
        seen.push((await visitor.ask(secretMessage)).text);
        const stream = await visitor.stream(secretMessage);
        await stream.ended;
        seen.push(stream.raw());
      }
      seen.push((await visitor.validate()).text, (await call(gateway, 'GET', '/health')).text, (await call({ url: gateway.opsUrl }, 'GET', '/metrics?format=prometheus')).text);
      seen.push((await call(gateway, 'POST', '/api/v1/chat/message', { headers: { ...visitor.headers, Cookie: `${visitor.headers.Cookie}x` }, body: { message: 'x' } })).text);
      await visitor.call('DELETE', '/api/v1/session/destroy');
      const log = gateway.log();
      const tokens = upstream.requests.map((request) => request.body.jwt_token);
      assert.ok(tokens.length > 0 && log.length > 1000);
      for (const secret of [jwtSecret, sessionSecret, apiKey, visitor.token, ...tokens]) {
        assert.ok(!log.includes(secret), 'in the log');
        for (const text of seen) assert.ok(!text.includes(secret), text);
      }
      for (const words of [secretMessage, 'secret-answer-0815', UPSTREAM_SECRET]) assert.ok(!log.includes(words), words);
    });
  });

  test(PROVES('F105') + 'are masked by check-config', async () => {
    const env = { JWT_SECRET_KEY: jwtSecret, SESSION_SECRET_KEY: sessionSecret, N8N_API_KEY: apiKey, N8N_WEBHOOK_URL: upstream.url };
    const { status, stdout, stderr } = await runCommand(['check-config'], { env });
    assert.equal(status, 0, stderr);
    for (const secret of [jwtSecret, sessionSecret, apiKey]) assert.ok(!`${stdout}${stderr}`.includes(secret));
    assert.match(stdout, /^jwt\.secret_key: /m);
  });
});

describe('a bad answer is never passed on', () => {
  let gateway;
  before(async () => {
    gateway = await startGateway({
      env: {
        ...plenty,
        WORKERS: '1',
        N8N_WEBHOOK_URL: upstream.url,
        UPSTREAM_FIRST_BYTE_TIMEOUT: '400ms',
        UPSTREAM_IDLE_TIMEOUT: '400ms',
        UPSTREAM_RETRY_DELAY: '5ms',
        UPSTREAM_TRIES: '2',
      },
    });
  });
  after(() => gateway?.stop());

  for (const [name, handler, status, code] of [
    ['an empty 200', answers.empty(), 502, 'UPSTREAM_ERROR'],
    ['a 204', answers.status(204), 502, 'UPSTREAM_ERROR'],
    ['an HTML page', answers.html(), 502, 'UPSTREAM_ERROR'],
    ['an HTML page with status 502', answers.html(502), 502, 'UPSTREAM_ERROR'],
    ['an HTML page under another type', answers.disguisedHtml(), 502, 'UPSTREAM_ERROR'],
    ['a stack trace', answers.stackTrace(), 502, 'UPSTREAM_ERROR'],
    ['a Python trace', answers.pythonTrace(), 502, 'UPSTREAM_ERROR'],
    ['an error object', answers.errorObject(), 502, 'UPSTREAM_ERROR'],
    ['an error event in the stream', answers.streamError(), 502, 'UPSTREAM_ERROR'],
    ['“Workflow was started”', answers.workflowStarted(), 502, 'UPSTREAM_ERROR'],
    ['executionStarted', answers.executionStarted(), 502, 'UPSTREAM_ERROR'],
    ['a webhook that is not registered', answers.notRegistered(), 502, 'UPSTREAM_ERROR'],
    ['“Error in workflow”', answers.workflowError(), 502, 'UPSTREAM_ERROR'],
    ['a plain 500', answers.status(500), 502, 'UPSTREAM_ERROR'],
    ['a 401', answers.status(401), 502, 'UPSTREAM_ERROR'],
    ['a 403', answers.status(403), 502, 'UPSTREAM_ERROR'],
    ['a redirect', answers.redirect(), 502, 'UPSTREAM_ERROR'],
    ['an object without a known field', answers.noKnownField(), 502, 'UPSTREAM_ERROR'],
    ['cut JSON', answers.brokenJson(), 502, 'UPSTREAM_ERROR'],
    ['a compressed body', answers.gzip(), 502, 'UPSTREAM_ERROR'],
    ['a huge answer', answers.huge(3 * 1024 * 1024), 502, 'UPSTREAM_ERROR'],
    ['garbage instead of HTTP', answers.garbage(), 502, 'UPSTREAM_ERROR'],
    ['two lengths', answers.twoLengths(), 502, 'UPSTREAM_ERROR'],
    ['a head without an end', answers.endlessHead(), 502, 'UPSTREAM_ERROR'],
    ['a connection closed without an answer', answers.closeWithoutAnswer(), 502, 'UPSTREAM_ERROR'],
    ['a connection cut mid-stream', answers.cut([`${UPSTREAM_SECRET} half`]), 502, 'UPSTREAM_ERROR', { partial: true }],
    ['a 429 with Retry-After', answers.status(429, { 'Retry-After': '0' }), 503, 'UPSTREAM_UNAVAILABLE'],
    ['a 503 with Retry-After', answers.status(503, { 'Retry-After': '0' }), 503, 'UPSTREAM_UNAVAILABLE'],
    ['a 503 without', answers.status(503), 503, 'UPSTREAM_UNAVAILABLE'],
    ['a 504', answers.status(504), 504, 'UPSTREAM_TIMEOUT'],
    ['no answer at all', answers.never(), 504, 'UPSTREAM_TIMEOUT'],
  ]) {
    test(PROVES('F065', 'F060') + name, async () => {
      // Good ones before and between keep the breaker closed and prove that the gateway is well.
      upstream.onRequest(answers.object('output', 'good'));
      for (let i = 0; i < 3; i++) assert.equal((await (await newVisitor(gateway)).ask('hello')).status, 200);
      upstream.onRequest(handler);
      const visitor = await newVisitor(gateway);
      const words = 'echo-me-not-3141';
      const json = await visitor.ask(words);
      assert.equal(json.status, status, json.text);
      const problem = assertProblem(json, status, code);
      assert.ok(!json.text.includes(UPSTREAM_SECRET) && !json.text.includes(words), json.text);
      if (status === 503) assert.ok(problem.retry_after >= 1);
      await eventually(() => gateway.log().includes(problem.error_id), { what: 'the event was not recorded' });
      assert.ok(!gateway.log().includes(UPSTREAM_SECRET));

      const stream = await visitor.stream(words);
      assert.equal(await within(5000, stream.ended), 'end');
      const types = stream.types();
      assert.equal(types[0], 'begin');
      assert.equal(types.at(-1), 'error', 'it says so');
      assert.ok(!types.includes('end'));
      const error = stream.events.findLast((event) => event.json?.type === 'error').json;
      assert.equal(error.code, code);
      assert.match(error.error_id, ULID);
      assert.ok(!stream.raw().includes(words));
      // Text that came before a break was an answer; whatever is no answer shows nothing at all.
      if (name !== 'a connection cut mid-stream' && name !== 'a huge answer') {
        assert.deepEqual(types, ['begin', 'error']);
        assert.ok(!stream.raw().includes(UPSTREAM_SECRET), stream.raw());
      }
      assert.deepEqual((await visitor.history()).json.messages.map((m) => m.role).filter((role) => role === 'assistant'), []);
    });
  }

  test(PROVES('F060', 'F222') + 'and DEBUG shows nothing of the upstream’s text either', async () => {
    await withGateway({ DEBUG: 'true' }, async (own) => {
      for (const handler of [answers.errorObject(), answers.notRegistered(), answers.stackTrace()]) {
        upstream.onRequest(handler);
        const answer = await (await newVisitor(own)).ask('hello');
        assertProblem(answer, 502, 'UPSTREAM_ERROR');
        assert.ok(!answer.text.includes(UPSTREAM_SECRET));
      }
    });
  });

  test('an error in the middle of a stream ends it with ours, after what was said', async () => {
    upstream.onRequest(answers.streamError(['so far ', 'so good']));
    const stream = await (await newVisitor(gateway)).stream('hello');
    assert.equal(await stream.ended, 'end');
    assert.deepEqual(stream.types(), ['begin', 'item', 'item', 'error']);
    assert.equal(stream.text(), 'so far so good');
    assert.ok(!stream.raw().includes(UPSTREAM_SECRET));
  });

  test('a null error or an error member that says false is no error', async () => {
    for (const value of [{ error: null, output: 'fine' }, { error: false, output: 'fine' }, { error: '', output: 'fine' }]) {
      upstream.onRequest((c, response) => response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(value)));
      const answer = await (await newVisitor(gateway)).ask('hello');
      assert.equal(answer.status, 200);
      assert.equal(answer.json.response, 'fine');
    }
  });

  test('the longest answer is UPSTREAM_MAX_ANSWER', async () => {
    await withGateway({ UPSTREAM_MAX_ANSWER: '64KiB' }, async (own) => {
      const visitor = await newVisitor(own);
      upstream.onRequest(answers.text('z'.repeat(64 * 1024)));
      const longest = await visitor.ask('hello');
      assert.equal(longest.status, 200);
      assert.equal(longest.json.response.length, 64 * 1024);
      upstream.onRequest(answers.text('z'.repeat(64 * 1024 + 1)));
      assertProblem(await visitor.ask('hello'), 502, 'UPSTREAM_ERROR');
    });
  });
});

describe('timeouts', () => {
  test(PROVES('F063') + 'no first byte in time is 504, tried once', async () => {
    await withGateway({ UPSTREAM_FIRST_BYTE_TIMEOUT: '300ms' }, async (gateway) => {
      upstream.onRequest(answers.never());
      const started = performance.now();
      assertProblem(await (await newVisitor(gateway)).ask('hello'), 504, 'UPSTREAM_TIMEOUT');
      const took = performance.now() - started;
      assert.ok(took >= 280 && took < 1500, `${took} ms`);
      assert.equal(upstream.requests.length, 1);
      await eventually(() => upstream.requests[0].left(), { what: 'the call was left hanging' });
      assert.equal(await retries(gateway), 0);
    });
  });

  test(PROVES('F063') + 'a head that trickles does not put the deadline off', async () => {
    await withGateway({ UPSTREAM_FIRST_BYTE_TIMEOUT: '400ms' }, async (gateway) => {
      upstream.onRequest((c, response) => {
        const bytes = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Long: '.split('');
        const timer = setInterval(() => response.socket?.destroyed === false && response.socket.write(bytes.shift() ?? 'x'), 50);
        response.on('close', () => clearInterval(timer));
      });
      const started = performance.now();
      assertProblem(await (await newVisitor(gateway)).ask('hello'), 504, 'UPSTREAM_TIMEOUT');
      assert.ok(performance.now() - started < 1500);
    });
  });

  test(PROVES('F063') + 'silence inside of an answer ends it: 504, or an error event', async () => {
    await withGateway({ UPSTREAM_IDLE_TIMEOUT: '300ms' }, async (gateway) => {
      const source = controlled();
      upstream.onRequest(source.handler);
      const visitor = await newVisitor(gateway);
      assertProblem(await visitor.ask('hello'), 504, 'UPSTREAM_TIMEOUT');
      const stream = await visitor.stream('hello');
      await within(3000, stream.ended);
      const error = stream.events.find((event) => event.json?.type === 'error').json;
      assert.equal(error.code, 'UPSTREAM_TIMEOUT');
    });
  });

  test(PROVES('F063') + 'an answer may take long where it is never silent for long', async () => {
    await withGateway({ UPSTREAM_IDLE_TIMEOUT: '400ms', UPSTREAM_FIRST_BYTE_TIMEOUT: '400ms' }, async (gateway) => {
      upstream.onRequest(answers.ndjson(Array.from({ length: 12 }, (_, i) => `${i} `), { pauseMs: 100 }));
      const answer = await (await newVisitor(gateway)).ask('hello');
      assert.equal(answer.status, 200);
      assert.equal(answer.json.response, '0 1 2 3 4 5 6 7 8 9 10 11 ');
    });
  });

  test(PROVES('F063') + 'a peer that accepts and never shakes hands is given up after the connect timeout', async () => {
    const sockets = new Set();
    const mute = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
    });
    await new Promise((resolve) => mute.listen(0, '127.0.0.1', resolve));
    try {
      await withGateway({ N8N_WEBHOOK_URL: `https://127.0.0.1:${mute.address().port}/webhook`, UPSTREAM_CONNECT_TIMEOUT: '200ms', UPSTREAM_TRIES: '1' }, async (gateway) => {
        const started = performance.now();
        assertProblem(await (await newVisitor(gateway)).ask('hello'), 504, 'UPSTREAM_TIMEOUT');
        const took = performance.now() - started;
        assert.ok(took >= 180 && took < 1500, `${took} ms`);
      });
    } finally {
      for (const socket of sockets) socket.destroy();
      mute.close();
    }
  });

  test(PROVES('F063') + 'are 30 s, 2 s and 120 s by default', async () => {
    const { stdout } = await runCommand(['check-config']);
    assert.match(stdout, /^upstream\.first_byte_timeout: 30s$/m);
    assert.match(stdout, /^upstream\.connect_timeout: 2s$/m);
    assert.match(stdout, /^upstream\.idle_timeout: 2m$/m);
  });
});

describe('the breaker', () => {
  const fail = async (gateway, times, handler = answers.status(500)) => {
    upstream.onRequest(handler);
    for (let i = 0; i < times; i++) {
      const answer = await (await newVisitor(gateway)).ask('hello');
      assert.ok([502, 504].includes(answer.status), `call ${i}: ${answer.text}`);
    }
  };
  const assertOpen = async (gateway) => {
    const before = upstream.requests.length;
    const problem = assertProblem(await (await newVisitor(gateway)).ask('hello'), 503, 'UPSTREAM_UNAVAILABLE');
    assert.equal(upstream.requests.length, before, 'the upstream was not asked');
    return problem;
  };

  test(PROVES('F061', 'F062') + 'opens at five failures, answers 503 with Retry-After, and says so in /health', async () => {
    await withGateway({}, async (gateway) => {
      await fail(gateway, 4);
      assert.equal(upstream.requests.length, 4);
      assert.equal((await health(gateway)).services.upstreams.default, 'unhealthy', 'the last call failed');
      await fail(gateway, 1);
      const problem = await assertOpen(gateway);
      assert.ok(problem.retry_after > 50 && problem.retry_after <= 60, String(problem.retry_after));
      const report = await health(gateway);
      assert.equal(report.status, 'unhealthy');
      assert.equal(report.services.upstreams.default, 'unhealthy');
      const stream = await (await newVisitor(gateway)).stream('hello');
      await stream.ended;
      assert.equal(stream.events.find((event) => event.json?.type === 'error').json.code, 'UPSTREAM_UNAVAILABLE');
      assert.equal(upstream.requests.length, 5);
    });
  });

  test('does not open for words that a visitor may have asked for', async () => {
    await withGateway({}, async (gateway) => {
      for (const words of ['TypeError: x', '<html></html>', 'Internal Server Error']) {
        await fail(gateway, 5, answers.object('output', words));
      }
      upstream.onRequest(answers.object('output', 'fine'));
      assert.equal((await (await newVisitor(gateway)).ask('hello')).status, 200);
    });
  });

  test(PROVES('F061') + 'a success in between starts the count anew', async () => {
    await withGateway({}, async (gateway) => {
      await fail(gateway, 4);
      upstream.onRequest(answers.object('output', 'ok'));
      assert.equal((await (await newVisitor(gateway)).ask('hello')).status, 200);
      await fail(gateway, 4);
      upstream.onRequest(answers.object('output', 'ok'));
      assert.equal((await (await newVisitor(gateway)).ask('hello')).status, 200);
    });
  });

  for (const [name, handler] of [
    ['timeouts', answers.never()],
    ['broken streams', answers.cut(['half'])],
    ['answers that are none', answers.workflowStarted()],
    ['404s', answers.notRegistered()],
  ]) {
    test(PROVES('F061') + `counts ${name}`, async () => {
      await withGateway({ UPSTREAM_FIRST_BYTE_TIMEOUT: '100ms' }, async (gateway) => {
        await fail(gateway, 5, handler);
        await assertOpen(gateway);
      });
    });
  }

  test(PROVES('F061') + 'counts streamed failures too', async () => {
    await withGateway({}, async (gateway) => {
      upstream.onRequest(answers.cut(['half an answer']));
      for (let i = 0; i < 5; i++) await (await (await newVisitor(gateway)).stream('hello')).ended;
      await assertOpen(gateway);
    });
  });

  test(PROVES('F061') + 'does not count clients that leave', async () => {
    await withGateway({}, async (gateway) => {
      upstream.onRequest(answers.never());
      for (let i = 0; i < 6; i++) {
        const aborter = new AbortController();
        const asked = (await newVisitor(gateway)).ask('hello', { signal: aborter.signal }).catch(() => {});
        await eventually(() => upstream.requests.length === i + 1);
        aborter.abort();
        await asked;
        await eventually(() => upstream.requests[i].left());
      }
      upstream.onRequest(answers.object('output', 'ok'));
      assert.equal((await (await newVisitor(gateway)).ask('hello')).status, 200);
    });
  });

  test(PROVES('F062') + 'lets one probe through when its time is over, and closes after three good ones', async () => {
    await withGateway({ UPSTREAM_BREAKER_OPEN: '500ms' }, async (gateway) => {
      await fail(gateway, 5);
      const opened = performance.now();
      await assertOpen(gateway);
      const source = controlled();
      upstream.onRequest([source.handler, answers.object('output', 'ok')]);
      const visitors = await Promise.all(Array.from({ length: 4 }, () => newVisitor(gateway)));
      let probe;
      await eventually(async () => {
        const asked = visitors[0].ask('probe');
        const first = await Promise.race([asked, source.opened.then(() => 'probing')]);
        if (first !== 'probing') return false;
        probe = asked;
        return true;
      });
      assert.ok(performance.now() - opened > 400, 'not before its time');
      assert.equal(upstream.requests.length, 6);
      // While the probe is out nobody else gets through.
      for (const answer of await Promise.all(visitors.slice(1).map((visitor) => visitor.ask('hello')))) {
        const problem = assertProblem(answer, 503, 'UPSTREAM_UNAVAILABLE');
        assert.ok(problem.retry_after >= 1);
      }
      assert.equal(upstream.requests.length, 6);
      await source.send('well again');
      await source.end();
      assert.equal((await probe).status, 200);
      for (let i = 0; i < 2; i++) assert.equal((await visitors[i].ask('hello')).status, 200);
      assert.equal((await health(gateway)).services.upstreams.default, 'healthy');
      // Closed: several at once, and four failures are let pass again.
      const several = await Promise.all(visitors.map((visitor) => visitor.ask('hello')));
      assert.deepEqual(several.map((answer) => answer.status), [200, 200, 200, 200]);
      await fail(gateway, 4);
      upstream.onRequest(answers.object('output', 'ok'));
      assert.equal((await visitors[0].ask('hello')).status, 200);
    });
  });

  test(PROVES('F062') + 'opens again after a failed probe', async () => {
    await withGateway({ UPSTREAM_BREAKER_OPEN: '300ms' }, async (gateway) => {
      await fail(gateway, 5);
      const opened = performance.now();
      await eventually(async () => {
        await (await newVisitor(gateway)).ask('probe');
        return upstream.requests.length === 6;
      });
      assert.ok(performance.now() - opened > 250);
      await assertOpen(gateway);
      assert.equal(upstream.requests.length, 6);
    });
  });

  test(PROVES('F062') + 'a probe whose client leaves does not hold the breaker for ever', async () => {
    await withGateway({ UPSTREAM_BREAKER_OPEN: '300ms' }, async (gateway) => {
      await fail(gateway, 5);
      upstream.onRequest(answers.never());
      const aborter = new AbortController();
      await eventually(async () => {
        const asked = (await newVisitor(gateway)).ask('probe', { signal: aborter.signal }).catch(() => {});
        await Promise.race([asked, eventually(() => upstream.requests.length === 6).catch(() => {})]);
        return upstream.requests.length === 6;
      });
      aborter.abort();
      await eventually(() => upstream.requests[5].left());
      upstream.onRequest(answers.object('output', 'ok'));
      await eventually(async () => (await (await newVisitor(gateway)).ask('hello')).status === 200);
    });
  });

  test(PROVES('F061') + 'one session cannot open it while others are served well', async () => {
    await withGateway({}, async (gateway) => {
      upstream.onRequest((c, response) => (c.body.message === 'break' ? answers.status(500)(c, response) : answers.object('output', 'ok')(c, response)));
      const [hostile, good] = [await newVisitor(gateway), await newVisitor(gateway)];
      assert.equal((await good.ask('hello')).status, 200);
      for (let i = 0; i < 30; i++) assertProblem(await hostile.ask('break'), 502, 'UPSTREAM_ERROR');
      assert.equal((await good.ask('hello')).status, 200);
      assert.equal((await hostile.ask('hello')).status, 200);
    });
  });

  test(PROVES('F061') + 'failures and time are configurable', async () => {
    await withGateway({ UPSTREAM_BREAKER_FAILURES: '2', UPSTREAM_BREAKER_OPEN: '10s' }, async (gateway) => {
      await fail(gateway, 2);
      const problem = await assertOpen(gateway);
      assert.ok(problem.retry_after >= 9 && problem.retry_after <= 10);
    });
  });

  test(PROVES('F061') + 'opens where half of twenty calls fail, though never two of them in a row', async () => {
    await withGateway({}, async (gateway) => {
      for (let i = 0; i < 9; i++) {
        await fail(gateway, 1);
        upstream.onRequest(answers.object('output', 'ok'));
        assert.equal((await (await newVisitor(gateway)).ask('hello')).status, 200, `call ${2 * i + 2}`);
      }
      upstream.onRequest(answers.object('output', 'ok'));
      assert.equal((await (await newVisitor(gateway)).ask('hello')).status, 200, 'call 19');
      assert.equal(await sample(gateway, 'portcullis_upstream_breaker_open'), 0);
      await fail(gateway, 1); // ten of twenty
      assert.equal(upstream.requests.length, 20);
      assert.equal(await sample(gateway, 'portcullis_upstream_breaker_open'), 1);
      const problem = await assertOpen(gateway);
      assert.ok(problem.retry_after > 50 && problem.retry_after <= 60, String(problem.retry_after));
      assert.equal((await health(gateway)).services.upstreams.default, 'unhealthy');
    });
  });

  test(PROVES('F061') + 'stays closed where fewer than half of the calls fail', async () => {
    await withGateway({}, async (gateway) => {
      for (let i = 0; i < 12; i++) {
        await fail(gateway, 1);
        upstream.onRequest(answers.object('output', 'ok'));
        for (let j = 0; j < 2; j++) assert.equal((await (await newVisitor(gateway)).ask('hello')).status, 200);
      }
      assert.equal(upstream.requests.length, 36);
      assert.equal(await sample(gateway, 'portcullis_upstream_breaker_open'), 0);
    });
  });

  test(PROVES('F061') + 'of one site leaves the other site alone', async () => {
    const second = await startFakeUpstream();
    const yaml = `sites:
  - id: first
    origins: [https://a.example]
    upstream: {kind: n8n, url: "${upstream.url}"}
  - id: second
    origins: [https://b.example]
    upstream: {kind: n8n, url: "${second.url}"}
`;
    const gateway = await startGateway({ env: { ...plenty, WORKERS: '1' }, yaml });
    try {
      const visit = (origin) => newVisitor(gateway, { origin, body: { delivery: 'bearer' } });
      upstream.onRequest(answers.status(500));
      for (let i = 0; i < 5; i++) assertProblem(await (await visit('https://a.example')).ask('hello'), 502, 'UPSTREAM_ERROR');
      assertProblem(await (await visit('https://a.example')).ask('hello'), 503, 'UPSTREAM_UNAVAILABLE');
      assert.equal((await (await visit('https://b.example')).ask('hello')).status, 200);
      assert.equal(second.requests.length, 1);
    } finally {
      await gateway.stop();
      await second.stop();
    }
  });
});

describe('retries', () => {
  test(PROVES('F071') + 'a refused connection is tried three times, then 503 with Retry-After', async () => {
    const url = `http://127.0.0.1:${await closedPort()}/webhook`;
    await withGateway({ N8N_WEBHOOK_URL: url, UPSTREAM_RETRY_DELAY: '40ms' }, async (gateway) => {
      const started = performance.now();
      const problem = assertProblem(await (await newVisitor(gateway)).ask('hello'), 503, 'UPSTREAM_UNAVAILABLE');
      const took = performance.now() - started;
      assert.equal(await retries(gateway), 2);
      assert.ok(problem.retry_after >= 1);
      // 40 ms and 80 ms, each between half and one and a half of it.
      assert.ok(took >= 58 && took < 1500, `${took} ms`);
    });
  });

  test(PROVES('F071') + 'UPSTREAM_TRIES bounds them', async () => {
    const url = `http://127.0.0.1:${await closedPort()}/webhook`;
    await withGateway({ N8N_WEBHOOK_URL: url, UPSTREAM_RETRY_DELAY: '1ms', UPSTREAM_TRIES: '1' }, async (gateway) => {
      assertProblem(await (await newVisitor(gateway)).ask('hello'), 503, 'UPSTREAM_UNAVAILABLE');
      assert.equal(await retries(gateway), 0);
    });
  });

  test(PROVES('F071') + 'a call that the upstream turned away with Retry-After is tried again, and the visitor notices nothing', async () => {
    await withGateway({ UPSTREAM_RETRY_DELAY: '5ms' }, async (gateway) => {
      for (const status of [503, 429]) {
        upstream.requests.length = 0;
        upstream.onRequest([answers.status(status, { 'Retry-After': '0' }), answers.status(status, { 'Retry-After': '0' }), answers.object('output', 'third time lucky')]);
        const answer = await (await newVisitor(gateway)).ask('hello');
        assert.equal(answer.status, 200, answer.text);
        assert.equal(answer.json.response, 'third time lucky');
        assert.equal(upstream.requests.length, 3);
        const ids = upstream.requests.map((request) => request.headers['idempotency-key']);
        assert.deepEqual(ids, [ids[0], ids[0], ids[0]], 'one key for all tries');
        for (const request of upstream.requests) assert.equal(request.body.message, 'hello');
      }
    });
  });

  test(PROVES('F071') + 'a stream’s begin event is not repeated by a retry', async () => {
    await withGateway({ UPSTREAM_RETRY_DELAY: '5ms' }, async (gateway) => {
      upstream.onRequest([answers.status(503, { 'Retry-After': '0' }), answers.ndjson(['a', 'b'])]);
      const stream = await (await newVisitor(gateway)).stream('hello');
      await stream.ended;
      assert.deepEqual(stream.types(), ['begin', 'item', 'item', 'end']);
    });
  });

  test(PROVES('F071') + 'Retry-After is honoured', async () => {
    await withGateway({ UPSTREAM_RETRY_DELAY: '5ms' }, async (gateway) => {
      upstream.onRequest([answers.status(503, { 'Retry-After': '1' }), answers.object('output', 'ok')]);
      const started = performance.now();
      assert.equal((await (await newVisitor(gateway)).ask('hello')).status, 200);
      const took = performance.now() - started;
      assert.ok(took >= 990 && took < 3000, `${took} ms`);
      // Longer than anyone would wait: the visitor is told instead.
      upstream.requests.length = 0;
      upstream.onRequest([answers.status(503, { 'Retry-After': '30' }), answers.object('output', 'ok')]);
      const problem = assertProblem(await (await newVisitor(gateway)).ask('hello'), 503, 'UPSTREAM_UNAVAILABLE');
      assert.equal(problem.retry_after, 30, 'the upstream knows best');
      assert.equal(upstream.requests.length, 1);
    });
  });

  test('Retry-After of one try is nothing to the next', async () => {
    const leaving = await startFakeUpstream();
    leaving.onRequest((call, response) => {
      response.on('finish', () => leaving.stop());
      return answers.status(503, { 'Retry-After': '2' })(call, response);
    });
    await withGateway({ N8N_WEBHOOK_URL: leaving.url, UPSTREAM_RETRY_DELAY: '5ms', UPSTREAM_TRIES: '2' }, async (gateway) => {
      const problem = assertProblem(await (await newVisitor(gateway)).ask('hello'), 503, 'UPSTREAM_UNAVAILABLE');
      assert.equal(await retries(gateway), 1);
      assert.equal(problem.retry_after, 1, 'nothing listens there any more, so nobody has asked for 2 s');
    });
  });

  test(PROVES('F071') + 'Retry-After may be a date', async () => {
    await withGateway({ UPSTREAM_RETRY_DELAY: '5ms' }, async (gateway) => {
      const busyUntil = (milliseconds) => answers.status(503, { 'Retry-After': new Date(milliseconds).toUTCString() });
      // Dates have whole seconds: this one is one to two seconds ahead.
      const until = (Math.floor(Date.now() / 1000) + 2) * 1000;
      upstream.onRequest([busyUntil(until), (call, response) => {
        call.at = Date.now();
        return answers.object('output', 'ok')(call, response);
      }]);
      assert.equal((await (await newVisitor(gateway)).ask('hello')).status, 200);
      assert.equal(upstream.requests.length, 2);
      assert.ok(upstream.requests[1].at >= until - 20, `asked again ${until - upstream.requests[1].at} ms too early`);
      // One that has passed lets the next try come at once; one far away is told to the visitor.
      upstream.onRequest([busyUntil(Date.now() - 60_000), answers.object('output', 'ok')]);
      const began = performance.now();
      assert.equal((await (await newVisitor(gateway)).ask('hello')).status, 200);
      assert.ok(performance.now() - began < 900);
      upstream.onRequest([busyUntil(Date.now() + 30_000), answers.object('output', 'must not be asked')]);
      const problem = assertProblem(await (await newVisitor(gateway)).ask('hello'), 503, 'UPSTREAM_UNAVAILABLE');
      assert.ok(problem.retry_after >= 28 && problem.retry_after <= 30, String(problem.retry_after));
      assert.equal(upstream.requests.length, 5);
    });
  });

  for (const [name, handler] of [
    ['a timeout', answers.never()],
    ['an answer that broke off', answers.cut(['half'])],
    ['a connection closed without an answer', answers.closeWithoutAnswer()],
    ['a 500', answers.status(500)],
    ['a 502', answers.status(502)],
    ['a 503 without Retry-After', answers.status(503)],
    ['a 503 whose Retry-After says nothing', answers.status(503, { 'Retry-After': 'soon' })],
    ['a 504', answers.status(504)],
    ['a 400', answers.status(400)],
    ['a 404', answers.notRegistered()],
    ['an error object', answers.errorObject()],
    ['an empty answer', answers.empty()],
  ]) {
    test(PROVES('F071') + `never after ${name}: it may have been executed`, async () => {
      await withGateway({ UPSTREAM_RETRY_DELAY: '1ms', UPSTREAM_FIRST_BYTE_TIMEOUT: '150ms' }, async (gateway) => {
        upstream.onRequest([handler, answers.object('output', 'must not be asked')]);
        const answer = await (await newVisitor(gateway)).ask('hello');
        assert.ok(answer.status >= 502, answer.text);
        assert.equal(upstream.requests.length, 1);
        assert.equal(await retries(gateway), 0);
      });
    });
  }

  test(PROVES('F071') + 'spend from a budget: a failing upstream is not buried under them', async () => {
    await withGateway({ UPSTREAM_RETRY_DELAY: '1ms', UPSTREAM_BREAKER_FAILURES: '1000' }, async (gateway) => {
      // 19 calls stay below the 20 that let the share of failures open the breaker.
      upstream.onRequest(answers.status(503, { 'Retry-After': '0' }));
      for (let i = 0; i < 19; i++) assert.equal((await (await newVisitor(gateway)).ask('hello')).status, 503);
      const extra = upstream.requests.length - 19;
      // Without a budget it would be 38; ten a minute and a fifth of the calls are allowed.
      assert.ok(extra >= 10 && extra <= 10 + 19 * 0.2 + 1, `${extra} retries`);
      assert.equal(await retries(gateway), extra);
    });
  });
});

describe('connections', () => {
  test(PROVES('F115') + 'are kept alive and used again', async () => {
    await withGateway({}, async (gateway) => {
      const before = upstream.accepted();
      const visitor = await newVisitor(gateway);
      for (const handler of [answers.object('output', 'a'), answers.ndjson(['a', 'b']), answers.sse(['a']), answers.text('a')]) {
        upstream.onRequest(handler);
        assert.equal((await visitor.ask('hello')).status, 200);
        await (await visitor.stream('hello')).ended;
      }
      assert.equal(upstream.accepted() - before, 1);
      assert.equal(upstream.requests.length, 8);
    });
  });

  test(PROVES('F115') + 'that the upstream has closed meanwhile are not used: no visitor pays for it', async () => {
    await withGateway({}, async (gateway) => {
      const visitor = await newVisitor(gateway);
      for (let round = 0; round < 5; round++) {
        const body = JSON.stringify({ output: `answer ${round}` });
        upstream.onRequest((c, { socket }) => {
          socket.write(`HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`, () => setImmediate(() => socket.destroySoon()));
        });
        const answer = await visitor.ask('hello');
        assert.equal(answer.status, 200, answer.text);
        await eventually(() => upstream.connections() === 0);
      }
      assert.equal(upstream.requests.length, 5);
    });
  });

  test(PROVES('F115') + 'after a failed answer are not used again', async () => {
    await withGateway({}, async (gateway) => {
      const visitor = await newVisitor(gateway);
      upstream.onRequest([answers.errorObject(), answers.object('output', 'ok')]);
      assert.equal((await visitor.ask('hello')).status, 502);
      assert.equal((await visitor.ask('hello')).status, 200);
      assert.equal((await visitor.ask('hello')).status, 200);
      assert.equal(upstream.requests[2].connection, upstream.requests[1].connection);
    });
  });

  test(PROVES('F115') + 'with bytes behind the answer are not used again: they would be the next answer', async () => {
    await withGateway({}, async (gateway) => {
      const visitor = await newVisitor(gateway);
      const body = '{"output":"mine"}';
      const smuggled = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{"output":"not mine"}'.replace('20', '21');
      upstream.onRequest([
        (c, response) => response.socket.write(`HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}${smuggled}`),
        answers.object('output', 'the real one'),
      ]);
      assert.equal((await visitor.ask('hello')).json.response, 'mine');
      assert.equal((await visitor.ask('hello')).json.response, 'the real one');
    });
  });

  test(PROVES('F115') + 'are at most UPSTREAM_MAX_CONNECTIONS; the others wait their turn', async () => {
    await withGateway({ UPSTREAM_MAX_CONNECTIONS: '3' }, async (gateway) => {
      await eventually(() => upstream.connections() === 0);
      const release = [];
      upstream.onRequest((c, response) => release.push(() => answers.object('output', 'ok')(c, response)));
      const visitors = await Promise.all(Array.from({ length: 7 }, () => newVisitor(gateway)));
      const asked = visitors.map((visitor) => visitor.ask('hello'));
      await eventually(() => release.length === 3);
      const done = within(5000, Promise.all(asked));
      let most = 0;
      while (release.length > 0 || upstream.requests.length < 7) {
        most = Math.max(most, upstream.connections());
        assert.ok(release.length <= 3);
        release.shift()?.();
        await new Promise((resolve) => setImmediate(resolve));
      }
      for (const answer of await done) assert.equal(answer.status, 200);
      assert.equal(most, 3);
    });
  });

  test(PROVES('F115') + 'waiting for one ends after the connect timeout with 503', async () => {
    await withGateway({ UPSTREAM_MAX_CONNECTIONS: '1', UPSTREAM_CONNECT_TIMEOUT: '200ms', UPSTREAM_TRIES: '1' }, async (gateway) => {
      const source = controlled();
      upstream.onRequest(source.handler);
      const [first, second] = [await newVisitor(gateway), await newVisitor(gateway)];
      const held = first.ask('hello');
      await source.opened;
      const started = performance.now();
      const problem = assertProblem(await second.ask('hello'), 503, 'UPSTREAM_UNAVAILABLE');
      assert.ok(performance.now() - started >= 180);
      assert.ok(problem.retry_after >= 1);
      await source.send('ok');
      await source.end();
      assert.equal((await held).status, 200);
      // Our own lack of connections is no failure of the upstream.
      assert.equal((await health(gateway)).services.upstreams.default, 'healthy');
    });
  });

  test(PROVES('F115') + 'are a hundred at most and twenty kept, by default', async () => {
    await withGateway({}, async (gateway) => {
      await eventually(() => upstream.connections() === 0);
      const held = [];
      upstream.onRequest((c, response) => held.push(() => answers.object('output', 'ok')(c, response)));
      const visitors = await Promise.all(Array.from({ length: 104 }, () => newVisitor(gateway)));
      const asked = Promise.all(visitors.map((visitor) => visitor.ask('hello')));
      await eventually(() => held.length === 100);
      assert.equal(upstream.connections(), 100);
      upstream.onRequest(answers.object('output', 'ok'));
      for (const answer of held) answer();
      for (const answer of await within(8000, asked)) assert.equal(answer.status, 200);
      await eventually(() => upstream.connections() === 20, { within: 3000, what: 'twenty should be kept' });
      await eventually(() => upstream.connections() === 0, { within: 8000, what: 'idle ones are closed before n8n closes them' });
    });
  });
});

describe('figures', () => {
  test(PROVES('F061', 'F115', 'F199') + 'the calls, the connections and the breaker stand in /metrics', async () => {
    await withGateway({ UPSTREAM_FIRST_BYTE_TIMEOUT: '100ms' }, async (gateway) => {
      const outcome = (name) => sample(gateway, `portcullis_upstream_requests_total{upstream="default",outcome="${name}"}`);
      const open = () => sample(gateway, 'portcullis_upstream_connections_open');
      const visitor = await newVisitor(gateway);
      assert.equal((await visitor.ask('hello')).status, 200);
      assert.equal(await open(), 1);
      assert.equal(await sample(gateway, 'portcullis_upstream_breaker_open'), 0);
      upstream.onRequest(answers.never());
      for (let i = 0; i < 2; i++) assert.equal((await (await newVisitor(gateway)).ask('hello')).status, 504);
      upstream.onRequest(answers.status(500));
      for (let i = 0; i < 3; i++) assert.equal((await (await newVisitor(gateway)).ask('hello')).status, 502);
      assert.equal((await visitor.ask('hello')).status, 503);
      assert.deepEqual([await outcome('ok'), await outcome('timeout'), await outcome('error'), await outcome('rejected')], [1, 2, 3, 1]);
      assert.equal(await sample(gateway, 'portcullis_upstream_breaker_open'), 1);
      assert.equal(await open(), 0);
      assert.equal(await sample(gateway, 'portcullis_chat_messages_total{outcome="answered"}'), 1);
      assert.equal(await sample(gateway, 'portcullis_chat_messages_total{outcome="failed"}'), 6);
    });
  });
});

describe('https', () => {
  let folder;
  const secure = {};
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'portcullis-tls-'));
    const openssl = (...args) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
    for (const ca of ['ca', 'otherca']) {
      openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', `/CN=test ${ca}`, '-keyout', `${ca}.key`, '-out', `${ca}.pem`);
    }
    const leaf = (name, san, days = '2') => {
      writeFileSync(join(folder, `${name}.ext`), `subjectAltName=${san}\nbasicConstraints=CA:FALSE\n`);
      openssl('req', '-newkey', 'rsa:2048', '-nodes', '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`);
      openssl('x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', days, '-extfile', `${name}.ext`, '-out', `${name}.pem`);
      return { key: readFileSync(join(folder, `${name}.key`)), cert: readFileSync(join(folder, `${name}.pem`)) };
    };
    secure.good = await startFakeUpstream({ tls: leaf('good', 'IP:127.0.0.1,DNS:localhost') });
    secure.wrong = await startFakeUpstream({ tls: leaf('wrong', 'DNS:other.example,IP:127.0.0.9') });
  });
  after(async () => {
    for (const server of Object.values(secure)) await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const env = (server, ca) => ({ N8N_WEBHOOK_URL: server.url, UPSTREAM_TRIES: '1', ...(ca ? { UPSTREAM_CA_FILE: join(folder, ca) } : {}) });

  test('an upstream whose authority stands in UPSTREAM_CA_FILE answers, streams and is kept alive', async () => {
    await withGateway(env(secure.good, 'ca.pem'), async (gateway) => {
      const visitor = await newVisitor(gateway);
      assert.equal((await visitor.ask('hello')).json.response, 'Hello from the upstream.');
      const source = controlled();
      secure.good.onRequest(source.handler);
      const stream = await visitor.stream('hello');
      await source.opened;
      await source.send('piece ');
      await stream.next((event) => event.json?.content === 'piece ', { within: 1500 });
      await source.end();
      await stream.ended;
      assert.deepEqual(stream.types(), ['begin', 'item', 'end']);
      assert.equal(secure.good.accepted(), 1);
      secure.good.onRequest(answers.text('x'.repeat(300_000)));
      assert.equal((await visitor.ask('hello')).json.response.length, 300_000);
    });
  });

  for (const scheme of ['http', 'https']) {
    test(`bytes beyond an answer never become the next visitor’s answer (${scheme})`, async () => {
      const server = scheme === 'http' ? upstream : secure.good;
      await withGateway(env(server, 'ca.pem'), async (gateway) => {
        const [first, second] = [await newVisitor(gateway), await newVisitor(gateway)];
        let sent;
        const wrote = new Promise((resolve) => (sent = resolve));
        const stray = JSON.stringify({ output: 'what the first visitor was told' });
        server.onRequest([
          async (call, response) => {
            const { socket } = response;
            await answers.object('output', 'first')(call, response);
            setTimeout(() => socket.write(`HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${stray.length}\r\n\r\n${stray}`, sent), 50);
          },
          answers.object('output', 'second'),
        ]);
        assert.equal((await first.ask('hello')).json.response, 'first');
        await within(5000, wrote, 'the stray bytes were not sent');
        await new Promise((resolve) => setTimeout(resolve, 100));
        assert.equal((await second.ask('hello')).json.response, 'second');
      });
    });
  }

  test('a client that leaves ends an https call too', async () => {
    await withGateway(env(secure.good, 'ca.pem'), async (gateway) => {
      secure.good.requests.length = 0;
      secure.good.onRequest(answers.never());
      const aborter = new AbortController();
      const asked = (await newVisitor(gateway)).ask('hello', { signal: aborter.signal }).catch(() => {});
      await eventually(() => secure.good.requests.length === 1);
      aborter.abort();
      await asked;
      await eventually(() => secure.good.requests[0].left(), { within: 1000 });
    });
  });

  for (const [name, server, ca] of [
    ['an authority that nobody knows', 'good', undefined],
    ['another authority', 'good', 'otherca.pem'],
    ['a certificate for another name', 'wrong', 'ca.pem'],
  ]) {
    test(`${name} is refused before a byte is sent`, async () => {
      secure[server].requests.length = 0;
      await withGateway(env(secure[server], ca), async (gateway) => {
        const answer = await (await newVisitor(gateway)).ask('hello');
        assertProblem(answer, 503, 'UPSTREAM_UNAVAILABLE');
        assert.equal(secure[server].requests.length, 0);
        await eventually(() => /certificate|verif/i.test(gateway.log()), { what: 'the log does not tell the operator why' });
      });
    });
  }

  test('plain http on an https port, and https on a plain one, are refused', async () => {
    for (const url of [secure.good.url.replace('https:', 'http:'), upstream.url.replace('http:', 'https:')]) {
      await withGateway({ ...env(secure.good, 'ca.pem'), N8N_WEBHOOK_URL: url }, async (gateway) => {
        const answer = await (await newVisitor(gateway)).ask('hello');
        assert.ok([502, 503].includes(answer.status), answer.text);
      });
    }
  });

  test('a CA file that cannot be read refuses to start', async () => {
    for (const file of [join(folder, 'nothing.pem'), join(folder, 'good.ext')]) {
      const { status, stderr } = await runCommand(['serve'], { env: { N8N_WEBHOOK_URL: secure.good.url, UPSTREAM_CA_FILE: file } });
      assert.equal(status, 2, stderr);
      assert.match(stderr, new RegExp(file.split('/').at(-1)));
    }
  });
});
