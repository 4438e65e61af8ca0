// hCaptcha and Turnstile in place of proof of work: who passes, who does not, and what happens while the provider is
// away. The provider is a fake that speaks the documented protocol.

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { call, eventually } from '../harness/client.mjs';
import { expectProblem } from '../harness/expect.mjs';
import { startFakeSiteverify } from '../harness/fake_siteverify.mjs';
import { answers, closedPort } from '../harness/fake_upstream.mjs';
import { samplesOf } from '../harness/metrics.mjs';
import { startRecordingUpstream } from '../harness/recording_upstream.mjs';
import { startRedis } from '../harness/redis.mjs';
import { keepSecrets } from '../harness/secret_keeper.mjs';
import { kMachinesWelcome, kOrigin, kWideLimits, messageRequest, openSession } from '../harness/visitor.mjs';
import { request } from '../harness/wire.mjs';
import { solve as work } from '../harness/work.mjs';

const kTimeout = { timeout: 30_000 };
const kSiteKey = '0x4AAAAAAAfakeSiteKey';
const kTool = { 'User-Agent': 'python-requests/2.31.0' };
const keeper = keepSecrets();

/** A gateway that challenges machines by a fake provider, which is stopped with it: `use(gateway, provider, env)`. `yaml`: by the assistant's URL. */
async function withCaptcha(kind, { env = {}, yaml } = {}, use) {
  const secret = keeper.newKey();
  const provider = await startFakeSiteverify({ kind, secret, siteKey: kSiteKey });
  const assistant = await startRecordingUpstream();
  try {
    const options = {
      yaml: yaml?.(assistant.url),
      env: {
        ...kWideLimits,
        RATE_LIMIT_PER_MINUTE: '80', // twenty for a machine
        ALLOWED_ORIGINS: kOrigin,
        TRUSTED_PROXIES: '127.0.0.1/32',
        N8N_WEBHOOK_URL: assistant.url,
        REPUTATION_ENABLED: 'false',
        BLOCKS_AUTOMATIC: 'false',
        BOT_CHALLENGE: kind,
        BOT_CHALLENGE_STEPS: '500',
        BOT_CHALLENGE_SITE_KEY: kSiteKey,
        BOT_CHALLENGE_SECRET: secret,
        BOT_CHALLENGE_VERIFY_URL: provider.url,
        BOT_CHALLENGE_TIMEOUT: '500ms',
        BOT_CHALLENGE_RETRY: '50ms',
        ...env,
      },
    };
    await keeper.run(options, (gateway) => use(gateway, provider, options.env));
  } finally {
    await provider.stop();
    await assistant.stop();
  }
}

let addresses = 0;

/** A machine at an address of its own that has used up its window: whatever it says is challenged. */
class Machine {
  constructor(gateway, headers) {
    this.gateway = gateway;
    this.headers = headers;
  }

  static async at(gateway, origin = kOrigin) {
    const headers = { ...kTool, 'X-Forwarded-For': `198.51.100.${++addresses}` };
    const out = new Machine(gateway, headers);
    out.origin = origin;
    out.token = await openSession(gateway, { headers, origin });
    while ((await out.say()).status === 200);
    return out;
  }

  async say(solution) {
    const headers = solution === undefined ? this.headers : { ...this.headers, 'X-Challenge-Solution': solution };
    return keeper.tell(await request(this.gateway, messageRequest(this.token, 'test message', { headers, origin: this.origin })));
  }

  async challenge() {
    const refused = await this.say();
    expectProblem(refused, 403, 'CHALLENGE_REQUIRED');
    return refused.json.challenge;
  }
}

const solutionOf = (challenge, token) => `${challenge.kind}.${challenge.ticket}.${token}`;
const isWork = (challenge) => challenge.algorithm === 'SHA-256' && challenge.kind === undefined;

const outcomes = async (gateway, outcome) => (await samplesOf(gateway)).value('portcullis_challenges_total', { outcome });
const health = async (gateway) => (await request(gateway, { path: '/health', headers: {} })).json;

describe('a captcha', () => {
  test('of Turnstile lets its visitor go on, once', kTimeout, async () => {
    await withCaptcha('turnstile', {}, async (gateway, provider) => {
      const machine = await Machine.at(gateway);
      const challenge = await machine.challenge();
      const { ticket, ...rest } = challenge;
      assert.deepEqual(rest, {
        kind: 'turnstile',
        site_key: kSiteKey,
        script: 'https://challenges.cloudflare.com/turnstile/v0/api.js',
        action: 'portcullis',
        fallback: 'wait',
      });
      assert.match(ticket, /^[A-Za-z0-9_-]{1,255}$/, 'what Turnstile takes along');
      const solution = solutionOf(challenge, provider.solve(challenge));
      assert.equal((await machine.say(solution)).status, 200);
      expectProblem(await machine.say(solution), 403, 'CHALLENGE_REQUIRED');
      assert.equal(provider.forms.length, 1, 'what is used costs the provider nothing');
      const { secret, headers, connection, ...form } = provider.forms[0];
      assert.deepEqual(Object.keys(form), ['response'], 'nothing of the visitor but the token');
      assert.equal(headers['content-type'], 'application/x-www-form-urlencoded');
      assert.equal(await outcomes(gateway, 'solved'), 1);
      assert.equal(await outcomes(gateway, 'used'), 1);
      assert.equal((await health(gateway)).services.challenges.default, 'healthy');
    });
  });

  test('of hCaptcha, too, with its site key, and with the address where the owner wants that', kTimeout, async () => {
    await withCaptcha('hcaptcha', { env: { BOT_CHALLENGE_SEND_ADDRESS: 'true' } }, async (gateway, provider) => {
      const machine = await Machine.at(gateway);
      const challenge = await machine.challenge();
      assert.equal(challenge.action, undefined);
      assert.equal((await machine.say(solutionOf(challenge, provider.solve(challenge)))).status, 200);
      assert.equal(provider.forms[0].sitekey, kSiteKey);
      assert.equal(provider.forms[0].remoteip, machine.headers['X-Forwarded-For']);
      const next = await machine.challenge();
      assert.equal((await machine.say(solutionOf(next, provider.solve(next, { hostname: 'not-provided' })))).status, 200);
    });
  });

  test('that was solved elsewhere, for another, too long ago or not at all is none', kTimeout, async () => {
    await withCaptcha('turnstile', {}, async (gateway, provider) => {
      const hour = 3_600_000;
      const cases = [
        ['foreign', { hostname: 'evil.example' }],
        ['foreign', { hostname: 'shop.example.evil.example' }],
        ['foreign', { cdata: 'the-ticket-of-another' }],
        ['foreign', { action: 'login' }],
        ['foreign', { cdata: undefined, action: undefined }],
        ['expired', { solvedAt: new Date(Date.now() - hour) }],
        ['expired', { solvedAt: new Date(Date.now() + hour) }],
      ];
      const machine = await Machine.at(gateway);
      for (const [outcome, how] of cases) {
        const before = await outcomes(gateway, outcome);
        const challenge = await machine.challenge();
        expectProblem(await machine.say(solutionOf(challenge, provider.solve(challenge, how))), 403, 'CHALLENGE_REQUIRED');
        assert.equal(await outcomes(gateway, outcome), before + 1, JSON.stringify(how));
      }
      const invented = await machine.challenge();
      expectProblem(await machine.say(solutionOf(invented, 'XXXX.INVENTED.TOKEN')), 403, 'CHALLENGE_REQUIRED');
      assert.equal(await outcomes(gateway, 'wrong'), 1);
      assert.equal((await health(gateway)).services.challenges.default, 'healthy', 'a bad token is an answer');
    });
  });

  test('is looked at only where it was asked for, and for ten tokens of a caller in a minute', kTimeout, async () => {
    await withCaptcha('turnstile', {}, async (gateway, provider) => {
      const [machine, other] = [await Machine.at(gateway), await Machine.at(gateway)];
      const theirs = await other.challenge();
      const mine = await machine.challenge();
      for (const solution of [
        solutionOf(theirs, provider.solve(theirs)),
        `hcaptcha.${mine.ticket}.${provider.solve(mine)}`,
        `turnstile.${mine.ticket}`,
        `turnstile.${mine.ticket}.`,
        `turnstile.${mine.ticket}.${'a'.repeat(2049)}`,
        `turnstile.${mine.ticket}.a&secret=b`,
        `turnstile..${provider.solve(mine)}`,
        provider.solve(mine),
      ]) {
        expectProblem(await machine.say(solution), 403, 'CHALLENGE_REQUIRED');
      }
      assert.equal(provider.forms.length, 0);
      const tickets = [];
      for (let i = 0; i < 14; ++i) tickets.push(await machine.challenge());
      for (const challenge of tickets) await machine.say(solutionOf(challenge, 'XXXX.INVENTED.TOKEN' + challenge.ticket));
      assert.equal(provider.forms.length, 10);
      assert.equal(await outcomes(gateway, 'limited'), 4);
    });
  });

  test('sent three times at once is taken once', kTimeout, async () => {
    await withCaptcha('turnstile', {}, async (gateway, provider) => {
      const machine = await Machine.at(gateway);
      const challenge = await machine.challenge();
      const solution = solutionOf(challenge, provider.solve(challenge));
      const sent = await Promise.all([1, 2, 3].map(() => machine.say(solution)));
      assert.deepEqual(sent.map(({ status }) => status).sort(), [200, 403, 403]);
      assert.equal(provider.forms.length, 1);
    });
  });

  test('that one node has taken is used on every other', kTimeout, async () => {
    const redis = await startRedis();
    try {
      const shared = { REDIS_URL: redis.url, REDIS_DEADLINE: '2s', SESSION_SECRET_KEY: keeper.newKey() + keeper.newKey() };
      await withCaptcha('hcaptcha', { env: shared }, async (gateway, provider, env) => {
        await keeper.run({ env }, async (other) => {
          const machine = await Machine.at(gateway);
          const challenge = await machine.challenge();
          const solution = solutionOf(challenge, provider.solve(challenge));
          machine.gateway = other;
          assert.equal((await machine.say(solution)).status, 200, 'whichever node asked for it');
          machine.gateway = gateway;
          expectProblem(await machine.say(solution), 403, 'CHALLENGE_REQUIRED');
          assert.equal(provider.forms.length, 1);
        });
      });
    } finally {
      await redis.stop();
    }
  });

  test('is asked about over connections that are kept', kTimeout, async () => {
    await withCaptcha('turnstile', { env: { WORKERS: '1' } }, async (gateway, provider) => {
      const machine = await Machine.at(gateway);
      for (let i = 0; i < 5; ++i) {
        const challenge = await machine.challenge();
        assert.equal((await machine.say(solutionOf(challenge, provider.solve(challenge)))).status, 200);
      }
      assert.equal(provider.accepted(), 1);
    });
  });
});

describe('a provider that is away', () => {
  const ways = {
    'does not answer': answers.never(),
    'sends a byte now and then': (call, response) => {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      const timer = setInterval(() => response.write(' '), 50);
      response.on('close', () => clearInterval(timer));
    },
    'answers with 500': answers.status(500),
    'answers with 503': answers.status(503, { 'Retry-After': '1' }),
    'answers with a page': answers.html(),
    'answers with half of its JSON': answers.brokenJson(),
    'answers with other types': (call, response) => response.end('{"success":"true","challenge_ts":1}'),
    'says too much': answers.huge(100_000),
    'cuts the connection': answers.closeWithoutAnswer(),
    'speaks no HTTP': answers.garbage(),
    'redirects': answers.redirect(),
    'compresses unasked': answers.gzip(),
    'says that it failed': (call, response) => response.end('{"success":false,"error-codes":["internal-error"]}'),
    'does not know the secret': (call, response) => response.end('{"success":false,"error-codes":["invalid-input-secret"]}'),
  };
  for (const [way, handler] of Object.entries(ways)) {
    test(`because it ${way}: work takes its place until it is back`, kTimeout, async () => {
      await withCaptcha('turnstile', {}, async (gateway, provider) => {
        const [machine, other] = [await Machine.at(gateway), await Machine.at(gateway)];
        const challenge = await machine.challenge();
        provider.onRequest(handler);
        const refused = await machine.say(solutionOf(challenge, provider.solve(challenge)));
        expectProblem(refused, 403, 'CHALLENGE_REQUIRED');
        assert.ok(isWork(refused.json.challenge), 'whose token could not be checked works instead');
        const task = await other.challenge();
        assert.ok(isWork(task), 'nobody is sent there any more');
        const { services, status } = await health(gateway);
        assert.deepEqual([services.challenges.default, status], ['degraded', 'healthy']);
        assert.equal((await samplesOf(gateway)).value('portcullis_challenge_providers_away'), 1);

        provider.onRequest(provider.good);
        const next = await eventually(async () => {
          const given = await machine.challenge();
          return isWork(given) ? null : given;
        });
        assert.equal((await machine.say(solutionOf(next, provider.solve(next)))).status, 200);
        assert.equal((await other.say(work(task))).status, 200, 'work that was asked for is taken');
        assert.equal((await health(gateway)).services.challenges.default, 'healthy');
        assert.equal(await outcomes(gateway, 'unavailable'), 1);
        const events = gateway.log().match(/SYS_00[67]/g);
        assert.deepEqual(events, ['SYS_006', 'SYS_007'], 'one event for each turn');
      });
    });
  }

  test('not because it fails at one token: that one is none, and nobody gets work for it', kTimeout, async () => {
    await withCaptcha('turnstile', {}, async (gateway, provider) => {
      const [machine, other] = [await Machine.at(gateway), await Machine.at(gateway)];
      for (const failure of [answers.status(403), answers.status(500), answers.closeWithoutAnswer()]) {
        const challenge = await machine.challenge();
        const token = provider.solve(challenge);
        provider.onRequest((call, response) => (call.raw.includes(token) ? failure(call, response) : provider.good(call, response)));
        const refused = await machine.say(solutionOf(challenge, token));
        expectProblem(refused, 403, 'CHALLENGE_REQUIRED');
        assert.ok(!isWork(refused.json.challenge), 'a captcha again');
        assert.ok(!isWork(await other.challenge()));
      }
      assert.equal((await health(gateway)).services.challenges.default, 'healthy');
    });
  });

  test('because nobody listens there', kTimeout, async () => {
    const port = await closedPort();
    await withCaptcha('turnstile', { env: { BOT_CHALLENGE_VERIFY_URL: `http://127.0.0.1:${port}/x`, BOT_CHALLENGE_RETRY: '1m' } }, async (gateway, provider) => {
      const machine = await Machine.at(gateway);
      const challenge = await machine.challenge();
      const refused = await machine.say(solutionOf(challenge, provider.solve(challenge)));
      assert.equal((await machine.say(work(refused.json.challenge))).status, 200);
    });
  });

  test('is looked for by one visitor at a time, and no more often than is set', kTimeout, async () => {
    await withCaptcha('turnstile', { env: { BOT_CHALLENGE_RETRY: '10m' } }, async (gateway, provider) => {
      const machine = await Machine.at(gateway);
      const challenge = await machine.challenge();
      provider.onRequest(answers.status(500));
      await machine.say(solutionOf(challenge, provider.solve(challenge)));
      const asked = provider.requests.length;
      provider.onRequest(provider.good);
      for (let i = 0; i < 10; ++i) assert.ok(isWork(await machine.challenge()));
      assert.equal(provider.requests.length, asked);
    });
  });

  const slow = { BOT_CHALLENGE_TIMEOUT: '25s', SERVER_DRAIN_TIMEOUT: '200ms' };

  test('is not asked on for a visitor who has left', kTimeout, async () => {
    await withCaptcha('turnstile', { env: slow }, async (gateway, provider) => {
      const machine = await Machine.at(gateway);
      const challenge = await machine.challenge();
      provider.onRequest(answers.never());
      const leaving = new AbortController();
      const headers = { ...machine.headers, Origin: kOrigin, Authorization: `Bearer ${machine.token}`, 'X-Challenge-Solution': solutionOf(challenge, provider.solve(challenge)) };
      const gone = assert.rejects(call(gateway, 'POST', '/api/v1/chat/message', { headers, body: { message: 'test message' }, signal: leaving.signal }));
      await eventually(() => provider.requests.length > 0);
      leaving.abort();
      await gone;
      await eventually(() => provider.requests[0].left(), { within: 10_000 });
    });
  });

  test('does not keep the gateway from stopping', kTimeout, async () => {
    let stopping;
    await withCaptcha('turnstile', { env: slow }, async (gateway, provider) => {
      const machine = await Machine.at(gateway);
      const challenge = await machine.challenge();
      provider.onRequest(answers.never());
      machine.say(solutionOf(challenge, provider.solve(challenge))).catch(() => {}); // cut by the end
      await eventually(() => provider.requests.length > 0);
      stopping = performance.now();
    });
    assert.ok(performance.now() - stopping < 10_000);
  });

  test('takes no more time than is set', kTimeout, async () => {
    await withCaptcha('turnstile', { env: { BOT_CHALLENGE_TIMEOUT: '300ms' } }, async (gateway, provider) => {
      const machine = await Machine.at(gateway);
      const challenge = await machine.challenge();
      provider.onRequest(answers.never());
      const other = await Machine.at(gateway);
      const began = performance.now();
      const waiting = machine.say(solutionOf(challenge, provider.solve(challenge)));
      await eventually(() => provider.requests.length > 0);
      expectProblem(await other.say(), 403, 'CHALLENGE_REQUIRED'); // others on the same workers go on
      await waiting;
      assert.ok(performance.now() - began < 5000);
    });
  });
});

describe('a page that cannot show it', () => {
  test('waits, as long as the owner does not say otherwise', kTimeout, async () => {
    await withCaptcha('turnstile', {}, async (gateway) => {
      const machine = await Machine.at(gateway);
      const challenge = await machine.challenge();
      const refused = await machine.say(`fallback.${challenge.ticket}`);
      assert.equal(refused.json.challenge.kind, 'turnstile');
    });
  });

  test('gets the hardest work where the owner allows it', kTimeout, async () => {
    await withCaptcha('turnstile', { env: { BOT_CHALLENGE_FALLBACK: 'proof_of_work' } }, async (gateway, provider) => {
      const machine = await Machine.at(gateway);
      const challenge = await machine.challenge();
      assert.equal(challenge.fallback, 'proof_of_work');
      const { json } = await machine.say(`fallback.${challenge.ticket}`);
      assert.equal(json.challenge.max_number, 5000, 'ten times as much as others have');
      assert.equal((await machine.say(work(json.challenge))).status, 200);
      assert.equal((await machine.challenge()).kind, 'turnstile', 'it says so each time');
      assert.equal(await outcomes(gateway, 'declined'), 1);
      assert.equal(provider.requests.length, 0);
    });
  });
});

describe('settings of captchas', () => {
  const given = () => ({ BOT_CHALLENGE: 'turnstile', BOT_CHALLENGE_SITE_KEY: kSiteKey, BOT_CHALLENGE_SECRET: keeper.newKey() });

  test('what would not work is refused, or warned about, before anything starts', async () => {
    const cases = [
      [{ ...given(), BOT_CHALLENGE_SECRET: '' }, 2, /BOT_CHALLENGE_SECRET: is needed for the challenge turnstile/],
      [{ ...given(), BOT_CHALLENGE_SITE_KEY: '' }, 2, /BOT_CHALLENGE_SITE_KEY: is needed for the challenge turnstile/],
      [{ ...given(), BOT_CHALLENGE: 'hcaptcha', BOT_CHALLENGE_SITE_KEY: 'a"key' }, 2, /BOT_CHALLENGE_SITE_KEY: a site key has letters/],
      [{ ...given(), BOT_CHALLENGE_SECRET: 'two words' }, 2, /BOT_CHALLENGE_SECRET: a key has visible ASCII/],
      [{ ...given(), BOT_CHALLENGE_VERIFY_URL: 'http://provider.example/siteverify' }, 2, /BOT_CHALLENGE_VERIFY_URL: .* is not https/],
      [{ ...given(), BOT_CHALLENGE_SCRIPT_URL: 'http://provider.example/api.js' }, 2, /BOT_CHALLENGE_SCRIPT_URL: .* is not https/],
      [{ ...given(), BOT_CHALLENGE_VERIFY_URL: 'https://u:p@provider.example/' }, 2, /user and password/],
      [{ ...given(), BOT_CHALLENGE: 'recaptcha' }, 2, /BOT_CHALLENGE: 'recaptcha' is not one of off, proof_of_work, hcaptcha, turnstile/],
      [{ ...given(), BOT_CHALLENGE_FALLBACK: 'pass' }, 2, /BOT_CHALLENGE_FALLBACK: 'pass' is not one of wait, proof_of_work/],
      [{ ...given(), BOT_CHALLENGE: 'proof_of_work' }, 0, /bot\.challenge_secret: is set, but nobody is challenged by it/],
      [{ ...given(), BOT_CHALLENGE_VERIFY_URL: 'http://127.0.0.1:9/siteverify' }, 0, /^/],
    ];
    for (const [env, status, pattern] of cases) {
      const result = await keeper.check({ env });
      assert.equal(result.status, status, JSON.stringify(env) + result.stderr);
      assert.match(result.stderr, pattern);
    }
  });

  test('the secret has a file form and is masked', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'portcullis-'));
    try {
      await writeFile(join(folder, 'secret'), `${keeper.newKey()}\n`);
      const { BOT_CHALLENGE_SECRET, ...env } = given();
      const result = await keeper.check({ env: { ...env, BOT_CHALLENGE_SECRET_FILE: join(folder, 'secret') } });
      assert.equal(result.status, 0, result.stderr);
      assert.match(result.stdout, /^bot\.challenge_secret: \*{8} {2}# set$/m);
      assert.match(result.stdout, /^site default: .*challenge turnstile/m);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('a site has its own kind and keys', kTimeout, async () => {
    const shopSecret = keeper.newKey();
    const site = (url, id, challenge) => `  - { id: ${id}, origins: 'https://${id}.example', upstream: { url: '${url}' }, challenge: ${challenge} }\n`;
    const yaml = (url) =>
      `sites:\n${site(url, 'plain', '{ kind: proof_of_work }')}${site(url, 'free', '{ kind: off }')}${site(url, 'own', `{ site_key: own-key, secret: ${shopSecret} }`)}`;
    await withCaptcha('turnstile', { yaml, env: { ALLOWED_HOSTS: '127.0.0.1' } }, async (gateway, provider) => {
      assert.ok(isWork(await (await Machine.at(gateway, 'https://plain.example')).challenge()));
      const free = await Machine.at(gateway, 'https://free.example');
      expectProblem(await free.say(), 429, 'RATE_LIMITED');
      const own = await Machine.at(gateway, 'https://own.example');
      const challenge = await own.challenge();
      assert.equal(challenge.site_key, 'own-key');
      await own.say(solutionOf(challenge, provider.solve(challenge, { hostname: 'own.example' })));
      assert.equal(provider.forms[0].secret, shopSecret);
      const { services } = await health(gateway);
      assert.deepEqual(Object.keys(services.challenges), ['default', 'own']);
    });
    const half = await keeper.check({ yaml: `sites:\n${site('http://127.0.0.1:9/', 'own', '{ kind: hcaptcha, site_key: own-key }')}` });
    assert.equal(half.status, 2);
    assert.match(half.stderr, /sites\.own\.challenge\.secret: is needed for the challenge hcaptcha/);
  });

  test("a page of ours allows the provider's script and frame where it has one, and nowhere else", kTimeout, async () => {
    const policyOf = async (gateway) => (await request(gateway, { path: '/widget/', headers: {} })).header('Content-Security-Policy');
    await withCaptcha('turnstile', {}, async (gateway) => {
      const policy = await policyOf(gateway);
      assert.match(policy, /script-src [^;]*https:\/\/challenges\.cloudflare\.com/);
      assert.match(policy, /frame-src https:\/\/challenges\.cloudflare\.com;/);
      const api = await request(gateway, { path: '/health', headers: {} });
      assert.doesNotMatch(api.header('Content-Security-Policy'), /cloudflare/);
    });
    await withCaptcha('hcaptcha', { env: { BOT_CHALLENGE_SCRIPT_URL: 'https://captcha.house.example/api.js' } }, async (gateway) => {
      assert.match(await policyOf(gateway), /frame-src https:\/\/hcaptcha\.com https:\/\/\*\.hcaptcha\.com https:\/\/captcha\.house\.example;/);
    });
    await keeper.run({ env: { ALLOWED_ORIGINS: kOrigin, ...kMachinesWelcome } }, async (gateway) => {
      assert.match(await policyOf(gateway), /frame-src 'none';/);
    });
  });
});
