// Users of the gateway: how tests make them, and how these log in.

import { randomBytes } from 'node:crypto';
import { call } from './client.mjs';
import { startGateway } from './gateway.mjs';

/** Starts a gateway that makes its first admin; adds `password` to what startGateway returns. */
export async function startWithAdmin(options = {}) {
  const gateway = await startGateway({ ...options, env: { AUTH_FIRST_ADMIN: 'true', ...options.env } });
  const password = await passwordOf(gateway);
  return Object.assign(gateway, { password });
}

/** The password that the first start shows once. */
async function passwordOf(gateway) {
  for (let i = 0; i < 500; ++i) {
    const shown = gateway.output().match(/the user admin has the password ([A-Z2-7]{24}) /);
    if (shown) return shown[1];
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`no password was shown\n${gateway.output()}`);
}

export const logIn = (gateway, body, headers = {}) => call(gateway, 'POST', '/api/auth/login', { body, headers });
export const logInAsAdmin = (gateway, headers) => logIn(gateway, { username: 'admin', password: gateway.password }, headers);
export const refresh = (gateway, token, headers = {}) =>
  call(gateway, 'POST', '/api/auth/refresh', { body: { refresh_token: token }, headers });
export const bearer = (token) => ({ Authorization: `Bearer ${token}` });
export const me = (gateway, token) => call(gateway, 'GET', '/api/auth/me', { headers: bearer(token) });

/** The claims of a JWT, unverified. */
export const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
export const headerOf = (token) => JSON.parse(Buffer.from(token.split('.')[0], 'base64url'));

const secret = () => randomBytes(48).toString('base64url');

/** What nodes have in common that share a Redis and know each other's users' tokens. */
export const commonToNodes = (redis, env = {}) => ({
  REDIS_URL: redis.url,
  SESSION_SECRET_KEY: secret(),
  JWT_SECRET_KEY: secret(),
  SECURITY_JWT_SECRET_KEY: secret(),
  ...env,
});
