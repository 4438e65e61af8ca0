// An upstream of a test's own: records what the gateway sends and answers in any form a webhook has, good or bad.

import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { setTimeout as pause } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';

const streamHead = { 'Content-Type': 'application/json; charset=utf-8' };
const line = (value) => `${JSON.stringify(value)}\n`;
const metadata = { nodeId: 'n1', nodeName: 'Agent', itemIndex: 0, runIndex: 0, timestamp: 1_700_000_000_000 };
const begin = line({ type: 'begin', metadata });
const item = (content) => line({ type: 'item', content, metadata });
const end = line({ type: 'end', metadata });

/** Writes and waits until the bytes have left for the kernel, so that each write is a chunk of its own. */
const write = (response, bytes) => new Promise((resolve) => response.write(bytes, () => resolve()));

/**
 * Starts an upstream on a free port of loopback.
 *
 * `tls` is {key, cert} for https. Returns
 * - `url`: of its webhook;
 * - `requests`: one entry for each request, in the order of their heads, each
 *   `{method, path, headers, rawHeaders, raw, body, connection, closed, left()}`: `raw` the body's bytes, `body` its
 *   JSON, `connection` the number of the connection it came on, `left()` whether the gateway closed that connection
 *   before the answer was complete;
 * - `onRequest(handler)`: how requests are answered from now on, `handler(request, response)`; a list answers one
 *   request each, its last entry all further ones;
 * - `connections()`: how many are open now, `accepted()` how many there ever were, `peak()` the most at one time;
 * - `stop()`.
 */
export async function startFakeUpstream({ tls, path = '/webhook/chat' } = {}) {
  const requests = [];
  const open = new Set();
  let accepted = 0;
  let peak = 0;
  let handlers = [answers.object('output', 'Hello from the upstream.')];

  const listener = async (request, response) => {
    const chunks = [];
    const call = {
      method: request.method,
      path: request.url,
      headers: request.headers,
      rawHeaders: request.rawHeaders,
      raw: Buffer.alloc(0),
      body: undefined,
      connection: request.socket.number,
      leftAt: undefined,
      left: () => call.leftAt !== undefined,
    };
    const answer = handlers.length > 1 ? handlers.shift() : handlers[0];
    response.on('error', () => {});
    response.on('close', () => {
      if (!response.writableFinished) call.leftAt = performance.now();
    });
    try {
      for await (const chunk of request) chunks.push(chunk);
      call.raw = Buffer.concat(chunks);
      call.body = JSON.parse(call.raw.toString());
    } catch {
      // A body that is cut or no JSON shows as `body` undefined.
    }
    requests.push(call);
    await answer(call, response);
  };

  const server = tls ? createHttpsServer(tls, listener) : createHttpServer(listener);
  server.keepAliveTimeout = 30_000;
  server.on('connection', (socket) => {
    socket.setNoDelay(true);
    open.add(socket);
    socket.number = ++accepted;
    peak = Math.max(peak, open.size);
    socket.on('error', () => {});
    socket.on('close', () => open.delete(socket));
  });
  server.on('secureConnection', (socket) => (socket.number = accepted));
  server.on('tlsClientError', () => {});
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  server.unref(); // forgotten after a failure it must not keep the test process
  const port = server.address().port;
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}${path}`,
    port,
    requests,
    onRequest(handler) {
      handlers = Array.isArray(handler) ? [...handler] : [handler];
    },
    connections: () => open.size,
    accepted: () => accepted,
    peak: () => peak,
    stop() {
      const closed = new Promise((resolve) => server.close(() => resolve()));
      for (const socket of open) socket.destroy();
      return closed;
    },
  };
}

/** A port on which nothing listens: taken by the system once and given back. */
export async function closedPort() {
  const server = createHttpServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** What every bad answer below carries: no visitor may ever see it. */
export const UPSTREAM_SECRET = 'upstream-internal-7c1e';

/**
 * A stream in the test's hands: `{handler, opened, send(text), write(bytes), end(), cut()}`. `opened` resolves with
 * the request once it has come and the answer's head is out, and `first`.
 */
export function controlled({ head = streamHead, first = begin } = {}) {
  let resolveOpened;
  const opened = new Promise((resolve) => (resolveOpened = resolve));
  let response;
  return {
    opened,
    async handler(call, itsResponse) {
      response = itsResponse;
      response.writeHead(200, head);
      await write(response, first);
      resolveOpened(call);
    },
    send: (content) => write(response, item(content)),
    write: (bytes) => write(response, bytes),
    /** Resolves false where the gateway does not take the bytes: the socket's buffers are full. */
    offer: (bytes) => response.write(bytes),
    get pending() {
      return response.writableLength + (response.socket?.bufferSize ?? 0);
    },
    get response() {
      return response;
    },
    end: () => new Promise((resolve) => response.end(end, () => resolve())),
    cut: () => response.socket?.destroy(),
  };
}

/** Ready-made ways to answer. Each gives a handler for `onRequest`. */
export const answers = {
  // ---- good forms

  /** n8n's stream: begin, item…, end as lines of JSON, sent as application/json. */
  ndjson: (pieces, { pauseMs = 0 } = {}) => async (call, response) => {
    response.writeHead(200, streamHead);
    await write(response, begin);
    for (const content of pieces) {
      if (pauseMs > 0) await pause(pauseMs);
      await write(response, item(content));
    }
    response.end(end);
  },
  /** Server-sent events whose data are JSON objects, ended by [DONE]. */
  sse: (pieces) => async (call, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    await write(response, ': hello\n\n');
    for (const content of pieces) await write(response, `event: message\ndata: ${JSON.stringify({ content })}\n\n`);
    response.end('data: [DONE]\n\n');
  },
  /** Server-sent events whose data are the text itself; line breaks are several data lines. */
  sseText: (pieces) => async (call, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    for (const text of pieces) await write(response, `${text.split('\n').map((l) => `data: ${l}\n`).join('')}\n`);
    response.end('data: [DONE]\n\n');
  },
  /** One JSON object with the text under `field`; 'delta.content' nests. */
  object: (field, text) => (call, response) => {
    const value = field.split('.').reduceRight((inner, name) => ({ [name]: inner }), text);
    json(response, 200, value);
  },
  /** n8n's "all items": an array of objects. */
  array: (texts) => (call, response) => json(response, 200, texts.map((output) => ({ output }))),
  text: (text) => (call, response) => {
    response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8' });
    response.end(text);
  },
  /** The whole of `text` as one NDJSON stream, sent in chunks of one byte. */
  bytewise: (text) => async (call, response) => {
    response.writeHead(200, streamHead);
    for (const byte of Buffer.from(begin + item(text) + end)) await write(response, Buffer.from([byte]));
    response.end();
  },
  /** Plain text in chunks of one byte, so that every character of several bytes is split. */
  bytewiseText: (text) => async (call, response) => {
    response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8' });
    for (const byte of Buffer.from(text)) await write(response, Buffer.from([byte]));
    response.end();
  },
  /** A stream whose last line has no newline. */
  noLastNewline: (pieces) => async (call, response) => {
    response.writeHead(200, streamHead);
    await write(response, begin);
    for (const content of pieces.slice(0, -1)) await write(response, item(content));
    response.end(item(pieces.at(-1)).trimEnd());
  },
  /** All lines in one chunk. */
  oneChunk: (pieces) => (call, response) => {
    response.writeHead(200, streamHead);
    response.end(begin + pieces.map(item).join('') + end);
  },
  /** Objects one after the other without anything between them. */
  glued: (pieces) => (call, response) => {
    response.writeHead(200, streamHead);
    response.end((begin + pieces.map(item).join('') + end).replaceAll('\n', ''));
  },
  /** One JSON object over many lines. */
  pretty: (text) => (call, response) => {
    response.writeHead(200, streamHead);
    response.end(JSON.stringify({ output: text, usage: { total: 3 } }, null, 2));
  },
  /** Informational answers before the real one. */
  informational: (text) => (call, response) => {
    const body = JSON.stringify({ output: text });
    response.socket.write(
      'HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n' +
        `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
      () => response.socket.end(),
    );
  },

  // ---- bad forms: none of them is an answer

  /** Some pieces, then the connection breaks. */
  cut: (pieces) => async (call, response) => {
    response.writeHead(200, streamHead);
    await write(response, begin);
    for (const content of pieces) await write(response, item(content));
    response.socket.destroy();
  },
  /** An error object inside of a stream, after some pieces. */
  streamError: (pieces = []) => async (call, response) => {
    response.writeHead(200, streamHead);
    await write(response, begin);
    for (const content of pieces) await write(response, item(content));
    response.end(line({ type: 'error', content: `TypeError at node Agent: ${UPSTREAM_SECRET}`, metadata }));
  },
  empty: () => (call, response) => {
    response.writeHead(200, streamHead);
    response.end();
  },
  html: (status = 200) => (call, response) => {
    response.writeHead(status, { 'Content-Type': 'text/html; charset=utf-8' });
    response.end(`<!DOCTYPE html><html><body><h1>Oops</h1><p>${UPSTREAM_SECRET}</p></body></html>`);
  },
  /** The same page under a name that promises something else. */
  disguisedHtml: () => (call, response) => {
    response.writeHead(200, { 'Content-Type': 'text/plain' });
    response.end(`\n<html><body>${UPSTREAM_SECRET}</body></html>`);
  },
  stackTrace: () => (call, response) => {
    response.writeHead(200, { 'Content-Type': 'text/plain' });
    response.end(`TypeError: ${UPSTREAM_SECRET} is not a function\n    at Agent.run (/opt/n8n/agent.js:41:7)\n`);
  },
  pythonTrace: () => (call, response) => {
    response.writeHead(200, { 'Content-Type': 'text/plain' });
    response.end(`Traceback (most recent call last):\n  File "/srv/${UPSTREAM_SECRET}.py", line 3, in run\nKeyError: 'x'\n`);
  },
  errorObject: () => (call, response) =>
    json(response, 200, { error: { message: UPSTREAM_SECRET, stack: `Error: ${UPSTREAM_SECRET}\n    at x (y.js:1:2)` } }),
  workflowStarted: () => (call, response) => json(response, 200, { message: 'Workflow was started' }),
  executionStarted: () => (call, response) => json(response, 200, { executionStarted: true, executionId: UPSTREAM_SECRET }),
  notRegistered: () => (call, response) =>
    json(response, 404, {
      code: 404,
      message: 'The requested webhook "POST chat" is not registered.',
      hint: `${UPSTREAM_SECRET}: the workflow must be active`,
      stacktrace: `NotFound: ${UPSTREAM_SECRET}\n    at /usr/lib/node_modules/n8n/dist/webhooks.js:66:19`,
    }),
  workflowError: () => (call, response) => json(response, 500, { message: 'Error in workflow', id: UPSTREAM_SECRET }),
  status: (status, headers = {}) => (call, response) => {
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
    response.end(JSON.stringify({ output: UPSTREAM_SECRET }));
  },
  redirect: () => (call, response) => {
    response.writeHead(302, { Location: `/${UPSTREAM_SECRET}` });
    response.end();
  },
  noKnownField: () => (call, response) => json(response, 200, { id: 7, internal: UPSTREAM_SECRET }),
  brokenJson: () => (call, response) => {
    response.writeHead(200, streamHead);
    response.end(`{"output": "${UPSTREAM_SECRET}`);
  },
  gzip: () => (call, response) => {
    response.writeHead(200, { ...streamHead, 'Content-Encoding': 'gzip' });
    response.end(gzipSync(JSON.stringify({ output: UPSTREAM_SECRET })));
  },
  /** Longer than any answer may be. */
  huge: (bytes) => async (call, response) => {
    response.writeHead(200, { 'Content-Type': 'text/plain' });
    const block = `${UPSTREAM_SECRET} `.repeat(2048);
    for (let sent = 0; sent < bytes && !response.destroyed; sent += block.length) {
      if (!response.write(block)) {
        await Promise.race([new Promise((r) => response.once('drain', r)), new Promise((r) => response.once('close', r))]);
      }
    }
    response.end();
  },
  /** No HTTP at all. */
  garbage: () => (call, response) => {
    response.socket.end(`\x16\x03\x01 ${UPSTREAM_SECRET} this is no HTTP\r\n\r\n`);
  },
  /** Two lengths that contradict each other. */
  twoLengths: () => (call, response) => {
    response.socket.end(`HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 40\r\n\r\n{"output":"${UPSTREAM_SECRET}"}`);
  },
  /** A head that never ends. */
  endlessHead: () => (call, response) => {
    const { socket } = response;
    socket.write('HTTP/1.1 200 OK\r\n');
    const more = () => {
      for (let i = 0; i < 64 && !socket.destroyed; i++) {
        if (!socket.write(`X-Filler-${i}: ${UPSTREAM_SECRET.repeat(20)}\r\n`)) return socket.once('drain', more);
      }
      if (!socket.destroyed) setImmediate(more);
    };
    more();
  },
  closeWithoutAnswer: () => (call, response) => response.socket.destroy(),
  never: () => () => {},
};

function json(response, status, value) {
  response.writeHead(status, streamHead);
  response.end(JSON.stringify(value));
}
