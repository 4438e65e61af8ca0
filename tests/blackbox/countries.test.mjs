// Countries whose addresses are refused.

import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { countryDatabase } from '../harness/country_database.mjs';
import { eventually, expectProblem } from '../harness/expect.mjs';
import { runCommand } from '../harness/gateway.mjs';
import { createRequest, kHttps, kProduction } from '../harness/visitor.mjs';
import { request } from '../harness/wire.mjs';
import { withGateway } from '../harness/with_gateway.mjs';

let folder;
let database;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portcullis-countries-'));
  database = join(folder, 'countries.mmdb');
  await writeFile(database, countryDatabase({ '192.0.2.0/24': 'XA', '198.51.100.0/25': 'XB', '203.0.113.7/32': 'XA', '2001:db8:a::/48': 'XA', '2001:db8:b::/48': 'XB' }));
});
after(() => rm(folder, { recursive: true, force: true }));

const env = () => ({
  ...kProduction,
  ALLOWED_HOSTS: '127.0.0.1',
  SECURITY_ENABLE_GEO_BLOCKING: 'true',
  SECURITY_BLOCKED_COUNTRIES: 'XA,XC',
  GEO_DATABASE: database,
});
const from = (gateway, address, path) =>
  request(gateway, path ? { path, headers: { ...kHttps, 'X-Forwarded-For': address } } : createRequest({ headers: { ...kHttps, 'X-Forwarded-For': address } }));

test('addresses of a blocked country are refused, all others pass', { timeout: 60_000 }, async () => {
  await withGateway({ env: { ...env(), SECURITY_IP_WHITELIST: '192.0.2.99' } }, async (gateway) => {
    for (const address of ['192.0.2.1', '192.0.2.255', '203.0.113.7', '2001:db8:a::1', '2001:db8:a:ffff::1']) {
      const answer = await from(gateway, address);
      expectProblem(answer, 403, 'ADDRESS_BLOCKED');
      assert.equal(answer.header('Retry-After'), undefined, 'for good');
      assert.ok(!/countr/i.test(answer.text), 'and nobody is told why');
    }
    for (const address of ['198.51.100.1', '198.51.100.200', '203.0.113.8', '2001:db8:b::1', '2001:db8:c::1', '8.8.8.8', '192.0.2.99']) {
      assert.equal((await from(gateway, address)).status, 200, address);
    }
    assert.equal((await from(gateway, '192.0.2.1', '/health/live')).status, 200, 'a probe');
    await eventually(() => /blocked country/.test(gateway.log()), { what: 'an event' });
  });
});

test('a newer database holds from the next reload on, and one that is damaged does not', { timeout: 60_000 }, async () => {
  const own = join(folder, 'changing.mmdb');
  const put = async (bytes) => {
    await writeFile(`${own}.new`, bytes);
    await rename(`${own}.new`, own);
  };
  await put(countryDatabase({ '192.0.2.0/24': 'XA' }));
  await withGateway({ env: { ...env(), GEO_DATABASE: own } }, async (gateway) => {
    assert.equal((await from(gateway, '192.0.2.1')).status, 403);
    await put(countryDatabase({ '198.51.100.0/24': 'XA' }));
    gateway.signal('SIGHUP');
    await eventually(async () => (await from(gateway, '198.51.100.1')).status === 403, { what: 'the newer one' });
    assert.equal((await from(gateway, '192.0.2.1')).status, 200);
    await put(Buffer.from('no database'));
    gateway.signal('SIGHUP');
    await eventually(() => /geo\.database/.test(gateway.log()), { what: 'the reason' });
    assert.equal((await from(gateway, '198.51.100.1')).status, 403, 'the one from before');
  });
});

test('what is missing or wrong is said before the start', { timeout: 60_000 }, async () => {
  const damaged = join(folder, 'damaged.mmdb');
  await writeFile(damaged, countryDatabase({ '192.0.2.0/24': 'XA' }).subarray(40));
  for (const [wrong, said] of [
    [{ GEO_DATABASE: '' }, /GEO_DATABASE.*is needed/],
    [{ SECURITY_BLOCKED_COUNTRIES: '' }, /SECURITY_BLOCKED_COUNTRIES.*is empty/],
    [{ SECURITY_BLOCKED_COUNTRIES: 'France' }, /'France' is no code/],
    [{ GEO_DATABASE: join(folder, 'nowhere.mmdb') }, /nowhere\.mmdb/],
    [{ GEO_DATABASE: folder }, /geo\.database/],
  ]) {
    const { status, stdout, stderr } = await runCommand(['check-config'], { env: { ...env(), ...wrong } });
    assert.notEqual(status, 0, JSON.stringify(wrong));
    assert.match(stdout + stderr, said);
  }
  const { status } = await runCommand(['check-config'], { env: { ...env(), GEO_DATABASE: damaged } });
  assert.notEqual(status, undefined, 'whatever a damaged file holds, it ends in order');
});
