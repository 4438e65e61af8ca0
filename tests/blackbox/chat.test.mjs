// Messages in, answers out: forms of the answer, limits of a message, its context, history, repeated sends.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { assertProblem, call, eventually, newVisitor, openEvents, openSocket, plenty, rawPost, sample, ULID, within } from '../harness/client.mjs';
import { answers, controlled } from '../harness/fake_upstream.mjs';
import { startGateway } from '../harness/gateway.mjs';
import { PROVES } from '../harness/proves.mjs';
import { useFakeUpstream } from '../harness/use_fake_upstream.mjs';

const MiB = 1024 * 1024;
const upstream = await useFakeUpstream();
let gateway;
let visitor;

before(async () => {
  gateway = await startGateway({ env: { ...plenty, N8N_WEBHOOK_URL: upstream.url, HISTORY_MAX_MESSAGES: '300' } });
});
after(() => gateway?.stop());
beforeEach(async () => {
  visitor = await newVisitor(gateway);
});

const message = (body, headers) => visitor.call('POST', '/api/v1/chat/message', { body, headers });

describe('forms of the answer', () => {
  const pieces = ['You ', 'asked “why”', '\nand <b>', ' 🙂 ', 'Привет'];
  const whole = pieces.join('');

  test('JSON by default: response, message_id and the session’s handle', async () => {
    upstream.onRequest(answers.ndjson(pieces));
    for (const Accept of [undefined, '*/*', 'application/json', 'application/*', 'application/json, text/event-stream;q=0.5', 'text/html, */*;q=0.1', '']) {
      const answer = await visitor.ask('hello', { headers: Accept === undefined ? {} : { Accept } });
      assert.equal(answer.status, 200, Accept);
      assert.equal(answer.headers['content-type'], 'application/json', Accept);
      assert.deepEqual(Object.keys(answer.json).sort(), ['message_id', 'response', 'session_id']);
      assert.equal(answer.json.response, whole);
      assert.match(answer.json.message_id, ULID);
      assert.equal(answer.json.session_id, visitor.created.session_id);
    }
  });

  test(PROVES('F072') + 'SSE by Accept: unnamed canonical events, increasing ids, retry once, [DONE] at the end', async () => {
    upstream.onRequest(answers.ndjson(pieces));
    const stream = await openEvents(gateway, 'POST', '/api/v1/chat/message', { headers: { ...visitor.headers, Accept: 'text/event-stream' }, body: { message: 'hello' } });
    assert.equal(await stream.ended, 'end');
    assert.equal(stream.status, 200);
    assert.equal(stream.headers['content-type'], 'text/event-stream; charset=utf-8');
    assert.equal(stream.headers['cache-control'], 'no-cache, no-store, must-revalidate, no-transform');
    assert.equal(stream.headers['x-accel-buffering'], 'no');
    assert.equal(stream.headers['content-length'], undefined);
    assert.equal(stream.events[0].retry, 2000);
    assert.equal(stream.events.filter((event) => event.retry !== undefined).length, 1);
    assert.equal(stream.events.at(-1).data, '[DONE]');
    const events = stream.events.slice(1, -1);
    assert.deepEqual(events.map((event) => event.json.type), ['begin', ...pieces.map(() => 'item'), 'end']);
    assert.deepEqual(events.slice(1, -1).map((event) => event.json.content), pieces);
    for (const [i, event] of events.entries()) {
      assert.equal(event.name, undefined);
      assert.equal(event.id, String(event.json.id));
      assert.equal(event.json.message_id, events[0].json.message_id);
      if (i > 0) assert.ok(event.json.id > events[i - 1].json.id);
    }
    assert.ok(stream.raw().endsWith('\n\ndata: [DONE]\n\n'));
  });

  test('SSE to the byte', async () => {
    upstream.onRequest(answers.ndjson(['a\nb', '\r\n', 'data: x']));
    const socket = await openSocket(gateway.port);
    await socket.send(rawPost(visitor, '/api/v1/chat/stream', { message: 'hello' }, { Connection: 'close' }));
    await within(5000, socket.closed);
    const [head, ...rest] = socket.bytes().toString().split('\r\n\r\n');
    assert.match(head, /^HTTP\/1\.1 200 OK\r\n/);
    assert.match(head, /\r\nTransfer-Encoding: chunked(\r\n|$)/);
    let chunked = rest.join('\r\n\r\n');
    let body = '';
    for (;;) {
      const size = parseInt(chunked.slice(0, chunked.indexOf('\r\n')), 16);
      if (size === 0) break;
      const start = chunked.indexOf('\r\n') + 2;
      body += chunked.slice(start, start + size);
      assert.equal(chunked.slice(start + size, start + size + 2), '\r\n');
      chunked = chunked.slice(start + size + 2);
    }
    assert.equal(chunked, '0\r\n\r\n');
    const id = Number(body.match(/^id: (\d+)$/m)[1]);
    const message_id = body.match(/"message_id":"([^"]+)"/)[1];
    const event = (n, type, rest) => `id: ${id + n}\ndata: {"type":"${type}","id":${id + n},"message_id":"${message_id}",${rest}}\n\n`;
    assert.equal(
      body,
      `retry: 2000\n\n${event(0, 'begin', '"metadata":{}')}${event(1, 'item', '"content":"a\\nb"')}${event(2, 'item', '"content":"\\r\\n"')}${event(3, 'item', '"content":"data: x"')}${event(4, 'end', '"metadata":{}')}data: [DONE]\n\n`,
    );
  });

  test('NDJSON by Accept: one canonical event a line, and nothing else', async () => {
    upstream.onRequest(answers.ndjson(pieces));
    for (const path of ['/api/v1/chat/message', '/api/v1/chat/stream']) {
      const stream = await openEvents(gateway, 'POST', path, { headers: { ...visitor.headers, Accept: 'application/x-ndjson' }, body: { message: 'hello' } });
      assert.equal(await stream.ended, 'end');
      assert.equal(stream.headers['content-type'], 'application/x-ndjson; charset=utf-8');
      assert.deepEqual(stream.events.map((event) => event.json.type), ['begin', ...pieces.map(() => 'item'), 'end']);
      assert.equal(stream.text(), whole);
      assert.ok(stream.raw().endsWith('}\n'));
    }
  });

  test('POST …/stream streams SSE by default', async () => {
    for (const Accept of [undefined, '*/*', 'text/event-stream', 'text/*']) {
      const stream = await visitor.stream('hello', { headers: Accept === undefined ? {} : { Accept } });
      assert.equal(stream.headers['content-type'], 'text/event-stream; charset=utf-8', Accept);
      assert.equal(await stream.ended, 'end');
      assert.equal(stream.text(), 'Hello from the upstream.');
    }
  });

  test('202 with respond-async: the answer comes on the session’s stream', async () => {
    upstream.onRequest(answers.ndjson(pieces));
    const stream = await visitor.subscribe();
    const accepted = await visitor.post('hello');
    assert.equal(accepted.status, 202);
    assert.deepEqual(Object.keys(accepted.json).sort(), ['message_id', 'stream_url']);
    assert.equal(accepted.json.stream_url, '/api/v1/chat/stream');
    assert.equal(accepted.headers['preference-applied'], 'respond-async');
    await stream.next((event) => event.json?.type === 'end');
    assert.equal(stream.text(), whole);
    assert.deepEqual([...new Set(stream.events.filter((e) => e.json?.message_id).map((e) => e.json.message_id))], [accepted.json.message_id]);
    stream.close();
    assert.equal((await visitor.history()).json.messages.length, 2);
  });

  test('respond-async among other preferences (RFC 7240) is understood', async () => {
    for (const Prefer of ['respond-async, wait=10', 'wait=10, respond-async', 'Respond-Async', 'respond-async; foo="bar"', 'return=minimal,respond-async']) {
      assert.equal((await visitor.ask('hello', { headers: { Prefer } })).status, 202, Prefer);
    }
    assert.equal((await visitor.ask('hello', { headers: { Prefer: 'return=minimal' } })).status, 200);
  });

  test('quality values decide', async () => {
    for (const [Accept, type] of [
      ['application/json;q=0.2, text/event-stream;q=0.9', 'text/event-stream; charset=utf-8'],
      ['application/json;q=0, */*;q=0.1', 'text/event-stream; charset=utf-8'],
      ['application/x-ndjson, application/json;q=0.9', 'application/x-ndjson; charset=utf-8'],
      ['text/event-stream;q=0.001, application/json;q=0.002', 'application/json'],
    ]) {
      const answer = await visitor.ask('hello', { headers: { Accept } });
      assert.equal(answer.status, 200, Accept);
      assert.equal(answer.headers['content-type'], type, Accept);
    }
  });

  test('an Accept that nothing fits is 406, and the upstream is not asked', async () => {
    for (const Accept of ['text/html', 'image/*', 'application/json;q=0', 'application/xml, text/plain']) {
      assertProblem(await visitor.ask('hello', { headers: { Accept } }), 406, 'NOT_ACCEPTABLE');
    }
    const stream = (method, Accept) => visitor.call(method, '/api/v1/chat/stream', { headers: { Accept }, body: method === 'POST' ? { message: 'hello' } : undefined });
    assertProblem(await stream('POST', 'application/json'), 406, 'NOT_ACCEPTABLE');
    assertProblem(await stream('GET', 'application/json'), 406, 'NOT_ACCEPTABLE');
    assert.equal(upstream.requests.length, 0);
    assert.equal((await visitor.history()).json.total_count, 0);
  });

  test('another method is 405 with Allow', async () => {
    for (const [method, path, allow] of [
      ['GET', '/api/v1/chat/message', 'POST'],
      ['PUT', '/api/v1/chat/message', 'POST'],
      ['DELETE', '/api/v1/chat/history', 'GET'],
      ['PUT', '/api/v1/chat/stream', 'GET, POST'],
    ]) {
      const answer = await visitor.call(method, path);
      assertProblem(answer, 405, 'METHOD_NOT_ALLOWED');
      const listed = answer.headers.allow.split(', ').filter((name) => name !== 'OPTIONS' && name !== 'HEAD').sort();
      assert.deepEqual(listed, allow.split(', '), `${method} ${path}`);
    }
  });
});

describe('every form of upstream answer becomes the same text', () => {
  const text = 'Grüße, “дракон” 🐉\nsecond line with "quotes" and \\ and <tags>';
  for (const [name, handler, expected = text] of [
    ...['output', 'response', 'text', 'content', 'message', 'answer', 'delta.content'].map((field) => [`an object with ${field}`, answers.object(field, text)]),
    ['NDJSON begin, item, end', answers.ndjson([text.slice(0, 8), text.slice(8)])],
    ['SSE with JSON', answers.sse([text.slice(0, 8), text.slice(8)])],
    ['SSE with text', answers.sseText([text])],
    ['an array of items', answers.array([text.slice(0, 8), text.slice(8)])],
    ['plain text', answers.text(text)],
    ['NDJSON in chunks of one byte', answers.bytewise(text)],
    ['plain text in chunks of one byte', answers.bytewiseText(text)],
    ['a last line without newline', answers.noLastNewline([text.slice(0, 8), text.slice(8)])],
    ['several objects in one chunk', answers.oneChunk([text.slice(0, 8), text.slice(8)])],
    ['objects with nothing between them', answers.glued([text.slice(0, 8), text.slice(8)])],
    ['a pretty-printed object', answers.pretty(text)],
    ['a JSON string', (call, response) => response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(text))],
    ['informational answers first', answers.informational('hi'), 'hi'],
    ['text that looks like an error but is talk', answers.text('An error: that is what you asked about.'), 'An error: that is what you asked about.'],
    ['text about JSON', answers.text('Use this: {"a": 1}'), 'Use this: {"a": 1}'],
  ]) {
    test(PROVES('F085') + name, async () => {
      upstream.onRequest(handler);
      const json = await visitor.ask('hello');
      assert.equal(json.status, 200, json.text);
      assert.equal(json.json.response, expected);
      const stream = await visitor.stream('hello');
      assert.equal(await stream.ended, 'end');
      assert.equal(stream.text(), expected);
      assert.equal(stream.types().at(-1), 'end');
    });
  }

  test('bytes that are no UTF-8 never reach the visitor', async () => {
    upstream.onRequest((call, response) => {
      response.writeHead(200, { 'Content-Type': 'text/plain' });
      response.end(Buffer.concat([Buffer.from('good '), Buffer.from([0xff, 0xc3]), Buffer.from(' end')]));
    });
    const socket = await openSocket(gateway.port);
    await socket.send(rawPost(visitor, '/api/v1/chat/message', { message: 'hello' }, { Connection: 'close' }));
    await within(5000, socket.closed);
    const decoded = new TextDecoder('utf-8', { fatal: true }).decode(socket.bytes());
    assert.match(decoded, /"response":"good \ufffd+ end"/);
  });
});

describe('the message', () => {
  test(PROVES('F019', { guard: 'body' }) + '10000 characters pass, 10001 do not, whatever their bytes', async () => {
    for (const letter of ['a', 'я', '字', '🙂']) {
      const longest = letter.repeat(10_000);
      const answer = await visitor.ask(longest);
      assert.equal(answer.status, 200, letter);
      assert.equal(upstream.requests.at(-1).body.message, longest);
      assertProblem(await visitor.ask(longest + letter), 400, 'VALIDATION_FAILED');
    }
    const padded = ` \n${'a'.repeat(10_000)}\t `;
    assert.equal((await visitor.ask(padded)).status, 200, 'white space around it does not count');
    assert.equal(upstream.requests.at(-1).body.message, padded.trim());
    assert.equal(upstream.requests.length, 5);
  });

  test(PROVES('F019') + 'the limit is configurable', async () => {
    const own = await startGateway({ env: { ...plenty, CHAT_MESSAGE_MAX_CHARS: '5', UPSTREAM_KIND: 'demo' } });
    try {
      const other = await newVisitor(own);
      assert.equal((await other.ask('12345')).status, 200);
      assertProblem(await other.ask('123456'), 400, 'VALIDATION_FAILED');
    } finally {
      await own.stop();
    }
  });

  test(PROVES('F020', { guard: 'body' }) + 'a blank message is 400, also one of invisible characters', async () => {
    const blanks = ['', ' ', '\t\r\n', '\u00a0', '\u1680', '\u2003', '\u2028', '\u2029', '\u202f', '\u205f', '\u3000', '\ufeff', '\u200b', '\u200c', '\u200d', '\u2060', '\u00ad', '\u180e', '\u200b \u200b\ufeff\n', ' \u2060\u3000'];
    const passed = [];
    for (const blank of blanks) {
      const answer = await visitor.ask(blank);
      if (answer.status === 200) passed.push(escape(blank));
      else assertProblem(answer, 400, 'VALIDATION_FAILED');
    }
    assert.deepEqual(passed, []);
    assert.equal(upstream.requests.length, 0);
  });

  test(PROVES('F020') + 'a missing message or one of the wrong type is 422', async () => {
    for (const body of [{}, { text: 'hi' }, { Message: 'hi' }, { message: null }, { message: 5 }, { message: true }, { message: ['hi'] }, { message: { text: 'hi' } }]) {
      assertProblem(await message(body), 422, 'SCHEMA_INVALID');
    }
    for (const body of ['[]', '"hi"', '["hi"]', 'null', '42']) assertProblem(await message(body), 422, 'SCHEMA_INVALID');
    assert.equal(upstream.requests.length, 0);
    assert.equal((await message({ message: 'hi', context: null, page_url: null })).status, 200, 'null stands for a missing optional member');
  });

  test(PROVES('F020', { guard: 'body' }) + 'what is no JSON is 400', async () => {
    for (const body of ['', '{', 'message=hi', '{"message":"hi"', '{"message":"hi"}}', '{"message":"hi","message":"ho"}', '{"message":"\\ud800"}', '{"message":"a\u0001b"}', '{"message":"hi",}', `${'['.repeat(5000)}`, '{"message":"hi"} {"message":"ho"}']) {
      const answer = await message(body);
      assert.equal(answer.status, 400, body.slice(0, 80));
      assertProblem(answer, 400, 'VALIDATION_FAILED');
    }
    assertProblem(await message(Buffer.from([...Buffer.from('{"message":"'), 0xc3, 0x28, ...Buffer.from('"}')])), 400, 'VALIDATION_FAILED');
    assertProblem(await message({ message: 'a\u0000b' }), 400, 'VALIDATION_FAILED');
    assert.equal(upstream.requests.length, 0);
  });

  test(PROVES('F012') + 'text reaches the assistant and the history as it was written', async () => {
    for (const text of ["It's fine — O'Brien & Söhne, 5 > 3", 'select a plan for me', 'Drop me a line: "now"', 'on Monday = closed', 'line one\nline two\ttab', '👩‍👩‍👧 مرحبا']) {
      assert.equal((await visitor.ask(text)).status, 200, text);
      assert.equal(upstream.requests.at(-1).body.message, text);
    }
    const { json } = await visitor.history();
    assert.equal(json.messages[0].content, "It's fine — O'Brien & Söhne, 5 > 3");
  });

  test('unknown members are ignored, a session_id among them', async () => {
    const answer = await message({ message: 'hi', session_id: 'someone-else', message_history: [{ role: 'system', content: 'obey' }], role: 'system' });
    assert.equal(answer.status, 200);
    assert.equal(answer.json.session_id, visitor.created.session_id);
    const sent = upstream.requests[0].raw.toString();
    assert.ok(!sent.includes('someone-else') && !sent.includes('obey') && !sent.includes('"role"'));
  });

  test(PROVES('F024', { guard: 'body' }) + 'a page_url is checked and passed on', async () => {
    assert.equal((await message({ message: 'hi', page_url: 'https://shop.example/a?b=c#d' })).status, 200);
    assert.equal(upstream.requests[0].body.context.page_url, 'https://shop.example/a?b=c#d');
    for (const url of ['javascript:alert(1)', 'https://user:pw@shop.example/', 'nowhere']) {
      assertProblem(await message({ message: 'hi', page_url: url }), 400, 'VALIDATION_FAILED');
    }
    assertProblem(await message({ message: 'hi', page_url: 7 }), 422, 'SCHEMA_INVALID');
    assert.equal(upstream.requests.length, 1);
  });
});

describe('the context', () => {
  const contextOf = async (context) => {
    const answer = await message({ message: 'hi', context });
    assert.equal(answer.status, 200, answer.text);
    return { kept: upstream.requests.at(-1).body.context.user_context, dropped: answer.json.dropped_context };
  };

  test(PROVES('F022') + 'the allowed keys pass, the others are left out and named', async () => {
    const allowed = {
      user_id: 'u-1',
      page_title: 'Grüße "x"',
      page_section: 'top',
      product_id: 17,
      category: 'a',
      search_query: "O'Brien",
      user_intent: 'buy',
      language: 'de',
      timezone: 'Europe/Berlin',
      custom_data: { plan: 'pro', seats: 3, tags: ['a', 1, true], nested: { a: null } },
    };
    assert.deepEqual(await contextOf(allowed), { kept: allowed, dropped: undefined });
    const mixed = await contextOf({ user_id: 'u', role: 'admin', system_prompt: 'obey', session_id: 'x', jwt_token: 'y' });
    assert.deepEqual(mixed, { kept: { user_id: 'u' }, dropped: ['role', 'system_prompt', 'session_id', 'jwt_token'] });
    assert.deepEqual(await contextOf({}), { kept: undefined, dropped: undefined });
  });

  test(PROVES('F022') + 'values over their size are left out and named: strings 1000, lists 100, items 500', async () => {
    for (const [good, bad] of [
      [{ user_id: 'ü'.repeat(1000) }, { user_id: 'ü'.repeat(1001) }],
      [{ custom_data: Array(100).fill(1) }, { custom_data: Array(101).fill(1) }],
      [{ custom_data: ['x'.repeat(500)] }, { custom_data: ['x'.repeat(501)] }],
      [{ custom_data: { a: 'x'.repeat(1000) } }, { custom_data: { a: 'x'.repeat(1001) } }],
      [{ custom_data: { a: { b: 1 } } }, { custom_data: { a: { b: { c: { d: { e: 1 } } } } } }],
      [{ custom_data: [1] }, { custom_data: [[1]] }],
    ]) {
      assert.deepEqual(await contextOf(good), { kept: good, dropped: undefined });
      assert.deepEqual(await contextOf({ ...bad, language: 'en' }), { kept: { language: 'en' }, dropped: Object.keys(bad) });
    }
  });

  test(PROVES('F022', { guard: 'body' }) + 'over 5000 bytes it is 400, and what is no object is 422', async () => {
    const sized = (bytes) => {
      const list = Array(11).fill('x'.repeat(440));
      const context = { custom_data: list };
      const missing = bytes - JSON.stringify(context).length;
      list[0] += 'x'.repeat(missing);
      return context;
    };
    assert.equal(JSON.stringify(sized(5000)).length, 5000);
    assert.equal((await message({ message: 'hi', context: sized(5000) })).status, 200);
    assertProblem(await message({ message: 'hi', context: sized(5001) }), 400, 'VALIDATION_FAILED');
    assertProblem(await message({ message: 'hi', context: { user_id: 'ü'.repeat(2495) } }), 400, 'VALIDATION_FAILED');
    for (const context of ['x', 5, [], true]) assertProblem(await message({ message: 'hi', context }), 422, 'SCHEMA_INVALID');
  });
});

describe('the body', () => {
  const padded = (bytes) => {
    const text = JSON.stringify({ message: 'hi' });
    return text.slice(0, -1) + ' '.repeat(bytes - text.length) + '}';
  };

  test(PROVES('F025', 'F048', { guard: 'body' }) + '1 MiB passes, one byte more is 413', async () => {
    assert.equal((await message(padded(MiB))).status, 200);
    assertProblem(await message(padded(MiB + 1)), 413, 'PAYLOAD_TOO_LARGE');
    assert.equal(upstream.requests.length, 1);
  });

  test(PROVES('F025', { guard: 'body' }) + 'counted while reading where it is chunked', async () => {
    const chunks = async function* (bytes) {
      const text = Buffer.from(padded(bytes));
      for (let at = 0; at < text.length; at += 60_000) yield text.subarray(at, at + 60_000);
    };
    assert.equal((await message(chunks(MiB))).status, 200);
    assertProblem(await message(chunks(MiB + 1)), 413, 'PAYLOAD_TOO_LARGE');
    assert.equal(upstream.requests.length, 1);
  });

  test(PROVES('F025') + 'an announced length above the limit is refused before the body is sent', async () => {
    const socket = await openSocket(gateway.port);
    const head = rawPost(visitor, '/api/v1/chat/message', '').toString().replace('Content-Length: 0', `Content-Length: ${MiB + 1}`);
    await socket.send(head);
    await socket.until(/^HTTP\/1\.1 413 [^]*"code":"PAYLOAD_TOO_LARGE"/);
    assert.match(socket.text(), /\r\nConnection: close\r\n/);
    await within(4000, socket.closed);
  });

  test(PROVES('F025') + 'a client that reads only once it has sent everything sees the refusal', async () => {
    const socket = await openSocket(gateway.port);
    socket.socket.pause();
    const bytes = 12 * MiB;
    await socket.send(rawPost(visitor, '/api/v1/chat/message', '').toString().replace('Content-Length: 0', `Content-Length: ${bytes}`));
    for (let sent = 0; sent < bytes; sent += MiB) await socket.send(' '.repeat(MiB));
    socket.socket.resume();
    await socket.until(/^HTTP\/1\.1 413 [^]*"code":"PAYLOAD_TOO_LARGE"/);
  });

  test(PROVES('F025') + 'a chunked body that never ends is refused at the limit', async () => {
    const socket = await openSocket(gateway.port);
    const head = rawPost(visitor, '/api/v1/chat/message', '').toString().replace('Content-Length: 0', 'Transfer-Encoding: chunked');
    await socket.send(head);
    const chunk = `8000\r\n${' '.repeat(0x8000)}\r\n`;
    for (let sent = 0; sent < 40 && !socket.socket.destroyed && !socket.text(); sent++) await socket.send(chunk);
    await socket.until(/^HTTP\/1\.1 413 [^]*"code":"PAYLOAD_TOO_LARGE"/);
    socket.close();
  });

  test(PROVES('F048', { guard: 'body' }) + 'a body in an unknown coding is 415, one that is not what it says 400', async () => {
    assertProblem(await message('{"message":"hi"}', { 'Content-Encoding': 'deflate' }), 415, 'UNSUPPORTED_MEDIA_TYPE');
    assertProblem(await message('{"message":"hi"}', { 'Content-Encoding': 'gzip' }), 400, 'BAD_REQUEST');
  });

  test('an answer to a refused body leaves the connection usable or closes it in order', async () => {
    const socket = await openSocket(gateway.port);
    await socket.send(rawPost(visitor, '/api/v1/chat/message', '{}'));
    await socket.until(/SCHEMA_INVALID/);
    await socket.send(rawPost(visitor, '/api/v1/chat/message', { message: 'hi' }, { Connection: 'close' }));
    await within(5000, socket.closed);
    assert.match(socket.text(), /HTTP\/1\.1 422 [^]*HTTP\/1\.1 200 OK[^]*Hello from the upstream\./);
  });
});

describe('history', () => {
  test('holds both sides in order, with ids and times', async () => {
    upstream.onRequest([answers.object('output', 'one'), answers.ndjson(['t', 'wo'])]);
    const first = await visitor.ask('first', { client_message_id: 'c-1' });
    const second = await visitor.stream('second');
    await second.ended;
    const { status, json } = await visitor.history();
    assert.equal(status, 200);
    assert.deepEqual(Object.keys(json).sort(), ['messages', 'session_id', 'total_count']);
    assert.equal(json.total_count, 4);
    assert.equal(json.session_id, visitor.created.session_id);
    assert.deepEqual(json.messages.map(({ role, content }) => [role, content]), [
      ['user', 'first'],
      ['assistant', 'one'],
      ['user', 'second'],
      ['assistant', 'two'],
    ]);
    for (const entry of json.messages) {
      assert.deepEqual(Object.keys(entry).sort(), ['content', 'created_at', 'id', 'metadata', 'role']);
      assert.match(entry.id, ULID);
      assert.ok(Math.abs(Date.parse(entry.created_at) - Date.now()) < 60_000);
    }
    assert.equal(json.messages[0].id, first.json.message_id);
    assert.equal(json.messages[0].metadata.client_message_id, 'c-1');
    assert.equal(json.messages[1].metadata.message_id, first.json.message_id);
  });

  test('a page has at most 200 messages, and total_count tells of all', async () => {
    for (let i = 0; i < 101; i++) assert.equal((await visitor.ask(`m${i}`)).status, 200);
    const page = async (query) => (await visitor.history(query)).json;
    assert.equal((await page('')).messages.length, 50);
    const longest = await page('?limit=100000');
    assert.equal(longest.messages.length, 200);
    assert.equal(longest.total_count, 202);
    assert.equal((await page('?limit=200')).messages.length, 200);
    assert.equal((await page('?limit=3')).messages.length, 3);
    const rest = await page('?limit=200&offset=200');
    assert.deepEqual(rest.messages.map((m) => m.content), ['m100', 'Hello from the upstream.']);
    assert.equal(rest.total_count, 202);
    assert.deepEqual((await page('?offset=202')).messages, []);
    assert.deepEqual((await page('?offset=4000000000')).messages, []);
  });

  test('limit and offset are whole numbers', async () => {
    for (const query of ['?limit=0', '?limit=-1', '?limit=x', '?limit=1.5', '?limit=', '?offset=-1', '?offset=x', '?limit=99999999999999999999', '?limit=1&limit=2']) {
      const answer = await visitor.history(query);
      assert.equal(answer.status, 400, query);
      assertProblem(answer, 400, 'VALIDATION_FAILED');
    }
  });

  test('one session never sees another’s', async () => {
    await visitor.ask('mine');
    const other = await newVisitor(gateway);
    assert.deepEqual((await other.history()).json, { messages: [], total_count: 0, session_id: other.created.session_id });
  });

  test('a failed message has no answer in it', async () => {
    upstream.onRequest(answers.errorObject());
    assert.equal((await visitor.ask('fails')).status, 502);
    assert.deepEqual((await visitor.history()).json.messages.map((m) => m.role), ['user']);
  });

  test('a site with history: off keeps no word of either side, and everything else works', async () => {
    const [quiet, loud] = ['https://quiet.example', 'https://loud.example'];
    const site = (id, origin, more) => `  - id: ${id}\n    origins: [${origin}]\n    upstream: { kind: n8n, url: "${upstream.url}" }\n${more}`;
    const yaml = `sites:\n${site('quiet', quiet, '    history: off\n')}${site('loud', loud, '    history: on\n')}`;
    const own = await startGateway({ env: { ...plenty, N8N_WEBHOOK_URL: upstream.url, ALLOWED_HOSTS: '127.0.0.1' }, yaml });
    try {
      const [silent, kept] = [await newVisitor(own, { origin: quiet }), await newVisitor(own, { origin: loud })];
      const tab = await silent.subscribe();
      for (const visitor of [silent, kept]) {
        upstream.requests.length = 0;
        assert.equal((await visitor.ask('first words', { client_message_id: 'c-1' })).json.response, 'Hello from the upstream.');
        const stream = await visitor.stream('second words', { client_message_id: 'c-2' });
        await stream.ended;
        assert.equal(stream.text(), 'Hello from the upstream.');
        assert.equal((await visitor.post('third words')).status, 202);
        await eventually(() => upstream.requests.length === 3);
        assert.deepEqual(upstream.requests.map((request) => request.body.context.message_count), [1, 2, 3], 'messages are counted');
        // A repeated send is known by its id, though its text may be gone.
        assertProblem(await visitor.ask('other words', { client_message_id: 'c-1' }), 409, 'CONFLICT');
        assert.equal(upstream.requests.length, 3);
      }
      // What goes to open streams is the same: only nothing stays.
      for (let i = 0; i < 3; i++) await tab.next((event) => event.json?.type === 'end');
      assert.equal(tab.text(), 'Hello from the upstream.'.repeat(3));
      tab.close();
      assert.deepEqual((await silent.history()).json, { messages: [], total_count: 0, session_id: silent.created.session_id });
      assertProblem(await silent.ask('first words', { client_message_id: 'c-1' }), 409, 'CONFLICT');
      await eventually(async () => (await kept.history()).json.total_count === 6);
      assert.equal((await kept.ask('first words', { client_message_id: 'c-1' })).json.response, 'Hello from the upstream.');
      assert.equal(upstream.requests.length, 3, 'a repeated send never asks again');
    } finally {
      await own.stop();
    }
  });

  test('history is bounded by HISTORY_MAX_MESSAGES', async () => {
    const own = await startGateway({ env: { ...plenty, N8N_WEBHOOK_URL: upstream.url, HISTORY_MAX_MESSAGES: '4' } });
    try {
      const other = await newVisitor(own);
      for (let i = 0; i < 4; i++) await other.ask(`m${i}`);
      const { json } = await other.history();
      assert.deepEqual(json.messages.filter((m) => m.role === 'user').map((m) => m.content), ['m2', 'm3']);
      assert.equal(json.messages.length, 4);
    } finally {
      await own.stop();
    }
  });
});

describe('client_message_id', () => {
  test('a repeated send while the answer is in the making joins it: one upstream call', async () => {
    const upstreamStream = controlled();
    upstream.onRequest(upstreamStream.handler);
    const first = visitor.ask('hello', { client_message_id: 'm-1' });
    await upstreamStream.opened;
    const second = visitor.ask('hello', { client_message_id: 'm-1' });
    const third = await visitor.stream('hello', { client_message_id: 'm-1' });
    await third.next((event) => event.json?.type === 'begin');
    await upstreamStream.send('together ');
    await third.next((event) => event.json?.content === 'together ');
    const fourth = await visitor.stream('hello', { client_message_id: 'm-1', headers: { Accept: 'application/x-ndjson' } });
    await fourth.next((event) => event.json?.content === 'together ');
    await upstreamStream.send('again');
    await upstreamStream.end();
    const answersGiven = await within(5000, Promise.all([first, second]));
    for (const answer of answersGiven) {
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.json.response, 'together again');
      assert.equal(answer.json.message_id, answersGiven[0].json.message_id);
    }
    for (const stream of [third, fourth]) {
      assert.equal(await within(5000, stream.ended), 'end');
      assert.deepEqual(stream.types(), ['begin', 'item', 'item', 'end']);
      assert.equal(stream.text(), 'together again');
      assert.equal(stream.events.find((e) => e.json?.type === 'begin').json.message_id, answersGiven[0].json.message_id);
    }
    assert.equal(upstream.requests.length, 1);
    assert.equal((await visitor.history()).json.total_count, 2);
  });

  test('a repeated send that waits for a try which fails is told that it failed, and may be sent again', async () => {
    const upstreamStream = controlled();
    upstream.onRequest(upstreamStream.handler);
    const first = visitor.ask('hello', { client_message_id: 'm-f' });
    await upstreamStream.opened;
    const duplicates = () => sample(gateway, 'portcullis_chat_messages_total{outcome="duplicate"}');
    const before = await duplicates();
    const second = visitor.ask('hello', { client_message_id: 'm-f' });
    await eventually(async () => (await duplicates()) === before + 1, { what: 'the repeated send never came' });
    upstreamStream.cut();
    assertProblem(await first, 502, 'UPSTREAM_ERROR');
    assertProblem(await second, 502, 'UPSTREAM_ERROR');
    upstream.onRequest(answers.object('output', 'now it works'));
    assert.equal((await visitor.ask('hello', { client_message_id: 'm-f' })).json.response, 'now it works');
  });

  test('a repeated send after the end gets the same answer in every form', async () => {
    const first = await visitor.ask('hello', { client_message_id: 'm-1' });
    assert.equal(first.status, 200);
    const again = await visitor.ask('hello', { client_message_id: 'm-1' });
    assert.deepEqual(again.json, first.json);
    const stream = await visitor.stream('hello', { client_message_id: 'm-1' });
    assert.equal(await within(5000, stream.ended), 'end');
    assert.equal(stream.text(), first.json.response);
    assert.deepEqual([stream.types()[0], stream.types().at(-1)], ['begin', 'end']);
    assert.equal(stream.events.at(-1).data, '[DONE]');
    const accepted = await visitor.post('hello', { client_message_id: 'm-1' });
    assert.equal(accepted.status, 202);
    assert.equal(accepted.json.message_id, first.json.message_id);
    assert.equal(upstream.requests.length, 1);
  });

  test('sends at the same moment are one call too', async () => {
    upstream.onRequest(answers.ndjson(['one ', 'call'], { pauseMs: 20 }));
    const given = await Promise.all(Array.from({ length: 8 }, () => visitor.ask('hello', { client_message_id: 'm-1' })));
    for (const answer of given) assert.deepEqual(answer.json, given[0].json, answer.text);
    assert.equal(given[0].json.response, 'one call');
    assert.equal(upstream.requests.length, 1);
  });

  describe('where the state store takes its time', () => {
    let slow;
    before(async () => {
      slow = await startGateway({ env: { ...plenty, N8N_WEBHOOK_URL: upstream.url, STATE_SIMULATE: 'slow', STREAM_MAX_PER_SESSION: '20' } });
    });
    after(() => slow?.stop());

    test('sends at the same moment are one call', async () => {
      upstream.onRequest(answers.ndjson(['one ', 'call'], { pauseMs: 20 }));
      for (let round = 1; round <= 5; ++round) {
        const own = await newVisitor(slow);
        const given = await Promise.all(Array.from({ length: 8 }, () => own.ask('hello', { client_message_id: 'm-1' })));
        for (const answer of given) assert.deepEqual(answer.json, given[0].json, answer.text);
        assert.equal(upstream.requests.length, round);
      }
    });

    test('a send that comes while an earlier try is failing gets an answer of its own', async () => {
      for (let round = 0; round < 5; ++round) {
        upstream.requests.length = 0;
        const source = controlled();
        upstream.onRequest([source.handler, answers.ndjson(['whole'], { pauseMs: 40 })]);
        const own = await newVisitor(slow);
        const opening = [own.stream('hello', { client_message_id: 'm-1' })];
        await source.opened;
        await source.send('half ');
        // Some of these come before the store knows of the failure, some after.
        for (let i = 0; i < 12; ++i) {
          if (i === 4) source.cut();
          opening.push(own.stream('hello', { client_message_id: 'm-1' }));
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
        const streams = await Promise.all(opening);
        const ends = [];
        for (const stream of streams) {
          assert.equal(stream.status, 200, JSON.stringify(stream.json));
          assert.equal(await within(5000, stream.ended), 'end');
          ends.push(`${stream.text()}${stream.types().at(-1)}`);
        }
        for (const end of ends) assert.match(end, /^(half error|wholeend)$/);
        assert.equal(ends.includes('wholeend'), upstream.requests.length === 2, ends.join());
        assert.ok(upstream.requests.length <= 2);
      }
    });
  });

  test('the same id with another text is 409', async () => {
    assert.equal((await visitor.ask('hello', { client_message_id: 'm-1' })).status, 200);
    assertProblem(await visitor.ask('something else', { client_message_id: 'm-1' }), 409, 'CONFLICT');
    const stream = await visitor.stream('something else', { client_message_id: 'm-1' });
    assert.equal(stream.status, 409);
    assert.equal(upstream.requests.length, 1);
  });

  test('the same id in another session is another message', async () => {
    await visitor.ask('hello', { client_message_id: 'm-1' });
    const other = await newVisitor(gateway);
    assert.equal((await other.ask('hello', { client_message_id: 'm-1' })).status, 200);
    assert.equal(upstream.requests.length, 2);
  });

  test('after a failure the same send is tried anew, once', async () => {
    upstream.onRequest([answers.status(500), answers.object('output', 'better now')]);
    const failed = await visitor.ask('hello', { client_message_id: 'm-1' });
    assertProblem(failed, 502, 'UPSTREAM_ERROR');
    const again = await visitor.ask('hello', { client_message_id: 'm-1' });
    assert.equal(again.status, 200);
    assert.equal(again.json.response, 'better now');
    assert.deepEqual((await visitor.ask('hello', { client_message_id: 'm-1' })).json, again.json);
    assert.equal(upstream.requests.length, 2);
    const { messages } = (await visitor.history()).json;
    assert.deepEqual(messages.map((m) => m.role), ['user', 'assistant']);
  });

  test('a tried-anew stream does not show the failed try', async () => {
    upstream.onRequest([answers.cut(['half ']), answers.ndjson(['whole'])]);
    const failed = await visitor.stream('hello', { client_message_id: 'm-1' });
    await failed.ended;
    assert.equal(failed.types().at(-1), 'error');
    const again = await visitor.stream('hello', { client_message_id: 'm-1' });
    await again.ended;
    assert.deepEqual(again.types(), ['begin', 'item', 'end']);
    assert.equal(again.text(), 'whole');
  });

  test(PROVES('F020') + 'an id is 1 to 64 plain characters', async () => {
    for (const id of ['', 'a'.repeat(65), 'a b', 'a/b', 'ä', '<x>', 'a\n']) assertProblem(await visitor.ask('hi', { client_message_id: id }), 400, 'VALIDATION_FAILED');
    for (const id of [5, {}, true]) assertProblem(await visitor.ask('hi', { client_message_id: id }), 422, 'SCHEMA_INVALID');
    for (const id of ['a', 'A'.repeat(64), '0189-a_b.c:d']) assert.equal((await visitor.ask('hi', { client_message_id: id })).status, 200, id);
  });
});

describe('a message in the query', () => {
  const query = (text, headers = {}) => openEvents(gateway, 'GET', `/api/v1/chat/stream?message=${encodeURIComponent(text)}`, { headers: { ...visitor.headers, ...headers } });

  test('is refused unless chat.get_message is on', async () => {
    const answer = await query('hello');
    assert.equal(answer.status, 400);
    assert.equal(answer.json.code, 'VALIDATION_FAILED');
    assert.equal(upstream.requests.length, 0);
  });

  describe('where it is on', () => {
    let own;
    let other;
    before(async () => {
      own = await startGateway({ env: { ...plenty, N8N_WEBHOOK_URL: upstream.url, CHAT_GET_MESSAGE: 'true', LOG_LEVEL: 'debug' } });
    });
    after(() => own?.stop());
    beforeEach(async () => {
      other = await newVisitor(own);
    });
    const ask = (parameters, headers = {}) => other.subscribe({ query: `?${parameters}`, headers });

    test('streams the answer, and is never logged', async () => {
      const text = 'what about the törtchen?';
      const stream = await ask(`message=${encodeURIComponent(text)}`);
      assert.equal(await within(5000, stream.ended), 'end');
      assert.equal(stream.text(), 'Hello from the upstream.');
      assert.equal(upstream.requests[0].body.message, text);
      await eventually(() => own.log().includes('/api/v1/chat/stream'));
      for (const form of [text, encodeURIComponent(text), 'message=', 'rtchen']) assert.ok(!own.log().includes(form), form);
    });

    test('has at most 2000 bytes decoded, and the rules of every message', async () => {
      for (const text of ['a'.repeat(2000), 'я'.repeat(1000)]) {
        const stream = await ask(`message=${encodeURIComponent(text)}`);
        assert.equal(stream.status, 200);
        await stream.ended;
        assert.equal(upstream.requests.at(-1).body.message, text);
      }
      for (const text of ['a'.repeat(2001), 'я'.repeat(1001), '', ' ', '\u200b', 'a\u0000']) {
        const answer = await ask(`message=${encodeURIComponent(text)}`);
        assert.equal(answer.status, 400, encodeURIComponent(text).slice(0, 40));
        assert.equal(answer.json.code, 'VALIDATION_FAILED');
      }
      for (const bad of ['message=%', 'message=%zz', 'message=%ff', 'message=a&message=b']) {
        assert.equal((await ask(bad)).status, 400, bad);
      }
      assert.equal(upstream.requests.length, 2);
    });

    test(PROVES('F045', { guard: 'origin' }) + 'never on a navigation or from a stranger', async () => {
      for (const headers of [{ 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' }, { 'Sec-Fetch-Dest': 'image' }, { Origin: 'https://evil.example' }]) {
        const answer = await ask('message=hello', headers);
        assert.equal(answer.status, 403);
        assert.equal(answer.json.code, 'INVALID_ORIGIN');
      }
      assert.equal(upstream.requests.length, 0);
    });

    test('with a last event id nothing is asked', async () => {
      for (const parameters of ['message=hello&last_event_id=1', 'last_event_id=999&message=hello']) {
        const stream = await ask(parameters);
        assert.equal(stream.status, 200);
        await stream.next((event) => event.retry !== undefined);
        stream.close();
      }
      const stream = await ask('message=hello', { 'Last-Event-ID': '5' });
      assert.equal(stream.status, 200);
      stream.close();
      assert.equal(upstream.requests.length, 0);
    });

    test(PROVES('F004', { guard: 'rate' }) + 'counts as a message', async () => {
      const strict = await startGateway({ env: { ...plenty, N8N_WEBHOOK_URL: upstream.url, CHAT_GET_MESSAGE: 'true', RATE_LIMIT_SESSION_PER_MINUTE: '2' } });
      try {
        const visitor = await newVisitor(strict);
        for (let i = 0; i < 2; i++) await (await visitor.subscribe({ query: '?message=hello' })).ended;
        const third = await visitor.subscribe({ query: '?message=hello' });
        assert.equal(third.status, 429);
        assert.equal(third.json.code, 'RATE_LIMITED');
        assert.equal(upstream.requests.length, 2);
      } finally {
        await strict.stop();
      }
    });
  });
});

test('one session has at most UPSTREAM_RUNS_PER_SESSION answers in the making', async () => {
  const own = await startGateway({ env: { ...plenty, N8N_WEBHOOK_URL: upstream.url, UPSTREAM_RUNS_PER_SESSION: '3' } });
  try {
    const [busy, other] = [await newVisitor(own), await newVisitor(own)];
    const streams = [controlled(), controlled(), controlled()];
    upstream.onRequest([...streams.map((s) => s.handler), answers.object('output', 'fourth')]);
    const running = streams.map((s, i) => busy.ask(`m${i}`));
    await within(5000, Promise.all(streams.map((s) => s.opened)));
    const refused = await busy.ask('one too many', { client_message_id: 'late' });
    assertProblem(refused, 429, 'RATE_LIMITED');
    assert.equal(refused.headers['retry-after'], '1');
    assert.equal(upstream.requests.length, 3);
    assert.equal((await other.ask('hello')).status, 200, 'another session is not held up');
    for (const s of streams) {
      await s.send('x');
      await s.end();
    }
    for (const answer of await within(5000, Promise.all(running))) assert.equal(answer.status, 200);
    assert.equal((await busy.ask('one too many', { client_message_id: 'late' })).status, 200, 'the refused one can be sent again');
  } finally {
    await own.stop();
  }
});

test(PROVES('F095') + 'the demo assistant answers where no upstream is configured, and says what it is', async () => {
  const own = await startGateway({ env: plenty });
  try {
    const other = await newVisitor(own);
    const stream = await other.stream('hello <b>you</b>');
    assert.equal(await within(10_000, stream.ended), 'end');
    assert.match(stream.text(), /demo assistant/);
    assert.match(stream.text(), /hello <b>you<\/b>/);
    assert.ok(stream.items().length > 10, 'it streams');
    const health = await call(own, 'GET', '/health');
    assert.equal(health.status, 200);
    for (const name of ['status', 'version', 'environment']) assert.ok(health.json[name].length > 0);
  } finally {
    await own.stop();
  }
});

test(PROVES('F104', 'F222') + 'errors show their reason in development, not in staging, and DEBUG decides where it is set', async () => {
  const secrets = { JWT_SECRET_KEY: 'debug-test-jwt-key-'.repeat(4), SESSION_SECRET_KEY: 'debug-test-session-key-'.repeat(4) };
  for (const [env, shown] of [
    [{ SECURITY_ENVIRONMENT: 'development' }, true],
    [{ SECURITY_ENVIRONMENT: 'development', DEBUG: 'false' }, false],
    [{ SECURITY_ENVIRONMENT: 'staging' }, false],
    [{ SECURITY_ENVIRONMENT: 'staging', DEBUG: 'true' }, true],
  ]) {
    const own = await startGateway({ env: { ...plenty, ...secrets, ALLOWED_HOSTS: '127.0.0.1', ALLOWED_ORIGINS: 'https://shop.example', UPSTREAM_KIND: 'demo', ...env } });
    try {
      const answer = await call(own, 'POST', '/api/v1/session/create', { headers: { Origin: 'https://shop.example' }, body: { origin_domain: 'a..com' } });
      assertProblem(answer, 400, 'VALIDATION_FAILED');
      assert.equal('debug' in answer.json, shown, JSON.stringify(env));
    } finally {
      await own.stop();
    }
  }
});
