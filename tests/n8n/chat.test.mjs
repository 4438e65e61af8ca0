// A visitor chats with workflows of a real n8n through the gateway. Run by scripts/test-n8n.sh.

import assert from 'node:assert/strict';
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { assertProblem, eventually, newVisitor } from '../harness/client.mjs';
import { startGateway } from '../harness/gateway.mjs';
import { startN8n } from './n8n.mjs';

const kSecret = randomBytes(48).toString('base64');
/** One site for each workflow, so that one gateway reaches them all and no breaker is shared. */
const kWorkflows = {
  chat: 'portcullis-chat',
  stream: 'portcullis-stream',
  throws: 'portcullis-throws',
  throwsbefore: 'portcullis-throws-before',
  throwsstream: 'portcullis-throws-stream',
  noanswer: 'portcullis-no-answer',
  unknown: 'portcullis-not-registered',
};
/** What n8n knows and visitors must not see. */
const kInternals = /swordfish|password|node_modules|stack|webhook|workflow|127\.0\.0\.1|not registered|\.js/i;

/** As in production, but plain http is answered. */
const kStaging = {
  SECURITY_ENVIRONMENT: 'staging',
  SESSION_SECRET_KEY: randomBytes(48).toString('base64'),
  ALLOWED_HOSTS: '127.0.0.1',
  LOG_FORMAT: 'text',
};

const originOf = (site) => `https://${site}.example`;

function sitesYaml(n8nUrl) {
  const sites = Object.entries(kWorkflows).map(
    ([site, path]) =>
      `  - id: ${site}\n    origins: ["${originOf(site)}"]\n    upstream: { kind: n8n, url: "${n8nUrl}/webhook/${path}" }\n`,
  );
  return `sites:\n${sites.join('')}`;
}

const base64url = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

function signed(header, claims, secret) {
  const input = `${base64url(header)}.${base64url(claims)}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}

let n8n;
let gateway;

before(
  async () => {
    n8n = await startN8n({ secret: kSecret });
    // The binary of the environment (build/release) is the one that is started.
    gateway = await startGateway({
      yaml: sitesYaml(n8n.url),
      env: { ...kStaging, JWT_SECRET_KEY: kSecret },
    });
  },
  { timeout: 300_000 },
);

after(async () => {
  await gateway?.stop();
  await n8n?.stop();
});

const visitorOf = (site) => newVisitor(gateway, { origin: originOf(site) });

describe('a workflow that verifies the token', () => {
  test('answers a message as JSON', async () => {
    const visitor = await visitorOf('chat');
    const answer = await visitor.ask('Grüße, "n8n" – ça va? 👋');
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json.response, 'You said: Grüße, "n8n" – ça va? 👋');
    assert.equal(answer.json.session_id, visitor.created.session_id);
  });

  test('answers a message as server-sent events', async () => {
    const visitor = await visitorOf('chat');
    const stream = await visitor.stream('as events');
    assert.equal(stream.status, 200);
    assert.equal(await stream.ended, 'end');
    assert.equal(stream.text(), 'You said: as events');
    assert.deepEqual([stream.types().at(0), stream.types().at(-1)], ['begin', 'end']);
    assert.equal(stream.events.at(-1).data, '[DONE]');
  });

  test('knows the session by a handle, the origin, and how many messages there were', async () => {
    const visitor = await visitorOf('chat');
    await visitor.ask('one');
    const facts = JSON.parse((await visitor.ask('facts')).json.response);
    assert.equal(facts.origin, 'chat.example');
    assert.equal(facts.count, 2);
    assert.match(facts.subject, /^[\w-]{32}$/);
    assert.notEqual(facts.subject, visitor.created.session_id);
    assert.ok(!visitor.token.includes(facts.subject));
  });

  test('leaves both sides of the conversation in the history', async () => {
    const visitor = await visitorOf('chat');
    await visitor.ask('first');
    await visitor.ask('second');
    const { json } = await visitor.history();
    assert.deepEqual(
      json.messages.map((message) => [message.role, message.content]),
      [
        ['user', 'first'],
        ['assistant', 'You said: first'],
        ['user', 'second'],
        ['assistant', 'You said: second'],
      ],
    );
  });

  test('is not asked a second time for a message that is sent again', async () => {
    const visitor = await visitorOf('chat');
    const first = await visitor.ask('facts', { client_message_id: 'same-one' });
    const again = await visitor.ask('facts', { client_message_id: 'same-one' });
    assert.equal(again.json.message_id, first.json.message_id);
    assert.equal(JSON.parse(again.json.response).count, 1);
  });
});

describe('a workflow that streams', () => {
  test('is read as events', async () => {
    const visitor = await visitorOf('stream');
    const stream = await visitor.stream('piece by piece');
    assert.equal(await stream.ended, 'end');
    assert.equal(stream.text(), 'You said: piece by piece');
    assert.equal(stream.types().at(-1), 'end');
  });

  test('is read as one JSON answer', async () => {
    const visitor = await visitorOf('stream');
    const answer = await visitor.ask('all at once');
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json.response, 'You said: all at once');
  });
});

describe('a workflow that fails', () => {
  // What n8n says on the wire: without this the tests below could pass for another reason than they name.
  const forms = {
    throws: [500, /^\{"message":"Error in workflow"\}$/],
    throwsbefore: [200, /^$/],
    throwsstream: [200, /"type":"error".*swordfish/s],
    noanswer: [200, /^\{"message":"Workflow was started"\}$/],
    unknown: [404, /is not registered/],
  };
  for (const [site, [status, pattern]] of Object.entries(forms)) {
    test(`${site}: n8n itself answers ${status} ${pattern.source}`, async () => {
      const answer = await fetch(`${n8n.url}/webhook/${kWorkflows[site]}`, { method: 'POST' });
      assert.equal(answer.status, status);
      assert.match(await answer.text(), pattern);
    });
  }

  for (const site of ['throws', 'throwsbefore', 'throwsstream', 'noanswer', 'unknown']) {
    test(`${site}: the visitor gets a 502 and nothing of n8n`, async () => {
      const visitor = await visitorOf(site);
      const answer = await visitor.ask('hello');
      const problem = assertProblem(answer, 502, 'UPSTREAM_ERROR');
      const { debug, instance, ...shown } = problem;
      assert.equal(debug, undefined, 'no details outside of debug');
      assert.doesNotMatch(JSON.stringify(shown), kInternals);
      await eventually(() => gateway.log().includes(problem.error_id), { what: 'no event in the log' });
    });

    test(`${site}: a stream ends with an error event and nothing of n8n`, async () => {
      const visitor = await visitorOf(site);
      const stream = await visitor.stream('hello');
      assert.equal(stream.status, 200);
      assert.equal(await stream.ended, 'end');
      const error = stream.events.find((event) => event.json?.type === 'error');
      assert.equal(error?.json.code, 'UPSTREAM_ERROR', stream.raw());
      assert.equal(stream.text(), '');
      assert.doesNotMatch(stream.raw(), kInternals);
    });
  }
});

describe('a token that the gateway did not make', () => {
  const message = 'let me in';
  const now = Math.floor(Date.now() / 1000);
  const good = {
    iss: 'portcullis',
    aud: 'n8n',
    sub: 'x',
    origin_domain: 'chat.example',
    exp: now + 600,
    bh: createHash('sha256').update(message).digest('base64url'),
  };
  const hs256 = { alg: 'HS256', typ: 'JWT' };
  const post = (path, body) =>
    fetch(`${n8n.url}/webhook/${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ message, context: { message_count: 1 }, ...body }),
    });

  test('is accepted where everything is right, so the refusals below mean something', async () => {
    const answer = await post(kWorkflows.chat, { jwt_token: signed(hs256, good, kSecret) });
    assert.equal(answer.status, 200);
    assert.equal((await answer.json()).response, `You said: ${message}`);
  });

  const forged = {
    'no token': undefined,
    'not a text': 7,
    'no token at all in it': 'hello',
    'three empty parts': '..',
    'a foreign secret': signed(hs256, good, 'another-secret-of-more-than-32-bytes!'),
    'alg none': `${base64url({ alg: 'none' })}.${base64url(good)}.`,
    'another algorithm': signed({ alg: 'HS512' }, good, kSecret),
    'altered claims': signed(hs256, good, kSecret).replace(/\.[^.]+\./, `.${base64url({ ...good, sub: 'y' })}.`),
    expired: signed(hs256, { ...good, exp: now - 1 }, kSecret),
    'without an end': signed(hs256, { ...good, exp: undefined }, kSecret),
    'for another audience': signed(hs256, { ...good, aud: 'other' }, kSecret),
    'for another message': signed(hs256, { ...good, bh: createHash('sha256').update('bye').digest('base64url') }, kSecret),
    'claims that are no JSON': (() => {
      const input = `${base64url(hs256)}.${Buffer.from('{').toString('base64url')}`;
      return `${input}.${createHmac('sha256', kSecret).update(input).digest('base64url')}`;
    })(),
  };
  for (const [name, jwt_token] of Object.entries(forged)) {
    test(`is refused by the workflow: ${name}`, async () => {
      const answer = await post(kWorkflows.chat, { jwt_token });
      assert.ok([401, 403].includes(answer.status), `status ${answer.status}`);
      assert.doesNotMatch(await answer.text(), /You said/);
    });
  }

  test('is refused by the streaming workflow', async () => {
    const answer = await post(kWorkflows.stream, { jwt_token: forged['a foreign secret'] });
    assert.doesNotMatch(await answer.text(), /You said/);
  });

  test('a gateway with another secret is refused, and its visitors get a 502', async () => {
    const stranger = await startGateway({
      env: {
        ...kStaging,
        JWT_SECRET_KEY: randomBytes(48).toString('base64'),
        N8N_WEBHOOK_URL: `${n8n.url}/webhook/${kWorkflows.chat}`,
        ALLOWED_ORIGINS: originOf('chat'),
      },
    });
    try {
      const visitor = await newVisitor(stranger, { origin: originOf('chat') });
      assertProblem(await visitor.ask('hello'), 502, 'UPSTREAM_ERROR');
    } finally {
      await stranger.stop();
    }
  });
});
