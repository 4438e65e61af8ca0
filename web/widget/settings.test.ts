import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { contrast, inkOn, parseColour, readableOn, type Colour } from './colour';
import { readSettings, type Settings } from './settings';
import { themeSheet } from './theme';

const script = 'https://gate.example/widget/embed.js?v=1';
const page = { baseUrl: 'https://shop.example/a/', language: '', direction: '' };

function settings(data: Record<string, string>, of = page, from = script): Settings {
  const warn = mock.method(console, 'warn', () => {});
  try {
    return readSettings(data, from, of);
  } finally {
    warn.mock.restore();
  }
}

describe('readSettings', () => {
  it('has defaults for everything', () => {
    const { api, language, direction, side, theme, openAtStart, maxLength } = settings({});
    assert.deepEqual(
      [api, language, direction, side, theme, openAtStart, maxLength],
      ['https://gate.example', 'en', 'ltr', 'right', 'auto', false, 10_000],
    );
  });

  it('finds the API at the script, under its prefix, or where data-api says', () => {
    assert.equal(
      settings({}, page, 'https://gate.example/chat/widget/embed.js').api,
      'https://gate.example/chat',
    );
    assert.equal(settings({}, page, 'https://cdn.example/copy.js').api, 'https://cdn.example');
    assert.equal(settings({ api: 'https://api.example/x/' }).api, 'https://api.example/x');
    assert.equal(settings({ api: '/gate' }).api, 'https://shop.example/gate');
    for (const api of ['javascript:alert(1)', 'data:,x', 'https://', ' '])
      assert.equal(settings({ api }).api, 'https://gate.example', api);
  });

  it('speaks the language it is told, else that of the page, else English', () => {
    assert.equal(settings({ locale: 'de-CH' }).language, 'de');
    assert.equal(settings({}, { ...page, language: 'ar-EG' }).language, 'ar');
    assert.equal(settings({ locale: 'tlh' }, { ...page, language: 'de' }).language, 'de');
    assert.equal(settings({ locale: 'constructor' }).language, 'en');
  });

  it('runs in the direction of its language or as told, and stands where lines end', () => {
    const shown = ({ direction, side }: Settings): string => `${direction} ${side}`;
    assert.equal(shown(settings({ locale: 'ar' })), 'rtl left');
    assert.equal(shown(settings({ locale: 'ar', dir: 'ltr' })), 'ltr right');
    assert.equal(shown(settings({ locale: 'ar', position: 'bottom-right' })), 'rtl right');
    assert.equal(shown(settings({}, { ...page, direction: 'rtl' })), 'rtl left');
    assert.equal(shown(settings({ locale: 'en' }, { ...page, direction: 'rtl' })), 'ltr right');
    assert.equal(shown(settings({ position: 'bottom-left' })), 'ltr left');
    assert.equal(shown(settings({ position: 'top-left', dir: 'up' })), 'ltr right');
  });

  it('takes texts of the site, but never an empty name for the dialog', () => {
    const { texts } = settings({ title: ' ', welcome: '', subtitle: 'S' });
    assert.deepEqual([texts.title, texts.welcome, texts.subtitle], ['Chat', '', 'S']);
  });

  it('bounds data-max-length', () => {
    const length = (maxLength: string): number => settings({ maxLength }).maxLength;
    assert.deepEqual(
      ['500', '99999', '0', '-1', '1.5', 'x', ''].map(length),
      [500, 10_000, 10_000, 10_000, 10_000, 10_000, 10_000],
    );
  });

  it('opens at start only when told', () => {
    assert.deepEqual(
      ['true', '', 'false', 'no'].map((open) => settings({ open }).openAtStart),
      [true, true, false, false],
    );
  });
});

describe('colours', () => {
  it('are parsed strictly', () => {
    assert.deepEqual(parseColour(' #1F54d6 '), { red: 31, green: 84, blue: 214 });
    assert.deepEqual(parseColour('#fa0'), { red: 255, green: 170, blue: 0 });
    assert.deepEqual(parseColour('rgb(1, 2,3)'), { red: 1, green: 2, blue: 3 });
    for (const text of [
      'red',
      '#12',
      '#12345g',
      'rgb(256,0,0)',
      'rgb(1,2)',
      'rgb(1,2,3',
      '#fff;}*{x:y',
      'url(x)',
      'rgb(1.5,2,3)',
      '',
    ]) {
      assert.equal(parseColour(text), null, text);
    }
  });

  it('give readable text for every accent on a grid of 512', () => {
    const grounds = ['#f2f4f8', '#222731'].map((text) => parseColour(text)!);
    const steps = [0, 36, 73, 109, 146, 182, 219, 255];
    for (const red of steps)
      for (const green of steps)
        for (const blue of steps) {
          const accent: Colour = { red, green, blue };
          assert.ok(contrast(inkOn(accent), accent) >= 4.5, JSON.stringify(accent));
          for (const ground of grounds)
            assert.ok(contrast(readableOn(ground, accent), ground) >= 4.5, JSON.stringify(accent));
        }
  });

  it('become a sheet for one theme or for both', () => {
    const accent = parseColour('#1f54d6')!;
    assert.ok(!themeSheet(accent, 'dark').includes('color-scheme:light'));
    assert.match(
      themeSheet(accent, 'auto'),
      /color-scheme:light.*prefers-color-scheme: dark.*color-scheme:dark/,
    );
  });
});
