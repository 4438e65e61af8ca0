/// The visitor's session at the gateway and how it is presented: by cookie, or by bearer token
/// where the browser keeps no third-party cookies.
///
/// The cookie itself is invisible to scripts. What is kept here is only a hint that there is one
/// (until when), or the token, in sessionStorage, so that a reload finds the conversation again.

import { paying } from './challenge';
import { failureOf } from './failure';
import { StoredValue } from './storage';

type Delivery = 'cookie' | 'bearer';
export type Call = (headers: Record<string, string>) => Promise<Response>;

const kCreateTimeoutMs = 15_000;
const kMaxPageUrlChars = 2000;

export class Session {
  private token: string | null;
  private cookie: 'none' | 'hinted' | 'fresh' | 'works';
  private creating: Promise<void> | null = null;
  private readonly storedToken: StoredValue;
  private readonly storedHint: StoredValue;

  constructor(private readonly base: string) {
    this.storedToken = new StoredValue('sessionStorage', `portcullis:token:${base}`);
    this.storedHint = new StoredValue('localStorage', `portcullis:session-until:${base}`);
    this.token = this.storedToken.get();
    const until = Date.parse(this.storedHint.get() ?? '');
    this.cookie = this.token === null && until > Date.now() ? 'hinted' : 'none';
  }

  get exists(): boolean {
    return this.token !== null || this.cookie !== 'none';
  }

  /// Makes the call in the session. A 401 is answered once with a new session and the same call
  /// again; a cookie that never arrived, with a bearer session.
  async call(call: Call): Promise<Response> {
    if (!this.exists) await this.create('cookie');
    for (let renewed = false; ; renewed = true) {
      const response = await this.callAsIs(call);
      if (response.status !== 401) return response;
      if (this.cookie === 'fresh') await this.create('bearer');
      else if (!renewed) await this.create(this.token === null ? 'cookie' : 'bearer');
      else return response;
    }
  }

  /// Makes the call in the session as it is, for what is worth nothing in a new one.
  async callAsIs(call: Call): Promise<Response> {
    const headers: Record<string, string> = {};
    if (this.token !== null) headers['Authorization'] = `Bearer ${this.token}`;
    const response = await paying(call, headers);
    const fresh = response.headers.get('X-Session-Token');
    if (fresh) this.keep(fresh);
    if (response.status !== 401 && this.cookie !== 'none') this.cookie = 'works';
    return response;
  }

  forget(): void {
    this.keep(null);
    this.cookie = 'none';
    this.storedHint.set(null);
  }

  private keep(token: string | null): void {
    this.token = token;
    this.storedToken.set(token);
  }

  private create(delivery: Delivery): Promise<void> {
    this.creating ??= this.createNow(delivery).finally(() => (this.creating = null));
    return this.creating;
  }

  private async createNow(delivery: Delivery): Promise<void> {
    this.forget();
    const body = {
      origin_domain: location.hostname,
      page_url: pageUrl(),
      timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      delivery,
    };
    const create: Call = (headers) =>
      fetch(`${this.base}/api/v1/session/create`, {
        method: 'POST',
        credentials: 'include',
        headers,
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(kCreateTimeoutMs),
      });
    const response = await paying(create, { 'Content-Type': 'application/json' });
    if (!response.ok) throw await failureOf(response);
    const made = (await response.json()) as { token?: unknown; expires_at?: unknown };
    if (typeof made.token === 'string') {
      this.keep(made.token);
    } else {
      this.cookie = 'fresh';
      this.storedHint.set(typeof made.expires_at === 'string' ? made.expires_at : null);
    }
  }
}

/// The address of the page without its fragment, which is none of the server's business.
export function pageUrl(): string {
  return location.href.split('#', 1)[0]!.slice(0, kMaxPageUrlChars);
}
