// What every answer of the gateway must have, whoever made it.

import assert from 'node:assert/strict';

export const kUuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
export const kUlid = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** The security headers that do not depend on profile and route. */
export const kSecurityHeaders = {
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'X-XSS-Protection': '1; mode=block',
  'Referrer-Policy': 'strict-origin-when-cross-origin',
  'Permissions-Policy':
    'accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), payment=(), usb=()',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Opener-Policy': 'same-origin',
};

export function expectSecurityHeaders(answer, { corp = 'same-origin' } = {}) {
  for (const [name, value] of Object.entries(kSecurityHeaders)) {
    assert.equal(answer.header(name), value, `${name} on a ${answer.status}`);
  }
  assert.equal(answer.header('Cross-Origin-Resource-Policy'), corp, `CORP on a ${answer.status}`);
  assert.match(answer.header('Content-Security-Policy') ?? '', /^default-src 'self'; script-src 'self'/);
  assert.match(answer.header('X-Request-ID') ?? '', kUuid);
  for (const name of ['Server', 'X-Powered-By']) assert.equal(answer.header(name), undefined, name);
}

/** An error answer in full: RFC 9457 members, ours, and the headers that every answer has. */
export function expectProblem(answer, status, code) {
  assert.equal(answer.status, status, `expected ${status} ${code}, got ${answer.status} ${answer.text.slice(0, 300)}`);
  assert.equal(answer.header('Content-Type'), 'application/problem+json');
  const problem = answer.json;
  assert.equal(problem.code, code);
  assert.equal(problem.status, status);
  assert.equal(problem.type, `urn:portcullis:problem:${code.toLowerCase().replaceAll('_', '-')}`);
  assert.match(problem.error_id, kUlid);
  for (const member of ['title', 'detail', 'error']) {
    assert.equal(typeof problem[member], 'string', member);
    assert.notEqual(problem[member], '', member);
  }
  assert.equal(typeof problem.instance, 'string');
  const retry = answer.header('Retry-After');
  assert.equal(problem.retry_after, retry === undefined ? undefined : Number(retry), 'retry_after and Retry-After');
  expectSecurityHeaders(answer);
  return problem;
}

/** Polls until `check` gives something true, and returns that; fails after `within` ms. */
export async function eventually(check, { within = 10_000, what = 'the condition' } = {}) {
  const deadline = Date.now() + within;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`${what} did not come true within ${within} ms`);
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
}
