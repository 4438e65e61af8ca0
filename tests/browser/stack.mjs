// What a browser test runs against: an assistant, a gateway in front of it, and a customer's web
// site on another origin that embeds the widget.
//
// The gateway is the real binary where tests/harness/gateway.mjs can start it, else (or with
// PORTCULLIS_BROWSER_MOCK=1, or for a test that orders refusals) the mock.

import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startFakeUpstream } from './fake_upstream.mjs';
import { startMockGateway } from './mock_gateway.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const harness = join(root, 'tests/harness/gateway.mjs');

export const webRoot = join(root, 'build/web');
export const screenshots = join(root, 'build/screenshots');
export const realGateway = existsSync(harness) && process.env.PORTCULLIS_BROWSER_MOCK !== '1';

export async function startStack({ mock = false, env = {} } = {}) {
  const site = await startSite();
  const gateway =
    mock || !realGateway ? await startMockGateway({ webRoot }) : await startReal(site, env);
  return {
    site,
    gateway,
    async stop() {
      await gateway.stop();
      await site.stop();
    },
  };
}

async function startReal(site, env) {
  const { startGateway } = await import(harness);
  const upstream = await startFakeUpstream();
  const gateway = await startGateway({
    env: {
      ENVIRONMENT: 'development',
      ALLOWED_ORIGINS: `${site.url},${site.crossSiteUrl}`,
      N8N_WEBHOOK_URL: upstream.url,
      ...env,
    },
  });
  return {
    ...gateway,
    async stop() {
      await gateway.stop();
      await upstream.stop();
    },
  };
}

/** A web site whose pages the tests write. Reached by address it is same-site with the gateway, by
 * name (localhost) cross-site. */
export async function startSite() {
  const pages = new Map();
  const server = createServer((request, response) => {
    const page = pages.get(new URL(request.url, 'http://site').pathname);
    if (!page) return response.writeHead(404).end();
    response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', ...page.headers });
    response.end(page.html);
  });
  await new Promise((resolve) => server.listen(0, resolve));
  const { port } = server.address();
  return {
    url: `http://127.0.0.1:${port}`,
    crossSiteUrl: `http://localhost:${port}`,
    setPage(path, html, headers = {}) {
      pages.set(path, { html, headers });
    },
    stop() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

/** An ordinary page of a customer with the widget in it. */
export function pageWithWidget(gatewayUrl, attributes = '', { lang = 'en', head = '' } = {}) {
  return `<!doctype html><html lang="${lang}"${lang === 'ar' ? ' dir="rtl"' : ''}><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Shop</title>
<link rel="icon" href="data:,">${head}</head><body><main><h1>Shop</h1><p>Everything for the castle. <a href="#gates">Gates</a></p></main>
<script src="${gatewayUrl}/widget/embed.js" ${attributes}></script></body></html>`;
}
