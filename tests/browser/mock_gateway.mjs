// A gateway for developing the widget without the binary, and for the failures that a real gateway
// cannot be told to show: refusals of any kind on command. It speaks the chat API, nothing more.

import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { answerTo } from './assistant.mjs';

export async function startMockGateway({ webRoot }) {
  const gateway = new MockGateway(webRoot);
  await gateway.listen();
  return gateway;
}

class MockGateway {
  /** Refusals for the next chat calls, first in first out: {status, headers?, body}. */
  refusals = [];
  /** Bodies of all chat calls. */
  received = [];
  /** Method and path of all calls. */
  calls = [];
  sessions = new Map();

  constructor(webRoot) {
    this.webRoot = webRoot;
    this.server = createServer((request, response) => {
      this.answer(request, response).catch((error) => response.destroy(error));
    });
  }

  async listen() {
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${this.server.address().port}`;
  }

  async stop() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  async answer(request, response) {
    const url = new URL(request.url, 'http://gateway');
    this.calls.push(`${request.method} ${url.pathname}`);
    allowOrigin(request, response);
    if (request.method === 'OPTIONS') return response.writeHead(204).end();
    const session = this.sessions.get(credentialOf(request));
    switch (`${request.method} ${url.pathname}`) {
      case 'POST /api/v1/session/create':
        return this.create(request, response);
      case 'GET /api/v1/chat/history':
        return session ? this.history(url, session, response) : refuse(response, expired);
      case 'POST /api/v1/chat/stream':
        return this.chat(request, response, session);
      case 'GET /api/v1/chat/stream':
        return session ? this.subscribe(url, session, response) : refuse(response, expired);
      case 'GET /health':
        return json(response, 200, { status: 'healthy' });
      default:
        return this.file(url.pathname, response);
    }
  }

  async create(request, response) {
    const { delivery } = JSON.parse(await bodyOf(request));
    const credential = `pcs_${randomUUID()}`;
    this.sessions.set(credential, {
      id: randomUUID(),
      messages: [],
      events: [],
      readers: new Set(),
      runs: new Map(),
    });
    const answer = {
      session_id: randomUUID(),
      expires_at: new Date(Date.now() + 3600e3).toISOString(),
    };
    const crossSite = request.headers['sec-fetch-site'] === 'cross-site';
    if (delivery === 'bearer' || crossSite)
      return json(response, 200, { ...answer, token: credential });
    response.setHeader(
      'Set-Cookie',
      `chat_session_id=${credential}; Path=/; HttpOnly; SameSite=Lax`,
    );
    return json(response, 200, answer);
  }

  history(url, session, response) {
    const offset = Number(url.searchParams.get('offset'));
    const messages = session.messages.slice(offset, offset + Number(url.searchParams.get('limit')));
    return json(response, 200, {
      messages,
      total_count: session.messages.length,
      session_id: session.id,
    });
  }

  async chat(request, response, session) {
    const body = JSON.parse(await bodyOf(request));
    const refusal = this.refusals.shift();
    if (refusal) return refuse(response, refusal);
    if (!session) return refuse(response, expired);
    this.received.push(body);
    startStream(response);
    const run = session.runs.get(body.client_message_id);
    const reader = follow(
      session,
      response,
      run ? run.firstEvent : session.events.length,
      run?.messageId,
    );
    if (!run) await this.run(session, body, reader);
  }

  subscribe(url, session, response) {
    startStream(response);
    follow(session, response, Number(url.searchParams.get('last_event_id')));
  }

  async run(session, { message, client_message_id }, reader) {
    const messageId = randomUUID();
    reader.messageId = messageId;
    session.runs.set(client_message_id, { messageId, firstEvent: session.events.length });
    remember(session, 'user', message);
    emit(session, { type: 'begin', message_id: messageId, metadata: {} });
    const { pieces, pauseMs } = answerTo(message);
    for (const content of pieces) {
      emit(session, { type: 'item', message_id: messageId, content });
      if (pauseMs > 0) await pause(pauseMs);
    }
    remember(session, 'assistant', pieces.join(''));
    emit(session, { type: 'end', message_id: messageId });
  }

  async file(path, response) {
    const name = path === '/widget/' ? 'index.html' : path.replace('/widget/', '');
    const manifest = JSON.parse(await readFile(join(this.webRoot, 'manifest.json'), 'utf8'));
    const entry = manifest.find((candidate) => candidate.path === name);
    if (!entry) return json(response, 404, {});
    let content = await readFile(
      join(this.webRoot, entry.file),
      entry.template ? 'utf8' : undefined,
    );
    response.setHeader('Content-Type', entry.type);
    response.setHeader('Cross-Origin-Resource-Policy', 'cross-origin');
    if (entry.template) {
      const nonce = randomUUID();
      content = content.replaceAll('@@NONCE@@', nonce);
      response.setHeader(
        'Content-Security-Policy',
        `default-src 'self'; script-src 'self' 'nonce-${nonce}' 'strict-dynamic'; style-src 'self' 'nonce-${nonce}'`,
      );
    }
    return response.end(content);
  }
}

const expired = { status: 401, body: { code: 'SESSION_INVALID', detail: 'no session' } };

function allowOrigin(request, response) {
  if (!request.headers.origin) return;
  response.setHeader('Access-Control-Allow-Origin', request.headers.origin);
  response.setHeader('Access-Control-Allow-Credentials', 'true');
  response.setHeader('Access-Control-Allow-Headers', 'Authorization, Content-Type');
  response.setHeader('Access-Control-Expose-Headers', 'Retry-After');
  response.setHeader('Vary', 'Origin');
}

function credentialOf({ headers }) {
  if (headers.authorization) return headers.authorization.replace('Bearer ', '');
  return /chat_session_id=([^;]+)/.exec(headers.cookie ?? '')?.[1];
}

async function bodyOf(request) {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return text;
}

function json(response, status, body) {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}

function refuse(response, { status, headers = {}, body }) {
  response.writeHead(status, { 'Content-Type': 'application/problem+json', ...headers });
  response.end(JSON.stringify({ status, ...body }));
}

function startStream(response) {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
  response.write('retry: 2000\n\n: welcome\n\n');
}

function remember(session, role, content) {
  const created_at = new Date().toISOString();
  session.messages.push({ id: randomUUID(), role, content, created_at, metadata: {} });
}

function emit(session, event) {
  session.events.push(event);
  for (const reader of session.readers) reader.wake();
}

/** Writes the session's events from the one after `seen` on; an answer's own reader ends with it. */
function follow(session, response, seen, messageId) {
  const reader = {
    messageId,
    wake() {
      for (; seen < session.events.length; seen++) {
        const event = session.events[seen];
        if (reader.messageId && event.message_id !== reader.messageId) continue;
        response.write(`id: ${seen + 1}\ndata: ${JSON.stringify(event)}\n\n`);
        if (event.type === 'end' && reader.messageId) response.end('data: [DONE]\n\n');
      }
    },
  };
  session.readers.add(reader);
  response.on('close', () => session.readers.delete(reader));
  reader.wake();
  return reader;
}
