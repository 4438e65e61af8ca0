// The labelled texts are what their README says: their form, their labels, how many of which class and language.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const folder = new URL('texts/', import.meta.url);
const readme = readFileSync(new URL('README.md', folder), 'utf8');

const kMaxCharacters = 4000;
/** The classes of talk that no filter finds suspicious; every other harmless class is a hard one. */
const kEveryday = new Set(['bank', 'city', 'clinic', 'shop', 'support', 'university']);
const kNoLanguage = 'zxx';
const kMixed = 'mul';

const linesOf = (name) => readFileSync(new URL(name, folder), 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line));
const harmless = linesOf('harmless.jsonl');
const attacks = linesOf('attacks.jsonl');
const all = [...harmless, ...attacks];

function count(lines, member) {
  const counts = {};
  for (const line of lines) counts[line[member]] = (counts[line[member]] ?? 0) + 1;
  return counts;
}

/** The table below a heading of the README: the code that begins each row, with the numbers of the row. */
function promised(heading) {
  const section = readme.split(/^## /m).find((part) => part.startsWith(`${heading}\n`));
  assert.ok(section, `the README has no section '${heading}'`);
  const rows = [...section.matchAll(/^\| `(\w+)` \|(.*)\|$/gm)].map(([, code, cells]) => [
    code,
    cells.split('|').map((cell) => cell.trim()).filter((cell) => /^\d+$/.test(cell)).map(Number),
  ]);
  assert.ok(rows.length > 0, `the section '${heading}' has no table`);
  return Object.fromEntries(rows);
}

test('a line is id, label, class, language and text, and the id names the rest', () => {
  for (const [lines, label] of [[harmless, 'harmless'], [attacks, 'attack']]) {
    for (const line of lines) {
      assert.deepEqual(Object.keys(line), ['id', 'label', 'class', 'language', 'text'], line.id);
      assert.equal(line.label, label, line.id);
      const stem = `${label[0]}-${line.class.replaceAll('_', '-')}-${line.language}-`;
      assert.ok(line.id.startsWith(stem) && /^\d{3}$/.test(line.id.slice(stem.length)), `${line.id} should be ${stem}NNN`);
    }
  }
});

test('lines are sorted by class and id', () => {
  for (const lines of [harmless, attacks]) {
    const keys = lines.map((line) => `${line.class} ${line.id}`);
    assert.deepEqual(keys, [...keys].sort());
  }
});

test('no id and no text comes twice', () => {
  const folded = (text) => text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim();
  for (const key of [(line) => line.id, (line) => folded(line.text)]) {
    const seen = new Map();
    for (const line of all) {
      assert.equal(seen.get(key(line)), undefined, `${line.id} repeats`);
      seen.set(key(line), line.id);
    }
  }
});

test('a text is well-formed and within the length of a chat message', () => {
  for (const { id, text } of all) {
    assert.ok(text.trim().length > 0, `${id} is blank`);
    assert.ok([...text].length <= kMaxCharacters, `${id} has over ${kMaxCharacters} characters`);
    assert.ok(!/[\ud800-\udfff\ufffd]/u.test(text), `${id} has half a surrogate pair or a replacement character`);
  }
});

test('there are as many of each class as the README says', () => {
  for (const [heading, lines] of [['Harmless classes', harmless], ['Attack classes', attacks]]) {
    const table = Object.fromEntries(Object.entries(promised(heading)).map(([code, [n]]) => [code, n]));
    assert.deepEqual(count(lines, 'class'), table, heading);
  }
});

test('there are as many of each language as the README says', () => {
  const injections = attacks.filter((line) => line.class === 'prompt_injection');
  const [calm, hostile, orders] = [harmless, attacks, injections].map((lines) => count(lines, 'language'));
  const found = {};
  for (const code of new Set(all.map((line) => line.language))) found[code] = [calm[code] ?? 0, hostile[code] ?? 0, orders[code] ?? 0];
  assert.deepEqual(found, promised('Languages'));
});

test('no class and no language is too small to say something about it', () => {
  const hard = harmless.filter((line) => !kEveryday.has(line.class));
  assert.ok(hard.length >= 0.4 * harmless.length, `${hard.length} of ${harmless.length} harmless texts are hard`);
  for (const [name, n] of Object.entries(count(attacks, 'class'))) {
    const least = ['sqli', 'xss', 'prompt_injection'].includes(name) ? 60 : 12;
    assert.ok(n >= least, `${n} texts of ${name}, at least ${least} expected`);
  }
  for (const [code, [calm, , orders]] of Object.entries(promised('Languages'))) {
    if (code === kNoLanguage || code === kMixed) continue;
    assert.ok(calm >= 15, `${calm} harmless texts in ${code}`);
    assert.ok(orders >= 4, `${orders} prompt injections in ${code}`);
  }
});
