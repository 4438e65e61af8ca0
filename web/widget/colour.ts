/// Colours of the accent setting: parsed strictly, because their text ends in a style sheet.
/// Source: WCAG 2.2, relative luminance and contrast ratio.

export interface Colour {
  readonly red: number;
  readonly green: number;
  readonly blue: number;
}

const kBlack: Colour = { red: 0, green: 0, blue: 0 };
const kWhite: Colour = { red: 255, green: 255, blue: 255 };

/// Accepts #rgb, #rrggbb and rgb(r, g, b) with integers; null for anything else.
export function parseColour(text: string): Colour | null {
  const trimmed = text.trim().toLowerCase();
  if (/^#[0-9a-f]{3}$/.test(trimmed)) {
    const [red, green, blue] = [1, 2, 3].map((at) => parseInt(trimmed.charAt(at).repeat(2), 16));
    return { red: red!, green: green!, blue: blue! };
  }
  if (/^#[0-9a-f]{6}$/.test(trimmed)) {
    const [red, green, blue] = [1, 3, 5].map((at) => parseInt(trimmed.slice(at, at + 2), 16));
    return { red: red!, green: green!, blue: blue! };
  }
  if (!trimmed.startsWith('rgb(') || !trimmed.endsWith(')')) return null;
  const parts = trimmed
    .slice(4, -1)
    .split(',')
    .map((part) => part.trim());
  if (parts.length !== 3 || !parts.every((part) => /^\d{1,3}$/.test(part))) return null;
  const [red, green, blue] = parts.map(Number);
  return Math.max(red!, green!, blue!) > 255 ? null : { red: red!, green: green!, blue: blue! };
}

export function cssOf(colour: Colour): string {
  return `rgb(${colour.red} ${colour.green} ${colour.blue})`;
}

export function contrast(one: Colour, other: Colour): number {
  const [darker, lighter] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (lighter! + 0.05) / (darker! + 0.05);
}

/// White, or black where white does not reach 4.5 : 1 on `background`: one of the two always does.
export function inkOn(background: Colour): Colour {
  return contrast(kWhite, background) >= 4.5 ? kWhite : kBlack;
}

/// `colour`, moved towards black or white just as far as text on `background` needs (4.5 : 1).
export function readableOn(background: Colour, colour: Colour): Colour {
  const towards = luminance(background) > 0.4 ? kBlack : kWhite;
  for (let share = 0; share < 1; share += 0.05) {
    const mixed = mix(colour, towards, share);
    if (contrast(mixed, background) >= 4.6) return mixed;
  }
  return towards;
}

function mix(from: Colour, to: Colour, share: number): Colour {
  const blend = (a: number, b: number): number => Math.round(a + (b - a) * share);
  return {
    red: blend(from.red, to.red),
    green: blend(from.green, to.green),
    blue: blend(from.blue, to.blue),
  };
}

function luminance(colour: Colour): number {
  const [red, green, blue] = [colour.red, colour.green, colour.blue].map((channel) => {
    const value = channel / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
}
