/// The script of a provider of captchas, loaded into the host page: its captcha works nowhere else.
///
/// Source: the documentation of hCaptcha ("Configuration") and of Cloudflare Turnstile
/// ("Client-side rendering"), which follow reCAPTCHA's: `render` into an element, a callback with the
/// token, `remove`.

import type { CaptchaLook } from './captcha_dialog';
import { element } from './dom';

/// What the gateway says of a captcha in its refusal.
export interface CaptchaChallenge {
  readonly kind: string;
  readonly site_key: string;
  readonly script: string;
  readonly ticket: string;
  readonly action?: string; // where the provider tells it back, and the ticket with it
  readonly fallback: 'wait' | 'proof_of_work';
}

export interface CaptchaApi {
  render(box: HTMLElement, options: Readonly<Record<string, unknown>>): string | undefined;
  remove(id: string): void;
}

export interface CaptchaEvents {
  onToken(token: string): void;
  onFailure(): void; // the visitor can try again
  onUnsupported(): void; // no browser of this kind can show it
}

const kLoadMs = 15_000;
const kCallback = 'portcullisCaptchaLoaded';

/// A page may use the provider itself.
export async function loadApi(challenge: CaptchaChallenge, nonce: string): Promise<CaptchaApi> {
  const there = apiOf(challenge.kind);
  if (there !== null) return there;
  await loadScript(addressOf(challenge), nonce);
  const api = apiOf(challenge.kind);
  if (api === null) throw new Error(`portcullis: ${challenge.script} is no script of a captcha`);
  return api;
}

export function optionsFor(
  challenge: CaptchaChallenge,
  look: Pick<CaptchaLook, 'language' | 'dark'>,
  events: CaptchaEvents,
): Record<string, unknown> {
  const failed = (): boolean => (events.onFailure(), true);
  return {
    sitekey: challenge.site_key,
    theme: look.dark ? 'dark' : 'light',
    callback: (token: string) => events.onToken(token),
    'error-callback': failed,
    ...(challenge.action === undefined
      ? { hl: look.language, 'chalexpired-callback': failed }
      : {
          language: look.language,
          action: challenge.action,
          cData: challenge.ticket,
          'timeout-callback': failed,
          'unsupported-callback': () => events.onUnsupported(),
        }),
  };
}

/// What loads no secret of anybody: https, or a server on the same machine, for tests.
function addressOf({ kind, script }: CaptchaChallenge): string {
  const address = new URL(script);
  const local = ['127.0.0.1', 'localhost', '[::1]'].includes(address.hostname);
  if (address.protocol !== 'https:' && !(local && address.protocol === 'http:'))
    throw new Error(`portcullis: ${script} is not https`);
  address.searchParams.set('render', 'explicit');
  address.searchParams.set('onload', kCallback);
  if (kind === 'hcaptcha') address.searchParams.set('recaptchacompat', 'off');
  return address.href;
}

function apiOf(kind: string): CaptchaApi | null {
  const found: unknown = Reflect.get(window, kind);
  return typeof (found as CaptchaApi | undefined)?.render === 'function'
    ? (found as CaptchaApi)
    : null;
}

function loadScript(src: string, nonce: string): Promise<void> {
  const script = element('script', { src, async: true });
  script.nonce = nonce; // what the page trusted the widget with, it may trust this with
  return new Promise<void>((resolve, reject) => {
    const giveUp = (): void => reject(new Error(`portcullis: ${src} cannot be loaded`));
    const timer = setTimeout(giveUp, kLoadMs);
    Reflect.set(window, kCallback, () => (clearTimeout(timer), resolve()));
    script.addEventListener('error', () => (clearTimeout(timer), giveUp()));
    document.head.append(script);
  })
    .catch((reason: unknown) => {
      script.remove();
      throw reason;
    })
    .finally(() => Reflect.deleteProperty(window, kCallback));
}
