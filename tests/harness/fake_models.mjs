// Answers of the APIs of language models, byte by byte as their documentation shows them. Handlers for
// startFakeUpstream(); the official clients of both APIs are held against them in models.test.mjs.

import { UPSTREAM_SECRET } from './fake_upstream.mjs';

const write = (response, bytes) => new Promise((resolve) => response.write(bytes, () => resolve()));
const eventStream = { 'Content-Type': 'text/event-stream; charset=utf-8' };

/** Writes events one by one; `bytewise` sends each byte as a chunk of its own. */
function events(lines, { bytewise = false, cut = false, extra = {} } = {}) {
  return async (call, response) => {
    response.writeHead(200, { ...eventStream, ...extra });
    for (const line of lines) {
      if (!bytewise) await write(response, line);
      else for (const byte of Buffer.from(line)) await write(response, Buffer.from([byte]));
    }
    if (cut) response.socket.destroy();
    else response.end();
  };
}

function json(status, value, headers = {}) {
  return (call, response) => {
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
    response.end(JSON.stringify(value));
  };
}

const chunk = (choices, more = {}) =>
  `data: ${JSON.stringify({ id: 'chatcmpl-7QyqpwdfhqwajicIEznoc6Q47XAyW', object: 'chat.completion.chunk', created: 1_700_000_000, model: 'fake-model', system_fingerprint: 'fp_1', choices, ...more })}\n\n`;
const delta = (content, finish_reason = null) => chunk([{ index: 0, delta: content, logprobs: null, finish_reason }]);

/** Chat completions. */
export const openai = {
  role: () => delta({ role: 'assistant', content: '', refusal: null }),
  piece: (content) => delta({ content }),
  refusal: (refusal) => delta({ refusal }),
  toolCall: () =>
    delta({ tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'look_up', arguments: `{"secret":"${UPSTREAM_SECRET}"}` } }] }),
  finish: (reason = 'stop') => delta({}, reason),
  usage: (prompt_tokens, completion_tokens) =>
    chunk([], { usage: { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens } }),
  noChoices: () => chunk([], { prompt_filter_results: [{ prompt_index: 0, content_filter_results: {} }] }),
  comment: () => ': OPENROUTER PROCESSING\n\n',
  error: () => `data: ${JSON.stringify({ error: { message: `The server had an error: ${UPSTREAM_SECRET}`, type: 'server_error', param: null, code: null } })}\n\n`,
  done: () => 'data: [DONE]\n\n',
  events,
  stream: (pieces, { usage = [12, 5], reason = 'stop', ...how } = {}) =>
    events([openai.role(), ...pieces.map(openai.piece), openai.finish(reason), openai.usage(...usage), openai.done()], how),
  whole: (content, reason = 'stop') =>
    json(200, {
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 1_700_000_000,
      model: 'fake-model',
      choices: [{ index: 0, message: { role: 'assistant', content, refusal: null }, logprobs: null, finish_reason: reason }],
      usage: { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 },
    }),
  refuse: (status, headers = {}) =>
    json(status, { error: { message: `Incorrect API key provided: ${UPSTREAM_SECRET}`, type: 'invalid_request_error', param: null, code: 'x' } }, headers),
};

const named = (value) => `event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`;

/** Messages. */
export const anthropic = {
  start: (input_tokens = 25) =>
    named({
      type: 'message_start',
      message: { id: 'msg_1nZdL29xx5MUA1yADyHTEsnR8uuvGzszyS', type: 'message', role: 'assistant', content: [], model: 'fake-model', stop_reason: null, stop_sequence: null, usage: { input_tokens, output_tokens: 1 } },
    }),
  blockStart: (index = 0, content_block = { type: 'text', text: '' }) => named({ type: 'content_block_start', index, content_block }),
  ping: () => named({ type: 'ping' }),
  piece: (text, index = 0) => named({ type: 'content_block_delta', index, delta: { type: 'text_delta', text } }),
  thinking: (thinking, index = 0) => named({ type: 'content_block_delta', index, delta: { type: 'thinking_delta', thinking } }),
  toolInput: (partial_json, index = 1) => named({ type: 'content_block_delta', index, delta: { type: 'input_json_delta', partial_json } }),
  blockStop: (index = 0) => named({ type: 'content_block_stop', index }),
  finish: (stop_reason = 'end_turn', output_tokens = 15) =>
    named({ type: 'message_delta', delta: { stop_reason, stop_sequence: null }, usage: { output_tokens } }),
  stop: () => named({ type: 'message_stop' }),
  unknown: () => named({ type: 'something_new', secret: UPSTREAM_SECRET }),
  error: (type = 'overloaded_error') => named({ type: 'error', error: { type, message: `Overloaded: ${UPSTREAM_SECRET}` } }),
  events,
  stream: (pieces, { usage = [25, 15], reason = 'end_turn', ...how } = {}) =>
    events(
      [anthropic.start(usage[0]), anthropic.blockStart(), anthropic.ping(), ...pieces.map((text) => anthropic.piece(text)), anthropic.blockStop(), anthropic.finish(reason, usage[1]), anthropic.stop()],
      how,
    ),
  whole: (text, reason = 'end_turn') =>
    json(200, {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'fake-model',
      content: [{ type: 'text', text }],
      stop_reason: reason,
      stop_sequence: null,
      usage: { input_tokens: 9, output_tokens: 3 },
    }),
  refuse: (status, headers = {}) =>
    json(status, { type: 'error', error: { type: 'invalid_request_error', message: `no: ${UPSTREAM_SECRET}` } }, headers),
};
