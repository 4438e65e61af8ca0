// A provider of captchas on loopback that speaks the documented protocol: a form in, JSON out, each token good once.
//
// Source: hCaptcha, "Verify the User Response Server Side"; Cloudflare Turnstile, "Server-side validation".

import { randomBytes } from 'node:crypto';
import { startFakeUpstream } from './fake_upstream.mjs';

/**
 * Starts one; `kind` is `hcaptcha` or `turnstile`. What a fake upstream gives, and:
 *
 * - `solve(challenge, how)`: the token of a visitor who solves it on `how.hostname`, as the page has set it;
 * - `forms`: what it was asked;
 * - `good`: the handler for `onRequest()` that answers as documented.
 */
export async function startFakeSiteverify({ kind, secret, siteKey, path = '/siteverify' }) {
  const upstream = await startFakeUpstream({ path });
  const issued = new Map();
  const forms = [];

  const refuse = (...codes) => ({ success: false, 'error-codes': codes });
  const judge = (form) => {
    if (!form.secret) return refuse('missing-input-secret');
    if (form.secret !== secret) return refuse('invalid-input-secret');
    if (!form.response) return refuse('missing-input-response');
    const token = issued.get(form.response);
    if (token === undefined) return refuse('invalid-input-response');
    if (form.sitekey !== undefined && form.sitekey !== siteKey) return refuse('sitekey-secret-mismatch');
    if (token.used) return refuse(kind === 'turnstile' ? 'timeout-or-duplicate' : 'invalid-or-already-seen-response');
    token.used = true;
    return token.answer;
  };
  const good = (call, response) => {
    const form = Object.fromEntries(new URLSearchParams(call.raw.toString()));
    forms.push({ ...form, headers: call.headers, connection: call.connection });
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(judge(form)));
  };
  upstream.onRequest(good);

  return {
    ...upstream,
    forms,
    good,
    solve({ ticket, action }, { hostname = 'shop.example', solvedAt = new Date(), ...more } = {}) {
      const token = kind === 'turnstile' ? `0.${randomBytes(300).toString('base64url')}` : `P1_${randomBytes(1800).toString('base64url')}`;
      const documented = { success: true, challenge_ts: solvedAt.toISOString(), hostname };
      const customer = kind === 'turnstile' ? { 'error-codes': [], action, cdata: ticket } : { credit: true };
      issued.set(token, { used: false, answer: { ...documented, ...customer, ...more } });
      return token;
    },
  };
}
