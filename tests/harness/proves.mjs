// A test that proves a promise says so in its name, so that the run's report holds it:
//   test(PROVES('F143') + 'the 101st quick call is refused', …)
//   test(PROVES('F045', { guard: 'origin' }) + 'a foreign origin is refused', …)
// With `guard`, `make assurance` runs the test once with that guard switched off and expects it to fail.

export function PROVES(...args) {
  const options = typeof args.at(-1) === 'object' ? args.pop() : {};
  for (const id of args) {
    if (!/^F\d{3}b?$/.test(id)) throw new Error(`'${id}' is no number of a promise`);
  }
  return `[${args.join(' ')}${options.guard ? ` guard=${options.guard}` : ''}] `;
}
