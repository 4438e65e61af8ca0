// What a visitor sees when something fails. Refusals on command come from the mock; a cut
// connection is made by a relay in front of whichever gateway runs.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { words } from './assistant.mjs';
import { launchBrowser, openPage } from './browser.mjs';
import { startCuttingProxy } from './cutting_proxy.mjs';
import { pageWithWidget, startStack } from './stack.mjs';

describe('connections', () => {
  let stack;
  let proxy;
  let browser;

  before(async () => {
    stack = await startStack();
    proxy = await startCuttingProxy(stack.gateway.url);
    browser = await launchBrowser();
    stack.site.setPage('/', pageWithWidget(proxy.url));
  });
  after(async () => {
    await browser?.close();
    await proxy?.stop();
    await stack?.stop();
  });

  it('resumes an answer that was cut, without losing or repeating a word', async () => {
    const { page, chat } = await openPage(browser, stack.site.url);
    await chat.open();
    await chat.say('count');
    await chat.answers.last().getByText('word5 ').waitFor();
    proxy.cut();
    await page.getByText('Reconnecting').first().waitFor();
    await chat.screenshot('reconnecting');
    const answer = await chat.lastAnswer();
    assert.equal((await answer.textContent()).trim(), words(60).join('').trim());
    assert.equal(await chat.notice.count(), 0);
    await page.close();
  });

  it('offers a retry when resuming fails too, and the retry brings the whole answer', async () => {
    const { page, chat } = await openPage(browser, stack.site.url);
    await chat.open();
    await chat.say('count');
    await chat.answers.last().getByText('word5 ').waitFor();
    proxy.setRefusing(true);
    proxy.cut();
    await chat.notice
      .getByText('The connection broke off before the answer was complete.')
      .waitFor({ timeout: 15_000 });
    await chat.screenshot('interrupted');
    proxy.setRefusing(false);
    const questions = await chat.questions.count();
    await page.getByRole('button', { name: 'Try again' }).click();
    const answer = await chat.lastAnswer();
    assert.equal((await answer.textContent()).trim(), words(60).join('').trim());
    assert.equal(await chat.questions.count(), questions, 'the question is not asked twice');
    await page.close();
  });

  it('stops an answer on request and goes on with the next question', async () => {
    const { page, chat } = await openPage(browser, stack.site.url);
    await chat.open();
    await chat.say('count');
    await chat.answers.last().getByText('word3 ').waitFor();
    await chat.screenshot('streaming');
    await chat.stopButton.click();
    await chat.log.getByText('Stopped').waitFor();
    const shown = (await chat.answers.last().textContent()).length;
    assert.ok(shown < words(60).join('').length / 2);
    await chat.say('hello');
    assert.match(await (await chat.lastAnswer()).textContent(), /^Hello!/);
    await page.close();
  });

  it('finds after a reload the answer that was coming in', async () => {
    const { page, chat } = await openPage(browser, stack.site.url);
    await chat.open();
    await chat.say('count');
    await chat.answers.last().getByText('word3 ').waitFor();
    await page.reload();
    await chat.answering.waitFor();
    await chat.screenshot('typing');
    await chat.answers.last().getByText('word60').waitFor();
    await chat.say('hello');
    assert.match(await (await chat.lastAnswer()).textContent(), /^Hello!/);
    await page.close();
  });

  it('says that the browser is offline, and when it no longer is', async () => {
    const { page, chat } = await openPage(browser, stack.site.url);
    await chat.open();
    await browser.context.setOffline(true);
    const banner = chat.panel.getByText('You are offline');
    await banner.waitFor();
    await chat.say('hello');
    await chat.notice.getByText('The message could not be sent.').waitFor();
    await chat.screenshot('offline');
    await browser.context.setOffline(false);
    await banner.waitFor({ state: 'hidden' });
    await page.getByRole('button', { name: 'Try again' }).click();
    assert.match(await (await chat.lastAnswer()).textContent(), /^Hello!/);
    await page.close();
  });
});

describe('refusals', () => {
  let stack;
  let browser;

  before(async () => {
    stack = await startStack({ mock: true });
    browser = await launchBrowser();
    stack.site.setPage(
      '/',
      pageWithWidget(stack.gateway.url, 'data-open="true" data-max-length="2000"'),
    );
  });
  after(async () => {
    await browser?.close();
    await stack?.stop();
  });

  async function refusedWith(...refusals) {
    const opened = await openPage(browser, stack.site.url);
    stack.gateway.refusals.push(...refusals);
    await opened.chat.say('hello');
    return opened;
  }

  const ids = () => stack.gateway.received.slice(-2).map((body) => body.client_message_id);

  it('429 counts down, then the button and the field work again by themselves', async () => {
    const body = { code: 'RATE_LIMITED', retry_after: 2 };
    const { page, chat } = await refusedWith({ status: 429, body });
    const waiting = page.getByRole('button', { name: 'Try again in 0:02' });
    await waiting.waitFor();
    assert.ok(await waiting.isDisabled());
    await chat.input.fill('something else');
    assert.ok(await chat.sendButton.isDisabled());
    await chat.screenshot('limited');
    const retry = page.getByRole('button', { name: 'Try again', exact: true });
    await retry.waitFor();
    assert.ok((await retry.isEnabled()) && (await chat.sendButton.isEnabled()));
    await retry.click();
    assert.match(await (await chat.lastAnswer()).textContent(), /^Hello!/);
    await page.close();
  });

  it('429 reads Retry-After where the body has no number', async () => {
    const { page } = await refusedWith({ status: 429, headers: { 'Retry-After': '75' }, body: {} });
    await page.getByRole('button', { name: 'Try again in 1:15' }).waitFor();
    await page.close();
  });

  it('401 makes a new session once, silently, and sends the same message again', async () => {
    const { page, chat } = await openPage(browser, stack.site.url);
    await chat.say('hello');
    await chat.lastAnswer();
    stack.gateway.sessions.clear();
    await chat.say('hello again');
    await chat.questions.getByText('hello again').waitFor();
    await chat.lastAnswer();
    assert.equal(await chat.notice.count(), 0);
    assert.equal(stack.gateway.received.at(-1).message, 'hello again');
    await page.close();
  });

  it('401 again and again ends in a notice, not in a loop', async () => {
    const before = stack.gateway.calls.length;
    const refusal = { status: 401, body: { code: 'SESSION_INVALID' } };
    const { page, chat } = await refusedWith(refusal, refusal, refusal, refusal);
    await chat.notice.getByText('Your session could not be renewed.').waitFor();
    const calls = stack.gateway.calls.slice(before).filter((call) => call.startsWith('POST'));
    assert.ok(calls.length <= 6, calls.join(', '));
    stack.gateway.refusals.length = 0;
    await page.close();
  });

  it('400 shows the reason and gives the text back for editing', async () => {
    const body = { code: 'VALIDATION_FAILED', detail: 'The message holds <script> markup.' };
    const { page, chat } = await refusedWith({ status: 400, body });
    await chat.notice.getByText('The message holds <script> markup.').waitFor();
    await chat.screenshot('refused');
    await page.getByRole('button', { name: 'Edit message' }).click();
    assert.equal(await chat.input.inputValue(), 'hello');
    assert.equal(await chat.notice.count(), 0);
    await page.close();
  });

  it('403 explains and offers nothing', async () => {
    const { page, chat } = await refusedWith({ status: 403, body: { code: 'INVALID_ORIGIN' } });
    await chat.notice.getByText('Chat is not available on this page.').waitFor();
    assert.equal(await chat.notice.getByRole('button').count(), 0);
    await page.close();
  });

  it('keeps what failed readable when the visitor goes on with something else', async () => {
    const { page, chat } = await refusedWith({ status: 502, body: { code: 'UPSTREAM_ERROR' } });
    await chat.notice.getByText('The assistant could not answer.').waitFor();
    await chat.say('something else');
    await chat.lastAnswer();
    assert.equal(await chat.notice.count(), 1);
    assert.equal(await chat.notice.getByRole('button').count(), 0);
    await page.close();
  });

  it('413 says that the message is too long', async () => {
    const { page, chat } = await refusedWith({ status: 413, body: { code: 'PAYLOAD_TOO_LARGE' } });
    await chat.notice.getByText('The message is too long.').waitFor();
    await page.close();
  });

  for (const [status, code, text] of [
    [502, 'UPSTREAM_ERROR', 'The assistant could not answer.'],
    [503, 'UPSTREAM_UNAVAILABLE', 'The assistant is not available just now.'],
    [504, 'UPSTREAM_TIMEOUT', 'The assistant took too long to answer.'],
  ]) {
    it(`${status} shows the error id, and a retry keeps the id of the message`, async () => {
      const body = { code, error_id: '01J8ZK3V9Q4N5M6P7R8S9T0VWX' };
      const { page, chat } = await refusedWith({ status, body }, { status, body });
      await chat.notice.getByText(text).waitFor();
      await chat.notice.getByText('Reference: 01J8ZK3V9Q4N5M6P7R8S9T0VWX').waitFor();
      if (status === 502) await chat.screenshot('upstream-error');
      const requests = [];
      page.on(
        'request',
        (request) => request.method() === 'POST' && requests.push(request.postDataJSON()),
      );
      await page.getByRole('button', { name: 'Try again' }).click();
      await chat.notice.getByText(text).waitFor();
      await page.getByRole('button', { name: 'Try again' }).click();
      await chat.lastAnswer();
      assert.equal(requests.length, 2);
      assert.equal(requests[0].client_message_id, requests[1].client_message_id);
      assert.equal(ids().at(-1), requests[1].client_message_id);
      await page.close();
    });
  }

  it('refuses by itself what is longer than data-max-length, with a count', async () => {
    const { page, chat } = await openPage(browser, stack.site.url);
    await chat.input.fill('x'.repeat(2001));
    await chat.panel.getByText('2001 / 2000').waitFor();
    assert.ok(await chat.sendButton.isDisabled());
    await chat.input.fill('x'.repeat(2000));
    assert.ok(await chat.sendButton.isEnabled());
    await page.close();
  });
});
