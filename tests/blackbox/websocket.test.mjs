// The chat over WebSocket: how a session is shown, what is said, which limits there are, and how each connection ends.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import WebSocket from 'ws';
import { metrics, sample } from '../harness/client.mjs';
import { createProven, newKey } from '../harness/dpop.mjs';
import { eventually, expectProblem } from '../harness/expect.mjs';
import { answers, controlled, startFakeUpstream } from '../harness/fake_upstream.mjs';
import { startGateway } from '../harness/gateway.mjs';
import { PROVES } from '../harness/proves.mjs';
import { kMachinesWelcome, kOrigin, kWideLimits, openSession } from '../harness/visitor.mjs';
import { closeFrame, frame, kBinary, kText, openWebSocket } from '../harness/websocket.mjs';
import { request } from '../harness/wire.mjs';
import { withGateway, withUpstream } from '../harness/with_gateway.mjs';

const kTimeout = { timeout: 60_000 };
const kManySockets = { WEBSOCKET_MAX_PER_ADDRESS: '1000', WEBSOCKET_MESSAGES_PER_MINUTE: '100000' };
const kEnv = { ALLOWED_ORIGINS: kOrigin, REPUTATION_ENABLED: 'false', ...kWideLimits, ...kMachinesWelcome };
const kAnswer = { response: 'recorded' };

const text = (value) => frame(kText, typeof value === 'string' ? value : JSON.stringify(value));
const open = (gateway, { headers = {}, ...rest } = {}) => openWebSocket(gateway, { path: '/ws', headers: { Origin: kOrigin, ...headers }, ...rest });

/** A WebSocket that has shown its session. */
async function openChat(gateway, options = {}) {
  const token = await openSession(gateway);
  const socket = await open(gateway, { ...options, headers: { Authorization: `Bearer ${token}`, ...options.headers } });
  assert.equal(socket.answer.status, 101, socket.answer.text);
  return Object.assign(socket, { token });
}

/** What is said to a message, to its last event. */
async function answerTo(socket) {
  const events = [];
  do events.push(await socket.json());
  while (!['end', 'error'].includes(events.at(-1).type));
  return events;
}

function assertError(frame, code) {
  assert.equal(frame.type, 'error', JSON.stringify(frame));
  assert.equal(frame.code, code, JSON.stringify(frame));
  assert.ok(frame.message.length > 0);
  assert.match(frame.error_id, /^[0-9A-HJKMNP-TV-Z]{26}$/);
}

async function assertPing(socket) {
  socket.send(text({ type: 'ping' }));
  assert.deepEqual(await socket.json(), { type: 'pong' });
}

describe('a chat WebSocket', () => {
  let gateway;
  let upstream;
  before(async () => {
    upstream = await startFakeUpstream();
    gateway = await startGateway({ env: { ...kEnv, ...kManySockets, N8N_WEBHOOK_URL: upstream.url, WEBSOCKET_AUTH_TIMEOUT: '500ms', WEBSOCKET_PING_INTERVAL: '300ms' } });
  });
  after(async () => {
    await gateway.stop();
    await upstream.stop();
  });
  const says = (...pieces) => upstream.onRequest(answers.ndjson(pieces));

  test(PROVES('F183') + 'takes a session by header, cookie, protocol or first message, and echoes no token', kTimeout, async () => {
    says('Hel', 'lo');
    const token = await openSession(gateway);
    const created = await request(gateway, {
      method: 'POST',
      path: '/api/v1/session/create',
      headers: { Origin: kOrigin, 'Content-Type': 'application/json', 'Sec-Fetch-Site': 'same-origin' },
      body: { origin_domain: 'shop.example' },
    });
    assert.equal(created.status, 200, created.text);
    const cookie = created.header('Set-Cookie')?.split(';')[0];
    const forms = [
      { Authorization: `Bearer ${token}` },
      { 'Sec-WebSocket-Protocol': `portcullis.v1, bearer.${token}` },
      { 'Sec-WebSocket-Protocol': 'portcullis.v1' },
      ...(cookie ? [{ Cookie: cookie }] : []),
    ];
    for (const headers of forms) {
      const socket = await open(gateway, { headers });
      assert.equal(socket.answer.status, 101);
      assert.equal(socket.answer.header('Sec-WebSocket-Protocol'), headers['Sec-WebSocket-Protocol'] ? 'portcullis.v1' : undefined);
      if (headers['Sec-WebSocket-Protocol'] === 'portcullis.v1') socket.send(text({ type: 'auth', token }));
      socket.send(text({ type: 'message', message: 'Hello there' }));
      const events = await answerTo(socket);
      assert.deepEqual(events.map((event) => event.type), ['begin', 'item', 'item', 'end'], JSON.stringify(events));
      assert.equal(events.map((event) => event.content ?? '').join(''), 'Hello');
      assert.equal(new Set(events.map((event) => event.message_id)).size, 1);
      assert.ok(events.every((event, i) => i === 0 || event.id > events[i - 1].id));
      socket.send(closeFrame(1000));
      assert.equal(await socket.closed(), 1000);
    }
    assert.ok(!gateway.log().includes(token), 'no token in the log');
    for (const call of upstream.requests) assert.ok(!JSON.stringify(call).includes(token), 'nor upstream');
  });

  test('takes the ws package as its client', kTimeout, async () => {
    says('Hi');
    const token = await openSession(gateway);
    const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/ws`, ['portcullis.v1', `bearer.${token}`], { origin: kOrigin });
    const events = [];
    const closed = new Promise((resolve) => socket.on('close', (code) => resolve(code)));
    socket.on('open', () => socket.send(JSON.stringify({ type: 'message', message: 'Hello there' })));
    socket.on('message', (data) => {
      events.push(JSON.parse(data));
      if (events.at(-1).type === 'end') socket.close(1000);
    });
    assert.equal(await closed, 1000);
    assert.equal(socket.protocol, 'portcullis.v1');
    assert.equal(socket.extensions, '', 'no compression');
    assert.deepEqual(events.map((event) => event.type), ['begin', 'item', 'end']);
  });

  test(PROVES('F180', 'F183') + 'ends with an error frame and 1008 where the session is bad or missing', kTimeout, async () => {
    for (const headers of [{ Authorization: 'Bearer pcs_nonsense' }, { 'Sec-WebSocket-Protocol': 'portcullis.v1, bearer.pcs_nonsense' }, {}]) {
      const socket = await open(gateway, { headers });
      assertError(await socket.json(), 'SESSION_INVALID');
      assert.equal(await socket.closed(), 1008);
    }
    const late = await open(gateway);
    late.send(text({ type: 'auth', token: 'pcs_nonsense' }));
    assertError(await late.json(), 'SESSION_INVALID');
    assert.equal(await late.closed(), 1008);
    const early = await open(gateway);
    early.send(text({ type: 'message', message: 'before a session' }));
    assertError(await early.json(), 'SESSION_INVALID');
    early.destroy();
  });

  test('refuses a foreign page before the upgrade', kTimeout, async () => {
    const token = await openSession(gateway);
    for (const headers of [{ Origin: 'https://evil.example' }, { Origin: undefined }, { Origin: 'null' }]) {
      const { answer } = await open(gateway, { headers: { Authorization: `Bearer ${token}`, ...headers } });
      expectProblem(answer, 403, 'INVALID_ORIGIN');
    }
    const fetched = await open(gateway, { headers: { Authorization: `Bearer ${token}`, 'Sec-Fetch-Dest': 'websocket', 'Sec-Fetch-Mode': 'websocket' } });
    await assertPing(fetched);
    fetched.destroy();
  });

  test('is opened by its handshake alone', kTimeout, async () => {
    const plain = await request(gateway, { path: '/ws', headers: { Origin: kOrigin } });
    expectProblem(plain, 426, 'UPGRADE_REQUIRED');
    assert.equal(plain.header('Sec-WebSocket-Version'), '13');
    assert.equal(plain.header('Upgrade'), 'websocket');
    const old = await open(gateway, { headers: { 'Sec-WebSocket-Version': '8' } });
    expectProblem(old.answer, 426, 'UPGRADE_REQUIRED');
    for (const headers of [{ 'Sec-WebSocket-Key': 'short' }, { 'Sec-WebSocket-Key': undefined }, { 'Content-Length': '0', 'Sec-WebSocket-Key': ['a', 'b'] }]) {
      expectProblem((await open(gateway, { headers })).answer, 400, 'BAD_REQUEST');
    }
  });

  test(PROVES('F181') + 'answers what is no JSON object of a known type with an error frame, and stays', kTimeout, async () => {
    const socket = await openChat(gateway);
    for (const [bad, code] of [
      ['not json', 'VALIDATION_FAILED'],
      ['[1,2]', 'VALIDATION_FAILED'],
      ['"text"', 'VALIDATION_FAILED'],
      ['{"type":"ping","type":"message"}', 'VALIDATION_FAILED'],
      [{ type: 'other' }, 'SCHEMA_INVALID'],
      [{ type: 'message' }, 'SCHEMA_INVALID'],
      [{ type: 'message', message: ' ' }, 'VALIDATION_FAILED'],
      [{ type: 'resume', last_event_id: 'x' }, 'SCHEMA_INVALID'],
    ]) {
      socket.send(text(bad));
      assertError(await socket.json(), code);
    }
    await assertPing(socket);
    socket.destroy();
  });

  test(PROVES('F184', { guard: 'content' }) + 'refuses an attack with an error frame, and stays', kTimeout, async () => {
    says('fine');
    const socket = await openChat(gateway);
    for (const attack of ["'; DROP TABLE sessions; --", '<script>alert(1)</script>']) {
      socket.send(text({ type: 'message', message: attack }));
      assertError(await socket.json(), 'CONTENT_REFUSED');
    }
    socket.send(text({ type: 'message', message: 'My prescription: evaluate the location. Then call me about the subscription.' }));
    assert.equal((await answerTo(socket)).at(-1).type, 'end');
    socket.destroy();
  });

  test(PROVES('F185') + 'ends with 1009 beyond 64 KiB, 1003 for binary, 1007 for what is no text, 1002 for bad frames', kTimeout, async () => {
    const ends = async (bytes, code) => {
      const socket = await openChat(gateway);
      socket.send(bytes);
      assert.equal(await socket.closed(), code);
      assert.equal(socket.ended, 'end');
    };
    const fits = await openChat(gateway);
    fits.send(text(JSON.stringify({ type: 'ping', pad: '' }).padEnd(64 * 1024, ' ')));
    assert.deepEqual(await fits.json(), { type: 'pong' });
    fits.destroy();
    await ends(frame(kText, 'x'.repeat(64 * 1024 + 1)), 1009);
    await ends(frame(kText, 'é'.repeat(33 * 1024)), 1009); // counted in bytes
    await ends(frame(kBinary, '{"type":"ping"}'), 1003);
    await ends(frame(kText, Buffer.from([0x22, 0xff, 0x22])), 1007);
    await ends(frame(kText, 'x', { masked: false }), 1002);
    await ends(frame(kText, 'x', { rsv: 4 }), 1002);
  });

  test('reads fragments, with a ping between them', kTimeout, async () => {
    const socket = await openChat(gateway);
    socket.send(frame(kText, '{"type":', { fin: false }), frame(9, 'mid'), frame(0, '"ping"}'));
    const pong = await socket.message();
    assert.deepEqual([pong.opcode, pong.payload.toString()], [10, 'mid']);
    assert.deepEqual(await socket.json(), { type: 'pong' });
    socket.destroy();
  });

  test('resumes behind an event, and then reads all events of the session once', kTimeout, async () => {
    says('one', 'two');
    const socket = await openChat(gateway);
    socket.send(text({ type: 'message', message: 'A first question' }));
    const first = await answerTo(socket);
    const second = await open(gateway, { headers: { Authorization: `Bearer ${socket.token}` } });
    second.send(text({ type: 'resume', last_event_id: String(first[1].id) }));
    assert.deepEqual([await second.json(), await second.json()], first.slice(2));
    says('three');
    second.send(text({ type: 'message', message: 'A second question' }));
    const next = await answerTo(second);
    assert.deepEqual(next.map((event) => event.type), ['begin', 'item', 'end']);
    await assertPing(second); // nothing came twice
    second.send(text({ type: 'resume', last_event_id: '1' }));
    assert.equal((await second.json()).type, 'reset');
    socket.destroy();
    second.destroy();
  });

  test('ends with 4401 when its session is ended elsewhere', kTimeout, async () => {
    const socket = await openChat(gateway);
    await assertPing(socket);
    const headers = { Origin: kOrigin, Authorization: `Bearer ${socket.token}` };
    const ended = await request(gateway, { method: 'DELETE', path: '/api/v1/session/destroy', headers });
    assert.equal(ended.status, 200, ended.text);
    assert.equal((await socket.json()).code, 'SESSION_INVALID');
    assert.equal(await socket.closed(), 4401);
  });

  test('answers pings of its own clients and sends some itself', kTimeout, async () => {
    const socket = await openChat(gateway);
    const ping = await socket.frame();
    assert.equal(ping.opcode, 9);
    socket.send(frame(10, ping.payload));
    assert.equal((await socket.frame()).opcode, 9);
    socket.destroy();
  });
});

test(PROVES('F135', 'F180', 'F220') + 'ten WebSockets of an address, and each gives its place back however it ends', kTimeout, async () => {
  await withUpstream(kEnv, async (gateway) => {
    const token = await openSession(gateway);
    const headers = { Authorization: `Bearer ${token}` };
    for (let i = 0; i < 30; ++i) {
      assert.equal((await request(gateway, { path: '/ws', headers: { Origin: kOrigin } })).status, 426, 'is no WebSocket, and counts as none');
    }
    const ends = [
      async (socket) => socket.destroy(),
      async (socket) => assert.equal(await socket.send(closeFrame(1000)).closed(), 1000),
      async (socket) => assert.equal(await socket.send(frame(kText, 'x', { masked: false })).closed(), 1002),
      async (socket) => assert.equal(await socket.send(frame(kBinary)).closed(), 1003),
    ];
    for (const end of ends) {
      const sockets = [];
      for (let i = 0; i < 10; ++i) {
        const socket = await open(gateway, { headers });
        assert.equal(socket.answer.status, 101, socket.answer.text);
        sockets.push(socket);
      }
      const { answer } = await open(gateway, { headers });
      expectProblem(answer, 429, 'RATE_LIMITED');
      for (const socket of sockets) await end(socket);
      await eventually(async () => (await metrics(gateway)).websockets.total_connections === 0, { what: 'all places are free' });
    }
    for (let i = 0; i < 12; ++i) {
      const bad = await open(gateway, { headers: { Authorization: 'Bearer pcs_bad' } });
      await bad.json();
      assert.equal(await bad.closed(), 1008, 'bad tokens hold no place');
    }
  });
});

test('a thousand WebSockets in all, or as many as the settings say', kTimeout, async () => {
  await withUpstream({ ...kEnv, ...kManySockets, WEBSOCKET_MAX: '3' }, async (gateway) => {
    const sockets = [await openChat(gateway), await openChat(gateway), await openChat(gateway)];
    expectProblem((await open(gateway)).answer, 503, 'STREAM_LIMIT');
    for (const socket of sockets) socket.destroy();
  });
});

test(PROVES('F136', 'F182', 'F220') + 'twenty messages at once, one a second after that, and who goes on ends with 4429', kTimeout, async () => {
  await withUpstream(kEnv, async (gateway) => {
    const socket = await openChat(gateway);
    for (let i = 0; i < 20; ++i) await assertPing(socket);
    for (let i = 0; i < 9; ++i) {
      socket.send(text({ type: 'ping' }));
      const refused = await socket.json();
      assertError(refused, 'RATE_LIMITED');
      assert.ok(refused.retry_after >= 1);
    }
    socket.send(text({ type: 'ping' }));
    assertError(await socket.json(), 'RATE_LIMITED');
    assert.equal(await socket.closed(), 4429);
  });
});

test('the tenth bad message within a minute ends it with 1008', kTimeout, async () => {
  await withUpstream(kEnv, async (gateway) => {
    const socket = await openChat(gateway);
    for (let i = 0; i < 10; ++i) {
      socket.send(text('nonsense'));
      assertError(await socket.json(), 'VALIDATION_FAILED');
    }
    assert.equal(await socket.closed(), 1008);
  });
});

test("messages pass the limits of the chat: the session's per minute", kTimeout, async () => {
  await withUpstream({ ...kEnv, ...kManySockets, RATE_LIMIT_SESSION_PER_MINUTE: '3' }, async (gateway) => {
    const socket = await openChat(gateway);
    for (let i = 0; i < 3; ++i) {
      socket.send(text({ type: 'message', message: `Question number ${i}` }));
      assert.equal((await answerTo(socket)).at(-1).type, 'end');
    }
    socket.send(text({ type: 'message', message: 'One too many' }));
    const refused = await socket.json();
    assertError(refused, 'RATE_LIMITED');
    assert.ok(refused.retry_after > 0);
    await assertPing(socket);
    socket.destroy();
  });
});

test('ends with 4401 when the session expires while it is open', kTimeout, async () => {
  await withUpstream({ ...kEnv, SESSION_LIFE: '2s' }, async (gateway) => {
    const socket = await openChat(gateway);
    await assertPing(socket);
    assert.equal(await socket.closed(), 4401);
  });
});

test('ends with 4408 when nothing is said, and without a word when a ping is not answered', kTimeout, async () => {
  await withUpstream({ ...kEnv, WEBSOCKET_IDLE_TIMEOUT: '300ms' }, async (gateway) => {
    assert.equal(await (await openChat(gateway)).closed(), 4408);
  });
  await withUpstream({ ...kEnv, WEBSOCKET_PING_INTERVAL: '200ms' }, async (gateway) => {
    const socket = await openChat(gateway);
    assert.equal((await socket.frame()).opcode, 9);
    await socket.dropped(5000);
    await eventually(async () => (await metrics(gateway)).websockets.total_connections === 0, { what: 'its place is free' });
  });
});

test('a drain lets an answer come to its end, then says 1012', kTimeout, async () => {
  const upstream = await startFakeUpstream();
  const gateway = await startGateway({ env: { ...kEnv, N8N_WEBHOOK_URL: upstream.url } });
  try {
    const idle = await openChat(gateway);
    await assertPing(idle);
    const stream = controlled();
    upstream.onRequest(stream.handler);
    const busy = await openChat(gateway);
    busy.send(text({ type: 'message', message: 'A long question' }));
    await stream.opened;
    assert.equal((await busy.json()).type, 'begin');
    const stopping = gateway.stop();
    assert.equal(await idle.closed(), 1012);
    busy.send(text({ type: 'message', message: 'A late question' }));
    assertError(await busy.json(), 'SHUTTING_DOWN');
    await stream.send('the end');
    await stream.end();
    assert.deepEqual((await answerTo(busy)).map((event) => event.type), ['item', 'end']);
    assert.equal(await busy.closed(), 1012);
    await stopping;
  } finally {
    await gateway.stop();
    await upstream.stop();
  }
});

test('who takes nothing is dropped, and what waits for him is bounded', kTimeout, async () => {
  await withGateway({ env: { ...kEnv, SERVER_WRITE_TIMEOUT: '1s' } }, async (gateway) => {
    const socket = await openWebSocket(gateway, { path: '/ws/echo' });
    socket.pause();
    const big = frame(kBinary, Buffer.alloc(1 << 20));
    for (let i = 0; i < 64; ++i) socket.send(big);
    let most = 0;
    await eventually(
      async () => {
        const before = socket.writableLength;
        await new Promise((resolve) => setTimeout(resolve, 100));
        most = socket.writableLength;
        return before === most && most > 0;
      },
      { what: 'the gateway stops reading' },
    );
    assert.ok(most > 16 << 20, `the gateway stopped reading long before the end, at ${most}`);
    await eventually(async () => (await metrics(gateway)).websockets.total_connections === 0, { what: 'it is dropped', within: 15_000 });
    socket.destroy();
  });
});

test('a session that is bound to a key needs its proof to open one, and none for what is said then', kTimeout, async () => {
  await withUpstream({ ...kEnv, SESSION_PROOF_OF_POSSESSION: 'require' }, async (gateway) => {
    const key = newKey();
    const created = await createProven(gateway, key);
    assert.equal(created.status, 200, created.text);
    const { token } = created.json;
    const bare = await open(gateway, { headers: { 'Sec-WebSocket-Protocol': `portcullis.v1, bearer.${token}` } });
    assertError(await bare.json(), 'PROOF_INVALID');
    assert.equal(await bare.closed(), 1008);
    const proof = () => key.proof(gateway, 'GET', '/ws', token);
    for (const headers of [
      { Authorization: `DPoP ${token}`, DPoP: proof() },
      { 'Sec-WebSocket-Protocol': `portcullis.v1, bearer.${token}, dpop.${proof()}` },
    ]) {
      const socket = await open(gateway, { headers });
      for (const message of ['A first question', 'A second question']) {
        socket.send(text({ type: 'message', message }));
        assert.equal((await answerTo(socket)).at(-1).type, 'end');
      }
      socket.destroy();
      const again = await open(gateway, { headers });
      assertError(await again.json(), 'PROOF_INVALID');
      assert.equal(await again.closed(), 1008);
    }
    const late = await open(gateway, {});
    late.send(text({ type: 'auth', token, proof: key.proof(gateway, 'GET', '/api/v1/session/validate', token) }));
    await assertPing(late);
    late.send(text({ type: 'message', message: 'A third question' }));
    assert.equal((await answerTo(late)).at(-1).type, 'end');
    late.destroy();
  });
});

test(PROVES('F186') + 'seven figures tell of WebSockets', kTimeout, async () => {
  await withUpstream({ ...kEnv, WEBSOCKET_AUTH_TIMEOUT: '1m' }, async (gateway) => {
    const socket = await openChat(gateway);
    const anonymous = await open(gateway);
    await assertPing(socket);
    await assertPing(anonymous);
    const { websockets } = await metrics(gateway);
    assert.deepEqual(
      { ...websockets, average_duration_seconds: 0 },
      {
        total_connections: 2,
        authenticated_connections: 1,
        unauthenticated_connections: 1,
        unique_ips: 1,
        average_duration_seconds: 0,
        connection_limits: { max_connections_per_ip: 10, max_total_connections: 1000, max_messages_per_minute: 60, max_message_size_kb: 64 },
        total_messages_processed: 2,
      },
    );
    assert.equal(await sample(gateway, 'portcullis_websockets_open'), 2);
    assert.equal(await sample(gateway, 'portcullis_websocket_messages_total{route="ws_chat"}'), 2);
    socket.send(closeFrame(1000));
    await socket.closed();
    await eventually(async () => (await sample(gateway, 'portcullis_websocket_closed_total{code="1000"}')) === 1, { what: 'its end is counted' });
    anonymous.destroy();
  });
});

test('the route moves under the prefix, and is switched off like any other; the echo is for development alone', kTimeout, async () => {
  await withGateway({ env: { ...kEnv, GATEWAY_PREFIX: '/gate' } }, async (gateway) => {
    const socket = await open(gateway, { path: '/gate/ws' });
    await assertPing(socket);
    socket.destroy();
    assert.equal((await open(gateway)).answer.status, 404);
  });
  await withGateway({ env: kEnv, yaml: 'routes: [{path: /ws, enabled: false}]\n' }, async (gateway) => {
    assert.equal((await open(gateway)).answer.status, 404);
  });
  await withGateway({ env: { ...kEnv, SECURITY_ENVIRONMENT: 'staging', UPSTREAM_KIND: 'demo', JWT_SECRET_KEY: 'a-test-key-that-is-made-of-enough-letters-0123456789-abcdefghijklmnop', SESSION_SECRET_KEY: 'another-test-key-that-is-made-of-enough-letters-0123456789-qrstuvw' } }, async (gateway) => {
    const { answer } = await openWebSocket(gateway, { path: '/ws/echo', headers: { Host: 'shop.example' } });
    assert.equal(answer.status, 404, answer.text);
  });
});
