import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after } from 'node:test';
import { UPSTREAM_SECRET } from './fake_upstream.mjs';
import { runCommand, startGateway } from './gateway.mjs';

/**
 * Makes the keys of a file's tests and listens to its gateways: after all of them no key, and nothing of what fake
 * upstreams say of their failures, may stand in anything that was heard.
 *
 * - `newKey()`;
 * - `tell(answer)`: hears an answer, and gives it back; `hear(text)`;
 * - `run(options, use)`: `use(gateway)` with a gateway of its own, whose output is heard;
 * - `check(options)`: what check-config says, heard.
 */
export function keepSecrets() {
  const secrets = [UPSTREAM_SECRET];
  let said = '';
  after(() => {
    assert.ok(said.length > 0, 'nothing was heard');
    for (const secret of secrets) assert.ok(!said.includes(secret), 'a secret was said');
  });
  const keeper = {
    newKey() {
      secrets.push(`key-${randomBytes(18).toString('hex')}`);
      return secrets.at(-1);
    },
    hear(text) {
      said += text;
    },
    tell(answer) {
      said += JSON.stringify(answer.headers) + answer.text;
      return answer;
    },
    async run(options, use) {
      const gateway = await startGateway(options);
      try {
        return await use(gateway);
      } finally {
        const { stdout, stderr } = await gateway.stop();
        said += stdout + stderr;
      }
    },
    async check(options) {
      const result = await runCommand(['check-config'], options);
      said += result.stdout + result.stderr;
      return result;
    },
  };
  return keeper;
}
