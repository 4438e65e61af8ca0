/// What embed.js loads when the gateway asks for work: finds the number whose SHA-256 behind a salt is
/// the given one. In plain JavaScript, because a call of WebCrypto for each of thousands of short
/// inputs takes longer than the digest does here, and pages over http have none.
///
/// Source: FIPS 180-4 section 6.2, for the one block that such an input is.

export interface Task {
  readonly salt: string;
  readonly target: string;
  readonly max_number: number;
  readonly signature: string;
}

const kMaxInputBytes = 55; // what one block holds
const kMaxNumber = 10_000_000;
const kSliceMs = 20; // then the page has its turn

/// "salt.number.signature"; null where there is no such number, or the task is none of ours.
export async function pass(task: Task): Promise<string | null> {
  const { salt, max_number, signature } = task;
  if (salt.length + 8 > kMaxInputBytes || max_number > kMaxNumber) return null;
  const number = await solve(task);
  return number === null ? null : `${salt}.${number}.${signature}`;
}

export async function solve({ salt, target, max_number }: Task): Promise<number | null> {
  const first = parseInt(target.slice(0, 8), 16) | 0; // seldom is more to be compared
  let pause = performance.now() + kSliceMs;
  for (let number = 0; number <= max_number; ++number) {
    digest(salt + number);
    if (sum[0] === first && hex() === target) return number;
    if (number % 64 !== 0 || performance.now() < pause) continue;
    await new Promise((resolve) => setTimeout(resolve));
    pause = performance.now() + kSliceMs;
  }
  return null;
}

const start = new Int32Array(8);
const round = new Int32Array(64);
for (let n = 2, primes = 0; primes < 64; ++n) {
  let divisor = 2;
  while (n % divisor !== 0) ++divisor;
  if (divisor < n) continue;
  if (primes < 8) start[primes] = fraction(n ** 0.5);
  round[primes++] = fraction(n ** (1 / 3));
}

/// The first 32 bits behind the point.
function fraction(x: number): number {
  return ((x % 1) * 2 ** 32) | 0;
}

const words = new Int32Array(64);
const sum = new Int32Array(8); // of the last digest

/// Of an ASCII text that fits into one block; 64 hex digits.
export function sha256(text: string): string {
  digest(text);
  return hex();
}

function hex(): string {
  return Array.from(sum, (word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
}

function digest(text: string): void {
  const { length } = text;
  words.fill(0, 0, 16);
  for (let i = 0; i < length; ++i) words[i >> 2]! |= text.charCodeAt(i) << (24 - 8 * (i & 3));
  words[length >> 2]! |= 0x80 << (24 - 8 * (length & 3));
  words[15] = length * 8;
  for (let i = 16; i < 64; ++i) {
    const a = words[i - 15]!;
    const b = words[i - 2]!;
    words[i] =
      words[i - 16]! +
      (turn(a, 7) ^ turn(a, 18) ^ (a >>> 3)) +
      words[i - 7]! +
      (turn(b, 17) ^ turn(b, 19) ^ (b >>> 10));
  }
  let [a, b, c, d, e, f, g, h] = start as unknown as [
    number, number, number, number, number, number, number, number,
  ];
  for (let i = 0; i < 64; ++i) {
    const one =
      (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + round[i]! + words[i]!) | 0;
    const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + one) | 0;
    d = c;
    c = b;
    b = a;
    a = (one + two) | 0;
  }
  sum.set([a, b, c, d, e, f, g, h]);
  for (let i = 0; i < 8; ++i) sum[i]! += start[i]!;
}

function turn(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}
