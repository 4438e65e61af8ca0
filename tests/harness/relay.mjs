// A TCP relay in front of a gateway that can cut every connection, as a bad network does.

import { connect, createServer } from 'node:net';

/** `{url, cut(), stop()}` */
export async function startRelay(targetUrl) {
  const { hostname, port } = new URL(targetUrl);
  const sockets = new Set();
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref(); // forgotten after a failure it must not keep the test process
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    cut,
    stop() {
      const closed = new Promise((resolve) => server.close(() => resolve()));
      cut();
      return closed;
    },
  };
}
