// A WebSocket client that sends exactly the frames that a test gives it, and reads frames strictly (RFC 6455).

import { createHash, randomBytes } from 'node:crypto';
import { connect } from './wire.mjs';

export const kText = 1;
export const kBinary = 2;
export const kClose = 8;
export const kPing = 9;
export const kPong = 10;

const kGuid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** One frame's bytes; `rsv` is the three reserved bits as a number, 4 for the first of them. */
export function frame(opcode, payload = '', { fin = true, rsv = 0, masked = true, length } = {}) {
  const data = Buffer.from(payload);
  const size = length ?? (data.length < 126 ? 0 : data.length < 65536 ? 2 : 8);
  const head = Buffer.alloc(2 + size);
  head[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  head[1] = (masked ? 0x80 : 0) | (size === 0 ? data.length : size === 2 ? 126 : 127);
  if (size === 2) head.writeUInt16BE(data.length, 2);
  if (size === 8) head.writeBigUInt64BE(BigInt(data.length), 2);
  if (!masked) return Buffer.concat([head, data]);
  const mask = randomBytes(4);
  const hidden = Buffer.from(data);
  for (let i = 0; i < hidden.length; ++i) hidden[i] ^= mask[i % 4];
  return Buffer.concat([head, mask, hidden]);
}

export const closeFrame = (code, reason = '') => frame(kClose, closePayload(code, reason));

export function closePayload(code, reason = '') {
  const out = Buffer.alloc(2);
  out.writeUInt16BE(code);
  return Buffer.concat([out, Buffer.from(reason)]);
}

/** The request that opens one; `headers` replace or, where undefined, remove. */
export function handshake({ path, host = '127.0.0.1', key = randomBytes(16).toString('base64'), headers = {}, method = 'GET', version = 'HTTP/1.1' }) {
  const all = {
    Host: host,
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': key,
    ...headers,
  };
  const lines = Object.entries(all)
    .filter(([, value]) => value !== undefined)
    .flatMap(([name, value]) => [value].flat().map((one) => `${name}: ${one}\r\n`));
  return `${method} ${path} ${version}\r\n${lines.join('')}\r\n`;
}

export class RawSocket {
  #wire;
  constructor(wire, answer) {
    this.#wire = wire;
    this.answer = answer;
  }
  send(...frames) {
    for (const one of frames) this.#wire.send(one);
    return this;
  }
  pause() {
    this.#wire.pause();
  }
  resume() {
    this.#wire.resume();
  }
  finish() {
    this.#wire.finish();
  }
  get writableLength() {
    return this.#wire.writableLength;
  }
  async #bytes(count, within) {
    const text = await this.#wire.take(count, within);
    if (text.length < count) throw new Error(`the connection ended after ${text.length} of ${count} bytes`);
    return Buffer.from(text, 'latin1');
  }
  /** The next frame: `{fin, rsv, opcode, payload}`. */
  async frame(within = 10_000) {
    const [first, second] = await this.#bytes(2, within);
    if (second & 0x80) throw new Error('a server must not mask');
    let length = second & 0x7f;
    if (length === 126) length = (await this.#bytes(2, within)).readUInt16BE();
    else if (length === 127) length = Number((await this.#bytes(8, within)).readBigUInt64BE());
    const payload = length ? await this.#bytes(length, within) : Buffer.alloc(0);
    return { fin: first >= 0x80, rsv: (first >> 4) & 7, opcode: first & 15, payload };
  }
  /** The next frame that is no ping. */
  async message(within) {
    for (;;) {
      const next = await this.frame(within);
      if (next.opcode !== kPing) return next;
    }
  }
  async json(within) {
    const next = await this.message(within);
    if (next.opcode !== kText) {
      const told = next.opcode === kClose && next.payload.length >= 2 ? ` ${next.payload.readUInt16BE()} ${next.payload.subarray(2)}` : '';
      throw new Error(`a text is expected, not opcode ${next.opcode}${told}`);
    }
    return JSON.parse(next.payload.toString());
  }
  /** The code of the close frame that comes next, 1005 where it says none; then the end of the connection. */
  async closed(within = 10_000) {
    const next = await this.message(within);
    if (next.opcode !== kClose) throw new Error(`a close is expected, not ${next.opcode}: ${next.payload}`);
    this.reason = next.payload.subarray(2).toString();
    this.#wire.send(frame(kClose, next.payload.subarray(0, 2))); // as every client answers
    this.ended = await this.#wire.closed(within);
    this.#wire.finish();
    return next.payload.length >= 2 ? next.payload.readUInt16BE() : 1005;
  }
  /** How the connection ends without a close frame. */
  dropped(within) {
    return this.#wire.closed(within);
  }
  destroy() {
    this.#wire.destroy();
  }
}

/** Opens a WebSocket; an answer other than 101 is `{answer}` alone. `early`: bytes behind the request. */
export async function openWebSocket(gateway, { early = Buffer.alloc(0), ...options }) {
  const wire = await connect(gateway);
  const key = options.key ?? randomBytes(16).toString('base64');
  const head = handshake({ host: new URL(gateway.url).host, ...options, key });
  wire.send(Buffer.concat([Buffer.from(head, 'latin1'), early]));
  const answer = await wire.answer();
  if (answer.status !== 101) {
    wire.destroy();
    return { answer };
  }
  const expected = createHash('sha1').update(key + kGuid).digest('base64');
  if (answer.header('sec-websocket-accept') !== expected) throw new Error('Sec-WebSocket-Accept is wrong');
  return new RawSocket(wire, answer);
}
