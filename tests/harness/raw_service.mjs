// A service that records the bytes it gets and answers with bytes of the test's choice, so that a test sees what was really said.

import { createServer } from 'node:net';

/**
 * Starts one. `reply(text, index)` is called whenever a connection has sent more and returns what to say, or undefined to wait;
 * `{bytes, close}` closes after that, `{reset: true}` breaks the connection.
 *
 * Returns `url`, `connections`: one entry each with `bytes` (latin1 text), and `stop()`.
 */
export async function startRawService(reply) {
  const connections = [];
  const open = new Set();
  const server = createServer((socket) => {
    open.add(socket);
    const entry = { bytes: '', answered: 0, closed: false };
    connections.push(entry);
    socket.on('close', () => {
      open.delete(socket);
      entry.closed = true;
    });
    socket.on('error', () => {});
    socket.on('data', (data) => {
      entry.bytes += data.toString('latin1');
      const said = reply(entry.bytes.slice(entry.answered), connections.length - 1);
      if (said === undefined) return;
      entry.answered = entry.bytes.length;
      if (said.reset) return socket.resetAndDestroy();
      if (typeof said === 'string') return socket.write(said, 'latin1');
      socket.write(said.bytes ?? '', 'latin1', () => said.close && socket.end());
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    connections,
    stop: () => {
      for (const socket of open) socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What a service says: status line, fields, body, with its length. */
export const answer = (body = 'ok', { status = '200 OK', fields = [] } = {}) =>
  [`HTTP/1.1 ${status}`, ...fields, `Content-Length: ${Buffer.byteLength(body, 'latin1')}`, '', body].join('\r\n');
