/// Keeps the full-screen panel above the on-screen keyboard, which covers the page without resizing
/// it.

import { sheetOf } from './sheet';

export function followViewport(
  shadow: ShadowRoot,
  covering: MediaQueryList,
  signal: AbortSignal,
): void {
  const viewport = window.visualViewport;
  if (!viewport) return;
  const sheet = sheetOf('');
  shadow.adoptedStyleSheets = [...shadow.adoptedStyleSheets, sheet];
  const follow = (): void => {
    const zoomed = viewport.scale > 1.01; // pinch zoom is the reader's, not the keyboard's
    const height = Math.round(viewport.height);
    const top = Math.round(viewport.offsetTop);
    const needed = covering.matches && !zoomed && height > 0;
    sheet.replaceSync(needed ? `.root{--viewport-height:${height}px;--viewport-top:${top}px}` : '');
  };
  viewport.addEventListener('resize', follow, { signal });
  viewport.addEventListener('scroll', follow, { signal });
  covering.addEventListener('change', follow, { signal });
}
