import assert from 'node:assert/strict';
import { request } from './wire.mjs';

/** Reads Prometheus text: `value(name, labels)` sums all samples that have these labels. */
export class Samples {
  constructor(text) {
    this.samples = text.split('\n').filter((line) => line && !line.startsWith('#')).map((line) => {
      const [, name, labels = '', value] = line.match(/^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/) ?? assert.fail(`no sample: ${line}`);
      return { name, labels: Object.fromEntries([...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map((m) => [m[1], m[2]])), value: Number(value) };
    });
  }
  value(name, labels = {}) {
    return this.samples
      .filter((s) => s.name === name && Object.entries(labels).every(([k, v]) => s.labels[k] === v))
      .reduce((sum, s) => sum + s.value, 0);
  }
}

/** The metrics of the operations listener. */
export async function samplesOf(gateway) {
  const page = await request({ url: gateway.opsUrl }, { path: '/metrics?format=prometheus' });
  assert.equal(page.status, 200, page.text);
  return new Samples(page.text);
}
