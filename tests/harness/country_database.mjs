// Writes small databases in MaxMind's format: which network belongs to which country.
// Source: MaxMind DB File Format Specification, version 2.0.

import { isIPv6 } from 'node:net';

const kMap = 7;
const kString = 2;
const kUint16 = 5;
const kUint32 = 6;
const kUint64 = 9;
const kArray = 11;
const kSeparatorBytes = 16;

const control = (type, size) => (type > 7 ? [size, type - 7] : [(type << 5) | size]);
const text = (value) => Buffer.concat([Buffer.from(control(kString, Buffer.byteLength(value))), Buffer.from(value)]);
function number(type, value) {
  const bytes = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.from([...control(type, bytes.length), ...bytes]);
}
const map = (members) => Buffer.concat([Buffer.from(control(kMap, Object.keys(members).length)), ...Object.entries(members).flatMap(([name, value]) => [text(name), value])]);
const list = (values) => Buffer.concat([Buffer.from(control(kArray, values.length)), ...values]);

/** The 128 bits of an address; IPv4 lies at ::/96. */
function bitsOf(address) {
  let words;
  if (isIPv6(address)) {
    const [head, tail = ''] = address.split('::');
    const front = head.split(':').filter(Boolean);
    const back = tail.split(':').filter(Boolean);
    words = [...front, ...Array(8 - front.length - back.length).fill('0'), ...back].map((word) => parseInt(word, 16));
  } else {
    const [a, b, c, d] = address.split('.').map(Number);
    words = [0, 0, 0, 0, 0, 0, a * 256 + b, c * 256 + d];
  }
  return words.map((word) => word.toString(2).padStart(16, '0')).join('');
}

/** `countries`: {'192.0.2.0/24': 'XA', '2001:db8::/32': 'XB'}; no network may lie in another. */
export function countryDatabase(countries) {
  const nodes = [[null, null]];
  const data = [];
  let dataBytes = 0;
  for (const [network, country] of Object.entries(countries)) {
    const [address, given] = network.split('/');
    const length = Number(given) + (isIPv6(address) ? 0 : 96);
    const bits = bitsOf(address).slice(0, length);
    let node = 0;
    for (const bit of bits.slice(0, -1)) {
      nodes[node][bit] ??= nodes.push([null, null]) - 1;
      node = nodes[node][bit];
    }
    nodes[node][bits.at(-1)] = { offset: dataBytes };
    data.push(map({ country: map({ iso_code: text(country) }) }));
    dataBytes += data.at(-1).length;
  }
  const tree = Buffer.alloc(nodes.length * 8);
  nodes.forEach((records, i) =>
    records.forEach((record, bit) => {
      const value = record === null ? nodes.length : typeof record === 'number' ? record : nodes.length + kSeparatorBytes + record.offset;
      tree.writeUInt32BE(value, i * 8 + bit * 4);
    }),
  );
  const metadata = map({
    node_count: number(kUint32, nodes.length),
    record_size: number(kUint16, 32),
    ip_version: number(kUint16, 6),
    database_type: text('Test-Country'),
    languages: list([text('en')]),
    binary_format_major_version: number(kUint16, 2),
    binary_format_minor_version: number(kUint16, 0),
    build_epoch: number(kUint64, 1_700_000_000),
    description: map({ en: text('made by a test') }),
  });
  return Buffer.concat([tree, Buffer.alloc(kSeparatorBytes), ...data, Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1'), metadata]);
}
