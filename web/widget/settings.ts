/// Settings of one embed, read from the data-* attributes of its script element.
/// A value that does not parse is dropped with a line on the console, and the default holds.

import {
  catalogueOf,
  directionOf,
  knownLanguage,
  type Catalogue,
  type Direction,
} from './catalogue';
import { parseColour, type Colour } from './colour';

export interface Settings {
  readonly api: string; // without a slash at the end
  readonly texts: Catalogue;
  readonly language: string;
  readonly direction: Direction;
  readonly side: 'left' | 'right';
  readonly theme: 'light' | 'dark' | 'auto';
  readonly accent: Colour;
  readonly openAtStart: boolean;
  readonly maxLength: number;
}

interface Page {
  readonly baseUrl: string;
  readonly language: string;
  readonly direction: string;
}

const kDefaultAccent: Colour = { red: 31, green: 84, blue: 214 };
const kDefaultMaxLength = 10_000;
const kScriptPath = '/widget/embed.js';
const kOverridable = ['title', 'subtitle', 'placeholder', 'welcome'] as const;

export function readSettings(
  data: Readonly<Record<string, string | undefined>>,
  scriptUrl: string,
  page: Page,
): Settings {
  const named = knownLanguage(data['locale']);
  const language = named ?? knownLanguage(page.language) ?? 'en';
  const direction = directionFrom(data['dir'], named, language, page.direction);
  return {
    api: apiFrom(data['api'], scriptUrl, page.baseUrl),
    texts: textsFrom(data, language),
    language,
    direction,
    side: sideFrom(chosen(data, 'position', ['bottom-left', 'bottom-right']), direction),
    theme: chosen(data, 'theme', ['light', 'dark', 'auto']) ?? 'auto',
    accent: accentFrom(data['accent']),
    openAtStart: data['open'] === '' || data['open'] === 'true',
    maxLength: lengthFrom(data['maxLength']),
  };
}

function chosen<Value extends string>(
  data: Readonly<Record<string, string | undefined>>,
  name: string,
  allowed: readonly Value[],
): Value | null {
  const value = data[name];
  if (value === undefined) return null;
  const found = allowed.find((candidate) => candidate === value.trim().toLowerCase());
  if (found === undefined) complain(name, value);
  return found ?? null;
}

function sideFrom(position: string | null, direction: Direction): 'left' | 'right' {
  if (position !== null) return position === 'bottom-left' ? 'left' : 'right';
  return direction === 'rtl' ? 'left' : 'right';
}

function directionFrom(
  value: string | undefined,
  named: string | null,
  language: string,
  page: string,
): Direction {
  if (value === 'ltr' || value === 'rtl') return value;
  if (value !== undefined && value !== 'auto') complain('dir', value);
  if (named === null && page === 'rtl') return 'rtl';
  return directionOf(language);
}

function apiFrom(value: string | undefined, scriptUrl: string, baseUrl: string): string {
  if (value !== undefined && value.trim() !== '') {
    try {
      const address = new URL(value.trim(), baseUrl);
      if (address.protocol === 'https:' || address.protocol === 'http:') {
        return (address.origin + address.pathname).replace(/\/$/, '');
      }
    } catch {
      // Falls through to the complaint.
    }
    complain('api', value);
  }
  const script = new URL(scriptUrl, baseUrl);
  const home = script.pathname.endsWith(kScriptPath)
    ? script.pathname.slice(0, -kScriptPath.length)
    : '';
  return script.origin + home; // a gateway under a path prefix serves its API there too
}

function textsFrom(
  data: Readonly<Record<string, string | undefined>>,
  language: string,
): Catalogue {
  const texts = { ...catalogueOf(language) };
  for (const name of kOverridable) {
    const value = data[name];
    if (value !== undefined) texts[name] = value.trim();
  }
  if (texts.title === '') texts.title = catalogueOf(language).title; // the dialog needs a name
  return texts;
}

function accentFrom(value: string | undefined): Colour {
  if (value === undefined) return kDefaultAccent;
  const colour = parseColour(value);
  if (colour === null) complain('accent', value);
  return colour ?? kDefaultAccent;
}

function lengthFrom(value: string | undefined): number {
  if (value === undefined) return kDefaultMaxLength;
  const length = Number(value);
  if (Number.isInteger(length) && length >= 1) return Math.min(length, kDefaultMaxLength);
  complain('max-length', value);
  return kDefaultMaxLength;
}

function complain(name: string, value: string): void {
  console.warn(`portcullis: data-${name} has no usable value: ${value.slice(0, 80)}`);
}
