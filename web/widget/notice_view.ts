/// A failure below the message that it struck, with the button that mends it.
/// Where the gateway named a time to wait, the button counts down and then enables itself.

import { fill, type Catalogue } from './catalogue';
import { button, element } from './dom';
import { clockText, type FailureNotice } from './failure_text';
import { icons } from './icons';

export class NoticeView {
  readonly root: HTMLElement;
  private readonly label = element('span');
  private readonly action: HTMLButtonElement | null;
  private ticking = 0;

  constructor(
    notice: FailureNotice,
    private readonly texts: Catalogue,
    onAction: () => void,
    private readonly onReady: () => void,
  ) {
    const body = element('div', {}, element('p', {}, notice.text));
    if (notice.reason !== '')
      body.append(element('p', { class: 'reason', dir: 'auto' }, notice.reason));
    if (notice.small !== '') body.append(element('p', { class: 'small' }, notice.small));
    this.action = notice.action === 'none' ? null : this.actionButton(notice.action, onAction);
    if (this.action !== null) body.append(this.action);
    this.root = element('div', { class: 'notice', 'aria-live': 'off' }, icons.warning(), body);
    if (notice.waitSeconds > 0) this.countDown(notice.waitSeconds);
  }

  /// The visitor went on with something else: what happened stays to be read, without its button.
  retire(): void {
    clearInterval(this.ticking);
    this.action?.remove();
  }

  dispose(): void {
    clearInterval(this.ticking);
    this.root.remove();
  }

  private actionButton(kind: 'retry' | 'edit', onAction: () => void): HTMLButtonElement {
    const text = this.texts[kind];
    this.label.textContent = text;
    return button(
      text,
      'notice-button',
      onAction,
      kind === 'retry' ? icons.retry() : icons.edit(),
      this.label,
    );
  }

  private countDown(seconds: number): void {
    const deadline = performance.now() + seconds * 1000;
    const tick = (): void => {
      const left = Math.ceil((deadline - performance.now()) / 1000);
      if (this.action !== null) this.action.disabled = left > 0;
      this.label.textContent =
        left > 0 ? fill(this.texts.retryIn, { time: clockText(left) }) : this.texts.retry;
      if (left > 0) return;
      clearInterval(this.ticking);
      this.onReady();
    };
    this.ticking = window.setInterval(tick, 250);
    tick();
  }
}
