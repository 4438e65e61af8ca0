// The work that a challenge asks for.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

/** What is sent in X-Challenge-Solution. */
export function solve({ salt, target, max_number, signature }) {
  for (let n = 0; n <= max_number; ++n) {
    if (createHash('sha256').update(salt + n).digest('hex') === target) return `${salt}.${n}.${signature}`;
  }
  return assert.fail('no number solves the challenge');
}
