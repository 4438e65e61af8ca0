// A TCP relay in front of the gateway that can cut all connections at once, as a bad network does.

import { connect, createServer } from 'node:net';

export async function startCuttingProxy(targetUrl) {
  const { hostname, port } = new URL(targetUrl);
  const sockets = new Set();
  const track = (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
  };
  let refusing = false;
  const server = createServer((near) => {
    track(near);
    if (refusing) return near.destroy();
    const far = connect(Number(port), hostname);
    track(far);
    near.pipe(far).pipe(near);
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    /** Refuse new connections too, until false is given. */
    setRefusing(value) {
      refusing = value;
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
