/// Style sheets made by constructor: no <style> element and no style attribute, so a host page may
/// forbid both.

export function sheetOf(text: string): CSSStyleSheet {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(text);
  return sheet;
}
