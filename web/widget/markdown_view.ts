/// Shows a growing Markdown text as DOM nodes.
///
/// Blocks that can no longer change keep their nodes (and the reader's selection in them); only
/// those at the end are made anew, in one replacement, so that nothing flickers. Elements and
/// attributes come from the allow-list that this file spells out; text becomes text nodes.

import { element } from './dom';
import { firstOpenBlock, parseMarkdown, type Block } from './markdown';
import type { Completeness, Inline } from './markdown_inline';

export class MarkdownView {
  private text = '';
  private openAt = 0;
  private openNodes: Element[] = [];

  constructor(private readonly root: HTMLElement) {}

  get source(): string {
    return this.text;
  }

  append(piece: string): void {
    this.text += piece.replace(/\r/g, '');
  }

  /// Brings the nodes up to date with the text; call once a frame, and with 'whole' at the end.
  render(completeness: Completeness): void {
    const openText = this.text.slice(this.openAt);
    const blocks = parseMarkdown(openText, completeness);
    if (blocks.length === 0 || this.updateCodeInPlace(blocks)) return;
    const nodes = blocks.map(blockNode);
    const [first, ...others] = this.openNodes;
    for (const node of others) node.remove();
    if (first !== undefined) first.replaceWith(...nodes);
    else this.root.append(...nodes);
    const open = firstOpenBlock(blocks, openText);
    this.openNodes = nodes.slice(open);
    this.openAt += blocks[open]!.start;
  }

  /// A code block that only grew keeps its element, and with it its scroll position.
  private updateCodeInPlace(blocks: readonly Block[]): boolean {
    const [block] = blocks;
    const [node] = this.openNodes;
    if (
      blocks.length !== 1 ||
      this.openNodes.length !== 1 ||
      block?.kind !== 'code' ||
      node?.localName !== 'pre'
    )
      return false;
    node.firstElementChild!.textContent = block.text;
    return true;
  }
}

function blockNode(block: Block): HTMLElement {
  switch (block.kind) {
    case 'heading': // one level for all: a message has no place in the outline of the host page
      return element(
        'h3',
        { class: `level-${Math.min(block.level, 4)}` },
        ...inlineNodes(block.children),
      );
    case 'paragraph':
      return element('p', {}, ...inlineNodes(block.children));
    case 'code': // can be scrolled, so the keyboard must reach it
      return element('pre', { tabindex: '0', dir: 'ltr' }, element('code', {}, block.text));
    case 'quote':
      return element('blockquote', {}, ...block.blocks.map(blockNode));
    case 'rule':
      return element('hr');
    case 'list': {
      const items = block.items.map((item) => element('li', {}, ...itemNodes(item)));
      if (block.first === null) return element('ul', {}, ...items);
      return element('ol', block.first === 1 ? {} : { start: String(block.first) }, ...items);
    }
  }
}

/// The first paragraph of a list item is set without paragraph spacing.
function itemNodes(blocks: readonly Block[]): Node[] {
  return blocks.flatMap((block, at) =>
    at === 0 && block.kind === 'paragraph' ? inlineNodes(block.children) : [blockNode(block)],
  );
}

function inlineNodes(inlines: readonly Inline[]): Node[] {
  return inlines.map(inlineNode);
}

function inlineNode(inline: Inline): Node {
  switch (inline.kind) {
    case 'text':
      return document.createTextNode(inline.text);
    case 'break':
      return element('br');
    case 'code':
      return element('code', {}, inline.text);
    case 'bold':
      return element('strong', {}, ...inlineNodes(inline.children));
    case 'italic':
      return element('em', {}, ...inlineNodes(inline.children));
    case 'link':
      return element(
        'a',
        { href: inline.address, target: '_blank', rel: 'noopener noreferrer nofollow' },
        ...inlineNodes(inline.children),
      );
  }
}
