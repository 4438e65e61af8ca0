import { after, beforeEach } from 'node:test';
import { answers, startFakeUpstream } from './fake_upstream.mjs';

/**
 * One fake upstream for all tests of a file; before each of them it has seen nothing and answers with one sentence.
 * Awaited while the file is loaded: hooks of a file do not wait for one another.
 */
export async function useFakeUpstream(options) {
  const upstream = await startFakeUpstream(options);
  beforeEach(() => {
    upstream.requests.length = 0;
    upstream.onRequest(answers.object('output', 'Hello from the upstream.'));
  });
  after(() => upstream.stop());
  return upstream;
}
