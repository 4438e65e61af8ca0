// A provider of captchas as a browser sees it: a script with the documented functions, whose captcha is one button, and
// the server that is asked about its tokens. All on loopback.

import { createServer } from 'node:http';
import { startFakeSiteverify } from '../harness/fake_siteverify.mjs';

/** `{env, scriptOrigin, siteverify, loads(), stop()}`; `env` makes a gateway challenge by it. */
export async function startFakeCaptcha(kind) {
  const secret = 'a-secret-of-the-fake-provider';
  const siteKey = 'fake-site-key';
  const siteverify = await startFakeSiteverify({ kind, secret, siteKey });
  let loads = 0;
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://provider');
    if (pathname === '/api.js') {
      ++loads;
      response.writeHead(200, { 'Content-Type': 'text/javascript' });
      return response.end(`(${providerScript})(${JSON.stringify(kind)}, ${JSON.stringify(searchParams.get('onload'))}, "http://" + ${JSON.stringify(request.headers.host)});`);
    }
    const token = siteverify.solve({ ticket: searchParams.get('cdata'), action: searchParams.get('action') }, { hostname: searchParams.get('hostname') });
    response.writeHead(200, { 'Content-Type': 'text/plain', 'Access-Control-Allow-Origin': '*' });
    return response.end(token);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const scriptOrigin = `http://127.0.0.1:${server.address().port}`;
  return {
    siteverify,
    scriptOrigin,
    loads: () => loads,
    env: {
      BOT_CHALLENGE: kind,
      BOT_CHALLENGE_SITE_KEY: siteKey,
      BOT_CHALLENGE_SECRET: secret,
      BOT_CHALLENGE_VERIFY_URL: siteverify.url,
      BOT_CHALLENGE_SCRIPT_URL: `${scriptOrigin}/api.js`,
      BOT_CHALLENGE_RETRY: '50ms',
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await siteverify.stop();
    },
  };
}

/** Runs in the page. */
function providerScript(kind, onload, origin) {
  const shown = new Map();
  let last = 0;
  window[kind] = {
    render(box, options) {
      const button = document.createElement('button');
      button.textContent = 'I am a person';
      button.dataset.sitekey = options.sitekey;
      button.dataset.language = options.language ?? options.hl;
      button.addEventListener('click', async () => {
        const query = new URLSearchParams({ hostname: location.hostname, cdata: options.cData ?? '', action: options.action ?? '' });
        options.callback(await (await fetch(`${origin}/token?${query}`)).text());
      });
      box.append(button);
      shown.set(`captcha-${++last}`, button);
      return `captcha-${last}`;
    },
    remove(id) {
      shown.get(id).remove();
      shown.delete(id);
    },
  };
  window[onload]();
}
