// Forms with files on protected routes: what a service reads is what was judged, and nothing else comes through.

import assert from 'node:assert/strict';
import { File } from 'node:buffer';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import busboy from 'busboy';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assertProblem, call, eventually } from '../harness/client.mjs';
import { runCommand, startGateway } from '../harness/gateway.mjs';
import { answer, startRawService } from '../harness/raw_service.mjs';

const open = { SECURITY_RATE_LIMIT_REQUESTS_PER_MINUTE: '1000000', GUARDS_BOT_MODE: 'off', LOG_FORMAT: 'json' };
const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
const file = (bytes, name, type) => new File([bytes], name, { type });

/** A service that reads forms with busboy, and answers with what it has read. */
async function startFormService() {
  const server = createServer((request, response) => {
    const read = [];
    const done = (status, words) => response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(words));
    try {
      const parser = busboy({ headers: request.headers });
      parser.on('field', (name, value) => read.push({ name, value }));
      parser.on('file', (name, stream, { filename, mimeType }) => {
        const pieces = [];
        stream.on('data', (piece) => pieces.push(piece));
        stream.on('end', () => read.push({ name, filename, mimeType, base64: Buffer.concat(pieces).toString('base64') }));
      });
      parser.on('error', (error) => done(500, String(error)));
      parser.on('close', () => done(200, read));
      request.pipe(parser);
    } catch (error) {
      done(500, String(error));
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The bytes of an answer to bytes. */
const speak = (gateway, line, fields, body) =>
  new Promise((resolve, reject) => {
    const { host, port } = new URL(gateway.url);
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.on('data', (data) => (text += data.toString('latin1')));
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
    socket.write(`${line} HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\nContent-Length: ${Buffer.byteLength(body, 'latin1')}\r\nConnection: close\r\n\r\n${body}`, 'latin1');
  });

describe('a form with files', () => {
  let raw;
  let reader;
  let gateway;
  let folder;
  before(async () => {
    raw = await startRawService((text) => {
      const end = text.indexOf('\r\n\r\n');
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
      return end < 0 || text.length < end + 4 + length ? undefined : answer('taken');
    });
    reader = await startFormService();
    folder = await mkdtemp(join(tmpdir(), 'portcullis-forms-'));
    await writeFile(
      join(folder, 'note.yaml'),
      'type: object\nrequired: [note]\nadditionalProperties: false\nproperties:\n  note: {type: string, maxLength: 20}\n  photo: {const: ""}\n',
    );
    gateway = await startGateway({
      folder,
      env: open,
      yaml: `
services:
  - {id: raw, targets: ["${raw.url}"]}
  - {id: reader, targets: ["${reader.url}"]}
routes:
  - {path: /raw/, service: raw, methods: [POST], kind: anonymous, auth: none, body: {max: 100000, files: {count: 2, size: 50000, types: [image/png, text/plain]}}}
  - {path: /read/, service: reader, methods: [POST], kind: anonymous, auth: none, body: {files: {}}}
  - {path: /described/, service: reader, methods: [GET, POST], kind: anonymous, auth: none, critical: true, body: {schema: note.yaml, files: {types: [image/png]}}}
  - {path: /none/, service: raw, methods: [POST], kind: anonymous, auth: none}
`,
    });
  });
  after(async () => {
    await gateway?.stop();
    await raw?.stop();
    await reader?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** How many requests have come through. */
  const seen = () => raw.connections.reduce((sum, { bytes }) => sum + bytes.split('POST /raw/').length - 1, 0);
  /** One sent as browsers send it, by undici. */
  const post = async (path, entries) => {
    const form = new FormData();
    for (const [name, value] of entries) form.append(name, value);
    const response = await fetch(gateway.url + path, { method: 'POST', body: form });
    const text = await response.text();
    return { status: response.status, headers: Object.fromEntries(response.headers), text, json: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : undefined };
  };
  /** One of our own, with parts as they are written; `type` instead of the ordinary Content-Type. */
  const postRaw = (path, body, type = 'multipart/form-data; boundary=b') => call(gateway, 'POST', path, { body: Buffer.from(body, 'latin1'), headers: { 'Content-Type': type } });
  const field = (name, value) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  const upload = (name, filename, type, value) => `--b\r\nContent-Disposition: form-data; name="${name}"; filename="${filename}"\r\nContent-Type: ${type}\r\n\r\n${value}\r\n`;

  test('goes on byte by byte as it came', async () => {
    const body = `${field('note', 'two\r\nlines')}${upload('f', 'a b.png', 'image/png', png.toString('latin1'))}--b--\r\n`;
    const answered = await speak(gateway, 'POST /raw/x', 'Content-Type: Multipart/Form-Data;  boundary="b"', body);
    assert.match(answered, /^HTTP\/1.1 200 /);
    const { bytes } = raw.connections.at(-1);
    assert.ok(bytes.endsWith(`\r\n\r\n${body}`), bytes);
    assert.match(bytes, /Content-Type: Multipart\/Form-Data; {2}boundary="b"\r\n/);
  });

  test('is to its service what it was to the gateway', async () => {
    const entries = [
      ['note', 'Grüße, "quoted"\r\n--x'],
      ['files', file(png, 'photo.png', 'image/png')],
      ['files', file('a,b\n1,2\n', 'über.csv', 'text/csv')],
      ['more[]', 'x'],
    ];
    const { status, json } = await post('/read/x', entries);
    assert.equal(status, 200, JSON.stringify(json));
    assert.deepEqual(json.filter(({ value }) => value !== undefined), [
      { name: 'note', value: 'Grüße, "quoted"\r\n--x' },
      { name: 'more[]', value: 'x' },
    ]);
    const files = json.filter(({ base64 }) => base64 !== undefined);
    assert.deepEqual(files.map(({ base64 }) => base64), [png.toString('base64'), Buffer.from('a,b\n1,2\n').toString('base64')]);
    assert.deepEqual(files.map(({ mimeType }) => mimeType), ['image/png', 'text/csv']);
    assert.deepEqual((await post('/read/x', [['only', 'text']])).json, [{ name: 'only', value: 'text' }]);
  });

  test('is taken only where its route says so', async () => {
    const before = seen();
    assertProblem(await post('/none/x', [['a', 'b']]), 415, 'UNSUPPORTED_MEDIA_TYPE');
    assert.equal(seen(), before);
    assert.equal((await call(gateway, 'POST', '/raw/x', { body: { a: 1 } })).status, 200, 'JSON as before');
  });

  test('is looked into: fields, names, and names of files', async () => {
    const before = seen();
    const attack = "'; DROP TABLE orders; --";
    assertProblem(await post('/raw/x', [['name', attack]]), 400, 'CONTENT_REFUSED');
    assertProblem(await post('/raw/x', [[attack, 'x']]), 400, 'CONTENT_REFUSED');
    assertProblem(await post('/raw/x', [['f', file('x', "a' OR '1'='1' --.txt", 'text/plain')]]), 400, 'CONTENT_REFUSED');
    for (const name of ['..', '../../etc/passwd', 'a/b.txt', 'a\\b.txt', '.htaccess', 'con.txt', 'x.php.txt', 'x.asp;.txt', 'x.phtml.v2.txt', 'a\u202egnp.txt', 'a%2fb.txt', `${'n'.repeat(260)}.txt`]) {
      assertProblem(await post('/raw/x', [['f', file('x', name, 'text/plain')]]), 400, 'VALIDATION_FAILED');
    }
    assertProblem(await post('/raw/x', [['a', '1'], ['a', '2']]), 400, 'VALIDATION_FAILED');
    for (const second of ['a[]', 'A', 'a ', '\u00a0a', 'a\t']) {
      assertProblem(await post('/raw/x', [['a', '1'], [second, '2']]), 400, 'VALIDATION_FAILED');
      const fields = new URLSearchParams([['a', '1'], [second, '2']]).toString();
      assertProblem(await postRaw('/raw/x', fields, 'application/x-www-form-urlencoded'), 400, 'VALIDATION_FAILED');
    }
    for (const [first, second] of [['a[]', 'a[0]'], ['a[b]', 'a[b][c]']]) {
      assertProblem(await post('/raw/x', [[first, '1'], [second, '2']]), 400, 'VALIDATION_FAILED');
    }
    assertProblem(await post('/raw/x', [['a', '1'], ['a', file('x', 'a.txt', 'text/plain')]]), 400, 'VALIDATION_FAILED');
    assert.equal(seen(), before, 'nothing of it came through');
  });

  test('holds the bounds of its route, in number, size and kind', async () => {
    const before = seen();
    const text = (size) => file('x'.repeat(size), 'a.txt', 'text/plain');
    assertProblem(await post('/raw/x', [['f', text(1)], ['f', text(1)], ['f', text(1)]]), 400, 'VALIDATION_FAILED');
    assertProblem(await post('/raw/x', [['f', text(50_001)]]), 413, 'PAYLOAD_TOO_LARGE');
    assertProblem(await post('/raw/x', [['f', text(49_999)], ['f', text(49_999)], ['t', 'x'.repeat(2000)]]), 413, 'PAYLOAD_TOO_LARGE');
    assertProblem(await post('/raw/x', Array.from({ length: 33 }, (_, i) => [`f${i}`, ''])), 400, 'VALIDATION_FAILED');
    for (const [bytes, name, type] of [
      ['%PDF-1.7', 'a.pdf', 'application/pdf'], // of a kind that the route does not take
      ['<svg/>', 'a.txt', 'text/plain'],
      ['MZ\0\0', 'a.png', 'image/png'], // not what it says
      [png, 'a.txt', 'image/png'],
      [png, 'a.png', 'text/html'],
      ['text', 'a.txt', 'text/html'],
      ['text', 'a.php', 'text/plain'],
    ]) {
      assertProblem(await post('/raw/x', [['f', file(bytes, name, type)]]), 415, 'UNSUPPORTED_MEDIA_TYPE');
    }
    assert.equal(seen(), before, 'nothing of it came through');
    assert.equal((await post('/raw/x', [['f', text(50_000)]])).status, 200);
  });

  test('cannot be cut in two ways', async () => {
    const before = seen();
    const good = field('a', 'x');
    const second = 'Content-Disposition: form-data; name="admin"\r\n\r\n1';
    assert.equal((await postRaw('/raw/x', `${good}--b--\r\n`)).status, 200);
    const malformed = [
      `preamble\r\n${good}--b--\r\n`,
      `${good}--b--\r\nepilogue`,
      `${good}--b--\r\n${good}--b--\r\n`,
      `${good.replace('--b\r\n', '--b \r\n')}--b--\r\n`,
      `${good.replaceAll('\r\n', '\n')}--b--\n`,
      `${field('a', `x\n--b\n${second.replaceAll('\r\n', '\n')}`)}--b--\r\n`,
      `${field('a', `x\r--b\r${second}`)}--b--\r\n`,
      `${field('a', `x\r\n--b \r\n${second}`)}--b--\r\n`,
      `${field('a', `x\r\n--bb\r\n${second}`)}--b--\r\n`,
      good,
      `${good.replace('Content-', 'Content-Transfer-Encoding: base64\r\nContent-')}--b--\r\n`,
      `${good.replace('name="a"', 'name="a"; name="b"')}--b--\r\n`,
      `${good.replace('name="a"', 'name=a')}--b--\r\n`,
      `${good.replace('name="a"', 'name="a\\"; filename=\\"x"')}--b--\r\n`,
      `${good.replace('name="a"', 'name="a"; filename="x.txt"; filename*=UTF-8\'\'y.php')}--b--\r\n`,
      `${good.replace('name="a"', 'name="a"; filename*=UTF-8\'\'y.php')}--b--\r\n`,
      `${good.replace('; name="a"', ';\r\n name="a"')}--b--\r\n`,
      `${good.replace('Disposition', 'Disposition ')}--b--\r\n`,
    ];
    for (const body of malformed) assertProblem(await postRaw('/raw/x', body), 400, 'VALIDATION_FAILED');
    assertProblem(await postRaw('/raw/x', `--b\r\nContent-Disposition: form-data; name="a"\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c--\r\n--b--\r\n`), 415, 'UNSUPPORTED_MEDIA_TYPE');
    assertProblem(await postRaw('/raw/x', `--b\r\nContent-Disposition: form-data; name="a"\r\nContent-Type: text/plain; charset=utf-7\r\n\r\nx\r\n--b--\r\n`), 415, 'UNSUPPORTED_MEDIA_TYPE');
    for (const type of ['text/plain; boundary=c', 'text/plain; charset=utf-8; name=x.php']) {
      assertProblem(await postRaw('/raw/x', `${upload('f', 'a.txt', type, 'x')}--b--\r\n`), 415, 'UNSUPPORTED_MEDIA_TYPE');
      assertProblem(await postRaw('/raw/x', `${upload('f', '', type, '')}--b--\r\n`), 415, 'UNSUPPORTED_MEDIA_TYPE');
    }
    assertProblem(await postRaw('/raw/x', `${field('_charset_', 'utf-7')}--b--\r\n`), 415, 'UNSUPPORTED_MEDIA_TYPE');
    const boundaries = ['b; boundary=c', '"b', 'b; charset=utf-7', 'b,c', "b; boundary*=utf-8''c", '', 'b c', 'x'.repeat(71)];
    for (const boundary of boundaries) assertProblem(await postRaw('/raw/x', `${good}--b--\r\n`, `multipart/form-data; boundary=${boundary}`), 400, 'BAD_REQUEST');
    assertProblem(await postRaw('/raw/x', `${good}--b--\r\n`, 'multipart/mixed; boundary=b'), 415, 'UNSUPPORTED_MEDIA_TYPE');
    const twice = await speak(gateway, 'POST /raw/x', 'Content-Type: multipart/form-data; boundary=b\r\nContent-Type: multipart/form-data; boundary=c', `${good}--b--\r\n`);
    assert.match(twice, /^HTTP\/1.1 4\d\d /);
    assert.equal(seen(), before + 1, 'nothing but the good one came through');
  });

  test("follows the schema with its text fields, and its events are the route's", async () => {
    const photo = ['photo', file(png, 'a.png', 'image/png')];
    assert.equal((await post('/described/x', [['note', 'short'], photo])).status, 200);
    const unchosen = `${field('note', 'x')}${upload('photo', '', 'application/octet-stream', '')}--b--\r\n`;
    assert.equal((await postRaw('/described/x', unchosen)).status, 200);
    for (const [entries, rule, pointer] of [
      [[photo], 'required', ''],
      [[['note', 'x'.repeat(21)], photo], 'maxLength', '/note'],
      [[['note', 'x'], ['hunter2', 'y']], 'additionalProperties', ''],
      [[['note', 'x'], ['photo', 'text']], 'const', '/photo'],
    ]) {
      const refused = await post('/described/x', entries);
      assertProblem(refused, 422, 'SCHEMA_INVALID');
      assert.deepEqual([refused.json.rule, refused.json.pointer], [rule, pointer]);
      assert.ok(!refused.text.includes('hunter2'));
    }
    const large = await post('/described/x', [['note', 'x'], ['photo', file('x', 'hunter2.txt', 'text/plain')]]);
    assertProblem(large, 415, 'UNSUPPORTED_MEDIA_TYPE');
    const event = () => gateway.log().split('\n').find((line) => line.includes(large.json.error_id) && line.includes('VALIDATION_ERROR'));
    await eventually(event, { what: 'no event of this id' });
    assert.match(event(), /VAL_006.*VAL_007|VAL_007.*VAL_006/);
    assert.ok(!event().includes('hunter2'));
  });
});

test('settings of files that cannot be meant are told with their place', async () => {
  const check = async (body, more = '', env = {}) => {
    const { status, stdout, stderr } = await runCommand(['check-config'], { env, yaml: `
services: [{id: s, targets: ["http://127.0.0.1:9"]}]
routes:
  - {path: /a/, service: s, kind: anonymous, auth: none, methods: [POST], body: ${body}${more}}` });
    return { status, text: stdout + stderr };
  };
  for (const [body, why] of [
    ['{files: {types: [text/html]}}', /'text\/html' is not one of image\/png/],
    ['{files: {count: 21}}', /is no number from 0 to 20/],
    ['{files: {most: 2}}', /files\.most.*is no setting/],
    ['{files: {size: 20000000}}', /files that are longer than a body/],
    ['{inspect: false, files: {}}', /files in bodies that are not inspected/],
    ['{max: 900000000, files: {}}', /LIMITS_FORMS_TOTAL/],
  ]) {
    const { status, text } = await check(body);
    assert.notEqual(status, 0, body);
    assert.match(text, why);
  }
  assert.equal((await check('{max: 20000000, files: {count: 3, size: 10000000, types: [image/png, application/pdf]}}')).status, 0);
});
