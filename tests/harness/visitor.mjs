// A visitor of the chat: an origin, a session and messages.

import assert from 'node:assert/strict';
import { request, bytesOf } from './wire.mjs';

export const kOrigin = 'https://shop.example';

/** For many sessions of one address, each with many messages, which are suspicious together. */
export const kManyWelcome = { SESSION_RISK_ALERT: '100', SESSION_RISK_DENY: '100' };

/** Limits so wide that a test of something else never meets them. */
export const kWideLimits = {
  RATE_LIMIT_PER_MINUTE: '100000000',
  RATE_LIMIT_PER_HOUR: '100000000',
  RATE_LIMIT_SESSION_PER_MINUTE: '100000000',
  RATE_LIMIT_DOMAIN_PER_MINUTE: '100000000',
  SECURITY_RATE_LIMIT_REQUESTS_PER_MINUTE: '100000000',
  LIMITS_IN_FLIGHT_PER_ADDRESS: '100000000',
  LIMITS_IN_FLIGHT_PER_SESSION: '100000000',
  LIMITS_IN_FLIGHT_PER_SITE: '100000000',
  ...kManyWelcome,
};

/** For visitors that say the same thing in quick succession, as no person does, where that is not the matter. */
export const kMachinesWelcome = { GUARDS_BOT_MODE: 'off' };

/** What production needs to start: secrets, an origin, an assistant, and a proxy that speaks https. */
export const kProduction = {
  SECURITY_ENVIRONMENT: 'production',
  JWT_SECRET_KEY: 'Tq7vN2xLw9RzY4bKp1HsD6fGm3JcA8eU5iXoWtVhQyZrBnEkMlSdPgCjFuIaO0xyz',
  SESSION_SECRET_KEY: 'pL0mZ8nQ4vB6xC2sW9aE7rT5yU3iO1kJhGfDdSaPqWeRtYuIoLzMxNcVbKjHgFdS1',
  ALLOWED_ORIGINS: kOrigin,
  UPSTREAM_KIND: 'demo',
  TRUSTED_PROXIES: '127.0.0.1/32',
};

/** What the https proxy in front of a production gateway adds. */
export const kHttps = { 'X-Forwarded-Proto': 'https' };

export function createRequest({ origin = kOrigin, headers = {}, ...rest } = {}) {
  return {
    method: 'POST',
    path: '/api/v1/session/create',
    headers: { Origin: origin, 'Content-Type': 'application/json', ...headers },
    body: { origin_domain: 'shop.example', delivery: 'bearer' },
    ...rest,
  };
}

/** The token of a new session. */
/** Its place among the requests under way is free when this returns: the gateway has closed the connection. */
export async function openSession(gateway, options) {
  const answer = await request(gateway, { ...createRequest(options), untilClosed: true });
  assert.equal(answer.status, 200, answer.text);
  assert.match(answer.json.token, /^pcs_/);
  return answer.json.token;
}

export function messageRequest(token, message, { origin = kOrigin, headers = {}, ...rest } = {}) {
  return {
    method: 'POST',
    path: '/api/v1/chat/message',
    headers: { Origin: origin, Authorization: `Bearer ${token}`, 'Content-Type': 'application/json', ...headers },
    body: { message },
    ...rest,
  };
}

export const messageBytes = (token, message, options) => bytesOf(messageRequest(token, message, options));
