// A visitor's key and the proofs of possession that he signs with it (RFC 9449).

import { createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { createRequest, kOrigin, messageRequest } from './visitor.mjs';
import { request } from './wire.mjs';

const encoded = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
export const tokenHash = (token) => createHash('sha256').update(token).digest('base64url');

export function newKey() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { kty, crv, x, y } = publicKey.export({ format: 'jwk' });
  const jwk = { kty, crv, x, y };
  const signed = (claims, header = {}) => {
    const input = `${encoded({ typ: 'dpop+jwt', alg: 'ES256', jwk, ...header })}.${encoded(claims)}`;
    return `${input}.${sign('sha256', input, { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  };
  /** For one request; `claims` replaces what it says by default. */
  const proof = (gateway, method, path, token, claims = {}) =>
    signed({
      jti: randomUUID(),
      htm: method,
      htu: gateway.url + path.split('?')[0],
      iat: Math.floor(Date.now() / 1000),
      ...(token && { ath: tokenHash(token) }),
      ...claims,
    });
  return { jwk, signed, proof };
}

/** A request with its proof: of a session where there is a token, else for a new one. */
export function proven(gateway, key, token, call, claims) {
  const proof = key.proof(gateway, call.method ?? 'GET', call.path, token, claims);
  const { host: Host } = new URL(gateway.url);
  return { ...call, headers: { Host, ...call.headers, ...(token && { Authorization: `DPoP ${token}` }), DPoP: proof } };
}

export const createProven = (gateway, key, { body, headers, claims } = {}) =>
  request(gateway, proven(gateway, key, undefined, createRequest({ headers, ...(body && { body }) }), claims));

export const sayProven = (gateway, key, token, message, claims) => request(gateway, proven(gateway, key, token, messageRequest(token, message), claims));

export const getProven = (gateway, key, token, path) => request(gateway, proven(gateway, key, token, { path, headers: { Origin: kOrigin } }));
