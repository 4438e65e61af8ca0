/// One message from sending to its last word: the state machine between the wire and the screen.
///
///     send → begin → item* → end                       finished
///              └── cut → resume (1 s, 2 s, 4 s) ──┘     else failed INTERRUPTED: Retry is offered
///     error event, refusal, no network                 failed
///     reset event (the ring is gone)                   lost: the history knows more than we do
///     signal aborted                                   stopped
///
/// Errors: none is thrown; every end is an Outcome.

import { visitor } from './challenge';
import { Failure, textOf } from './failure';
import { SseParser, type SseEvent } from './sse_parser';

export type ByteReader = Pick<ReadableStreamDefaultReader<Uint8Array>, 'read' | 'cancel'>;

export interface Transport {
  send(signal: AbortSignal): Promise<ByteReader>;
  resume(lastEventId: string, signal: AbortSignal): Promise<ByteReader>;
}

export interface Listener {
  onText(piece: string): void;
  onReconnecting(): void;
}

export interface Timers {
  after(milliseconds: number, run: () => void): () => void;
  random(): number;
}

export type Outcome =
  | { readonly kind: 'finished' | 'stopped' | 'lost' }
  | { readonly kind: 'failed'; readonly failure: Failure };

const kResumeDelaysMs = [1000, 2000, 4000];
const kSilenceMs = 45_000; // three heartbeats missed: the connection is dead, whatever TCP thinks
const kDrainMs = 1000;

export async function deliver(
  transport: Transport,
  listener: Listener,
  signal: AbortSignal,
  timers: Timers,
): Promise<Outcome> {
  return new Delivery(transport, listener, signal, timers).run();
}

class Delivery {
  private outcome: Outcome | null = null;
  private lastEventId = '';
  private messageId = '';
  private begun = false;
  private resumed = false;
  private triesLeft = kResumeDelaysMs.length;

  constructor(
    private readonly transport: Transport,
    private readonly listener: Listener,
    private readonly signal: AbortSignal,
    private readonly timers: Timers,
  ) {}

  async run(): Promise<Outcome> {
    let reader: ByteReader | null;
    try {
      reader = await this.connected(this.transport.send(this.signal));
    } catch (reason) {
      return this.ended(reason);
    }
    while (reader !== null) {
      await this.read(reader);
      if (this.outcome !== null) return this.outcome;
      reader = await this.reconnect();
    }
    return this.outcome ?? this.ended(new Failure({ code: 'INTERRUPTED' }));
  }

  /// Returns when the stream is cut or an outcome is known.
  private async read(reader: ByteReader): Promise<void> {
    const parser = new SseParser((event) => this.take(event));
    try {
      while (this.outcome === null) {
        const { done, value } = await this.withinSilence(reader.read());
        if (done) return;
        parser.push(value);
      }
      this.drain(reader);
    } catch {
      if (this.signal.aborted) this.outcome = { kind: 'stopped' };
      reader.cancel().catch(() => {});
    }
  }

  private take(event: SseEvent): void {
    if (this.outcome !== null) return;
    if (event.id !== '') this.lastEventId = event.id;
    if (event.name === 'reset') this.outcome = { kind: 'lost' };
    if (event.name !== 'message') return;
    if (event.data === '[DONE]') return this.takeDone();
    const body = objectOf(event.data);
    const id = textOf(body['message_id']);
    if (this.messageId !== '' && id !== '' && id !== this.messageId) return; // of another tab
    if (id !== '') this.messageId = id;
    this.takeMessage(body);
  }

  private takeMessage(body: Record<string, unknown>): void {
    const { type, content } = body;
    if (type === 'begin' || type === 'item' || type === 'end') this.begun = true;
    if (type === 'item' && typeof content === 'string' && content !== '') {
      this.triesLeft = kResumeDelaysMs.length;
      this.listener.onText(content);
    } else if (type === 'end') {
      this.outcome = { kind: 'finished' };
    } else if (type === 'error') {
      const code = textOf(body['code']) || 'UPSTREAM_ERROR';
      const failure = new Failure({ code, errorId: textOf(body['error_id']) });
      this.outcome = { kind: 'failed', failure };
    }
  }

  /// A subscription ends this way when the server drains: the next try finds another one.
  private takeDone(): void {
    if (this.resumed) return;
    const failure = new Failure({ code: 'UPSTREAM_ERROR' });
    this.outcome = this.begun ? { kind: 'finished' } : { kind: 'failed', failure };
  }

  private async reconnect(): Promise<ByteReader | null> {
    while (this.lastEventId !== '' && this.triesLeft > 0 && !this.signal.aborted) {
      const delay = kResumeDelaysMs[kResumeDelaysMs.length - this.triesLeft--]!;
      this.listener.onReconnecting();
      await this.pause(delay * (0.75 + this.timers.random() / 2));
      if (this.signal.aborted) break;
      try {
        const resuming = this.transport.resume(this.lastEventId, this.signal);
        const reader = await this.connected(resuming);
        this.resumed = true;
        return reader;
      } catch (reason) {
        const refused = reason instanceof Failure && [401, 403].includes(reason.status);
        if (refused) return null;
      }
    }
    if (this.signal.aborted) this.outcome = { kind: 'stopped' };
    return null;
  }

  private ended(reason: unknown): Outcome {
    if (this.signal.aborted) return { kind: 'stopped' };
    const failure = reason instanceof Failure ? reason : new Failure({ code: 'NETWORK' });
    return { kind: 'failed', failure };
  }

  /// A connection that comes too late, or after a stop, is closed again. While the visitor is at a
  /// captcha it is not late.
  private connected(connecting: Promise<ByteReader>): Promise<ByteReader> {
    return new Promise((resolve, reject) => {
      let late = false;
      const giveUp = (): void => {
        late = true;
        reject(new Error('no connection'));
      };
      let forget: () => void;
      const watch = (): void => {
        forget = this.timers.after(kSilenceMs, () => (visitor.asked ? watch() : giveUp()));
      };
      watch();
      this.signal.addEventListener('abort', giveUp, { once: true });
      connecting
        .then((reader) => (late ? void reader.cancel().catch(() => {}) : resolve(reader)), reject)
        .finally(() => forget());
    });
  }

  private withinSilence<T>(reading: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const forget = this.timers.after(kSilenceMs, () => reject(new Error('silence')));
      reading.then(resolve, reject).finally(forget);
    });
  }

  private pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const forget = this.timers.after(milliseconds, resolve);
      this.signal.addEventListener('abort', () => (forget(), resolve()), { once: true });
    });
  }

  /// After our last word the answer has only [DONE] left: reading it keeps the connection usable.
  private drain(reader: ByteReader): void {
    const stop = (): void => void reader.cancel().catch(() => {});
    if (this.resumed || this.outcome?.kind === 'lost') return stop();
    const forget = this.timers.after(kDrainMs, stop);
    const next = (): void =>
      void reader.read().then(({ done }) => (done ? forget() : next()), forget);
    next();
  }
}

function objectOf(data: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(data);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
