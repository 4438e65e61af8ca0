// n8n's own chat widget in Chromium, unchanged but for its URL: it chats, streams, remembers, and shows refusals.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { chatTrigger } from '../harness/chat_trigger.mjs';
import { startFakeUpstream } from '../harness/fake_upstream.mjs';
import { launchBrowser, openPage } from './browser.mjs';
import { screenshots, startStack } from './stack.mjs';
import { pageWithStockWidget, publishStockWidget, StockChat } from './stock_widget.mjs';

const kPath = '/webhook/5f1c0a/chat';

/** A gateway before a fake n8n, and a customer's site whose pages `/plain` and `/streaming` have the widget. */
async function startSite(env = {}) {
  const n8n = await startFakeUpstream({ path: kPath });
  const stack = await startStack({ env: { N8N_WEBHOOK_URL: n8n.url, ...env } });
  await publishStockWidget(stack.site);
  const webhookUrl = `${stack.gateway.url}${kPath}`;
  stack.site.setPage('/plain', pageWithStockWidget({ webhookUrl }));
  stack.site.setPage('/streaming', pageWithStockWidget({ webhookUrl, enableStreaming: true }));
  stack.site.setPage('/files', pageWithStockWidget({ webhookUrl, allowFileUploads: true }));
  return {
    ...stack,
    n8n,
    async stop() {
      await stack.stop();
      await n8n.stop();
    },
  };
}

async function openChat(browser, url) {
  const { page, troubles } = await openPage(browser, url);
  const chat = new StockChat(page);
  await chat.open();
  return { page, chat, troubles };
}

async function screenshot(page, name) {
  mkdirSync(screenshots, { recursive: true });
  await page.waitForTimeout(350);
  await page.screenshot({ path: join(screenshots, `${name}.png`) });
}

describe("n8n's own widget", () => {
  let stack;
  let browser;
  let workflow;

  before(async () => {
    stack = await startSite();
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    await stack?.stop();
  });

  const serve = (options) => {
    workflow = chatTrigger(options);
    stack.n8n.onRequest(workflow.handler);
  };

  it('chats, and finds its history after a reload', async () => {
    serve();
    const { page, chat, troubles } = await openChat(browser, `${stack.site.url}/plain`);
    await chat.say('Where is **my** order?');
    assert.equal(await chat.answer(/^You said/), 'You said: Where is my order?');
    await chat.say('And now?');
    await chat.answer(/And now/);
    await page.reload();
    await chat.open();
    await chat.answer(/And now/);
    assert.deepEqual(await chat.user.allTextContents().then((all) => all.map((t) => t.trim())), ['Where is my order?', 'And now?']);
    await screenshot(page, 'n8n-widget-history');
    const seen = new Set(workflow.calls.map((call) => call.sessionId));
    assert.ok(!seen.has(await chat.sessionId()), 'n8n does not see the id that the browser holds');
    assert.deepEqual(troubles, []);
    await page.close();
  });

  it('streams', async () => {
    serve({ streaming: true, pauseMs: 20, reply: () => 'One after the other come the words of **this** answer.' });
    const { page, chat } = await openChat(browser, `${stack.site.url}/streaming`);
    await chat.say('Tell me');
    await chat.answer(/^One after/);
    assert.equal(await chat.answer(/this answer\./), 'One after the other come the words of this answer.');
    assert.equal(await chat.bot.filter({ hasText: 'One after' }).count(), 1, 'one bubble');
    await screenshot(page, 'n8n-widget-stream');
    await page.close();
  });

  it('works on a page of another site than the gateway', async () => {
    serve({ streaming: true });
    const { page, chat } = await openChat(browser, `${stack.site.crossSiteUrl}/streaming`);
    await chat.say('Hello');
    assert.equal(await chat.answer(/^You said/), 'You said: Hello');
    await page.close();
  });

  it('sends files', async () => {
    serve({ reply: (text, { files }) => `${files.map((f) => `${f.name} is ${f.type}`).join(', ')}; ${text}` });
    const { page, chat } = await openChat(browser, `${stack.site.url}/files`);
    const chooser = page.waitForEvent('filechooser');
    await page.locator('.chat-input-file-button').click();
    await (await chooser).setFiles({ name: 'note.txt', mimeType: 'text/plain', buffer: Buffer.from('Grüße') });
    await chat.say('Read this');
    assert.equal(await chat.answer(/note\.txt/), 'note.txt is text/plain; Read this');
    await page.close();
  });

  it('is in two tabs one conversation', async () => {
    serve();
    const one = await openChat(browser, `${stack.site.url}/plain`);
    const two = await openChat(browser, `${stack.site.url}/plain`);
    assert.equal(await one.chat.sessionId(), await two.chat.sessionId());
    await Promise.all([one.chat.say('from tab one'), two.chat.say('from tab two')]);
    await one.chat.answer(/from tab one/);
    await two.chat.answer(/from tab two/);
    assert.equal(await one.chat.bot.filter({ hasText: 'tab two' }).count(), 0, 'each tab gets its own answer');
    await one.page.reload();
    await one.chat.open();
    await one.chat.answer(/from tab one/);
    await one.chat.answer(/from tab two/);
    await one.page.close();
    await two.page.close();
  });

  it('shows a refusal, plain and streamed', async () => {
    serve();
    for (const path of ['/plain', '/streaming']) {
      const { page, chat } = await openChat(browser, `${stack.site.url}${path}`);
      const before = workflow.calls.filter((call) => call.action === 'sendMessage').length;
      await chat.say('x'.repeat(10_001));
      const shown = await chat.answer(/cannot be processed/);
      assert.match(shown, /^This message cannot be processed\. It may be empty or too long\. \([0-9A-Z]{26}\)$/);
      assert.equal(workflow.calls.filter((call) => call.action === 'sendMessage').length, before);
      await screenshot(page, `n8n-widget-refusal-${path.slice(1)}`);
      await page.close();
    }
  });

  it('shows that n8n fails, in our words', async () => {
    stack.n8n.onRequest((request, response) => response.writeHead(500).end('{"message":"Error in workflow"}'));
    const { page, chat } = await openChat(browser, `${stack.site.url}/plain`);
    await chat.say('Hello');
    assert.match(await chat.answer(/not available/), /^The chat is not available at the moment\./);
    assert.ok(!(await page.content()).includes('Error in workflow'));
    await page.close();
  });

  it('shows nothing to a thief of its session', async () => {
    serve();
    const owner = await openChat(browser, `${stack.site.url}/plain`);
    await owner.chat.say('My secret is 4711');
    await owner.chat.answer(/4711/);
    const stolen = await owner.chat.sessionId();
    const other = await launchBrowser({ userAgent: 'Mozilla/5.0 (Thief)' });
    try {
      await other.context.addInitScript((id) => localStorage.setItem('n8n-chat/sessionId', id), stolen);
      const thief = await openChat(other, `${stack.site.url}/plain`);
      assert.equal(await thief.chat.sessionId(), stolen);
      await thief.chat.say('What did I say?');
      await thief.chat.answer(/What did I say/);
      await thief.page.reload();
      await thief.chat.open();
      await thief.chat.answer(/What did I say/);
      assert.ok(!(await thief.page.content()).includes('4711'));
    } finally {
      await other.close();
    }
    await owner.page.reload();
    await owner.chat.open();
    await owner.chat.answer(/4711/);
    assert.equal(await owner.chat.user.filter({ hasText: 'What did I say' }).count(), 0);
    await owner.page.close();
  });
});

describe("n8n's own widget over its limit", () => {
  it('shows that, in the language of the browser', async () => {
    const stack = await startSite({ RATE_LIMIT_SESSION_PER_MINUTE: '2' });
    const browser = await launchBrowser({ locale: 'de-DE' });
    try {
      stack.n8n.onRequest(chatTrigger().handler);
      const { page, chat } = await openChat(browser, `${stack.site.url}/plain`);
      for (const text of ['eins', 'zwei']) {
        await chat.say(text);
        await chat.answer(new RegExp(`You said: ${text}`));
      }
      await chat.say('drei');
      assert.match(await chat.answer(/kurzer Zeit/), /^Das war viel in kurzer Zeit\. .* \([0-9A-Z]{26}\)$/);
      await screenshot(page, 'n8n-widget-rate-limit');
    } finally {
      await browser.close();
      await stack.stop();
    }
  });
});
