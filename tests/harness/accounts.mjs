// Accounts as an operator makes them: the commands on one data directory, and the codes of an authenticator.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand, startGateway } from './gateway.mjs';

/** Limits out of the way. */
const kPlenty = Object.fromEntries(
  ['LIMITS_AUTH_FAILURES', 'LIMITS_LOGINS_PER_MINUTE', 'SECURITY_RATE_LIMIT_REQUESTS_PER_MINUTE', 'SECURITY_RATE_LIMIT_AUTHENTICATED_RPM', 'SECURITY_API_RATE_LIMIT_PER_KEY'].map((name) => [name, '1000000']),
);

/**
 * `body(desk)` with a data directory of its own, which commands and gateways share; it is removed after.
 *
 * - `desk.run(args, {input, env, yaml})`: a command to its end, `{status, stdout, stderr}`;
 * - `desk.done(args, options)`: one that must succeed; returns its output without the newline at the end;
 * - `desk.refused(args, status, pattern, options)`: one that must fail with one line on standard error and nothing else;
 * - `desk.gateway(use)`: `use(gateway)` while a gateway runs on the same directory;
 * - `desk.secret(text)`: nothing but the command that has just been run, if it did, may ever have said this.
 */
export async function withAccounts(body, env = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-accounts-'));
  const said = [];
  const secrets = [];
  const own = { DATA_DIR: join(folder, 'data'), ...kPlenty, ...env };
  const desk = {
    folder,
    async run(args, options = {}) {
      const result = await runCommand(args, { input: '', ...options, env: { ...own, ...options.env } });
      said.push(result.stdout + result.stderr);
      return result;
    },
    async done(args, options) {
      const result = await desk.run(args, options);
      assert.equal(result.status, 0, `${args.join(' ')}: ${result.stdout}${result.stderr}`);
      return result.stdout.replace(/\n$/, '');
    },
    async refused(args, status, pattern, options) {
      const result = await desk.run(args, options);
      assert.equal(result.status, status, `${args.join(' ')}: ${result.stdout}${result.stderr}`);
      assert.match(result.stderr, pattern);
      if (status === 1) assert.match(result.stderr, /^error: [^\n]+\n$/);
      assert.equal(result.stdout, '');
    },
    async gateway(use) {
      const gateway = await startGateway({ folder, env: own });
      try {
        return await use(gateway);
      } finally {
        const { stdout, stderr } = await gateway.stop();
        said.push(stdout + stderr);
      }
    },
    secret(text) {
      const shown = said.length > 0 && said.at(-1).includes(text) ? said.length - 1 : undefined;
      secrets.push([text, shown]);
      return text;
    },
  };
  try {
    await body(desk);
    for (const [text, shown] of secrets) {
      said.forEach((one, at) => assert.ok(at === shown || !one.includes(text), `a secret was said again:\n${one}`));
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** RFC 4648 section 6. */
function base32Decode(text) {
  let bits = '';
  for (const c of text) bits += 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0');
  return Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
}

/** The one-time password of a secret, `steps` from now (RFC 6238). */
export function totpCode(secret, steps = 0) {
  const count = Buffer.alloc(8);
  count.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const mac = createHmac('sha1', base32Decode(secret)).update(count).digest();
  const at = mac.at(-1) & 0xf;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}
