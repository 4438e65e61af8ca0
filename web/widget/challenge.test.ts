import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { paying } from './challenge';
import { pass, sha256, solve, type Task } from './work';

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
const taskFor = (number: number, max_number = 500) => {
  const salt = '1800000000-AbCdEfGhIjKlMnOp';
  return { algorithm: 'SHA-256', salt, target: digest(salt + number), max_number, signature: 'sig' };
};
/// What the scripts of the widget do, without loading them.
const work = (task: object) => pass(task as Task);
const showing = (show: (challenge: object) => Promise<string | null>) => (challenge: { kind?: string }) =>
  challenge.kind ? show(challenge) : work(challenge);
const answer = (status: number, body: unknown) => new Response(JSON.stringify(body), { status });

test('digests are those of SHA-256, at every length that fits', () => {
  for (let length = 0; length <= 55; ++length) {
    const text = 'portcullis 0123456789 '.repeat(3).slice(0, length);
    assert.equal(sha256(text), digest(text), `${length} characters`);
  }
  for (let n = 0; n < 2000; ++n) assert.equal(sha256(`salt${n}`), digest(`salt${n}`));
});

test('the number is found wherever it is, and none where there is none', async () => {
  for (const number of [0, 1, 63, 64, 499, 500]) assert.equal(await solve(taskFor(number)), number);
  assert.equal(await solve(taskFor(501)), null);
});

test('a challenged call is made once more, with the solution', async () => {
  const seen: Record<string, string>[] = [];
  const call = async (headers: Record<string, string>): Promise<Response> => {
    seen.push(headers);
    return headers['X-Challenge-Solution'] === undefined
      ? answer(403, { code: 'CHALLENGE_REQUIRED', challenge: taskFor(77) })
      : answer(200, {});
  };
  assert.equal((await paying(call, { A: 'b' }, work)).status, 200);
  assert.deepEqual(seen, [
    { A: 'b' },
    { A: 'b', 'X-Challenge-Solution': '1800000000-AbCdEfGhIjKlMnOp.77.sig' },
  ]);
});

test('a second challenge, another refusal, or nonsense is the answer as it is', async () => {
  const bodies = [
    { challenge: taskFor(5) },
    { code: 'ADDRESS_BLOCKED' },
    { challenge: {} },
    { challenge: { ...taskFor(5), salt: 'x'.repeat(50) } },
    { challenge: { ...taskFor(5), max_number: 1e12 } },
    'no object',
    null,
  ];
  for (const [i, body] of bodies.entries()) {
    let calls = 0;
    const response = await paying(async () => (++calls, answer(403, body)), {}, work);
    assert.equal(response.status, 403);
    assert.deepEqual(await response.json(), body, 'its body can still be read');
    assert.equal(calls, i === 0 ? 2 : 1, JSON.stringify(body));
  }
});

const captcha = { kind: 'turnstile', site_key: 'key', script: 'https://p.example/api.js', ticket: 't-1', fallback: 'wait' };

/// A gateway that challenges with each of `challenges` in turn, then lets pass.
function gateway(challenges: unknown[]) {
  const solutions: (string | undefined)[] = [];
  const call = async (headers: Record<string, string>): Promise<Response> => {
    solutions.push(headers['X-Challenge-Solution']);
    const challenge = challenges[solutions.length - 1];
    return challenge === undefined ? answer(200, {}) : answer(403, { code: 'CHALLENGE_REQUIRED', challenge });
  };
  return { call, solutions };
}

test('a captcha is shown, and the call made once more with what the visitor got for it', async () => {
  const { call, solutions } = gateway([captcha]);
  const shown: unknown[] = [];
  const show = async (challenge: unknown): Promise<string> => (shown.push(challenge), 'turnstile.t-1.token');
  assert.equal((await paying(call, {}, showing(show))).status, 200);
  assert.deepEqual(solutions, [undefined, 'turnstile.t-1.token']);
  assert.deepEqual(shown, [captcha]);
});

test('work that is asked for after a captcha is done, and no second captcha is shown', async () => {
  const away = gateway([captcha, taskFor(7)]);
  assert.equal((await paying(away.call, {}, showing(async () => 'fallback.t-1'))).status, 200);
  assert.equal(away.solutions.length, 3);
  const again = gateway([captcha, captcha, captcha]);
  let shown = 0;
  assert.equal((await paying(again.call, {}, showing(async () => (++shown, 'turnstile.t-1.token')))).status, 403);
  assert.equal(shown, 1);
  assert.equal(again.solutions.length, 2);
});

test('a captcha that is cancelled or cannot be shown is a refusal, and a broken call after it no refusal', async () => {
  for (const show of [async () => null, () => Promise.reject(new Error('no script'))]) {
    const { call, solutions } = gateway([captcha]);
    const response = await paying(call, {}, showing(show));
    assert.equal(response.status, 403);
    assert.equal(((await response.json()) as { code: string }).code, 'CHALLENGE_REQUIRED');
    assert.equal(solutions.length, 1);
  }
  let calls = 0;
  const breaking = async (): Promise<Response> => {
    if (++calls > 1) throw new TypeError('no network');
    return answer(403, { challenge: captcha });
  };
  await assert.rejects(paying(breaking, {}, async () => 'turnstile.t-1.token'), /no network/);
});
