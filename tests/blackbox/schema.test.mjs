// JSON Schemas of protected routes, and the business rules that are written down in them.

import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { withAccounts } from '../harness/accounts.mjs';
import { assertProblem, call, eventually } from '../harness/client.mjs';
import { runCommand, startGateway } from '../harness/gateway.mjs';
import { PROVES } from '../harness/proves.mjs';
import { bearer } from '../harness/users.mjs';

const example = join(dirname(fileURLToPath(import.meta.url)), '../../deploy/examples/business');
const open = { SECURITY_RATE_LIMIT_REQUESTS_PER_MINUTE: '1000000', SECURITY_RATE_LIMIT_AUTHENTICATED_RPM: '1000000', GUARDS_BOT_MODE: 'off', LOG_FORMAT: 'json' };

/** A service that remembers the bodies that reach it. */
async function startService() {
  const bodies = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    bodies.push(body);
    response.end('{}');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    bodies,
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The event of an answer, once the log has it. */
async function eventOf(gateway, answer) {
  const of = () => gateway.log().split('\n').find((line) => line.includes(answer.json.error_id) && line.includes('VALIDATION_ERROR'));
  await eventually(of, { what: 'no event of this id' });
  return of();
}

describe('a schema of a route', () => {
  let service;
  let gateway;
  let folder;
  const yaml = (schema) => `
services: [{id: s, targets: ["${service.url}"]}]
routes:
  - {path: /a/, service: s, methods: [GET, POST, DELETE], kind: anonymous, auth: none, body: {schema: ${schema}}}
  - {path: /free/, service: s, methods: [GET, POST], kind: anonymous, auth: none}
  - {path: /api/test, critical: true}
  - {path: /tried/, service: s, methods: [POST], kind: anonymous, auth: none, critical: true, guards: {body: monitor}, body: {schema: ${schema}}}
`;
  before(async () => {
    service = await startService();
    folder = await mkdtemp(join(tmpdir(), 'portcullis-schema-'));
    await writeFile(
      join(folder, 'order.yaml'),
      `type: object
required: [n]
additionalProperties: false
properties:
  n: {type: [integer, string], maximum: 12345678901234567890123}
  price: {multipleOf: 0.01}
  tags: {type: array, uniqueItems: true, maxItems: 100000, items: {type: [string, number], pattern: "^(a+)+$"}}
  child: {$ref: "#"}
`,
    );
    gateway = await startGateway({ folder, env: open, yaml: yaml('order.yaml') });
  });
  after(async () => {
    await gateway?.stop();
    await service?.stop();
    await rm(folder, { recursive: true, force: true });
  });
  const post = (body, path = '/a/x', type = 'application/json') => call(gateway, 'POST', path, { body, headers: { 'Content-Type': type } });

  test('lets pass what follows it, byte by byte', async () => {
    for (const body of ['{"n":1}', '{ "n" : 1.0, "price": 19.99 }', '{"n":12345678901234567890123}', '{"n":1,"child":{"n":2,"child":{"n":"x"}}}']) {
      const answer = await post(body);
      assert.equal(answer.status, 200, answer.text);
      assert.equal(service.bodies.at(-1), body);
    }
  });

  test('refuses what breaks it with the pointer and the rule, and never with what was sent', async () => {
    const before = service.bodies.length;
    const cases = [
      ['{}', '', 'required', "The body must have the member 'n'."],
      ['[]', '', 'type', 'The body must be of type object.'],
      ['{"n":true}', '/n', 'type', 'The value at /n must be of type string or integer.'],
      ['{"n":1.5}', '/n', 'type'],
      ['{"n":12345678901234567890124}', '/n', 'maximum', 'The value at /n must be at most 12345678901234567890123.'],
      ['{"n":1,"price":19.990000000000000000001}', '/price', 'multipleOf'],
      ['{"n":1,"hunter2":"hunter2"}', '', 'additionalProperties'],
      ['{"n":1,"child":{"n":1,"child":{"n":1,"hunter2":0}}}', '/child/child', 'additionalProperties'],
      ['{"n":1,"tags":["a","hunter2"]}', '/tags/1', 'pattern'],
      ['{"n":1,"tags":["a","aa","a"]}', '/tags', 'uniqueItems'],
    ];
    for (const [body, pointer, rule, detail] of cases) {
      const answer = await post(body);
      assertProblem(answer, 422, 'SCHEMA_INVALID');
      assert.deepEqual([answer.json.pointer, answer.json.rule], [pointer, rule], body);
      if (detail) assert.equal(answer.json.detail, detail);
      assert.ok(!answer.text.includes('hunter2'), answer.text);
      const event = await eventOf(gateway, answer);
      assert.match(event, /VAL_006/);
      assert.ok(!event.includes('hunter2') && !event.includes('VAL_007'), event);
    }
    assert.equal(service.bodies.length, before, 'nothing of it came through');
  });

  test('cannot be got round', async () => {
    const before = service.bodies.length;
    const bare = (method, path) => call(gateway, method, path);
    assertProblem(await bare('POST', '/a/x'), 415, 'UNSUPPORTED_MEDIA_TYPE');
    assertProblem(await post(''), 400, 'VALIDATION_FAILED');
    assertProblem(await post('{"n":1,"n":[]}'), 400, 'VALIDATION_FAILED');
    assertProblem(await post('{"n":1}', '/a/x', 'text/plain'), 415, 'UNSUPPORTED_MEDIA_TYPE');
    assertProblem(await post('x=1', '/a/x', 'application/x-www-form-urlencoded'), 422, 'SCHEMA_INVALID');
    assertProblem(await call(gateway, 'DELETE', '/a/x', { body: '{}' }), 422, 'SCHEMA_INVALID');
    assert.equal(service.bodies.length, before);
    assert.equal((await post('n=1', '/a/x', 'application/x-www-form-urlencoded')).status, 200, 'a field is a string');
    assert.equal((await bare('GET', '/a/x')).status, 200);
    assert.equal((await bare('DELETE', '/a/x')).status, 200);
    assert.equal((await bare('POST', '/free/x')).status, 200, 'without a schema a body may be missing');
    assert.equal((await post('[]', '/free/x')).status, 200);
    assertProblem(await bare('PUT', '/a/x'), 405, 'METHOD_NOT_ALLOWED');
  });

  test('takes time in proportion to what it is asked about', async () => {
    const body = JSON.stringify({ n: 1, tags: Array.from({ length: 90_000 }, (_, i) => i) });
    assert.equal((await post(body)).status, 200);
    const evil = JSON.stringify({ n: 1, tags: ['a'.repeat(500_000) + '!'] });
    const begun = performance.now();
    assert.equal((await post(evil)).json.rule, 'pattern');
    assert.ok(performance.now() - begun < 10_000, 'a pattern that backtracks would never end');
  });

  test('in monitor mode it tells and refuses nothing', async () => {
    assert.equal((await post('{"n":true}', '/tried/x')).status, 200);
    const told = () => gateway.log().split('\n').find((line) => line.includes('/tried/x') && line.includes('VAL_006'));
    await eventually(told);
    assert.match(told(), /would_refuse/);
    assert.match(told(), /VAL_007/);
  });

  test("a route of the gateway's own can be critical too", async () => {
    const event = await eventOf(gateway, await post('{', '/api/test'));
    assert.match(event, /VAL_005/);
    assert.match(event, /VAL_007/);
    assert.match(event, /"high"/);
  });

  test('that is wrong is told of with file and pointer, and a reload with one changes nothing', async () => {
    await writeFile(join(folder, 'bad.yaml'), 'properties:\n  a: {tpye: string}\n  b: {pattern: "(?=x)"}\n');
    for (const schema of ['bad.yaml', 'missing.yaml']) {
      const checked = await runCommand(['check-config'], { yaml: yaml(join(folder, schema)), env: open });
      assert.notEqual(checked.status, 0);
      assert.match(checked.stdout + checked.stderr, schema === 'bad.yaml' ? /bad\.yaml: #\/properties\/a\/tpye: .*#\/properties\/b\/pattern: look-around/ : /missing\.yaml: cannot be read/);
    }
    const streamed = await runCommand(['check-config'], { yaml: yaml('x.yaml').replace('body: {', 'body: {inspect: false, '), env: open });
    assert.notEqual(streamed.status, 0);
    assert.match(streamed.stdout + streamed.stderr, /a schema asks for bodies that are inspected/);

    await gateway.writeConfig(yaml('bad.yaml'));
    gateway.signal('SIGHUP');
    await eventually(() => gateway.log().includes('tpye'), { what: 'no word of the error' });
    assertProblem(await post('{"n":true}'), 422, 'SCHEMA_INVALID');

    await writeFile(join(folder, 'order.yaml'), 'type: array\n');
    await gateway.writeConfig(yaml('order.yaml'));
    gateway.signal('SIGHUP');
    await eventually(async () => (await post('[]')).status === 200, { what: 'the file is not read again' });
    assertProblem(await post('{"n":1}'), 422, 'SCHEMA_INVALID');
  });
});

test(PROVES('F161', 'F162', 'F164', 'F165', 'F166', { guard: 'body' }) + 'the example keeps the rules of the business, and each violation is an event', async () => {
  const service = await startService();
  try {
    await withAccounts(async (desk) => {
      const token = async (role) => bearer(desk.secret(await desk.done(['token', 'issue', '--sub', `a-${role}`, '--role', role])));
      const [operator, admin] = [await token('operator'), await token('admin')];
      await cp(example, desk.folder, { recursive: true });
      const yaml = (await readFile(join(example, 'portcullis.yaml'), 'utf8')).replace('http://127.0.0.1:9100', service.url);
      const gateway = await startGateway({ folder: desk.folder, env: { ...open, DATA_DIR: `${desk.folder}/data` }, yaml });
      try {
        const post = (path, body, as = operator) => call(gateway, 'POST', path, { body, headers: as });
        const critical = ['/api/revenue/x', '/api/commission/x', '/api/analytics/x', '/api/bi/x', '/api/admin/x'];
        const as = (path) => (path.startsWith('/api/admin') ? admin : operator);
        const wrong = [
          [{ commission_percentage: 100.01 }, '/commission_percentage', 'maximum'],
          [{ commission_percentage: -1 }, '/commission_percentage', 'minimum'],
          [{ commission_percentage: '50' }, '/commission_percentage', 'type'],
          [{ deal_amount: -0.01 }, '/deal_amount', 'minimum'],
          [{ commission_amount: -1 }, '/commission_amount', 'minimum'],
          [{ estimated_value: null }, '/estimated_value', 'type'],
          [[], '', 'type'],
          [{ parts: [{ parts: [{ deal_amount: 1 }, { commission_percentage: 101 }] }] }, '/parts/0/parts/1/commission_percentage', 'maximum'],
        ];
        for (const path of critical) {
          assertProblem(await call(gateway, 'POST', path, { body: {} }), 401, 'AUTH_FAILED');
          for (const [body, pointer, rule] of wrong) {
            const answer = await post(path, body, as(path));
            assertProblem(answer, 422, 'SCHEMA_INVALID');
            assert.deepEqual([answer.json.pointer, answer.json.rule], [pointer, rule]);
            const event = await eventOf(gateway, answer);
            assert.match(event, /VAL_006/);
            assert.match(event, /VAL_007/);
            assert.match(event, /"high"/);
          }
          const attack = await post(path, { note: "'; DROP TABLE deals; --" }, as(path));
          assertProblem(attack, 400, 'CONTENT_REFUSED');
          assert.match(await eventOf(gateway, attack), /VAL_002.*VAL_007|VAL_007.*VAL_002/);
        }
        let deep = '{"commission_percentage":1}';
        for (let i = 0; i < 20; ++i) deep = `{"parts":[${deep}]}`;
        assertProblem(await post('/api/commission/x', deep), 400, 'VALIDATION_FAILED');

        const leads = [
          [{ email: 'no at sign' }, '/email', 'format'],
          [{ email: 'a@b.example', phone: '12345' }, '/phone', 'minLength'],
          [{ email: 'a@b.example', phone: 1234567890 }, '/phone', 'type'],
          [{ email: 'a@b.example', phone: '12345abcde' }, '/phone', 'pattern'],
          [{ email: 'a@b.example', estimated_value: -5 }, '/estimated_value', 'minimum'],
          [{ phone: '+1 555 010 0000' }, '', 'required'],
        ];
        for (const [body, pointer, rule] of leads) {
          const answer = await post('/api/leads', body);
          assertProblem(answer, 422, 'SCHEMA_INVALID');
          assert.deepEqual([answer.json.pointer, answer.json.rule], [pointer, rule]);
          const event = await eventOf(gateway, answer);
          assert.match(event, /VAL_006/);
          assert.doesNotMatch(event, /VAL_007/, 'not a critical route');
        }
        assert.equal(service.bodies.length, 0, 'nothing of it came through');

        for (const value of [0, 100, 99.99]) {
          assert.equal((await post('/api/commission/x', { commission_percentage: value, deal_amount: 0, note: 'fine' })).status, 200);
        }
        assert.equal((await post('/api/leads', { email: 'a@b.example', phone: '+1 (555) 010-0000', message: 'I want to select a plan' })).status, 200);
      } finally {
        await gateway.stop();
      }
    });
  } finally {
    await service.stop();
  }
});
