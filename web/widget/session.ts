/// The visitor's session at the gateway and how it is presented: by cookie, or by bearer token
/// where the browser keeps no third-party cookies. Where the gateway asks for it, a key of this
/// browser proves each call.
///
/// The cookie itself is invisible to scripts. What is kept here is only a hint that there is one
/// (until when), or the token, in sessionStorage, so that a reload finds the conversation again.

import { paying } from './challenge';
import { failureOf } from './failure';
import { proofOf, StoredValue } from './storage';

type Delivery = 'cookie' | 'bearer';
/// What the page's attributes say of its user, now.
type Page = Readonly<Record<string, string | undefined>>;
export interface Call extends RequestInit {
  readonly headers?: Record<string, string>;
}
/// Sends it with a proof by the key of this browser; `token`: presented in Authorization.
export type Prove = (url: string, call: Call, token: string | null) => Promise<Response>;
type LoadProver = (base: string) => Promise<Prove>;

declare const PROOF_SCRIPT: string; // its name with a hash, by the build

const kCreateTimeoutMs = 15_000;
const kMaxPageUrlChars = 2000;

export class Session {
  private token: string | null;
  private cookie: 'none' | 'hinted' | 'fresh' | 'works';
  private proven: boolean;
  private user: string; // of the session there is
  private prover: Promise<Prove> | null = null;
  private creating: Promise<void> | null = null;
  private readonly storedToken: StoredValue;
  private readonly storedHint: StoredValue;
  private readonly storedProof: StoredValue;

  constructor(
    private readonly base: string,
    private readonly page: Page = {},
    private readonly load: LoadProver = loadProver,
  ) {
    this.storedToken = new StoredValue('sessionStorage', `portcullis:token:${base}`);
    this.storedHint = new StoredValue('localStorage', `portcullis:session-until:${base}`);
    this.storedProof = proofOf(base);
    const [token, tokenUser] = partsOf(this.storedToken.get());
    const [until, hintUser] = partsOf(this.storedHint.get());
    this.token = token || null;
    this.proven = this.storedProof.get() !== null;
    this.cookie = this.token === null && Date.parse(until) > Date.now() ? 'hinted' : 'none';
    this.user = this.token === null ? hintUser : tokenUser;
    this.forgetOther();
  }

  get exists(): boolean {
    return this.token !== null || this.cookie !== 'none';
  }

  /// Makes the call in the session. A 401 is answered once with a new session and the same call
  /// again; a cookie that never arrived, with a bearer session.
  async call(path: string, call: Call): Promise<Response> {
    this.forgetOther();
    if (!this.exists) await this.create('cookie');
    for (let renewed = false; ; renewed = true) {
      const response = await this.callAsIs(path, call);
      if (response.status !== 401) return response;
      if (this.cookie === 'fresh') await this.create('bearer');
      else if (!renewed) await this.create(this.token === null ? 'cookie' : 'bearer');
      else return response;
    }
  }

  /// Makes the call in the session as it is, for what is worth nothing in a new one.
  async callAsIs(path: string, call: Call): Promise<Response> {
    const response = await this.send(path, () => call);
    const fresh = response.headers.get('X-Session-Token');
    if (fresh) this.keep(fresh);
    if (response.status !== 401 && this.cookie !== 'none') this.cookie = 'works';
    return response;
  }

  forget(): void {
    this.keep(null);
    this.cookie = 'none';
    this.proven = false;
    this.storedHint.set(null);
    this.storedProof.set(null);
  }

  /// A session of another user, or of nobody, is none of this one's.
  private forgetOther(): void {
    if (this.exists && this.user !== userOf(this.page)) this.forget();
  }

  private keep(token: string | null): void {
    this.token = token;
    this.storedToken.set(this.withUser(token));
  }

  private withUser(value: string | null): string | null {
    return value && this.user ? `${value} ${this.user}` : value;
  }

  /// Each try is a call of its own: it has a proof of its own.
  private send(path: string, make: () => Call): Promise<Response> {
    const { base, token } = this;
    return paying(async (paid) => {
      const call = make();
      const headers = { ...call.headers, ...paid };
      const request: Call = { credentials: 'include', ...call, headers };
      if (this.proven) return (await (this.prover ??= this.load(base)))(base + path, request, token);
      if (token !== null) headers['Authorization'] = `Bearer ${token}`;
      return fetch(base + path, request);
    });
  }

  private create(delivery: Delivery): Promise<void> {
    this.creating ??= this.createNow(delivery).finally(() => (this.creating = null));
    return this.creating;
  }

  private async createNow(delivery: Delivery): Promise<void> {
    this.forget();
    const { userToken: user_token, userId: user_id, userHash: user_hash } = this.page;
    this.user = userOf(this.page);
    const body = JSON.stringify({
      origin_domain: location.hostname,
      page_url: pageUrl(),
      timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      delivery,
      proof: crypto.subtle && 'dpop', // plain http has none
      user_token,
      user_id,
      user_hash,
    });
    const make = (): Call => ({
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body,
      signal: AbortSignal.timeout(kCreateTimeoutMs),
    });
    let response = await this.send('/api/v1/session/create', make);
    if (!response.ok) {
      const failure = await failureOf(response);
      if (failure.code !== 'PROOF_REQUIRED') throw failure;
      this.proven = true;
      response = await this.send('/api/v1/session/create', make);
    }
    if (!response.ok) throw await failureOf(response);
    const made = (await response.json()) as Record<string, unknown>;
    this.proven = made['token_type'] === 'DPoP';
    if (typeof made['token'] === 'string') {
      this.keep(made['token']);
    } else {
      this.cookie = 'fresh';
      const until = made['expires_at'];
      this.storedHint.set(typeof until === 'string' ? this.withUser(until) : null);
    }
  }
}

/// The script lies beside embed.js, below the same prefix as the API.
const loadProver: LoadProver = async (base) =>
  (await import(`${base}/widget/${PROOF_SCRIPT}`)).prover(base);

/// Whom the page names, so that one is told from another; whether it is so, the gateway says.
function userOf({ userId, userToken }: Page): string {
  if (userId || !userToken) return userId ?? '';
  try {
    const claims = userToken.split('.')[1]!.replace(/-/g, '+').replace(/_/g, '/');
    return String((JSON.parse(atob(claims)) as { sub?: unknown }).sub);
  } catch {
    return '?';
  }
}

/// A stored value, and the user that it is of.
function partsOf(stored: string | null): [string, string] {
  const [value = '', ...user] = (stored ?? '').split(' ');
  return [value, user.join(' ')];
}

/// The address of the page without its fragment, which is none of the server's business.
export function pageUrl(): string {
  return location.href.split('#', 1)[0]!.slice(0, kMaxPageUrlChars);
}
