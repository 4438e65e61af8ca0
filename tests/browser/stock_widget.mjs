// n8n's own chat widget, as its owner publishes it, on a customer's page. It is bundled for these tests only and is
// no part of the gateway.

import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

/** `{script, style}`: a page that has both can call `createChat(options)`. */
async function bundle() {
  const { outputFiles } = await build({
    stdin: {
      contents: `import { createChat } from './chat.bundle.es.js'; import './style.css'; window.createChat = createChat;`,
      resolveDir: join(root, 'node_modules/@n8n/chat/dist'),
    },
    bundle: true,
    write: false,
    outdir: 'bundle',
    format: 'iife',
    minify: true,
    define: { 'process.env.NODE_ENV': '"production"' },
    logLevel: 'error',
  });
  const text = (ending) => outputFiles.find((file) => file.path.endsWith(ending)).text;
  return { script: text('.js'), style: text('.css') };
}

/** Puts the widget's files on a site. */
export async function publishStockWidget(site) {
  const { script, style } = await bundle();
  site.setPage('/n8n-chat.js', script, { 'Content-Type': 'text/javascript' });
  site.setPage('/n8n-chat.css', style, { 'Content-Type': 'text/css' });
}

/** A page that creates the widget with these options and nothing else. */
export function pageWithStockWidget(options) {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="/n8n-chat.css"></head><body><h1>Shop</h1><script src="/n8n-chat.js"></script>
<script>createChat(${JSON.stringify({ initialMessages: ['Welcome!'], ...options })});</script></body></html>`;
}

/** One page with the widget, in words. */
export class StockChat {
  constructor(page) {
    this.page = page;
    this.bot = page.locator('.chat-message-from-bot .chat-message-markdown');
    this.user = page.locator('.chat-message-from-user .chat-message-markdown');
    this.input = page.locator('.chat-inputs textarea, [data-test-id="chat-input"]').first();
  }

  async open() {
    await this.page.locator('.chat-window-toggle').click();
    await this.input.waitFor();
  }

  async say(text) {
    await this.input.fill(text);
    await this.input.press('Enter');
  }

  /** Waits for a message of the assistant that matches. */
  async answer(pattern) {
    const message = this.bot.filter({ hasText: pattern }).last();
    await message.waitFor();
    return (await message.textContent()).trim();
  }

  sessionId() {
    return this.page.evaluate(() => localStorage.getItem('n8n-chat/sessionId'));
  }
}
