/// The only way this widget makes elements: no HTML text, no style attributes, no event attributes.

type Attributes = Readonly<Record<string, string | boolean | undefined>>;
export type Child = Node | string;

export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, '');
    else if (typeof value === 'string') made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

export function button(
  label: string,
  className: string,
  onPress: () => void,
  ...children: Child[]
): HTMLButtonElement {
  const named = children.some((child) => !(child instanceof SVGElement));
  const made = element('button', { type: 'button', class: className }, ...children);
  if (!named) {
    made.setAttribute('aria-label', label);
    made.title = label;
  }
  made.addEventListener('click', onPress);
  return made;
}

/// A picture of strokes on a 24 by 24 grid, one path per argument.
export function icon(...paths: string[]): SVGSVGElement {
  const space = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(space, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  for (const path of paths) {
    const stroke = document.createElementNS(space, 'path');
    stroke.setAttribute('d', path);
    svg.append(stroke);
  }
  return svg;
}
