// WebSockets of services behind protected routes: what of the handshake and of messages goes on, and how both sides end.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { createServer } from 'node:http';
import WebSocket, { WebSocketServer } from 'ws';
import { withAccounts } from '../harness/accounts.mjs';
import { call, eventually, sample } from '../harness/client.mjs';
import { closedPort } from '../harness/fake_upstream.mjs';
import { runCommand, startGateway } from '../harness/gateway.mjs';
import { PROVES } from '../harness/proves.mjs';
import { bearer, logInAsAdmin, startWithAdmin } from '../harness/users.mjs';
import { closeFrame, frame, kBinary, kPing, kText, openWebSocket } from '../harness/websocket.mjs';
import { request } from '../harness/wire.mjs';
import { withGateway } from '../harness/with_gateway.mjs';

const kTimeout = { timeout: 60_000 };
const kEnv = { GUARDS_BOT_MODE: 'off', REPUTATION_ENABLED: 'false', SECURITY_RATE_LIMIT_REQUESTS_PER_MINUTE: '1000000', WEBSOCKET_MAX_PER_ADDRESS: '1000', WEBSOCKET_MESSAGES_PER_MINUTE: '100000' };
const routesTo = (url, routes) => `
services:
  - id: live
    targets: [${url}]
    headers: ["X-Service-Key: of the gateway"]
routes:
${routes}`;
const text = (value) => frame(kText, typeof value === 'string' ? value : JSON.stringify(value));

/** A service that tells what it was asked and what it heard, and sends back every message. */
async function startSocketService() {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: true, handleProtocols: (offered) => [...offered][0] ?? false });
  await new Promise((resolve) => server.once('listening', resolve));
  const connections = [];
  server.on('connection', (socket, asked) => {
    const entry = { socket, headers: asked.headers, path: asked.url, heard: [] };
    connections.push(entry);
    entry.closed = new Promise((resolve) => socket.on('close', (code, reason) => resolve([code, reason.toString()])));
    socket.on('error', () => {});
    socket.on('message', (data, binary) => {
      entry.heard.push(data.toString());
      socket.send(data, { binary });
    });
  });
  return {
    url: `http://127.0.0.1:${server.address().port}/base/`,
    connections,
    last: () => connections.at(-1),
    stop: () => {
      for (const { socket } of connections) {
        socket.resume(); // one that rests never sees its end
        socket.terminate();
      }
      server.close();
    },
  };
}

describe('a protected WebSocket', () => {
  let service;
  let gateway;
  before(async () => {
    service = await startSocketService();
    gateway = await startGateway({
      env: { ...kEnv, SERVER_DRAIN_TIMEOUT: '2s' }, // one connection is left that waits for its service
      yaml: routesTo(
        service.url,
        `
  - {path: /live/, service: live, websocket: true, kind: anonymous, auth: none, types: [say, ask], body: {prose: [words]}}
  - {path: /raw, service: live, websocket: true, kind: anonymous, auth: none, body: {inspect: false}}
  - {path: /users, service: live, websocket: true, kind: token}`,
      ),
    });
  });
  after(async () => {
    await gateway?.stop();
    await service?.stop();
  });
  beforeEach(() => void (service.connections.length = 0));

  const open = async (path, headers = {}) => {
    const socket = await openWebSocket(gateway, { path, headers });
    assert.equal(socket.answer.status, 101, socket.answer.text);
    return socket;
  };

  test(PROVES('F181', 'F184') + 'passes messages on and back, and none that a guard refuses', kTimeout, async () => {
    const socket = await open('/live/room/7?a=b', { 'Sec-WebSocket-Protocol': 'one, bearer.pcs_secret, two', 'Sec-WebSocket-Extensions': 'permessage-deflate' });
    const asked = service.last();
    assert.equal(asked.path, '/base/live/room/7?a=b');
    assert.equal(asked.headers['sec-websocket-protocol'], 'one,two'.replace(',', ', '));
    assert.equal(asked.headers['sec-websocket-extensions'], undefined);
    assert.equal(asked.headers['x-service-key'], 'of the gateway');
    assert.equal(asked.headers['x-forwarded-for'], '127.0.0.1');
    assert.equal(socket.answer.header('Sec-WebSocket-Protocol'), 'one');
    assert.equal(socket.answer.header('Sec-WebSocket-Extensions'), undefined);
    const good = '{"type":"say",  "words":"The location. Then evaluate it é"}';
    socket.send(text(good));
    assert.equal((await socket.message()).payload.toString(), good, 'byte for byte');
    for (const [bad, code] of [
      ['[]', 'VALIDATION_FAILED'],
      ['no json', 'VALIDATION_FAILED'],
      [{ type: 'other' }, 'SCHEMA_INVALID'],
      [{ words: 'no type' }, 'SCHEMA_INVALID'],
      [{ type: 'say', words: '<script>alert(1)</script>' }, 'CONTENT_REFUSED'],
    ]) {
      socket.send(text(bad));
      const refused = await socket.json();
      assert.deepEqual([refused.type, refused.code], ['error', code]);
    }
    assert.deepEqual(asked.heard, [good]);
    socket.send(frame(kPing, 'for the gateway'));
    assert.equal((await socket.frame()).payload.toString(), 'for the gateway');
    socket.send(frame(kBinary, 'x'));
    assert.equal(await socket.closed(), 1003);
    assert.equal((await asked.closed)[0], 1003);
  });

  test('carries close codes and reasons both ways', kTimeout, async () => {
    const socket = await open('/live/');
    socket.send(closeFrame(4000, 'from the client'));
    assert.equal(await socket.closed(), 4000);
    assert.deepEqual(await service.last().closed, [4000, 'from the client']);
    const other = await open('/live/');
    service.last().socket.close(4321, 'from the service');
    assert.equal(await other.closed(), 4321);
    assert.equal(other.reason, 'from the service');
    const cut = await open('/live/');
    service.last().socket.terminate();
    assert.equal(await cut.closed(), 1014);
    const gone = await open('/live/');
    gone.destroy();
    assert.equal((await service.last().closed)[0], 1001);
    await eventually(async () => (await sample(gateway, 'portcullis_websockets_open')) === 0, { what: 'every place is free' });
    await eventually(async () => (await sample(gateway, 'portcullis_upstream_connections_open')) === 0, { what: 'every connection to the service is closed' });
  });

  test('passes anything where nothing is inspected, and reads no faster than the service', kTimeout, async () => {
    const socket = await open('/raw');
    for (const [opcode, payload] of [[kText, 'no json'], [kBinary, Buffer.alloc(60_000, 7)]]) {
      socket.send(frame(opcode, payload));
      const back = await socket.message();
      assert.equal(back.opcode, opcode);
      assert.ok(back.payload.equals(Buffer.from(payload)));
    }
    service.last().socket.pause();
    for (let i = 0; i < 1000; ++i) socket.send(frame(kBinary, Buffer.alloc(60_000)));
    await eventually(
      async () => {
        const before = socket.writableLength;
        await new Promise((resolve) => setTimeout(resolve, 100));
        return before === socket.writableLength && before > 0;
      },
      { what: 'the gateway stops reading' },
    );
    assert.ok(socket.writableLength > 30_000_000, `most of it waits at the client: ${socket.writableLength}`);
    socket.destroy();
  });

  test('is for whom its route is, and for nothing but a handshake', kTimeout, async () => {
    const { answer } = await openWebSocket(gateway, { path: '/users' });
    assert.equal(answer.status, 401, answer.text);
    const plain = await request(gateway, { path: '/live/' });
    assert.equal(plain.status, 426, plain.text);
    const posted = await request(gateway, { method: 'POST', path: '/live/', headers: { 'Content-Type': 'application/json' }, body: { type: 'say' } });
    assert.equal(posted.status, 405, posted.text);
    assert.equal(posted.header('Allow'), 'GET');
    assert.equal(service.connections.length, 0);
  });
});

test('a service that is away, or speaks no WebSocket, is an error before the upgrade', kTimeout, async () => {
  const port = await closedPort();
  await withGateway({ env: kEnv, yaml: routesTo(`http://127.0.0.1:${port}`, '  - {path: /live, service: live, websocket: true, kind: anonymous, auth: none}\n') }, async (gateway) => {
    const { answer } = await openWebSocket(gateway, { path: '/live' });
    assert.equal(answer.status, 503, answer.text);
    assert.equal(await sample(gateway, 'portcullis_websockets_open'), 0);
  });
  await withGateway({ env: kEnv }, async (plain) => {
    await withGateway({ env: kEnv, yaml: routesTo(plain.url, '  - {path: /live, service: live, websocket: true, kind: anonymous, auth: none, rewrite: /health/live}\n') }, async (gateway) => {
      const { answer } = await openWebSocket(gateway, { path: '/live' });
      assert.equal(answer.status, 502, answer.text);
    });
  });
});

test('an API key that is revoked opens nothing any more, nor goes on where it did, and each message is of its site', kTimeout, async () => {
  const service = await startSocketService();
  await withAccounts(async (desk) => {
    await desk.done(['user', 'add', 'till', '--role', 'viewer', '--no-password']);
    const key = desk.secret(await desk.done(['key', 'add', '--owner', 'till', '--name', 'k', '--site', 'beta']));
    const yaml = `sites:\n  - {id: beta, origins: ["https://beta.example"]}${routesTo(service.url, '  - {path: /keyed, service: live, websocket: true, auth: {roles: [service]}}\n')}`;
    await withGateway({ env: { ...kEnv, DATA_DIR: `${desk.folder}/data` }, yaml }, async (gateway) => {
      const socket = new WebSocket(gateway.url.replace('http', 'ws') + '/keyed', { headers: { 'X-API-Key': key } });
      const closed = new Promise((resolve) => socket.on('close', resolve));
      await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
      assert.equal(service.last().headers['x-portcullis-site'], 'beta');
      const heard = new Promise((resolve) => socket.once('message', (data) => resolve(data.toString())));
      socket.send('{"a":"before"}');
      assert.equal(await heard, '{"a":"before"}', 'it is judged for the site of the key');
      await desk.done(['key', 'revoke', key.split('_')[1]]);
      await eventually(() => {
        socket.send('{"a":"after"}');
        return socket.readyState >= WebSocket.CLOSING;
      });
      assert.equal(await closed, 4401);
      const before = service.last().heard.length;
      assert.ok(service.last().heard.at(-1) !== undefined && before < 200);
    });
  });
  await service.stop();
});

test('what a visitor asks for that there is not shuts nobody out', kTimeout, async () => {
  const picky = createServer((request, response) => response.writeHead(404).end());
  picky.on('upgrade', (request, socket) => socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'));
  await new Promise((resolve) => picky.listen(0, '127.0.0.1', resolve));
  const yaml = routesTo(`http://127.0.0.1:${picky.address().port}`, '  - {path: /live/, service: live, websocket: true, kind: anonymous, auth: none}\n');
  await withGateway({ env: { ...kEnv, TRUSTED_PROXIES: '127.0.0.0/8' }, yaml }, async (gateway) => {
    for (let i = 1; i <= 12; ++i) {
      const { answer } = await openWebSocket(gateway, { path: '/live/missing', headers: { 'X-Forwarded-For': `203.0.113.${i}` } });
      assert.equal(answer.status, 502, `${i}: ${answer.text}`);
    }
  });
  picky.closeAllConnections();
  picky.close();
});

test('its keys are checked', kTimeout, async () => {
  for (const route of ['{path: /a, service: live, websocket: true, methods: [POST]}', '{path: /a, service: live, types: [say]}', '{path: /a, service: live, websocket: true, types: [say], body: {inspect: false}}', '{path: /a, service: live, auth: {query: t}}', '{path: /a, service: live, websocket: true, auth: {query: "a b"}}']) {
    const { status, stdout, stderr } = await runCommand(['check-config'], { yaml: routesTo('http://127.0.0.1:1', `  - ${route}\n`) });
    assert.equal(status, 2, stdout + stderr);
  }
});

test('who only listens is looked at with each ping: logged out, or blocked, he hears no more', kTimeout, async () => {
  const service = await startSocketService();
  const yaml = routesTo(
    service.url,
    '  - {path: /users, service: live, websocket: true, body: {inspect: false}}\n  - {path: /open, service: live, websocket: true, kind: anonymous, auth: none}\n',
  );
  const gateway = await startWithAdmin({ env: { ...kEnv, WEBSOCKET_PING_INTERVAL: '1s', TRUSTED_PROXIES: '127.0.0.0/8' }, yaml });
  try {
    const admin = bearer((await logInAsAdmin(gateway)).json.access_token);
    const leaving = bearer((await logInAsAdmin(gateway)).json.access_token);
    const listen = async (path, headers) => {
      const socket = new WebSocket(gateway.url.replace('http', 'ws') + path, { headers });
      const said = [];
      socket.on('message', (data) => said.push(data.toString()));
      const closed = new Promise((resolve) => socket.on('close', resolve));
      await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
      return { socket, said, closed };
    };
    const out = await listen('/users', leaving);
    const stays = await listen('/users', admin);
    const blocked = await listen('/open', { 'X-Forwarded-For': '203.0.113.9' });
    await new Promise((resolve) => setTimeout(resolve, 2500)); // two pings: all may stay
    for (const { socket } of [out, stays, blocked]) assert.equal(socket.readyState, WebSocket.OPEN);

    assert.equal((await call(gateway, 'POST', '/api/auth/logout', { headers: leaving })).status, 200);
    assert.equal(await out.closed, 4401);
    assert.equal(JSON.parse(out.said.at(-1)).code, 'AUTH_FAILED');
    const block = { address: '203.0.113.9', reason: 'scans us' };
    assert.equal((await call(gateway, 'POST', '/api/security/blocks', { headers: admin, body: block })).status, 201);
    assert.equal(await blocked.closed, 1008);
    assert.equal(JSON.parse(blocked.said.at(-1)).code, 'ADDRESS_BLOCKED');
    assert.equal(stays.socket.readyState, WebSocket.OPEN);
    assert.deepEqual(stays.said, []);
    stays.socket.close();
    await stays.closed;
  } finally {
    await gateway.stop();
    await service.stop();
  }
});

test('a message of more fragments than are taken at once is told no time to wait', kTimeout, async () => {
  const service = await startSocketService();
  const yaml = routesTo(service.url, '  - {path: /open, service: live, websocket: true, kind: anonymous, auth: none}\n');
  await withGateway({ env: { ...kEnv, WEBSOCKET_MESSAGES_PER_MINUTE: '30' }, yaml }, async (gateway) => {
    const socket = await openWebSocket(gateway, { path: '/open' });
    const pieces = ['{"a":"', ...Array(10).fill('x'), '"}'];
    socket.send(Buffer.concat(pieces.map((piece, i) => frame(i === 0 ? kText : 0, piece, { fin: i === pieces.length - 1 }))));
    const refused = await socket.json();
    assert.equal(refused.code, 'RATE_LIMITED');
    assert.equal(refused.retry_after, undefined);
    socket.send(text({ a: 'whole' }));
    assert.deepEqual(await socket.json(), { a: 'whole' });
    socket.destroy();
  });
  await service.stop();
});

test('compresses for clients where the route says so, and never to the service', kTimeout, async () => {
  const service = await startSocketService();
  const yaml = routesTo(service.url, '  - {path: /packed, service: live, websocket: true, kind: anonymous, auth: none, compress: true}\n  - {path: /plain, service: live, websocket: true, kind: anonymous, auth: none}\n');
  await withGateway({ env: kEnv, yaml }, async (gateway) => {
    for (const [path, extension] of [['/packed', 'permessage-deflate'], ['/plain', '']]) {
      const socket = new WebSocket(gateway.url.replace('http', 'ws') + path);
      await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
      assert.ok(extension === '' ? socket.extensions === '' : socket.extensions.startsWith(extension), `${path}: ${socket.extensions}`);
      assert.equal(service.last().socket.extensions, '');
      const said = JSON.stringify({ text: 'over and over '.repeat(200) });
      const heard = new Promise((resolve) => socket.once('message', (data) => resolve(data.toString())));
      socket.send(said);
      assert.equal(await heard, said);
      socket.terminate();
    }
  });
  await service.stop();
});

test('takes a token from the query where the route says so, which nobody sees then', kTimeout, async () => {
  const service = await startSocketService();
  const yaml = routesTo(service.url, '  - {path: /asked, service: live, websocket: true, auth: {roles: [admin], query: access_token}}\n  - {path: /strict, service: live, websocket: true, auth: {roles: [admin]}}\n');
  const gateway = await startWithAdmin({ env: { ...kEnv, LOG_LEVEL: 'DEBUG' }, yaml });
  try {
    const token = (await logInAsAdmin(gateway)).json.access_token;
    const status = async (path, headers) => (await openWebSocket(gateway, { path, headers })).answer.status;
    assert.equal(await status(`/asked?a=1&access_token=${token}&b=2`), 101);
    assert.equal(service.last().path, '/base/asked?a=1&b=2');
    assert.equal(await status(`/asked?access_token=${token}`), 101);
    assert.equal(service.last().path, '/base/asked');
    assert.equal(await status(`/asked?access_token=${token}&access_token=${token}`), 401);
    assert.equal(await status('/asked?access_token=none'), 401);
    assert.equal(await status(`/asked?access_token=${token}`, { Authorization: 'Bearer other' }), 401, 'what is said twice');
    assert.equal(await status(`/strict?access_token=${token}`), 401);
    await gateway.stop();
    for (const part of token.split('.')) assert.ok(!gateway.output().includes(part) && !gateway.log().includes(part));
  } finally {
    await service.stop();
  }
});

test('what the handshake says of a body is said of no message', kTimeout, async () => {
  const service = await startSocketService();
  const yaml = routesTo(service.url, '  - {path: /live, service: live, websocket: true, kind: anonymous, auth: none, types: [say]}\n');
  await withGateway({ env: kEnv, yaml }, async (gateway) => {
    for (const headers of [{ 'Content-Encoding': 'br' }, { 'Content-Type': 'text/plain; charset=utf-16', 'Content-Language': 'x' }]) {
      const socket = await openWebSocket(gateway, { path: '/live', headers });
      socket.send(text({ type: 'say', a: 1 }));
      assert.deepEqual(await socket.json(), { type: 'say', a: 1 }, 'it is read as it came');
      socket.send(text('\u000b\u0003{"type":"say"}')); // as brotli begins
      assert.equal((await socket.json()).code, 'VALIDATION_FAILED');
      socket.destroy();
    }
  });
  await service.stop();
});
