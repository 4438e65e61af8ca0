import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Session } from './session';

const kBase = 'https://gate.example';
const globals = globalThis as unknown as Record<string, unknown>;

interface Init {
  headers: Record<string, string>;
  body: string;
}

/// A gateway that keeps sessions, and a browser that may or may not keep its cookie.
class World {
  cookieKept = true;
  cookie: string | null = null;
  valid = new Set<string>();
  creates: Array<Record<string, unknown>> = [];
  createStatus = 200;
  createCode = 'SESSION_LIMIT';
  tokenByDefault = false;

  answer = async (headers: Record<string, string>): Promise<Response> => this.chat(headers);

  readonly fetch = async (url: string, init: Init): Promise<Response> =>
    url === `${kBase}/api/v1/session/create` ? this.create(init) : this.answer(init.headers);

  private async create(init: Init): Promise<Response> {
    const request = JSON.parse(init.body) as Record<string, unknown>;
    this.creates.push(request);
    if (this.createStatus !== 200)
      return Response.json({ code: this.createCode }, { status: this.createStatus });
    const credential = `s${this.creates.length}`;
    this.valid.add(credential);
    const expires_at = new Date(Date.now() + 60_000).toISOString();
    if (request['delivery'] === 'bearer' || this.tokenByDefault)
      return Response.json({ expires_at, token: credential });
    if (this.cookieKept) this.cookie = credential;
    return Response.json({ expires_at });
  }

  readonly chat = async (headers: Record<string, string>): Promise<Response> => {
    const credential = headers['Authorization']?.replace('Bearer ', '') ?? this.cookie ?? '';
    return new Response(null, { status: this.valid.has(credential) ? 200 : 401 });
  };
}

function storage(): Storage {
  const values = new Map<string, string>();
  return {
    getItem: (key: string) => values.get(key) ?? null,
    setItem: (key: string, value: string) => void values.set(key, value),
    removeItem: (key: string) => void values.delete(key),
  } as unknown as Storage;
}

describe('Session', () => {
  const before = {
    fetch: globals['fetch'],
    location: globals['location'],
    window: globals['window'],
  };
  let world: World;

  beforeEach(() => {
    world = new World();
    globals['fetch'] = world.fetch;
    globals['location'] = { hostname: 'shop.example', href: 'https://shop.example/a?b=1#secret' };
    globals['window'] = { localStorage: storage(), sessionStorage: storage() };
  });
  afterEach(() => Object.assign(globals, before));

  it('creates nothing before the first call, then one session by cookie', async () => {
    const session = new Session(kBase);
    assert.equal(session.exists, false);
    assert.equal(world.creates.length, 0);
    assert.equal((await session.call('/say', {})).status, 200);
    await session.call('/say', {});
    assert.deepEqual(world.creates, [
      {
        origin_domain: 'shop.example',
        page_url: 'https://shop.example/a?b=1',
        timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
        delivery: 'cookie',
        proof: 'dpop',
      },
    ]);
  });

  it('goes on with a fresh token that an answer brings, also after a reload', async () => {
    world.tokenByDefault = true;
    const session = new Session(kBase);
    await session.call('/say', {});
    world.valid = new Set(['fresh']);
    const sent: Array<string | undefined> = [];
    world.answer = async (headers) => {
      sent.push(headers['Authorization']);
      return new Response(null, { headers: { 'X-Session-Token': 'fresh' } });
    };
    assert.equal((await session.call('/say', {})).status, 200);
    world.answer = world.chat;
    assert.equal((await session.call('/say', {})).status, 200);
    assert.equal((await new Session(kBase).callAsIs('/say', {})).status, 200);
    assert.deepEqual(sent, ['Bearer s1']);
    assert.equal(world.creates.length, 1);
  });

  it('knows after a reload that there is a session', async () => {
    await new Session(kBase).call('/say', {});
    const reloaded = new Session(kBase);
    assert.equal(reloaded.exists, true);
    assert.equal((await reloaded.callAsIs('/say', {})).status, 200);
    assert.equal(world.creates.length, 1);
    assert.equal(new Session('https://other.example').exists, false);
  });

  it('turns to a bearer token where the cookie does not arrive', async () => {
    world.cookieKept = false;
    const session = new Session(kBase);
    assert.equal((await session.call('/say', {})).status, 200);
    assert.deepEqual(
      world.creates.map(({ delivery }) => delivery),
      ['cookie', 'bearer'],
    );
    assert.equal(
      (await new Session(kBase).callAsIs('/say', {})).status,
      200,
      'the token survives a reload',
    );
  });

  it('uses the token that the gateway gives by itself', async () => {
    world.tokenByDefault = true;
    assert.equal((await new Session(kBase).call('/say', {})).status, 200);
    assert.equal(world.creates.length, 1);
  });

  it('works without any storage', async () => {
    globals['window'] = {};
    world.cookieKept = false;
    assert.equal((await new Session(kBase).call('/say', {})).status, 200);
    assert.equal(new Session(kBase).exists, false);
  });

  for (const kind of ['cookie', 'bearer'] as const) {
    it(`renews an expired ${kind} session once and makes the same call again`, async () => {
      world.cookieKept = kind === 'cookie';
      const session = new Session(kBase);
      await session.call('/say', {});
      const made = world.creates.length;
      world.valid.clear();
      assert.equal((await session.call('/say', {})).status, 200);
      assert.equal(world.creates.length, made + 1);
    });
  }

  it('gives the 401 back when renewing does not help', async () => {
    let calls = 0;
    world.answer = async () => (calls++, new Response(null, { status: 401 }));
    assert.equal((await new Session(kBase).call('/say', {})).status, 401);
    assert.deepEqual([calls, world.creates.length], [2, 2]);
  });

  it('proves its calls where the gateway asks for it, also after a reload', async () => {
    const proved: Array<[string, string | null]> = [];
    const load = async () => async (url: string, _call: unknown, token: string | null) => {
      proved.push([url.slice(kBase.length), token]);
      if (!url.endsWith('/create')) return new Response();
      (globals['window'] as Window).localStorage.setItem(`portcullis:proof:${kBase}`, 'hash');
      return Response.json({ token_type: 'DPoP', token: 'pcs_bound' });
    };
    world.createStatus = 401;
    world.createCode = 'PROOF_REQUIRED';
    assert.equal((await new Session(kBase, {}, load).call('/say', {})).status, 200);
    assert.equal((await new Session(kBase, {}, load).callAsIs('/say', {})).status, 200);
    assert.equal(world.creates.length, 1, 'the one that was refused without');
    assert.deepEqual(proved, [
      ['/api/v1/session/create', null],
      ['/say', 'pcs_bound'],
      ['/say', 'pcs_bound'],
    ]);
  });

  it('proves nothing any more where a new session is bound to no key', async () => {
    (globals['window'] as Window).localStorage.setItem(`portcullis:proof:${kBase}`, 'hash');
    const load = () => Promise.reject(new Error('nobody asked'));
    assert.equal((await new Session(kBase, {}, load).call('/say', {})).status, 200);
  });

  const jwt = (sub: string, iat: number) =>
    `e30.${Buffer.from(JSON.stringify({ sub, iat })).toString('base64url')}.c2ln`;

  for (const kept of [true, false]) {
    it(`is of one user, ${kept ? 'by cookie' : 'by token'}`, async () => {
      world.tokenByDefault = !kept;
      const as = (page: Record<string, string>) => new Session(kBase, page);
      await as({ userToken: jwt('José ?>', 1) }).call('/say', {});
      assert.equal(as({ userToken: jwt('José ?>', 2) }).exists, true, 'a fresh token of the same');
      assert.equal(world.creates[0]!['user_token'], jwt('José ?>', 1));
      assert.equal(as({ userToken: jwt('bob', 2) }).exists, false, 'another one');
      assert.equal(as({ userToken: jwt('José ?>', 3) }).exists, false, 'which is forgotten then');
      await as({ userId: 'bob smith', userHash: 'ab' }).call('/say', {});
      assert.deepEqual([world.creates[1]!['user_id'], world.creates[1]!['user_hash']], ['bob smith', 'ab']);
      assert.equal(as({ userId: 'bob smith' }).exists, true);
      assert.equal(as({}).exists, false, 'who has logged out');
      await as({}).call('/say', {});
      assert.equal(as({}).exists, true);
      assert.equal(as({ userId: 'bob smith' }).exists, false, 'what a stranger said is not his');
    });
  }

  it('begins anew when the page names another user, and reads its token when it is needed', async () => {
    const page: Record<string, string> = { userToken: jwt('ann', 1) };
    const session = new Session(kBase, page);
    await session.call('/say', {});
    page['userToken'] = jwt('ann', 2);
    await session.call('/say', {});
    assert.equal(world.creates.length, 1);
    page['userToken'] = jwt('bob', 3);
    await session.call('/say', {});
    page['userToken'] = 'no token';
    await session.call('/say', {});
    assert.deepEqual(world.creates.map(({ user_token }) => user_token), [jwt('ann', 1), jwt('bob', 3), 'no token']);
  });

  it('does not prove what was refused for another reason', async () => {
    world.createStatus = 401;
    world.createCode = 'IDENTITY_INVALID';
    await assert.rejects(new Session(kBase).call('/say', {}), { code: 'IDENTITY_INVALID' });
    assert.equal(world.creates.length, 1);
  });

  it('throws the refusal of create', async () => {
    world.createStatus = 503;
    await assert.rejects(new Session(kBase).call('/say', {}), {
      code: 'SESSION_LIMIT',
      status: 503,
    });
  });

  it('makes one session for calls at the same time', async () => {
    const session = new Session(kBase);
    await Promise.all([session.call('/say', {}), session.call('/say', {})]);
    assert.equal(world.creates.length, 1);
  });
});
