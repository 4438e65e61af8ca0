// A real redis-server of a test's own on a free port of loopback.

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const freePort = () =>
  new Promise((resolve, reject) => {
    const server = net.createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

/** Sends one inline command, such as `PING`; the reply as text. */
function say(port, command, within = 1000) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1');
    let text = '';
    const end = (settle, value) => {
      socket.destroy();
      settle(value);
    };
    socket.setTimeout(within, () => end(reject, new Error('no reply')));
    socket.on('error', (error) => end(reject, error));
    socket.on('data', (data) => {
      text += data;
      if (text.endsWith('\r\n')) end(resolve, text);
    });
    socket.write(`${command}\r\n`);
  });
}

/**
 * Starts one, from the file `config` where that is given, with `args` added to its command line. Returns `{url, port, say(command), signal(name), kill(), start(),
 * stop()}`: `kill` ends it without a word, `start` brings it back on the same port with nothing in it.
 */
export async function startRedis({ args = [], config, tls = false } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-redis-'));
  let port;
  let child;
  const launch = async () => {
    const listen = tls ? ['--port', '0', '--tls-port', String(port)] : ['--port', String(port)];
    child = spawn('redis-server', [...(config ? [config] : []), ...listen, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder, ...args], { stdio: 'ignore' });
    const ended = new Promise((resolve) => child.on('close', resolve));
    child.ended = ended;
    let over = false;
    ended.then(() => (over = true));
    for (let i = 0; i < 400 && !over; ++i) {
      const answered = await (tls
        ? new Promise((resolve) => net.connect(port, '127.0.0.1').on('connect', function () { this.destroy(); resolve(true); }).on('error', () => resolve(false)))
        : say(port, 'PING').then((text) => /^[+-]/.test(text), () => false));
      if (answered) return true;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return false;
  };
  const kill = async () => {
    child.kill('SIGKILL');
    await child.ended;
  };
  // Between finding a port free and taking it somebody else may: then another one.
  for (let tries = 0; ; ++tries) {
    port = await freePort();
    if (await launch()) break;
    await kill();
    if (tries === 5) throw new Error('redis-server does not start');
  }
  return {
    url: `${tls ? 'rediss' : 'redis'}://127.0.0.1:${port}`,
    port,
    say: (command) => say(port, command),
    signal: (name) => child.kill(name),
    kill,
    start: async () => {
      if (!(await launch())) throw new Error('redis-server does not come back');
    },
    stop: async () => {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
