/// The script element that brought the widget into the page, and what it says.

import { readSettings, type Settings } from './settings';

/// A module or a script manager may leave currentScript empty.
export function ownScript(): HTMLScriptElement | null {
  if (document.currentScript instanceof HTMLScriptElement) return document.currentScript;
  return document.querySelector<HTMLScriptElement>('script[src*="/widget/embed.js"]');
}

export function settingsOf(script: HTMLScriptElement): Settings {
  const { lang, dir } = document.documentElement;
  const page = { baseUrl: document.baseURI, language: lang, direction: dir };
  return readSettings({ ...script.dataset }, script.src, page);
}
