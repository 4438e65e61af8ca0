/// The bubbles of the log: what the visitor wrote, and an answer in its states
/// typing → growing → finished or stopped.

import type { Catalogue } from './catalogue';
import { element } from './dom';
import { MarkdownView } from './markdown_view';

export type TimeText = (date: Date) => string;

export function userMessage(
  text: string,
  date: Date,
  texts: Catalogue,
  timeText: TimeText,
): HTMLElement {
  const bubble = element('div', { class: 'bubble', dir: 'auto' }, text);
  return message('user', texts.you, bubble, meta(date, timeText));
}

export class AnswerView {
  readonly root: HTMLElement;
  private readonly bubble = element('div', { class: 'bubble', dir: 'auto' });
  private readonly markdown = new MarkdownView(this.bubble);
  private readonly status = element('div', { class: 'meta' });
  private scheduled = 0;

  constructor(
    private readonly texts: Catalogue,
    private readonly timeText: TimeText,
    private readonly onGrown: () => void,
  ) {
    this.root = message('assistant', texts.assistant, this.bubble, this.status);
    this.root.setAttribute('aria-busy', 'true');
    this.showTyping();
  }

  get text(): string {
    return this.markdown.source;
  }

  append(piece: string): void {
    this.markdown.append(piece);
    this.status.textContent = '';
    if (this.scheduled !== 0) return;
    this.scheduled = requestAnimationFrame(() => this.render('growing'));
  }

  finish(date: Date): void {
    this.status.replaceWith(meta(date, this.timeText));
    this.render('whole');
  }

  /// Stopped by the visitor.
  stop(): void {
    this.status.textContent = this.texts.stopped;
    if (this.text === '') this.bubble.remove();
    this.render('whole');
  }

  /// Ended by a failure, which a notice explains.
  breakOff(): void {
    this.status.remove();
    this.render('whole');
  }

  showReconnecting(): void {
    this.status.textContent = this.texts.reconnecting;
  }

  /// What the bubble says, without the marks of Markdown.
  spoken(): string {
    return `${this.texts.assistant}: ${this.bubble.innerText.trim()}`;
  }

  private render(completeness: 'growing' | 'whole'): void {
    cancelAnimationFrame(this.scheduled);
    this.scheduled = 0;
    if (!this.bubble.classList.contains('growing')) this.bubble.replaceChildren();
    this.bubble.classList.toggle('growing', completeness === 'growing');
    this.markdown.render(completeness);
    if (completeness === 'whole') this.root.removeAttribute('aria-busy');
    this.onGrown();
  }

  private showTyping(): void {
    const dots = element('div', { class: 'dots' }, element('i'), element('i'), element('i'));
    dots.append(element('span', { class: 'for-readers' }, this.texts.typing));
    this.bubble.append(dots);
  }
}

function message(side: 'user' | 'assistant', author: string, ...parts: Node[]): HTMLElement {
  const label = element('span', { class: 'for-readers' }, `${author}: `);
  return element('div', { class: `message ${side}`, 'aria-live': 'off' }, label, ...parts);
}

function meta(date: Date, timeText: TimeText): HTMLElement {
  if (Number.isNaN(date.getTime())) return element('div', { class: 'meta' });
  return element(
    'div',
    { class: 'meta' },
    element('time', { datetime: date.toISOString() }, timeText(date)),
  );
}
