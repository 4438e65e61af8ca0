/// The box in which a captcha is shown: in the page itself and above the widget, because the script of
/// its provider finds nothing in a shadow root. Not modal to assistive technology: the provider may
/// open windows of its own beside it.

import { fill, type Direction } from './catalogue';
import type { CaptchaTexts } from './captcha_texts';
import { button, element } from './dom';
import { sheetOf } from './sheet';
import styles from './styles/captcha.css';

const kName = 'portcullis-captcha';

export interface CaptchaLook {
  readonly language: string;
  readonly direction: Direction;
  readonly dark: boolean;
}

export class CaptchaDialog {
  readonly box = element('div', { class: `${kName}-box` });
  private readonly sheet = sheetOf(styles);
  private readonly before = document.activeElement;
  private readonly title: HTMLElement;
  private readonly status: HTMLElement;
  private readonly cancel: HTMLButtonElement;
  private readonly root: HTMLElement;
  private readonly gone = new AbortController();

  constructor(
    private readonly texts: CaptchaTexts,
    provider: string,
    look: CaptchaLook,
    onCancel: () => void,
  ) {
    this.title = element('h2', { id: `${kName}-title`, tabindex: '-1' }, texts.title);
    const text = element('p', { id: `${kName}-text` }, fill(texts.text, { provider }));
    this.status = element('p', { role: 'status' }, texts.loading);
    this.cancel = button(texts.cancel, `${kName}-cancel`, onCancel, texts.cancel);
    this.root = element(
      'div',
      {
        class: look.dark ? `${kName} ${kName}-dark` : kName,
        role: 'dialog',
        'aria-labelledby': this.title.id,
        'aria-describedby': text.id,
        lang: look.language,
        dir: look.direction,
      },
      element('div', {}, this.title, text, this.box, this.status, this.cancel),
    );
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== 'Escape' || event.isComposing) return;
      event.stopPropagation(); // it is this that is closed, and not the chat
      onCancel();
    };
    document.addEventListener('keydown', onKey, { capture: true, signal: this.gone.signal });
  }

  open(): void {
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, this.sheet];
    document.body.append(this.root);
    this.title.focus({ preventScroll: true });
  }

  showReady(): void {
    this.status.textContent = this.texts.ready;
  }

  showFailure(): void {
    this.status.textContent = this.texts.failed;
  }

  /// Nothing is left but to close it.
  showBlocked(): void {
    this.box.remove();
    this.status.textContent = this.texts.blocked;
    this.cancel.textContent = this.texts.close;
    this.cancel.focus({ preventScroll: true });
  }

  /// The focus goes back to where it was; inside of the widget's closed root only the widget can put
  /// it.
  close(): void {
    this.gone.abort();
    this.root.remove();
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => one !== this.sheet);
    if (this.before instanceof HTMLElement) this.before.focus({ preventScroll: true });
    if (document.activeElement !== this.before || this.before === document.body)
      (Reflect.get(window, 'Portcullis') as { open(): void } | undefined)?.open();
  }
}
