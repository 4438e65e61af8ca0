// A visitor's side of the chat API: sessions, messages, event streams, raw sockets, and polling with a deadline.

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { Agent, request } from 'undici';
import { kManyWelcome } from './visitor.mjs';

/** Limits out of the way, for tests that are about something else. */
export const plenty = {
  RATE_LIMIT_PER_MINUTE: '1000000',
  RATE_LIMIT_PER_HOUR: '1000000',
  RATE_LIMIT_SESSION_PER_MINUTE: '1000000',
  RATE_LIMIT_DOMAIN_PER_MINUTE: '1000000',
  LIMITS_IN_FLIGHT_PER_ADDRESS: '4000',
  LIMITS_IN_FLIGHT_PER_SESSION: '4000',
  SERVER_MAX_CONNECTIONS_PER_ADDRESS: '4000',
  ...kManyWelcome,
};

export const ULID = /^[0-9A-HJKMNP-TV-Z]{26}$/;

const agent = new Agent({ connections: 500, pipelining: 1, keepAliveTimeout: 1000, headersTimeout: 60_000, bodyTimeout: 60_000 });

/** Runs `look` until it gives something true; fails with what it gave last. */
export async function eventually(look, { within = 20_000, what = 'it never happened' } = {}) {
  const deadline = performance.now() + within;
  let last;
  let thrown;
  do {
    try {
      thrown = undefined;
      last = await look();
      if (last) return last;
    } catch (error) {
      thrown = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  } while (performance.now() < deadline);
  throw new Error(`${what} within ${within} ms; last: ${thrown ? thrown.message : JSON.stringify(last)}`);
}

/** Fails a test that would otherwise wait for ever. */
export function within(ms, promise, what = 'no result') {
  let timer;
  const late = new Promise((resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} within ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** One request to its end: `{status, headers, text, json, cookies}`. A `body` that is no text is sent as JSON. */
export async function call(gateway, method, path, { headers = {}, body, signal } = {}) {
  const plain = typeof body === 'string' || body instanceof Uint8Array || body === undefined || isStream(body);
  const response = await request(`${gateway.url}${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
    body: plain ? body : JSON.stringify(body),
    dispatcher: agent,
    signal,
  });
  const text = await response.body.text();
  let json;
  try {
    json = JSON.parse(text);
  } catch {
    // Not every answer is JSON; tests that want it see undefined.
  }
  const { 'set-cookie': set } = response.headers;
  return { status: response.statusCode, headers: response.headers, text, json, cookies: set === undefined ? [] : [set].flat() };
}

const isStream = (body) => typeof body?.[Symbol.asyncIterator] === 'function';

/** Every refusal has the same form; `code` and `status` tell it apart. */
export function assertProblem(answer, status, code) {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.headers['content-type'], 'application/problem+json');
  const problem = answer.json;
  assert.equal(problem.code, code);
  assert.equal(problem.status, status);
  assert.equal(problem.type, `urn:portcullis:problem:${code.toLowerCase().replaceAll('_', '-')}`);
  for (const name of ['title', 'detail', 'error']) assert.ok(problem[name].length > 0, `${name} is empty`);
  assert.match(problem.instance, /^\//);
  assert.match(problem.error_id, ULID);
  if (problem.retry_after === undefined) {
    assert.equal(answer.headers['retry-after'], undefined);
  } else {
    assert.equal(answer.headers['retry-after'], String(problem.retry_after));
  }
  return problem;
}

/** A Set-Cookie line in parts: `{name, value, attributes}` with attribute names in lower case. */
export function parseCookie(line) {
  const [pair, ...rest] = line.split('; ');
  const equals = pair.indexOf('=');
  const attributes = {};
  for (const part of rest) {
    const [name, value = true] = part.split('=');
    attributes[name.toLowerCase()] = value;
  }
  return { name: pair.slice(0, equals), value: pair.slice(equals + 1), attributes };
}

/** Creates a session and gives its answer. */
export function createSession(gateway, { origin = gateway.url, headers = {}, body = {} } = {}) {
  return call(gateway, 'POST', '/api/v1/session/create', {
    headers: { Origin: origin, ...headers },
    body: { origin_domain: new URL(origin).hostname, ...body },
  });
}

/** A visitor with a session: sends the cookie (or the bearer token) and the Origin with every call. */
export async function newVisitor(gateway, { origin = gateway.url, headers = {}, body = {} } = {}) {
  const created = await createSession(gateway, { origin, headers, body });
  assert.equal(created.status, 200, created.text);
  const token = created.json.token ?? parseCookie(created.cookies[0]).value;
  const own = created.json.token
    ? { Origin: origin, Authorization: `Bearer ${token}`, ...headers }
    : { Origin: origin, Cookie: `${parseCookie(created.cookies[0]).name}=${token}`, ...headers };
  return visitorOf(gateway, { origin, token, created: created.json, own });
}

function visitorOf(gateway, { origin, token, created, own }) {
  const visitor = {
    gateway,
    origin,
    token,
    created,
    headers: own,
    /** The same visitor at another node. */
    at: (other) => visitorOf(other, { origin, token, created, own }),
    call: (method, path, options = {}) => call(gateway, method, path, { ...options, headers: { ...own, ...options.headers } }),
    /** Sends a message and takes one JSON answer. */
    ask: (message, { headers: more, signal, ...members } = {}) =>
      visitor.call('POST', '/api/v1/chat/message', { headers: more, signal, body: { message, ...members } }),
    /** Sends a message and reads the answer as events. */
    stream: (message, { headers: more, ...members } = {}) =>
      openEvents(gateway, 'POST', '/api/v1/chat/stream', { headers: { ...own, ...more }, body: { message, ...members } }),
    /** Reads the session's events. */
    subscribe: ({ headers: more, query = '' } = {}) =>
      openEvents(gateway, 'GET', `/api/v1/chat/stream${query}`, { headers: { ...own, ...more } }),
    /** Sends a message whose answer comes on the event stream only. */
    post: (message, members = {}) =>
      visitor.call('POST', '/api/v1/chat/message', { headers: { Prefer: 'respond-async' }, body: { message, ...members } }),
    validate: () => visitor.call('GET', '/api/v1/session/validate'),
    history: (query = '') => visitor.call('GET', `/api/v1/chat/history${query}`),
  };
  return visitor;
}

/** Splits a complete server-sent event block; comments are dropped. */
export function parseSse(block) {
  const event = { name: undefined, id: undefined, retry: undefined, data: undefined };
  for (const line of block.split('\n')) {
    const [, field, value] = line.match(/^([^:]*)(?:: ?(.*))?$/s);
    if (field === 'event') event.name = value;
    if (field === 'id') event.id = value;
    if (field === 'retry') event.retry = Number(value);
    if (field === 'data') event.data = event.data === undefined ? value : `${event.data}\n${value}`;
  }
  return event;
}

/**
 * Opens a stream of events (SSE or NDJSON, by the answer's type). Events are
 * `{name, id, data, json}`; `next(wanted)` waits for one that `wanted` accepts, `ended` resolves with how it ended
 * ('end' or the error), `raw()` is every byte so far, `close()` leaves without a word.
 */
export async function openEvents(gateway, method, path, { headers = {}, body } = {}) {
  const own = new Agent({ keepAliveTimeout: 10, headersTimeout: 60_000, bodyTimeout: 120_000 });
  const response = await request(`${gateway.url}${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
    dispatcher: own,
  });
  const type = response.headers['content-type'] ?? '';
  const isEvents = type.startsWith('text/event-stream');
  const stream = {
    status: response.statusCode,
    headers: response.headers,
    events: [],
    ended: undefined,
    how: undefined,
    raw: () => raw,
    close() {
      response.body.on('error', () => {});
      response.body.destroy();
      void own.destroy();
    },
    /** The first event not taken yet that `wanted` accepts. */
    async next(wanted = () => true, { within: ms = 5000 } = {}) {
      return eventually(
        () => {
          for (; taken < stream.events.length; ) {
            const event = stream.events[taken++];
            if (wanted(event)) return event;
          }
          if (stream.how !== undefined) throw new Error(`the stream ended (${stream.how}) after ${raw.slice(-2000)}`);
          return undefined;
        },
        { within: ms, what: 'no such event' },
      );
    },
    /** Everything that the assistant said so far. */
    text: () => stream.items().map((event) => event.json.content).join(''),
    items: () => stream.events.filter((event) => event.json?.type === 'item'),
    types: () => stream.events.filter((event) => event.json !== undefined && !event.name).map((event) => event.json.type),
  };
  let raw = '';
  let taken = 0;
  let rest = '';
  const decoder = new TextDecoder();
  const take = (text) => {
    raw += text;
    rest += text;
    const separator = isEvents ? '\n\n' : '\n';
    for (let at = rest.indexOf(separator); at >= 0; at = rest.indexOf(separator)) {
      const piece = rest.slice(0, at);
      rest = rest.slice(at + separator.length);
      const event = isEvents ? parseSse(piece) : { data: piece };
      try {
        event.json = JSON.parse(event.data);
      } catch {
        // [DONE] and retry are no JSON.
      }
      stream.events.push(event);
    }
  };
  if (response.statusCode !== 200 || !(isEvents || type.startsWith('application/x-ndjson'))) {
    stream.text = await response.body.text();
    try {
      stream.json = JSON.parse(stream.text);
    } catch {
      // The test that wants a problem looks at `text` too.
    }
    await own.close();
    return stream;
  }
  stream.ended = (async () => {
    try {
      for await (const chunk of response.body) take(decoder.decode(chunk, { stream: true }));
      stream.how = 'end';
    } catch (error) {
      stream.how = error.code ?? error.name;
    }
    void own.destroy();
    return stream.how;
  })();
  return stream;
}

/** A raw connection: `{socket, send(bytes), text(), until(pattern), closed}`. */
export async function openSocket(port) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  let text = '';
  const chunks = [];
  socket.on('data', (data) => {
    chunks.push(data);
    text += data.toString('latin1');
  });
  socket.on('error', () => {});
  const closed = new Promise((resolve) => socket.on('close', resolve));
  await new Promise((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  return {
    socket,
    closed,
    send: (bytes) => new Promise((resolve) => socket.write(bytes, () => resolve())),
    text: () => text,
    bytes: () => Buffer.concat(chunks),
    until: (pattern, options) => eventually(() => text.match(pattern), { what: `no ${pattern}`, ...options }),
    close: () => socket.destroy(),
  };
}

/** The bytes of a POST to the chat API on a raw socket. */
export function rawPost(visitor, path, body, headers = {}) {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const all = {
    Host: new URL(visitor.gateway.url).host,
    'Content-Type': 'application/json',
    'Content-Length': bytes.length,
    ...visitor.headers,
    ...headers,
  };
  const head = Object.entries(all)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
  return Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\n${head}\r\n`), bytes]);
}

export const health = async (gateway) => (await call(gateway, 'GET', '/health')).json;

/** The operations listener's figures, as JSON. */
export async function metrics(gateway) {
  return (await call({ url: gateway.opsUrl }, 'GET', '/metrics')).json;
}

/** One sample of the Prometheus page by its name and labels; 0 where it is not there. */
export async function sample(gateway, name) {
  const page = (await call({ url: gateway.opsUrl }, 'GET', '/metrics?format=prometheus')).text;
  const line = page.split('\n').find((l) => l.startsWith(`${name} `));
  return line === undefined ? 0 : Number(line.slice(name.length + 1));
}
