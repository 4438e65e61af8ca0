// In other people's pages: strict policies, other sites, no cookies.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { launchBrowser, openPage } from './browser.mjs';
import { pageWithWidget, startStack } from './stack.mjs';

describe('embedding', () => {
  let stack;

  before(async () => {
    stack = await startStack();
    stack.site.setPage('/', pageWithWidget(stack.gateway.url));
  });
  after(async () => stack?.stop());

  async function withBrowser(options, run) {
    const browser = await launchBrowser(options);
    try {
      await run(browser);
    } finally {
      await browser.close();
    }
  }

  async function chatsOn(browser, url, name) {
    const { page, chat, troubles } = await openPage(browser, url);
    await chat.open();
    await chat.say('hello');
    assert.match(await (await chat.lastAnswer()).textContent(), /^Hello!/);
    await page.reload();
    await chat.questions.last().waitFor({ state: 'attached' });
    if (name) await chat.screenshot(name);
    return { page, troubles };
  }

  it('works under a policy that allows nothing but the gateway, without a violation', async () => {
    const gateway = stack.gateway.url;
    const policy = [
      "default-src 'none'",
      `script-src ${gateway}`,
      "style-src 'none'",
      `connect-src ${gateway}`,
      "img-src 'none'",
      "font-src 'none'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ].join('; ');
    const html = pageWithWidget(gateway).replace('<link rel="icon" href="data:,">', '');
    stack.site.setPage('/strict', html, { 'Content-Security-Policy': policy });
    await withBrowser({}, async (browser) => {
      await browser.context.addInitScript(() => {
        window.violations = [];
        document.addEventListener('securitypolicyviolation', (event) =>
          window.violations.push(event.violatedDirective),
        );
      });
      const { page, troubles } = await chatsOn(
        browser,
        `${stack.site.url}/strict`,
        'strict-policy',
      );
      assert.deepEqual(await page.evaluate(() => window.violations), []);
      assert.deepEqual(troubles, []);
    });
  });

  it('works on another site over plain http, where a cookie cannot', async () => {
    await withBrowser({}, async (browser) => {
      await chatsOn(browser, stack.site.crossSiteUrl);
      assert.deepEqual(await browser.context.cookies(), []);
    });
  });

  it('works where the browser blocks cookies and storage', async () => {
    const preferences = { profile: { default_content_setting_values: { cookies: 2 } } };
    await withBrowser({ preferences }, async (browser) => {
      const { page, chat, troubles } = await openPage(browser, stack.site.url);
      const storage = await page.evaluate(() => {
        try {
          return typeof window.localStorage;
        } catch (error) {
          return error.name;
        }
      });
      assert.equal(storage, 'SecurityError', 'the browser really blocks');
      await chat.open();
      for (const text of ['hello', 'hello again']) {
        await chat.say(text);
        assert.match(await (await chat.lastAnswer()).textContent(), /^Hello!/);
      }
      assert.deepEqual(await browser.context.cookies(), []);
      assert.deepEqual(troubles, []);
    });
  });

  it('keeps its tree to itself: the shadow root is closed and no style attribute is written', async () => {
    await withBrowser({ shadow: 'closed' }, async (browser) => {
      const { page } = await openPage(browser, stack.site.url);
      const host = await page.evaluate(() => {
        window.Portcullis.open();
        const element = document.body.lastElementChild;
        return {
          name: element.localName,
          attributes: element.attributes.length,
          root: element.shadowRoot,
          children: element.childElementCount,
        };
      });
      assert.deepEqual(host, { name: 'div', attributes: 0, root: null, children: 0 });
      // Waiting begins before the key: the answer may be there at once.
      const answered = page.waitForResponse((response) => response.url().endsWith('/chat/stream'));
      await page.keyboard.type('hello');
      await page.keyboard.press('Enter');
      await answered;
    });
    await withBrowser({}, async (browser) => {
      const { page, chat } = await openPage(browser, stack.site.url);
      await chat.open();
      await chat.say('hello');
      await chat.lastAnswer();
      assert.equal(await page.locator('.root [style], .root style, .root script').count(), 0);
      const globals = await page.evaluate(() => {
        const frame = document.body.appendChild(document.createElement('iframe'));
        const usual = new Set(Object.getOwnPropertyNames(frame.contentWindow));
        frame.remove();
        return Object.getOwnPropertyNames(window).filter(
          (name) => !usual.has(name) && !/^\d+$/.test(name),
        );
      });
      assert.deepEqual(
        globals.filter((name) => !name.startsWith('__p')),
        ['Portcullis'],
      ); // __p…: Playwright
    });
  });
});
