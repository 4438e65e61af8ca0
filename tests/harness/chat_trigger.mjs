// n8n's chat trigger with a chat memory, for a fake upstream's `onRequest`; and what n8n's own widget sends to it.

import { randomUUID } from 'node:crypto';
import { call, openEvents } from './client.mjs';

const line = (value) => `${JSON.stringify(value)}\n`;
const message = (role, content) => ({ lc: 1, type: 'constructor', id: ['langchain_core', 'messages', role], kwargs: { content } });

/** The members of a body, be it JSON or a form: `{action, sessionId, …, files}`. */
async function read(request) {
  if (request.body !== undefined) return { ...request.body, files: [] };
  const form = await new Response(request.raw, { headers: { 'Content-Type': request.headers['content-type'] } }).formData();
  const out = { files: [] };
  for (const [name, value] of form) {
    if (typeof value === 'string') out[name] = value;
    else out.files.push({ name: value.name, type: value.type, bytes: Buffer.from(await value.arrayBuffer()) });
  }
  return out;
}

/**
 * A workflow behind a chat trigger. `handler` is for `onRequest`; `calls` are the members of each call;
 * `memory` is what it keeps for each session id. `reply(text)` makes the answer, in words for a stream.
 */
export function chatTrigger({ streaming = false, reply = (text) => `You said: ${text}`, pauseMs = 0 } = {}) {
  const memory = new Map();
  const calls = [];
  const handler = async (request, response) => {
    const members = await read(request);
    calls.push(members);
    const kept = memory.get(members.sessionId) ?? [];
    response.setHeader('Content-Type', 'application/json; charset=utf-8');
    if (members.action === 'loadPreviousSession') return response.end(JSON.stringify({ data: kept }));
    const answer = reply(members.chatInput, members);
    memory.set(members.sessionId, [...kept, message('HumanMessage', members.chatInput), message('AIMessage', answer)]);
    if (!streaming) return response.end(JSON.stringify({ output: answer }));
    const metadata = { nodeId: 'n1', nodeName: 'Agent', itemIndex: 0, runIndex: 0, timestamp: 1_700_000_000_000 };
    response.write(line({ type: 'begin', metadata }));
    for (const content of answer.match(/\S+\s*/g)) {
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
      response.write(line({ type: 'item', content, metadata }));
    }
    response.end(line({ type: 'end', metadata }));
  };
  return { handler, calls, memory };
}

/** One visitor's widget on a page: sends what `@n8n/chat` sends. */
export function widgetOn(gateway, { path = '/webhook/chat', origin = gateway.url, sessionId = randomUUID(), headers = {} } = {}) {
  const own = { ...(origin === null ? {} : { Origin: origin }), 'User-Agent': 'Browser/1', 'Accept-Language': 'en', ...headers };
  const post = (body, more = {}) => call(gateway, 'POST', path, { headers: { ...own, ...more }, body });
  const bodyOf = (chatInput, members) => ({ action: 'sendMessage', sessionId, chatInput, ...members });
  return {
    sessionId,
    post,
    send: (chatInput, { headers: more, ...members } = {}) => post(bodyOf(chatInput, members), more),
    stream: (chatInput, { headers: more, ...members } = {}) =>
      openEvents(gateway, 'POST', path, { headers: { ...own, Accept: 'text/plain', ...more }, body: bodyOf(chatInput, members) }),
    load: (more) => post({ action: 'loadPreviousSession', sessionId }, more),
    /** With files, each `{name, type, content}`; what a browser makes of them. */
    async upload(chatInput, files, { fields = {}, headers: more } = {}) {
      const form = new FormData();
      for (const [name, value] of Object.entries({ action: 'sendMessage', sessionId, chatInput, ...fields })) form.append(name, value);
      for (const file of files) form.append('files', new Blob([file.content], { type: file.type }), file.name);
      const encoded = new Response(form);
      const bytes = Buffer.from(await encoded.arrayBuffer());
      return post(bytes, { 'Content-Type': encoded.headers.get('content-type'), ...more });
    },
  };
}
