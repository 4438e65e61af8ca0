// One Chromium with a profile of its own, and the words in which the tests talk about the widget.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { screenshots } from './stack.mjs';

const kArguments = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Playwright reads only open shadow roots; embedding.test.mjs checks that ours is really closed. */
function openShadowRoots() {
  const attach = Element.prototype.attachShadow;
  Element.prototype.attachShadow = function (init) {
    return attach.call(this, { ...init, mode: 'open' });
  };
}

export async function launchBrowser({ preferences = null, shadow = 'open', ...options } = {}) {
  const profile = mkdtempSync(join(tmpdir(), 'portcullis-browser-'));
  if (preferences) {
    mkdirSync(join(profile, 'Default'));
    writeFileSync(join(profile, 'Default/Preferences'), JSON.stringify(preferences));
  }
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: kArguments,
    viewport: { width: 1280, height: 800 },
    ...options,
  });
  context.setDefaultTimeout(10_000);
  if (shadow === 'open') await context.addInitScript(openShadowRoots);
  return {
    context,
    async close() {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

/** A page that collects what must not happen: script errors and violations of its CSP. */
export async function openPage(browser, url) {
  const page = await browser.context.newPage();
  const troubles = [];
  page.on('pageerror', (error) => troubles.push(`page error: ${error.message}`));
  page.on('console', (message) => {
    if (/Content.Security.Policy|Trusted/i.test(message.text())) troubles.push(message.text());
  });
  if (url) await page.goto(url);
  return { page, troubles, chat: new Chat(page) };
}

const axeSource = readFileSync(
  createRequire(import.meta.url).resolve('axe-core/axe.min.js'),
  'utf8',
);

/** What axe holds against a page, one line a rule. */
export async function axeFindings(page) {
  await page.waitForTimeout(350); // colours are measured after the entrance animations
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() =>
    window.axe.run(document, { resultTypes: ['violations'] }),
  );
  return violations.map(
    ({ id, nodes }) =>
      `${id}: ${nodes.map((node) => `${node.target} ${node.failureSummary}`).join(' | ')}`,
  );
}

export class Chat {
  constructor(page) {
    this.page = page;
    this.launcher = page.locator('.launcher');
    this.panel = page.getByRole('dialog');
    this.log = page.getByRole('log');
    this.input = page.getByRole('textbox');
    this.sendButton = page.locator('.send');
    this.stopButton = page.locator('.stop');
    this.notice = page.locator('.log .notice');
    this.answers = page.locator('.message.assistant .bubble');
    this.questions = page.locator('.message.user .bubble');
    this.answering = page.locator('.message[aria-busy]');
  }

  async open() {
    await this.launcher.click();
    await this.panel.waitFor();
    await this.panel.evaluate((panel) =>
      Promise.all(panel.getAnimations().map((animation) => animation.finished)),
    );
  }

  async say(text) {
    await this.input.fill(text);
    await this.input.press('Enter');
  }

  /** Waits until the newest answer is complete and gives its bubble. */
  async lastAnswer() {
    await this.page.waitForFunction(() => {
      const root = [...document.querySelectorAll('div')].find((div) => div.shadowRoot)?.shadowRoot;
      const last = root && [...root.querySelectorAll('.message')].pop();
      return last?.matches('.assistant:not([aria-busy])');
    });
    return this.answers.last();
  }

  async screenshot(name, options = {}) {
    mkdirSync(screenshots, { recursive: true });
    await this.page.waitForTimeout(350); // entrance animations
    await this.page.screenshot({ path: join(screenshots, `${name}.png`), ...options });
  }
}
