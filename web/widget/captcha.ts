/// What embed.js loads when the gateway asks for the captcha of a provider: shows it and gives what is
/// sent to the gateway for it.

import { loadApi, optionsFor, type CaptchaApi, type CaptchaChallenge } from './captcha_api';
import { CaptchaDialog, type CaptchaLook } from './captcha_dialog';
import { captchaTextsIn } from './captcha_texts';
import { element } from './dom';
import { ownScript, settingsOf } from './own_script';

const kProviders: Readonly<Record<string, string>> = {
  hcaptcha: 'hCaptcha',
  turnstile: 'Cloudflare Turnstile',
};

/// One after the other, should two calls be challenged at a time.
let last: Promise<unknown> = Promise.resolve();

/// "turnstile.ticket.token"; "fallback.ticket" where it cannot be shown and the gateway gives work
/// instead; null where the visitor cancels.
export function pass(challenge: CaptchaChallenge): Promise<string | null> {
  const turn = last.then(() => new Showing(challenge).result);
  last = turn.catch(() => {});
  return turn;
}

class Showing {
  readonly result: Promise<string | null>;
  private readonly dialog: CaptchaDialog;
  private readonly script = ownScript() ?? element('script'); // else as on a page that sets nothing
  private readonly look: CaptchaLook;
  private readonly gone = new AbortController();
  private settle: (solution: string | null) => void = () => {};
  private shown: { api: CaptchaApi; id: string } | null = null;

  constructor(private readonly challenge: CaptchaChallenge) {
    const provider = kProviders[challenge.kind];
    if (provider === undefined)
      throw new Error(`portcullis: no captcha of the kind ${challenge.kind} can be shown`);
    const { language, direction, theme } = settingsOf(this.script);
    const dark =
      theme === 'dark' ||
      (theme === 'auto' && window.matchMedia('(prefers-color-scheme: dark)').matches);
    this.look = { language, direction, dark };
    const texts = captchaTextsIn(language);
    this.dialog = new CaptchaDialog(texts, provider, this.look, () => this.end(null));
    this.result = new Promise((resolve) => (this.settle = resolve));
    this.watchPolicy();
    this.dialog.open();
    void this.show();
  }

  private async show(): Promise<void> {
    try {
      const api = await loadApi(this.challenge, this.script.nonce ?? '');
      if (this.gone.signal.aborted) return;
      const options = optionsFor(this.challenge, this.look, {
        onToken: (token) => this.end(`${this.challenge.kind}.${this.challenge.ticket}.${token}`),
        onFailure: () => this.dialog.showFailure(),
        onUnsupported: () => this.giveUp(),
      });
      this.dialog.showReady();
      const id = api.render(this.dialog.box, options);
      if (id === undefined) this.giveUp();
      else if (this.gone.signal.aborted) api.remove(id);
      else this.shown = { api, id };
    } catch {
      this.giveUp();
    }
  }

  /// A frame that the page's policy forbids tells nobody else.
  private watchPolicy(): void {
    const site = siteOf(this.challenge.script);
    const onViolation = (event: SecurityPolicyViolationEvent): void => {
      const needed = /^(frame|child|script)-src/.test(event.effectiveDirective);
      if (event.disposition !== 'enforce' || !needed) return;
      if (siteOf(event.blockedURI) === site) this.giveUp();
    };
    document.addEventListener('securitypolicyviolation', onViolation, { signal: this.gone.signal });
  }

  private giveUp(): void {
    if (this.challenge.fallback === 'proof_of_work') this.end(`fallback.${this.challenge.ticket}`);
    else if (!this.gone.signal.aborted) this.dialog.showBlocked();
  }

  private end(solution: string | null): void {
    if (this.gone.signal.aborted) return;
    this.gone.abort();
    if (this.shown !== null) this.shown.api.remove(this.shown.id);
    this.dialog.close();
    this.settle(solution);
  }
}

/// Near enough to what a provider's addresses have in common.
function siteOf(address: string): string {
  try {
    return new URL(address).hostname.split('.').slice(-2).join('.');
  } catch {
    return ''; // "inline", "eval" and the like
  }
}
