import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { visitor } from './challenge';
import { deliver, type ByteReader, type Outcome, type Transport } from './delivery';
import { Failure } from './failure';

type Ending = 'eof' | 'cut' | 'open';

const event = (id: number, body: object): string =>
  `id: ${id}\ndata: ${JSON.stringify({ message_id: 'm', ...body })}\n\n`;
const begin = (id = 1): string => event(id, { type: 'begin', metadata: {} });
const item = (id: number, content: string): string => event(id, { type: 'item', content });
const end = (id: number): string => event(id, { type: 'end' });
const done = 'data: [DONE]\n\n';
const cut = new TypeError('network error');

/// A body that gives its chunks and then ends, breaks, or stays open until it is cancelled.
function body(chunks: string[], ending: Ending, signal: AbortSignal): ByteReader {
  const encoder = new TextEncoder();
  const left = [...chunks];
  return {
    async read() {
      signal.throwIfAborted();
      const chunk = left.shift();
      if (chunk !== undefined) return { done: false, value: encoder.encode(chunk) };
      if (ending === 'cut') throw cut;
      if (ending === 'eof') return { done: true, value: undefined };
      return new Promise((_, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason)),
      );
    },
    cancel: () => Promise.resolve(),
  };
}

type Step = [chunks: string[], ending: Ending] | Failure | TypeError;

/// Runs a delivery against the given connections: the first answers the message, the others
/// resumes.
async function run(
  steps: Step[],
  options: { abortAfter?: number; elapse?: (ms: number) => boolean } = {},
) {
  const left = [...steps];
  const log = { text: '', resumes: [] as string[], waits: [] as number[], reconnecting: 0 };
  const aborter = new AbortController();
  const next = async (signal: AbortSignal): Promise<ByteReader> => {
    const step = left.shift();
    if (step === undefined) throw new Error('more connections than expected');
    if (step instanceof Error) throw step;
    return body(step[0], step[1], signal);
  };
  const transport: Transport = {
    send: next,
    resume: (lastEventId, signal) => (log.resumes.push(lastEventId), next(signal)),
  };
  const outcome: Outcome = await deliver(
    transport,
    {
      onText(piece) {
        log.text += piece;
        if (options.abortAfter !== undefined && log.text.length >= options.abortAfter)
          aborter.abort();
      },
      onReconnecting: () => log.reconnecting++,
    },
    aborter.signal,
    {
      after(milliseconds, call) {
        if (milliseconds < 10_000) log.waits.push(milliseconds);
        const elapses = options.elapse ?? ((time) => time < 10_000);
        if (elapses(milliseconds)) setTimeout(call, 0);
        return () => {};
      },
      random: () => 0.5,
    },
  );
  const failure = outcome.kind === 'failed' ? outcome.failure.code : null;
  return { ...log, kind: outcome.kind, failure, unused: left.length };
}

describe('deliver', () => {
  it('brings an answer from begin to end', async () => {
    const result = await run([[[begin(), item(2, 'Hel'), item(3, 'lo'), end(4), done], 'eof']]);
    assert.deepEqual([result.kind, result.text, result.resumes], ['finished', 'Hello', []]);
  });

  it('shows pieces without a begin event and of whatever comes in one chunk', async () => {
    const result = await run([
      [[item(1, 'a') + item(2, 'b') + 'data: {"type":"item","content":"c"}\n\n' + end(3)], 'eof'],
    ]);
    assert.deepEqual([result.kind, result.text], ['finished', 'abc']);
  });

  it('takes [DONE] after pieces as the end, and without any as a failure', async () => {
    assert.equal((await run([[[begin(), item(2, 'a'), done], 'eof']])).kind, 'finished');
    assert.equal((await run([[[done], 'eof']])).failure, 'UPSTREAM_ERROR');
  });

  it('ignores heartbeats, comments, unknown types, broken JSON and messages of other tabs', async () => {
    const noise =
      'event: heartbeat\ndata: {}\n\n: hi\n\ndata: {oops\n\ndata: 7\n\ndata: {"type":"later"}\n\n';
    const foreign =
      event(3, { type: 'item', message_id: 'other', content: 'X' }) +
      event(4, { type: 'end', message_id: 'other' });
    const result = await run([[[noise, begin(), noise, foreign, item(5, 'mine'), end(6)], 'eof']]);
    assert.deepEqual([result.kind, result.text], ['finished', 'mine']);
  });

  it('reports an error event with its code and id', async () => {
    const result = await run([
      [
        [
          begin(),
          item(2, 'a'),
          event(3, { type: 'error', code: 'UPSTREAM_TIMEOUT', error_id: 'E' }),
        ],
        'eof',
      ],
    ]);
    assert.deepEqual(
      [result.kind, result.failure, result.text],
      ['failed', 'UPSTREAM_TIMEOUT', 'a'],
    );
  });

  it('reports a refusal as it came, and a network error as NETWORK', async () => {
    assert.equal(
      (await run([new Failure({ code: 'RATE_LIMITED', status: 429 })])).failure,
      'RATE_LIMITED',
    );
    assert.equal((await run([cut])).failure, 'NETWORK');
  });

  for (const ending of ['eof', 'cut'] as const) {
    it(`resumes after the last event it saw when the stream breaks off (${ending})`, async () => {
      const result = await run([
        [[begin(), item(2, 'one '), item(3, 'two ')], ending],
        [[item(4, 'three'), end(5)], 'open'],
      ]);
      assert.deepEqual(
        [result.kind, result.text, result.resumes],
        ['finished', 'one two three', ['3']],
      );
      assert.deepEqual([result.reconnecting, result.waits], [1, [1000]]);
    });
  }

  it('tries three times, 1, 2 and 4 seconds apart, then fails as INTERRUPTED', async () => {
    const result = await run([[[begin(), item(2, 'a')], 'cut'], cut, cut, cut]);
    assert.deepEqual(
      [result.failure, result.waits, result.resumes],
      ['INTERRUPTED', [1000, 2000, 4000], ['2', '2', '2']],
    );
  });

  it('begins to count again when a resumed stream brought more', async () => {
    const result = await run([
      [[begin(), item(2, 'a')], 'cut'],
      cut,
      [[item(3, 'b')], 'cut'],
      cut,
      cut,
      [[item(4, 'c'), end(5)], 'open'],
    ]);
    assert.deepEqual([result.kind, result.text], ['finished', 'abc']);
    assert.deepEqual(result.waits, [1000, 2000, 1000, 2000, 4000]);
  });

  it('does not count connections that bring nothing as progress', async () => {
    const nothing: Step = [['event: heartbeat\ndata: {}\n\n'], 'cut'];
    const result = await run([[[begin()], 'cut'], nothing, nothing, nothing]);
    assert.deepEqual([result.failure, result.unused], ['INTERRUPTED', 0]);
  });

  it('takes [DONE] of a subscription for a draining server and tries again', async () => {
    const result = await run([
      [[begin(), item(2, 'a')], 'cut'],
      [[done], 'eof'],
      [[item(3, 'b'), end(4)], 'open'],
    ]);
    assert.deepEqual([result.kind, result.text], ['finished', 'ab']);
  });

  it('gives up at once when the resume is refused for the session', async () => {
    const result = await run([
      [[begin()], 'cut'],
      new Failure({ code: 'SESSION_INVALID', status: 401 }),
    ]);
    assert.deepEqual([result.failure, result.unused], ['INTERRUPTED', 0]);
  });

  it('cannot resume what was cut before its first event', async () => {
    assert.deepEqual((await run([[[], 'cut']])).failure, 'INTERRUPTED');
  });

  it('says lost when the gateway resets the events', async () => {
    const result = await run([
      [[begin()], 'cut'],
      [['event: reset\ndata: {}\n\n'], 'open'],
    ]);
    assert.equal(result.kind, 'lost');
  });

  it('takes 45 seconds of silence for a dead connection', async () => {
    let silences = 0;
    const elapse = (time: number): boolean => time < 10_000 || ++silences === 4;
    const result = await run(
      [
        [[begin(), item(2, 'a')], 'open'],
        [[item(3, 'b'), end(4)], 'open'],
      ],
      { elapse },
    );
    assert.deepEqual([result.kind, result.text], ['finished', 'ab']);
  });

  it('gives up a connection that does not come, and closes it when it comes late', async () => {
    let closed = false;
    const late: ByteReader = {
      read: () => new Promise(() => {}),
      cancel: async () => void (closed = true),
    };
    const send = (): Promise<ByteReader> => new Promise((resolve) => setTimeout(resolve, 20, late));
    const listener = { onText: () => {}, onReconnecting: () => {} };
    const soon = {
      after: (_: number, call: () => void) => (setTimeout(call, 1), () => {}),
      random: () => 0,
    };
    const never = { after: () => () => {}, random: () => 0 };
    const transport = { send, resume: send };
    const outcome = await deliver(transport, listener, new AbortController().signal, soon);
    assert.equal(outcome.kind === 'failed' && outcome.failure.code, 'NETWORK');
    await new Promise((resolve) => setTimeout(resolve, 40));
    assert.ok(closed);
    const aborter = new AbortController();
    const stopping = deliver(transport, listener, aborter.signal, never);
    aborter.abort();
    assert.equal((await stopping).kind, 'stopped');
  });

  it('waits for a visitor who is at a captcha, however long', async () => {
    const soon = {
      after: (_: number, call: () => void) => (setTimeout(call, 1), () => {}),
      random: () => 0,
    };
    const send = (): Promise<ByteReader> => new Promise(() => {});
    const listener = { onText: () => {}, onReconnecting: () => {} };
    visitor.asked++;
    const delivering = deliver({ send, resume: send }, listener, new AbortController().signal, soon);
    const first = await Promise.race([delivering, new Promise((resolve) => setTimeout(resolve, 40, 'waits'))]);
    assert.equal(first, 'waits');
    visitor.asked--;
    assert.equal((await delivering).kind, 'failed');
  });

  it('stops when aborted, while reading and while waiting to resume', async () => {
    const reading = await run([[[begin(), item(2, 'abc'), item(3, 'def')], 'open']], {
      abortAfter: 6,
    });
    assert.deepEqual([reading.kind, reading.text], ['stopped', 'abcdef']);
    const waiting = await run([[[begin(), item(2, 'abc')], 'cut'], cut], { abortAfter: 3 });
    assert.equal(waiting.kind, 'stopped');
  });
});
