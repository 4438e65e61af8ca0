// What the gateway holds: memory at rest, for each event stream, and after many visitors; and that at rest it
// does nothing. A build with sanitizers needs several times as much, so it has loose bounds of its own.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSession, eventually, health, newVisitor, plenty } from '../harness/client.mjs';
import { startGateway } from '../harness/gateway.mjs';
import { cpuMilliseconds, isSanitized, residentBytes } from '../harness/process.mjs';
import { PROVES } from '../harness/proves.mjs';

const KiB = 1024;
const MiB = 1024 * KiB;
const env = {
  ...plenty,
  STREAM_MAX_PER_ADDRESS: '100000',
  // The sanitizers keep freed memory for a while; without that the figures are the gateway's own.
  ASAN_OPTIONS: 'abort_on_error=0:detect_leaks=1:quarantine_size_mb=1:thread_local_quarantine_size_kb=64',
};

async function withGateway(use) {
  const gateway = await startGateway({ env });
  const bound = (release, sanitized) => (isSanitized(gateway.pid) ? sanitized : release);
  try {
    await use(gateway, bound);
  } finally {
    await gateway.stop();
  }
}

/** Opens so many event streams, each of a visitor of its own, some at a time. */
async function openStreams(gateway, count) {
  const streams = [];
  while (streams.length < count) {
    streams.push(...(await Promise.all(Array.from({ length: 20 }, async () => (await newVisitor(gateway)).subscribe()))));
  }
  assert.ok(streams.every(({ status }) => status === 200));
  return streams;
}

async function closeAll(gateway, streams) {
  for (const stream of streams) stream.close();
  await eventually(async () => (await health(gateway)).services.sse_connections === 0, { what: 'streams were left over' });
}

test(PROVES('F239') + 'the gateway is ready within ten seconds and then holds little memory', async (t) => {
  const began = performance.now();
  await withGateway(async (gateway, bound) => {
    const took = performance.now() - began;
    const held = residentBytes(gateway.pid);
    t.diagnostic(`ready after ${took.toFixed(0)} ms, ${(held / MiB).toFixed(1)} MiB`);
    assert.ok(took < 10_000, `ready after ${took} ms`);
    assert.ok(held < bound(32 * MiB, 256 * MiB), `${held / MiB} MiB`);
  });
});

test(PROVES('F239') + 'an idle event stream holds a few KiB', async (t) => {
  await withGateway(async (gateway, bound) => {
    // The first ones make what all of them share.
    const first = await openStreams(gateway, 100);
    const before = residentBytes(gateway.pid);
    const streams = await openStreams(gateway, 400);
    const each = (residentBytes(gateway.pid) - before) / streams.length;
    t.diagnostic(`${(each / KiB).toFixed(1)} KiB a stream`);
    assert.equal((await health(gateway)).services.sse_connections, 500);
    assert.ok(each < bound(16 * KiB, 128 * KiB), `${each} bytes a stream`);
    await closeAll(gateway, [...first, ...streams]);
  });
});

test(PROVES('F239') + 'what visitors took is given back: the tenth wave of them needs no more than the second', async (t) => {
  await withGateway(async (gateway, bound) => {
    const after = [];
    for (let wave = 0; wave < 10; wave++) {
      await closeAll(gateway, await openStreams(gateway, 100));
      after.push(residentBytes(gateway.pid));
    }
    const grown = after[9] - after[1];
    t.diagnostic(`after each wave: ${after.map((bytes) => (bytes / MiB).toFixed(1)).join(' ')} MiB`);
    assert.ok(grown < bound(8 * MiB, 48 * MiB), `800 visitors who have left still hold ${grown / MiB} MiB`);
  });
});

test(PROVES('F239') + 'with only idle visitors the gateway does next to nothing', async (t) => {
  await withGateway(async (gateway) => {
    const streams = await openStreams(gateway, 100);
    await createSession(gateway);
    const [before, began] = [cpuMilliseconds(gateway.pid), performance.now()];
    // There is nothing to wait for but time: the kernel is asked how much of a second was used.
    await eventually(() => performance.now() - began > 1000);
    const share = (cpuMilliseconds(gateway.pid) - before) / (performance.now() - began);
    t.diagnostic(`${(share * 100).toFixed(1)} % of a processor`);
    assert.ok(share < 0.2, `${share * 100} % of a processor`);
    await closeAll(gateway, streams);
  });
});
