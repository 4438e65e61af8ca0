// Answers that are packed (Content-Encoding): files of the widget, metrics, and those of services where the route says so.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer, get } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { createBrotliDecompress, createGunzip } from 'node:zlib';
import { eventually, newVisitor, plenty } from '../harness/client.mjs';
import { unpack } from '../harness/codings.mjs';
import { startGateway } from '../harness/gateway.mjs';
import { PROVES } from '../harness/proves.mjs';
import { startRecordingUpstream } from '../harness/recording_upstream.mjs';
import { request } from '../harness/wire.mjs';
import { withGateway } from '../harness/with_gateway.mjs';

const env = { ...plenty, SECURITY_RATE_LIMIT_REQUESTS_PER_MINUTE: '1000000', GUARDS_BOT_MODE: 'off' };

const ask = (gateway, path, headers = {}, more = {}) => request(gateway, { path, headers, ...more });
const coding = (answer) => answer.header('Content-Encoding') ?? 'identity';
const plain = (answer) => unpack[coding(answer)](answer.body);
const vary = (answer) =>
  answer
    .values('Vary')
    .flatMap((line) => line.split(','))
    .map((name) => name.trim().toLowerCase());

describe('files of the widget', () => {
  let gateway;
  let file;
  before(async () => {
    gateway = await startGateway({ env });
    file = await readFile(new URL('../../build/web/embed.js', import.meta.url));
  });
  after(() => gateway?.stop());

  test(PROVES('F126') + 'come packed as the client likes best, and are the same file', async () => {
    const cases = [
      [undefined, 'identity'],
      ['', 'identity'],
      ['gzip', 'gzip'],
      ['X-GZip', 'gzip'],
      ['gzip, deflate, br, zstd', 'br'],
      ['br;q=0.1, gzip;q=0.2', 'gzip'],
      ['zstd', 'identity'],
      ['gzip;q=0, br;q=0', 'identity'],
      ['*', 'br'],
      ['*;q=0.5, br;q=0', 'gzip'],
      ['identity;q=0, gzip', 'gzip'],
      ['identity;q=0, *', 'br'],
      ['identity, br;q=0.5', 'identity'],
    ];
    for (const [accepted, expected] of cases) {
      const answer = await ask(gateway, '/widget/embed.js', { 'Accept-Encoding': accepted });
      assert.equal(answer.status, 200);
      assert.equal(coding(answer), expected, accepted);
      assert.ok(plain(answer).equals(file));
      assert.equal(answer.header('Content-Type'), 'text/javascript; charset=utf-8');
      assert.deepEqual(vary(answer), ['accept-encoding', 'origin']);
      if (expected !== 'identity') assert.ok(answer.body.length < file.length * 0.4);
    }
    for (const none of ['identity;q=0', '*;q=0', 'identity;q=0, zstd', '*;q=0, br;q=0']) {
      assert.equal((await ask(gateway, '/widget/embed.js', { 'Accept-Encoding': none })).status, 406, none);
    }
  });

  test(PROVES('F126') + 'each form has a tag of its own, by which it is 304', async () => {
    const forms = {};
    for (const accepted of ['br', 'gzip', 'identity']) forms[accepted] = await ask(gateway, '/widget/embed.js', { 'Accept-Encoding': accepted });
    const tags = Object.values(forms).map((form) => form.header('ETag'));
    assert.equal(new Set(tags).size, 3);
    for (const [accepted, form] of Object.entries(forms)) {
      for (const tag of tags) {
        for (const said of [tag, `W/${tag}`, `"other", ${tag}`]) {
          const answer = await ask(gateway, '/widget/embed.js', { 'Accept-Encoding': accepted, 'If-None-Match': said });
          assert.equal(answer.status, tag === form.header('ETag') ? 304 : 200);
          assert.equal(answer.header('ETag'), form.header('ETag'));
          assert.deepEqual(vary(answer), ['accept-encoding', 'origin']);
          if (answer.status === 304) assert.equal(answer.header('Content-Encoding'), undefined);
        }
      }
      assert.equal((await ask(gateway, '/widget/embed.js', { 'Accept-Encoding': accepted, 'If-None-Match': '*' })).status, 304);
    }
  });

  test(PROVES('F126') + 'HEAD says what GET does', async () => {
    for (const accepted of ['br', 'gzip', 'identity']) {
      const whole = await ask(gateway, '/widget/embed.js', { 'Accept-Encoding': accepted });
      const head = await ask(gateway, '/widget/embed.js', { 'Accept-Encoding': accepted }, { method: 'HEAD' });
      const fields = (answer) => answer.fields.filter(([name]) => !['date', 'x-request-id'].includes(name) && !name.includes('ratelimit'));
      assert.deepEqual(fields(head), fields(whole));
      assert.equal(head.header('Content-Length'), String(whole.body.length));
    }
  });

  test('a page with a nonce of its own is not packed', async () => {
    const page = await ask(gateway, '/widget/', { 'Accept-Encoding': 'br, gzip' });
    assert.equal(coding(page), 'identity');
    const files = [...page.text.matchAll(/(?:src|href)="([a-z]+-[0-9a-f]{8}\.(?:js|css|svg))"/g)].map(([, name]) => name);
    assert.ok(files.length > 1);
    for (const name of files) {
      const answer = await ask(gateway, `/widget/${name}`, { 'Accept-Encoding': 'gzip' });
      assert.equal(coding(answer), 'gzip', name);
      assert.ok(plain(answer).equals(await readFile(new URL(`../../build/web/${name}`, import.meta.url))));
    }
  });
});

test(PROVES('F126') + 'of its own JSON and text the gateway packs the metrics alone', async () => {
  const long = 'An answer that packs well. '.repeat(400);
  const upstream = await startRecordingUpstream({ answer: { response: long } });
  await withGateway({ env: { ...env, N8N_WEBHOOK_URL: upstream.url } }, async (gateway) => {
    const accepts = { 'Accept-Encoding': 'br, gzip' };
    const plainText = await ask(gateway, '/metrics?format=prometheus');
    for (const [accepted, expected] of [['gzip', 'gzip'], ['gzip, br', 'br'], ['identity', 'identity'], [undefined, 'identity']]) {
      const answer = await ask(gateway, '/metrics?format=prometheus', { 'Accept-Encoding': accepted });
      assert.equal(coding(answer), expected);
      assert.ok(plain(answer).toString().includes('# HELP portcullis_'));
      assert.ok(vary(answer).includes('accept-encoding'));
      if (expected !== 'identity') assert.ok(answer.body.length < plainText.body.length / 2);
    }
    const head = await ask(gateway, '/metrics?format=prometheus', accepts, { method: 'HEAD' });
    assert.equal(coding(head), 'br');

    // All else holds a token, an id, or what somebody said.
    const visitor = await newVisitor(gateway, { headers: accepts });
    const said = await visitor.call('POST', '/api/v1/chat/message', { body: { message: 'hello '.repeat(300) }, headers: accepts });
    assert.equal(said.status, 200, said.text);
    assert.ok(said.text.includes(long));
    const answers = [said, await visitor.call('GET', '/api/v1/session/validate', { headers: accepts }), await visitor.call('GET', '/api/v1/chat/history', { headers: accepts })];
    for (const answer of answers) assert.equal(answer.headers['content-encoding'], undefined, answer.text.slice(0, 100));
    for (const path of ['/', '/health', '/nowhere', `/nowhere/${'x'.repeat(3000)}`]) assert.equal(coding(await ask(gateway, path, accepts)), 'identity', path);
  });
  await upstream.stop();
});

describe('a route that compresses', () => {
  const text = JSON.stringify(Array.from({ length: 3000 }, (_, i) => ({ id: i, name: `customer ${i * i}`, paid: i % 3 === 0 })));
  let server;
  let asked;
  let handler;
  let gateway;
  before(async () => {
    server = createServer((request, response) => {
      asked = request;
      handler(request, response);
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    gateway = await startGateway({
      env,
      yaml: `
services: [{id: s, targets: ["http://127.0.0.1:${server.address().port}"]}]
routes:
  - {path: /c/, service: s, methods: [GET, POST], kind: anonymous, auth: none, compress: true}
  - {path: /p/, service: s, methods: [GET], kind: anonymous, auth: none}
`,
    });
  });
  after(async () => {
    await gateway?.stop();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const says = (fields = {}, body = text, status = 200) => {
    handler = (request, response) => {
      response.writeHead(status, { 'Content-Type': 'application/json', ...fields });
      response.end(request.method === 'HEAD' ? undefined : body);
    };
  };

  test(PROVES('F126') + 'packs what a service says, of known and of unknown length', async () => {
    for (const fields of [{ 'Content-Length': Buffer.byteLength(text) }, {}]) {
      says({ ...fields, ETag: '"v1"', 'Accept-Ranges': 'bytes', Vary: 'Cookie', 'Cache-Control': 'max-age=60' });
      for (const [accepted, expected] of [['gzip', 'gzip'], ['gzip, br', 'br'], ['br;q=0.1, *;q=0.2', 'gzip']]) {
        const answer = await ask(gateway, '/c/x', { 'Accept-Encoding': accepted });
        assert.equal(coding(answer), expected, accepted);
        assert.equal(plain(answer).toString(), text);
        assert.ok(answer.body.length < text.length / 4, `${answer.body.length} of ${text.length}`);
        assert.equal(answer.header('ETag'), 'W/"v1"');
        assert.equal(answer.header('Content-Length'), undefined);
        assert.equal(answer.header('Accept-Ranges'), undefined);
        assert.equal(answer.header('Cache-Control'), 'max-age=60');
        assert.deepEqual(vary(answer).sort(), ['accept-encoding', 'cookie', 'origin']);
        assert.equal(asked.headers['accept-encoding'], accepted, 'the service hears what the client takes');
      }
      for (const accepted of [undefined, 'identity', 'zstd', 'gzip;q=0']) {
        const answer = await ask(gateway, '/c/x', { 'Accept-Encoding': accepted });
        assert.equal(coding(answer), 'identity');
        assert.equal(answer.text, text);
        assert.equal(answer.header('ETag'), '"v1"');
        assert.ok(vary(answer).includes('accept-encoding'), 'a cache must know');
      }
      const old = await ask(gateway, '/c/x', { 'Accept-Encoding': 'gzip' }, { version: 'HTTP/1.0' });
      assert.equal(plain(old).toString(), text);
    }
  });

  test(PROVES('F126') + 'leaves alone what is packed, partial, short, no text, or not to be changed', async () => {
    const accepts = { 'Accept-Encoding': 'gzip, br' };
    const cases = [
      [{ 'Content-Encoding': 'zstd' }, text, 200],
      [{ 'Content-Type': 'image/png' }, text, 200],
      [{ 'Content-Type': 'text/event-stream' }, text, 200],
      [{ 'Content-Type': 'application/x-ndjson' }, text, 200],
      [{ 'Cache-Control': 'no-transform' }, text, 200],
      [{ 'Content-Digest': 'sha-256=:x:' }, text, 200],
      [{ 'Content-Range': `bytes 0-${text.length - 1}/${text.length}` }, text, 206],
      [{}, text, 404],
      [{}, '{"short":true}', 200],
    ];
    for (const [fields, body, status] of cases) {
      const length = Buffer.byteLength(body);
      says({ ...fields, 'Content-Length': length, ETag: '"v1"' }, body, status);
      const answer = await ask(gateway, '/c/x', accepts);
      assert.equal(answer.status, status);
      assert.equal(answer.header('Content-Encoding'), fields['Content-Encoding'], JSON.stringify(fields));
      assert.equal(answer.text, body);
      assert.equal(answer.header('Content-Length'), String(length));
      assert.equal(answer.header('ETag'), '"v1"');
    }
    says({ 'Content-Length': Buffer.byteLength(text) });
    const elsewhere = await ask(gateway, '/p/x', accepts);
    assert.equal(coding(elsewhere), 'identity', 'a route says so itself');
    assert.ok(!vary(elsewhere).includes('accept-encoding'));
  });

  test(PROVES('F126') + 'HEAD and 304 say what is said of the packed answer', async () => {
    handler = (request, response) => {
      const unchanged = /"v1"/.test(request.headers['if-none-match'] ?? '');
      response.writeHead(unchanged ? 304 : 200, { ETag: '"v1"', ...(!unchanged && { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }) });
      response.end(request.method === 'HEAD' || unchanged ? undefined : text);
    };
    const head = await ask(gateway, '/c/x', { 'Accept-Encoding': 'br' }, { method: 'HEAD' });
    assert.equal(head.status, 200);
    assert.equal(head.header('Content-Length'), undefined);
    assert.equal(head.header('ETag'), 'W/"v1"');
    assert.ok(vary(head).includes('accept-encoding'));
    const plainHead = await ask(gateway, '/c/x', {}, { method: 'HEAD' });
    assert.equal(plainHead.header('Content-Length'), String(Buffer.byteLength(text)));
    for (const tag of ['"v1"', 'W/"v1"']) {
      const unchanged = await ask(gateway, '/c/x', { 'Accept-Encoding': 'br', 'If-None-Match': tag });
      assert.equal(unchanged.status, 304);
      assert.equal(unchanged.header('ETag'), tag, 'the one that the client has');
    }
  });

  for (const [name, unpacker] of [['gzip', createGunzip], ['br', createBrotliDecompress]]) {
    test(PROVES('F126') + `${name}: each piece can be read when it comes`, async () => {
      const pieces = ['first, ', 'second, ', 'x'.repeat(30_000), ' and last'];
      let writeNext;
      handler = (request, response) => {
        response.writeHead(200, { 'Content-Type': 'text/plain' });
        let at = 0;
        writeNext = () => (at < pieces.length ? response.write(pieces[at++]) : response.end());
        writeNext();
      };
      let heard = '';
      let ended = false;
      const response = await new Promise((resolve, reject) => get(`${gateway.url}/c/slow`, { headers: { 'Accept-Encoding': name } }, resolve).on('error', reject));
      response.pipe(unpacker()).on('data', (data) => (heard += data)).on('end', () => (ended = true));
      for (let i = 1; i <= pieces.length; i++) {
        const soFar = pieces.slice(0, i).join('');
        await eventually(() => heard === soFar, { what: `piece ${i} was held back` });
        writeNext();
      }
      await eventually(() => ended);
    });
  }

  test(PROVES('F126') + 'an answer that breaks off is cut, and cannot be taken for the whole', async () => {
    handler = (request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/plain' });
      response.write('y'.repeat(50_000), () => setTimeout(() => response.destroy(), 50));
    };
    await assert.rejects(ask(gateway, '/c/x', { 'Accept-Encoding': 'gzip' }), /ended|nothing within/);
  });

  test(PROVES('F126') + 'a long answer is packed as it passes', async () => {
    const big = 'z'.repeat(3_000_000);
    says({ 'Content-Type': 'text/plain' }, big);
    const answer = await ask(gateway, '/c/x', { 'Accept-Encoding': 'br' });
    assert.equal(plain(answer).toString(), big);
  });
});
