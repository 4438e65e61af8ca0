// A visitor whom the gateway holds for a machine, on a site that has a provider for that: the widget shows the captcha and
// goes on after it. The browser of these tests says itself that nobody sits before it.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { answers } from '../harness/fake_upstream.mjs';
import { axeFindings, launchBrowser, openPage } from './browser.mjs';
import { startFakeCaptcha } from './fake_captcha.mjs';
import { pageWithWidget, realGateway, startStack } from './stack.mjs';

// Two messages of a machine in a minute.
const kEnv = { RATE_LIMIT_PER_MINUTE: '11' };
const kTitle = 'Please confirm that you are a person';

describe('a captcha', { skip: !realGateway }, () => {
  let browser;
  const running = [];

  before(async () => (browser = await launchBrowser()));
  after(() => browser?.close());
  afterEach(async () => {
    for (const part of running.splice(0).reverse()) await part.stop();
  });

  /** Says what a machine may say before it is challenged. */
  async function useUpLimit(chat) {
    for (let i = 0; i < 2; ++i) {
      await chat.say('hello');
      await chat.lastAnswer();
    }
  }

  /** A page with the widget, whose next message is challenged. */
  async function challengedPage(kind, { env = {}, lang = 'en', headers = () => ({}) } = {}) {
    const captcha = await startFakeCaptcha(kind);
    running.push(captcha);
    const stack = await startStack({ env: { ...kEnv, ...captcha.env, ...env } });
    running.push(stack);
    stack.site.setPage('/', pageWithWidget(stack.gateway.url, '', { lang }), headers(stack, captcha));
    const { page, chat, troubles } = await openPage(browser, stack.site.url);
    running.push({ stop: () => page.close() });
    await chat.open();
    await useUpLimit(chat);
    return { page, chat, troubles, captcha, stack, dialog: (name = kTitle) => page.getByRole('dialog', { name }) };
  }

  /** What must be so once the visitor has passed. */
  async function assertAnswered(chat, page) {
    await page.waitForFunction(() => document.querySelector('.portcullis-captcha') === null);
    assert.match(await (await chat.lastAnswer()).textContent(), /^Hello!/);
    assert.equal(await chat.questions.count(), 3);
    assert.equal(await chat.answers.count(), 4, 'the welcome, and one answer to each');
    assert.equal(await chat.notice.count(), 0);
  }

  for (const [kind, provider] of [['turnstile', 'Cloudflare Turnstile'], ['hcaptcha', 'hCaptcha']]) {
    it(`of ${provider} is shown above the chat, and the message goes on after it`, async () => {
      const { page, chat, troubles, captcha, dialog } = await challengedPage(kind);
      assert.equal(captcha.loads(), 0, 'nothing is loaded before it is needed');
      await chat.say('hello');
      await dialog().waitFor();
      assert.match(await dialog().textContent(), new RegExp(provider));
      assert.deepEqual(await axeFindings(page), []);
      assert.equal(await page.evaluate(() => document.activeElement.id), 'portcullis-captcha-title');
      const button = page.getByRole('button', { name: 'I am a person' });
      assert.equal(await button.getAttribute('data-sitekey'), 'fake-site-key');
      assert.equal(await button.getAttribute('data-language'), 'en');
      await button.click();
      await assertAnswered(chat, page);
      assert.equal(captcha.siteverify.forms.length, 1);
      assert.ok(await chat.input.evaluate((input) => input === input.getRootNode().activeElement), 'the focus is back');
      assert.deepEqual(await page.evaluate(() => [document.adoptedStyleSheets.length, Object.keys(window).filter((name) => /^portcullis/.test(name))]), [0, []]);
      assert.deepEqual(troubles.filter((text) => !text.includes('403')), []);
    });
  }

  it('that the visitor cancels leaves the message to be sent again', async () => {
    const { page, chat, dialog } = await challengedPage('turnstile', { lang: 'de' });
    const title = 'Bitte bestätigen Sie, dass Sie ein Mensch sind';
    await chat.say('hello');
    await dialog(title).waitFor();
    assert.equal(await dialog(title).getAttribute('lang'), 'de');
    await page.keyboard.press('Escape');
    await dialog(title).waitFor({ state: 'detached' });
    await chat.notice.waitFor();
    assert.ok(await chat.panel.isVisible(), 'Escape closed the captcha and not the chat');
  });

  it('whose provider fails is no second one: the widget works instead', async () => {
    const { page, chat, captcha } = await challengedPage('turnstile');
    captcha.siteverify.onRequest(answers.status(500));
    await chat.say('hello');
    await page.getByRole('button', { name: 'I am a person' }).click();
    await assertAnswered(chat, page);
  });

  describe('on a page whose policy forbids the script of its provider', () => {
    const headers = ({ gateway }) => ({ 'Content-Security-Policy': `default-src 'none'; script-src ${gateway.url}; connect-src ${gateway.url}; img-src data:` });

    it('cannot be shown, which the visitor reads', async () => {
      const { page, chat, dialog } = await challengedPage('turnstile', { headers });
      await chat.say('hello');
      await dialog().getByText('could not be loaded').waitFor();
      const close = dialog().getByRole('button', { name: 'Close' });
      await close.click();
      await chat.notice.waitFor();
      assert.equal(await page.locator('.portcullis-captcha').count(), 0);
    });

    it('becomes work where the owner allows that', async () => {
      const { page, chat } = await challengedPage('turnstile', { headers, env: { BOT_CHALLENGE_FALLBACK: 'proof_of_work', BOT_CHALLENGE_STEPS: '1000' } });
      await chat.say('hello');
      await assertAnswered(chat, page);
    });

    it('is shown where the policy trusts by nonce', async () => {
      const nonce = 'bm9uY2Utb2YtdGhlLXRlc3Q';
      const captcha = await startFakeCaptcha('turnstile');
      running.push(captcha);
      const stack = await startStack({ env: { ...kEnv, ...captcha.env } });
      running.push(stack);
      const policy = `script-src 'nonce-${nonce}' 'strict-dynamic'; connect-src ${stack.gateway.url} ${captcha.scriptOrigin}`;
      stack.site.setPage('/', pageWithWidget(stack.gateway.url, `nonce="${nonce}"`), { 'Content-Security-Policy': policy });
      const { page, chat } = await openPage(browser, stack.site.url);
      running.push({ stop: () => page.close() });
      await chat.open();
      await useUpLimit(chat);
      await chat.say('hello');
      await page.getByRole('button', { name: 'I am a person' }).click();
      await assertAnswered(chat, page);
    });
  });
});
