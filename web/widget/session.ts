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
  private prover: Promise<Prove> | null = null;
  private creating: Promise<void> | null = null;
  private readonly storedToken: StoredValue;
  private readonly storedHint: StoredValue;
  private readonly storedProof: StoredValue;

  constructor(
    private readonly base: string,
    private readonly load: LoadProver = loadProver,
  ) {
    this.storedToken = new StoredValue('sessionStorage', `portcullis:token:${base}`);
    this.storedHint = new StoredValue('localStorage', `portcullis:session-until:${base}`);
    this.storedProof = proofOf(base);
    this.token = this.storedToken.get();
    this.proven = this.storedProof.get() !== null;
    const until = Date.parse(this.storedHint.get() ?? '');
    this.cookie = this.token === null && until > Date.now() ? 'hinted' : 'none';
  }

  get exists(): boolean {
    return this.token !== null || this.cookie !== 'none';
  }

  /// Makes the call in the session. A 401 is answered once with a new session and the same call
  /// again; a cookie that never arrived, with a bearer session.
  async call(path: string, call: Call): Promise<Response> {
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

  private keep(token: string | null): void {
    this.token = token;
    this.storedToken.set(token);
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
    const body = JSON.stringify({
      origin_domain: location.hostname,
      page_url: pageUrl(),
      timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      delivery,
      proof: crypto.subtle && 'dpop', // plain http has none
    });
    const make = (): Call => ({
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body,
      signal: AbortSignal.timeout(kCreateTimeoutMs),
    });
    let response = await this.send('/api/v1/session/create', make);
    if (response.status === 401) {
      this.proven = true; // as it asks for
      response = await this.send('/api/v1/session/create', make);
    }
    if (!response.ok) throw await failureOf(response);
    const made = (await response.json()) as Record<string, unknown>;
    this.proven = made['token_type'] === 'DPoP';
    if (typeof made['token'] === 'string') {
      this.keep(made['token']);
    } else {
      this.cookie = 'fresh';
      this.storedHint.set(typeof made['expires_at'] === 'string' ? made['expires_at'] : null);
    }
  }
}

/// The script lies beside embed.js, below the same prefix as the API.
const loadProver: LoadProver = async (base) =>
  (await import(`${base}/widget/${PROOF_SCRIPT}`)).prover(base);

/// The address of the page without its fragment, which is none of the server's business.
export function pageUrl(): string {
  return location.href.split('#', 1)[0]!.slice(0, kMaxPageUrlChars);
}
