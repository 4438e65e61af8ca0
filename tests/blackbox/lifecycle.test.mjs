// Start, reload, drain and stop of the real process.

import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { assertProblem, call, eventually, health, newVisitor, openSocket, plenty, rawPost, sample, within } from '../harness/client.mjs';
import { answers, controlled, startFakeUpstream } from '../harness/fake_upstream.mjs';
import { runCommand, startGateway } from '../harness/gateway.mjs';
import { openDescriptors } from '../harness/process.mjs';
import { PROVES } from '../harness/proves.mjs';
import { useFakeUpstream } from '../harness/use_fake_upstream.mjs';
import { kMachinesWelcome } from '../harness/visitor.mjs';

const secretA = 'lifecycle-secret-a-'.repeat(4);
const secretB = 'lifecycle-secret-b-'.repeat(4);

const upstream = await useFakeUpstream();

const start = (env = {}, yaml) =>
  startGateway({ env: { ...plenty, STREAM_MAX_PER_ADDRESS: '1000', N8N_WEBHOOK_URL: upstream.url, ...env }, yaml });

describe('SIGTERM', () => {
  test(PROVES('F067') + 'a hundred open streams each get a last event and an orderly end; the exit status is 0', async () => {
    const gateway = await start();
    const visitors = await Promise.all(Array.from({ length: 20 }, () => newVisitor(gateway)));
    const streams = (await Promise.all(visitors.map((visitor, i) => Promise.all(Array.from({ length: 5 }, () => visitor.subscribe({ headers: i % 4 === 3 ? { Accept: 'application/x-ndjson' } : {} })))))).flat();
    assert.equal(streams.length, 100);
    assert.ok(streams.every((stream) => stream.status === 200));
    // One of them has seen an answer before.
    await visitors[0].post('hello');
    await streams[0].next((event) => event.json?.type === 'end');
    const started = performance.now();
    const stopped = gateway.stop();
    const ends = await within(10_000, Promise.all(streams.map((stream) => stream.ended)), 'a stream did not end');
    assert.deepEqual([...new Set(ends)], ['end'], 'each ended in order: the chunked body was complete');
    for (const stream of streams) {
      if (stream.headers['content-type'].startsWith('text/event-stream')) {
        assert.equal(stream.events.at(-1).data, '[DONE]');
        assert.ok(stream.raw().endsWith('data: [DONE]\n\n'));
      }
    }
    const { status } = await stopped;
    assert.equal(status, 0);
    assert.ok(performance.now() - started < 5000, 'nobody waits for the drain timeout where nothing is under way');
  });

  test('answers under way are finished: JSON, stream, and a request whose body is still coming', async () => {
    const gateway = await start();
    const [json, streaming, sending] = [await newVisitor(gateway), await newVisitor(gateway), await newVisitor(gateway)];
    const sources = [controlled(), controlled()];
    upstream.onRequest([...sources.map((source) => source.handler), answers.object('output', 'late but whole')]);
    const asked = json.ask('hello');
    await sources[0].opened;
    const stream = await streaming.stream('hello');
    await sources[1].opened;
    await sources[1].send('one ');
    await stream.next((event) => event.json?.content === 'one ');
    const socket = await openSocket(gateway.port);
    const post = rawPost(sending, '/api/v1/chat/message', { message: 'in two parts' });
    await socket.send(post.subarray(0, -6));
    await eventually(async () => (await sample(gateway, 'portcullis_connections_open')) >= 3);

    const stopped = gateway.stop();
    await eventually(() => gateway.log().includes('draining'));
    await sources[0].send('finished ');
    await sources[0].end();
    await sources[1].send('two');
    await sources[1].end();
    await socket.send(post.subarray(-6));
    const answer = await within(5000, asked);
    assert.equal(answer.status, 200);
    assert.equal(answer.json.response, 'finished ');
    assert.equal(answer.headers.connection, 'close');
    assert.equal(await within(5000, stream.ended), 'end');
    assert.deepEqual(stream.types(), ['begin', 'item', 'item', 'end']);
    assert.equal(stream.events.at(-1).data, '[DONE]');
    await within(5000, socket.closed);
    assert.match(socket.text(), /^HTTP\/1\.1 200 OK\r\n[^]*late but whole/);
    assert.equal((await stopped).status, 0);
  });

  test('a subscription stays until the answer under way for it is complete', async () => {
    const gateway = await start();
    const visitor = await newVisitor(gateway);
    const source = controlled();
    upstream.onRequest(source.handler);
    const tab = await visitor.subscribe();
    assert.equal((await visitor.post('hello')).status, 202);
    await source.opened;
    const stopped = gateway.stop();
    await eventually(() => gateway.log().includes('draining'));
    await source.send('still here');
    await tab.next((event) => event.json?.content === 'still here');
    await source.end();
    assert.equal(await within(5000, tab.ended), 'end');
    assert.deepEqual(tab.types(), ['begin', 'item', 'end']);
    assert.equal((await stopped).status, 0);
  });

  test('no new connection is taken while draining, idle ones are closed, and /health/ready on the operations port says so', async () => {
    const gateway = await start();
    const idle = await openSocket(gateway.port);
    await idle.send(`GET /health/live HTTP/1.1\r\nHost: 127.0.0.1:${gateway.port}\r\n\r\n`);
    await idle.until(/"status":"ok"/);
    const silent = await openSocket(gateway.port);
    const source = controlled();
    upstream.onRequest(source.handler);
    const asked = (await newVisitor(gateway)).ask('hello');
    await source.opened;
    const stopped = gateway.stop();
    await within(3000, Promise.all([idle.closed, silent.closed]), 'an idle connection was kept');
    await assert.rejects(call(gateway, 'GET', '/health/live'), /ECONNREFUSED|ECONNRESET|other side closed/);
    const ready = await call({ url: gateway.opsUrl }, 'GET', '/health/ready');
    assert.equal(ready.status, 503);
    assert.deepEqual(ready.json, { status: 'draining' });
    assert.equal((await call({ url: gateway.opsUrl }, 'GET', '/health/live')).status, 200);
    await source.end();
    assert.equal((await asked).status, 502, 'an answer without text');
    assert.equal((await stopped).status, 0);
  });

  test('what does not end in time is cut after the drain timeout: the upstream is left, the status is 0', async () => {
    const gateway = await start({ SERVER_DRAIN_TIMEOUT: '500ms' });
    upstream.onRequest(answers.never());
    const [first, second] = [await newVisitor(gateway), await newVisitor(gateway)];
    const asked = first.ask('hello').catch((error) => error);
    const stream = await second.stream('hello');
    await eventually(() => upstream.requests.length === 2);
    const started = performance.now();
    const { status } = await within(8000, gateway.stop());
    const took = performance.now() - started;
    assert.equal(status, 0);
    assert.ok(took >= 450 && took < 4000, `${took} ms`);
    assert.notEqual(await stream.ended, undefined);
    await asked;
    await eventually(() => upstream.requests.every((request) => request.left()));
  });

  test('a second signal ends the wait', async () => {
    const gateway = await start();
    upstream.onRequest(answers.never());
    const asked = (await newVisitor(gateway)).ask('hello').catch((error) => error);
    await eventually(() => upstream.requests.length === 1);
    const started = performance.now();
    gateway.signal('SIGTERM');
    await eventually(() => gateway.log().includes('draining'));
    const { status } = await within(8000, gateway.stop());
    assert.equal(status, 0);
    assert.ok(performance.now() - started < 5000, 'not the 30 s of the drain timeout');
    await asked;
  });

  test('ends it with status 0 also in the moment of the start', async () => {
    for (let i = 0; i < 8; i++) assert.equal((await (await start({ OPS_LISTEN: 'off' })).stop()).status, 0);
  });

  test('SIGINT does the same', async () => {
    const gateway = await start();
    const stream = await (await newVisitor(gateway)).subscribe();
    const stopped = gateway.stop({ signal: 'SIGINT' });
    assert.equal(await within(5000, stream.ended), 'end');
    assert.equal((await stopped).status, 0);
  });

  test('connections that are open at the end, on either port, leave nothing behind', async () => {
    // The sanitizer's leak check at the exit is the judge.
    const gateway = await start({ SERVER_HEAD_TIMEOUT: '500ms' });
    const sockets = [];
    for (const port of [gateway.port, Number(new URL(gateway.opsUrl).port)]) {
      const used = await openSocket(port);
      await used.send(`GET /health/live HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
      await used.until(/"status":"ok"/);
      const half = await openSocket(port);
      await half.send('GET /health/live HTTP/1.1\r\nHo');
      sockets.push(used, half, await openSocket(port));
    }
    assert.equal((await gateway.stop()).status, 0);
    await within(3000, Promise.all(sockets.map((socket) => socket.closed)));
  });

  test('a request whose head is not complete holds it up for a second only', async () => {
    const gateway = await start();
    const half = await openSocket(gateway.port);
    await half.send('GET /health/live HTTP/1.1\r\nHo');
    await eventually(async () => (await sample(gateway, 'portcullis_connections_open')) === 1);
    const started = performance.now();
    const stopped = gateway.stop();
    await within(8000, half.closed, 'the connection was kept');
    assert.match(half.text(), /^HTTP\/1\.1 408 /);
    assert.equal((await stopped).status, 0);
    assert.ok(performance.now() - started < 6000, 'not the 10 s that a head may take');
  });

  test('sessions end with the process where state is in memory, and their tokens are still verified', async () => {
    const env = { SESSION_SECRET_KEY: secretA, ALLOWED_ORIGINS: 'https://shop.example' };
    const first = await start(env);
    const visitor = await newVisitor(first, { origin: 'https://shop.example', body: { delivery: 'bearer' } });
    await visitor.ask('hello');
    await first.stop();
    const second = await start(env);
    try {
      const answer = await call(second, 'GET', '/api/v1/chat/history', { headers: visitor.headers });
      assert.equal(answer.status, 200);
      assert.deepEqual(answer.json.messages, []);
    } finally {
      await second.stop();
    }
  });
});

describe('SIGHUP', () => {
  const reloaded = async (gateway, count) => {
    gateway.signal('SIGHUP');
    await eventually(() => gateway.log().split('configuration reloaded').length - 1 === count, { what: `reload ${count} was not reported` });
  };

  test('brings new values into force and keeps sessions, history, streams and counters', async () => {
    const yaml = (chars) => `chat:\n  message_max_chars: ${chars}\n`;
    const gateway = await start({ ...kMachinesWelcome, RATE_LIMIT_SESSION_PER_MINUTE: '10' }, yaml(10_000));
    try {
      const visitor = await newVisitor(gateway);
      const tab = await visitor.subscribe();
      for (let i = 0; i < 4; i++) assert.equal((await visitor.ask('123456')).status, 200);
      const before = await visitor.ask('123456');
      assert.equal(before.headers['x-ratelimit-remaining'], '5');
      await gateway.writeConfig(yaml(5));
      await reloaded(gateway, 1);
      assertProblem(await visitor.ask('123456'), 400, 'VALIDATION_FAILED');
      const after = await visitor.ask('12345');
      assert.equal(after.status, 200);
      // The refused one was charged too: it had passed the limiter.
      assert.equal(after.headers['x-ratelimit-remaining'], '3');
      assert.equal((await visitor.history()).json.total_count, 12);
      assert.equal(tab.how, undefined);
      await eventually(() => tab.text().length > 0);
      assert.equal(await sample(gateway, 'portcullis_config_reloads_total{outcome="ok"}'), 1);
      for (let i = 0; i < 3; i++) assert.equal((await visitor.ask('12345')).status, 200);
      assertProblem(await visitor.ask('12345'), 429, 'RATE_LIMITED');
      tab.close();
    } finally {
      await gateway.stop();
    }
  });

  test(PROVES('F061') + 'keeps an open breaker open', async () => {
    const yaml = (chars) => `chat:\n  message_max_chars: ${chars}\n`;
    const gateway = await start({}, yaml(10_000));
    try {
      upstream.onRequest(answers.status(500));
      for (let i = 0; i < 5; i++) assertProblem(await (await newVisitor(gateway)).ask('hello'), 502, 'UPSTREAM_ERROR');
      await gateway.writeConfig(yaml(100));
      await reloaded(gateway, 1);
      assertProblem(await (await newVisitor(gateway)).ask('hello'), 503, 'UPSTREAM_UNAVAILABLE');
      assert.equal(upstream.requests.length, 5);
      assert.equal((await health(gateway)).services.upstreams.default, 'unhealthy');
    } finally {
      await gateway.stop();
    }
  });

  test('lets answers under way go on, and sends new messages to the new upstream', async () => {
    const other = await startFakeUpstream();
    other.onRequest(answers.object('output', 'I am the new one.'));
    const yaml = (url) => `upstream:\n  url: ${url}\n`;
    const gateway = await startGateway({ env: plenty, yaml: yaml(upstream.url) });
    try {
      const visitor = await newVisitor(gateway);
      const source = controlled();
      upstream.onRequest(source.handler);
      const stream = await visitor.stream('hello');
      await source.opened;
      await gateway.writeConfig(yaml(other.url));
      await reloaded(gateway, 1);
      assert.equal((await visitor.ask('hello')).json.response, 'I am the new one.');
      await source.send('the old one');
      await source.end();
      assert.equal(await within(5000, stream.ended), 'end');
      assert.deepEqual(stream.types().slice(-1), ['end']);
      assert.match(stream.text(), /the old one/);
      assert.equal(upstream.requests.length, 1);
    } finally {
      await gateway.stop();
      await other.stop();
    }
  });

  test('closes what the replaced upstream has: idle connections at once, the others when their answers end', async () => {
    const others = await Promise.all(Array.from({ length: 20 }, () => startFakeUpstream()));
    const yaml = (url) => `upstream:\n  url: ${url}\n`;
    const gateway = await startGateway({ env: plenty, yaml: yaml(upstream.url) });
    try {
      const visitor = await newVisitor(gateway);
      assert.equal((await visitor.ask('hello')).status, 200);
      const source = controlled();
      upstream.onRequest(source.handler);
      const answering = await newVisitor(gateway);
      const stream = await answering.stream('hello');
      await source.opened;
      const before = openDescriptors(gateway.pid);
      let previous;
      for (const [i, other] of others.entries()) {
        await gateway.writeConfig(yaml(other.url));
        await reloaded(gateway, i + 1);
        assert.equal((await visitor.ask('hello')).status, 200);
        assert.equal(other.requests.length, 1);
        // A connection that nobody uses is kept for 4 s while its upstream is in force.
        if (previous) await eventually(() => previous.connections() === 0, { within: 2000, what: `upstream ${i} is still connected` });
        previous = other;
      }
      assert.ok(openDescriptors(gateway.pid) <= before + 1, `${openDescriptors(gateway.pid)} descriptors, ${before} before`);
      assert.ok((await sample(gateway, 'portcullis_upstream_connections_open')) <= 2);
      assert.equal(upstream.connections(), 1, 'the answer under way goes on');
      await source.end();
      await stream.ended;
      await eventually(() => upstream.connections() === 0, { within: 2000, what: 'the first upstream is still connected' });
    } finally {
      await gateway.stop();
      await Promise.all(others.map((other) => other.stop()));
    }
  });

  test('to an upstream that cannot be used leaves everything as it is', async () => {
    const yaml = (url) => `upstream:\n  url: ${url}\n  ca_file: /nowhere/ca.pem\n`;
    const gateway = await startGateway({ env: plenty, yaml: yaml(upstream.url) });
    try {
      await gateway.writeConfig(yaml(upstream.url.replace('http:', 'https:')));
      gateway.signal('SIGHUP');
      await eventually(() => gateway.log().includes('configuration was not reloaded'));
      assert.equal(await sample(gateway, 'portcullis_upstream_breaker_open'), 0);
      assert.equal((await (await newVisitor(gateway)).ask('hello')).status, 200);
    } finally {
      await gateway.stop();
    }
  });

  test('under load loses no request', async () => {
    const yaml = (title) => `widget:\n  title: ${title}\n`;
    const gateway = await start({}, yaml('zero'));
    try {
      const visitors = await Promise.all(Array.from({ length: 8 }, () => newVisitor(gateway)));
      let going = true;
      let count = 0;
      const failures = [];
      const load = visitors.map(async (visitor, i) => {
        while (going) {
          if (i % 2 === 0) {
            const answer = await visitor.ask('hello');
            if (answer.status !== 200) failures.push(answer.text);
          } else {
            const stream = await visitor.stream('hello');
            const how = await stream.ended;
            if (how !== 'end' || stream.types().at(-1) !== 'end') failures.push(`${how} ${stream.raw()}`);
          }
          count++;
        }
      });
      for (let i = 1; i <= 10; i++) {
        await gateway.writeConfig(yaml(`n${i}`));
        const before = count;
        await reloaded(gateway, i);
        await eventually(() => count > before + 8, { what: 'the load stood still' });
      }
      going = false;
      await Promise.all(load);
      assert.deepEqual(failures, []);
      assert.ok(count > 80);
      await eventually(async () => (await health(gateway)).services.active_sessions === 8, { what: 'health to count 8 sessions' });
      for (const visitor of visitors) assert.equal((await visitor.validate()).status, 200);
    } finally {
      await gateway.stop();
    }
  });

  test('with a bad file is reported with file and setting, and the old configuration stays', async () => {
    const good = 'chat:\n  message_max_chars: 5\n';
    const gateway = await start({}, good);
    try {
      const visitor = await newVisitor(gateway);
      let failed = 0;
      for (const [bad, place] of [
        ['chat:\n  message_max_chars: many\n', 'chat.message_max_chars'],
        ['chat:\n  message_max_chars: 0\n', 'chat.message_max_chars'],
        ['chat: [unclosed\n', 'portcullis.yaml'],
        ['chat:\n  mesage_max_chars: 7\n', 'mesage_max_chars'],
        [`session:\n  secret_key: ${'short'}\n`, 'SESSION_SECRET_KEY'],
      ]) {
        await gateway.writeConfig(bad);
        const from = gateway.log().length;
        gateway.signal('SIGHUP');
        failed++;
        await eventually(() => gateway.log().slice(from).includes('configuration was not reloaded'), { what: `no report of ${place}` });
        assert.ok(gateway.log().slice(from).includes(place), gateway.log().slice(from));
        assert.equal(await sample(gateway, 'portcullis_config_reloads_total{outcome="failed"}'), failed);
        assertProblem(await visitor.ask('123456'), 400, 'VALIDATION_FAILED');
        assert.equal((await visitor.ask('12345')).status, 200);
      }
      await gateway.writeConfig('chat:\n  message_max_chars: 6\n');
      await reloaded(gateway, 1);
      assert.equal((await visitor.ask('123456')).status, 200);
    } finally {
      await gateway.stop();
    }
  });

  test(PROVES('F038') + 'rotates the session secret: old tokens verify while it stands in the list', async () => {
    const yaml = (...secrets) => `session:\n  secret_key: [${secrets.join(', ')}]\n`;
    const gateway = await start({}, yaml(secretA));
    try {
      const old = await newVisitor(gateway);
      await gateway.writeConfig(yaml(secretB, secretA));
      await reloaded(gateway, 1);
      assert.equal((await old.validate()).status, 200);
      const fresh = await newVisitor(gateway);
      await gateway.writeConfig(yaml(secretB));
      await reloaded(gateway, 2);
      assertProblem(await old.validate(), 401, 'SESSION_INVALID');
      assert.equal((await fresh.validate()).status, 200);
    } finally {
      await gateway.stop();
    }
  });

  test('changes the idle time of sessions for the store too', async () => {
    const gateway = await start({}, 'session:\n  idle: 2h\n');
    try {
      const visitor = await newVisitor(gateway);
      await visitor.ask('hello');
      await newVisitor(gateway);
      await eventually(async () => (await health(gateway)).services.active_sessions === 2, { what: 'health to count 2 sessions' });
      await gateway.writeConfig('session:\n  idle: 1s\n');
      await reloaded(gateway, 1);
      await eventually(async () => (await health(gateway)).services.active_sessions === 0, { what: 'they were still counted' });
      assertProblem(await visitor.validate(), 401, 'SESSION_INVALID');
    } finally {
      await gateway.stop();
    }
  });

  test('says which changed settings need a restart', async () => {
    const gateway = await start({}, 'stream:\n  max: 100\n');
    try {
      await gateway.writeConfig('stream:\n  max: 200\n');
      await reloaded(gateway, 1);
      await eventually(() => /stream\.max[^\n]*restart|restart[^\n]*stream\.max/.test(gateway.log()), { within: 2000, what: 'no word about stream.max' });
    } finally {
      await gateway.stop();
    }
  });

  test('many of them at once, and right after the start, are survived', async () => {
    const gateway = await start();
    for (let i = 0; i < 200; i++) gateway.signal('SIGHUP');
    await eventually(() => gateway.log().includes('configuration reloaded'));
    for (let round = 0; round < 20; round++) {
      gateway.signal('SIGHUP');
      assert.equal((await call(gateway, 'GET', '/health/live')).status, 200, `round ${round}`);
    }
    assert.equal((await gateway.stop()).status, 0);
  });

  test('without a file is harmless', async () => {
    const gateway = await start();
    try {
      const visitor = await newVisitor(gateway);
      await reloaded(gateway, 1);
      assert.equal((await visitor.ask('hello')).status, 200);
    } finally {
      await gateway.stop();
    }
  });
});

describe('a bad configuration', () => {
  for (const [name, env, pattern] of [
    ['a port that is none', { SERVER_PORT: '70000' }, /server\.port|SERVER_PORT/],
    ['a word where a number belongs', { RATE_LIMIT_PER_MINUTE: 'many' }, /RATE_LIMIT_PER_MINUTE/],
    ['a limit of 0', { RATE_LIMIT_PER_MINUTE: '0' }, /RATE_LIMIT_PER_MINUTE/],
    ['a duration without sense', { STREAM_HEARTBEAT: 'soon' }, /STREAM_HEARTBEAT/],
    ['an upstream URL that is none', { N8N_WEBHOOK_URL: 'n8n:5678/webhook' }, /N8N_WEBHOOK_URL/],
    ['a password in the upstream URL', { N8N_WEBHOOK_URL: 'http://user:pw-4711@127.0.0.1/' }, /N8N_WEBHOOK_URL/],
    ['an origin with a path', { ALLOWED_ORIGINS: 'https://shop.example/page' }, /ALLOWED_ORIGINS/],
    ['a proxy that is no address', { TRUSTED_PROXIES: 'proxy.example' }, /TRUSTED_PROXIES/],
    ['an unknown mode', { GUARDS_ORIGIN_MODE: 'perhaps' }, /GUARDS_ORIGIN_MODE/],
    ['an unknown profile', { SECURITY_ENVIRONMENT: 'prod' }, /SECURITY_ENVIRONMENT/],
    ['a cookie name with a semicolon', { SESSION_COOKIE_NAME: 'a;b' }, /SESSION_COOKIE_NAME/],
    ['an API key with a line break', { N8N_API_KEY: 'a\r\nX-Evil: 1' }, /N8N_API_KEY/],
    ['every origin in production', { SECURITY_ENVIRONMENT: 'production', ALLOWED_ORIGINS: '*', JWT_SECRET_KEY: secretA, SESSION_SECRET_KEY: secretB, UPSTREAM_KIND: 'demo' }, /ALLOWED_ORIGINS/],
    ['no secrets in production', { SECURITY_ENVIRONMENT: 'production', UPSTREAM_KIND: 'demo' }, /JWT_SECRET_KEY[^]*SESSION_SECRET_KEY/],
    ['no upstream in production', { SECURITY_ENVIRONMENT: 'production', JWT_SECRET_KEY: secretA, SESSION_SECRET_KEY: secretB }, /N8N_WEBHOOK_URL/],
  ]) {
    test(PROVES('F217') + `ends with 2 before it listens: ${name}`, async () => {
      const { status, stdout, stderr } = await runCommand(['serve'], { env });
      assert.equal(status, 2, stderr);
      assert.match(stderr, pattern);
      assert.ok(!stdout.includes('listening'));
      assert.ok(!/pw-4711|lifecycle-secret/.test(stderr), 'no secret in it');
      const checked = await runCommand(['check-config'], { env });
      assert.equal(checked.status, 2, 'check-config says the same');
      assert.match(checked.stderr, pattern);
    });
  }

  test(PROVES('F217') + 'all problems are told at once, those of the file with its line', async () => {
    const { status, stderr } = await runCommand(['serve'], {
      env: { RATE_LIMIT_PER_MINUTE: 'many', STREAM_HEARTBEAT: 'soon' },
      yaml: 'chat:\n  message_max_chars: none\nunknown_section:\n  a: 1\n',
    });
    assert.equal(status, 2);
    for (const pattern of [/RATE_LIMIT_PER_MINUTE/, /STREAM_HEARTBEAT/, /portcullis\.yaml:2\b[^\n]*message_max_chars|message_max_chars[^\n]*portcullis\.yaml:2\b/, /unknown_section/]) assert.match(stderr, pattern);
  });

  test('a missing file is a bad configuration too', async () => {
    const { status, stderr } = await runCommand(['serve', '--config', '/nowhere/portcullis.yaml']);
    assert.equal(status, 2);
    assert.match(stderr, /\/nowhere\/portcullis\.yaml/);
  });

  test('a port that is taken ends it with a message', async () => {
    const taken = createServer();
    await new Promise((resolve) => taken.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = taken.address();
      const { status, stderr } = await runCommand(['serve'], { env: { SERVER_PORT: String(port) } });
      assert.notEqual(status, 0);
      assert.match(stderr, new RegExp(String(port)));
    } finally {
      taken.close();
    }
  });

  test('a taken operations port is warned about only', async () => {
    const taken = createServer();
    await new Promise((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const gateway = await startGateway({ env: { ...plenty, OPS_LISTEN: `127.0.0.1:${taken.address().port}` }, readyTimeout: 1500 }).catch((error) => error);
    try {
      // The harness waits for both lines, so only the log can tell.
      assert.match(gateway instanceof Error ? gateway.message : gateway.log(), /no operations listener/);
    } finally {
      if (!(gateway instanceof Error)) await gateway.stop();
      taken.close();
    }
  });
});

test('the first line on standard output says where it listens', async () => {
  const gateway = await start();
  const { stdout } = await gateway.stop();
  assert.match(stdout, /^portcullis: listening on http:\/\/127\.0\.0\.1:\d+\n/);
});

test('two gateways never share a port in silence', async () => {
  const gateway = await start();
  try {
    const { status, stderr } = await runCommand(['serve'], { env: { SERVER_PORT: String(gateway.port) } });
    assert.notEqual(status, 0);
    assert.match(stderr, new RegExp(String(gateway.port)));
    assert.equal((await call(gateway, 'GET', '/health/live')).status, 200);
  } finally {
    await gateway.stop();
  }
});

test('an HTTP/1.0 client gets its answer and its stream, ended by the close', async () => {
  const gateway = await start();
  try {
    const visitor = await newVisitor(gateway);
    const socket = await openSocket(gateway.port);
    await socket.send(rawPost(visitor, '/api/v1/chat/stream', { message: 'hello' }).toString().replace('HTTP/1.1', 'HTTP/1.0'));
    await within(5000, socket.closed);
    assert.match(socket.text(), /^HTTP\/1\.1 200 OK\r\n/);
    assert.ok(!/transfer-encoding/i.test(socket.text()));
    assert.ok(socket.text().endsWith('data: [DONE]\n\n'));
    // Node's own client, with its defaults.
    const status = await new Promise((resolve, reject) => {
      httpRequest(`${gateway.url}/health`, (response) => response.resume().on('end', () => resolve(response.statusCode))).on('error', reject).end();
    });
    assert.equal(status, 200);
  } finally {
    await gateway.stop();
  }
});
