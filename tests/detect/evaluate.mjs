// How much of the labelled texts a judge catches and how much it refuses wrongly, by class, with 95 % Wilson intervals.
// Usage: node evaluate.mjs NAME=COMMAND… ; each command reads lines {"id","text"} and writes {"id","decision"}.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const linesOf = (name) => readFileSync(new URL(`texts/${name}.jsonl`, import.meta.url), 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line));
const texts = [...linesOf('attacks'), ...linesOf('harmless')];
const input = texts.map(({ id, text }) => JSON.stringify({ id, text })).join('\n') + '\n';

/** Which texts a command refuses. */
function refusedBy(command) {
  const { status, stdout, stderr } = spawnSync(command, { shell: true, input, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`${command} ended with ${status}: ${stderr}`);
  const answers = stdout.trimEnd().split('\n').map((line) => JSON.parse(line));
  if (answers.length !== texts.length) throw new Error(`${command} judged ${answers.length} of ${texts.length} texts`);
  return new Set(answers.filter(({ decision }) => decision === 'refuse').map(({ id }) => id));
}

/** The 95 % interval of a share, in per cent. */
function wilson(k, n) {
  const z = 1.96;
  const p = k / n;
  const d = 1 + (z * z) / n;
  const centre = p + (z * z) / (2 * n);
  const half = z * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n));
  return [(100 * (centre - half)) / d, (100 * (centre + half)) / d];
}

const judges = process.argv.slice(2).map((argument) => {
  const at = argument.indexOf('=');
  return { name: argument.slice(0, at), refused: refusedBy(argument.slice(at + 1)) };
});

function row(name, some) {
  const cells = judges.map(({ refused }) => {
    const k = some.filter(({ id }) => refused.has(id)).length;
    const [low, high] = wilson(k, some.length);
    return `${((100 * k) / some.length).toFixed(1)} [${low.toFixed(1)}–${high.toFixed(1)}]`;
  });
  console.log(`| ${name} | ${some.length} | ${cells.join(' | ')} |`);
}

for (const [label, title] of [['attack', 'caught, %'], ['harmless', 'refused although harmless, %']]) {
  const some = texts.filter((text) => text.label === label);
  console.log(`\n| ${title} | texts | ${judges.map(({ name }) => name).join(' | ')} |\n|---|---|${'---|'.repeat(judges.length)}`);
  for (const cls of [...new Set(some.map((text) => text.class))].sort()) row(cls, some.filter((text) => text.class === cls));
  row('**all**', some);
  if (label === 'attack') {
    const injections = some.filter((text) => text.class === 'prompt_injection');
    for (const language of [...new Set(injections.map((text) => text.language))].sort()) {
      row(`prompt_injection, ${language}`, injections.filter((text) => text.language === language));
    }
  }
}
