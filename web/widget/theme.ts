/// Colour tokens of one embed as the text of a style sheet: two palettes and the site's accent.

import { cssOf, inkOn, parseColour, readableOn, type Colour } from './colour';

type Palette = Readonly<
  Record<
    'page' | 'surface' | 'text' | 'muted' | 'line' | 'field' | 'danger' | 'dangerSurface',
    string
  >
>;

const light: Palette = {
  page: '#ffffff',
  surface: '#f2f4f8',
  text: '#171b24',
  muted: '#596172',
  line: '#e1e5ed',
  field: '#838c9e',
  danger: '#a8201a',
  dangerSurface: '#fdf0ee',
};

const dark: Palette = {
  page: '#14171e',
  surface: '#222731',
  text: '#eceff5',
  muted: '#a7afbf',
  line: '#313846',
  field: '#727c8f',
  danger: '#ffb3a9',
  dangerSurface: '#3a2122',
};

export function themeSheet(accent: Colour, theme: 'light' | 'dark' | 'auto'): string {
  const lightRule = rule('light', light, accent);
  const darkRule = rule('dark', dark, accent);
  if (theme === 'light') return lightRule;
  if (theme === 'dark') return darkRule;
  return `${lightRule}@media (prefers-color-scheme: dark){${darkRule}}`;
}

function rule(scheme: string, palette: Palette, accent: Colour): string {
  const link = readableOn(parseColour(palette.surface)!, accent);
  const tokens = [
    `color-scheme:${scheme}`,
    `--accent:${cssOf(accent)}`,
    `--accent-ink:${cssOf(inkOn(accent))}`,
    `--link:${cssOf(link)}`,
    ...Object.entries(palette).map(([name, value]) => `--${kebab(name)}:${value}`),
  ];
  return `.root{${tokens.join(';')}}`;
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
