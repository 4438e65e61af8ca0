// How it looks at its edges: narrow, right to left, dark, themed; and whether everybody can use it.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { axeFindings, launchBrowser, openPage } from './browser.mjs';
import { pageWithWidget, startStack } from './stack.mjs';

describe('appearance', () => {
  let stack;
  let browser;

  before(async () => {
    stack = await startStack();
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    await stack?.stop();
  });

  let count = 0;
  async function openWith(attributes, options) {
    const path = `/page-${++count}`;
    stack.site.setPage(path, pageWithWidget(stack.gateway.url, attributes, options));
    return openPage(browser, stack.site.url + path);
  }

  for (const theme of ['light', 'dark']) {
    it(`gives axe nothing to find, closed and open, ${theme}`, async () => {
      const { page, chat } = await openWith(`data-theme="${theme}"`);
      assert.deepEqual(await axeFindings(page), []);
      await chat.open();
      await chat.say('hello');
      await chat.lastAnswer();
      assert.deepEqual(await axeFindings(page), []);
      await chat.screenshot(`axe-${theme}`);
      await page.close();
    });

    it(`gives axe nothing to find on the demo page, ${theme}`, async () => {
      const { page, chat } = await openPage(browser);
      await page.emulateMedia({ colorScheme: theme });
      await page.goto(`${stack.gateway.url}/widget/`);
      await page.locator('[data-state="good"]').waitFor();
      assert.deepEqual(await axeFindings(page), []);
      await chat.screenshot(`demo-full-${theme}`, { fullPage: true });
      await chat.open();
      assert.deepEqual(await axeFindings(page), []);
      await page.close();
    });
  }

  for (const [name, accent] of [
    ['yellow', '#ffd400'],
    ['grey', 'rgb(128, 128, 128)'],
    ['navy', '#0a1440'],
  ]) {
    it(`keeps a ${name} accent readable in both themes`, async () => {
      for (const theme of ['light', 'dark']) {
        const { page, chat } = await openWith(`data-accent="${accent}" data-theme="${theme}"`);
        await chat.open();
        await chat.say('hello');
        await chat.lastAnswer();
        assert.deepEqual(await axeFindings(page), []);
        await chat.screenshot(`accent-${name}-${theme}`);
        await page.close();
      }
    });
  }

  it('fills a screen of 320 px without scrolling sideways', async () => {
    const { page, chat } = await openWith('data-title="A shop with quite a long name indeed"');
    await page.setViewportSize({ width: 320, height: 568 });
    await chat.screenshot('narrow-closed');
    await chat.open();
    await chat.say('hello');
    await chat.lastAnswer();
    const box = await chat.panel.boundingBox();
    assert.deepEqual([box.x, box.y, box.width, box.height], [0, 0, 320, 568]);
    const sideways = await chat.log.evaluate((log) => log.scrollWidth - log.clientWidth);
    assert.equal(sideways, 0);
    assert.deepEqual(await axeFindings(page), []);
    await chat.screenshot('narrow-open');
    await page.close();
  });

  it('mirrors itself for Arabic', async () => {
    const { page, chat } = await openWith('', { lang: 'ar' });
    assert.ok((await chat.launcher.boundingBox()).x < 100, 'the launcher stands where lines end');
    await chat.open();
    await chat.say('مرحبا، كيف أعيد طلبًا؟');
    await chat.lastAnswer();
    const question = await chat.questions.last().boundingBox();
    const answer = await chat.answers.last().boundingBox();
    assert.ok(
      question.x < answer.x + answer.width && question.x < 60,
      'own messages stand at the end side',
    );
    assert.equal(await chat.sendButton.getAttribute('aria-label'), 'إرسال');
    assert.deepEqual(await axeFindings(page), []);
    await chat.screenshot('rtl');
    await page.setViewportSize({ width: 320, height: 568 });
    await chat.screenshot('rtl-narrow');
    const below = (log) => log.scrollHeight - log.clientHeight - log.scrollTop;
    assert.ok((await chat.log.evaluate(below)) < 2, 'the end stays in view when the size changes');
    await page.close();
  });

  it('obeys position, language and texts of the script element, and drops what does not parse', async () => {
    const { page, chat } = await openWith(
      'data-position="bottom-left" data-locale="de-AT" data-title="Burgladen" data-welcome="Grüß Gott!" data-accent="red;}*{display:none" data-theme="pink" data-open="true"',
    );
    await chat.panel.waitFor();
    assert.ok((await chat.launcher.boundingBox()).x < 100);
    assert.equal(await chat.panel.getByRole('heading', { name: 'Burgladen' }).count(), 1);
    assert.equal(await chat.answers.first().textContent(), 'Grüß Gott!');
    assert.equal(await chat.input.getAttribute('placeholder'), 'Nachricht schreiben …');
    const background = await chat.launcher.evaluate(
      (launcher) => getComputedStyle(launcher).backgroundColor,
    );
    assert.equal(background, 'rgb(31, 84, 214)');
    await chat.screenshot('german');
    await page.close();
  });

  it('is not bent by style sheets of the page', async () => {
    const rude =
      '<style>*{display:block!important;font-size:40px!important;color:red!important}div{opacity:.1!important;position:relative!important;transform:rotate(9deg)}</style>';
    const { page, chat } = await openWith('', { head: rude });
    await chat.open();
    const look = await chat.input.evaluate((input) => {
      const { fontSize, color } = getComputedStyle(input);
      return { fontSize, color, opacity: getComputedStyle(input.getRootNode().host).opacity };
    });
    assert.deepEqual(look, { fontSize: '15px', color: 'rgb(23, 27, 36)', opacity: '1' });
    await page.close();
  });

  it('has targets of at least 44 px', async () => {
    const { page, chat } = await openWith('');
    await chat.open();
    for (const target of await page.locator('.root button:visible, .root textarea:visible').all()) {
      const { width, height } = await target.boundingBox();
      assert.ok(
        width >= 44 && height >= 44,
        `${await target.getAttribute('class')}: ${width} × ${height}`,
      );
    }
    await page.close();
  });

  it('moves nothing for a reader who asked for that, and shows its edges in forced colours', async () => {
    const { page, chat } = await openWith('');
    await page.emulateMedia({ reducedMotion: 'reduce', forcedColors: 'active' });
    await chat.open();
    await chat.say('hello');
    await chat.lastAnswer();
    const moving = await page.evaluate(() => document.getAnimations().length);
    assert.equal(moving, 0);
    await chat.screenshot('forced-colors');
    await page.close();
  });
});
