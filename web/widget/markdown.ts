/// Block Markdown to a tree: headings, paragraphs, fenced code, quotes, lists, rules.
///
/// Cost:    linear in the text times kMaxDepth; no regular expression can backtrack.
/// Streams: text that arrives changes only the blocks from firstOpenBlock() on, so a caller parses
///          again only from there.

import { parseInline, type Completeness, type Inline } from './markdown_inline';

export type Block = { readonly start: number } & BlockBody;
export type BlockBody =
  | { readonly kind: 'heading'; readonly level: number; readonly children: Inline[] }
  | { readonly kind: 'paragraph'; readonly children: Inline[] }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'quote'; readonly blocks: Block[] }
  | { readonly kind: 'list'; readonly first: number | null; readonly items: Block[][] }
  | { readonly kind: 'rule' };

interface Marker {
  readonly ordered: boolean;
  readonly number: number;
  readonly contentAt: number;
  readonly indent: number;
}

const kMaxDepth = 6;

/// `start` of a block counts characters of a source without carriage returns.
export function parseMarkdown(source: string, completeness: Completeness = 'whole'): Block[] {
  return new BlockParser(source.replace(/\r/g, '').split('\n'), 0, completeness).run();
}

/// Index of the first block that more text could change: the last one, and while that is a single
/// unfinished line also the one before it, which the line may turn out to belong to (`---` to
/// `---x`).
export function firstOpenBlock(blocks: readonly Block[], source: string): number {
  const last = blocks[blocks.length - 1];
  const singleLine = last !== undefined && !source.includes('\n', last.start);
  return Math.max(0, blocks.length - (singleLine ? 2 : 1));
}

class BlockParser {
  private readonly blocks: Block[] = [];
  private row = 0;
  private offset = 0;

  constructor(
    private readonly lines: readonly string[],
    private readonly depth: number,
    private readonly completeness: Completeness,
  ) {}

  run(): Block[] {
    while (this.row < this.lines.length) {
      if (this.lines[this.row]!.trim() === '') this.advance();
      else this.takeBlock();
    }
    return this.blocks;
  }

  private takeBlock(): void {
    const start = this.offset;
    const line = this.lines[this.row]!;
    const fence = fenceOf(line);
    const level = headingLevel(line);
    let body: BlockBody;
    if (fence !== null) body = this.takeCode(fence);
    else if (level > 0) body = this.takeHeading(level);
    else if (isRule(line)) body = this.takeRule();
    else if (this.depth < kMaxDepth && isQuote(line)) body = this.takeQuote();
    else if (this.depth < kMaxDepth && markerOf(line) !== null) body = this.takeList();
    else body = this.takeParagraph();
    this.blocks.push({ start, ...body });
  }

  private takeHeading(level: number): BlockBody {
    const text = this.advance()
      .trim()
      .slice(level)
      .trim()
      .replace(/ #{1,6}$/, '');
    return { kind: 'heading', level, children: parseInline(text, this.hereCompleteness()) };
  }

  private takeRule(): BlockBody {
    this.advance();
    return { kind: 'rule' };
  }

  /// An unclosed fence runs to the end: that is what a code block looks like while it streams.
  private takeCode(fence: string): BlockBody {
    const indent = indentOf(this.advance());
    const code: string[] = [];
    while (this.row < this.lines.length) {
      const line = this.advance();
      const trimmed = line.trim();
      if (trimmed.startsWith(fence) && trimmed === fence.charAt(0).repeat(trimmed.length)) break;
      code.push(line.slice(Math.min(indent, indentOf(line))));
    }
    return { kind: 'code', text: code.join('\n') };
  }

  private takeQuote(): BlockBody {
    const inner: string[] = [];
    while (this.row < this.lines.length && isQuote(this.lines[this.row]!)) {
      const line = this.advance().trimStart().slice(1);
      inner.push(line.startsWith(' ') ? line.slice(1) : line);
    }
    return {
      kind: 'quote',
      blocks: new BlockParser(inner, this.depth + 1, this.hereCompleteness()).run(),
    };
  }

  private takeList(): BlockBody {
    const first = markerOf(this.lines[this.row]!)!;
    const items: Block[][] = [];
    while (this.row < this.lines.length) {
      const marker = markerOf(this.lines[this.row]!);
      if (marker === null || marker.ordered !== first.ordered || isRule(this.lines[this.row]!))
        break;
      items.push(this.takeItem(marker));
      this.skipBlanksBefore((line) => markerOf(line)?.ordered === first.ordered);
    }
    return { kind: 'list', first: first.ordered ? first.number : null, items };
  }

  /// The lines of one item: its own, and after it all that is indented below its marker.
  private takeItem(marker: Marker): Block[] {
    const inner = [this.advance().slice(marker.contentAt)];
    while (this.row < this.lines.length) {
      const line = this.lines[this.row]!;
      if (line.trim() === '') {
        if (!this.skipBlanksBefore((next) => indentOf(next) > marker.indent + 1)) break;
        inner.push('');
      } else if (indentOf(line) > marker.indent) {
        inner.push(this.advance().slice(Math.min(indentOf(line), marker.contentAt)));
      } else if (startsBlock(line)) {
        break;
      } else {
        inner.push(this.advance());
      }
    }
    return new BlockParser(inner, this.depth + 1, this.hereCompleteness()).run();
  }

  private takeParagraph(): BlockBody {
    const text = [this.advance().trim()];
    while (this.row < this.lines.length) {
      const line = this.lines[this.row]!;
      if (line.trim() === '' || (startsBlock(line) && this.depth < kMaxDepth)) break;
      text.push(this.advance().trim());
    }
    return { kind: 'paragraph', children: parseInline(text.join('\n'), this.hereCompleteness()) };
  }

  /// Only what reaches the end of a growing text may still grow.
  private hereCompleteness(): Completeness {
    return this.row < this.lines.length ? 'whole' : this.completeness;
  }

  /// Passes blank lines when the line after them continues the block; else leaves them alone.
  private skipBlanksBefore(continues: (line: string) => boolean): boolean {
    let next = this.row;
    while (next < this.lines.length && this.lines[next]!.trim() === '') next++;
    if (next === this.lines.length || !continues(this.lines[next]!)) return false;
    while (this.row < next) this.advance();
    return true;
  }

  private advance(): string {
    const line = this.lines[this.row++]!;
    this.offset += line.length + 1;
    return line;
  }
}

function startsBlock(line: string): boolean {
  return (
    fenceOf(line) !== null ||
    headingLevel(line) > 0 ||
    isRule(line) ||
    isQuote(line) ||
    markerOf(line) !== null
  );
}

function indentOf(line: string): number {
  let at = 0;
  while (line.charAt(at) === ' ' || line.charAt(at) === '\t') at++;
  return at;
}

function headingLevel(line: string): number {
  const trimmed = line.trim();
  let level = 0;
  while (trimmed.charAt(level) === '#') level++;
  return level >= 1 && level <= 6 && trimmed.charAt(level) === ' ' ? level : 0;
}

function isQuote(line: string): boolean {
  return line.trimStart().startsWith('>');
}

function isRule(line: string): boolean {
  const packed = line.replace(/ /g, '');
  return (
    packed.length >= 3 &&
    '-*_'.includes(packed.charAt(0)) &&
    packed === packed.charAt(0).repeat(packed.length)
  );
}

function fenceOf(line: string): string | null {
  const trimmed = line.trimStart();
  const character = trimmed.charAt(0);
  if (character !== '`' && character !== '~') return null;
  let width = 0;
  while (trimmed.charAt(width) === character) width++;
  return width >= 3 && !trimmed.slice(width).includes('`') ? character.repeat(width) : null;
}

function markerOf(line: string): Marker | null {
  const indent = indentOf(line);
  const character = line.charAt(indent);
  if ('-*+'.includes(character) && character !== '') {
    if (line.charAt(indent + 1) !== ' ' || line.slice(indent + 2).trim() === '') return null;
    return { ordered: false, number: 0, contentAt: indent + 2, indent };
  }
  let at = indent;
  while (at - indent < 9 && line.charAt(at) >= '0' && line.charAt(at) <= '9') at++;
  if (at === indent || !'.)'.includes(line.charAt(at)) || line.charAt(at + 1) !== ' ') return null;
  return { ordered: true, number: Number(line.slice(indent, at)), contentAt: at + 2, indent };
}
