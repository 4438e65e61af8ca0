/// The scrolling list of messages. It follows its end only while the reader is within 100 px of it.

import type { Catalogue } from './catalogue';
import { button, element } from './dom';
import { icons } from './icons';

const kFollowPx = 100;

export class LogView {
  readonly root: HTMLElement;
  private readonly list: HTMLElement;
  private readonly toLatest: HTMLButtonElement;
  private following = true;
  private size = '';

  constructor(texts: Catalogue) {
    this.list = element('div', {
      class: 'log',
      role: 'log',
      tabindex: '0',
      'aria-live': 'polite',
      'aria-relevant': 'additions',
      'aria-label': texts.log,
    });
    this.toLatest = button(texts.latest, 'latest', () => this.scrollToEnd(), icons.chevron());
    this.toLatest.hidden = true;
    this.root = element('div', { class: 'stage' }, this.list, this.toLatest);
    this.list.addEventListener('scroll', () => this.noteScroll(), { passive: true });
    new ResizeObserver(() => this.noteSize()).observe(this.list);
  }

  add(item: HTMLElement): void {
    this.list.append(item);
    this.keepUp();
  }

  clear(): void {
    this.list.replaceChildren();
  }

  /// Call after the content grew.
  keepUp(): void {
    if (this.following) this.scrollToEnd();
    else this.toLatest.hidden = false;
  }

  scrollToEnd(): void {
    this.list.scrollTop = this.list.scrollHeight;
    this.following = true;
    this.toLatest.hidden = true;
  }

  private noteSize(): void {
    this.size = this.currentSize();
    if (this.following) this.scrollToEnd();
  }

  private currentSize(): string {
    return `${this.list.clientWidth} ${this.list.clientHeight}`;
  }

  private noteScroll(): void {
    if (this.size !== this.currentSize()) return; // moved by a change of size, not by the reader
    const below = this.list.scrollHeight - this.list.clientHeight - this.list.scrollTop;
    this.following = below <= kFollowPx;
    if (this.following) this.toLatest.hidden = true;
  }
}
