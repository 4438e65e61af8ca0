// The ordinary way through: open, ask, read, come back.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { launchBrowser, openPage } from './browser.mjs';
import { pageWithWidget, startStack } from './stack.mjs';

describe('chat', () => {
  let stack;
  let browser;

  before(async () => {
    stack = await startStack();
    browser = await launchBrowser();
    stack.site.setPage(
      '/',
      pageWithWidget(
        stack.gateway.url,
        'data-title="Castle shop" data-subtitle="Gates, moats, bridges"',
      ),
    );
  });
  after(async () => {
    await browser?.close();
    await stack?.stop();
  });

  it('happens on the demo page, under its strict policy', async () => {
    const { page, chat, troubles } = await openPage(browser, `${stack.gateway.url}/widget/`);
    await page.locator('[data-state="good"]').waitFor();
    assert.match(
      await page.locator('#snippet').textContent(),
      new RegExp(`src="${stack.gateway.url}/widget/embed.js"`),
    );
    await chat.screenshot('demo');
    await page.getByRole('button', { name: 'Start a conversation' }).click();
    await chat.say('hello');
    assert.match(await (await chat.lastAnswer()).textContent(), /^Hello! I can help with orders/);
    await chat.screenshot('demo-chat');
    assert.deepEqual(troubles, []);
    await page.close();
  });

  it('shows question and formatted answer on the screen of a customer', async () => {
    const { page, chat, troubles } = await openPage(browser, stack.site.url);
    await chat.screenshot('closed');
    await chat.open();
    await chat.say('Where is my order?');
    const answer = await chat.lastAnswer();
    assert.equal(await chat.questions.last().textContent(), 'Where is my order?');
    assert.equal(await answer.locator('strong').first().textContent(), 'orders');
    assert.equal(await answer.locator('ol > li').count(), 3);
    assert.equal(await answer.locator('ol ul > li').count(), 1);
    assert.match(
      await answer.locator('pre code').textContent(),
      /^const order = await find\("A-1001"\);\n/,
    );
    const link = answer.locator('a');
    assert.equal(await link.getAttribute('href'), 'https://shop.example/account');
    assert.equal(await link.getAttribute('rel'), 'noopener noreferrer nofollow');
    assert.equal(await link.getAttribute('target'), '_blank');
    await chat.screenshot('chat');
    assert.deepEqual(troubles, []);
    await page.close();
  });

  it('shows the conversation and stays open after a reload', async () => {
    const { page, chat } = await openPage(browser, stack.site.url);
    await chat.open();
    await chat.say('Remember me');
    await chat.lastAnswer();
    await page.reload();
    await chat.questions.getByText('Remember me').waitFor();
    assert.ok(await chat.panel.isVisible());
    assert.match(await (await chat.lastAnswer()).textContent(), /^Hello!/);
    assert.equal(
      await page.evaluate(() => document.activeElement.tagName),
      'BODY',
      'focus is not taken',
    );
    await page.close();
  });

  it('shows in one tab what was said in another', async () => {
    const first = await openPage(browser, stack.site.url);
    const second = await openPage(browser, stack.site.url);
    await first.chat.open();
    await first.chat.say('From the first tab');
    await first.chat.lastAnswer();
    await second.chat.questions.getByText('From the first tab').waitFor({ state: 'attached' });
    await first.page.close();
    await second.page.close();
  });

  it('counts answers that come in while it is closed', async () => {
    const { page, chat } = await openPage(browser, stack.site.url);
    await chat.open();
    await chat.say('count');
    await chat.launcher.click();
    await page.locator('.badge:not([hidden])').waitFor();
    assert.equal(await chat.launcher.getAttribute('aria-label'), 'Open chat, 1 unread');
    await chat.open();
    assert.equal(await page.locator('.badge').isVisible(), false);
    await page.close();
  });

  it('follows the end only while the reader is near it', async () => {
    const { page, chat } = await openPage(browser, stack.site.url);
    await chat.open();
    await chat.say('story');
    await chat.lastAnswer();
    const below = () =>
      chat.log.evaluate((log) => log.scrollHeight - log.clientHeight - log.scrollTop);
    assert.ok((await below()) < 2);
    await chat.say('count');
    await chat.answers.last().getByText('word3').waitFor();
    await chat.log.evaluate((log) => (log.scrollTop = 0));
    await page.getByRole('button', { name: 'Newest messages' }).waitFor();
    assert.equal(await chat.log.evaluate((log) => log.scrollTop), 0);
    await page.getByRole('button', { name: 'Newest messages' }).click();
    assert.ok((await below()) < 2);
    await chat.lastAnswer();
    await page.close();
  });

  it('can be driven by the page through window.Portcullis, and taken out', async () => {
    const { page, chat } = await openPage(browser, stack.site.url);
    assert.deepEqual(await page.evaluate(() => Object.keys(window.Portcullis).sort()), [
      'close',
      'destroy',
      'open',
      'send',
      'toggle',
    ]);
    assert.equal(await page.evaluate(() => window.Portcullis.send('From the page')), true);
    assert.ok(await chat.panel.isVisible());
    await chat.lastAnswer();
    assert.equal(await page.evaluate(() => window.Portcullis.send('   ')), false);
    await page.evaluate(() => window.Portcullis.close());
    assert.equal(await chat.panel.isVisible(), false);
    await page.evaluate(() => window.Portcullis.destroy());
    assert.equal(await chat.launcher.count(), 0);
    assert.equal(await page.evaluate(() => 'Portcullis' in window), false);
    await page.close();
  });

  it('does nothing when it is included twice', async () => {
    const twice = `<script src="${stack.gateway.url}/widget/embed.js"></script>`;
    stack.site.setPage('/twice', pageWithWidget(stack.gateway.url, '', { head: twice }));
    const { page, chat, troubles } = await openPage(browser, `${stack.site.url}/twice`);
    assert.equal(await chat.launcher.count(), 1);
    assert.deepEqual(troubles, []);
    await page.close();
  });
});
