// Bytes that two readers could understand differently: request smuggling, broken heads, broken chunks, slow
// clients. Wherever a request is refused, a message smuggled behind it must reach neither the assistant nor an
// answer, and the refusal must look like every other answer of the gateway.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { expectProblem, expectSecurityHeaders, eventually } from '../harness/expect.mjs';
import { startGateway } from '../harness/gateway.mjs';
import { PROVES } from '../harness/proves.mjs';
import { startRecordingUpstream } from '../harness/recording_upstream.mjs';
import { createRequest, kOrigin, kWideLimits, messageBytes, messageRequest, openSession } from '../harness/visitor.mjs';
import { bytesOf, connect, request } from '../harness/wire.mjs';
import { withGateway } from '../harness/with_gateway.mjs';

const kTimeout = { timeout: 30_000 };
const kHost = '127.0.0.1';
let stage;

/** One gateway with a recording assistant for all tests here that need no settings of their own. */
function shared() {
  stage ??= (async () => {
    const upstream = await startRecordingUpstream();
    const gateway = await startGateway({ env: { ...kWideLimits, ALLOWED_ORIGINS: kOrigin, N8N_WEBHOOK_URL: upstream.url } });
    return { upstream, gateway, token: await openSession(gateway) };
  })();
  return stage;
}

after(async () => {
  const started = await stage?.catch(() => undefined);
  await started?.gateway.stop();
  await started?.upstream.stop();
});

/** The head of a chat message with `lines` added, then `rest` as it is. */
function carrier(token, lines, rest, { version = 'HTTP/1.1', host = `Host: ${kHost}` } = {}) {
  return [
    `POST /api/v1/chat/message ${version}`, host, `Origin: ${kOrigin}`, `Authorization: Bearer ${token}`,
    'Content-Type: application/json', ...lines, '', '',
  ].join('\r\n') + rest;
}

let canaries = 0;

/** Sends `bytes`, expects one refusal and the end of the connection, and that the assistant saw none of it. */
async function expectRefusedAlone(bytes, status, code) {
  const { gateway, upstream, token } = await shared();
  const before = upstream.requests.length;
  const wire = await connect(gateway);
  try {
    wire.send(bytes);
    const answer = await wire.answer({ within: 5000 });
    expectProblem(answer, status, code);
    assert.equal(answer.header('Connection'), 'close');
    assert.equal(await wire.closed(), 'end');
    assert.equal(wire.unread, '', 'nothing may follow the refusal');
  } finally {
    wire.destroy();
  }
  // When a later message has been answered, anything smuggled would have arrived too.
  const canary = `canary ${++canaries}`;
  assert.equal((await request(gateway, messageRequest(token, canary))).status, 200);
  assert.deepEqual(upstream.requests.slice(before).map(({ json }) => json.message), [canary]);
  assert.ok(!upstream.bytes().includes('SMUGGLED'));
  assert.ok(!upstream.bytes().includes('CARRIED'));
}

const kJson = '{"message":"CARRIED"}';
const chunked = (text) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n0\r\n\r\n`;

// ---- two lengths

const kSmuggling = [
  ['CL.TE: Content-Length before Transfer-Encoding', ['Content-Length: 4', 'Transfer-Encoding: chunked'], '0\r\n\r\n'],
  ['TE.CL: Transfer-Encoding before Content-Length', ['Transfer-Encoding: chunked', 'Content-Length: 4'], chunked(kJson)],
  ['Transfer-Encoding with Content-Length: 0', ['Transfer-Encoding: chunked', 'Content-Length: 0'], chunked(kJson)],
  ['TE.TE: chunked, then gzip', ['Transfer-Encoding: chunked, gzip'], chunked(kJson)],
  ['TE.TE: gzip alone', ['Transfer-Encoding: gzip'], kJson],
  ['TE.TE: identity', ['Transfer-Encoding: identity', `Content-Length: ${kJson.length}`], kJson],
  ['TE.TE: identity alone', ['Transfer-Encoding: identity'], kJson],
  ['TE.TE: xchunked', ['Transfer-Encoding: xchunked'], chunked(kJson)],
  ['TE.TE: chunkedx', ['Transfer-Encoding: chunkedx'], chunked(kJson)],
  ['TE.TE: chunked twice in one line', ['Transfer-Encoding: chunked, chunked'], chunked(kJson)],
  ['TE.TE: chunked in two lines', ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], chunked(kJson)],
  ['TE.TE: chunked and identity in two lines', ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'], chunked(kJson)],
  ['TE.TE: identity and chunked in two lines', ['Transfer-Encoding: identity', 'Transfer-Encoding: chunked'], chunked(kJson)],
  ['TE.TE: empty value', ['Transfer-Encoding:'], chunked(kJson)],
  ['TE.TE: empty list element', ['Transfer-Encoding: ,chunked'], chunked(kJson), 501],
  ['TE.TE: quoted', ['Transfer-Encoding: "chunked"'], chunked(kJson)],
  ['TE.TE: with a parameter', ['Transfer-Encoding: chunked;q=1'], chunked(kJson)],
  ['TE.TE: vertical tab before the value', ['Transfer-Encoding: \x0bchunked'], chunked(kJson)],
  ['TE.TE: vertical tab behind the value', ['Transfer-Encoding: chunked\x0b'], chunked(kJson)],
  ['TE.TE: form feed before the value', ['Transfer-Encoding:\x0cchunked'], chunked(kJson)],
  ['TE.TE: NUL inside the value', ['Transfer-Encoding: chunk\0ed'], chunked(kJson)],
  ['TE.TE: non-breaking space before the value', ['Transfer-Encoding: \xa0chunked'], chunked(kJson)],
  ['TE.TE: space before the colon', ['Transfer-Encoding : chunked'], chunked(kJson)],
  ['TE.TE: tab before the colon', ['Transfer-Encoding\t: chunked'], chunked(kJson)],
  ['TE.TE: space before the name', [' Transfer-Encoding: chunked'], chunked(kJson)],
  ['TE.TE: value on a folded line', ['Transfer-Encoding:', ' chunked'], chunked(kJson)],
  ['TE.TE: behind a bare CR', ['X: y\rTransfer-Encoding: chunked'], chunked(kJson)],
  ['TE.TE: behind a bare LF', ['X: y\nTransfer-Encoding: chunked'], chunked(kJson)],
  ['TE.TE: name cut by a NUL', ['Transfer-Encoding\0: chunked'], chunked(kJson)],
  ['a coding besides chunked', ['Transfer-Encoding: gzip, chunked'], chunked(kJson), 501],
  ['Content-Length twice, equal', [`Content-Length: ${kJson.length}`, `Content-Length: ${kJson.length}`], kJson],
  ['Content-Length twice, unequal', ['Content-Length: 4', `Content-Length: ${kJson.length}`], kJson],
  ['Content-Length as an equal list', [`Content-Length: ${kJson.length}, ${kJson.length}`], kJson],
  ['Content-Length as a list without space', ['Content-Length: 5,5'], kJson],
  ['Content-Length with a plus', [`Content-Length: +${kJson.length}`], kJson],
  ['Content-Length in hexadecimal', ['Content-Length: 0x5'], kJson],
  ['Content-Length with a space inside', ['Content-Length:  5 5'], kJson],
  ['Content-Length with an exponent', ['Content-Length: 1e1'], kJson],
  ['Content-Length with a fraction', ['Content-Length: 5.0'], kJson],
  ['Content-Length negative', ['Content-Length: -1'], kJson],
  ['Content-Length empty', ['Content-Length:'], kJson],
  ['Content-Length quoted', ['Content-Length: "5"'], kJson],
  ['Content-Length with a letter behind', [`Content-Length: ${kJson.length}a`], kJson],
  ['Content-Length with a vertical tab', [`Content-Length: \x0b${kJson.length}`], kJson],
  ['Content-Length of 2^64', ['Content-Length: 18446744073709551616'], kJson],
  ['Content-Length of 2^64 + 5', ['Content-Length: 18446744073709551621'], kJson],
  ['Content-Length of 30 digits', [`Content-Length: ${'9'.repeat(30)}`], kJson],
  ['Content-Length padded to 40 zeros', [`Content-Length: ${'0'.repeat(40)}${kJson.length}`], kJson],
];

for (const [name, lines, body, status = 400] of kSmuggling) {
  test(`smuggling is refused: ${name}`, kTimeout, async () => {
    const { token } = await shared();
    const bytes = carrier(token, lines, body + messageBytes(token, 'SMUGGLED').toString('latin1'));
    await expectRefusedAlone(bytes, status, status === 501 ? 'NOT_IMPLEMENTED' : 'BAD_REQUEST');
  });
}

for (const lines of [['Transfer-Encoding: chunked'], ['Transfer-Encoding: chunked', 'Connection: keep-alive']]) {
  test(`smuggling is refused: chunked in HTTP/1.0 (${lines.length} line(s))`, kTimeout, async () => {
    const { token } = await shared();
    const bytes = carrier(token, lines, chunked(kJson) + messageBytes(token, 'SMUGGLED').toString('latin1'), { version: 'HTTP/1.0' });
    await expectRefusedAlone(bytes, 400, 'BAD_REQUEST');
  });
}

test('a length of 19 digits is a length that is too large, not a small one', kTimeout, async () => {
  const { token } = await shared();
  const bytes = carrier(token, ['Content-Length: 9223372036854775807'], kJson + messageBytes(token, 'SMUGGLED').toString('latin1'));
  await expectRefusedAlone(bytes, 413, 'PAYLOAD_TOO_LARGE');
});

/** Sends one carrier and a plain message behind it; both must be answered and reach the assistant once each. */
async function expectTwoMessages(bytes, first = 'carried') {
  const { gateway, upstream, token } = await shared();
  const before = upstream.requests.length;
  const wire = await connect(gateway);
  try {
    wire.send(Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes, 'latin1')).send(messageBytes(token, 'second'));
    for (const which of ['first', 'second']) {
      const answer = await wire.answer();
      assert.equal(answer.status, 200, `${which}: ${answer.text}`);
      assert.equal(answer.json.response, 'recorded');
    }
    assert.equal(wire.unread, '');
    assert.deepEqual(upstream.requests.slice(before).map(({ json }) => json.message), [first, 'second']);
  } finally {
    wire.destroy();
  }
}

const kGood = '{"message":"carried"}';
for (const [name, lines, body] of [
  ['Content-Length', [`Content-Length: ${kGood.length}`], kGood],
  ['Content-Length with a leading zero', [`Content-Length: 0${kGood.length}`], kGood],
  ['chunked', ['Transfer-Encoding: chunked'], chunked(kGood)],
  ['Chunked in capitals', ['Transfer-Encoding: CHUNKED'], chunked(kGood)],
  ['chunked behind a tab', ['Transfer-Encoding:\tchunked'], chunked(kGood)],
  ['chunked with spaces around', ['Transfer-Encoding:   chunked  '], chunked(kGood)],
  ['another header that looks like Transfer-Encoding', ['Transfer_Encoding: chunked', `Content-Length: ${kGood.length}`], kGood],
]) {
  test(`a well-framed body ends where it says: ${name}`, kTimeout, async () => {
    const { token } = await shared();
    await expectTwoMessages(carrier(token, lines, body));
  });
}

test('a request inside the unread body of a refused request is not executed', kTimeout, async () => {
  const { gateway, upstream, token } = await shared();
  const before = upstream.requests.length;
  const inner = messageBytes(token, 'SMUGGLED');
  const wire = await connect(gateway);
  wire.send(bytesOf({ ...messageRequest(token, 'x', { origin: 'https://evil.example' }), body: inner }));
  wire.send(messageBytes(token, 'after'));
  expectProblem(await wire.answer(), 403, 'INVALID_ORIGIN');
  const second = await wire.answer();
  assert.equal(second.status, 200, second.text);
  assert.equal(wire.unread, '');
  wire.destroy();
  assert.deepEqual(upstream.requests.slice(before).map(({ json }) => json.message), ['after']);
});

test('a request inside the unread chunked body of a refused request is not executed', kTimeout, async () => {
  const { gateway, upstream, token } = await shared();
  const before = upstream.requests.length;
  const wire = await connect(gateway);
  const lines = ['Transfer-Encoding: chunked'];
  wire.send(carrier(token, lines, '').replace(kOrigin, 'https://evil.example'));
  wire.send(chunked(messageBytes(token, 'SMUGGLED').toString('latin1')));
  const answer = await wire.answer();
  expectProblem(answer, 403, 'INVALID_ORIGIN');
  assert.equal(answer.header('Connection'), 'close');
  assert.equal(await wire.closed(), 'end');
  assert.equal(wire.unread, '');
  wire.destroy();
  assert.equal(upstream.requests.length, before);
});

test('a body on a GET is skipped, not read as the next request', kTimeout, async () => {
  const { gateway } = await shared();
  const wire = await connect(gateway);
  const inner = 'GET /smuggled HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';
  wire.send(`GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`);
  wire.send('GET /second HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
  assert.equal((await wire.answer()).status, 200);
  assert.equal((await wire.answer()).json.instance, '/second');
  wire.destroy();
  await eventually(() => gateway.log().includes('path=/second'), { what: 'the access line' });
  assert.ok(!gateway.log().includes('/smuggled'));
});

// ---- heads

const get = (lines, { target = '/api/health', method = 'GET', version = 'HTTP/1.1', host = [`Host: ${kHost}`] } = {}) =>
  [`${method} ${target} ${version}`, ...host, ...lines, '', ''].join('\r\n');

const kBrokenHeads = [
  ['folded header line', get(['X-A: 1', ' 2']), 400, 'BAD_REQUEST'],
  ['folded header line with a tab', get(['X-A: 1', '\t2']), 400, 'BAD_REQUEST'],
  ['first header line folded', get([], { host: [' folded: 1', `Host: ${kHost}`] }), 400, 'BAD_REQUEST'],
  ['space before the colon', get(['X-A : 1']), 400, 'BAD_REQUEST'],
  ['header line without colon', get(['X-A']), 400, 'BAD_REQUEST'],
  ['empty header name', get([': 1']), 400, 'BAD_REQUEST'],
  ['control character in a header name', get(['X\x01A: 1']), 400, 'BAD_REQUEST'],
  ['DEL in a header name', get(['X\x7fA: 1']), 400, 'BAD_REQUEST'],
  ['space in a header name', get(['X A: 1']), 400, 'BAD_REQUEST'],
  ['parenthesis in a header name', get(['X(A): 1']), 400, 'BAD_REQUEST'],
  ['non-ASCII byte in a header name', get(['X\xe9: 1']), 400, 'BAD_REQUEST'],
  ['NUL in a header name', get(['X\0A: 1']), 400, 'BAD_REQUEST'],
  ['NUL in a header value', get(['X-A: 1\x002']), 400, 'BAD_REQUEST'],
  ['control character in a header value', get(['X-A: 1\x012']), 400, 'BAD_REQUEST'],
  ['DEL in a header value', get(['X-A: 1\x7f']), 400, 'BAD_REQUEST'],
  ['bare CR in a header value', get(['X-A: 1\rX-B: 2']), 400, 'BAD_REQUEST'],
  ['bare LF in a header value', get(['X-A: 1\nX-B: 2']), 400, 'BAD_REQUEST'],
  ['bare CR before the empty line', get(['X-A: 1\r']), 400, 'BAD_REQUEST'],
  ['bare LF behind the request line', `GET /api/health HTTP/1.1\nHost: ${kHost}\r\n\r\n`, 400, 'BAD_REQUEST'],
  ['bare CR behind the request line', `GET /api/health HTTP/1.1\rHost: ${kHost}\r\n\r\n`, 400, 'BAD_REQUEST'],
  ['only bare LFs', `GET /api/health HTTP/1.1\nHost: ${kHost}\n\n`, 400, 'BAD_REQUEST'],
  ['NUL in the request line', get([], { target: '/api/he\0alth' }), 400, 'BAD_REQUEST'],
  ['NUL as the first byte', `\0${get([])}`, 400, 'BAD_REQUEST'],
  ['TLS hello on the plain port', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400, 'BAD_REQUEST'],
  ['two spaces in the request line', get([], { target: ' /api/health' }), 400, 'BAD_REQUEST'],
  ['tab in the request line', get([], { target: '/api/health\t' }), 400, 'BAD_REQUEST'],
  ['space in the target', get([], { target: '/api/health x' }), 400, 'BAD_REQUEST'],
  ['fragment in the target', get([], { target: '/api/health#x' }), 400, 'BAD_REQUEST'],
  ['backslash in the target', get([], { target: '/api\\health' }), 400, 'BAD_REQUEST'],
  ['non-ASCII byte in the target', get([], { target: '/api/health\xff' }), 400, 'BAD_REQUEST'],
  ['target without a slash', get([], { target: 'api/health' }), 400, 'BAD_REQUEST'],
  ['target of a foreign scheme', get([], { target: `ftp://${kHost}/api/health` }), 400, 'BAD_REQUEST'],
  ['HTTP/0.9', 'GET /api/health\r\n\r\n', 400, 'BAD_REQUEST'],
  ['lower-case protocol name', get([], { version: 'http/1.1' }), 505, 'VERSION_NOT_SUPPORTED'],
  ['version with more digits', get([], { version: 'HTTP/1.10' }), 505, 'VERSION_NOT_SUPPORTED'],
  ['version with letters', get([], { version: 'HTTP/x.y' }), 505, 'VERSION_NOT_SUPPORTED'],
  ['method with a separator', get([], { method: 'GE(T' }), 400, 'BAD_REQUEST'],
  ['empty method', ` /api/health HTTP/1.1\r\nHost: ${kHost}\r\n\r\n`, 400, 'BAD_REQUEST'],
  ['no Host', get([], { host: [] }), 400, 'INVALID_HOST'],
  ['two equal Hosts', get([`Host: ${kHost}`]), 400, 'INVALID_HOST'],
  ['two Hosts', get(['Host: evil.example']), 400, 'INVALID_HOST'],
  ['two Hosts in HTTP/1.0', get(['Host: evil.example'], { version: 'HTTP/1.0' }), 400, 'INVALID_HOST'],
  ['absolute target that disagrees with Host', get([], { target: 'http://evil.example/api/health' }), 400, 'INVALID_HOST'],
  ['absolute target of another port', get([], { target: `http://${kHost}:81/api/health` }), 400, 'INVALID_HOST'],
  ['absolute target with a user', get([], { target: `http://user@${kHost}/api/health` }), 400, 'INVALID_HOST'],
  ['GET of the asterisk', get([], { target: '*' }), 400, 'BAD_REQUEST'],
  ['HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 505, 'VERSION_NOT_SUPPORTED'],
  ['HTTP/1.2', get([], { version: 'HTTP/1.2' }), 505, 'VERSION_NOT_SUPPORTED'],
  ['HTTP/2.0', get([], { version: 'HTTP/2.0' }), 505, 'VERSION_NOT_SUPPORTED'],
  ['101 header fields', get(Array.from({ length: 100 }, (_, i) => `X-${i}: 1`)), 431, 'HEADERS_TOO_LARGE'],
  ['request line of 8 KiB and one byte', get([], { target: `/api/health?${'x'.repeat(8192 + 1 - 'GET /api/health? HTTP/1.1'.length)}` }), 414, 'URI_TOO_LONG'],
  ['request line that never ends', `GET /${'x'.repeat(9000)}`, 414, 'URI_TOO_LONG'],
  ['head of 32 KiB and one byte', headOf(32 * 1024 + 1), 431, 'HEADERS_TOO_LARGE'],
  ['head that never ends', headOf(34 * 1024).slice(0, -2), 431, 'HEADERS_TOO_LARGE'],
];

/** A valid head of exactly `size` bytes. */
function headOf(size) {
  const lines = [];
  const start = `GET /api/health HTTP/1.1\r\nHost: ${kHost}\r\n`;
  let left = size - start.length - 2;
  while (left > 1100) {
    lines.push(`X-${lines.length}: ${'v'.repeat(1000)}`);
    left -= lines.at(-1).length + 2;
  }
  lines.push(`Y: ${'v'.repeat(left - 5)}`);
  return `${start}${lines.join('\r\n')}\r\n\r\n`;
}

for (const [name, bytes, status, code] of kBrokenHeads) {
  const second = 'GET /smuggled HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';
  test(`a broken head is refused: ${name}`, kTimeout, async () => {
    await expectRefusedAlone(/never ends|TLS|only bare LFs/.test(name) ? bytes : bytes + second, status, code);
    const { gateway } = await shared();
    assert.ok(!gateway.log().includes('path=/smuggled'));
  });
}

test(PROVES('F047', { guard: 'protocol' }) + 'a request with two Hosts or a disagreeing absolute target is refused', kTimeout, async () => {
  for (const bytes of [get(['Host: evil.example']), get([], { host: [] }), get([], { target: 'http://evil.example/api/health' })]) {
    await expectRefusedAlone(bytes, 400, 'INVALID_HOST');
  }
});

const kGoodHeads = [
  ['100 header fields', get(Array.from({ length: 99 }, (_, i) => `X-${i}: 1`))],
  ['head of 32 KiB', headOf(32 * 1024)],
  ['request line of 8 KiB', get([], { target: `/api/health?${'x'.repeat(8192 - 'GET /api/health? HTTP/1.1'.length)}` })],
  ['one empty line before the request', `\r\n${get([])}`],
  ['absolute target that agrees with Host', get([], { target: `http://${kHost}/api/health` })],
  ['absolute target in other case', get([], { target: 'HTTP://LOCALHOST/api/health', host: ['Host: localhost'] })],
  ['tab before and behind a header value', get(['X-A:\t1\t'])],
  ['header without a value', get(['X-A:'])],
  ['non-ASCII bytes in a header value', get(['X-A: \xe9\xff'])],
  ['every character of a token in a name', get(["X!#$%&'*+-.^_`|~09azAZ: 1"])],
];

for (const [name, bytes] of kGoodHeads) {
  test(`an unusual but valid head is answered: ${name}`, kTimeout, async () => {
    const { gateway } = await shared();
    const wire = await connect(gateway);
    try {
      wire.send(bytes).send(get([], { target: '/second' }));
      const answer = await wire.answer();
      assert.equal(answer.status, 200, answer.text);
      assert.equal((await wire.answer()).json.instance, '/second');
      assert.equal(wire.unread, '');
    } finally {
      wire.destroy();
    }
  });
}

test('a request line of exactly 8 KiB passes when its CR and LF come in two packets', kTimeout, async () => {
  await withGateway({ env: { ...kWideLimits, WORKERS: '1' } }, async (gateway) => {
    const bytes = get([], { target: `/api/health?${'x'.repeat(8192 - 'GET /api/health? HTTP/1.1'.length)}` });
    const cut = bytes.indexOf('\r') + 1;
    const wire = await connect(gateway);
    wire.send(bytes.slice(0, cut));
    // The one worker reads in order: when it has answered others, it has read the first part.
    for (let i = 0; i < 3; ++i) assert.equal((await request(gateway, { path: '/health/live' })).status, 200);
    wire.send(bytes.slice(cut));
    assert.equal((await wire.answer()).status, 200);
    wire.destroy();
  });
});

for (const [method, target] of [['BREW', '/api/health'], ['get', '/api/health'], ['PROPFIND', '/'], ['TRACE', '/api/health'], ['CONNECT', 'evil.example:443']]) {
  test(`${method} ${target} is not implemented`, kTimeout, async () => {
    const { gateway } = await shared();
    const host = method === 'CONNECT' ? 'evil.example:443' : kHost;
    const answer = await request(gateway, { method, path: target, host, headers: { 'X-Secret': 'do-not-echo' } });
    expectProblem(answer, 501, 'NOT_IMPLEMENTED');
    assert.ok(!answer.text.includes('do-not-echo'));
  });
}

test('OPTIONS of the asterisk is answered without a body and without CORS', kTimeout, async () => {
  const { gateway } = await shared();
  const answer = await request(gateway, { method: 'OPTIONS', path: '*' });
  assert.equal(answer.status, 204);
  assert.equal(answer.header('Access-Control-Allow-Origin'), undefined);
  expectSecurityHeaders(answer);
});

test('OPTIONS of a path names its methods', kTimeout, async () => {
  const { gateway } = await shared();
  const answer = await request(gateway, { method: 'OPTIONS', path: '/api/health' });
  assert.equal(answer.status, 204);
  assert.equal(answer.header('Allow'), 'GET, HEAD, OPTIONS');
  expectSecurityHeaders(answer);
});

test('HEAD has the length of the GET and no body', kTimeout, async () => {
  const { gateway } = await shared();
  const wire = await connect(gateway);
  wire.send(get([], { target: '/', method: 'HEAD' })).send(get([], { target: '/' }));
  const head = await wire.answer({ head: true });
  const full = await wire.answer();
  assert.deepEqual([head.status, full.status], [200, 200]);
  assert.equal(head.header('Content-Length'), full.header('Content-Length'));
  assert.equal(head.header('Content-Type'), 'application/json');
  assert.equal(full.body.length, Number(full.header('Content-Length')));
  expectSecurityHeaders(head);
  wire.destroy();
});

test('HEAD of an error has no body either', kTimeout, async () => {
  const { gateway } = await shared();
  const wire = await connect(gateway);
  wire.send(get([], { target: '/nowhere', method: 'HEAD' })).send(get([], { target: '/second' }));
  assert.equal((await wire.answer({ head: true })).status, 404);
  assert.equal((await wire.answer()).json.instance, '/second');
  wire.destroy();
});

test('HEAD of a path that has only POST is 405', kTimeout, async () => {
  const { gateway } = await shared();
  const answer = await request(gateway, { method: 'HEAD', path: '/api/v1/session/create', headers: { Origin: kOrigin } });
  assert.equal(answer.status, 405);
  assert.equal(answer.header('Allow'), 'POST');
});

// ---- chunks

const kBadChunks = [
  ['size with a minus', '-5\r\nhello\r\n0\r\n\r\n'],
  ['size with a plus', '+5\r\nhello\r\n0\r\n\r\n'],
  ['size with 0x', '0x5\r\nhello\r\n0\r\n\r\n'],
  ['size that is no number', 'g\r\nhello\r\n0\r\n\r\n'],
  ['size with a space inside', '1 5\r\n{"message":"CARRIED"}\r\n0\r\n\r\n'],
  ['size with a leading space', ' 15\r\n{"message":"CARRIED"}\r\n0\r\n\r\n'],
  ['empty size', '\r\nhello\r\n0\r\n\r\n'],
  ['size of 17 hexadecimal digits', '10000000000000015\r\n{"message":"CARRIED"}\r\n0\r\n\r\n'],
  ['size of 2^64 - 1 with wrap-around', 'FFFFFFFFFFFFFFFFF\r\n{"message":"CARRIED"}\r\n0\r\n\r\n'],
  ['no CRLF behind the data', '15\r\n{"message":"CARRIED"}0\r\n\r\n'],
  ['other bytes behind the data', '15\r\n{"message":"CARRIED"}XX\r\n0\r\n\r\n'],
  ['data longer than its size', '14\r\n{"message":"CARRIED"}\r\n0\r\n\r\n'],
  ['bare LF behind the size', '15\n{"message":"CARRIED"}\r\n0\r\n\r\n'],
  ['bare LF behind the data', '15\r\n{"message":"CARRIED"}\n0\r\n\r\n'],
  ['bare LF behind the last chunk', '15\r\n{"message":"CARRIED"}\r\n0\n\r\n'],
  ['bare CR behind the size', '15\r{"message":"CARRIED"}\r\n0\r\n\r\n'],
  ['bare LF in an extension', '15;a\nb\r\n{"message":"CARRIED"}\r\n0\r\n\r\n'],
  ['bare CR in an extension', '15;a\rb\r\n{"message":"CARRIED"}\r\n0\r\n\r\n'],
  ['NUL in an extension', '15;a\0b\r\n{"message":"CARRIED"}\r\n0\r\n\r\n'],
  ['bare LF in a trailer', '15\r\n{"message":"CARRIED"}\r\n0\r\nX-A: 1\nX-B: 2\r\n\r\n'],
  ['trailer without colon', '15\r\n{"message":"CARRIED"}\r\n0\r\nX-A\r\n\r\n'],
  ['trailers of 40 KiB', `15\r\n{"message":"CARRIED"}\r\n0\r\n${'X-A: 1234567890123456789012345678901234567890\r\n'.repeat(900)}\r\n`],
  ['extension of 40 KiB', `15;a=${'x'.repeat(40_000)}\r\n{"message":"CARRIED"}\r\n0\r\n\r\n`],
];

for (const [name, body] of kBadChunks) {
  test(`a broken chunk is refused: ${name}`, kTimeout, async () => {
    const { token } = await shared();
    await expectRefusedAlone(carrier(token, ['Transfer-Encoding: chunked'], body + messageBytes(token, 'SMUGGLED').toString('latin1')), 400, 'BAD_REQUEST');
  });
}

const kGoodChunks = [
  ['one byte a chunk', [...kGood].map((c) => `1\r\n${c}\r\n`).join('') + '0\r\n\r\n'],
  ['size with leading zeros', `0000${kGood.length.toString(16)}\r\n${kGood}\r\n0\r\n\r\n`],
  ['size in capitals', `A\r\n${kGood.slice(0, 10)}\r\nB\r\n${kGood.slice(10)}\r\n0\r\n\r\n`],
  ['several zeros as the last chunk', `15\r\n${kGood}\r\n000\r\n\r\n`],
  ['extensions', `15;a=b;c="d e;f"\r\n${kGood}\r\n0;last\r\n\r\n`],
  ['trailers', `15\r\n${kGood}\r\n0\r\nX-Checksum: abc\r\nX-More: 1\r\n\r\n`],
];

for (const [name, body] of kGoodChunks) {
  test(`an unusual but valid chunk is read: ${name}`, kTimeout, async () => {
    const { token } = await shared();
    await expectTwoMessages(carrier(token, ['Transfer-Encoding: chunked'], body));
  });
}

test('trailers are dropped: they change neither the answer nor what the assistant learns', kTimeout, async () => {
  const { gateway, upstream, token } = await shared();
  const wire = await connect(gateway);
  const trailers = [
    'User-Agent: TRAILER', 'Accept: text/event-stream', 'Prefer: respond-async', 'Authorization: Bearer TRAILER',
    'X-Forwarded-For: 203.0.113.9', 'Host: trailer.example', 'Connection: close', 'Cookie: chat_session_id=TRAILER',
  ];
  wire.send(carrier(token, ['User-Agent: head/1.0', 'Transfer-Encoding: chunked'], `15\r\n${kGood}\r\n0\r\n${trailers.join('\r\n')}\r\n\r\n`));
  wire.send(messageBytes(token, 'second'));
  const answer = await wire.answer();
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.header('Content-Type'), 'application/json');
  assert.equal((await wire.answer()).status, 200);
  wire.destroy();
  const [first] = upstream.requests.slice(-2);
  assert.equal(first.json.context.user_agent, 'head/1.0');
  assert.equal(first.json.context.ip_address, '127.0.0.1');
  assert.ok(!/TRAILER/i.test(upstream.bytes()));
});

for (const [name, lines, frame] of [
  ['by its Content-Length', [`Content-Length: ${(1 << 20) + 1}`], () => ''],
  ['by counting chunks', ['Transfer-Encoding: chunked'], () => `100001\r\n${' '.repeat(0x100001)}\r\n0\r\n\r\n`],
  ['by counting many chunks', ['Transfer-Encoding: chunked'], () => `4000\r\n${' '.repeat(0x4000)}\r\n`.repeat(65)],
]) {
  test(PROVES('F048', { guard: 'body' }) + `a chat body above 1 MiB is refused ${name}`, kTimeout, async () => {
    const { token } = await shared();
    await expectRefusedAlone(carrier(token, lines, frame()), 413, 'PAYLOAD_TOO_LARGE');
  });
}

test('a chat body of exactly 1 MiB is read', kTimeout, async () => {
  const { token, gateway } = await shared();
  const body = kGood.padEnd(1 << 20, ' ');
  const plain = await request(gateway, messageRequest(token, '', { body }));
  assert.equal(plain.status, 200, plain.text);
  const answer = await request(gateway, {
    ...messageRequest(token, ''),
    headers: { ...messageRequest(token, '').headers, 'Transfer-Encoding': 'chunked' },
    body: chunked(body),
  });
  assert.equal(answer.status, 200, answer.text);
});

test('a chunk size above what could ever fit does not reserve memory', kTimeout, async () => {
  const { gateway, token } = await shared();
  const wire = await connect(gateway);
  wire.send(carrier(token, ['Transfer-Encoding: chunked'], `7FFFFFFFFFFFFFFF\r\n${' '.repeat((1 << 20) + 1)}`));
  expectProblem(await wire.answer(), 413, 'PAYLOAD_TOO_LARGE');
  wire.destroy();
});

// ---- order and pace

test('20 requests in one write are answered in their order', kTimeout, async () => {
  const { gateway } = await shared();
  const wire = await connect(gateway);
  wire.send(Array.from({ length: 20 }, (_, i) => get([], { target: `/pipelined/${i}` })).join(''));
  for (let i = 0; i < 20; ++i) {
    const answer = await wire.answer();
    expectProblem(answer, 404, 'NOT_FOUND');
    assert.equal(answer.json.instance, `/pipelined/${i}`);
  }
  assert.equal(wire.unread, '');
  wire.destroy();
});

test('20 messages in one write, every other one chunked, reach the assistant in their order', kTimeout, async () => {
  const { gateway, upstream, token } = await shared();
  const before = upstream.requests.length;
  const wire = await connect(gateway);
  const names = Array.from({ length: 20 }, (_, i) => `message ${i}`);
  wire.send(
    names.map((message, i) =>
      i % 2 ? messageBytes(token, message).toString('latin1') : carrier(token, ['Transfer-Encoding: chunked'], chunked(JSON.stringify({ message })))).join(''),
  );
  for (const name of names) assert.equal((await wire.answer()).status, 200, name);
  assert.deepEqual(upstream.requests.slice(before).map(({ json }) => json.message), names);
  wire.destroy();
});

test('a request whose bytes come one by one is the same request', kTimeout, async () => {
  const { gateway, upstream, token } = await shared();
  const before = upstream.requests.length;
  const wire = await connect(gateway);
  for (const byte of carrier(token, ['Transfer-Encoding: chunked'], `5;x=y\r\n${kGood.slice(0, 5)}\r\n10\r\n${kGood.slice(5)}\r\n0\r\nX-T: 1\r\n\r\n`)) {
    wire.send(byte);
    await new Promise(setImmediate);
  }
  const answer = await wire.answer();
  assert.equal(answer.status, 200, answer.text);
  wire.send(messageBytes(token, 'second'));
  assert.equal((await wire.answer()).status, 200);
  assert.deepEqual(upstream.requests.slice(before).map(({ json }) => json.message), ['carried', 'second']);
  wire.destroy();
});

test('Expect: 100-continue is answered with 100 before the body and 200 after it', kTimeout, async () => {
  const { gateway, token } = await shared();
  const wire = await connect(gateway);
  wire.send(carrier(token, ['Expect: 100-continue', `Content-Length: ${kGood.length}`], ''));
  const interim = await wire.answer();
  assert.equal(interim.status, 100);
  assert.deepEqual(interim.fields, []);
  wire.send(kGood);
  assert.equal((await wire.answer()).status, 200);
  wire.send(get([]));
  assert.equal((await wire.answer()).status, 200, 'the connection goes on');
  wire.destroy();
});

test('Expect: 100-continue of a refused request gets the refusal instead of 100', kTimeout, async () => {
  const { gateway, token } = await shared();
  const wire = await connect(gateway);
  wire.send(carrier(token, ['Expect: 100-continue', `Content-Length: ${kGood.length}`], '').replace(kOrigin, 'https://evil.example'));
  const answer = await wire.answer();
  expectProblem(answer, 403, 'INVALID_ORIGIN');
  assert.equal(answer.header('Connection'), 'close', 'the body may or may not follow, so the connection cannot go on');
  assert.equal(await wire.closed(), 'end');
  wire.destroy();
});

test('Expect: 100-continue of a body above the limit is refused before the body is sent', kTimeout, async () => {
  const { gateway, token } = await shared();
  const wire = await connect(gateway);
  wire.send(carrier(token, ['Expect: 100-continue', `Content-Length: ${(1 << 20) + 1}`], ''));
  expectProblem(await wire.answer(), 413, 'PAYLOAD_TOO_LARGE');
  wire.destroy();
});

test('Expect: 100-continue in HTTP/1.0 is ignored', kTimeout, async () => {
  const { gateway, token } = await shared();
  const wire = await connect(gateway);
  wire.send(carrier(token, ['Expect: 100-continue', `Content-Length: ${kGood.length}`], '', { version: 'HTTP/1.0' }));
  wire.send(kGood);
  assert.equal((await wire.answer()).status, 200);
  wire.destroy();
});

test('a client that goes on sending 500 KB behind an early 413 sees the 413 and no reset', kTimeout, async () => {
  const { gateway, token } = await shared();
  for (let round = 0; round < 5; ++round) {
    const wire = await connect(gateway);
    wire.send(carrier(token, ['Content-Length: 2000000'], ''));
    for (let i = 0; i < 50; ++i) wire.send(Buffer.alloc(10_000, 0x20));
    expectProblem(await wire.answer(), 413, 'PAYLOAD_TOO_LARGE');
    assert.equal(await wire.closed(), 'end');
    wire.destroy();
  }
});

const kQuick = { SERVER_HEAD_TIMEOUT: '300ms', SERVER_BODY_TIMEOUT: '400ms', SERVER_IDLE_TIMEOUT: '300ms' };
const kQuickGateway = { env: { ...kWideLimits, ...kQuick, ALLOWED_ORIGINS: kOrigin } };

test('a head that is not complete in time is answered 408', kTimeout, async () => {
  await withGateway(kQuickGateway, async (gateway) => {
    for (const part of ['G', 'GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: ']) {
      const wire = await connect(gateway);
      wire.send(part);
      const answer = await wire.answer({ within: 5000 });
      expectProblem(answer, 408, 'REQUEST_TIMEOUT');
      assert.equal(answer.header('Connection'), 'close');
      assert.equal(await wire.closed(), 'end');
      wire.destroy();
    }
  });
});

test('a head that comes drop by drop does not move its deadline', kTimeout, async () => {
  await withGateway(kQuickGateway, async (gateway) => {
    const wire = await connect(gateway);
    wire.send('GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: ');
    const drip = setInterval(() => wire.send('x'), 50);
    const started = Date.now();
    try {
      expectProblem(await wire.answer({ within: 5000 }), 408, 'REQUEST_TIMEOUT');
    } finally {
      clearInterval(drip);
      wire.destroy();
    }
    assert.ok(Date.now() - started < 3000);
  });
});

for (const [name, lines, part] of [
  ['with a length', ['Content-Length: 100'], '{"message"'],
  ['in chunks', ['Transfer-Encoding: chunked'], '5\r\n{"mes'],
]) {
  test(`a body ${name} that is not complete in time is answered 408`, kTimeout, async () => {
    await withGateway(kQuickGateway, async (gateway) => {
      const token = await openSession(gateway);
      const wire = await connect(gateway);
      wire.send(carrier(token, lines, part));
      const answer = await wire.answer({ within: 5000 });
      expectProblem(answer, 408, 'REQUEST_TIMEOUT');
      assert.equal(answer.header('Connection'), 'close');
      assert.equal(await wire.closed(), 'end');
      wire.destroy();
    });
  });
}

test('a body slower than 512 bytes a second is answered 408 long before its deadline', kTimeout, async () => {
  await withGateway({ env: { ...kWideLimits, ALLOWED_ORIGINS: kOrigin, SERVER_BODY_TIMEOUT: '10m' } }, async (gateway) => {
    const token = await openSession(gateway);
    const wire = await connect(gateway);
    wire.send(carrier(token, ['Content-Length: 100000'], '{"message":"'));
    const drip = setInterval(() => wire.send('x'), 100);
    try {
      expectProblem(await wire.answer({ within: 20_000 }), 408, 'REQUEST_TIMEOUT');
    } finally {
      clearInterval(drip);
      wire.destroy();
    }
  });
});

test('a connection without a request is closed without a word after the idle time', kTimeout, async () => {
  await withGateway(kQuickGateway, async (gateway) => {
    const fresh = await connect(gateway);
    assert.equal(await fresh.closed(5000), 'end');
    assert.equal(fresh.unread, '');
    const used = await connect(gateway);
    used.send(get([]));
    assert.equal((await used.answer()).status, 200);
    assert.equal(await used.closed(5000), 'end');
    assert.equal(used.unread, '');
    for (const wire of [fresh, used]) wire.destroy();
  });
});

// ---- connections

for (const [version, lines, closes, header] of [
  ['HTTP/1.1', [], false, undefined],
  ['HTTP/1.1', ['Connection: keep-alive'], false, undefined],
  ['HTTP/1.1', ['Connection: close'], true, 'close'],
  ['HTTP/1.1', ['Connection: CLOSE'], true, 'close'],
  ['HTTP/1.1', ['Connection: x, close'], true, 'close'],
  ['HTTP/1.1', ['Connection: x', 'Connection: close'], true, 'close'],
  ['HTTP/1.0', [], true, 'close'],
  ['HTTP/1.0', ['Connection: keep-alive'], false, 'keep-alive'],
  ['HTTP/1.0', ['Connection: keep-alive, close'], true, 'close'],
]) {
  test(`${version} with [${lines.join('; ')}] ${closes ? 'closes' : 'keeps'} the connection`, kTimeout, async () => {
    const { gateway } = await shared();
    const wire = await connect(gateway);
    wire.send(get(lines, { version }));
    const answer = await wire.answer();
    assert.equal(answer.status, 200);
    assert.equal(answer.header('Connection'), header);
    if (closes) {
      assert.equal(await wire.closed(), 'end');
    } else {
      wire.send(get([]));
      assert.equal((await wire.answer()).status, 200);
    }
    wire.destroy();
  });
}

test('HTTP/1.0 gets a stream without chunks that ends with the connection', kTimeout, async () => {
  const { gateway, token } = await shared();
  const wire = await connect(gateway);
  wire.send(
    carrier(token, [`Content-Length: ${kGood.length}`, 'Connection: keep-alive'], kGood, { version: 'HTTP/1.0' }).replace('/chat/message', '/chat/stream'),
  );
  const answer = await wire.answer();
  assert.equal(answer.status, 200);
  assert.equal(answer.header('Transfer-Encoding'), undefined);
  assert.equal(answer.header('Connection'), 'close');
  assert.match(answer.text, /data: \[DONE\]\n\n$/);
  wire.destroy();
});

test('an IPv6 listener answers on [::1]', kTimeout, async () => {
  await withGateway({ env: { SERVER_HOST: '::1' } }, async (gateway) => {
    assert.equal(new URL(gateway.url).hostname, '[::1]');
    const answer = await request(gateway, { path: '/api/health', host: `[::1]:${gateway.port}`, connectTo: '::1' });
    assert.equal(answer.status, 200);
    const bad = await request(gateway, { path: '/api/health', host: '[::2]', connectTo: '::1' });
    expectProblem(bad, 400, 'INVALID_HOST');
  });
});

async function refusedConnections(gateway, reason) {
  const page = await request({ url: gateway.opsUrl }, { path: '/metrics?format=prometheus' });
  const line = page.text.split('\n').find((l) => l.startsWith(`portcullis_connections_refused_total{reason="${reason}"}`));
  return Number(line?.split(' ')[1] ?? 0);
}

/** Opens a connection that must be cut without a byte. */
async function expectCut(gateway, options) {
  const wire = await connect(gateway, options).catch((error) => assert.equal(error.code, 'ECONNRESET'));
  if (!wire) return;
  await wire.closed(5000);
  assert.equal(wire.unread, '');
  wire.destroy();
}

async function expectServed(wire, bytes = get([])) {
  wire.send(bytes);
  assert.equal((await wire.answer()).status, 200);
  return wire;
}

test('connections above SERVER_MAX_CONNECTIONS are cut, and a freed place is given again', kTimeout, async () => {
  await withGateway({ env: { ...kWideLimits, SERVER_MAX_CONNECTIONS: '3' } }, async (gateway) => {
    const open = [];
    for (let i = 0; i < 3; ++i) open.push(await expectServed(await connect(gateway)));
    for (let i = 0; i < 4; ++i) await expectCut(gateway);
    assert.equal(await refusedConnections(gateway, 'total'), 4);
    for (const wire of open) await expectServed(wire);
    open[0].destroy();
    const next = await eventually(async () => {
      const wire = await connect(gateway).catch(() => undefined);
      return wire && expectServed(wire).catch(() => undefined);
    });
    for (const wire of [...open, next]) wire.destroy();
  });
});

test('connections above SERVER_MAX_CONNECTIONS_PER_ADDRESS are cut for that address alone', kTimeout, async () => {
  await withGateway({ env: { ...kWideLimits, SERVER_MAX_CONNECTIONS_PER_ADDRESS: '2', TRUSTED_PROXIES: '127.0.0.3' } }, async (gateway) => {
    const open = [await expectServed(await connect(gateway)), await expectServed(await connect(gateway))];
    await expectCut(gateway);
    assert.equal(await refusedConnections(gateway, 'address'), 1);
    open.push(await expectServed(await connect(gateway, { localAddress: '127.0.0.2' })));
    for (let i = 0; i < 5; ++i) open.push(await expectServed(await connect(gateway, { localAddress: '127.0.0.3' })));
    for (const wire of open) wire.destroy();
  });
});

test('connections above 64 on the operations listener are cut, and a freed place is given again', kTimeout, async () => {
  await withGateway({}, async (gateway) => {
    const ops = { url: gateway.opsUrl };
    const open = [];
    const live = bytesOf({ path: '/health/live' });
    for (let i = 0; i < 64; ++i) open.push(await expectServed(await connect(ops), live));
    for (let i = 0; i < 4; ++i) await expectCut(ops);
    (await expectServed(await connect(gateway), live)).destroy(); // visitors are counted apart
    open.pop().destroy();
    const refused = await eventually(() => refusedConnections(gateway, 'operations').catch(() => undefined));
    assert.ok(refused >= 4, `${refused} refused`);
    for (const wire of open) await expectServed(wire, live);
    for (const wire of open) wire.destroy();
  });
});

test(PROVES('F060', 'F145', { guard: 'protocol' }) + 'refusals of the parser have an event, problem details and all security headers', kTimeout, async () => {
  const { gateway } = await shared();
  for (const [bytes, status, code] of [
    ['GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400, 'INVALID_HOST'],
    ['\0', 400, 'BAD_REQUEST'],
    [`GET /${'x'.repeat(9000)}`, 414, 'URI_TOO_LONG'],
    [headOf(33 * 1024), 431, 'HEADERS_TOO_LARGE'],
    ['GET / HTTP/3.0\r\n\r\n', 505, 'VERSION_NOT_SUPPORTED'],
  ]) {
    const wire = await connect(gateway);
    wire.send(bytes);
    const answer = await wire.answer();
    wire.destroy();
    const problem = expectProblem(answer, status, code);
    const event = await eventually(() => gateway.log().split('\n').find((l) => l.includes(`event_id=${problem.error_id}`)), { what: 'the event' });
    assert.match(event, /SECURITY_ALERT/);
    assert.ok(event.includes(`request_id=${answer.header('X-Request-ID')}`), event);
  }
});
