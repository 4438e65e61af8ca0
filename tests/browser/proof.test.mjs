// A site that requires proofs of possession, with the real widget: the visitor notices nothing, and what is copied out of
// the page is worth nothing.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { launchBrowser, openPage } from './browser.mjs';
import { pageWithWidget, realGateway, startStack } from './stack.mjs';

const kEnv = { SESSION_PROOF_OF_POSSESSION: 'require', GUARDS_BOT_MODE: 'off' };

describe('proofs of possession', { skip: !realGateway }, () => {
  let browser;
  const running = [];

  before(async () => (browser = await launchBrowser()));
  after(() => browser?.close());
  afterEach(async () => {
    for (const part of running.splice(0).reverse()) await part.stop();
  });

  async function openChat({ crossSite = false, env = {}, script } = {}) {
    const stack = await startStack({ env: { ...kEnv, ...env } });
    running.push(stack);
    stack.site.setPage('/', pageWithWidget(stack.gateway.url));
    const url = crossSite ? stack.site.crossSiteUrl : stack.site.url;
    const opened = await openPage(browser);
    running.push({ stop: () => opened.page.close() });
    if (script) await opened.page.addInitScript(script);
    const calls = [];
    opened.page.on('request', (request) => {
      if (request.url().includes('/api/v1/')) calls.push(request);
    });
    await opened.page.goto(url);
    await opened.chat.open();
    return { ...opened, stack, url, calls };
  }

  async function assertAnswered(chat, text) {
    await chat.say(text);
    assert.match(await (await chat.lastAnswer()).textContent(), /^Hello!/);
    assert.equal(await chat.notice.count(), 0);
  }

  const proofs = (calls) => calls.filter((call) => call.method() !== 'OPTIONS').map((call) => call.headers()['dpop']);

  for (const [form, crossSite] of [['cookie', false], ['bearer token', true]]) {
    it(`by ${form}: the chat works, and a reload goes on`, async () => {
      const { page, chat, troubles, calls, stack } = await openChat({ crossSite });
      await assertAnswered(chat, 'hello');
      await assertAnswered(chat, 'hello');
      const sent = proofs(calls).filter(Boolean);
      assert.equal(sent.length, 3, 'a session and two messages');
      assert.equal(new Set(sent).size, sent.length, 'each has its own');
      await page.reload();
      await chat.answers.nth(1).waitFor();
      assert.equal(await chat.questions.count(), 2, 'the conversation is there');
      await assertAnswered(chat, 'hello');
      assert.equal(calls.filter((call) => call.method() === 'POST' && call.url().endsWith('/session/create')).length, 2, 'one was asked for a proof, and there is no second session');
      assert.deepEqual(troubles, []);
      assert.ok(!stack.gateway.log?.().includes('SES_008'), stack.gateway.log?.());
    });
  }

  it('a token that is copied out of the page is refused, and the visitor goes on', async () => {
    const { page, chat, stack } = await openChat({ crossSite: true });
    await assertAnswered(chat, 'hello');
    const theft = await page.evaluate(async (gateway) => {
      const token = sessionStorage.getItem(`portcullis:token:${gateway}`);
      const take = async (headers) => {
        const response = await fetch(`${gateway}/api/v1/chat/history`, { headers: { ...headers, Accept: 'application/json' } });
        return [response.status, (await response.json()).code];
      };
      return { token, answers: [await take({ Authorization: `Bearer ${token}` }), await take({ Authorization: `DPoP ${token}` })] };
    }, stack.gateway.url);
    assert.match(theft.token, /^pcs_/);
    assert.deepEqual(theft.answers, [[401, 'PROOF_INVALID'], [401, 'PROOF_INVALID']]);
    await assertAnswered(chat, 'hello');
  });

  it('the key does not leave the browser', async () => {
    const { page, chat, stack } = await openChat();
    await assertAnswered(chat, 'hello');
    const found = await page.evaluate(
      (gateway) =>
        new Promise((resolve, reject) => {
          const opening = indexedDB.open('portcullis', 1);
          opening.onerror = () => reject(opening.error);
          opening.onsuccess = () => {
            const looking = opening.result.transaction('keys').objectStore('keys').get(gateway);
            looking.onsuccess = async () => {
              const { privateKey } = looking.result;
              const taken = await Promise.allSettled(['jwk', 'pkcs8'].map((form) => crypto.subtle.exportKey(form, privateKey)));
              resolve([privateKey.extractable, ...taken.map(({ status }) => status)]);
            };
          };
        }),
      stack.gateway.url,
    );
    assert.deepEqual(found, [false, 'rejected', 'rejected']);
  });

  it('where nothing can be stored the key lasts as long as the page', async () => {
    const forbid = () => Object.defineProperty(window, 'indexedDB', { get: () => { throw new DOMException('no', 'SecurityError'); } });
    const { chat } = await openChat({ script: forbid });
    await assertAnswered(chat, 'hello');
    await assertAnswered(chat, 'hello');
  });

  it('a clock that is an hour off is set by the gateway', async () => {
    const late = () => {
      const now = Date.now;
      Date.now = () => now() + 3600e3;
    };
    const { chat } = await openChat({ script: late });
    await assertAnswered(chat, 'hello');
    await assertAnswered(chat, 'hello');
  });

  const plain = () => Object.defineProperty(crypto, 'subtle', { value: undefined });

  it('a page that has no keys reads that it is refused', async () => {
    const { chat } = await openChat({ script: plain });
    await chat.say('hello');
    await chat.notice.waitFor();
    assert.match(await chat.notice.textContent(), /not available on this page/i);
  });

  it('and goes without them where they are offered', async () => {
    const { chat, calls } = await openChat({ script: plain, env: { SESSION_PROOF_OF_POSSESSION: 'offer' } });
    await assertAnswered(chat, 'hello');
    assert.deepEqual(proofs(calls).filter(Boolean), []);
  });
});
