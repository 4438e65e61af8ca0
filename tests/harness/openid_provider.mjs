// A certified OpenID provider (the `oidc-provider` package) on loopback, whose clients get access tokens that are JWTs.

import { createPrivateKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { createServer } from 'node:http';
import Provider, { errors } from 'oidc-provider';

const AUDIENCE = 'https://gateway.example';

/** A new private key as a JWK; its algorithm is RS256 or ES256. */
function newKey(alg) {
  const { privateKey } = alg === 'RS256' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...privateKey.export({ format: 'jwk' }), kid: randomBytes(6).toString('hex'), alg, use: 'sig' };
}

/**
 * Starts one. Gives its `issuer` and the `audience` of its tokens, and
 *
 * - `token({ sub, claims, life })`: an access token of a client that asks for it as documented;
 * - `rotate(alg)`: from now on other keys sign, and the old ones are gone;
 * - `requests`: the paths it was asked for;
 * - `intercept(handler)`: answers instead of it, until it is set to undefined;
 * - `keep()`: what the present keys sign later, as a provider would whose keys were stolen;
 * - `newKey(alg)`, `signWith(key)`: keys without a name, for a test that answers for the provider.
 */
export async function startOpenIdProvider({ alg = 'RS256' } = {}) {
  const secret = randomBytes(32).toString('hex');
  const requests = [];
  let wanted = {};
  let intercepting;
  let current;

  const server = createServer((request, response) => {
    requests.push(request.url);
    if (intercepting && intercepting(request, response) !== false) return;
    current(request, response);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${server.address().port}`;

  const providerWith = (key) =>
    new Provider(issuer, {
      jwks: { keys: [key] },
      cookies: { keys: [secret] },
      clients: [
        { client_id: 'program', client_secret: secret, grant_types: ['client_credentials'], redirect_uris: [], response_types: [], token_endpoint_auth_method: 'client_secret_post', id_token_signed_response_alg: key.alg },
      ],
      scopes: ['use'],
      features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        resourceIndicators: {
          enabled: true,
          getResourceServerInfo: (context, resource) => {
            if (![AUDIENCE, 'https://other.example'].includes(resource)) throw new errors.InvalidTarget();
            return { scope: 'use', audience: resource, accessTokenFormat: 'jwt', accessTokenTTL: wanted.life ?? 600, jwt: { sign: { alg: key.alg } } };
          },
        },
      },
      formats: {
        customizers: {
          jwt: (context, token, jwt) => {
            jwt.payload = { ...jwt.payload, sub: wanted.sub ?? 'user-1', ...wanted.claims };
            return jwt;
          },
        },
      },
    }).callback();

  const use = (algorithm) => {
    current = providerWith(newKey(algorithm));
  };
  use(alg);

  const ask = async (handle, { resource = AUDIENCE, ...how } = {}) => {
    const before = current;
    current = handle;
    wanted = how;
    try {
      const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: 'program', client_secret: secret, resource, scope: 'use' });
      const answer = await fetch(`${issuer}/token`, { method: 'POST', body });
      const json = await answer.json();
      if (!json.access_token) throw new Error(JSON.stringify(json));
      return json.access_token;
    } finally {
      current = before;
    }
  };

  /** A key without a name, and a token that it signs, as a provider with one key may have it. */
  const unnamedKey = (algorithm) => {
    const { kid, use, ...jwk } = newKey(algorithm);
    const { d, ...own } = jwk;
    return { private: jwk, public: own };
  };
  const signWith = (key) => {
    const now = Math.floor(Date.now() / 1000);
    const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const input = `${encode({ alg: 'ES256', typ: 'at+jwt' })}.${encode({ iss: issuer, aud: AUDIENCE, sub: 'user-1', iat: now, exp: now + 600 })}`;
    const signer = createPrivateKey({ key: key.private, format: 'jwk' });
    return `${input}.${sign('sha256', input, { key: signer, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  };

  return {
    issuer,
    newKey: unnamedKey,
    signWith,
    audience: AUDIENCE,
    requests,
    token: (how) => ask(current, how),
    keep: () => {
      const kept = current;
      return (how) => ask(kept, how);
    },
    rotate: (algorithm = alg) => use(algorithm),
    intercept: (handler) => {
      intercepting = handler;
    },
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
