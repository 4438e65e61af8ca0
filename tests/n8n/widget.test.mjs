// n8n's own widget before workflows of a real n8n, through the gateway. Run by scripts/test-n8n.sh.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { launchBrowser } from '../browser/browser.mjs';
import { startSite } from '../browser/stack.mjs';
import { pageWithStockWidget, publishStockWidget } from '../browser/stock_widget.mjs';
import { stockWidgetScenarios } from '../browser/stock_widget_scenarios.mjs';
import { widgetOn } from '../harness/chat_trigger.mjs';
import { assertProblem } from '../harness/client.mjs';
import { startGateway } from '../harness/gateway.mjs';
import { startN8n } from './n8n.mjs';

const kSecret = randomBytes(48).toString('base64');
const kPlain = '/webhook/portcullis-widget/chat';
const kStream = '/webhook/portcullis-widget-stream/chat';

let n8n;
let site;
let gateway;
let browser;

before(
  async () => {
    n8n = await startN8n({ secret: kSecret });
    site = await startSite();
    gateway = await startGateway({
      env: {
        SECURITY_ENVIRONMENT: 'staging',
        SESSION_SECRET_KEY: randomBytes(48).toString('base64'),
        JWT_SECRET_KEY: kSecret,
        ALLOWED_HOSTS: '127.0.0.1',
        ALLOWED_ORIGINS: site.url,
        N8N_WEBHOOK_URL: `${n8n.url}${kPlain}`,
        N8N_ALLOWED_PATHS: kStream,
        RATE_LIMIT_SESSION_PER_MINUTE: '6',
      },
    });
    await publishStockWidget(site);
    site.setPage('/plain', pageWithStockWidget({ webhookUrl: `${gateway.url}${kPlain}` }));
    site.setPage('/streaming', pageWithStockWidget({ webhookUrl: `${gateway.url}${kStream}`, enableStreaming: true }));
    browser = await launchBrowser();
  },
  { timeout: 300_000 },
);

after(async () => {
  await browser?.close();
  await gateway?.stop();
  await site?.stop();
  await n8n?.stop();
});

describe("n8n's own widget before a real n8n", () => {
  stockWidgetScenarios('real-n8n-widget', () => ({ browser, url: site.url }));
});

describe('a chat trigger behind the gateway', () => {
  const widget = (options) => widgetOn(gateway, { origin: site.url, path: kPlain, ...options });

  test('answers, plain and streamed, whichever the workflow does', async () => {
    for (const path of [kPlain, kStream]) {
      const plain = await widget({ path }).send('Grüße, "n8n" 👋');
      assert.deepEqual(plain.json, { output: 'You said: Grüße, "n8n" 👋' });
      const stream = await widget({ path }).stream('piece by piece');
      assert.equal(await stream.ended, 'end');
      assert.equal(stream.text(), 'You said: piece by piece');
      assert.deepEqual([stream.types().at(0), stream.types().at(-1)], ['begin', 'end']);
    }
  });

  test('gets files as what they are', async () => {
    const png = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), randomBytes(2000)]);
    const answer = await widget().upload('Look', [
      { name: 'photo.png', type: 'text/html', content: png },
      { name: 'nötes.txt', type: 'text/plain', content: 'Grüße' },
    ]);
    assert.deepEqual(answer.json, { output: 'You said: Look; photo.png is image/png; nötes.txt is text/plain' });
  });

  test('refuses who comes without the gateway: the token is in each call', async () => {
    const direct = await fetch(`${n8n.url}${kPlain}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ action: 'sendMessage', sessionId: 'x', chatInput: 'let me in' }),
    });
    assert.doesNotMatch(await direct.text(), /You said/);
  });

  test('is not there for webhooks that nobody allowed', async () => {
    assertProblem(await widget({ path: '/webhook/portcullis-chat' }).send('Hi'), 404, 'NOT_FOUND');
  });
});
