// Everything by keyboard, and what a screen reader is told.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { launchBrowser, openPage } from './browser.mjs';
import { pageWithWidget, startStack } from './stack.mjs';

describe('keyboard and screen reader', () => {
  let stack;
  let browser;

  before(async () => {
    stack = await startStack();
    browser = await launchBrowser();
    stack.site.setPage('/', pageWithWidget(stack.gateway.url));
  });
  after(async () => {
    await browser?.close();
    await stack?.stop();
  });

  /** Label of the focused element inside the widget. */
  const focused = (page) =>
    page.evaluate(() => {
      const inside = document.activeElement?.shadowRoot?.activeElement;
      return (
        inside?.getAttribute('aria-label') ?? inside?.localName ?? document.activeElement?.localName
      );
    });

  it('chats from the first Tab to Escape without a mouse', async () => {
    const { page, chat } = await openPage(browser, stack.site.url);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    assert.equal(await focused(page), 'Open chat');
    assert.equal(await chat.launcher.getAttribute('aria-expanded'), 'false');
    await page.keyboard.press('Enter');
    assert.equal(await chat.launcher.getAttribute('aria-expanded'), 'true');
    assert.equal(await focused(page), 'textarea');

    await page.keyboard.type('first line');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type('second line');
    assert.equal(await chat.input.inputValue(), 'first line\nsecond line');
    await page.keyboard.press('Enter');
    await chat.lastAnswer();
    assert.equal(await chat.questions.last().textContent(), 'first line\nsecond line');
    assert.equal(await focused(page), 'textarea');

    await page.keyboard.press('Shift+Tab');
    assert.equal(await focused(page), 'pre', 'scrollable code can be reached');
    await page.keyboard.press('Escape');
    assert.equal(await chat.panel.isVisible(), false);
    assert.equal(await focused(page), 'Open chat');
    assert.equal(await chat.launcher.getAttribute('aria-expanded'), 'false');
    await page.close();
  });

  it('leaves Enter to an input method that is composing', async () => {
    const { page, chat } = await openPage(browser, stack.site.url);
    await chat.open();
    const before = await chat.questions.count();
    await chat.input.fill('にほん');
    await chat.input.dispatchEvent('keydown', { key: 'Enter', isComposing: true, bubbles: true });
    assert.equal(await chat.input.inputValue(), 'にほん');
    assert.equal(await chat.questions.count(), before);
    await page.close();
  });

  it('lets the field grow to 120 px and no further', async () => {
    const { page, chat } = await openPage(browser, stack.site.url);
    await chat.open();
    const height = () => chat.input.evaluate((input) => input.getBoundingClientRect().height);
    const one = await height();
    await chat.input.fill('a\nb\nc');
    const three = await height();
    await chat.input.fill('a\n'.repeat(30));
    assert.ok(one >= 44 && one < three && three < 120, `${one} ${three}`);
    assert.equal(await height(), 120);
    assert.equal(await chat.input.getAttribute('style'), null);
    await page.close();
  });

  it('announces an answer once, when it is complete', async () => {
    const { page, chat } = await openPage(browser, stack.site.url);
    await chat.open();
    await page.evaluate(() => {
      const root = [...document.querySelectorAll('div')].find((div) => div.shadowRoot).shadowRoot;
      const announcer = root.querySelector('.for-readers[role=status]');
      window.announced = [];
      new MutationObserver(() => window.announced.push(announcer.textContent)).observe(announcer, {
        childList: true,
        characterData: true,
        subtree: true,
      });
    });
    await chat.say('hello');
    await chat.lastAnswer();
    const announced = await page.evaluate(() => window.announced);
    assert.equal(announced.length, 1, String(announced));
    assert.match(
      announced[0],
      /^Assistant: Hello! I can help with orders, returns and SKU numbers\./,
    );
    assert.match(announced[0], /Parcels leave every day at noon\.$/);
    assert.equal(await chat.log.getAttribute('aria-live'), 'polite');
    assert.deepEqual(
      await page.locator('.message:not([aria-live="off"])').count(),
      0,
      'the pieces themselves are silent',
    );
    await page.close();
  });

  it('keeps the focus inside only where the panel covers the screen', async () => {
    const { page, chat } = await openPage(browser, stack.site.url);
    await page.setViewportSize({ width: 360, height: 640 });
    await chat.open();
    assert.equal(await chat.panel.getAttribute('aria-modal'), 'true');
    await chat.input.fill('x');
    await chat.sendButton.focus();
    await page.keyboard.press('Tab');
    assert.equal(await focused(page), 'Close chat');
    await page.keyboard.press('Shift+Tab');
    assert.equal(await focused(page), 'Send');
    await page.keyboard.press('Escape');
    assert.equal(await focused(page), 'Open chat');

    await page.setViewportSize({ width: 1280, height: 800 });
    await chat.open();
    assert.equal(await chat.panel.getAttribute('aria-modal'), null);
    await page.close();
  });
});
