/// One embedded chat: builds the parts, holds open and closed, and takes itself out again.

import { Announcer } from './announcer';
import { Composer } from './composer';
import { Conversation } from './conversation';
import { element } from './dom';
import { GatewayClient } from './gateway_client';
import { Launcher } from './launcher';
import { LogView } from './log_view';
import { Panel } from './panel';
import { Session } from './session';
import type { Settings } from './settings';
import { StoredValue } from './storage';
import { adopt } from './styles';
import { TabChannel } from './tab_channel';
import { themeSheet } from './theme';
import { Transcript } from './transcript';
import { followViewport } from './viewport';

const kPanelId = 'portcullis-panel';

export class Widget {
  private readonly host = element('div');
  private readonly root: HTMLElement;
  private readonly launcher: Launcher;
  private readonly panel: Panel;
  private readonly log: LogView;
  private readonly composer: Composer;
  private readonly conversation: Conversation;
  private readonly tabs: TabChannel;
  private readonly wasOpen: StoredValue;
  private readonly gone = new AbortController();
  private isOpen = false;

  constructor(
    private readonly settings: Settings,
    page: DOMStringMap,
  ) {
    const { api, texts } = settings;
    const session = new Session(api, page);
    const announcer = new Announcer();
    this.wasOpen = new StoredValue('sessionStorage', `portcullis:open:${api}`);
    this.log = new LogView(texts);
    this.composer = new Composer(texts, settings.maxLength, {
      submit: (text) => this.conversation.send(text),
      stop: () => this.conversation.stop(),
    });
    this.tabs = new TabChannel(api, () => this.conversation.restore());
    this.conversation = new Conversation({
      client: new GatewayClient(session, () => this.composer.trap.value),
      transcript: new Transcript(this.log, texts, timeTextIn(settings.language)),
      composer: this.composer,
      announcer,
      tabs: this.tabs,
      texts,
      onAnswered: () => this.noteAnswer(),
    });
    const parts = { log: this.log, composer: this.composer, announcer };
    this.panel = new Panel(kPanelId, texts, parts, () => this.close());
    this.launcher = new Launcher(texts, kPanelId, () => this.toggle());
    this.root = this.buildRoot();
    this.listen();
    if (session.exists) this.conversation.restore();
  }

  /// Puts the widget on the page; what was open before a reload is open again, without taking the
  /// focus.
  mount(): void {
    if (this.gone.signal.aborted) return;
    document.body.append(this.host);
    const before = this.wasOpen.get();
    if (before === '1' || (before === null && this.settings.openAtStart)) this.setOpen(true);
  }

  open(): void {
    if (!this.isOpen) this.setOpen(true);
    // A touch keyboard would cover the conversation before anybody asked for it.
    if (window.matchMedia('(pointer: coarse)').matches)
      this.panel.root.focus({ preventScroll: true });
    else this.composer.focus();
  }

  close(): void {
    if (!this.isOpen) return;
    const hadFocus = this.host === document.activeElement;
    this.setOpen(false);
    if (hadFocus) this.launcher.root.focus({ preventScroll: true });
  }

  toggle(): void {
    if (this.isOpen) this.close();
    else this.open();
  }

  send(message: string): boolean {
    const text = message.trim();
    if (text === '' || text.length > this.settings.maxLength) return false;
    if (!this.isOpen) this.setOpen(true);
    return this.conversation.send(text);
  }

  destroy(): void {
    this.gone.abort();
    this.conversation.dispose();
    this.tabs.close();
    this.host.remove();
  }

  private setOpen(open: boolean): void {
    this.isOpen = open;
    this.root.classList.toggle('open', open);
    this.panel.setOpen(open);
    this.launcher.show(open ? 'open' : 'closed');
    this.wasOpen.set(open ? '1' : '0');
    if (open) this.log.scrollToEnd();
  }

  private noteAnswer(): void {
    if (!this.isOpen) this.launcher.addUnread();
  }

  private buildRoot(): HTMLElement {
    const { direction, language, side, accent, theme } = this.settings;
    const shadow = this.host.attachShadow({ mode: 'closed' });
    const root = element('div', { class: `root side-${side}`, dir: direction, lang: language });
    root.append(this.launcher.root, this.panel.root);
    adopt(shadow, themeSheet(accent, theme));
    followViewport(shadow, this.panel.covering, this.gone.signal);
    shadow.append(root);
    return root;
  }

  private listen(): void {
    const { signal } = this.gone;
    const showConnection = (): void => this.panel.setOffline(!navigator.onLine);
    window.addEventListener('online', showConnection, { signal });
    window.addEventListener('offline', showConnection, { signal });
    showConnection();
    // A turned phone may make the panel cover the screen, or no longer.
    this.panel.covering.addEventListener('change', () => this.panel.setOpen(this.isOpen), {
      signal,
    });
    this.root.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || event.isComposing || !this.isOpen) return;
      event.stopPropagation();
      this.close();
    });
  }
}

function timeTextIn(language: string): (date: Date) => string {
  const format = new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit' });
  return (date) => format.format(date);
}
