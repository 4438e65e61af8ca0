// The development profile's echo route: the limits of an API body.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { request } from 'undici';
import { startGateway } from '../harness/gateway.mjs';
import { PROVES } from '../harness/proves.mjs';

const kMiB = 1024 * 1024;

async function post(gateway, body, headers = {}) {
  const answer = await request(`${gateway.url}/api/test`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body,
  });
  const text = await answer.body.text();
  return { status: answer.statusCode, text, json: JSON.parse(text) };
}

/** JSON of exactly `size` bytes. */
const jsonOf = (size) => `{"a":"${'x'.repeat(size - 8)}"}`;
const nested = (depth) => '['.repeat(depth) + ']'.repeat(depth);

async function* inChunks(text) {
  for (let at = 0; at < text.length; at += 256 * 1024) yield text.slice(at, at + 256 * 1024);
}

describe('POST /api/test', () => {
  let gateway;
  before(async () => {
    gateway = await startGateway({ env: { SECURITY_MAX_REQUEST_SIZE_MB: '2' } });
  });
  after(() => gateway.stop());

  test('answers with what it was sent', async () => {
    const answer = await post(gateway, '{"query": "a  b",  "n": 123456789012345678901234567890}');
    assert.equal(answer.status, 200);
    assert.equal(answer.text, '{"query": "a  b",  "n": 123456789012345678901234567890}');
  });

  test(PROVES('F048', 'F218', { guard: 'body' }) + 'SECURITY_MAX_REQUEST_SIZE_MB is the limit to the byte', async () => {
    assert.equal((await post(gateway, jsonOf(2 * kMiB))).status, 200);
    const refused = await post(gateway, jsonOf(2 * kMiB + 1));
    assert.equal(refused.status, 413);
    assert.equal(refused.json.code, 'PAYLOAD_TOO_LARGE');
  });

  test(PROVES('F048', 'F218', { guard: 'body' }) + 'the limit counts what arrives, not what is announced', async () => {
    assert.equal((await post(gateway, inChunks(jsonOf(2 * kMiB)))).status, 200);
    assert.equal((await post(gateway, inChunks(jsonOf(2 * kMiB + 1)))).status, 413);
  });

  test(PROVES('F164', { guard: 'body' }) + 'nested JSON is looked at to a depth of 32', async () => {
    assert.equal((await post(gateway, nested(32))).status, 200);
    for (const depth of [33, 1000, 100_000]) {
      const refused = await post(gateway, nested(depth));
      assert.equal(refused.status, 400, `depth ${depth}`);
      assert.equal(refused.json.code, 'VALIDATION_FAILED');
    }
  });

  test(PROVES('F164', { guard: 'body' }) + 'a duplicate key is refused at every level, however it is spelt', async () => {
    for (const body of ['{"a":1,"a":2}', '{"x":[{"y":{"a":1,"\\u0061":2}}]}']) {
      assert.equal((await post(gateway, body)).status, 400, body);
    }
  });

  test('the guide\'s literal recipe, which shell quoting breaks, is malformed JSON', async () => {
    const answer = await post(gateway, '{"query": ; DROP TABLE users; --"}');
    assert.equal(answer.status, 400);
    assert.equal(answer.json.code, 'VALIDATION_FAILED');
  });
});

test(PROVES('F160', { guard: 'body' }) + 'an API body may have 10 MiB by default, and not a byte more', async () => {
  const gateway = await startGateway();
  try {
    assert.equal((await post(gateway, jsonOf(10 * kMiB))).status, 200);
    // Announced only: who sends ten MiB to somebody who has answered already may see the connection end first.
    const oneMore = String(10 * kMiB + 1);
    for (const length of [oneMore, '18446744073709551616', '9999999999999999999', '-1']) {
      const { Socket } = await import('node:net');
      const socket = new Socket();
      const answer = await new Promise((resolve, reject) => {
        let text = '';
        socket.on('data', (data) => (text += data));
        socket.on('close', () => resolve(text));
        socket.on('error', reject);
        socket.connect(gateway.port, '127.0.0.1', () =>
          socket.end(`POST /api/test HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n{}`),
        );
      });
      assert.match(answer, length === oneMore ? /^HTTP\/1\.1 413 / : /^HTTP\/1\.1 4(00|13) /, `Content-Length ${length}`);
    }
  } finally {
    await gateway.stop();
  }
});

test('outside of development there is no such route', async () => {
  const gateway = await startGateway({
    env: { ENVIRONMENT: 'staging', JWT_SECRET_KEY: Buffer.from(crypto.getRandomValues(new Uint8Array(48))).toString('base64'), SESSION_SECRET_KEY: Buffer.from(crypto.getRandomValues(new Uint8Array(48))).toString('base64'), ALLOWED_HOSTS: '127.0.0.1' },
  });
  try {
    assert.equal((await post(gateway, '{}')).status, 404);
  } finally {
    await gateway.stop();
  }
});
