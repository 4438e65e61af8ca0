// Content codings, both ways. zstd is the command of that name: this Node.js has none of it.

import { execFileSync } from 'node:child_process';
import { brotliCompressSync, brotliDecompressSync, constants, gunzipSync, gzipSync } from 'node:zlib';

const zstd = (bytes, ...options) => execFileSync('zstd', ['-q', '-c', ...options], { input: bytes, maxBuffer: 1 << 28 });

export const pack = {
  gzip: (bytes) => gzipSync(bytes, { level: 9 }),
  br: (bytes) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }),
  zstd: (bytes) => zstd(bytes, '-19'),
};

export const unpack = { gzip: gunzipSync, br: brotliDecompressSync, identity: (bytes) => bytes };
