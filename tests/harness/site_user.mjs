// What a site's own server says of its user: a token, or the hash of his id.

import { createHmac } from 'node:crypto';

const encoded = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

export function userToken(secret, user, { header = {}, ...claims } = {}) {
  const now = Math.floor(Date.now() / 1000);
  const input = `${encoded({ alg: 'HS256', typ: 'JWT', ...header })}.${encoded({ iss: 'https://shop.example', aud: 'portcullis', sub: user, iat: now, exp: now + 300, ...claims })}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}

export const userHash = (secret, user) => createHmac('sha256', secret).update(user).digest('hex');
