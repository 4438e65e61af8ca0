import assert from 'node:assert/strict';
import { test } from 'node:test';
import { optionsFor, type CaptchaChallenge } from './captcha_api';
import { captchaTextsIn } from './captcha_texts';

const look = { language: 'de', dark: true };
const base = { site_key: 'key', script: 'https://p.example/api.js', ticket: 't-1', fallback: 'wait' } as const;
const turnstile: CaptchaChallenge = { ...base, kind: 'turnstile', action: 'portcullis' };
const hcaptcha: CaptchaChallenge = { ...base, kind: 'hcaptcha' };

function heard() {
  const said: string[] = [];
  const events = {
    onToken: (token: string) => void said.push(token),
    onFailure: () => void said.push('failure'),
    onUnsupported: () => void said.push('unsupported'),
  };
  return { said, events };
}

test('each provider gets the options of its documentation', () => {
  const { events } = heard();
  const names = (challenge: CaptchaChallenge) =>
    Object.keys(optionsFor(challenge, look, events)).filter((name) => !name.includes('callback'));
  assert.deepEqual(names(turnstile), ['sitekey', 'theme', 'language', 'action', 'cData']);
  assert.deepEqual(names(hcaptcha), ['sitekey', 'theme', 'hl']);
  const { action, cData, theme } = optionsFor(turnstile, look, events);
  assert.deepEqual([action, cData, theme], ['portcullis', 't-1', 'dark']);
});

test('tokens and failures are told; a failure is handled and thrown to nobody', () => {
  const { said, events } = heard();
  const options = optionsFor(turnstile, look, events) as Record<string, (value?: string) => unknown>;
  options['callback']!('token');
  assert.equal(options['error-callback']!('300030'), true);
  options['timeout-callback']!();
  options['unsupported-callback']!();
  assert.deepEqual(said, ['token', 'failure', 'failure', 'unsupported']);
});

test('every language of the widget has all texts of a captcha', () => {
  const names = Object.keys(captchaTextsIn('en'));
  for (const language of ['de', 'ar']) {
    assert.deepEqual(Object.keys(captchaTextsIn(language)), names);
    assert.notEqual(captchaTextsIn(language).title, captchaTextsIn('en').title);
    assert.match(captchaTextsIn(language).text, /\{provider\}/);
  }
});
