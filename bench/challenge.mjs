// How long the widget works for a challenge, in Chromium at full speed and slowed down six times as a cheap phone is,
// and what WebCrypto would take: node bench/challenge.mjs

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launchBrowser, openPage } from '../tests/browser/browser.mjs';
import { bundle } from '../web/bundling.mjs';

const entry = join(fileURLToPath(new URL('..', import.meta.url)), 'web/widget/challenge.ts');
const { outputFiles } = await bundle({ entryPoints: [entry], format: 'iife', globalName: 'challenge', minify: true, write: false });
const kSteps = 10_000; // bot.challenge_steps

const browser = await launchBrowser();
try {
  const { page } = await openPage(browser, 'about:blank');
  await page.addScriptTag({ content: outputFiles[0].text });
  const client = await page.context().newCDPSession(page);
  for (const rate of [1, 6]) {
    await client.send('Emulation.setCPUThrottlingRate', { rate });
    const measured = await page.evaluate(async (steps) => {
      const { solve, sha256 } = globalThis.challenge;
      const salt = '1800000000-AbCdEfGhIjKlMnOp';
      const time = async (run) => {
        const before = performance.now();
        await run();
        return performance.now() - before;
      };
      await solve({ salt, target: '', max_number: 3000 }); // compiled from here on
      const own = await time(() => solve({ salt, target: '', max_number: steps }));
      let longest = 0;
      let last = performance.now();
      const beat = setInterval(() => {
        longest = Math.max(longest, performance.now() - last);
        last = performance.now();
      }, 1);
      const hardest = await time(() => solve({ salt, target: sha256(salt + 10 * steps), max_number: 10 * steps }));
      clearInterval(beat);
      return { own, hardest, longest };
    }, kSteps);
    console.log(`${rate} x slower: ${kSteps} digests ${measured.own.toFixed(0)} ms (half of that on average), ${10 * kSteps} at the hardest ${measured.hardest.toFixed(0)} ms, page held up for ${measured.longest.toFixed(0)} ms at most`);
    // A secure page is needed for WebCrypto, which about:blank is not.
    const crypto = await webCrypto(rate);
    console.log(`${rate} x slower: ${kSteps} digests of WebCrypto ${crypto.toFixed(0)} ms`);
  }
} finally {
  await browser.close();
}

async function webCrypto(rate) {
  const page = await browser.context.newPage();
  await page.route('https://bench.example/', (route) => route.fulfill({ contentType: 'text/html', body: '<p>' }));
  await page.goto('https://bench.example/');
  const client = await page.context().newCDPSession(page);
  await client.send('Emulation.setCPUThrottlingRate', { rate });
  const took = await page.evaluate(async (steps) => {
    const encoder = new TextEncoder();
    const before = performance.now();
    for (let n = 0; n < steps; n += 64) {
      const batch = Array.from({ length: 64 }, (_, i) => crypto.subtle.digest('SHA-256', encoder.encode(`1800000000-AbCdEfGhIjKlMnOp${n + i}`)));
      await Promise.all(batch);
    }
    return performance.now() - before;
  }, kSteps);
  await page.close();
  return took;
}
