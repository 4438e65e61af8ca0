// A real redis-server of a test's own on a free port of loopback.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const freePort = () =>
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

/** Makes a key and a certificate for 127.0.0.1 in `folder`; their files. */
export function makeCertificate(folder) {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-keyout', key, '-out', cert, '-subj', '/CN=redis', '-addext', 'subjectAltName=IP:127.0.0.1']);
  if (made.status !== 0) throw new Error(String(made.stderr));
  return { key, cert };
}

/** What lets a server speak TLS with such a certificate. */
export const tlsArgs = ({ key, cert }) => ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', cert, '--tls-auth-clients', 'no'];

/**
 * Starts a Redis Cluster: `masters` that share the slots evenly, and `replicas` of the first one. With `tls`, what
 * makeCertificate() made, they speak TLS too, each on a port of its own.
 * Returns `{url, tlsUrl, servers, stop()}`; the addresses name the first server only.
 */
export async function startRedisCluster({ masters = 3, replicas = 0, tls } = {}) {
  const servers = [];
  const stop = async () => void (await Promise.all(servers.map((server) => server.stop())));
  try {
    for (let i = 0; i < masters + replicas; ++i) {
      const bus = await freePort();
      const tlsPort = await freePort();
      const server = await startRedis({
        args: ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000', '--cluster-port', String(bus), ...(tls ? ['--tls-port', String(tlsPort), '--tls-cluster', 'yes', ...tlsArgs(tls)] : [])],
      });
      servers.push(Object.assign(server, { bus, tlsPort }));
    }
    const until = async (condition) => {
      for (let i = 0; !(await condition()); ++i) {
        if (i === 1000) throw new Error('the cluster does not form');
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    };
    const slot = (i) => Math.floor((16384 * i) / masters);
    for (const [i, server] of servers.entries()) {
      await server.say(`CLUSTER SET-CONFIG-EPOCH ${i + 1}`);
      if (i < masters) await server.say(`CLUSTER ADDSLOTSRANGE ${slot(i)} ${slot(i + 1) - 1}`);
      if (i > 0) await server.say(`CLUSTER MEET 127.0.0.1 ${servers[0].port} ${servers[0].bus}`);
    }
    const formed = async (server) => {
      const info = await server.say('CLUSTER INFO');
      return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${servers.length}\r`);
    };
    for (const server of servers) await until(() => formed(server));
    const id = /[0-9a-f]{40}/.exec(await servers[0].say('CLUSTER MYID'))[0];
    for (const replica of servers.slice(masters)) {
      await until(async () => (await replica.say(`CLUSTER REPLICATE ${id}`)).startsWith('+OK'));
      await until(async () => (await replica.say('INFO replication')).includes('master_link_status:up'));
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: servers[0].url, tlsUrl: `rediss://127.0.0.1:${servers[0].tlsPort}`, servers, stop };
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
