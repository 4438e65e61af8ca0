import assert from 'node:assert/strict';
import { createHash, createPublicKey, verify, type JsonWebKey } from 'node:crypto';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { prover } from './proof';

const kBase = 'https://gate.example';
const kUrl = `${kBase}/api/v1/chat/history?limit=50#x`;
const globals = globalThis as unknown as Record<string, unknown>;
const digest = (text: string): string => createHash('sha256').update(text).digest('base64url');
const part = (text: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(text, 'base64url').toString()) as Record<string, unknown>;

/// What a proof says, once its signature has been checked by other means than the widget's.
function read(proof: string): { header: Record<string, unknown>; claims: Record<string, unknown> } {
  const [header, claims, signature] = proof.split('.') as [string, string, string];
  const key = createPublicKey({ key: part(header)['jwk'] as JsonWebKey, format: 'jwk' });
  const good = verify(
    'sha256',
    Buffer.from(`${header}.${claims}`),
    { key, dsaEncoding: 'ieee-p1363' },
    Buffer.from(signature, 'base64url'),
  );
  assert.ok(good, 'the signature');
  return { header: part(header), claims: part(claims) };
}

describe('a prover', () => {
  const before = { fetch: globals['fetch'], window: globals['window'], crypto: globals['crypto'] };
  let sent: Array<Record<string, string>>;
  let answers: Response[];
  let stored: Map<string, string>;

  beforeEach(() => {
    sent = [];
    answers = [];
    stored = new Map();
    globals['fetch'] = async (_url: string, init: { headers: Record<string, string> }) => {
      sent.push(init.headers);
      return answers.shift() ?? new Response();
    };
    const area = {
      getItem: (key: string) => stored.get(key) ?? null,
      setItem: (key: string, value: string) => void stored.set(key, value),
    };
    globals['window'] = { localStorage: area, sessionStorage: area };
  });
  afterEach(() => {
    Object.assign(globals, { fetch: before.fetch, window: before.window });
    Object.defineProperty(globalThis, 'crypto', { value: before.crypto, configurable: true });
  });

  const claimsOf = (index: number) => read(sent[index]!['DPoP']!).claims;

  it('signs each call for its method, address, time and token, by one key', async () => {
    const prove = prover(kBase);
    await prove(kUrl, { headers: { Accept: 'a/b' } }, 'pcs_token');
    await prove(kUrl, { method: 'POST' }, 'pcs_token');
    const { header, claims } = read(sent[0]!['DPoP']!);
    assert.deepEqual(Object.keys(header).sort(), ['alg', 'jwk', 'typ']);
    assert.deepEqual([header['alg'], header['typ']], ['ES256', 'dpop+jwt']);
    assert.deepEqual(Object.keys(header['jwk'] as object).sort(), ['crv', 'kty', 'x', 'y']);
    assert.deepEqual([claims['htm'], claims['htu']], ['GET', `${kBase}/api/v1/chat/history`]);
    assert.equal(claims['ath'], digest('pcs_token'));
    assert.ok(Math.abs(Number(claims['iat']) - Date.now() / 1000) < 5);
    assert.equal(sent[0]!['Authorization'], 'DPoP pcs_token');
    assert.equal(sent[0]!['Accept'], 'a/b');
    assert.equal(claimsOf(1)['htm'], 'POST');
    assert.notEqual(claimsOf(1)['jti'], claims['jti']);
    assert.deepEqual(read(sent[1]!['DPoP']!).header, header);
  });

  it('names the hash of a cookie as the gateway has told it last', async () => {
    const prove = prover(kBase);
    answers = [new Response(null, { headers: { 'X-Session-Token-Hash': 'hash' } })];
    await prove(kUrl, {}, null);
    await prove(kUrl, {}, null);
    assert.equal(claimsOf(0)['ath'], undefined);
    assert.equal(claimsOf(1)['ath'], 'hash');
    assert.equal(sent[1]!['Authorization'], undefined);
    assert.deepEqual([...stored.values()], ['hash'], 'for a reload');
  });

  it('sets its clock by the gateway and tries once more', async () => {
    const prove = prover(kBase);
    const now = Math.floor(Date.now() / 1000) + 7200;
    const refusal = () => Response.json({ code: 'PROOF_INVALID', now }, { status: 401 });
    answers = [refusal()];
    assert.equal((await prove(kUrl, {}, 'pcs_token')).status, 200);
    assert.ok(Math.abs(Number(claimsOf(1)['iat']) - now) < 5);
    answers = [refusal()];
    assert.equal((await prove(kUrl, {}, 'pcs_token')).status, 401, 'the time is known by now');
    assert.equal(sent.length, 3);
  });

  it('tries once more where another tab has a fresh cookie', async () => {
    const prove = prover(kBase);
    stored.set(`portcullis:proof:${kBase}`, 'old');
    answers = [new Response('no JSON', { status: 401 })];
    const sending = prove(kUrl, {}, null);
    stored.set(`portcullis:proof:${kBase}`, 'fresh');
    assert.equal((await sending).status, 200);
    assert.deepEqual([claimsOf(0)['ath'], claimsOf(1)['ath']], ['old', 'fresh']);
  });

  it('gives any other refusal back as it is', async () => {
    answers = [Response.json({ code: 'SESSION_INVALID' }, { status: 401 })];
    const refused = await prover(kBase)(kUrl, {}, 'pcs_token');
    assert.equal(((await refused.json()) as { code: string }).code, 'SESSION_INVALID');
    assert.equal(sent.length, 1);
  });

  it('sends calls as they are where there are no keys', async () => {
    Object.defineProperty(globalThis, 'crypto', { value: {}, configurable: true });
    await prover(kBase)(kUrl, { headers: { A: 'b' } }, null);
    assert.deepEqual(sent, [{ A: 'b' }]);
  });
});
