// A real PostgreSQL server of a test's own on a free port of loopback. It refuses root, who starts it as `postgres`.

import { execFile, spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { makeAuthority } from './certificates.mjs';
import { freePort } from './redis.mjs';

const kPassword = 'pg-pass-8Wd'; // what no error and no log may show

/** Debian keeps the server's programs by version, beside the path. */
function program(name) {
  for (const version of existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql') : []) {
    const path = `/usr/lib/postgresql/${version}/bin/${name}`;
    if (existsSync(path)) return path;
  }
  return name;
}

const isRoot = process.getuid() === 0;
/** As the server's user, and ended with this process. */
const asServer = (words) => ['--pdeathsig', 'QUIT', ...(isRoot ? ['--reuid=postgres', '--regid=postgres', '--clear-groups'] : []), ...words];

function give(path) {
  if (!isRoot) return;
  const id = (flag) => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout);
  chownSync(path, id('-u'), id('-g'));
}

/**
 * Starts one with the database `portcullis`, whose owner is the role `gate`. `settings` are further ones of the server;
 * with `names` it speaks TLS too, by a certificate for them of an authority made for it. `sample`: texts of files instead of
 * its own, `{config, hba}`; `roles`: an SQL file instead of that database and role.
 * Returns `{url, urlOf(user, password, host), password, port, tls, sql(text), kill(), freeze(), thaw(), start(), stop()}`.
 */
export async function startPostgres({ settings = {}, names, sample, roles } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-postgres-'));
  give(folder);
  const data = join(folder, 'data');
  const made = spawnSync('setpriv', asServer([program('initdb'), '-D', data, '-U', 'postgres', '-E', 'UTF8', '--locale=C', '--no-sync', '--auth-local=trust', '--auth-host=scram-sha-256']), { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(made.stderr || String(made.error));
  let tls;
  if (names) {
    const certificates = join(folder, 'tls');
    mkdirSync(certificates);
    tls = makeAuthority(certificates, names);
    give(tls.key);
    chmodSync(tls.key, 0o600);
    // The gateway may be of another user than the server.
    chmodSync(folder, 0o711);
    settings = { ssl: 'on', ssl_cert_file: tls.cert, ssl_key_file: tls.key, ...settings };
  }
  for (const [name, text] of Object.entries(sample ?? {})) {
    const file = join(folder, `sample_${name}.conf`);
    writeFileSync(file, text);
    settings = { ...settings, [`${name}_file`]: file };
  }
  let port;
  let child;
  const psql = promisify(execFile);
  const at = () => ['-XqtA', '-v', 'ON_ERROR_STOP=1', '-h', folder, '-p', String(port), '-U', 'postgres'];
  const sql = async (text, database = 'portcullis') => (await psql('psql', [...at(), '-d', database, '-c', text], { timeout: 20_000 })).stdout.trim();
  const launch = async () => {
    const all = sample ? settings : { listen_addresses: '127.0.0.1', shared_buffers: '16MB', fsync: 'off', ...settings };
    const flags = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    child = spawn('setpriv', asServer([program('postgres'), '-D', data, '-k', folder, '-p', String(port), ...flags]), { stdio: 'ignore' });
    let over = false;
    child.ended = new Promise((resolve) => child.on('close', resolve));
    child.ended.then(() => (over = true));
    for (let i = 0; i < 400 && !over; ++i) {
      if (await sql('SELECT 1', 'postgres').then(() => true, () => false)) return true;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return false;
  };
  const kill = async (signal = 'SIGQUIT') => {
    child.kill(signal);
    await child.ended;
  };
  for (let tries = 0; ; ++tries) {
    port = await freePort();
    if (await launch()) break;
    await kill('SIGKILL');
    if (tries === 5) throw new Error('PostgreSQL does not start');
  }
  if (roles) {
    await psql('psql', [...at(), '-d', 'postgres', '-f', roles], { timeout: 20_000 });
  } else {
    await sql(`CREATE ROLE gate LOGIN PASSWORD '${kPassword}'`, 'postgres');
    await sql('CREATE DATABASE portcullis OWNER gate', 'postgres');
  }
  const of = (user, password, host = '127.0.0.1') => `postgresql+asyncpg://${user}:${password}@${host}:${port}/portcullis`;
  /** The server, and its processes that serve connections. */
  const all = () => [child.pid, ...readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)];
  return {
    url: of('gate', kPassword),
    urlOf: of,
    password: kPassword,
    port,
    tls,
    sql,
    kill,
    /** As a machine that stands still: what is sent is taken, and never answered. */
    freeze: () => all().forEach((pid) => process.kill(pid, 'SIGSTOP')),
    thaw: () => all().forEach((pid) => process.kill(pid, 'SIGCONT')),
    start: async () => {
      if (!(await launch())) throw new Error('PostgreSQL does not come back');
    },
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
