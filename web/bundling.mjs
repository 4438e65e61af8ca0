// How TypeScript of the widget becomes JavaScript: shared by the build and by the tests.

import { readFile } from 'node:fs/promises';
import * as esbuild from 'esbuild';

export const target = 'es2020';

/** Imports of style sheets give their minified text. */
const cssAsText = {
  name: 'css-as-text',
  setup(build) {
    build.onLoad({ filter: /\.css$/ }, async ({ path }) => ({
      contents: await minifiedCss(path),
      loader: 'text',
    }));
  },
};

export async function minifiedCss(path) {
  const text = await readFile(path, 'utf8');
  return (await esbuild.transform(text, { loader: 'css', minify: true, target })).code.trim();
}

export function bundle(options) {
  return esbuild.build({
    bundle: true,
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'warning',
    target,
    plugins: [cssAsText],
    ...options,
  });
}

/** The text of a bundle of one entry for browsers: minified, nothing left on the global object. `names` are replaced. */
export function browserBundle(entry, names = {}) {
  return browserText(entry, { format: 'iife', define: names });
}

/** The same as a module, for `import()`. */
export function browserModule(entry) {
  return browserText(entry, { format: 'esm' });
}

async function browserText(entry, options) {
  const result = await bundle({
    entryPoints: [entry],
    minify: true,
    platform: 'browser',
    write: false,
    ...options,
  });
  return result.outputFiles[0].text;
}
