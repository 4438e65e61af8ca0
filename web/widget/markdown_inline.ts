/// Inline Markdown to a tree: code, bold, italic, links, line breaks. No HTML ever: `<` is a
/// letter.
///
/// Cost:  linear. Code spans and brackets are matched by tables made in one pass before the scan,
///        emphasis by a stack that holds each marker at most once.

import { safeLink } from './safe_link';

export type Inline =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'break' }
  | { readonly kind: 'bold' | 'italic'; readonly children: Inline[] }
  | { readonly kind: 'link'; readonly address: string; readonly children: Inline[] };

interface Frame {
  readonly marker: string;
  children: Inline[];
}

const kPunctuation = '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~';

/// `growing` text is still being received: a marker that is open at its end is taken as closed
/// there, so that the reader never sees `**bol` turn into bold.
export type Completeness = 'whole' | 'growing';

export function parseInline(source: string, completeness: Completeness = 'whole'): Inline[] {
  return new InlineScanner(source, completeness === 'growing', true).run();
}

class InlineScanner {
  private readonly frames: Frame[] = [{ marker: '', children: [] }];
  private readonly codeEnds: Map<number, number>;
  private readonly brackets: Map<number, number>;
  private text = '';
  private at = 0;

  constructor(
    private readonly source: string,
    private readonly growing: boolean,
    private readonly links: boolean,
  ) {
    this.codeEnds = matchCodeSpans(source);
    this.brackets = links ? matchBrackets(source, this.codeEnds) : new Map();
  }

  run(): Inline[] {
    while (this.at < this.source.length) {
      if (!this.takeSpecial()) this.text += this.source.charAt(this.at++);
    }
    while (this.frames.length > 1) {
      if (this.growing) this.closeTop();
      else this.dissolveTop();
    }
    this.flush();
    return this.frames[0]!.children;
  }

  private takeSpecial(): boolean {
    switch (this.source.charAt(this.at)) {
      case '\\':
        return this.takeEscape();
      case '`':
        return this.takeCode();
      case '\n':
        this.push({ kind: 'break' });
        this.at++;
        return true;
      case '*':
      case '_':
        return this.takeEmphasis();
      case '!': // an image is shown as a link: fetching it would tell a stranger about the reader
        return this.source.charAt(this.at + 1) === '[' && this.takeLink(this.at + 1);
      case '[':
        return this.takeLink(this.at);
      case 'h':
      case 'H':
        return this.links && this.takeBareAddress();
      default:
        return false;
    }
  }

  private takeEscape(): boolean {
    const next = this.source.charAt(this.at + 1);
    if (next === '' || !kPunctuation.includes(next)) return false;
    this.text += next;
    this.at += 2;
    return true;
  }

  private takeCode(): boolean {
    const width = runLength(this.source, this.at);
    const end = this.codeEnds.get(this.at) ?? (this.growing ? this.source.length : undefined);
    if (end === undefined) {
      this.text += this.source.slice(this.at, this.at + width);
      this.at += width;
      return true;
    }
    let code = this.source.slice(this.at + width, end).replace(/\n/g, ' ');
    if (code.startsWith(' ') && code.endsWith(' ') && code.trim() !== '') code = code.slice(1, -1);
    this.push({ kind: 'code', text: code });
    this.at = end + width;
    return true;
  }

  private takeEmphasis(): boolean {
    const character = this.source.charAt(this.at);
    const width = runLength(this.source, this.at);
    const before = this.source.charAt(this.at - 1);
    const after = this.source.charAt(this.at + width);
    const inWord = character === '_' && isWord(before) && isWord(after);
    const opens = !inWord && after.trim() !== '';
    const closes = !inWord && before.trim() !== '';
    if (width > 3 || (!opens && !closes)) {
      this.text += this.source.slice(this.at, this.at + width);
    } else {
      const markers = [character, character + character];
      const wanted = width === 3 ? [markers[1]!, markers[0]!] : [markers[width - 1]!];
      if (closes && this.isOpen(wanted[0]!))
        wanted.sort((a, b) => this.depthOf(b) - this.depthOf(a));
      for (const marker of wanted) this.toggle(marker, opens, closes);
    }
    this.at += width;
    return true;
  }

  private toggle(marker: string, opens: boolean, closes: boolean): void {
    if (closes && this.isOpen(marker)) {
      while (this.frames[this.frames.length - 1]!.marker !== marker) this.dissolveTop();
      this.closeTop();
    } else if (opens && !this.isOpen(marker)) {
      this.flush();
      this.frames.push({ marker, children: [] });
    } else {
      this.text += marker;
    }
  }

  private takeLink(open: number): boolean {
    const close = this.brackets.get(open);
    if (close === undefined || this.source.charAt(close + 1) !== '(') return false;
    const end = addressEnd(this.source, close + 2);
    if (end < 0) return false;
    const address = safeLink(this.source.slice(close + 2, end));
    if (address === null) return false;
    const label = this.source.slice(open + 1, close);
    const children = new InlineScanner(label, false, false).run();
    this.push({
      kind: 'link',
      address,
      children: label.trim() === '' ? [{ kind: 'text', text: address }] : children,
    });
    this.at = end + 1;
    return true;
  }

  private takeBareAddress(): boolean {
    if (isWord(this.source.charAt(this.at - 1))) return false;
    const head = this.source.slice(this.at, this.at + 8).toLowerCase();
    if (!head.startsWith('http://') && head !== 'https://') return false;
    let end = this.at;
    while (end < this.source.length && !' \n\t<>"`|\\^{}'.includes(this.source.charAt(end))) end++;
    while (end > this.at && ".,;:!?)]'*_~".includes(this.source.charAt(end - 1))) end--;
    const shown = this.source.slice(this.at, end);
    const address = safeLink(shown);
    if (address !== null)
      this.push({ kind: 'link', address, children: [{ kind: 'text', text: shown }] });
    else this.text += shown;
    this.at = end;
    return true;
  }

  private isOpen(marker: string): boolean {
    return this.depthOf(marker) > 0;
  }

  private depthOf(marker: string): number {
    return this.frames.findIndex((frame) => frame.marker === marker);
  }

  private closeTop(): void {
    this.flush();
    const { marker, children } = this.frames.pop()!;
    if (children.length > 0) this.push({ kind: marker.length === 2 ? 'bold' : 'italic', children });
    else if (!this.growing) this.text += marker + marker;
  }

  /// A marker that nothing closed is text, and what came after it belongs to the frame below.
  private dissolveTop(): void {
    this.flush();
    const { marker, children } = this.frames.pop()!;
    const below = this.frames[this.frames.length - 1]!.children;
    below.push({ kind: 'text', text: marker });
    for (const child of children) below.push(child);
  }

  private push(node: Inline): void {
    this.flush();
    this.frames[this.frames.length - 1]!.children.push(node);
  }

  private flush(): void {
    if (this.text === '') return;
    this.frames[this.frames.length - 1]!.children.push({ kind: 'text', text: this.text });
    this.text = '';
  }
}

/// Start of each code span to the start of its closing run of as many backticks.
function matchCodeSpans(source: string): Map<number, number> {
  const runsByWidth = new Map<number, number[]>();
  const runs: Array<{ start: number; width: number }> = [];
  for (let at = source.indexOf('`'); at >= 0;) {
    const width = runLength(source, at);
    runs.push({ start: at, width });
    const same = runsByWidth.get(width) ?? [];
    same.push(at);
    runsByWidth.set(width, same);
    at = source.indexOf('`', at + width);
  }
  const ends = new Map<number, number>();
  const cursors = new Map<number, number>();
  let free = 0;
  for (const { start, width } of runs) {
    if (start < free || source.charAt(start - 1) === '\\') continue;
    const same = runsByWidth.get(width)!;
    let cursor = cursors.get(width) ?? 0;
    while (cursor < same.length && same[cursor]! <= start) cursor++;
    cursors.set(width, cursor);
    const end = same[cursor];
    if (end === undefined) continue;
    ends.set(start, end);
    free = end + width;
  }
  return ends;
}

function matchBrackets(source: string, codeEnds: Map<number, number>): Map<number, number> {
  const pairs = new Map<number, number>();
  const open: number[] = [];
  for (let at = 0; at < source.length; at++) {
    const character = source.charAt(at);
    if (character === '\\') at++;
    else if (character === '`') at = skipCode(source, at, codeEnds);
    else if (character === '[') open.push(at);
    else if (character === ']' && open.length > 0) pairs.set(open.pop()!, at);
  }
  return pairs;
}

function skipCode(source: string, at: number, codeEnds: Map<number, number>): number {
  const width = runLength(source, at);
  return (codeEnds.get(at) ?? at) + width - 1;
}

/// Index of the closing parenthesis, or -1. Stops at `[`, so that all calls together stay linear.
function addressEnd(source: string, start: number): number {
  let depth = 0;
  for (let at = start; at < source.length; at++) {
    const character = source.charAt(at);
    if (' \n\t<>"\\['.includes(character)) return -1;
    if (character === '(') depth++;
    if (character === ')' && depth-- === 0) return at;
  }
  return -1;
}

function runLength(source: string, start: number): number {
  const character = source.charAt(start);
  let end = start + 1;
  while (end < source.length && source.charAt(end) === character) end++;
  return end - start;
}

function isWord(character: string): boolean {
  return character !== '' && /[\p{L}\p{N}_]/u.test(character);
}
