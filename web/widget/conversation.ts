/// Runs the conversation: one message at a time goes out, its answer comes in, its failure is shown
/// with the way on.

import type { Announcer } from './announcer';
import type { Catalogue } from './catalogue';
import type { Composer } from './composer';
import { deliver, type Outcome, type Timers } from './delivery';
import { Failure } from './failure';
import { explain } from './failure_text';
import type { GatewayClient, HistoryMessage } from './gateway_client';
import type { AnswerView } from './message_view';
import { NoticeView } from './notice_view';
import type { TabChannel } from './tab_channel';
import type { Transcript } from './transcript';
import { randomUuid } from './uuid';

/// One message of the visitor. A retry keeps the id, so that the gateway never runs it twice.
interface Attempt {
  readonly text: string;
  readonly clientMessageId: string;
  readonly question: HTMLElement;
}

interface Parts {
  readonly client: GatewayClient;
  readonly transcript: Transcript;
  readonly composer: Composer;
  readonly announcer: Announcer;
  readonly tabs: TabChannel;
  readonly texts: Catalogue;
  readonly onAnswered: () => void;
}

const kStillAnsweringMs = 120_000;
const kLookAgainMs = 2000;
const kLooks = 15;

const browserTimers: Timers = {
  after(milliseconds, run) {
    const timer = setTimeout(run, milliseconds);
    return () => clearTimeout(timer);
  },
  random: Math.random,
};

export class Conversation {
  private running: AbortController | null = null;
  private restoring: Promise<void> = Promise.resolve();
  private notice: NoticeView | null = null;
  private pausedBy: NoticeView | null = null;

  constructor(private readonly parts: Parts) {}

  /// False: an answer is still coming in, or the gateway asked to wait.
  send(text: string): boolean {
    if (this.running !== null || this.pausedBy !== null) return false;
    this.notice?.retire();
    this.notice = null;
    void this.ask(text, this.begin());
    return true;
  }

  stop(): void {
    this.running?.abort();
  }

  /// Shows what the gateway remembers of the session, unless something newer is on the screen.
  restore(): void {
    if (this.running !== null || this.notice !== null) return;
    this.restoring = this.parts.client.history().then(
      (messages) => this.showRestored(messages),
      () => {}, // The conversation starts empty; the first message will show what is wrong.
    );
  }

  dispose(): void {
    this.running?.abort();
    this.notice?.dispose();
  }

  private showRestored(messages: readonly HistoryMessage[]): void {
    const last = messages[messages.length - 1];
    if (last === undefined) return;
    this.parts.transcript.showHistory(messages);
    const age = Date.now() - last.createdAt.getTime();
    if (this.running === null && last.role === 'user' && age < kStillAnsweringMs)
      void this.awaitAnswer();
  }

  /// The page was reloaded while an answer came in: the gateway reads on for a while, and what it
  /// got can then be found in the history.
  private async awaitAnswer(): Promise<void> {
    const aborter = this.begin();
    const answer = this.parts.transcript.addAnswer();
    for (let look = 0; look < kLooks; look++) {
      await new Promise((resolve) => {
        setTimeout(resolve, kLookAgainMs);
        aborter.signal.addEventListener('abort', resolve);
      });
      if (aborter.signal.aborted) break;
      const messages = await this.parts.client.history().catch(() => []);
      if (messages[messages.length - 1]?.role !== 'assistant') continue;
      this.parts.transcript.showHistory(messages);
      this.parts.announcer.say(messages[messages.length - 1]!.content);
      break;
    }
    answer.root.remove();
    this.end(aborter);
  }

  private async ask(text: string, aborter: AbortController): Promise<void> {
    await this.restoring; // what was said before stands above what is said now
    const question = this.parts.transcript.addQuestion(text, new Date());
    this.parts.transcript.scrollToEnd();
    await this.attempt({ text, clientMessageId: randomUuid(), question }, aborter);
  }

  private async attempt(attempt: Attempt, aborter: AbortController): Promise<void> {
    const { client, announcer, texts } = this.parts;
    const answer = this.parts.transcript.addAnswer();
    const outcome = await deliver(
      {
        send: (signal) => client.send(attempt.text, attempt.clientMessageId, signal),
        resume: (lastEventId, signal) => client.resume(lastEventId, signal),
      },
      {
        onText: (piece) => answer.append(piece),
        onReconnecting: () => {
          answer.showReconnecting();
          announcer.say(texts.reconnecting);
        },
      },
      aborter.signal,
      browserTimers,
    );
    await this.conclude(attempt, answer, outcome);
    this.end(aborter);
  }

  private async conclude(attempt: Attempt, answer: AnswerView, outcome: Outcome): Promise<void> {
    switch (outcome.kind) {
      case 'finished':
        if (answer.text.trim() === '')
          this.fail(attempt, answer, new Failure({ code: 'UPSTREAM_ERROR' }));
        else this.complete(answer);
        break;
      case 'stopped':
        answer.stop();
        break;
      case 'lost':
        await this.recover(attempt, answer);
        break;
      case 'failed':
        this.fail(attempt, answer, outcome.failure);
    }
  }

  private complete(answer: AnswerView): void {
    answer.finish(new Date());
    this.parts.announcer.say(answer.spoken());
    this.parts.tabs.tell();
    this.parts.onAnswered();
  }

  /// The events are gone, but the answer may have reached the history.
  private async recover(attempt: Attempt, answer: AnswerView): Promise<void> {
    const messages = await this.parts.client.history().catch(() => []);
    const [question, reply] = messages.slice(-2);
    const found = question?.content === attempt.text && reply?.role === 'assistant';
    if (found) this.parts.transcript.showHistory(messages);
    else this.fail(attempt, answer, new Failure({ code: 'INTERRUPTED' }));
  }

  private fail(attempt: Attempt, answer: AnswerView, failure: Failure): void {
    const { announcer, texts, transcript } = this.parts;
    const facts = explain(failure, texts);
    if (answer.text === '') answer.root.remove();
    else answer.breakOff();
    const mend =
      facts.action === 'edit' ? () => this.giveBack(attempt) : () => this.retry(attempt, answer);
    const notice = new NoticeView(facts, texts, mend, () => this.setPausedBy(null));
    this.notice = notice;
    transcript.addNotice(notice.root);
    if (facts.waitSeconds > 0) this.setPausedBy(notice);
    announcer.say([facts.text, facts.reason].join(' ').trim());
  }

  private giveBack(attempt: Attempt): void {
    this.dismissNotice();
    attempt.question.remove();
    this.parts.composer.giveBack(attempt.text);
  }

  private retry(attempt: Attempt, former: AnswerView): void {
    if (this.running !== null) return;
    this.dismissNotice();
    former.root.remove();
    this.parts.composer.focus();
    void this.attempt(attempt, this.begin());
  }

  private begin(): AbortController {
    this.running = new AbortController();
    this.parts.composer.setAnswering(true);
    return this.running;
  }

  private end(aborter: AbortController): void {
    if (this.running !== aborter) return;
    this.running = null;
    this.parts.composer.setAnswering(false);
  }

  private setPausedBy(notice: NoticeView | null): void {
    this.pausedBy = notice;
    this.parts.composer.setPaused(notice !== null);
  }

  private dismissNotice(): void {
    this.notice?.dispose();
    this.notice = null;
  }
}
