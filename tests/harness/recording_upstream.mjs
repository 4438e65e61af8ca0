// An assistant that keeps every byte that reaches it and answers each request with the same JSON.

import net from 'node:net';

export async function startRecordingUpstream({ answer = { response: 'recorded' } } = {}) {
  const connections = [];
  const requests = [];
  const sockets = new Set();
  const server = net.createServer((socket) => {
    const record = { bytes: Buffer.alloc(0), parsed: 0 };
    connections.push(record);
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    socket.on('data', (data) => {
      record.bytes = Buffer.concat([record.bytes, data]);
      for (;;) {
        const rest = record.bytes.subarray(record.parsed);
        const end = rest.indexOf('\r\n\r\n');
        if (end < 0) return;
        const head = rest.subarray(0, end).toString('latin1');
        const length = Number(head.match(/\r\ncontent-length: (\d+)/i)?.[1] ?? 0);
        if (rest.length < end + 4 + length) return;
        const body = rest.subarray(end + 4, end + 4 + length).toString('utf8');
        record.parsed += end + 4 + length;
        requests.push({ head, body, json: body ? JSON.parse(body) : undefined });
        const content = JSON.stringify(answer);
        socket.write(`HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(content)}\r\n\r\n${content}`);
      }
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref(); // forgotten after a failure it must not keep the test process
  return {
    url: `http://127.0.0.1:${server.address().port}/webhook/chat`,
    requests,
    /** Everything that ever arrived, as Latin-1 text. */
    bytes: () => connections.map(({ bytes }) => bytes.toString('latin1')).join('\n--- next connection ---\n'),
    stop: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(resolve);
      }),
  };
}
