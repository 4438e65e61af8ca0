import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hostileTexts } from '../../tests/browser/hostile_texts.mjs';
import { firstOpenBlock, parseMarkdown, type Block } from './markdown';
import type { Inline } from './markdown_inline';
import { safeLink } from './safe_link';

/// A tree as one readable line: p(Hello b(bold)).
function show(blocks: readonly Block[]): string {
  return blocks.map(showBlock).join(' ');
}

function showBlock(block: Block): string {
  switch (block.kind) {
    case 'heading':
      return `h${block.level}(${showInlines(block.children)})`;
    case 'paragraph':
      return `p(${showInlines(block.children)})`;
    case 'code':
      return `pre(${block.text})`;
    case 'quote':
      return `quote(${show(block.blocks)})`;
    case 'rule':
      return 'hr';
    case 'list':
      return `${block.first === null ? 'ul' : `ol${block.first}`}(${block.items.map((item) => `li(${show(item)})`).join(' ')})`;
  }
}

function showInlines(inlines: readonly Inline[]): string {
  return inlines.map(showInline).join('');
}

function showInline(inline: Inline): string {
  switch (inline.kind) {
    case 'text':
      return inline.text;
    case 'break':
      return '⏎';
    case 'code':
      return `code(${inline.text})`;
    case 'bold':
      return `b(${showInlines(inline.children)})`;
    case 'italic':
      return `i(${showInlines(inline.children)})`;
    case 'link':
      return `a<${inline.address}>(${showInlines(inline.children)})`;
  }
}

const whole = (text: string): string => show(parseMarkdown(text));
const growing = (text: string): string => show(parseMarkdown(text, 'growing'));

describe('parseMarkdown', () => {
  const cases: Array<[string, string]> = [
    ['Hello **bold** and *it* and `x < y`.', 'p(Hello b(bold) and i(it) and code(x < y).)'],
    ['__bold__ _it_ snake_case_name', 'p(b(bold) i(it) snake_case_name)'],
    ['***both*** and **a *b* c**', 'p(b(i(both)) and b(a i(b) c))'],
    ['2 * 3 * 4 and ** and *', 'p(2 * 3 * 4 and ** and *)'],
    ['**open and *closed*', 'p(**open and i(closed))'],
    ['\\*not italic\\* \\[x](y)', 'p(*not italic* [x](y))'],
    ['one\ntwo\n\nthree', 'p(one⏎two) p(three)'],
    ['# One\n## Two ##\n####### seven\n#none', 'h1(One) h2(Two) p(####### seven⏎#none)'],
    ['```js\na **b**\n\n  c\n```\nafter', 'pre(a **b**\n\n  c) p(after)'],
    ['~~~\n```\n~~~', 'pre(```)'],
    ['```\nnever closed', 'pre(never closed)'],
    ['``a`b`` and ``open', 'p(code(a`b) and ``open)'],
    ['- a\n- b\n  - c\n- d', 'ul(li(p(a)) li(p(b) ul(li(p(c)))) li(p(d)))'],
    ['3. a\n4. b\n\n5. c', 'ol3(li(p(a)) li(p(b)) li(p(c)))'],
    ['1. a\n   ```\n   x\n   ```\n2. b', 'ol1(li(p(a) pre(x)) li(p(b)))'],
    ['- a\n1. b', 'ul(li(p(a))) ol1(li(p(b)))'],
    ['- a\n\nafter', 'ul(li(p(a))) p(after)'],
    ['> a\n> > b\n\nc', 'quote(p(a) quote(p(b))) p(c)'],
    ['a\n\n---\n\n* * *\nb', 'p(a) hr hr p(b)'],
    ['<b>x</b> &amp; <!-- c -->', 'p(<b>x</b> &amp; <!-- c -->)'],
    ['a\r\nb\r\n\r\n- c\r\n', 'p(a⏎b) ul(li(p(c)))'],
    ['[a **b**](https://x.example/y)', 'p(a<https://x.example/y>(a b(b)))'],
    ['[w](https://x.example/a_(b)) end', 'p(a<https://x.example/a_(b)>(w) end)'],
    ['[m](mailto:a@b.example)', 'p(a<mailto:a@b.example>(m))'],
    ['[](https://x.example)', 'p(a<https://x.example/>(https://x.example/))'],
    ['![alt](https://x.example/i.png)', 'p(a<https://x.example/i.png>(alt))'],
    ['[x](javascript:alert(1))', 'p([x](javascript:alert(1)))'],
    ['[x](/relative) [y][z] [w]', 'p([x](/relative) [y][z] [w])'],
    [
      'see https://x.example/a_b_c?d=1.',
      'p(see a<https://x.example/a_b_c?d=1>(https://x.example/a_b_c?d=1).)',
    ],
    [
      '(https://x.example) xhttps://no.example',
      'p((a<https://x.example/>(https://x.example)) xhttps://no.example)',
    ],
    ['[a https://y.example](https://x.example)', 'p(a<https://x.example/>(a https://y.example))'],
    ['`[a](https://x.example)`', 'p(code([a](https://x.example)))'],
    ['[a `]` b](https://x.example)', 'p(a<https://x.example/>(a code(]) b))'],
    ['', ''],
    ['\n\n  \n', ''],
  ];
  for (const [source, expected] of cases) {
    it(`reads ${JSON.stringify(source)}`, () => assert.equal(whole(source), expected));
  }

  it('closes at the end of a growing text what is still open', () => {
    assert.equal(growing('a **bol'), 'p(a b(bol))');
    assert.equal(growing('a **bold *it'), 'p(a b(bold i(it)))');
    assert.equal(growing('a `cod'), 'p(a code(cod))');
    assert.equal(growing('a **'), 'p(a **)');
    assert.equal(growing('- x **bol'), 'ul(li(p(x b(bol))))');
    assert.equal(growing('**open\n\nnext'), 'p(**open) p(next)', 'only the last block grows');
  });

  it('never changes a block before the first open one, at any prefix of a text', () => {
    const sources = [
      'a\n---b\n\n- x\n---\n- y\n---z\n',
      'x\n```a`\nb\n```c\nd\n```\ne\n> q\nr\n# h\n1\n1. o\n\n\n   in\nout\n***b\n***\n- - -\n- a\n-b\n',
      ...hostileTexts.filter((text) => text.length < 500),
    ].map((text) => text.replace(/\r/g, ''));
    for (const source of sources) {
      const final = parseMarkdown(source);
      for (let length = 1; length < source.length; length++) {
        const prefix = source.slice(0, length);
        const blocks = parseMarkdown(prefix, 'growing');
        const fixed = blocks.slice(0, firstOpenBlock(blocks, prefix));
        assert.deepEqual(fixed, final.slice(0, fixed.length), JSON.stringify(prefix));
        const open = blocks[fixed.length];
        if (open)
          assert.equal(
            show(final),
            show([...fixed, ...parseMarkdown(source.slice(open.start))]),
            JSON.stringify(prefix),
          );
      }
    }
  });

  it('bounds nesting: the tree of a hostile text is never deeper than its limits', () => {
    const depth = (node: unknown): number =>
      typeof node !== 'object' || node === null
        ? 0
        : 1 + Math.max(0, ...Object.values(node).map(depth));
    for (const text of hostileTexts)
      assert.ok(depth(parseMarkdown(text.slice(0, 4000))) < 60, text.slice(0, 40));
  });

  it('takes linear time: ten times the text, nowhere near a hundred times the time', () => {
    const units = [
      '*a ',
      '**b ',
      '_*',
      '[',
      ']',
      '[a](',
      '[a](b',
      '![',
      '` `` ',
      '`',
      '> ',
      '- ',
      '1. ',
      '\n',
      '#',
      '\\',
      'https://',
      'http://a.b/(',
      '<',
      '- a\n',
      '> a\n',
      '```\n',
      '\n\n- ',
      '  - a\n',
      '***',
      '_a_ ',
      '---\n',
    ];
    // Processor time: a busy machine must not look like a slow parser.
    const millisecondsFor = (text: string): number => {
      const started = process.cpuUsage();
      parseMarkdown(text);
      const { user, system } = process.cpuUsage(started);
      return (user + system) / 1000;
    };
    for (const unit of units) {
      const small = Math.min(...[1, 2, 3].map(() => millisecondsFor(unit.repeat(5_000))));
      const bound = Math.max(60, small * 40);
      let large = Number.POSITIVE_INFINITY;
      for (let tries = 0; tries < 5 && large >= bound; ++tries) {
        large = Math.min(large, millisecondsFor(unit.repeat(50_000)));
      }
      assert.ok(large < bound, `${JSON.stringify(unit)}: ${small.toFixed(1)} ms, then ${large.toFixed(1)} ms`);
    }
  });
});

describe('safeLink', () => {
  it('lets http, https and mailto through, normalised', () => {
    assert.equal(safeLink('HTTPS://X.example/a b'.replace(' ', '')), 'https://x.example/ab');
    assert.equal(safeLink('mailto:a@b.example'), 'mailto:a@b.example');
    assert.equal(safeLink('https://x.example/"onclick="1'), 'https://x.example/%22onclick=%221');
  });

  const refused = [
    'javascript:alert(1)',
    'JAVASCRIPT:alert(1)',
    'java\nscript:alert(1)',
    '\u0001javascript:alert(1)',
    ' https://x.example',
    'https://x.example/a b',
    'data:text/html,x',
    'vbscript:x',
    'blob:https://x.example/1',
    'file:///etc/passwd',
    'about:blank',
    '//x.example',
    '/path',
    'path',
    '',
    'https://',
    'https://user@x.example',
    'https://user:pw@x.example',
    'https:\u2028//x.example',
    `https://x.example/${'a'.repeat(3000)}`,
  ];
  for (const address of refused) {
    it(`refuses ${JSON.stringify(address.slice(0, 40))}`, () =>
      assert.equal(safeLink(address), null));
  }
});
