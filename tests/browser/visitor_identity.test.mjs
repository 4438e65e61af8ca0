// Users of the site in one browser, with the real widget: each has a conversation of his own, and nobody reads another's.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, describe, it } from 'node:test';
import { userToken } from '../harness/site_user.mjs';
import { launchBrowser, openPage } from './browser.mjs';
import { pageWithWidget, realGateway, startStack } from './stack.mjs';

const kSecret = randomBytes(48).toString('base64url');
const kEnv = { VISITOR_IDENTITY_SECRET: kSecret, VISITOR_IDENTITY_ISSUER: 'https://shop.example', GUARDS_BOT_MODE: 'off' };

describe('users of the site', { skip: !realGateway }, () => {
  let browser;
  const running = [];

  before(async () => (browser = await launchBrowser()));
  after(() => browser?.close());
  afterEach(async () => {
    for (const part of running.splice(0).reverse()) await part.stop();
  });

  for (const [form, crossSite] of [['cookie', false], ['bearer token', true]]) {
    it(`by ${form}: a reload goes on, another user begins anew and reads nothing`, async () => {
      const stack = await startStack({ env: kEnv });
      running.push(stack);
      const logIn = (user) => stack.site.setPage('/', pageWithWidget(stack.gateway.url, user ? `data-user-token="${userToken(kSecret, user)}"` : ''));
      logIn('ann');
      const { page, chat, troubles } = await openPage(browser, crossSite ? stack.site.crossSiteUrl : stack.site.url);
      running.push({ stop: () => page.close() });
      const histories = [];
      page.on('response', (response) => {
        if (response.url().includes('/chat/history')) histories.push(response.status());
      });
      await chat.open();
      await chat.say('my secret plan');
      await chat.lastAnswer();
      logIn('ann'); // with a fresh token, as each page has
      await page.reload();
      await chat.questions.getByText('my secret plan').waitFor();
      assert.equal(histories.length, 1);
      for (const user of ['bob', undefined, 'ann']) {
        logIn(user);
        await page.reload();
        await chat.panel.waitFor();
        await chat.say('hello');
        await chat.lastAnswer();
        assert.deepEqual(await chat.questions.allTextContents(), ['hello'], `${user}`);
        assert.ok(!(await page.content()).includes('my secret plan'));
      }
      assert.equal(histories.length, 1, 'nobody asked for what was said before him');
      assert.deepEqual(troubles, []);
    });
  }

  it('one whom the site does not vouch for reads that it did not work', async () => {
    const stack = await startStack({ env: kEnv });
    running.push(stack);
    stack.site.setPage('/', pageWithWidget(stack.gateway.url, 'data-user-token="nonsense"'));
    const { page, chat } = await openPage(browser, stack.site.url);
    running.push({ stop: () => page.close() });
    await chat.open();
    await chat.say('hello');
    await chat.notice.waitFor();
  });
});
