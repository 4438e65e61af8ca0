/// The widget's style sheets.

import composer from './styles/composer.css';
import conversation from './styles/conversation.css';
import frame from './styles/frame.css';
import markdown from './styles/markdown.css';
import { sheetOf } from './sheet';

export function adopt(root: ShadowRoot, themeText: string): void {
  const texts = [frame, conversation, markdown, composer, themeText];
  root.adoptedStyleSheets = texts.map(sheetOf);
}
