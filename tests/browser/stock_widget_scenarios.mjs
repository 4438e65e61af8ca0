// What n8n's own widget does in a browser, before whatever n8n answers `You said: …` and remembers.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { launchBrowser, openPage } from './browser.mjs';
import { screenshots } from './stack.mjs';
import { StockChat } from './stock_widget.mjs';

export async function openChat(browser, url) {
  const { page, troubles } = await openPage(browser, url);
  const chat = new StockChat(page);
  await chat.open();
  return { page, chat, troubles };
}

export async function screenshot(page, name) {
  mkdirSync(screenshots, { recursive: true });
  await page.waitForTimeout(350);
  await page.screenshot({ path: join(screenshots, `${name}.png`) });
}

/**
 * Registers the tests. `stage()` gives `{browser, url}`: a Chromium, and a site with the widget on `/plain` and
 * `/streaming` before a gateway that takes 6 messages a minute from one session. `name` begins the screenshots.
 */
export function stockWidgetScenarios(name, stage) {
  const open = (path) => openChat(stage().browser, `${stage().url}${path}`);
  /** Begins a conversation of its own. */
  const fresh = async (path) => {
    const opened = await open(path);
    await opened.page.evaluate(() => localStorage.clear());
    await opened.page.reload();
    await opened.chat.open();
    return opened;
  };

  it('chats, and finds its history after a reload', async () => {
    const { page, chat, troubles } = await fresh('/plain');
    await chat.say('Where is **my** order?');
    assert.equal(await chat.answer(/^You said/), 'You said: Where is my order?');
    await chat.say('And now?');
    await chat.answer(/And now/);
    await page.reload();
    await chat.open();
    await chat.answer(/And now/);
    const asked = (await chat.user.allTextContents()).map((text) => text.trim());
    assert.deepEqual(asked, ['Where is my order?', 'And now?']);
    await screenshot(page, `${name}-history`);
    assert.deepEqual(troubles, []);
    await page.close();
  });

  it('streams', async () => {
    const { page, chat } = await fresh('/streaming');
    await chat.say('One after the other come the words of **this** answer.');
    assert.equal(await chat.answer(/this answer\./), 'You said: One after the other come the words of this answer.');
    assert.equal(await chat.bot.filter({ hasText: 'You said' }).count(), 1, 'one bubble');
    await screenshot(page, `${name}-stream`);
    await page.close();
  });

  it('is in two tabs one conversation', async () => {
    const one = await fresh('/plain');
    const two = await open('/plain');
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
    for (const path of ['/plain', '/streaming']) {
      const { page, chat } = await fresh(path);
      await chat.say('x'.repeat(10_001));
      assert.match(
        await chat.answer(/cannot be processed/),
        /^This message cannot be processed\. It may be empty or too long\. \([0-9A-Z]{26}\)$/,
      );
      await screenshot(page, `${name}-refusal-${path.slice(1)}`);
      await page.close();
    }
  });

  it('shows that its limit is reached, in the language of the browser', async () => {
    const german = await launchBrowser({ locale: 'de-DE' });
    try {
      const { page, chat } = await openChat(german, `${stage().url}/plain`);
      for (let i = 1; i <= 6; i++) {
        await chat.say(`Nummer ${i}`);
        await chat.answer(new RegExp(`You said: Nummer ${i}`));
      }
      await chat.say('Nummer 7');
      assert.match(await chat.answer(/kurzer Zeit/), /^Das war viel in kurzer Zeit\. .* \([0-9A-Z]{26}\)$/);
      await screenshot(page, `${name}-rate-limit`);
    } finally {
      await german.close();
    }
  });

  it('shows nothing to a thief of its session', async () => {
    const owner = await fresh('/plain');
    await owner.chat.say('My secret is 4711');
    await owner.chat.answer(/4711/);
    const stolen = await owner.chat.sessionId();
    const other = await launchBrowser({ userAgent: 'Mozilla/5.0 (Thief)' });
    try {
      await other.context.addInitScript((id) => localStorage.setItem('n8n-chat/sessionId', id), stolen);
      const thief = await openChat(other, `${stage().url}/plain`);
      assert.equal(await thief.chat.sessionId(), stolen);
      assert.ok(!(await thief.page.content()).includes('4711'));
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
}
