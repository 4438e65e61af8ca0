/// The field in which the visitor writes, with Send, or Stop while an answer comes in.

import type { Catalogue } from './catalogue';
import { button, element } from './dom';
import { icons } from './icons';

const kCounterFrom = 0.9;

interface Actions {
  /// False: not accepted now, the text stays in the field.
  submit(text: string): boolean;
  stop(): void;
}

export class Composer {
  readonly root = element('form', { class: 'composer', novalidate: true });
  /// For what fills in every field that it finds.
  readonly trap = element('input', {
    name: 'website',
    class: 'for-readers',
    tabindex: '-1',
    autocomplete: 'off',
    'aria-hidden': 'true',
  });
  private readonly input: HTMLTextAreaElement;
  private readonly mirror = element('div', { class: 'mirror', 'aria-hidden': 'true' });
  private readonly counter = element('p', { class: 'counter', hidden: true });
  private readonly sendButton: HTMLButtonElement;
  private readonly stopButton: HTMLButtonElement;
  private answering = false;
  private paused = false;

  constructor(
    texts: Catalogue,
    private readonly maxLength: number,
    private readonly actions: Actions,
  ) {
    this.input = element('textarea', {
      id: 'portcullis-message',
      rows: '1',
      placeholder: texts.placeholder,
      enterkeyhint: 'send',
      autocomplete: 'off',
      'aria-describedby': 'portcullis-hint',
    });
    this.sendButton = button(texts.send, 'send', () => this.submit(), icons.send());
    this.stopButton = button(texts.stop, 'stop', () => this.stop(), icons.stop());
    const label = element(
      'label',
      { class: 'for-readers', for: 'portcullis-message' },
      texts.message,
    );
    const hint = element('p', { class: 'for-readers', id: 'portcullis-hint' }, texts.hint);
    const grow = element('div', { class: 'grow' }, this.mirror, this.input);
    const field = element('div', { class: 'field' }, grow, this.sendButton, this.stopButton);
    this.root.append(label, field, this.counter, hint, this.trap);
    this.root.addEventListener('submit', (event) => event.preventDefault());
    this.input.addEventListener('input', () => this.refresh());
    this.input.addEventListener('keydown', (event) => this.onKey(event));
    this.refresh();
  }

  focus(): void {
    this.input.focus({ preventScroll: true });
  }

  /// Puts a refused text back for the visitor to change, in front of what they began meanwhile.
  giveBack(text: string): void {
    this.input.value = [text, this.input.value].filter((part) => part !== '').join('\n');
    this.refresh();
    this.focus();
  }

  setAnswering(answering: boolean): void {
    this.answering = answering;
    this.refresh();
  }

  setPaused(paused: boolean): void {
    this.paused = paused;
    this.refresh();
  }

  private onKey(event: KeyboardEvent): void {
    const composing = event.isComposing || event.keyCode === 229; // Enter is the input method's
    if (event.key !== 'Enter' || event.shiftKey || composing) return;
    event.preventDefault();
    this.submit();
  }

  private submit(): void {
    if (!this.sendable()) return;
    if (!this.actions.submit(this.input.value.trim())) return;
    this.input.value = '';
    this.refresh();
    this.focus();
  }

  private stop(): void {
    this.actions.stop();
    this.focus();
  }

  private sendable(): boolean {
    const length = this.input.value.trim().length;
    return !this.answering && !this.paused && length > 0 && length <= this.maxLength;
  }

  private refresh(): void {
    const { value } = this.input;
    this.input.dir = value === '' ? '' : 'auto'; // the placeholder runs as the page does
    this.mirror.textContent = `${value}\u200b`; // an empty last line has a height too
    this.sendButton.disabled = !this.sendable();
    this.sendButton.hidden = this.answering;
    this.stopButton.hidden = !this.answering;
    const length = value.trim().length;
    this.counter.hidden = length < this.maxLength * kCounterFrom;
    this.counter.textContent = `${length} / ${this.maxLength}`;
    this.counter.classList.toggle('over', length > this.maxLength);
  }
}
