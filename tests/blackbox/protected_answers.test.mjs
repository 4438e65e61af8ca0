// What services let slip in their answers: masked, or withheld.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { assertProblem, call, eventually } from '../harness/client.mjs';
import { unpack } from '../harness/codings.mjs';
import { runCommand, startGateway } from '../harness/gateway.mjs';
import { startRawService } from '../harness/raw_service.mjs';
import { request } from '../harness/wire.mjs';
import { withGateway } from '../harness/with_gateway.mjs';

const open = { SECURITY_RATE_LIMIT_REQUESTS_PER_MINUTE: '1000000', GUARDS_BOT_MODE: 'off', LOG_FORMAT: 'json' };
const key = `ghp_${randomBytes(18).toString('hex')}`;
const jwt = ['{"alg":"HS256","typ":"JWT"}', '{"sub":"1"}'].map((part) => Buffer.from(part).toString('base64url')).join('.') + `.${randomBytes(32).toString('base64url')}`;
const trace = 'Oops\n\tat com.shop.Orders.find(Orders.java:42)\n\tat com.shop.Main.main(Main.java:7)\nBye\n';

/** A piece of a chunked body. */
const chunk = (text) => `${Buffer.byteLength(text, 'latin1').toString(16)}\r\n${text}\r\n`;
const head = (type, more = [], status = '200 OK') => [`HTTP/1.1 ${status}`, ...(type ? [`Content-Type: ${type}`] : []), ...more].join('\r\n');
const withLength = (body, type, more = [], status) => `${head(type, [...more, `Content-Length: ${Buffer.byteLength(body, 'latin1')}`], status)}\r\n\r\n${body}`;
const inChunks = (pieces, type, more = []) => `${head(type, [...more, 'Transfer-Encoding: chunked'])}\r\n\r\n${pieces.map(chunk).join('')}0\r\n\r\n`;

/** The body of an answer as it comes, and whether it was cut. */
const readPieces = (gateway, path) =>
  new Promise((resolve) => {
    const pieces = [];
    const cut = () => resolve({ pieces, cut: true });
    const request = httpRequest(gateway.url + path, (response) => {
      response.on('data', (data) => pieces.push(String(data)));
      response.on('error', cut);
      response.on('end', () => resolve({ pieces, cut: false }));
    });
    request.on('error', cut).end();
  });

const bothWays = (url) => `
services: [{id: s, targets: ["${url}"]}]
routes:
  - {path: /mask/, service: s, kind: anonymous, auth: none, response: {leaks: mask}}
  - {path: /refuse/, service: s, kind: anonymous, auth: none, response: {leaks: refuse}}`;

describe('what a service lets slip', () => {
  let service;
  let gateway;
  let say;
  before(async () => {
    service = await startRawService((text) => (text.includes('\r\n\r\n') ? say(text) : undefined));
    gateway = await startGateway({
      env: open,
      yaml: `
services: [{id: s, targets: ["${service.url}"]}]
routes:
  - {path: /mask/, service: s, methods: [GET, POST, DELETE], kind: anonymous, auth: none, response: {leaks: mask}}
  - {path: /refuse/, service: s, kind: anonymous, auth: none, response: {leaks: refuse}}
  - {path: /packed/, service: s, kind: anonymous, auth: none, compress: true, response: {leaks: mask}}
  - {path: /packed-refuse/, service: s, kind: anonymous, auth: none, compress: true, response: {leaks: refuse}}
  - {path: /tokens/, service: s, kind: anonymous, auth: none, response: {leaks: mask, except: [token-jwt]}}
  - {path: /plain/, service: s, kind: anonymous, auth: none}
`,
    });
  });
  after(async () => {
    await gateway?.stop();
    await service?.stop();
  });
  const get = (path, headers = {}) => call(gateway, 'GET', path, { headers });
  /** What the service has been asked for last, on any connection; from the path on. */
  const lastRequest = (path) => {
    const all = service.connections.map(({ bytes }) => bytes.slice(Math.max(0, bytes.lastIndexOf(`GET ${path}`)))).filter((bytes) => bytes.startsWith(`GET ${path}`));
    assert.ok(all.length > 0);
    return all.at(-1);
  };
  /** The events since `from`, with this code. */
  const events = (code, from = 0) => gateway.log().slice(from).split('\n').filter((line) => line.includes(code));
  const event = async (code, from) => {
    await eventually(() => events(code, from).length > 0, { what: `no event ${code}` });
    return events(code, from).at(-1);
  };

  test('is masked in JSON and in texts, however it comes in pieces', async () => {
    const json = JSON.stringify({ user: 'anna', key, nested: [`a\n${key}"`, { error: trace }], n: 1 });
    const masked = JSON.stringify({ user: 'anna', key: '[masked]', nested: ['a\n[masked]"', { error: 'Oops\n[masked]\n[masked]\nBye\n' }], n: 1 });
    const text = `key: ${key}\n${trace}`;
    for (const [body, type, expected] of [
      [json, 'application/json', masked],
      [json, 'application/problem+json; charset=utf-8', masked],
      [text, 'text/plain', 'key: [masked]\nOops\n[masked]\n[masked]\nBye\n'],
      [text, '', 'key: [masked]\nOops\n[masked]\n[masked]\nBye\n'],
      [`<p>${key}</p>`, 'text/html', '<p>[masked]</p>'],
      [`cb({"k":"${key}"})`, 'application/javascript', 'cb({"k":"[masked]"})'],
      [`next=%2Fx%3Ftoken%3D${key}`, 'application/x-www-form-urlencoded', 'next=%2Fx%3Ftoken%3D[masked]'],
      [`\x1e{"k":"${key}"}\n`, 'application/json-seq', '\x1e{"k":"[masked]"}\n'],
      [`--x\r\n\r\n${key}\r\n--x--`, 'multipart/mixed; boundary=x', '--x\r\n\r\n[masked]\r\n--x--'],
      ['{"e":"Unknown column \\u0027a\\u0027 in \\u0027where\\u0027"}', 'application/json', '{"e":"[masked]"}'],
      ['<b>Unknown column &#039;a&#039; in &#039;where&#039;</b>', 'text/html', '<b>[masked]</b>'],
      [JSON.stringify({ path: '/var/www/app/index.php' }).replaceAll('/', '\\/'), 'application/json', '{"path":"[masked]"}'],
    ]) {
      const from = gateway.log().length;
      for (const said of [withLength(body, type), inChunks([body], type), inChunks([...body], type)]) {
        say = () => said;
        const answered = await get('/mask/x');
        assert.equal(answered.status, 200);
        assert.equal(answered.text, expected);
        if (answered.json) assert.deepEqual(answered.json, JSON.parse(expected));
      }
      await eventually(() => events('RSP_001', from).length === 3, { what: 'no event for each answer' });
      for (const line of events('RSP_001', from)) {
        assert.match(line, /key-github|sql-mysql|path-source/);
        assert.ok(!line.includes(key) && !line.includes('Orders.java'), line);
      }
    }
  });

  test('a private key is masked in whatever layout it comes', async () => {
    const [begin, end] = ['BEGIN', 'END'].map((word) => `-----${word} RSA PRIVATE KEY-----`);
    const lines = [begin, ...Array.from({ length: 24 }, () => randomBytes(48).toString('base64')), end];
    const entities = (line) => line.replaceAll('+', '&#x2B;').replaceAll('/', '&#x2F;');
    for (const [body, type, around] of [
      [`<pre>${lines.map(entities).join('\n')}</pre>`, 'text/html', /^<pre>\[masked\]<\/pre>$/],
      [`<p>${lines.join('<br>')}</p>x`, 'text/html', /^<p>\[masked\](<br>\[masked\])+<\/p>x$/],
      [`${lines.map((line) => `> ${line}`).join('\n')}\nBye.`, 'text/plain', /^> \[masked\]\nBye\.$/],
      [JSON.stringify({ lines, user: 'anna' }), 'application/json', /^\{"lines":\["\[masked\]"(,"\[masked\]")+\],"user":"anna"\}$/],
      [lines.map((log) => `${JSON.stringify({ log, n: 1 })}\n`).join(''), 'application/x-ndjson', /^(\{"log":"\[masked\]","n":1\}\n)+$/],
    ]) {
      for (const said of [withLength(body, type), inChunks(body.match(/[^]{1,97}/g), type)]) {
        say = () => said;
        const { text } = await get('/mask/x');
        assert.match(text, around);
      }
    }
  });

  test('is masked where it comes byte by byte, with pauses', async () => {
    const body = `a ${key} b\n`;
    const slow = await startSlowService(body);
    await withGateway({ env: open, yaml: bothWays(slow.url) }, async (other) => {
      assert.equal((await call(other, 'GET', '/mask/x')).text, 'a [masked] b\n');
      assertProblem(await call(other, 'GET', '/refuse/x'), 502, 'UPSTREAM_ERROR');
    });
    await slow.stop();
  });

  test('an answer without it goes on as it is', async () => {
    const body = JSON.stringify({ id: 7, note: 'Gr\\u00fc\\n\\"x\\"', list: Array.from({ length: 3000 }, (_, i) => ({ i, name: `customer ${i}` })) });
    for (const path of ['/mask/x', '/refuse/x', '/plain/x']) {
      for (const said of [withLength(body, 'application/json', ['ETag: "v1"']), inChunks(body.match(/[^]{1,997}/g), 'application/json', ['ETag: "v1"'])]) {
        say = () => said;
        const answered = await get(path);
        assert.equal(answered.status, 200);
        assert.equal(answered.text, body);
        assert.equal(answered.headers.etag, path === '/mask/x' ? undefined : '"v1"');
      }
    }
    say = () => withLength(`key ${key}`, 'text/plain');
    assert.equal((await get('/plain/x')).text, `key ${key}`, 'only where it is asked for');
    say = () => withLength(`{"t":"${jwt}","k":"${key}"}`, 'application/json');
    assert.deepEqual((await get('/tokens/x')).json, { t: jwt, k: '[masked]' });
    assert.deepEqual((await get('/mask/x')).json, { t: '[masked]', k: '[masked]' });
    const binary = `\x89PNG ${key}`;
    say = () => withLength(binary, 'image/png', ['ETag: "b"', 'Content-Encoding: gzip']);
    const image = await call(gateway, 'GET', '/refuse/x');
    assert.equal(image.status, 200);
    assert.equal(image.headers.etag, '"b"');
  });

  test('is withheld where the route says so', async () => {
    for (const body of [`{"key":"${key}"}`, `{"a":"${'x'.repeat(30_000)}","key":"${key}"}`]) {
      const from = gateway.log().length;
      say = () => withLength(body, 'application/json', ['X-Own: 1']);
      const refused = await get('/refuse/x');
      assertProblem(refused, 502, 'UPSTREAM_ERROR');
      assert.ok(!refused.text.includes(key));
      assert.equal(refused.headers['x-own'], undefined);
      const line = await event('RSP_001', from);
      assert.ok(line.includes(refused.json.error_id) && line.includes('key-github') && !line.includes(key), line);
    }
  });

  test('a long answer is cut before what must not leave', async () => {
    const long = `{"a":"${'x'.repeat(200_000)}","key":"${key}","more":"${'y'.repeat(100_000)}"}`;
    say = () => withLength(long, 'application/json');
    const { pieces, cut } = await readPieces(gateway, '/refuse/x');
    const text = pieces.join('');
    assert.equal(cut, true);
    assert.ok(long.startsWith(text) && !text.includes('ghp_'), String(text.length));
    say = () => withLength(long, 'application/json');
    const masked = await get('/mask/x');
    assert.equal(masked.text, long.replace(key, '[masked]'));
  });

  test('a service is asked for what can be read, and nothing else passes', async () => {
    say = () => withLength('ok', 'text/plain', ['ETag: "e"', 'Digest: x', 'Accept-Ranges: bytes']);
    const answered = await get('/mask/x', { 'Accept-Encoding': 'gzip, br', Range: 'bytes=0-3', 'If-Range': '"e"' });
    assert.equal(answered.text, 'ok');
    for (const name of ['etag', 'digest', 'accept-ranges']) assert.equal(answered.headers[name], undefined, name);
    const last = lastRequest('/mask/x');
    assert.match(last, /\r\nAccept-Encoding: identity\r\n/);
    assert.ok(!/gzip|\r\nrange|\r\nif-range/i.test(last), last);
    await get('/plain/x', { 'Accept-Encoding': 'gzip', Range: 'bytes=0-3' });
    assert.match(lastRequest('/plain/x'), /\r\naccept-encoding: gzip\r\n/i);
    assert.match(lastRequest('/plain/x'), /\r\nrange: bytes=0-3\r\n/i);

    for (const said of [
      withLength(gzipSync(key).toString('latin1'), 'text/plain', ['Content-Encoding: gzip']),
      withLength(key.slice(0, 8), 'text/plain', ['Content-Range: bytes 0-7/40'], '206 Partial Content'),
      withLength(Buffer.from(key, 'utf16le').toString('latin1'), 'text/plain; charset=utf-16'),
      withLength(key, 'application/octet-stream', ['Content-Type: application/json']),
      withLength(key, 'application/json', ['Content-Type: image/png']),
      withLength(key, 'application/json, application/json'),
      withLength(key, 'image/png, text/html'),
    ]) {
      for (const path of ['/mask/x', '/refuse/x']) {
        const from = gateway.log().length;
        say = () => said;
        assertProblem(await get(path), 502, 'UPSTREAM_ERROR');
        await event('RSP_002', from);
      }
    }
  });

  test('answers without a body are what they are', async () => {
    say = (text) => {
      if (text.startsWith('HEAD')) return head('application/json', ['Content-Length: 100', 'ETag: "e"']) + '\r\n\r\n';
      return text.startsWith('DELETE') ? 'HTTP/1.1 204 No Content\r\n\r\n' : 'HTTP/1.1 304 Not Modified\r\nETag: "e"\r\n\r\n';
    };
    const asked = await call(gateway, 'HEAD', '/mask/x');
    assert.equal(asked.status, 200);
    assert.equal(asked.headers['content-length'], undefined, 'a GET could have another one');
    assert.equal((await call(gateway, 'DELETE', '/mask/x')).status, 204);
    assert.equal((await get('/mask/x')).status, 304);
    assert.equal((await get('/refuse/x')).status, 304);
  });

  test('a stream of events goes on line by line', async () => {
    const slow = await startSlowService('', async (socket) => {
      socket.write(`${head('text/event-stream', ['Transfer-Encoding: chunked'])}\r\n\r\n${chunk('data: one\n\n')}`);
      await pause(300);
      socket.write(chunk(`data: ${key}\n\n`));
      await pause(300);
      socket.write(`${chunk('data: three\n\n')}0\r\n\r\n`);
    });
    await withGateway({ env: open, yaml: bothWays(slow.url) }, async (other) => {
      assert.deepEqual(await readPieces(other, '/mask/x'), { pieces: ['data: one\n\n', 'data: [masked]\n\n', 'data: three\n\n'], cut: false });
      assert.deepEqual(await readPieces(other, '/refuse/x'), { pieces: ['data: one\n\n'], cut: true });
    });
    await slow.stop();
  });

  test('a service that breaks off is told of as one', async () => {
    say = () => ({ bytes: `${head('application/json', ['Content-Length: 100'])}\r\n\r\n{"a":`, close: true });
    assertProblem(await get('/refuse/x'), 502, 'UPSTREAM_ERROR');
  });

  test('what is packed for the client has been looked into before', async () => {
    const body = JSON.stringify({ text: 'harmless '.repeat(300), key, after: 'x' });
    for (const answer of [withLength(body, 'application/json'), inChunks([body.slice(0, 2000), body.slice(2000, 2720), body.slice(2720)], 'application/json')]) {
      say = () => answer;
      for (const [coding, open] of Object.entries(unpack)) {
        const masked = await request(gateway, { path: '/packed/1', headers: { 'Accept-Encoding': coding } });
        assert.equal(masked.status, 200);
        assert.equal(masked.header('Content-Encoding'), coding === 'identity' ? undefined : coding);
        assert.equal(open(masked.body).toString(), body.replace(key, '[masked]'));
      }
      assertProblem(await get('/packed-refuse/1', { 'Accept-Encoding': 'br' }), 502, 'UPSTREAM_ERROR');
    }
    say = () => withLength('y'.repeat(3000), 'text/plain');
    const clean = await request(gateway, { path: '/packed-refuse/1', headers: { 'Accept-Encoding': 'gzip' } });
    assert.equal(unpack.gzip(clean.body).toString(), 'y'.repeat(3000));
    assert.match(lastRequest('/packed-refuse/1'), /Accept-Encoding: identity\r\n/);
  });
});

/** A service that sends its answer byte by byte, or as `play` does. */
async function startSlowService(body, play) {
  const sockets = new Set();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.setNoDelay(true);
    socket.on('data', async () => {
      if (play) return play(socket);
      socket.write(`${head('text/plain', ['Connection: close'])}\r\n\r\n`);
      for (const byte of body) {
        await pause(2);
        socket.write(byte);
      }
      socket.end();
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    stop: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

test('settings of answers that cannot be meant are told with their place', async () => {
  for (const [more, why] of [
    ['response: {leaks: hide}', /'hide' is not one of off, mask, refuse/],
    ['response: {leak: mask}', /is no setting/],
    ['response: {except: [token-jwt]}', /leaves out rules of answers/],
    ['response: {leaks: mask, except: [token-none]}', /no rule of answers 'token-none'/],
    ['websocket: true, response: {leaks: mask}', /messages are not looked into/],
  ]) {
    const { status, stdout, stderr } = await runCommand(['check-config'], { yaml: `
services: [{id: s, targets: ["http://127.0.0.1:9"]}]
routes:
  - {path: /a/, service: s, kind: anonymous, auth: none, ${more}}` });
    assert.notEqual(status, 0, more);
    assert.match(stdout + stderr, why);
  }
});
