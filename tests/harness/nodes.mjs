// Gateways that share their state through Redis.

import { randomBytes } from 'node:crypto';
import { eventually } from './expect.mjs';
import { startGateway } from './gateway.mjs';
import { kMachinesWelcome, kOrigin } from './visitor.mjs';
import { request } from './wire.mjs';

let prefixes = 0;

/** What every node of one gateway has in common, and no other test's. */
export function sharedEnv(redis, upstream, env = {}) {
  return {
    ALLOWED_ORIGINS: kOrigin,
    SESSION_SECRET_KEY: randomBytes(48).toString('base64url'),
    N8N_WEBHOOK_URL: upstream.url,
    REDIS_URL: redis.url,
    REDIS_PREFIX: `test${process.pid}-${prefixes++}:`,
    ...kMachinesWelcome,
    REDIS_DEADLINE: '2s', // sanitizers on a busy machine; where a loss is the matter, the default holds
    ...env,
  };
}

/** Runs `body` with so many nodes and stops them. */
export async function withNodes(number, env, body) {
  const nodes = [];
  try {
    for (let i = 0; i < number; ++i) nodes.push(await startGateway({ env }));
    await body(nodes);
  } catch (error) {
    await Promise.allSettled(nodes.map((node) => node.stop()));
    throw error;
  }
  await Promise.all(nodes.map((node) => node.stop()));
}

/** The parts of a node's `/health`. */
export const healthOf = async (node) => (await request(node, { path: '/health' })).json.services;
export const connected = (node, options) => eventually(async () => (await healthOf(node)).redis === 'connected', { what: 'the connection to Redis', ...options });
export const degraded = (node) => eventually(async () => (await healthOf(node)).redis === 'degraded', { what: 'the loss of Redis' });
