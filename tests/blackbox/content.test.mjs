// The content guard end to end: attacks are refused in chat and in structure, what people say is not, and the
// commands of an operator who tries rules.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { call, eventually, newVisitor, plenty } from '../harness/client.mjs';
import { runCommand, startGateway } from '../harness/gateway.mjs';
import { samplesOf } from '../harness/metrics.mjs';
import { PROVES } from '../harness/proves.mjs';
import { useFakeUpstream } from '../harness/use_fake_upstream.mjs';

const upstream = await useFakeUpstream();
const guard = { guard: 'content' };
const json = { 'Content-Type': 'application/json' };

/** Attacks by the code of their event. */
const attacks = {
  VAL_002: ["'; DROP TABLE sessions; --", "1' OR '1'='1", "admin' --", 'house; DROP TABLE users', "what's it worth' OR '1'='1", '-1 UNION SELECT 1,2,3'],
  VAL_003: [
    '<script>alert(1)</script>', 'javascript:alert(1)', '<img src=x onerror=alert(1)>', '<svg/onload=alert(1)>',
    '<div onclick="go()">x</div>', '<body onload=go()>', 'data:text/html,<script>alert(1)</script>', '%253Cscript%253Ealert(1)%253C/script%253E',
  ],
  VAL_004: ['../../../../etc/passwd', '..%c0%af..%c0%afetc/passwd'],
};
const speech = [
  'select a plan', 'I want to create an account', 'Order #1234', 'Drop me a line; update my card', 'on Monday = closed', "O'Brien's 5' desk",
  'What does <script> do in HTML?', 'javascript course', '~50/month', 'a < b', 'prescription and subscription', 'the location. Then',
];

describe('content', () => {
  let gateway;
  before(async () => {
    gateway = await startGateway({ env: { ...plenty, SECURITY_RATE_LIMIT_REQUESTS_PER_MINUTE: '100000', N8N_WEBHOOK_URL: upstream.url, LOG_FORMAT: 'json' } });
  });
  after(() => gateway?.stop());

  const testRoute = (body) => call(gateway, 'POST', '/api/test', { headers: json, body });

  /** The event of a refusal, once the log has been written. */
  async function eventOf(answer) {
    let line;
    await eventually(() => (line = gateway.log().split('\n').find((l) => l.includes(answer.json.error_id) && l.includes('VALIDATION_ERROR'))), { what: 'no event of this id' });
    return line;
  }

  function assertRefused(answer, text) {
    assert.equal(answer.status, 400, text);
    assert.equal(answer.json.code, 'CONTENT_REFUSED');
    assert.equal(answer.json.error_id, answer.json.error_id.toUpperCase());
    assert.ok(!/breakout|xss-|sqli-|rule/.test(answer.text), `the answer names a rule: ${answer.text}`);
  }

  for (const [promises, code] of [[['F015', 'F156'], 'VAL_002'], [['F013', 'F014', 'F016', 'F017', 'F018', 'F158'], 'VAL_003'], [['F159'], 'VAL_004']]) {
    test(PROVES(...promises, 'F166', guard) + `attacks of ${code} are refused in chat and in structure, each with its event`, async () => {
      const visitor = await newVisitor(gateway);
      for (const text of attacks[code]) {
        const asked = upstream.requests.length;
        for (const answer of [await visitor.ask(text), await testRoute(JSON.stringify({ query: text }))]) {
          assertRefused(answer, text);
          const event = await eventOf(answer);
          assert.ok(JSON.parse(event).codes.split(',').includes(code), event);
          assert.ok(!event.includes(text), 'no text of visitors in an event');
        }
        assert.equal(upstream.requests.length, asked, 'nothing of it reached the assistant');
      }
    });
  }

  test('what people say reaches the assistant as they said it', async () => {
    const visitor = await newVisitor(gateway);
    for (const text of speech) {
      const answer = await visitor.ask(text);
      assert.equal(answer.status, 200, `${text}: ${answer.text}`);
      assert.equal(upstream.requests.at(-1).body.message, text);
    }
  });

  test(PROVES('F167', guard) + 'the guide\'s text in POST /api/test is refused', async () => {
    assertRefused(await testRoute('{"query":"\'; DROP TABLE users; --"}'));
  });

  test(PROVES('F163') + 'a sanitised copy has no tags and makes none by decoding', async () => {
    const copy = async (text) => (await testRoute(JSON.stringify({ sanitise: text }))).json.sanitised;
    assert.equal(await copy('<b>bold</b> a < b'), 'bold a < b');
    assert.ok(!/<|&lt;|%3C/i.test(await copy('&lt;b&gt;x &amp;lt;i&amp;gt;y %3Cu%3Ez')));
  });

  test(PROVES('F152', guard) + 'headers are judged by their grammar, not by words', async () => {
    const health = (headers) => call(gateway, 'GET', '/api/health', { headers });
    const fine = { 'Sec-Fetch-Dest': 'empty', Accept: 'application/javascript, */*;q=0.1', Referer: `${gateway.url}/subscription?x=script` };
    assert.equal((await health(fine)).status, 200);
    for (const headers of [{ Accept: '<script>' }, { Referer: `${gateway.url}/<script>` }, { 'X-Thing': '${jndi:ldap://x.example/a}' }]) {
      const answer = await health(headers);
      assertRefused(answer, JSON.stringify(headers));
      const event = await eventOf(answer);
      assert.ok(JSON.parse(event).codes.split(',').includes('SEC_002'), event);
    }
  });

  test('paths and queries are judged before a route is missed', async () => {
    assertRefused(await call(gateway, 'GET', '/nowhere?file=../../etc/passwd'));
    assertRefused(await call(gateway, 'GET', '/widget/..%2f..%2fetc/passwd'));
  });

  test('each class is counted', async () => {
    const of = async (name) => (await samplesOf(gateway)).value('portcullis_content_findings_total', { class: name });
    const before = await of('xss');
    await testRoute('{"a":"<script>alert(1)</script>"}');
    assert.equal(await of('xss'), before + 1);
  });
});

test('in monitor mode attacks pass and are reported', async () => {
  const gateway = await startGateway({ env: { GUARDS_CONTENT_MODE: 'monitor', LOG_FORMAT: 'json' } });
  try {
    const answer = await call(gateway, 'POST', '/api/test', { headers: json, body: '{"a":"<script>alert(1)</script>"}' });
    assert.equal(answer.status, 200);
    await eventually(() => /"decision":"would_refuse".*VAL_003/.test(gateway.log()));
  } finally {
    await gateway.stop();
  }
});

test('protection against SQL and against script can be switched off, each for itself', async () => {
  const gateway = await startGateway({ env: { SECURITY_ENABLE_SQL_INJECTION_PROTECTION: 'false' } });
  try {
    const send = (text) => call(gateway, 'POST', '/api/test', { headers: json, body: JSON.stringify({ message: text }) });
    assert.equal((await send("1' OR '1'='1")).status, 200);
    assert.equal((await send('<script>alert(1)</script>')).status, 400);
  } finally {
    await gateway.stop();
  }
});

describe('portcullis rules', () => {
  test(PROVES('F021') + 'eval judges one text a line', async () => {
    const lines = [{ id: 'a', text: "1' OR '1'='1" }, { id: 'b', text: 'Drop me a line' }].map((line) => JSON.stringify(line)).join('\n');
    const { status, stdout } = await runCommand(['rules', 'eval', '--field', 'prose'], { input: `${lines}\n` });
    assert.equal(status, 0);
    const [attack, harmless] = stdout.trim().split('\n').map((line) => JSON.parse(line));
    assert.deepEqual([attack.id, attack.decision, attack.classes, attack.codes], ['a', 'refuse', ['sqli'], ['VAL_002']]);
    assert.ok(attack.score >= 5);
    assert.deepEqual([harmless.id, harmless.decision, harmless.classes, harmless.codes, harmless.flags], ['b', 'pass', [], [], []]);
  });

  test('eval names the first line that it cannot read', async () => {
    for (const bad of ['{', '[]', '{"id":1,"text":"x"}', '{"id":"x"}']) {
      const { status, stdout, stderr } = await runCommand(['rules', 'eval'], { input: `{"id":"a","text":"x"}\n${bad}\n` });
      assert.equal(status, 1, bad);
      assert.match(stderr, /^error: line 2: /);
      assert.equal(stdout.trim().split('\n').length, 1, 'what came before it was judged');
    }
  });

  test('list names all, explain tells one, and every rule holds its texts', async () => {
    const list = await runCommand(['rules', 'list']);
    assert.match(list.stdout, /^sqli-breakout +sqli +5 +5$/m);
    assert.match(list.stdout, /^key-github +answers$/m);
    assert.match((await runCommand(['rules', 'explain', 'key-github'])).stdout, /answers, RSP_001[^]*must match[^]*must pass/);
    const explained = await runCommand(['rules', 'explain', 'sqli-breakout']);
    assert.equal(explained.status, 0);
    assert.match(explained.stdout, /must match[^]*1' OR '1'='1[^]*must pass/);
    assert.equal((await runCommand(['rules', 'explain', 'nonsense'])).status, 1);
    const held = await runCommand(['rules', 'test']);
    assert.equal(held.status, 0, held.stderr);
    assert.match(held.stdout, / 0 missed/);
  });
});
