/// Parser of text/event-stream, fed with the bytes of a fetch body as they come.
///
/// Units:   bytes in, whole events out; a code point or a CR LF may be split between two pushes.
/// Errors:  push() throws RangeError when one event outgrows kMaxEventChars.
/// Cost:    linear; every character is looked at once, however small the pieces are.
/// Source:  WHATWG HTML, section 9.2.6 (interpreting an event stream).

export interface SseEvent {
  readonly name: string;
  readonly data: string;
  readonly id: string;
}

const kMaxEventChars = 4 * 1024 * 1024;

export class SseParser {
  private readonly decoder = new TextDecoder(); // drops one leading byte order mark
  private line = '';
  private skipLineFeed = false;
  private name = '';
  private data: string[] = [];
  private dataChars = 0;
  private lastEventId = '';

  constructor(private readonly onEvent: (event: SseEvent) => void) {}

  /// An event without its closing blank line at the end of the stream is dropped, as specified.
  push(bytes: Uint8Array): void {
    const text = this.decoder.decode(bytes, { stream: true });
    let start = 0;
    for (let at = 0; at < text.length; at++) {
      const character = text.charCodeAt(at);
      const afterReturn = this.skipLineFeed;
      this.skipLineFeed = false;
      if (character === 10 && afterReturn) {
        start = at + 1;
      } else if (character === 10 || character === 13) {
        this.skipLineFeed = character === 13;
        this.takeLine(this.line + text.slice(start, at));
        this.line = '';
        start = at + 1;
      }
    }
    this.line += text.slice(start);
    if (this.line.length + this.dataChars > kMaxEventChars) throw new RangeError('event too large');
  }

  private takeLine(line: string): void {
    if (line === '') return this.dispatch();
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const rest = colon < 0 ? '' : line.slice(colon + 1);
    this.takeField(field, rest.startsWith(' ') ? rest.slice(1) : rest);
  }

  private takeField(field: string, value: string): void {
    if (field === 'event') {
      this.name = value;
    } else if (field === 'data') {
      this.data.push(value);
      this.dataChars += value.length + 1;
    } else if (field === 'id' && !value.includes('\0')) {
      this.lastEventId = value;
    }
  }

  private dispatch(): void {
    const { name, data } = this;
    this.name = '';
    this.data = [];
    this.dataChars = 0;
    if (data.length === 0) return;
    this.onEvent({ name: name || 'message', data: data.join('\n'), id: this.lastEventId });
  }
}
