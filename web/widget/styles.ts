/// The widget's style sheets, made by constructor: no <style> element and no style attribute, so a
/// host page may forbid both.

import composer from './styles/composer.css';
import conversation from './styles/conversation.css';
import frame from './styles/frame.css';
import markdown from './styles/markdown.css';

export function adopt(root: ShadowRoot, themeText: string): void {
  const texts = [frame, conversation, markdown, composer, themeText];
  root.adoptedStyleSheets = texts.map(sheetOf);
}

export function sheetOf(text: string): CSSStyleSheet {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(text);
  return sheet;
}
