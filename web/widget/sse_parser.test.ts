import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SseParser, type SseEvent } from './sse_parser';

function parse(...pieces: Uint8Array[]): SseEvent[] {
  const events: SseEvent[] = [];
  const parser = new SseParser((event) => events.push(event));
  for (const piece of pieces) parser.push(piece);
  return events;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const dataOf = (text: string): string[] => parse(bytes(text)).map((event) => event.data);

describe('SseParser', () => {
  it('gives the same events wherever the bytes are split, also inside a code point or CR LF', () => {
    const stream = bytes(
      '\ufeffid: 7\r\ndata: grüß\r\ndata: 😀 مرحبا\r\n\r\n: note\revent: heartbeat\rdata: {}\r\rdata:x\n\n',
    );
    const whole = parse(stream);
    assert.deepEqual(whole, [
      { name: 'message', data: 'grüß\n😀 مرحبا', id: '7' },
      { name: 'heartbeat', data: '{}', id: '7' },
      { name: 'message', data: 'x', id: '7' },
    ]);
    for (let at = 0; at <= stream.length; at++) {
      assert.deepEqual(parse(stream.slice(0, at), stream.slice(at)), whole, `split at ${at}`);
    }
    assert.deepEqual(parse(...[...stream].map((byte) => Uint8Array.of(byte))), whole);
  });

  it('drops one byte order mark at the start and keeps a later one', () => {
    assert.deepEqual(dataOf('\ufeffdata: a\n\ndata: \ufeffb\n\n'), ['a', '\ufeffb']);
  });

  it('removes one space after the colon and no more', () => {
    assert.deepEqual(dataOf('data:  two\n\ndata:none\n\n'), [' two', 'none']);
  });

  it('dispatches empty data lines, but no event without data', () => {
    assert.deepEqual(dataOf('data\n\nevent: only a name\n\n: comment\n\ndata:\ndata:\n\n'), [
      '',
      '\n',
    ]);
  });

  it('does not carry the name of an event without data over to the next', () => {
    assert.deepEqual(parse(bytes('event: a\n\ndata: x\n\n'))[0], {
      name: 'message',
      data: 'x',
      id: '',
    });
  });

  it('keeps the last id, lets an empty one clear it, and ignores one with NUL', () => {
    const ids = parse(
      bytes('id: 1\ndata: a\n\ndata: b\n\nid: 2\u0000\ndata: c\n\nid\ndata: d\n\n'),
    ).map(({ id }) => id);
    assert.deepEqual(ids, ['1', '1', '1', '']);
  });

  it('ignores unknown fields and fields in other letters', () => {
    assert.deepEqual(dataOf('Data: no\ndatax: no\nretry: 5\ndata: yes\n\n'), ['yes']);
  });

  it('drops an event that the end of the stream cut', () => {
    assert.deepEqual(dataOf('data: whole\n\ndata: cut\n'), ['whole']);
  });

  it('refuses an event without end', () => {
    const parser = new SseParser(() => {});
    const piece = bytes('data: ' + 'x'.repeat(1024 * 1024) + '\n');
    assert.throws(() => {
      for (let count = 0; count < 8; count++) parser.push(piece);
    }, RangeError);
  });
});
