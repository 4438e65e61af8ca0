// The visitor's credential: how it is made, delivered, checked and ended.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { assertProblem, call, createSession, eventually, newVisitor, parseCookie, plenty } from '../harness/client.mjs';
import { startFakeUpstream } from '../harness/fake_upstream.mjs';
import { runCommand, startGateway } from '../harness/gateway.mjs';
import { PROVES } from '../harness/proves.mjs';

const shop = 'https://shop.example';
const otherShop = 'https://www.shop.example';
const plainShop = 'http://plain.example';
const secretA = 'session-secret-a-'.repeat(4);
const secretB = 'session-secret-b-'.repeat(4);

const validateWith = (gateway, headers) => call(gateway, 'GET', '/api/v1/session/validate', { headers: { Origin: gateway.url, ...headers } });

describe('session', () => {
  let upstream;
  let gateway;
  before(async () => {
    upstream = await startFakeUpstream();
    gateway = await startGateway({
      env: {
        ...plenty,
        N8N_WEBHOOK_URL: upstream.url,
        ALLOWED_ORIGINS: [shop, otherShop, plainShop].join(','),
        TRUSTED_PROXIES: '127.0.0.0/8',
      },
    });
  });
  after(async () => {
    await gateway?.stop();
    await upstream?.stop();
  });

  test(PROVES('F036', 'F037', 'F090') + 'create sets the cookie with its attributes and keeps the token out of the body', async () => {
    const created = await createSession(gateway);
    assert.equal(created.status, 200);
    assert.deepEqual(Object.keys(created.json).sort(), ['expires_at', 'session_id']);
    assert.match(created.json.session_id, /^[A-Za-z0-9_-]{32}$/);
    assert.equal(created.cookies.length, 1);
    const cookie = parseCookie(created.cookies[0]);
    assert.equal(cookie.name, 'chat_session_id');
    assert.match(cookie.value, /^pcs_[A-Za-z0-9_-]+$/);
    assert.deepEqual(cookie.attributes, { 'max-age': '86400', path: '/', httponly: true, samesite: 'Lax' });
    assert.ok(!created.text.includes(cookie.value));
    assert.match(created.headers['cache-control'] ?? '', /no-store/);
  });

  test(PROVES('F101') + 'a session lasts 24 hours unless configured otherwise', async () => {
    const before = Date.now();
    const { json } = await createSession(gateway);
    const life = Date.parse(json.expires_at) - before;
    assert.ok(Math.abs(life - 24 * 3600 * 1000) < 5000, `${life} ms`);
  });

  test(PROVES('F036', 'F037', 'F101') + 'cookie name, lifetime and session life are configurable', async () => {
    const own = await startGateway({ env: { ...plenty, SESSION_COOKIE_NAME: 'my.chat-1', SESSION_COOKIE_MAX_AGE: '7200', JWT_EXPIRATION_HOURS: '3' } });
    try {
      const before = Date.now();
      const created = await createSession(own);
      const cookie = parseCookie(created.cookies[0]);
      assert.equal(cookie.name, 'my.chat-1');
      assert.equal(cookie.attributes['max-age'], '7200');
      assert.ok(Math.abs(Date.parse(created.json.expires_at) - before - 3 * 3600 * 1000) < 5000);
      assert.equal((await validateWith(own, { Cookie: `my.chat-1=${cookie.value}` })).status, 200);
      assertProblem(await validateWith(own, { Cookie: `chat_session_id=${cookie.value}` }), 401, 'SESSION_INVALID');
    } finally {
      await own.stop();
    }
  });

  test('validate tells the handle, both times and the origin, nothing more', async () => {
    const visitor = await newVisitor(gateway, { origin: shop, body: { delivery: 'bearer' } });
    const { status, json } = await visitor.validate();
    assert.equal(status, 200);
    assert.deepEqual(Object.keys(json).sort(), ['expires_at', 'issued_at', 'origin_domain', 'session_id', 'valid']);
    assert.equal(json.valid, true);
    assert.equal(json.session_id, visitor.created.session_id);
    assert.equal(json.expires_at, visitor.created.expires_at);
    assert.equal(json.origin_domain, 'shop.example');
    assert.equal(Date.parse(json.expires_at) - Date.parse(json.issued_at), 24 * 3600 * 1000);
  });

  describe('delivery', () => {
    test('the cookie is Secure where a trusted proxy says https', async () => {
      const own = `https://${new URL(gateway.url).host}`;
      const created = await createSession(gateway, { origin: shop, headers: { 'X-Forwarded-Proto': 'https', 'Sec-Fetch-Site': 'same-site' } });
      assert.equal(created.status, 200, own);
      assert.deepEqual(parseCookie(created.cookies[0]).attributes, { 'max-age': '86400', path: '/', httponly: true, secure: true, samesite: 'Lax' });
      assert.equal(created.json.token, undefined);
    });

    test('a cross-site create over https gets None, Secure and Partitioned', async () => {
      for (const headers of [{ 'Sec-Fetch-Site': 'cross-site' }, {}]) {
        const created = await createSession(gateway, { origin: shop, headers: { 'X-Forwarded-Proto': 'https', ...headers } });
        assert.equal(created.status, 200);
        assert.deepEqual(parseCookie(created.cookies[0]).attributes, {
          'max-age': '86400',
          path: '/',
          httponly: true,
          secure: true,
          samesite: 'None',
          partitioned: true,
        });
      }
    });

    test('hosts of which one lies under the other are one site', async () => {
      const own = await startGateway({ env: { ...plenty, ALLOWED_ORIGINS: 'https://www.shop.example', TRUSTED_PROXIES: '127.0.0.1/32', ALLOWED_HOSTS: 'chat.www.shop.example' } });
      try {
        const created = await createSession(own, { origin: otherShop, headers: { Host: 'chat.www.shop.example', 'X-Forwarded-Proto': 'https' } });
        assert.equal(created.status, 200, created.text);
        assert.equal(parseCookie(created.cookies[0]).attributes.samesite, 'Lax');
      } finally {
        await own.stop();
      }
    });

    test('a stranger cannot make the cookie Secure', async () => {
      const own = await startGateway({ env: plenty });
      try {
        const created = await createSession(own, { headers: { 'X-Forwarded-Proto': 'https' } });
        assert.equal(created.status, 200);
        assert.equal(parseCookie(created.cookies[0]).attributes.secure, undefined);
      } finally {
        await own.stop();
      }
    });

    test('"delivery": "bearer" puts the token into the body once and sets no cookie', async () => {
      const created = await createSession(gateway, { origin: shop, headers: { 'X-Forwarded-Proto': 'https' }, body: { delivery: 'bearer' } });
      assert.equal(created.status, 200);
      assert.deepEqual(Object.keys(created.json).sort(), ['expires_at', 'session_id', 'token', 'token_type']);
      assert.equal(created.json.token_type, 'bearer');
      assert.deepEqual(created.cookies, []);
      const answer = await call(gateway, 'GET', '/api/v1/session/validate', { headers: { Origin: shop, Authorization: `Bearer ${created.json.token}` } });
      assert.equal(answer.status, 200);
      assert.equal(answer.json.session_id, created.json.session_id);
      assert.ok(!answer.text.includes(created.json.token));
    });

    test('a cross-site create over plain http gets the token in the body, for no browser would take the cookie', async () => {
      const created = await createSession(gateway, { origin: plainShop });
      assert.equal(created.status, 200);
      assert.match(created.json.token, /^pcs_/);
      assert.deepEqual(created.cookies, []);
    });

    test('a bearer token is no cookie', async () => {
      const visitor = await newVisitor(gateway, { body: { delivery: 'bearer' } });
      assertProblem(await validateWith(gateway, { Cookie: `chat_session_id=${visitor.token}` }), 401, 'SESSION_INVALID');
    });

    test('another delivery is malformed', async () => {
      assertProblem(await createSession(gateway, { body: { delivery: 'pigeon' } }), 400, 'VALIDATION_FAILED');
    });
  });

  describe('what does not verify', () => {
    const refused = async (headers, why) => {
      const answer = await validateWith(gateway, headers);
      assert.equal(answer.status, 401, `${why}: ${answer.text}`);
      assertProblem(answer, 401, 'SESSION_INVALID');
      assert.equal(answer.headers['www-authenticate'], 'Bearer realm="portcullis"');
    };

    test(PROVES('F038', 'F090', { guard: 'session' }) + 'no credential is 401 on every route that needs one', async () => {
      const bare = { Origin: gateway.url };
      assertProblem(await call(gateway, 'GET', '/api/v1/session/validate', { headers: bare }), 401, 'SESSION_INVALID');
      assertProblem(await call(gateway, 'DELETE', '/api/v1/session/destroy', { headers: bare }), 401, 'SESSION_INVALID');
      assertProblem(await call(gateway, 'POST', '/api/v1/chat/message', { headers: bare, body: { message: 'hi' } }), 401, 'SESSION_INVALID');
      assertProblem(await call(gateway, 'POST', '/api/v1/chat/stream', { headers: bare, body: { message: 'hi' } }), 401, 'SESSION_INVALID');
      assertProblem(await call(gateway, 'GET', '/api/v1/chat/stream', { headers: bare }), 401, 'SESSION_INVALID');
      assertProblem(await call(gateway, 'GET', '/api/v1/chat/history', { headers: bare }), 401, 'SESSION_INVALID');
    });

    test(PROVES('F038', { guard: 'credentials' }) + 'a session works with its cookie and with nothing else', async () => {
      const { token } = await newVisitor(gateway);
      assert.equal((await validateWith(gateway, { Cookie: `chat_session_id=${token}` })).status, 200);
      await refused({ Cookie: `Chat_Session_Id=${token}` }, 'another name');
      await refused({ Cookie: `xchat_session_id=${token}` }, 'a longer name');
      await refused({ 'X-Session-Id': token }, 'a header');
      await refused({ Authorization: `Basic ${token}` }, 'another scheme');
    });

    test(PROVES('F038', { guard: 'session' }) + 'a token with any one character changed is 401', async () => {
      const { token } = await newVisitor(gateway);
      const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
      for (let at = 0; at < token.length; at++) {
        const other = alphabet[(alphabet.indexOf(token[at]) + 1) % 64];
        await refused({ Cookie: `chat_session_id=${token.slice(0, at)}${other}${token.slice(at + 1)}` }, `character ${at}`);
      }
    });

    test(PROVES('F038', { guard: 'session' }) + 'truncated, extended, empty and invented tokens are 401', async () => {
      const { token } = await newVisitor(gateway);
      const bytes = Buffer.from(token.slice(4), 'base64url');
      const zeros = `pcs_${Buffer.alloc(bytes.length).toString('base64url')}`;
      const unsigned = `pcs_${bytes.subarray(0, -32).toString('base64url')}`;
      const nulled = `pcs_${Buffer.concat([bytes.subarray(0, -32), Buffer.alloc(32)]).toString('base64url')}`;
      for (const bad of ['', 'pcs_', token.slice(0, -1), token.slice(0, token.length / 2), token.slice(4), `${token}A`, `${token}=`, `${token}${token}`, token.replace('pcs_', 'pck_'), token.toUpperCase(), zeros, unsigned, nulled, 'x'.repeat(6000)]) {
        await refused({ Cookie: `chat_session_id=${bad}` }, `cookie ${bad.slice(0, 60)}`);
        await refused({ Authorization: `Bearer ${bad}` }, `bearer ${bad.slice(0, 60)}`);
      }
    });

    test(PROVES('F038', { guard: 'session' }) + 'a longer life cannot be written into a token', async () => {
      const { token } = await newVisitor(gateway);
      const bytes = Buffer.from(token.slice(4), 'base64url');
      // Wherever the expiry stands: raise every byte once and expect each to be noticed.
      for (let at = 0; at < bytes.length; at++) {
        const forged = Buffer.from(bytes);
        forged[at] ^= 1;
        await refused({ Cookie: `chat_session_id=pcs_${forged.toString('base64url')}` }, `byte ${at}`);
      }
    });

    test('a second cookie of the same name does not hide the good one', async () => {
      const { token } = await newVisitor(gateway);
      for (const cookies of [
        `chat_session_id=evil; chat_session_id=${token}`,
        `chat_session_id=${token}; chat_session_id=evil`,
        `a=b; chat_session_id=; chat_session_id=${token}; c=d`,
        `chat_session_id=pcs_AAAA;chat_session_id=${token}`,
      ]) {
        const answer = await validateWith(gateway, { Cookie: cookies });
        assert.equal(answer.status, 200, cookies);
      }
    });

    test('a bearer token that does not verify is 401 even beside a good cookie', async () => {
      const { token } = await newVisitor(gateway);
      await refused({ Cookie: `chat_session_id=${token}`, Authorization: 'Bearer pcs_AAAA' }, 'a bad bearer');
    });

    test('the reason of a 401 is the same for every kind of bad token', async () => {
      const { token } = await newVisitor(gateway);
      const answers = [];
      for (const bad of [token.slice(0, -2), 'nonsense', 'pcs_']) {
        const { error_id: id, ...rest } = (await validateWith(gateway, { Cookie: `chat_session_id=${bad}` })).json;
        assert.ok(id);
        answers.push(rest);
      }
      assert.deepEqual(answers[1], answers[0]);
      assert.deepEqual(answers[2], answers[0]);
    });
  });

  test(PROVES('F090', { guard: 'session' }) + 'a session of another origin is 403', async () => {
    const visitor = await newVisitor(gateway, { origin: shop, body: { delivery: 'bearer' } });
    assert.equal((await visitor.validate()).status, 200);
    for (const origin of [otherShop, plainShop, gateway.url]) {
      const headers = { ...visitor.headers, Origin: origin };
      assertProblem(await call(gateway, 'GET', '/api/v1/session/validate', { headers }), 403, 'INVALID_ORIGIN');
      const before = upstream.requests.length;
      assertProblem(await call(gateway, 'POST', '/api/v1/chat/message', { headers, body: { message: 'hi' } }), 403, 'INVALID_ORIGIN');
      assertProblem(await call(gateway, 'DELETE', '/api/v1/session/destroy', { headers }), 403, 'INVALID_ORIGIN');
      assert.equal(upstream.requests.length, before);
    }
    assert.equal((await visitor.validate()).status, 200, 'the owner is not hurt by it');
  });

  test(PROVES('F045', 'F046', 'F091', { guard: 'origin' }) + 'create from a page that is not allowed is 403 and sets no cookie', async () => {
    const strangers = ['https://evil.example', 'https://shop.example.evil.example', 'https://evilshop.example', 'https://shop.example:8443', 'http://shop.example', 'null', 'https://shop.example/', 'shop.example'];
    for (const origin of strangers) {
      const answer = await call(gateway, 'POST', '/api/v1/session/create', { headers: { Origin: origin }, body: { origin_domain: 'shop.example' } });
      assert.equal(answer.status, 403, origin);
      assertProblem(answer, 403, 'INVALID_ORIGIN');
      assert.deepEqual(answer.cookies, []);
    }
    assertProblem(await call(gateway, 'POST', '/api/v1/session/create', { body: { origin_domain: 'shop.example' } }), 403, 'INVALID_ORIGIN');
    assertProblem(
      await call(gateway, 'POST', '/api/v1/session/create', { headers: { Referer: 'https://evil.example/shop.example' }, body: { origin_domain: 'shop.example' } }),
      403,
      'INVALID_ORIGIN',
    );
    const referred = await call(gateway, 'POST', '/api/v1/session/create', { headers: { Referer: `${shop}/page?x=1` }, body: { origin_domain: 'shop.example' } });
    assert.equal(referred.status, 200, 'a Referer of an allowed origin will do');
  });

  describe('destroy', () => {
    test(PROVES('F090') + 'clears the cookie, and the session stays dead', async () => {
      const visitor = await newVisitor(gateway);
      assert.equal((await visitor.ask('hello')).status, 200);
      const destroyed = await visitor.call('DELETE', '/api/v1/session/destroy');
      assert.equal(destroyed.status, 200);
      assert.deepEqual(destroyed.json, { message: 'Session destroyed' });
      const cleared = parseCookie(destroyed.cookies[0]);
      assert.equal(cleared.name, 'chat_session_id');
      assert.equal(cleared.value, '');
      assert.deepEqual(cleared.attributes, { 'max-age': '0', path: '/', httponly: true, samesite: 'Lax' });
      const before = upstream.requests.length;
      assertProblem(await visitor.validate(), 401, 'SESSION_INVALID');
      assertProblem(await visitor.history(), 401, 'SESSION_INVALID');
      assertProblem(await visitor.ask('hello again'), 401, 'SESSION_INVALID');
      assertProblem(await visitor.call('DELETE', '/api/v1/session/destroy'), 401, 'SESSION_INVALID');
      assert.equal(upstream.requests.length, before);
    });

    test('a session that never had a message stays dead too', async () => {
      const visitor = await newVisitor(gateway);
      assert.equal((await visitor.call('DELETE', '/api/v1/session/destroy')).status, 200);
      assertProblem(await visitor.validate(), 401, 'SESSION_INVALID');
      assertProblem(await visitor.ask('hello'), 401, 'SESSION_INVALID');
    });

    test('ends its open event streams and nobody else’s', async () => {
      const [visitor, other] = [await newVisitor(gateway), await newVisitor(gateway)];
      const [stream, otherStream] = [await visitor.subscribe(), await other.subscribe()];
      await visitor.call('DELETE', '/api/v1/session/destroy');
      assert.equal(await eventually(() => stream.how), 'end');
      assert.equal(otherStream.how, undefined);
      assert.equal((await other.validate()).status, 200);
      otherStream.close();
    });

    test('the cookie is cleared with the attributes it was set with', async () => {
      const visitor = await newVisitor(gateway, { origin: shop, headers: { 'X-Forwarded-Proto': 'https' } });
      const destroyed = await visitor.call('DELETE', '/api/v1/session/destroy');
      assert.deepEqual(parseCookie(destroyed.cookies[0]).attributes, { 'max-age': '0', path: '/', httponly: true, secure: true, samesite: 'None', partitioned: true });
    });
  });

  test('handles differ from audience to audience, and the secret id is shown to nobody', async () => {
    upstream.requests.length = 0;
    const visitor = await newVisitor(gateway);
    const stream = await visitor.stream('who am I?');
    await stream.ended;
    const [request] = upstream.requests;
    const seen = [visitor.created.session_id, request.body.session_id];
    assert.notEqual(seen[0], seen[1]);
    assert.match(request.body.session_id, /^[A-Za-z0-9_-]{20,64}$/);
    const history = await visitor.history();
    assert.equal(history.json.session_id, visitor.created.session_id);
    const id = Buffer.from(visitor.token.slice(4), 'base64url').subarray(2, 34);
    const shown = [JSON.stringify(visitor.created), (await visitor.validate()).text, history.text, stream.raw(), request.raw.toString(), JSON.stringify(request.headers), (await visitor.ask('again')).text, gateway.log()];
    for (const text of shown) {
      for (const form of ['hex', 'base64', 'base64url']) assert.ok(!text.includes(id.toString(form)), text);
      assert.ok(!text.includes(visitor.token));
    }
    assert.ok(!gateway.log().includes(visitor.created.session_id), 'the log has its own handle');
    const second = await newVisitor(gateway);
    assert.notEqual(second.created.session_id, visitor.created.session_id);
  });

  test('a session id that the client names is not taken', async () => {
    const wished = 'A'.repeat(32);
    const first = await createSession(gateway, { body: { session_id: wished } });
    const second = await createSession(gateway, { body: { session_id: wished }, headers: { Cookie: parseCookie(first.cookies[0]).value } });
    assert.equal(first.status, 200);
    assert.notEqual(first.json.session_id, wished);
    assert.notEqual(second.json.session_id, first.json.session_id);
  });

  describe('what create takes', () => {
    const create = (body, headers = {}) => call(gateway, 'POST', '/api/v1/session/create', { headers: { Origin: gateway.url, ...headers }, body });

    test(PROVES('F023', 'F092', { guard: 'body' }) + 'malformed domains are 400', async () => {
      const bad = ['a..com', '-a.com', 'a-.com', '...com', '.com', 'a.com.', 'exa mple.com', 'a/b', 'a?b', 'a_b', '', ' ', 'a'.repeat(64) + '.com', 'ab.'.repeat(90) + 'com', '999.1.1.1', '1.2.3', 'javascript:alert(1)', 'http://', 'https://a..com/', 'user:pw@shop.example', 'shop.example:0', 'shop.example:99999', '[::1', '<script>alert(1)</script>', 'a\u0000.com', 'a.com\r\nX: y'];
      const passed = [];
      for (const domain of bad) {
        const answer = await create({ origin_domain: domain });
        if (answer.status === 200) passed.push(domain);
        else assertProblem(answer, 400, 'VALIDATION_FAILED');
        assert.deepEqual(answer.cookies.length, answer.status === 200 ? 1 : 0);
      }
      // A dot at the end is the absolute form of a name, so it may pass.
      assert.deepEqual(passed.filter((domain) => domain !== 'a.com.'), []);
    });

    test(PROVES('F023') + 'domains, addresses and whole origins are taken', async () => {
      for (const domain of ['shop.example', 'SHOP.Example', ' shop.example ', 'localhost', '127.0.0.1', '[::1]', 'xn--bcher-kva.example', 'shop.example:8443', 'https://shop.example:8443/path', '1and1.example', 'a.b.c.d.example']) {
        const answer = await create({ origin_domain: domain });
        assert.equal(answer.status, 200, `${domain}: ${answer.text}`);
      }
    });

    test(PROVES('F023') + 'an internationalised domain is taken', async () => {
      const answer = await create({ origin_domain: 'bücher.example' });
      assert.equal(answer.status, 200, answer.text);
    });

    test(PROVES('F024', { guard: 'body' }) + 'malformed URLs are 400', async () => {
      const bad = ['javascript:alert(1)', 'ftp://shop.example/', 'data:text/html,x', '//shop.example/', 'shop.example/page', 'http://', 'https://a..com/', 'https://user:pw@shop.example/', 'https://user@shop.example/', 'https://shop.example/a b', 'https://shop.example/\u0001', 'https://shop.example:99999/', 'http:/shop.example', `https://shop.example/${'a'.repeat(1980)}`];
      for (const url of bad) {
        const answer = await create({ origin_domain: 'shop.example', page_url: url });
        assert.equal(answer.status, 400, `${url}: ${answer.text}`);
        assertProblem(answer, 400, 'VALIDATION_FAILED');
      }
    });

    test(PROVES('F024') + 'http and https URLs are taken up to 2000 characters', async () => {
      const longest = `https://shop.example/${'a'.repeat(2000 - 'https://shop.example/'.length)}`;
      assert.equal(longest.length, 2000);
      for (const url of ['http://shop.example', 'https://shop.example:8443/a/b?c=d#e', 'https://shop.example/?redirect=data:text', 'https://shop.example/profile:me', longest]) {
        const answer = await create({ origin_domain: 'shop.example', page_url: url });
        assert.equal(answer.status, 200, `${url}: ${answer.text}`);
      }
      assertProblem(await create({ origin_domain: 'shop.example', page_url: `${longest}a` }), 400, 'VALIDATION_FAILED');
    });

    test(PROVES('F060', { guard: 'body' }) + 'a missing member or one of the wrong type is 422', async () => {
      for (const body of [{}, { page_url: 'https://shop.example/' }, { origin_domain: null }, { origin_domain: 7 }, { origin_domain: ['shop.example'] }, { origin_domain: {} }, { origin_domain: true }, { origin_domain: 'shop.example', page_url: 5 }, { origin_domain: 'shop.example', delivery: true }]) {
        assertProblem(await create(body), 422, 'SCHEMA_INVALID');
      }
      for (const body of ['[]', '"shop.example"', '7', 'null', 'true']) assertProblem(await create(body), 422, 'SCHEMA_INVALID');
    });

    test(PROVES('F060', { guard: 'body' }) + 'what is no JSON is 400, and a twice named member too', async () => {
      for (const body of ['', '{', '{"origin_domain":"shop.example"', "{'origin_domain':'shop.example'}", '{"origin_domain":"shop.example"}x', '{"origin_domain":"a.example","origin_domain":"b.example"}', '{"origin_domain":"a.example","origin_\\u0064omain":"b.example"}']) {
        const answer = await create(body);
        assert.equal(answer.status, 400, body);
        assertProblem(answer, 400, 'VALIDATION_FAILED');
      }
      const invalidUtf8 = Buffer.concat([Buffer.from('{"origin_domain":"shop.example","x":"'), Buffer.from([0xff, 0xc0, 0x80]), Buffer.from('"}')]);
      assertProblem(await create(invalidUtf8), 400, 'VALIDATION_FAILED');
    });

    test('another content type is 415', async () => {
      const good = JSON.stringify({ origin_domain: 'shop.example' });
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/json; charset=utf-16']) {
        assertProblem(await create(good, { 'Content-Type': type }), 415, 'UNSUPPORTED_MEDIA_TYPE');
      }
      assert.equal((await create(good, { 'Content-Type': 'application/json; charset=utf-8' })).status, 200);
    });
  });
});

test(PROVES('F101', 'F173', { guard: 'session' }) + 'a session ends with its life, however active', async () => {
  const upstream = await startFakeUpstream();
  const gateway = await startGateway({ env: { ...plenty, SESSION_LIFE: '2s', N8N_WEBHOOK_URL: upstream.url } });
  try {
    const visitor = await newVisitor(gateway);
    assert.equal((await visitor.ask('hello')).status, 200);
    const expires = Date.parse(visitor.created.expires_at);
    const expired = await eventually(async () => {
      const answer = await visitor.ask('still there?');
      return answer.status === 200 ? undefined : { at: Date.now(), answer };
    });
    assertProblem(expired.answer, 401, 'SESSION_INVALID');
    assert.ok(expired.at >= expires && expired.at < expires + 1500, `${expired.at - expires} ms after expires_at`);
    assertProblem(await visitor.validate(), 401, 'SESSION_INVALID');
  } finally {
    await gateway.stop();
    await upstream.stop();
  }
});

test(PROVES('F101') + 'a silent session ends with its idle time, one with messages goes on', async () => {
  const upstream = await startFakeUpstream();
  const gateway = await startGateway({ env: { ...plenty, SESSION_IDLE: '2s', N8N_WEBHOOK_URL: upstream.url } });
  try {
    const [silent, busy] = [await newVisitor(gateway), await newVisitor(gateway)];
    const started = performance.now();
    assert.equal((await silent.validate()).status, 200);
    // Validating is no message, so the silent one ends although it is looked at all the time.
    await eventually(async () => {
      assert.equal((await busy.ask('I am here')).status, 200);
      return (await silent.validate()).status === 401;
    });
    assert.ok(performance.now() - started > 900, 'not before its time');
    await eventually(async () => {
      const answer = await busy.ask('I am still here');
      assert.equal(answer.status, 200);
      return performance.now() - started > 3500;
    });
    await eventually(async () => (await busy.validate()).status === 401, { within: 6000, what: 'the busy one never fell idle' });
  } finally {
    await gateway.stop();
    await upstream.stop();
  }
});

describe('at SESSION_MAX stored sessions', () => {
  let upstream;
  before(async () => {
    upstream = await startFakeUpstream();
  });
  after(() => upstream?.stop());

  async function withGateway(env, use) {
    const gateway = await startGateway({ env: { ...plenty, SESSION_MAX: '2', N8N_WEBHOOK_URL: upstream.url, ...env } });
    try {
      await use(gateway);
    } finally {
      await gateway.stop();
    }
  }
  const assertFull = (answer) => {
    const problem = assertProblem(answer, 503, 'SESSION_LIMIT');
    assert.equal(problem.retry_after, 60);
    assert.equal(answer.cookies.length, 0);
    return problem;
  };

  test('nobody who is active gives way: create and a first message are 503 SESSION_LIMIT, the others go on', async () => {
    await withGateway({}, async (gateway) => {
      const visitors = [];
      for (let i = 0; i < 3; i++) visitors.push(await newVisitor(gateway));
      const [first, second, third] = visitors;
      for (const visitor of [first, second]) assert.equal((await visitor.ask('hello')).status, 200);
      const before = upstream.requests.length;
      const problem = assertFull(await createSession(gateway));
      await eventually(() => gateway.log().split('\n').some((line) => line.includes(problem.error_id) && line.includes('SES_003')), { what: 'the event' });
      assertFull(await third.ask('my first words'));
      assert.equal(upstream.requests.length, before, 'the upstream was not asked');
      assert.equal((await third.validate()).status, 200, 'a session without a message is held by its token');
      for (const visitor of [first, second]) assert.equal((await visitor.ask('and again')).status, 200);
      assert.equal((await first.history()).json.total_count, 4, 'nothing was lost');

      // Whoever ends their session makes room.
      assert.equal((await second.call('DELETE', '/api/v1/session/destroy')).status, 200);
      assert.equal((await third.ask('my first words')).status, 200);
      assertFull(await createSession(gateway));
    });
  });

  test('the one that fell idle gives way, the active one stays', async () => {
    await withGateway({ SESSION_IDLE: '2s' }, async (gateway) => {
      const [busy, silent] = [await newVisitor(gateway), await newVisitor(gateway)];
      for (const visitor of [silent, busy]) assert.equal((await visitor.ask('hello')).status, 200);
      assertFull(await createSession(gateway));
      let said = 1;
      const created = await eventually(
        async () => {
          assert.equal((await busy.ask('still here')).status, 200);
          said++;
          const answer = await createSession(gateway);
          return answer.status === 200 ? answer : void assertFull(answer);
        },
        { within: 8000, what: 'the idle one gave no way' },
      );
      assert.equal(created.cookies.length, 1);
      assertProblem(await silent.ask('too late'), 401, 'SESSION_INVALID');
      assert.equal((await busy.history()).json.total_count, Math.min(200, 2 * said));
      assert.equal((await (await newVisitor(gateway)).ask('there is room')).status, 200);
    });
  });
});

test(PROVES('F038') + 'secrets rotate: the first of the list signs, all of it verify', async () => {
  const env = { ...plenty, ALLOWED_ORIGINS: shop };
  const gateways = {
    old: await startGateway({ env: { ...env, SESSION_SECRET_KEY: secretA } }),
    both: await startGateway({ env: { ...env, SESSION_SECRET_KEY: `${secretB},${secretA}` } }),
    fresh: await startGateway({ env: { ...env, SESSION_SECRET_KEY: secretB } }),
  };
  try {
    const tokenOf = async (gateway) => (await newVisitor(gateway, { origin: shop, body: { delivery: 'bearer' } })).token;
    const status = async (gateway, token) =>
      (await call(gateway, 'GET', '/api/v1/session/validate', { headers: { Origin: shop, Authorization: `Bearer ${token}` } })).status;
    const [oldToken, bothToken, freshToken] = [await tokenOf(gateways.old), await tokenOf(gateways.both), await tokenOf(gateways.fresh)];
    assert.equal(await status(gateways.both, oldToken), 200);
    assert.equal(await status(gateways.both, freshToken), 200);
    assert.equal(await status(gateways.fresh, bothToken), 200);
    assert.equal(await status(gateways.fresh, oldToken), 401);
    assert.equal(await status(gateways.old, bothToken), 401);
  } finally {
    for (const gateway of Object.values(gateways)) await gateway.stop();
  }
});

test('a rotation of the secret does not change the id under which n8n knows a running session', async () => {
  const upstream = await startFakeUpstream();
  const yaml = (secrets) => `session:\n  secret_key: [${secrets.join(', ')}]\n`;
  const gateway = await startGateway({ env: { ...plenty, N8N_WEBHOOK_URL: upstream.url }, yaml: yaml([secretA]) });
  try {
    const visitor = await newVisitor(gateway);
    assert.equal((await visitor.ask('before')).status, 200);
    await gateway.writeConfig(yaml([secretB, secretA]));
    gateway.signal('SIGHUP');
    await eventually(() => gateway.log().includes('configuration reloaded'));
    assert.equal((await visitor.ask('after')).status, 200);
    assert.equal(upstream.requests[1].body.session_id, upstream.requests[0].body.session_id, 'n8n would lose the memory of the conversation');
    assert.equal((await visitor.validate()).json.session_id, visitor.created.session_id);
  } finally {
    await gateway.stop();
    await upstream.stop();
  }
});

test(PROVES('F105', 'F170') + 'a session secret that is short, well known or equal to the n8n secret refuses to start', async () => {
  for (const env of [
    { SESSION_SECRET_KEY: 'tiny-4711' },
    { SESSION_SECRET_KEY: 'x'.repeat(31) },
    { SESSION_SECRET_KEY: 'your-secret-key-change-in-production' },
    { SESSION_SECRET_KEY: secretA, JWT_SECRET_KEY: secretA },
    { SESSION_SECRET_KEY: `${secretA},tiny-4711` },
  ]) {
    const { status, stderr } = await runCommand(['serve'], { env });
    assert.equal(status, 2, JSON.stringify(env));
    assert.match(stderr, /SESSION_SECRET_KEY/);
    assert.ok(!stderr.includes(env.SESSION_SECRET_KEY), 'the secret itself is not printed');
  }
});
