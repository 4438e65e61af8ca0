import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { catalogueOf, type Catalogue } from './catalogue';
import { Failure, failureOf } from './failure';
import { clockText, explain } from './failure_text';

const texts = catalogueOf('en');

function problem(
  status: number,
  body: object,
  headers: Record<string, string> = {},
): Promise<Failure> {
  return failureOf(new Response(JSON.stringify(body), { status, headers }));
}

describe('explain', () => {
  const cases: Array<[number, string, keyof Catalogue, string]> = [
    [400, 'VALIDATION_FAILED', 'refused', 'edit'],
    [401, 'SESSION_INVALID', 'session', 'retry'],
    [403, 'INVALID_ORIGIN', 'forbidden', 'none'],
    [403, 'CHALLENGE_REQUIRED', 'blocked', 'retry'],
    [403, 'ADDRESS_BLOCKED', 'blocked', 'retry'],
    [413, 'PAYLOAD_TOO_LARGE', 'tooLarge', 'edit'],
    [422, 'SCHEMA_INVALID', 'refused', 'edit'],
    [429, 'RATE_LIMITED', 'limited', 'retry'],
    [502, 'UPSTREAM_ERROR', 'upstream', 'retry'],
    [503, 'UPSTREAM_UNAVAILABLE', 'unavailable', 'retry'],
    [503, 'STREAM_LIMIT', 'busy', 'retry'],
    [503, 'SESSION_LIMIT', 'busy', 'retry'],
    [504, 'UPSTREAM_TIMEOUT', 'timeout', 'retry'],
    [500, 'INTERNAL', 'unknown', 'retry'],
    [418, '', 'unknown', 'retry'],
  ];
  for (const [status, code, key, action] of cases) {
    it(`${status} ${code}`, async () => {
      const notice = explain(await problem(status, { code }), texts);
      assert.deepEqual([notice.text, notice.action], [texts[key], action]);
    });
  }

  it('takes an answer that was kept back, in the middle of a stream, for a matter of words', () => {
    const notice = explain(new Failure({ code: 'ANSWER_WITHHELD' }), texts);
    assert.deepEqual([notice.text, notice.action], [texts.refused, 'edit']);
  });

  it('shows the reason of a refused message, cut to a bearable length, and of nothing else', async () => {
    assert.equal(explain(await problem(400, { detail: 'Too rude.' }), texts).reason, 'Too rude.');
    assert.equal(
      explain(await problem(400, { detail: 'x'.repeat(9999) }), texts).reason.length,
      300,
    );
    assert.equal(explain(await problem(403, { detail: 'origin' }), texts).reason, '');
  });

  it('shows the error id where the visitor may need to report it', async () => {
    assert.equal(explain(await problem(502, { error_id: 'E1' }), texts).small, 'Reference: E1');
    assert.equal(
      explain(new Failure({ code: 'UPSTREAM_ERROR', errorId: 'E2' }), texts).small,
      'Reference: E2',
    );
    assert.equal(explain(await problem(429, { error_id: 'E3' }), texts).small, '');
  });

  it('waits as long as the body says, else the header, else half a minute for a limit', async () => {
    const wait = async (...from: Parameters<typeof problem>): Promise<number> =>
      explain(await problem(...from), texts).waitSeconds;
    assert.equal(await wait(429, { retry_after: 7 }, { 'Retry-After': '9' }), 7);
    assert.equal(await wait(429, {}, { 'Retry-After': '9' }), 9);
    assert.equal(await wait(429, { retry_after: 1.2 }), 2);
    assert.equal(await wait(429, {}), 30);
    assert.equal(await wait(429, { retry_after: 'soon' }), 30);
    assert.equal(await wait(429, { retry_after: -5 }), 30);
    assert.equal(await wait(429, { retry_after: 1e12 }), 86_400);
    assert.equal(await wait(502, {}), 0);
  });

  it('survives bodies that are no problem documents', async () => {
    for (const body of [
      '<html>502</html>',
      '',
      'null',
      '[1]',
      '"x"',
      '{"code":{},"detail":[],"error_id":5}',
    ]) {
      const failure = await failureOf(new Response(body, { status: 502 }));
      assert.deepEqual([failure.code, failure.detail, failure.errorId], ['HTTP_502', '', ''], body);
      assert.equal(explain(failure, texts).text, texts.upstream);
    }
  });

  it('has every text in every language', () => {
    for (const language of ['de', 'ar']) {
      const other = catalogueOf(language);
      for (const key of Object.keys(texts) as Array<keyof Catalogue>) {
        assert.notEqual(other[key] ?? '', '', `${language} ${key}`);
        const holes = (text: string): string[] => text.match(/\{\w+\}/g) ?? [];
        assert.deepEqual(holes(other[key]), holes(texts[key]), `${language} ${key}`);
      }
    }
  });
});

describe('clockText', () => {
  it('writes minutes and hours', () => {
    assert.deepEqual([0, 9, 75, 3600, 3675].map(clockText), [
      '0:00',
      '0:09',
      '1:15',
      '1:00:00',
      '1:01:15',
    ]);
  });
});
