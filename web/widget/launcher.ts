/// The round button that opens and closes the panel and counts unread answers.

import { fill, type Catalogue } from './catalogue';
import { element, button } from './dom';
import { icons } from './icons';

export class Launcher {
  readonly root: HTMLButtonElement;
  private readonly badge = element('span', { class: 'badge', hidden: true, 'aria-hidden': 'true' });
  private unread = 0;

  constructor(
    private readonly texts: Catalogue,
    panelId: string,
    onPress: () => void,
  ) {
    const closed = icons.chat();
    const open = icons.chevron();
    closed.classList.add('when-closed');
    open.classList.add('when-open');
    this.root = button(texts.launcher, 'launcher', onPress, closed, open);
    this.root.append(this.badge);
    this.root.setAttribute('aria-controls', panelId);
    this.show('closed');
  }

  show(state: 'open' | 'closed'): void {
    this.unread = 0;
    this.root.setAttribute('aria-expanded', String(state === 'open'));
    this.refresh(state === 'open' ? this.texts.launcherClose : this.texts.launcher);
  }

  addUnread(): void {
    this.unread++;
    const count = String(this.unread);
    this.refresh(`${this.texts.launcher}, ${fill(this.texts.unread, { count })}`);
  }

  private refresh(label: string): void {
    this.badge.hidden = this.unread === 0;
    this.badge.textContent = this.unread > 9 ? '9+' : String(this.unread);
    this.root.setAttribute('aria-label', label);
    this.root.title = label;
  }
}
