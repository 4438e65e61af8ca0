/// The window of the chat: header, offline notice, log, composer. It is a dialog that leaves the
/// page usable; only where it covers the whole screen does it keep the focus inside.

import type { Announcer } from './announcer';
import type { Catalogue } from './catalogue';
import type { Composer } from './composer';
import { button, element } from './dom';
import { icons } from './icons';
import type { LogView } from './log_view';

const kTitleId = 'portcullis-title';
const kCoversScreen = '(max-width: 479.98px), (max-height: 419.98px)';

export class Panel {
  readonly root: HTMLElement;
  readonly covering = window.matchMedia(kCoversScreen);
  private readonly offline: HTMLElement;

  constructor(
    id: string,
    texts: Catalogue,
    parts: { log: LogView; composer: Composer; announcer: Announcer },
    onClose: () => void,
  ) {
    const title = element('h2', { class: 'title', id: kTitleId, dir: 'auto' }, texts.title);
    const titles = element('div', { class: 'titles' }, title);
    if (texts.subtitle !== '')
      titles.append(element('p', { class: 'subtitle', dir: 'auto' }, texts.subtitle));
    const mark = element('div', { class: 'mark' }, icons.gate());
    const close = button(texts.close, 'plain-button', onClose, icons.close());
    const offlineText = element('div', {}, element('p', {}, texts.offline));
    this.offline = element(
      'div',
      { class: 'notice calm banner', role: 'status', hidden: true },
      icons.offline(),
      offlineText,
    );
    this.root = element(
      'section',
      {
        class: 'panel',
        id,
        role: 'dialog',
        'aria-labelledby': kTitleId,
        tabindex: '-1',
        hidden: true,
      },
      element('div', { class: 'header' }, mark, titles, close),
      this.offline,
      parts.log.root,
      parts.composer.root,
      parts.announcer.root,
    );
    this.root.addEventListener('keydown', (event) => this.onKey(event));
  }

  setOpen(open: boolean): void {
    this.root.hidden = !open;
    if (open && this.covering.matches) this.root.setAttribute('aria-modal', 'true');
    else this.root.removeAttribute('aria-modal');
  }

  setOffline(offline: boolean): void {
    this.offline.hidden = !offline;
  }

  private onKey(event: KeyboardEvent): void {
    if (event.key === 'Tab' && this.covering.matches) this.keepFocusInside(event);
  }

  private keepFocusInside(event: KeyboardEvent): void {
    const stops = [
      ...this.root.querySelectorAll<HTMLElement>('button, a[href], textarea, [tabindex="0"]'),
    ].filter((stop) => stop.getClientRects().length > 0 && !(stop as HTMLButtonElement).disabled);
    const [from, to] = event.shiftKey
      ? [stops[0], stops[stops.length - 1]]
      : [stops[stops.length - 1], stops[0]];
    if (event.composedPath()[0] !== from) return;
    event.preventDefault();
    to?.focus();
  }
}
