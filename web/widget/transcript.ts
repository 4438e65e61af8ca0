/// What stands in the log: the welcome, questions and answers, those of the history among them.

import type { Catalogue } from './catalogue';
import type { HistoryMessage } from './gateway_client';
import type { LogView } from './log_view';
import { AnswerView, userMessage, type TimeText } from './message_view';

export class Transcript {
  constructor(
    private readonly log: LogView,
    private readonly texts: Catalogue,
    private readonly timeText: TimeText,
  ) {
    this.addWelcome();
  }

  addQuestion(text: string, date: Date): HTMLElement {
    const question = userMessage(text, date, this.texts, this.timeText);
    this.log.add(question);
    return question;
  }

  /// An answer that is still to come.
  addAnswer(): AnswerView {
    const answer = new AnswerView(this.texts, this.timeText, () => this.log.keepUp());
    this.log.add(answer.root);
    return answer;
  }

  addNotice(notice: HTMLElement): void {
    this.log.add(notice);
  }

  scrollToEnd(): void {
    this.log.scrollToEnd();
  }

  /// Replaces everything by what the gateway remembers.
  showHistory(messages: readonly HistoryMessage[]): void {
    this.log.clear();
    this.addWelcome();
    for (const { role, content, createdAt } of messages) {
      if (role === 'user') this.addQuestion(content, createdAt);
      else this.addWholeAnswer(content, createdAt);
    }
    this.log.scrollToEnd();
  }

  private addWelcome(): void {
    if (this.texts.welcome !== '') this.addWholeAnswer(this.texts.welcome, new Date(NaN));
  }

  private addWholeAnswer(content: string, date: Date): void {
    const answer = this.addAnswer();
    answer.append(content);
    answer.finish(date);
  }
}
