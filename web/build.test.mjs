// What is built: small, always the same, and without the words that a strict page forbids.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const web = dirname(fileURLToPath(import.meta.url));
const scratch = join(web, '../build');

describe('build', () => {
  const outs = [];
  const build = () => {
    mkdirSync(scratch, { recursive: true });
    const out = mkdtempSync(join(scratch, 'web-build-'));
    outs.push(out);
    const { status, stderr } = spawnSync(process.execPath, [join(web, 'build.mjs'), out], {
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    return out;
  };
  const contents = (out) =>
    Object.fromEntries(
      readdirSync(out)
        .sort()
        .map((name) => [name, readFileSync(join(out, name), 'utf8')]),
    );

  let out;
  let files;
  before(() => {
    out = build();
    files = contents(out);
  });
  after(() => outs.forEach((directory) => rmSync(directory, { recursive: true, force: true })));

  it('gives the same bytes every time', () => assert.deepEqual(contents(build()), files));

  it('lists every file, hashed names as immutable and only html as template', () => {
    const manifest = JSON.parse(files['manifest.json']);
    assert.deepEqual(
      [...manifest.map(({ file }) => file), 'manifest.json'].sort(),
      Object.keys(files).sort(),
    );
    for (const { path, file, immutable, template, type } of manifest) {
      assert.equal(path, file);
      assert.equal(immutable, /-[0-9a-f]{8}\.(js|css|svg)$/.test(file), file);
      assert.equal(template, file === 'index.html', file);
      assert.ok(type, file);
    }
    assert.ok(manifest.some(({ path }) => path === 'embed.js'));
  });

  it('removes the files of an earlier build and nothing else', () => {
    writeFileSync(join(out, 'old-00000000.js'), '');
    writeFileSync(join(out, 'mine.txt'), '');
    writeFileSync(join(out, 'manifest.json'), JSON.stringify([{ file: 'old-00000000.js' }]));
    spawnSync(process.execPath, [join(web, 'build.mjs'), out]);
    const names = readdirSync(out);
    assert.ok(!names.includes('old-00000000.js') && names.includes('mine.txt'));
    rmSync(join(out, 'mine.txt'));
  });

  it('keeps embed.js within 20 KiB gzip', () => {
    assert.ok(gzipSync(files['embed.js'], { level: 9 }).length <= 20 * 1024);
  });

  it('writes no HTML text, no inline style and no code from text', () => {
    const scripts = Object.entries(files).filter(([name]) => name.endsWith('.js'));
    assert.ok(scripts.length >= 2);
    const forbidden = [
      /innerHTML/i,
      /outerHTML/i,
      /insertAdjacentHTML/i,
      /document\.write/i,
      /createContextualFragment/i,
      /DOMParser/,
      /setHTML/,
      /\beval\b/,
      /\bFunction\s*\(/,
      /\.style\b/,
      /cssText/,
      /["'`]style["'`]/,
      /srcdoc/i,
      /setTimeout\(["'`]/,
      /javascript:/i,
    ];
    for (const [name, text] of scripts)
      for (const word of forbidden) assert.doesNotMatch(text, word, name);
  });

  it('names no address of anybody else', () => {
    for (const [name, text] of Object.entries(files)) {
      const addresses = text.match(/https?:\/\/[\w.]+/g) ?? [];
      assert.deepEqual(
        addresses.filter((address) => address !== 'http://www.w3.org'),
        [],
        name,
      );
    }
  });

  it('gives the page a nonce on every script and style sheet, and nothing inline', () => {
    const page = files['index.html'];
    const loaders = page.match(/<(script|style|link rel="stylesheet")[^>]*>/g);
    assert.equal(loaders.length, 3);
    for (const loader of loaders) assert.match(loader, /nonce="@@NONCE@@"/);
    assert.doesNotMatch(page, /\sstyle=|\son\w+=/i);
    assert.equal((page.match(/<script[^>]*><\/script>/g) ?? []).length, 2);
  });
});
