// A visitor whom the gateway holds for a machine: the widget works for the answers, and nobody notices. The browser of
// these tests says itself that nobody sits before it.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { launchBrowser, openPage } from './browser.mjs';
import { pageWithWidget, realGateway, startStack } from './stack.mjs';

describe('a challenge', { skip: !realGateway }, () => {
  let stack;
  let browser;

  before(async () => {
    // Two requests of a machine in a minute.
    stack = await startStack({ env: { RATE_LIMIT_PER_MINUTE: '11' } });
    browser = await launchBrowser();
    stack.site.setPage('/', pageWithWidget(stack.gateway.url));
  });
  after(async () => {
    await browser?.close();
    await stack?.stop();
  });

  it('is solved by the widget, while the page goes on', async () => {
    const { page, chat, troubles } = await openPage(browser, stack.site.url);
    const statuses = [];
    page.on('response', (response) => {
      if (response.url().endsWith('/chat/stream')) statuses.push(response.status());
    });
    await chat.open();
    for (let i = 0; i < 4; ++i) {
      await chat.say('hello');
      assert.match(await (await chat.lastAnswer()).textContent(), /^Hello!/);
    }
    assert.ok(statuses.includes(403), `${statuses}`);
    assert.equal(statuses.filter((status) => status === 200).length, 4, `${statuses}`);
    assert.equal(await chat.notice.count(), 0);
    assert.deepEqual(troubles.filter((text) => !text.includes('403')), []);
    await page.close();
  });
});
