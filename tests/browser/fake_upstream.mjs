// An n8n workflow for a real gateway: a webhook that streams NDJSON lines, as n8n does.

import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { answerTo } from './assistant.mjs';

export async function startFakeUpstream() {
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request.setEncoding('utf8')) text += chunk;
    const { message } = JSON.parse(text);
    const { pieces, pauseMs } = answerTo(message);
    response.writeHead(200, { 'Content-Type': 'application/json' });
    const line = (value) => response.write(`${JSON.stringify(value)}\n`);
    line({ type: 'begin', metadata: { nodeName: 'Agent' } });
    for (const content of pieces) {
      line({ type: 'item', content, metadata: { nodeName: 'Agent' } });
      if (pauseMs > 0) await pause(pauseMs);
    }
    line({ type: 'end', metadata: { nodeName: 'Agent' } });
    response.end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/webhook/chat`,
    stop() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
