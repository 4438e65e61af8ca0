// n8n's own chat widget in Chromium, unchanged but for its URL, before a fake n8n.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { chatTrigger } from '../harness/chat_trigger.mjs';
import { startFakeUpstream } from '../harness/fake_upstream.mjs';
import { launchBrowser } from './browser.mjs';
import { startStack } from './stack.mjs';
import { pageWithStockWidget, publishStockWidget } from './stock_widget.mjs';
import { openChat, stockWidgetScenarios } from './stock_widget_scenarios.mjs';

describe("n8n's own widget", () => {
  let n8n;
  let stack;
  let browser;
  let plain;
  let streamed;

  before(async () => {
    n8n = await startFakeUpstream({ path: '/webhook/plain/chat' });
    stack = await startStack({
      env: {
        N8N_WEBHOOK_URL: n8n.url,
        N8N_ALLOWED_PATHS: '/webhook/streamed/chat',
        RATE_LIMIT_SESSION_PER_MINUTE: '6',
      },
    });
    await publishStockWidget(stack.site);
    const page = (path, webhook, options) =>
      stack.site.setPage(path, pageWithStockWidget({ webhookUrl: `${stack.gateway.url}/webhook/${webhook}/chat`, ...options }));
    page('/plain', 'plain');
    page('/streaming', 'streamed', { enableStreaming: true });
    page('/files', 'plain', { allowFileUploads: true });
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    await stack?.stop();
    await n8n?.stop();
  });
  beforeEach(() => {
    const withFiles = (text, { files }) => [`You said: ${text}`, ...files.map((f) => `${f.name} is ${f.type}`)].join('; ');
    plain = chatTrigger({ reply: withFiles });
    streamed = chatTrigger({ streaming: true, pauseMs: 20 });
    n8n.onRequest((request, response) => (request.path.includes('streamed') ? streamed : plain).handler(request, response));
  });

  stockWidgetScenarios('n8n-widget', () => ({ browser, url: stack.site.url }));

  it('works on a page of another site than the gateway', async () => {
    const { page, chat } = await openChat(browser, `${stack.site.crossSiteUrl}/streaming`);
    await chat.say('Hello');
    assert.equal(await chat.answer(/said: Hello/), 'You said: Hello');
    const [{ sessionId }] = streamed.calls;
    assert.notEqual(sessionId, await chat.sessionId(), 'n8n does not see the id that the browser holds');
    await page.close();
  });

  it('sends files', async () => {
    const { page, chat } = await openChat(browser, `${stack.site.url}/files`);
    const chooser = page.waitForEvent('filechooser');
    await page.locator('.chat-input-file-button').click();
    await (await chooser).setFiles({ name: 'note.txt', mimeType: 'application/x-odd', buffer: Buffer.from('Grüße') });
    await chat.say('Read this');
    assert.equal(await chat.answer(/note\.txt/), 'You said: Read this; note.txt is text/plain');
    await page.close();
  });

  it('shows that n8n fails, in our words', async () => {
    n8n.onRequest((request, response) => response.writeHead(500).end('{"message":"Error in workflow"}'));
    const { page, chat } = await openChat(browser, `${stack.site.url}/plain`);
    await chat.say('Hello');
    assert.match(await chat.answer(/not available/), /^The chat is not available at the moment\./);
    assert.ok(!(await page.content()).includes('Error in workflow'));
    await page.close();
  });
});
