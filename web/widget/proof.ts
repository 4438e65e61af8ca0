/// What embed.js loads where the gateway asks for proofs of possession: makes a key that never
/// leaves this browser and signs each call with it.
///
/// The key lies in IndexedDB, where a reload finds it, without what it is made of; where that is
/// forbidden, in memory. Source: RFC 9449 section 4.2, RFC 7515 section 3.1.

import type { Call, Prove } from './session';
import { proofOf } from './storage';

interface Key {
  readonly pair: CryptoKeyPair;
  readonly jwk: object; // the public one
}

const kAlgorithm = { name: 'ECDSA', namedCurve: 'P-256' };
const kSignature = { name: 'ECDSA', hash: 'SHA-256' };
const kHashHeader = 'X-Session-Token-Hash';
const kKeys = 'keys';
const kStorageTimeoutMs = 3000;
const kSkewThatMattersMs = 5000;

/// Sends calls to the gateway at `base` with a proof each. Over plain http there are no keys: it
/// sends them as they are, and the gateway says what it thinks of that.
export function prover(base: string): Prove {
  if (!crypto.subtle) return (url, call) => fetch(url, call);
  const stored = proofOf(base);
  let key: Promise<Key> | null = null;
  let skew = 0; // by how much the gateway's clock is ahead of ours
  let kept: string | null = null; // where nothing can be stored

  /// A cookie cannot be read here, so the gateway tells its hash.
  const hashOf = async (token: string | null): Promise<string | null> =>
    token === null ? (stored.get() ?? kept) : hashed(token);

  async function once(url: string, call: Call, token: string | null, hash: string | null) {
    const proof = await signed((await (key ??= keyFor(base)))!, {
      jti: crypto.randomUUID(),
      htm: call.method ?? 'GET',
      htu: url.split(/[?#]/, 1)[0]!,
      iat: Math.floor((Date.now() + skew) / 1000),
      ...(hash !== null && { ath: hash }),
    });
    const shown = token !== null && { Authorization: `DPoP ${token}` };
    const response = await fetch(url, {
      ...call,
      headers: { ...call.headers, ...shown, DPoP: proof },
    });
    const fresh = response.headers.get(kHashHeader);
    if (fresh !== null) stored.set((kept = fresh));
    return response;
  }

  /// Whether another try may help: our clock is wrong, or another tab has a fresh cookie.
  async function learn(response: Response, token: string | null, hash: string | null) {
    const body = (await response.clone().json().catch(() => null)) as { now?: unknown } | null;
    const ahead = Number(body?.now ?? NaN) * 1000 - Date.now();
    const wrong = Math.abs(ahead - skew) > kSkewThatMattersMs;
    if (wrong) skew = ahead;
    return wrong || (await hashOf(token)) !== hash;
  }

  return async (url, call, token) => {
    const hash = await hashOf(token);
    const response = await once(url, call, token, hash);
    if (response.status !== 401 || !(await learn(response, token, hash))) return response;
    return once(url, call, token, await hashOf(token));
  };
}

async function signed({ pair, jwk }: Key, claims: object): Promise<string> {
  const header = { typ: 'dpop+jwt', alg: 'ES256', jwk };
  const input = [header, claims].map((part) => base64url(utf8(JSON.stringify(part)))).join('.');
  const signature = await crypto.subtle.sign(kSignature, pair.privateKey, utf8(input));
  return `${input}.${base64url(new Uint8Array(signature))}`;
}

export async function hashed(token: string): Promise<string> {
  return base64url(new Uint8Array(await crypto.subtle.digest('SHA-256', utf8(token))));
}

/// One for each gateway and browser.
async function keyFor(base: string): Promise<Key> {
  const made = (await crypto.subtle.generateKey(kAlgorithm, false, [
    'sign',
    'verify',
  ])) as CryptoKeyPair;
  const pair = await inTime(storedOr(base, made)).catch(() => made);
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey);
  return { pair, jwk: { kty, crv, x, y } };
}

/// The pair that is stored, which another tab may just have made; else `made`, which is then.
function storedOr(name: string, made: CryptoKeyPair): Promise<CryptoKeyPair> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open('portcullis', 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(kKeys);
    opening.onerror = opening.onblocked = () => reject(opening.error);
    opening.onsuccess = () => {
      const database = opening.result;
      const work = database.transaction(kKeys, 'readwrite');
      const keys = work.objectStore(kKeys);
      const looking = keys.get(name);
      let pair = made;
      looking.onsuccess = () => {
        if (looking.result) pair = looking.result as CryptoKeyPair;
        else keys.put(made, name);
      };
      work.oncomplete = () => {
        database.close();
        resolve(pair);
      };
      work.onerror = work.onabort = () => reject(work.error);
    };
  });
}

/// A database that never answers must not keep a visitor waiting.
function inTime<Value>(promise: Promise<Value>): Promise<Value> {
  const late = new Promise<never>((_, reject) => setTimeout(reject, kStorageTimeoutMs));
  return Promise.race([promise, late]);
}

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function base64url(bytes: Uint8Array): string {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}
