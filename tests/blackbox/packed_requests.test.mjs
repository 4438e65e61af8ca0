// Requests whose bodies are packed (Content-Encoding): judged unpacked, passed on unpacked, within bounds.

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { deflateRawSync, deflateSync } from 'node:zlib';
import { assertProblem, call, eventually, newVisitor, plenty } from '../harness/client.mjs';
import { pack } from '../harness/codings.mjs';
import { startGateway } from '../harness/gateway.mjs';
import { PROVES } from '../harness/proves.mjs';
import { answer, startRawService } from '../harness/raw_service.mjs';
import { startRecordingUpstream } from '../harness/recording_upstream.mjs';
import { bytesOf, connect } from '../harness/wire.mjs';

const kMax = 200_000;
const MiB = 1024 * 1024;
const env = { ...plenty, SECURITY_RATE_LIMIT_REQUESTS_PER_MINUTE: '1000000', GUARDS_BOT_MODE: 'off', LOG_FORMAT: 'json' };
const codings = Object.keys(pack);

/** JSON of about so many bytes that packs to a tenth. */
const orders = (bytes) => {
  const rows = [];
  for (let size = 0; size < bytes; size += 55) rows.push([(rows.length * 7919) % 100_003, `customer ${rows.length * rows.length}`, true, 'paid by card, sent']);
  return JSON.stringify(rows);
};

describe('a packed body', () => {
  let folder;
  let service;
  let gateway;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'portcullis-packed-'));
    await writeFile(join(folder, 'order.yaml'), 'type: object\nrequired: [amount]\nadditionalProperties: false\nproperties: {amount: {type: number, maximum: 10}}\n');
    service = await startRawService((text) => {
      const [head, ...rest] = text.split('\r\n\r\n');
      const length = Number(head.match(/^content-length: (\d+)\r?$/im)?.[1] ?? 0);
      return rest.join('\r\n\r\n').length >= length ? answer('{}') : undefined;
    });
    const route = (path, more) => `  - {path: ${path}, service: s, methods: [GET, POST, PUT], kind: anonymous, auth: none, ${more}}`;
    gateway = await startGateway({
      env,
      yaml: [
        `services: [{id: s, targets: ["${service.url}"]}]`,
        'routes:',
        route('/a/', `body: {max: ${kMax}}`),
        route('/big/', `body: {max: ${64 * MiB}}`),
        route('/order/', `body: {schema: ${join(folder, 'order.yaml')}}`),
        route('/files/', `body: {inspect: false, max: ${kMax}}`),
        route('/tried/', `guards: {body: monitor}, body: {max: ${kMax}}`),
        route('/unguarded/', `guards: {body: "off"}, body: {max: ${kMax}}`),
      ].join('\n'),
    });
  });
  after(async () => {
    await gateway?.stop();
    await service?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const json = { 'Content-Type': 'application/json' };
  const post = (path, body, coding, headers = {}) => call(gateway, 'POST', path, { body, headers: { ...json, ...(coding && { 'Content-Encoding': coding }), ...headers } });
  /** What the service was sent by what `send` does: one request, `{head, body}`. */
  async function received(send) {
    const at = service.connections.map((c) => c.bytes.length);
    assert.equal((await send()).status, 200);
    const grown = service.connections.map((c, i) => c.bytes.slice(at[i] ?? 0)).filter(Boolean);
    assert.equal(grown.length, 1);
    const end = grown[0].indexOf('\r\n\r\n');
    return { head: grown[0].slice(0, end), body: Buffer.from(grown[0].slice(end + 4), 'latin1') };
  }
  const bytesReceived = () => service.connections.reduce((sum, c) => sum + c.bytes.length, 0);
  async function reachesNobody(work) {
    const before = bytesReceived();
    await work();
    assert.equal(bytesReceived(), before, 'nothing of it came through');
  }
  async function assertEvent(answered, code) {
    const id = answered.json.error_id;
    const line = await eventually(() => gateway.log().split('\n').find((one) => one.includes(id) && one.includes('VALIDATION_ERROR')), { what: 'no event of this id' });
    assert.ok(line.includes(code), line);
  }

  for (const coding of codings) {
    test(`${coding}: the service receives what was judged, byte by byte and with its length`, async () => {
      for (const text of ['{ "price" : 12345678901234567890.10,\n "name":"\\u00e9é" }', '[]', orders(150_000)]) {
        for (const framing of [{}, { chunked: true }]) {
          const packed = pack[coding](Buffer.from(text));
          const body = framing.chunked
            ? (async function* () {
                for (let i = 0; i < packed.length; i += 1000) yield packed.subarray(i, i + 1000);
              })()
            : packed;
          const got = await received(() => post('/a/x', body, coding, { 'Content-MD5': 'of the packed bytes', 'X-Kept': '1' }));
          assert.equal(got.body.toString(), text);
          assert.match(got.head, new RegExp(`\r\nContent-Length: ${Buffer.byteLength(text)}(\r\n|$)`));
          assert.doesNotMatch(got.head, /content-encoding|transfer-encoding|content-md5/i);
          assert.match(got.head, /\r\nx-kept: 1(\r\n|$)/i);
        }
      }
    });

    test(PROVES('F166', { guard: 'content' }) + `${coding}: an attack inside is refused`, async () => {
      await reachesNobody(async () => {
        const answered = await post('/a/', pack[coding](Buffer.from('{"name":"\'; DROP TABLE orders; --"}')), coding);
        assertProblem(answered, 400, 'CONTENT_REFUSED');
        await assertEvent(answered, 'VAL_002');
        assertProblem(await post('/a/', pack[coding](Buffer.from('{"a":1,"a":2}')), coding), 400, 'VALIDATION_FAILED');
        const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
        assertProblem(await post('/a/', pack[coding](Buffer.from('a=<script>alert(1)</script>')), coding, form), 400, 'CONTENT_REFUSED');
      });
    });

    test(`${coding}: a schema sees the unpacked body`, async () => {
      const got = await received(() => post('/order/', pack[coding](Buffer.from('{"amount": 9.99}')), coding));
      assert.equal(got.body.toString(), '{"amount": 9.99}');
      await reachesNobody(async () => {
        const answered = await post('/order/', pack[coding](Buffer.from('{"amount": 10.01}')), coding);
        assert.equal(assertProblem(answered, 422, 'SCHEMA_INVALID').pointer, '/amount');
      });
    });

    test(PROVES('F025', 'F048', 'F160', { guard: 'body' }) + `${coding}: a bomb is 413 with an event, and the connection goes on`, async () => {
      const bomb = pack[coding](Buffer.alloc(32 * MiB, ' '));
      assert.ok(bomb.length < 100_000, `${bomb.length} bytes come`);
      await reachesNobody(async () => {
        for (const path of ['/a/', '/big/']) {
          const wire = await connect(gateway);
          const request = (body) => bytesOf({ method: 'POST', path, body, headers: { ...json, 'Content-Encoding': coding } });
          wire.send(request(bomb));
          const refused = await wire.answer();
          assert.equal(refused.status, 413, refused.text);
          await assertEvent(refused, 'VAL_001');
          wire.send(request(pack[coding](Buffer.from('{'))));
          assert.equal((await wire.answer()).status, 400);
          wire.destroy();
        }
      });
    });

    test(PROVES('F048', { guard: 'body' }) + `${coding}: the limit counts what is unpacked, to the byte`, async () => {
      const text = orders(kMax - 1000);
      const whole = text + ' '.repeat(kMax - Buffer.byteLength(text));
      assert.equal((await received(() => post('/a/', pack[coding](Buffer.from(whole)), coding))).body.length, kMax);
      await reachesNobody(async () => assertProblem(await post('/a/', pack[coding](Buffer.from(`${whole} `)), coding), 413, 'PAYLOAD_TOO_LARGE'));
    });

    test(`${coding}: short and dull JSON passes whatever its ratio, long JSON that says something does too`, async () => {
      const dull = JSON.stringify(Array(3000).fill(['ok', true]));
      assert.equal((await received(() => post('/a/', pack[coding](Buffer.from(dull)), coding))).body.toString(), dull);
      const long = orders(MiB);
      assert.equal((await received(() => post('/big/', pack[coding](Buffer.from(long)), coding))).body.toString(), long);
    });

    test(`${coding}: what is broken, cut off or followed by more is 400`, async () => {
      const whole = pack[coding](Buffer.from(orders(5000)));
      const damaged = Buffer.from(whole);
      damaged[whole.length >> 1] ^= 0xff;
      await reachesNobody(async () => {
        const cases = { cut: whole.subarray(0, -1), 'half of it': whole.subarray(0, whole.length >> 1), nothing: Buffer.alloc(0), 'not packed': Buffer.from('{}'), more: Buffer.concat([whole, Buffer.from('{}')]), zeros: Buffer.concat([whole, Buffer.alloc(20)]), damaged };
        for (const [name, body] of Object.entries(cases)) {
          const answered = await post('/a/', body, coding);
          assert.equal(answered.status, 400, `${name}: ${answered.text}`);
          assert.equal(answered.json.code, name === 'damaged' ? answered.json.code : 'BAD_REQUEST', name);
        }
        await assertEvent(await post('/a/', whole.subarray(0, -1), coding), 'VAL_006');
      });
    });
  }

  test('members of gzip and frames of zstd are one body; Brotli has one stream', async () => {
    for (const coding of codings) {
      const body = Buffer.concat([pack[coding](Buffer.from('{"a":')), pack[coding](Buffer.from('1}'))]);
      if (coding === 'br') {
        assertProblem(await post('/a/', body, coding), 400, 'BAD_REQUEST');
      } else {
        assert.equal((await received(() => post('/a/', body, coding))).body.toString(), '{"a":1}');
        // An attack is none the less one for its halves.
        const attack = Buffer.concat([pack[coding](Buffer.from('{"a":"<scr')), pack[coding](Buffer.from('ipt>alert(1)</script>"}'))]);
        assertProblem(await post('/a/', attack, coding), 400, 'CONTENT_REFUSED');
      }
    }
    const skipped = Buffer.from('\x50\x2a\x4d\x18\x08\0\0\0<script>', 'latin1');
    const got = await received(() => post('/a/', Buffer.concat([skipped, pack.zstd(Buffer.from('{"a":1}')), skipped]), 'zstd'));
    assert.equal(got.body.toString(), '{"a":1}', 'what is to be skipped goes no further');
  });

  test(PROVES('F048', { guard: 'body' }) + 'a coding that is not known, or more than one, is 415 and hears which are taken', async () => {
    const body = pack.gzip(Buffer.from('{}'));
    const fields = [
      [['Content-Encoding', 'deflate']],
      [['Content-Encoding', 'compress']],
      [['Content-Encoding', 'gzip, identity']],
      [['Content-Encoding', 'identity, gzip']],
      [['Content-Encoding', 'gzip, gzip']],
      [['Content-Encoding', 'gzip, br']],
      [['Content-Encoding', 'gzip,']],
      [['Content-Encoding', 'gzip;q=1']],
      [['Content-Encoding', 'gzip'], ['content-encoding', 'gzip']],
      [['Content-Encoding', 'identity'], ['Content-Encoding', 'gzip']],
      [['Content-Encoding', ''], ['Content-Encoding', 'gzip']],
    ];
    await reachesNobody(async () => {
      for (const more of fields) {
        const wire = await connect(gateway);
        wire.send(bytesOf({ method: 'POST', path: '/a/', body, headers: [['Content-Type', 'application/json'], ['Connection', 'close'], ...more] }));
        const refused = await wire.answer();
        assert.equal(refused.status, 415, JSON.stringify(more));
        assert.equal(refused.header('accept-encoding'), 'gzip, br, zstd');
        assert.equal(refused.json.code, 'UNSUPPORTED_MEDIA_TYPE');
        await assertEvent(refused, 'VAL_006');
        wire.destroy();
      }
      for (const packed of [deflateSync('{}'), deflateRawSync('{}')]) assertProblem(await post('/a/', packed, 'gzip'), 400, 'BAD_REQUEST');
      const type = await post('/a/', '<a/>', undefined, { 'Content-Type': 'application/xml' });
      assertProblem(type, 415, 'UNSUPPORTED_MEDIA_TYPE');
      assert.equal(type.headers['accept-encoding'], undefined, 'that was a matter of the type');
    });
  });

  test('names of codings are read in any case; identity and nothing are none, and are not passed on', async () => {
    for (const name of ['GZIP', 'x-gzip', 'X-GZip']) {
      const got = await received(() => post('/a/', pack.gzip(Buffer.from('{"a":1}')), name));
      assert.equal(got.body.toString(), '{"a":1}', name);
    }
    for (const name of ['identity', 'IDENTITY', '']) {
      const wire = await connect(gateway);
      const got = await received(() => {
        wire.send(bytesOf({ method: 'POST', path: '/a/', body: '{"a":1}', headers: { ...json, 'Content-Encoding': name } }));
        return wire.answer();
      });
      wire.destroy();
      assert.equal(got.body.toString(), '{"a":1}');
      assert.doesNotMatch(got.head, /content-encoding/i, 'no reader has to know what that means');
    }
  });

  test('a body that nobody looks into goes on as it came, and is said to be what it is', async () => {
    const packed = pack.br(Buffer.from('{"name":"<script>alert(1)</script>"}'));
    for (const coding of ['br', 'deflate', 'gzip, br']) {
      const got = await received(() => post('/files/', packed, coding));
      assert.deepEqual(got.body, packed);
      assert.match(got.head, new RegExp(`\r\ncontent-encoding: ${coding}(\r\n|$)`, 'i'));
    }
    for (const path of ['/unguarded/', '/tried/']) {
      const got = await received(() => post(path, packed, 'gzip, br'));
      assert.deepEqual(got.body, packed, path);
      assert.match(got.head, /\r\ncontent-encoding: gzip, br(\r\n|$)/i);
    }
    const tried = await received(() => post('/tried/', pack.br(Buffer.from('{"a":1}')), 'br'));
    assert.equal(tried.body.toString(), '{"a":1}');
    assert.doesNotMatch(tried.head, /content-encoding/i);
  });
});

describe('a packed message of the chat', () => {
  let upstream;
  let gateway;
  let visitor;
  before(async () => {
    upstream = await startRecordingUpstream();
    gateway = await startGateway({ env: { ...env, N8N_WEBHOOK_URL: upstream.url } });
    visitor = await newVisitor(gateway);
  });
  after(async () => {
    await gateway?.stop();
    await upstream?.stop();
  });

  test('may be sent by a page', async () => {
    const headers = { Origin: gateway.url, 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'content-encoding' };
    const preflight = await call(gateway, 'OPTIONS', '/api/v1/chat/message', { headers });
    assert.match(preflight.headers['access-control-allow-headers'], /(^|, )Content-Encoding(,|$)/);
  });

  for (const coding of codings) {
    test(`${coding}: is read like any other, within the limit of the chat`, async () => {
      const message = (text) => visitor.call('POST', '/api/v1/chat/message', { body: pack[coding](Buffer.from(text)), headers: { 'Content-Type': 'application/json', 'Content-Encoding': coding } });
      const answered = await message(JSON.stringify({ message: `packed by ${coding}` }));
      assert.equal(answered.status, 200, answered.text);
      assert.equal(upstream.requests.at(-1).json.message, `packed by ${coding}`);
      assertProblem(await message('{"message":"\'; DROP TABLE users; --"}'), 400, 'CONTENT_REFUSED');
      const padded = `{"message":"hi","context":{"x":"${Array.from({ length: 150_000 }, (_, i) => i).join('')}"}}`;
      assertProblem(await message(padded + ' '.repeat(MiB)), 413, 'PAYLOAD_TOO_LARGE');
    });
  }
});
