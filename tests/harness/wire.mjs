// HTTP/1.1 over a plain socket: sends exactly the bytes that a test gives it and reads answers strictly.

import net from 'node:net';

const kDeadline = 10_000;

/** An answer. `header(name)` is its only value, undefined where it is missing; a second value is an error. */
class Answer {
  constructor(version, status, reason, fields) {
    Object.assign(this, { version, status, reason, fields, body: Buffer.alloc(0) });
  }
  values(name) {
    return this.fields.filter(([key]) => key === name.toLowerCase()).map(([, value]) => value);
  }
  header(name) {
    const all = this.values(name);
    if (all.length > 1) throw new Error(`${name} was sent ${all.length} times: ${all.join(' | ')}`);
    return all[0];
  }
  get text() {
    return this.body.toString('utf8');
  }
  get json() {
    return JSON.parse(this.text);
  }
}

export class Wire {
  #socket;
  #bytes = Buffer.alloc(0);
  #ended = null; // 'end' or the code of an error
  #wake = () => {};

  constructor(socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (data) => {
      this.#bytes = this.#bytes.length ? Buffer.concat([this.#bytes, data]) : data;
      this.#wake();
    });
    socket.on('end', () => this.#finish('end'));
    socket.on('error', (error) => this.#finish(error.code));
    socket.on('close', () => this.#finish('end'));
  }

  #finish(how) {
    this.#ended ??= how;
    this.#wake();
  }

  /** Waits until `ready()` is neither undefined nor null and returns that. */
  async #until(ready, what, within) {
    const deadline = Date.now() + within;
    for (;;) {
      const value = ready();
      if (value !== undefined && value !== null) return value;
      const left = deadline - Date.now();
      const seen = JSON.stringify(this.#bytes.toString('latin1').slice(0, 300));
      if (left <= 0) throw new Error(`${what}: nothing within ${within} ms; unread bytes: ${seen}`);
      let timer;
      await new Promise((resolve) => {
        this.#wake = resolve;
        timer = setTimeout(resolve, left);
      });
      clearTimeout(timer);
    }
  }

  /** Text is sent byte for byte (Latin-1). */
  send(data) {
    this.#socket.write(Buffer.isBuffer(data) ? data : Buffer.from(data, 'latin1'));
    return this;
  }
  /** Half-closes: nothing more will be sent. */
  finish() {
    this.#socket.end();
    return this;
  }
  /** Stops reading from the socket until resume(). */
  pause() {
    this.#socket.pause();
    return this;
  }
  resume() {
    this.#socket.resume();
    return this;
  }
  get writableLength() {
    return this.#socket.writableLength;
  }
  get unread() {
    return this.#bytes.toString('latin1');
  }

  /** Waits for `count` bytes and returns them as Latin-1 text, leaving the rest. */
  async take(count, within = kDeadline) {
    await this.#until(() => (this.#bytes.length >= count || this.#ended ? true : undefined), 'take', within);
    const text = this.#bytes.subarray(0, count).toString('latin1');
    this.#bytes = this.#bytes.subarray(count);
    return text;
  }

  /** The next answer; `head` says that the request was a HEAD, whose answer has no body. */
  async answer({ head = false, within = kDeadline } = {}) {
    const end = await this.#until(
      () => {
        const at = this.#bytes.indexOf('\r\n\r\n');
        if (at >= 0) return at;
        if (this.#ended) throw new Error(`the connection ended (${this.#ended}) before an answer; unread: ${JSON.stringify(this.unread)}`);
      },
      'answer',
      within,
    );
    const lines = this.#bytes.subarray(0, end).toString('latin1').split('\r\n');
    this.#bytes = this.#bytes.subarray(end + 4);
    const start = lines[0].match(/^(HTTP\/1\.[01]) ([1-5]\d\d) ([ -~]*)$/);
    if (!start) throw new Error(`no status line: ${JSON.stringify(lines[0])}`);
    const fields = lines.slice(1).map((line) => {
      const field = line.match(/^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ([\t -~]*)$/);
      if (!field) throw new Error(`no header line: ${JSON.stringify(line)}`);
      return [field[1].toLowerCase(), field[2]];
    });
    const answer = new Answer(start[1], Number(start[2]), start[3], fields);
    answer.body = await this.#body(answer, head, within);
    return answer;
  }

  async #body(answer, head, within) {
    const { status } = answer;
    const length = answer.header('content-length');
    const coding = answer.header('transfer-encoding');
    if (length !== undefined && coding !== undefined) throw new Error('an answer with both framings');
    if (head || status < 200 || status === 204 || status === 304) return Buffer.alloc(0);
    if (coding !== undefined) {
      if (coding !== 'chunked') throw new Error(`Transfer-Encoding: ${coding}`);
      const parts = [];
      for (;;) {
        const line = await this.#until(() => (this.#bytes.indexOf('\r\n') >= 0 ? this.#bytes.indexOf('\r\n') : undefined), 'chunk', within);
        const size = Number.parseInt(this.#bytes.subarray(0, line).toString('latin1'), 16);
        await this.#until(() => (this.#bytes.length >= line + 4 + size ? true : undefined), 'chunk', within);
        parts.push(this.#bytes.subarray(line + 2, line + 2 + size));
        this.#bytes = this.#bytes.subarray(line + 4 + size);
        if (size === 0) return Buffer.concat(parts);
      }
    }
    if (length === undefined) {
      await this.#until(() => this.#ended ?? undefined, 'body', within);
      const rest = this.#bytes;
      this.#bytes = Buffer.alloc(0);
      return rest;
    }
    await this.#until(
      () => {
        if (this.#bytes.length >= Number(length)) return true;
        if (this.#ended) throw new Error(`the body was cut (${this.#ended})`);
      },
      'body',
      within,
    );
    const body = this.#bytes.subarray(0, Number(length));
    this.#bytes = this.#bytes.subarray(Number(length));
    return body;
  }

  /** Waits until the peer has closed: 'end', or the error code of a reset. */
  closed(within = kDeadline) {
    return this.#until(() => this.#ended ?? undefined, 'close', within);
  }

  destroy() {
    this.#socket.destroy();
  }
}

/** Connects to a gateway, or to `{port, host}`. */
export function connect({ port, url }, { host, localAddress } = {}) {
  const at = new URL(url ?? 'http://127.0.0.1');
  return new Promise((resolve, reject) => {
    const socket = net.connect({
      port: port ?? Number(at.port),
      host: host ?? at.hostname.replace(/^\[|\]$/g, ''),
      localAddress,
      allowHalfOpen: true,
    });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(new Wire(socket));
    });
  });
}

/** The bytes of a request. `headers` is an object or a list of pairs; a Host and a length are added unless given. */
export function bytesOf({ method = 'GET', path = '/', headers = {}, body, host = '127.0.0.1', version = 'HTTP/1.1' } = {}) {
  const pairs = Array.isArray(headers) ? headers : Object.entries(headers);
  const has = (name) => pairs.some(([key]) => key.toLowerCase() === name);
  const content = body === undefined ? Buffer.alloc(0) : Buffer.from(typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body));
  const lines = [`${method} ${path} ${version}`];
  if (!has('host') && host !== null) lines.push(`Host: ${host}`);
  for (const [name, value] of pairs) if (value !== undefined) lines.push(`${name}: ${value}`);
  if (body !== undefined && !has('content-length') && !has('transfer-encoding')) lines.push(`Content-Length: ${content.length}`);
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), content]);
}

/** One request on a connection of its own; `untilClosed`: waits for the gateway to close that, too. */
export async function request(target, { within, localAddress, connectTo, untilClosed, ...rest } = {}) {
  const wire = await connect(target, { localAddress, host: connectTo });
  try {
    wire.send(bytesOf({ ...rest, headers: withClose(rest.headers) }));
    const answer = await wire.answer({ head: rest.method === 'HEAD', within });
    if (untilClosed) await wire.closed(within);
    return answer;
  } finally {
    wire.destroy();
  }
}

function withClose(headers = {}) {
  return Array.isArray(headers) ? [...headers, ['Connection', 'close']] : { ...headers, Connection: 'close' };
}
