// What is built: small, always the same, and without the words that a strict page forbids.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';

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
    const listed = manifest.flatMap(({ file, brotli, gzip }) => [file, brotli, gzip]);
    assert.deepEqual(
      [...listed.filter(Boolean), 'manifest.json'].sort(),
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

  it('packs what is shorter then, each file but the template', () => {
    const unpack = { brotli: brotliDecompressSync, gzip: gunzipSync };
    for (const entry of JSON.parse(files['manifest.json'])) {
      for (const [coding, unpacked] of Object.entries(unpack)) {
        assert.equal(entry[coding] === '', entry.template, entry.file);
        if (entry.template) continue;
        const packed = readFileSync(join(out, entry[coding]));
        assert.ok(unpacked(packed).equals(readFileSync(join(out, entry.file))), entry[coding]);
        assert.ok(packed.length < files[entry.file].length * 0.9, entry[coding]);
      }
    }
  });

  it('removes the files of an earlier build and nothing else', () => {
    const old = { file: 'old-00000000.js', brotli: 'old-00000000.js.brotli', gzip: '' };
    for (const name of [old.file, old.brotli, 'mine.txt']) writeFileSync(join(out, name), '');
    writeFileSync(join(out, 'manifest.json'), JSON.stringify([old]));
    spawnSync(process.execPath, [join(web, 'build.mjs'), out]);
    const names = readdirSync(out);
    assert.ok(!names.some((name) => name.startsWith('old-')) && names.includes('mine.txt'));
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
