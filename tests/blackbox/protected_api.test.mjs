// Services behind protected routes: what goes on, what comes back, and what does not.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { createServer, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { withAccounts } from '../harness/accounts.mjs';
import { assertProblem, call, eventually } from '../harness/client.mjs';
import { runCommand, startGateway } from '../harness/gateway.mjs';
import { answer, startRawService } from '../harness/raw_service.mjs';
import { bearer } from '../harness/users.mjs';
import { withGateway } from '../harness/with_gateway.mjs';

const open = { SECURITY_RATE_LIMIT_REQUESTS_PER_MINUTE: '1000000', LIMITS_IN_FLIGHT_PER_ADDRESS: '10000', GUARDS_BOT_MODE: 'off' };

/** A service that answers with what it was asked, or as the test says. */
async function startService() {
  const requests = [];
  let handler;
  const server = createServer(async (request, response) => {
    const hash = createHash('sha256');
    let size = 0;
    let body = '';
    const entry = { method: request.method, path: request.url, headers: request.headers, raw: request.rawHeaders, closed: false };
    requests.push(entry);
    response.on('close', () => (entry.closed = true));
    if (handler && (await handler(request, response)) !== false) return;
    for await (const chunk of request) {
      size += chunk.length;
      hash.update(chunk);
      if (size < 100_000) body += chunk;
    }
    Object.assign(entry, { body, size, sha256: hash.digest('hex') });
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({ method: request.method, path: request.url, body, size, sha256: entry.sha256 }));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    requests,
    last: () => requests.at(-1),
    onRequest: (f) => (handler = f),
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A GET with fields and a path that other clients refuse to send; the status. */
const plainGet = (url, headers, path) =>
  new Promise((resolve, reject) => {
    const request = httpRequest(url, { headers, ...(path && { path }) }, (response) => response.resume().on('end', () => resolve(response.statusCode)));
    request.on('error', reject).end();
  });

const routesTo = (urls, routes) => `
services:
  - id: orders
    targets: [${urls.join(', ')}]
    headers: ["X-Service-Key: of the gateway"]
routes:
${routes}`;
const openRoute = `
  - {path: /orders/, service: orders, methods: [GET, POST, PUT, DELETE, PATCH], kind: anonymous, auth: none}`;
const streamRoute = `
  - {path: /files/, service: orders, methods: [GET, POST, PUT], kind: anonymous, auth: none, body: {inspect: false, max: 2000000000}}`;

describe('a protected route', () => {
  let service;
  let gateway;
  before(async () => {
    service = await startService();
    gateway = await startGateway({
      env: { ...open, TRUSTED_PROXIES: '127.0.0.0/8' },
      yaml: routesTo([`${service.url}/base/`], `${openRoute}${streamRoute}
  - {path: /exact, service: orders, kind: anonymous, auth: none, rewrite: /other}
  - {path: /shop/, service: orders, kind: anonymous, auth: none, rewrite: /v2/}`),
    });
  });
  after(async () => {
    await gateway?.stop();
    await service?.stop();
  });

  test('passes a request on, to the path of its service', async () => {
    const paths = {
      '/orders/7?a=1&b=%20': '/base/orders/7?a=1&b=%20',
      '/orders/': '/base/orders/',
      '/exact': '/base/other',
      '/shop/a/b': '/base/v2/a/b',
      '/orders/caf%C3%A9': '/base/orders/caf%C3%A9',
    };
    for (const [path, expected] of Object.entries(paths)) {
      const answered = await call(gateway, 'GET', path);
      assert.equal(answered.status, 200, answered.text);
      assert.equal(answered.json.path, expected);
    }
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      const answered = await call(gateway, method, '/orders/1', { body: { n: 12345678901234567890123n.toString() } });
      assert.equal(answered.json.method, method, answered.text);
    }
    assertProblem(await call(gateway, 'PUT', '/exact', { body: {} }), 405, 'METHOD_NOT_ALLOWED');
    assertProblem(await call(gateway, 'GET', '/exact/below'), 404, 'NOT_FOUND');
    assertProblem(await call(gateway, 'GET', '/orders'), 404, 'NOT_FOUND');
  });

  test('passes a body on as it came, byte by byte', async () => {
    const body = '{ "price" : 12345678901234567890.10,\n "name":"\\u00e9é" }';
    const answered = await call(gateway, 'POST', '/orders/', { body, headers: { 'Content-Type': 'application/json' } });
    assert.equal(answered.json.body, body);
    const form = 'a=1&b=two+words';
    const fields = await call(gateway, 'POST', '/orders/', { body: form, headers: { 'Content-Type': 'application/x-www-form-urlencoded' } });
    assert.equal(fields.json.body, form);
  });

  test('looks into what it passes on', async () => {
    const before = service.requests.length;
    const post = (body, type = 'application/json') => call(gateway, 'POST', '/orders/', { body, headers: { 'Content-Type': type } });
    assertProblem(await post('{"a":1,"a":2}'), 400, 'VALIDATION_FAILED');
    assertProblem(await post('{"a":'), 400, 'VALIDATION_FAILED');
    assertProblem(await post('{"name":"\'; DROP TABLE orders; --"}'), 400, 'CONTENT_REFUSED');
    assertProblem(await post('<a/>', 'application/xml'), 415, 'UNSUPPORTED_MEDIA_TYPE');
    assertProblem(await post('a=<script>alert(1)</script>', 'application/x-www-form-urlencoded'), 400, 'CONTENT_REFUSED');
    assertProblem(await call(gateway, 'GET', "/orders/?q=1'%20OR%20'1'='1"), 400, 'CONTENT_REFUSED');
    assert.equal(service.requests.length, before, 'nothing of it came through');
  });

  test('refuses paths that another reader could take for one outside of it', async () => {
    const before = service.requests.length;
    for (const path of ['/orders/../admin', '/orders/./x', '/orders/%2e%2e/admin', '/orders/..%2fadmin', '/orders//x', '/orders/a\\b', '/orders/%5c..', '/orders/%252e', '/orders/a/..', '/orders/x%00']) {
      assert.equal(await plainGet(gateway.url, {}, path), 400, path);
    }
    assert.equal(service.requests.length, before);
  });

  test('says who is asking, and believes no caller who says so', async () => {
    await plainGet(`${gateway.url}/orders/`, {
        'X-Forwarded-For': '203.0.113.9',
        'X-Forwarded-Host': 'evil.example',
        'X-Forwarded-Proto': 'https',
        Forwarded: 'for=1.2.3.4',
        'X-Real-IP': '1.2.3.4',
        'X-Portcullis-User': 'admin',
        'x-portcullis-roles': 'admin',
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
        Connection: 'close, X-Hop',
        'X-Hop': 'secret of the hop',
        TE: 'trailers',
        'X-Kept': 'kept',
        Cookie: 'a=1; chat_session_id=pcs_x; portcullis_refresh=y; b=2',
    });
    const { headers } = service.last();
    assert.equal(headers['x-forwarded-for'], '203.0.113.9', 'the visitor, as a trusted proxy says');
    assert.equal(headers['x-forwarded-proto'], 'https');
    assert.equal(headers['x-forwarded-host'], new URL(gateway.url).host);
    assert.equal(headers.forwarded, `for=203.0.113.9;proto=https;host="${new URL(gateway.url).host}"`);
    assert.equal(headers['x-service-key'], 'of the gateway');
    assert.equal(headers['x-portcullis-site'], 'default');
    assert.equal(headers.cookie, 'a=1; b=2');
    assert.equal(headers['x-kept'], 'kept');
    assert.match(headers['x-request-id'], /^[0-9a-f-]{36}$/);
    assert.equal(headers.host, new URL(service.url).host);
    for (const name of ['x-real-ip', 'x-portcullis-user', 'x-portcullis-roles', 'traceparent', 'x-hop', 'te']) assert.equal(headers[name], undefined, name);
  });

  test('passes answers back, and keeps what is not for clients', async () => {
    service.onRequest((request, response) => {
      response.writeHead(418, 'short and stout', {
        'Content-Type': 'text/plain',
        'Content-Length': '3',
        'Set-Cookie': ['own=1', 'chat_session_id=stolen', 'other=2'],
        Server: 'brand/1.2',
        'X-Powered-By': 'brand',
        'X-Frame-Options': 'ALLOWALL',
        'Access-Control-Allow-Origin': '*',
        'X-Hop': '1',
        Connection: 'keep-alive, X-Hop',
        ETag: '"e"',
        'X-Custom': 'kept',
        'Cache-Control': 'max-age=5',
      });
      response.end('tea');
    });
    const answered = await call(gateway, 'GET', '/orders/tea');
    service.onRequest(undefined);
    assert.equal(answered.status, 418);
    assert.equal(answered.text, 'tea');
    assert.deepEqual(answered.cookies, ['own=1', 'other=2']);
    const { headers } = answered;
    assert.equal(headers['x-frame-options'], 'DENY', 'once, and ours');
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers.etag, '"e"');
    assert.equal(headers['x-custom'], 'kept');
    assert.equal(headers['cache-control'], 'max-age=5');
    assert.equal(headers['content-length'], '3');
    for (const name of ['server', 'x-powered-by', 'access-control-allow-origin', 'x-hop']) assert.equal(headers[name], undefined, name);
  });

  test('HEAD, 204, 304, ranges and conditions mean what they mean', async () => {
    service.onRequest((request, response) => {
      if (request.headers['if-none-match'] === '"v1"') return response.writeHead(304, { ETag: '"v1"' }).end();
      if (request.headers.range === 'bytes=0-1') return response.writeHead(206, { 'Content-Range': 'bytes 0-1/5', 'Content-Length': 2 }).end('he');
      if (request.method === 'DELETE') return response.writeHead(204).end();
      response.writeHead(200, { 'Content-Length': 5, ETag: '"v1"' });
      response.end('hello');
    });
    const head = await call(gateway, 'HEAD', '/orders/x');
    assert.equal(head.status, 200);
    assert.equal(head.headers['content-length'], '5');
    assert.equal(head.text, '');
    assert.equal((await call(gateway, 'GET', '/orders/x', { headers: { 'If-None-Match': '"v1"' } })).status, 304);
    const part = await call(gateway, 'GET', '/orders/x', { headers: { Range: 'bytes=0-1' } });
    assert.equal(part.status, 206);
    assert.equal(part.text, 'he');
    assert.equal(part.headers['content-range'], 'bytes 0-1/5');
    const gone = await call(gateway, 'DELETE', '/orders/x');
    assert.equal(gone.status, 204);
    assert.equal(gone.headers['content-length'], undefined);
    service.onRequest(undefined);
  });

  test('an upload streams through, of a known length or in chunks', async () => {
    const piece = randomBytes(1 << 20);
    const send = (size, headers) =>
      new Promise((resolve, reject) => {
        const hash = createHash('sha256');
        const request = httpRequest(`${gateway.url}/files/up`, { method: 'PUT', headers }, async (response) => {
          let text = '';
          for await (const chunk of response) text += chunk;
          resolve({ status: response.statusCode, json: JSON.parse(text), sha256: hash.digest('hex') });
        });
        request.on('error', reject);
        (async () => {
          for (let sent = 0; sent < size; sent += piece.length) {
            hash.update(piece);
            if (!request.write(piece)) await new Promise((drained) => request.once('drain', drained));
          }
          request.end();
        })();
      });
    const size = 48 << 20;
    for (const headers of [{ 'Content-Length': size }, { 'Transfer-Encoding': 'chunked' }]) {
      const answered = await send(size, { ...headers, 'Content-Type': 'application/octet-stream' });
      assert.equal(answered.status, 200);
      assert.equal(answered.json.size, size);
      assert.equal(answered.json.sha256, answered.sha256);
    }
  });

  test('who asks whether to send a body is told to once the service is there', async () => {
    const status = await new Promise((resolve, reject) => {
      const request = httpRequest(`${gateway.url}/files/up`, { method: 'PUT', headers: { Expect: '100-continue', 'Content-Length': 5 } });
      request.on('continue', () => request.end('hello'));
      request.on('response', (response) => response.resume().on('end', () => resolve(response.statusCode)));
      request.on('error', reject);
    });
    assert.equal(status, 200);
    assert.equal(service.last().headers.expect, undefined);
  });

  test('a service is read only as fast as its client takes the answer', async () => {
    let sent = 0;
    service.onRequest(async (request, response) => {
      response.writeHead(200, { 'Content-Type': 'application/octet-stream' });
      const piece = Buffer.alloc(1 << 20);
      for (let i = 0; i < 200 && !response.destroyed; ++i) {
        if (!response.write(piece)) await new Promise((resolve) => response.once('drain', resolve).once('close', resolve));
        sent = i + 1;
      }
      response.end();
    });
    const request = httpRequest(`${gateway.url}/files/big`);
    const response = await new Promise((resolve) => request.on('response', resolve).end());
    response.pause();
    await pause(1500);
    const taken = sent;
    assert.ok(taken < 60, `${taken} MiB were taken for a client that reads nothing`);
    let size = 0;
    for await (const chunk of response) size += chunk.length;
    assert.equal(size, 200 << 20);
    service.onRequest(undefined);
  });

  test('a client that leaves ends the call to the service', async () => {
    service.onRequest(async (request, response) => {
      response.writeHead(200);
      response.write('first');
      await new Promise((resolve) => response.on('close', resolve));
    });
    const request = httpRequest(`${gateway.url}/orders/slow`);
    const response = await new Promise((resolve) => request.on('response', resolve).end());
    await new Promise((resolve) => response.once('data', resolve));
    request.destroy();
    await eventually(() => service.last().closed, { what: 'the call went on' });
    service.onRequest(undefined);
  });
});

describe('a service that fails', () => {
  const settings = { ...open, UPSTREAM_CONNECT_TIMEOUT: '500ms', UPSTREAM_FIRST_BYTE_TIMEOUT: '500ms', UPSTREAM_IDLE_TIMEOUT: '500ms' };

  test('is answered for with 502, 503 or 504, and a cut answer is cut', async () => {
    const service = await startRawService((text) => {
      if (!text.includes('\r\n\r\n')) return undefined;
      const path = text.match(/^\w+ (\S+)/)[1];
      switch (path) {
        case '/orders/close':
          return { close: true };
        case '/orders/garbage':
          return 'SSH-2.0-OpenSSH\r\n\r\n';
        case '/orders/silence':
          return '';
        case '/orders/short':
          return { bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this', close: true };
        case '/orders/stall':
          return 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this';
        case '/orders/switch':
          return 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n';
        case '/orders/huge':
          return `HTTP/1.1 200 OK\r\n${'X-A: '.padEnd(1000, 'a')}\r\n`.repeat(100);
        case '/orders/interim':
          return `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n${answer('after')}`;
        case '/orders/two':
          return answer('first') + answer('second');
        default:
          return answer();
      }
    });
    await withGateway({ env: settings, yaml: routesTo([service.url], openRoute) }, async (gateway) => {
      const get = (path) => call(gateway, 'GET', `/orders/${path}`);
      const post = (path) => call(gateway, 'POST', `/orders/${path}`, { body: {} });
      assertProblem(await post('close'), 502, 'UPSTREAM_ERROR');
      assertProblem(await get('garbage'), 502, 'UPSTREAM_ERROR');
      assertProblem(await get('switch'), 502, 'UPSTREAM_ERROR');
      assert.equal((await get('ok')).text, 'ok');
      assertProblem(await get('huge'), 502, 'UPSTREAM_ERROR');
      assertProblem(await get('silence'), 504, 'UPSTREAM_TIMEOUT');
      assert.equal((await get('ok')).text, 'ok');
      assert.equal((await get('interim')).text, 'after');
      assert.equal((await get('two')).text, 'first');
      assert.equal((await get('ok')).text, 'ok', 'what came unasked is not taken for the next answer');
      for (const path of ['short', 'stall']) await assert.rejects(get(path), 'the end of a part is not the end of the whole');
    });
    await service.stop();
  });

  test('that nobody listens for is 503 with a time, and no visitor learns where it is', async () => {
    const gone = await startRawService(() => undefined);
    await gone.stop();
    await withGateway({ env: settings, yaml: routesTo([gone.url], openRoute) }, async (gateway) => {
      for (let i = 0; i < 6; ++i) {
        const answered = await call(gateway, 'GET', '/orders/');
        assertProblem(answered, 503, 'UPSTREAM_UNAVAILABLE');
        assert.ok(Number(answered.headers['retry-after']) >= 1);
        assert.ok(!answered.text.includes(new URL(gone.url).port));
      }
      assert.equal((await call(gateway, 'GET', '/health')).json.services.protected.orders, 'unhealthy');
    });
  });

  test('is left out while others of its kind answer, and used again when it is back', async () => {
    const good = await startService();
    let broken = true;
    const other = await startRawService((text) => (text.includes('\r\n\r\n') ? (broken ? { reset: true } : answer('{"back":true}')) : undefined));
    await withGateway({ env: { ...settings, UPSTREAM_BREAKER_OPEN: '2s' }, yaml: routesTo([good.url, other.url], openRoute) }, async (gateway) => {
      for (let i = 0; i < 60; ++i) assert.equal((await call(gateway, 'GET', `/orders/${i}`)).status, 200, 'each got a second try');
      assert.equal((await call(gateway, 'GET', '/health')).json.services.protected.orders, 'degraded');
      const seen = other.connections.length;
      for (let i = 0; i < 20; ++i) assert.equal((await call(gateway, 'POST', '/orders/', { body: {} })).status, 200);
      assert.ok(other.connections.length <= seen + 1, 'it is left alone');
      broken = false;
      await eventually(async () => {
        await call(gateway, 'GET', '/orders/');
        return (await call(gateway, 'GET', '/health')).json.services.protected.orders === 'healthy';
      }, { within: 10_000 });
    });
    await good.stop();
    await other.stop();
  });

  test('gets nothing twice that may not be done twice', async () => {
    const service = await startRawService((text) => (text.includes('\r\n\r\n') ? { close: true } : undefined));
    const second = await startRawService((text) => (text.includes('\r\n\r\n') ? { close: true } : undefined));
    await withGateway({ env: settings, yaml: routesTo([service.url, second.url], openRoute) }, async (gateway) => {
      assertProblem(await call(gateway, 'POST', '/orders/', { body: {} }), 502, 'UPSTREAM_ERROR');
      assert.equal(service.connections.length + second.connections.length, 1);
      assertProblem(await call(gateway, 'GET', '/orders/'), 502, 'UPSTREAM_ERROR');
      assert.equal(service.connections.length + second.connections.length, 3, 'a GET may be asked of both');
    });
    await service.stop();
    await second.stop();
  });
});

test('what a client sends is one request to the service, whatever it tries', async () => {
  const service = await startRawService((text) => (text.includes('\r\n\r\n') ? answer() : undefined));
  await withGateway({ env: open, yaml: routesTo([service.url], openRoute + streamRoute) }, async (gateway) => {
    const hidden = 'GET /orders/hidden HTTP/1.1\r\nHost: x\r\n\r\n';
    const host = `Host: 127.0.0.1:${gateway.port}`;
    const tries = [
      `POST /files/a HTTP/1.1\r\n${host}\r\nContent-Length: ${hidden.length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
      `POST /files/a HTTP/1.1\r\n${host}\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${hidden}`,
      `POST /files/a HTTP/1.1\r\n${host}\r\nTransfer-Encoding : chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n${hidden}`,
      `POST /files/a HTTP/1.1\r\n${host}\r\nContent-Length: 4\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
      `POST /files/a HTTP/1.1\r\n${host}\r\nContent-Length: +${hidden.length}\r\n\r\n${hidden}`,
      `POST /files/a HTTP/1.1\r\n${host}\r\nTransfer-Encoding: chunked\r\n\r\n1;a=\n${hidden}\r\n0\r\n\r\n`,
      `POST /files/a HTTP/1.0\r\n${host}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
      `GET /files/a HTTP/1.1\r\n${host}\r\nX: y\n\nGET /orders/hidden HTTP/1.1\r\n\r\n`,
      `GET /orders/a HTTP/1.1\r\n${host}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n`,
    ];
    for (const bytes of tries) {
      const socket = connect(gateway.port, '127.0.0.1');
      socket.on('error', () => {});
      socket.write(bytes, 'latin1');
      await pause(150);
      socket.destroy();
    }
    const body = 'GET /orders/hidden HTTP/1.1\r\n\r\n';
    const honest = await call(gateway, 'POST', '/files/honest', { body, headers: { 'Content-Type': 'text/plain' } });
    assert.equal(honest.status, 200);
    for (const { bytes } of service.connections) {
      for (const piece of bytes.split(/(?=(?:GET|POST) \/(?:orders|files)\/\w+ HTTP\/1\.1\r\nHost: 127\.0\.0\.1)/)) {
        assert.doesNotMatch(piece.split('\r\n\r\n')[0], /transfer-encoding: (?!chunked\r?$)|upgrade|http2-settings/im);
      }
      assert.equal((bytes.match(/^\w+ \/orders\/hidden HTTP\/1\.1\r\nHost/gm) ?? []).length, 0, bytes);
    }
  });
  await service.stop();
});

test('a narrower route is not passed by another method, spelling or entry', async () => {
  const service = await startService();
  const yaml = routesTo([service.url], `
  - {path: /a/, service: orders, methods: [GET, POST, DELETE], kind: anonymous, auth: none}
  - {path: /a/admin/, service: orders, methods: [GET], auth: {roles: [admin]}}
  - {path: /a/exact, service: orders, methods: [GET], auth: {roles: [admin]}}
  - {path: /a/closed/, service: orders, enabled: false}
  - {path: /o/, service: orders, methods: [GET], kind: anonymous, auth: none, guards: {content: off}}
  - {path: /o/, service: orders, methods: [POST], auth: {roles: [admin]}}
  - {path: /few/, service: orders, kind: anonymous, auth: none, limits: {address_per_minute: 3}}
  - {path: /many/, service: orders, kind: anonymous, auth: none, limits: {address_per_minute: 1000}}`);
  await withGateway({ env: open, yaml }, async (gateway) => {
    const status = (path) => plainGet(gateway.url, {}, path);
    assert.equal(await status('/a/x'), 200);
    const seen = service.requests.length;
    assertProblem(await call(gateway, 'DELETE', '/a/admin/users'), 405, 'METHOD_NOT_ALLOWED');
    for (const path of ['/a/admin/users', '/a/ADMIN/users', '/a/exact', '/a/exact/', '/A/Exact']) assert.equal(await status(path), 401, path);
    for (const path of ['/a/%61dmin/users', '/a/admin;x=1/users', '/a/exact;', '/a/exact%20', '/a/%65xact', '/a/exact%3fx', '/a/exact%zz', '/a/.;/exact', '/a/exact.']) {
      assert.equal(await status(path), 400, path);
    }
    assert.equal(await status('/a/closed/x'), 404);
    const attack = { q: "'; DROP TABLE orders; --" };
    assertProblem(await call(gateway, 'POST', '/o/x', { body: attack }), 401, 'AUTH_FAILED');
    assert.equal(service.requests.length, seen, 'nothing of it came through');
    for (let i = 0; i < 5; ++i) assert.equal(await status('/many/x'), 200);
    assert.equal(await status('/few/x'), 200, 'it has a window of its own');
  });
  await service.stop();
});

test('what a form says in another charset is not passed on unread', async () => {
  const service = await startService();
  await withGateway({ env: open, yaml: routesTo([service.url], openRoute) }, async (gateway) => {
    const post = (type, body = 'a=1') => call(gateway, 'POST', '/orders/', { body, headers: { 'Content-Type': type } });
    for (const type of ['application/x-www-form-urlencoded; charset=utf-7', 'application/json; charset=utf-8; charset=utf-7', 'application/json; charset =utf-7', 'application/x-www-form-urlencoded; charset=hz-gb-2312']) {
      assertProblem(await post(type, type.includes('json') ? '{}' : 'a=1'), 415, 'UNSUPPORTED_MEDIA_TYPE');
    }
    assert.equal((await post('application/x-www-form-urlencoded; charset="UTF-8"')).status, 200);
  });
  await service.stop();
});

test('one caller takes no service from the others', async () => {
  let early = false;
  const service = await startRawService((text) => {
    if (!text.includes('\r\n\r\n')) return undefined;
    if (text.startsWith('PUT') && early) return { bytes: 'HTTP/1.1 413 Payload Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno' };
    if (text.startsWith('PUT')) return undefined;
    return answer('ok', { status: text.includes('/busy') ? '503 Service Unavailable' : '200 OK' });
  });
  await withGateway({ env: { ...open, TRUSTED_PROXIES: '127.0.0.0/8', UPSTREAM_MAX_CONNECTIONS: '8' }, yaml: routesTo([service.url], openRoute + streamRoute) }, async (gateway) => {
    const from = (address) => ({ 'X-Forwarded-For': address });
    for (let i = 0; i < 12; ++i) assert.equal((await call(gateway, 'GET', '/orders/busy', { headers: from('203.0.113.1') })).status, 503);
    assert.equal((await call(gateway, 'GET', '/orders/fine', { headers: from('203.0.113.2') })).status, 200);

    const uploads = Array.from({ length: 6 }, () => {
      const request = httpRequest(`${gateway.url}/files/slow`, { method: 'PUT', headers: { ...from('203.0.113.1'), 'Content-Length': 1_000_000 } });
      request.on('error', () => {});
      const status = new Promise((resolve) => request.on('response', (response) => resolve(response.resume().statusCode)));
      request.write('x'.repeat(10_000));
      return { request, status };
    });
    const refused = await Promise.race([Promise.any(uploads.map(({ status }) => status)), pause(5000)]);
    assert.equal(refused, 429, 'a quarter of the connections is his');
    assert.equal((await call(gateway, 'GET', '/orders/fine', { headers: from('203.0.113.2') })).status, 200);
    for (const { request } of uploads) request.destroy();

    early = true;
    await eventually(async () => {
      const request = httpRequest(`${gateway.url}/files/big`, { method: 'PUT', headers: { ...from('203.0.113.3'), 'Content-Length': 50_000_000 } });
      request.on('error', () => {});
      const status = new Promise((resolve) => request.on('response', (response) => resolve(response.resume().statusCode)));
      for (let i = 0; i < 50 && !request.destroyed; ++i) {
        if (!request.write('x'.repeat(1_000_000))) await Promise.race([new Promise((resolve) => request.once('drain', resolve)), status, pause(500)]);
      }
      const got = await Promise.race([status, pause(2000)]);
      request.destroy();
      return got === 413;
    }, { what: 'the answer that came before the end of the body was lost' });
    assert.equal((await call(gateway, 'GET', '/orders/fine', { headers: from('203.0.113.2') })).status, 200);
  });
  await service.stop();
});

test('who may call is asked first: token, role, scope of a key, location', async () => {
  const service = await startService();
  const yaml = routesTo([service.url], `
  - {path: /staff/, service: orders, methods: [GET, POST], auth: {roles: [operator]}}
  - {path: /machine/, service: orders, auth: {roles: [service], scope: "orders:read", location: true}}
  - {path: /any/, service: orders}`);
  await withAccounts(
    async (desk) => {
      await desk.done(['user', 'add', 'till', '--role', 'viewer', '--no-password']);
      const key = async (...scopes) => desk.secret(await desk.done(['key', 'add', '--owner', 'till', '--name', 'k', ...scopes.flatMap((scope) => ['--scope', scope])]));
      const [wide, right, star, wrong] = [await key(), await key('orders:read'), await key('orders:*'), await key('chat:read')];
      const token = async (role) => desk.secret(await desk.done(['token', 'issue', '--sub', `a-${role}`, '--role', role]));
      const [viewer, operator] = [await token('viewer'), await token('operator')];
      await withGateway({ env: { ...open, DATA_DIR: `${desk.folder}/data` }, yaml }, async (gateway) => {
        const get = (path, headers) => call(gateway, 'GET', path, { headers });
        assertProblem(await get('/staff/x'), 401, 'AUTH_FAILED');
        assertProblem(await get('/any/x'), 401, 'AUTH_FAILED');
        assertProblem(await get('/staff/x', bearer(viewer)), 403, 'FORBIDDEN');
        assert.equal(service.requests.length, 0);
        assert.equal((await get('/staff/x', bearer(operator))).status, 200);
        const { headers } = service.last();
        assert.equal(headers['x-portcullis-user'], 'a-operator');
        assert.equal(headers['x-portcullis-roles'], 'operator');
        assert.equal(headers.authorization, undefined, 'the credential stays here');
        assert.equal((await get('/any/x', bearer(viewer))).status, 200);

        const at = { 'X-Location-ID': 'default' };
        assert.equal((await get('/machine/x', { 'X-API-Key': right, ...at })).status, 200);
        assert.ok(service.last().headers['x-portcullis-key']);
        assert.equal(service.last().headers['x-api-key'], undefined);
        assert.equal((await get('/machine/x', { 'X-API-Key': star, ...at })).status, 200);
        assert.equal((await get('/machine/x', { 'X-API-Key': wide, ...at })).status, 200, 'a key without scopes has all');
        assertProblem(await get('/machine/x', { 'X-API-Key': wrong, ...at }), 403, 'FORBIDDEN');
        assertProblem(await get('/machine/x', { 'X-API-Key': right }), 401, 'AUTH_FAILED');
        assertProblem(await get('/any/x', { 'X-API-Key': right }), 403, 'FORBIDDEN');
        assert.equal((await get('/api/auth/me', { 'X-API-Key': wrong })).status, 200);
      });
    },
    {},
  );
  await service.stop();
});

test('a configuration that cannot be meant is told with its place', async () => {
  const check = async (yaml, env = {}) => {
    const { status, stdout, stderr } = await runCommand(['check-config'], { yaml, env });
    return { status, text: stdout + stderr };
  };
  const good = (routes) => routesTo(['http://127.0.0.1:9'], routes);
  for (const [yaml, why] of [
    [good('\n  - {path: /a/, service: none}'), /there is no service 'none'/],
    [good('\n  - {path: /a/, methods: [GET]}'), /needs a service/],
    [good('\n  - {path: /a/, service: orders, methods: [TRACE]}'), /'TRACE' is not one of GET/],
    [good('\n  - {path: /a/, service: orders, auth: none}'), /kind must be anonymous or browser/],
    [good('\n  - {path: /a/, service: orders, guards: {rate: off}}'), /the guard rate cannot be off/],
    [good('\n  - {path: /a/, service: orders, auth: {roles: [king]}}'), /'king' is not one of viewer/],
    [good('\n  - {path: /a/, service: orders, rewrite: /b}'), /rewrite must both end/],
    [good('\n  - {path: /a/../b/, service: orders}'), /is no plain path/],
    [good('\n  - {path: /api/v1/session/create, service: orders, methods: [POST]}'), /is claimed by/],
    [good('\n  - {path: /a/, service: orders}\n  - {path: /a/, service: orders}'), /is claimed by/],
    [good('\n  - {path: /a/, service: orders, body: {limit: 1}}'), /is no setting/],
    [good('\n  - {path: /a/, service: orders, compress: maybe}'), /compress/],
    ['services:\n  - {id: a, targets: []}', /needs targets/],
    ['services:\n  - {id: a, targets: ["http://u:p@h/"]}', /targets/],
    ['services:\n  - {id: a, targets: ["http://h/?x"]}', /query or fragment/],
    ['services:\n  - {id: a, targets: ["http://h"]}\n  - {id: a, targets: ["http://h"]}', /is used twice/],
  ]) {
    const { status, text } = await check(yaml);
    assert.notEqual(status, 0, yaml);
    assert.match(text, why);
  }
  const { status, text } = await check(good('\n  - {path: /a/, service: orders, methods: [GET, POST], compress: true}'));
  assert.equal(status, 0, text);
  assert.match(text, /GET,POST +\/a\/\* +token +api +orders \/a\//);
  const production = { SECURITY_ENVIRONMENT: 'production', JWT_SECRET_KEY: randomBytes(48).toString('base64'), SESSION_SECRET_KEY: randomBytes(48).toString('base64'), ALLOWED_ORIGINS: 'https://a.example', N8N_WEBHOOK_URL: 'https://n.example/webhook/x' };
  assert.match((await check(good('\n  - {path: /a/, service: orders}'), production)).text, /needs SECURITY_JWT_SECRET_KEY/);
});

test('nobody gets round a narrower route by leaving its last slash away', async () => {
  const service = await startService();
  const yaml = routesTo([service.url], `
  - {path: /api/, service: orders, kind: anonymous, auth: none}
  - {path: /api/admin/, service: orders, auth: {roles: [admin]}}
  - {path: /api/open/, service: orders, kind: anonymous, auth: none}`);
  await withGateway({ env: open, yaml }, async (gateway) => {
    const status = async (path) => (await call(gateway, 'GET', path)).status;
    for (const path of ['/api/admin', '/api/admin?x=1', '/api/ADMIN', '/api/admin/']) assert.equal(await status(path), 401, path);
    assert.equal(await status('/api/open'), 404, 'nothing is above the route');
    assert.equal(await status('/api/administer'), 200);
    assert.deepEqual(service.requests.map(({ path }) => path), ['/api/administer']);
  });
  await service.stop();
});
