// An assistant that attacks its readers, against the real DOM.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { launchBrowser, openPage } from './browser.mjs';
import { allowedElements, hostileTexts } from './hostile_texts.mjs';
import { pageWithWidget, startStack } from './stack.mjs';

describe('hostile answers', () => {
  let stack;
  let browser;

  before(async () => {
    const env = { RATE_LIMIT_SESSION_PER_MINUTE: '1000', RATE_LIMIT_PER_MINUTE: '1000' };
    stack = await startStack({ env });
    browser = await launchBrowser();
    stack.site.setPage('/', pageWithWidget(stack.gateway.url, 'data-open="true"'));
  });
  after(async () => {
    await browser?.close();
    await stack?.stop();
  });

  /** Elements, attributes and links of the newest answer that are not on the allow-list. */
  const strangers = (bubble) =>
    bubble.evaluate((root, allowed) => {
      const found = [];
      for (const element of root.querySelectorAll('*')) {
        const attributes = allowed[element.localName];
        if (!attributes) found.push(element.localName);
        for (const { name } of element.attributes) {
          if (!attributes?.includes(name)) found.push(`${element.localName}[${name}]`);
        }
        if (element.localName === 'a') {
          if (!['http:', 'https:', 'mailto:'].includes(element.protocol)) found.push(element.href);
          if (element.rel !== 'noopener noreferrer nofollow' || element.target !== '_blank')
            found.push(element.outerHTML);
        }
      }
      return found;
    }, allowedElements);

  it('stay text: no foreign element or attribute, no script, no request', async () => {
    const { page, chat, troubles } = await openPage(browser, stack.site.url);
    const requests = [];
    page.on('request', (request) => requests.push(request.url()));
    for (const [at] of hostileTexts.entries()) {
      await chat.say(`hostile ${at}`);
      await chat.questions.last().getByText(`hostile ${at}`, { exact: true }).waitFor();
      const bubble = await chat.lastAnswer();
      assert.deepEqual(await strangers(bubble), [], hostileTexts[at].slice(0, 80));
      for (const link of await bubble.locator('a').all())
        await link.hover({ force: true, timeout: 2000 });
    }
    assert.equal(await page.evaluate(() => window.pwned), undefined);
    assert.deepEqual(troubles, []);
    assert.deepEqual(
      requests.filter((url) => !url.startsWith(stack.gateway.url)),
      [],
    );
    await page.close();
  });

  it('are just as harmless when they come back from the history', async () => {
    const { page, chat } = await openPage(browser, stack.site.url);
    await chat.questions.last().waitFor();
    for (const bubble of await chat.answers.all()) assert.deepEqual(await strangers(bubble), []);
    assert.equal(await page.evaluate(() => window.pwned), undefined);
    await page.close();
  });

  it('do not come from the visitor either', async () => {
    const { page, chat } = await openPage(browser, stack.site.url);
    await chat.say('2 < 3 and <b>bold</b> is text');
    await chat.lastAnswer();
    assert.equal(await chat.questions.last().evaluate((bubble) => bubble.childElementCount), 0);
    assert.equal(await chat.questions.last().textContent(), '2 < 3 and <b>bold</b> is text');
    await page.close();
  });
});
