// The cases of the Autobahn test suite for servers (fuzzingclient), by its numbers, against the echo of the development
// profile: every answer is the one that its strict report calls OK.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { deflateRawSync, inflateRawSync, constants } from 'node:zlib';
import { startGateway } from '../harness/gateway.mjs';
import { PROVES } from '../harness/proves.mjs';
import { kWideLimits } from '../harness/visitor.mjs';
import { closeFrame, closePayload, frame, kBinary, kClose, kPing, kPong, kText, openWebSocket } from '../harness/websocket.mjs';

let gateway;
before(async () => {
  gateway = await startGateway({ env: { ...kWideLimits, WEBSOCKET_MAX_PER_ADDRESS: '100', WEBSOCKET_PING_INTERVAL: '10m' } });
});
after(() => gateway.stop());

/** Runs with an open connection, and closes it as the suite does. */
async function withEcho(run, options = {}) {
  const socket = await openWebSocket(gateway, { path: '/ws/echo', ...options });
  assert.equal(socket.answer.status, 101, socket.answer.text);
  try {
    await run(socket);
  } finally {
    socket.destroy();
  }
}

async function echoes(socket, opcode, payload) {
  const answer = await socket.message(30_000);
  assert.equal(answer.opcode, opcode);
  assert.ok(answer.payload.equals(Buffer.from(payload)), `not what was sent: ${answer.payload.length} bytes`);
}

async function endsWell(socket) {
  socket.send(closeFrame(1000));
  assert.equal(await socket.closed(), 1000);
  assert.equal(socket.ended, 'end');
}

async function fails(socket, code) {
  assert.equal(await socket.closed(), code);
  assert.equal(socket.ended, 'end', 'the server closes in order');
}

test(PROVES('F237') + '1.* text and binary messages of every length come back', async () => {
  await withEcho(async (socket) => {
    for (const size of [0, 125, 126, 127, 128, 65535, 65536]) {
      for (const [opcode, byte] of [[kText, '*'], [kBinary, '\xfe']]) {
        const payload = Buffer.alloc(size, byte, 'latin1');
        socket.send(frame(opcode, payload));
        await echoes(socket, opcode, payload);
      }
    }
    await endsWell(socket);
  });
});

test('1.*.8 a message in pieces of 997 bytes comes back', async () => {
  await withEcho(async (socket) => {
    const payload = Buffer.alloc(65536, '*');
    const bytes = frame(kText, payload);
    for (let at = 0; at < bytes.length; at += 997) {
      socket.send(bytes.subarray(at, at + 997));
      if (at % 7 === 0) await new Promise(setImmediate);
    }
    await echoes(socket, kText, payload);
    await endsWell(socket);
  });
});

test('2.* pings are answered with what they hold, pongs with nothing', async () => {
  await withEcho(async (socket) => {
    for (const payload of ['', 'Hello, world!', Buffer.from('00fffefdfcfb00ff', 'hex'), Buffer.alloc(125, 0xfe)]) {
      socket.send(frame(kPing, payload));
      await echoes(socket, kPong, payload);
    }
    // 2.6: a byte at a time.
    for (const byte of frame(kPing, Buffer.alloc(125, 0xfe))) socket.send(Buffer.from([byte]));
    await echoes(socket, kPong, Buffer.alloc(125, 0xfe));
    // 2.7 to 2.9: pongs that nobody asked for.
    socket.send(frame(kPong), frame(kPong, 'unsolicited'), frame(kPing, 'after'));
    await echoes(socket, kPong, 'after');
    await endsWell(socket);
  });
  // 2.5
  await withEcho(async (socket) => fails(socket.send(frame(kPing, Buffer.alloc(126, 0xfe))), 1002));
});

test('2.10, 2.11 ten pings at once are answered in order', async () => {
  await withEcho(async (socket) => {
    for (let i = 0; i < 10; ++i) socket.send(frame(kPing, `payload-${i}`));
    // An answer may stand for those before it (section 5.5.3); the last one must come.
    for (let last = -1; last < 9; ) {
      const { opcode, payload } = await socket.frame();
      assert.equal(opcode, kPong);
      const number = Number(payload.toString().slice('payload-'.length));
      assert.ok(number > last);
      last = number;
    }
    await endsWell(socket);
  });
});

test('3.* a reserved bit ends the connection, after what came before it', async () => {
  for (const opcode of [kText, kBinary, kPing, kClose]) {
    for (let rsv = 1; rsv < 8; ++rsv) {
      await withEcho(async (socket) => {
        socket.send(frame(kText, 'before'), frame(opcode, '', { rsv }), frame(kPing));
        await echoes(socket, kText, 'before');
        await fails(socket, 1002);
      });
    }
  }
});

test('4.* an opcode that does not exist ends the connection, after what came before it', async () => {
  for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) {
    await withEcho(async (socket) => {
      socket.send(frame(kText, 'before'), frame(opcode, 'x'), frame(kPing));
      await echoes(socket, kText, 'before');
      await fails(socket, 1002);
    });
  }
});

test('5.* fragments: control frames between them, none of control frames, none out of order', async () => {
  const good = async (frames, payload, pongs = []) =>
    withEcho(async (socket) => {
      for (const one of frames) socket.send(one);
      for (const pong of pongs) await echoes(socket, kPong, pong);
      await echoes(socket, kText, payload);
      await endsWell(socket);
    });
  const bad = async (...frames) =>
    withEcho(async (socket) => {
      for (const one of frames) socket.send(one);
      await fails(socket, 1002);
    });
  await bad(frame(kPing, 'a', { fin: false }), frame(0, 'b')); // 5.1
  await bad(frame(kPong, 'a', { fin: false }), frame(0, 'b')); // 5.2
  await good([frame(kText, 'a', { fin: false }), frame(0, 'b')], 'ab'); // 5.3 to 5.5
  await good([frame(kText, 'a', { fin: false }), frame(kPing, 'p'), frame(0, 'b')], 'ab', ['p']); // 5.6 to 5.8
  for (const fin of [true, false]) await bad(frame(0, 'x', { fin }), frame(kText, 'y')); // 5.9 to 5.14
  await withEcho(async (socket) => {
    // 5.15
    socket.send(frame(kText, 'a', { fin: false }), frame(0, 'b'), frame(0, 'c', { fin: false }), frame(kText, 'd'));
    await echoes(socket, kText, 'ab');
    await fails(socket, 1002);
  });
  for (const fin of [true, false]) await bad(frame(0, 'a', { fin: false }), frame(kText, 'b'), frame(0, 'c', { fin })); // 5.16, 5.17
  await bad(frame(kText, 'a', { fin: false }), frame(kText, 'b')); // 5.18
  const five = ['fragment1', 'fragment2', 'fragment3', 'fragment4', 'fragment5'];
  await good(
    // 5.19, 5.20
    [
      frame(kText, five[0], { fin: false }),
      frame(0, five[1], { fin: false }),
      frame(kPing, 'ping 1'),
      frame(0, five[2], { fin: false }),
      frame(0, five[3], { fin: false }),
      frame(kPing, 'ping 2'),
      frame(0, five[4]),
    ],
    five.join(''),
    ['ping 1', 'ping 2'],
  );
});

const kKosme = Buffer.from('cebae1bdb9cf83cebcceb5', 'hex');

test('6.* UTF-8 over fragments, cut at every byte', async () => {
  await withEcho(async (socket) => {
    socket.send(frame(kText, '', { fin: false }), frame(0, '', { fin: false }), frame(0, ''));
    await echoes(socket, kText, '');
    socket.send(frame(kText, '', { fin: false }), frame(0, 'middle', { fin: false }), frame(0, ''));
    await echoes(socket, kText, 'middle');
    const text = Buffer.from('Hello-µ@ßöäüàá-UTF-8!! 𠜎');
    socket.send(frame(kText, text));
    await echoes(socket, kText, text);
    [...text].forEach((byte, i) =>
      socket.send(frame(i === 0 ? kText : 0, Buffer.from([byte]), { fin: i === text.length - 1 })),
    );
    await echoes(socket, kText, text);
    await endsWell(socket);
  });
});

test('6.3, 6.4 what can become no text fails at once, not at the end of its message', async () => {
  const wrong = Buffer.from('f4908080', 'hex');
  await withEcho(async (socket) => fails(socket.send(frame(kText, Buffer.concat([kKosme, Buffer.from('eda080', 'hex'), Buffer.from('edited')]))), 1007));
  await withEcho(async (socket) => {
    socket.send(frame(kText, kKosme, { fin: false }), frame(0, wrong, { fin: false }));
    await fails(socket, 1007); // 6.4.1: without the last fragment
  });
  await withEcho(async (socket) => {
    const bytes = frame(kText, Buffer.concat([kKosme, wrong, Buffer.from('edited')]));
    socket.send(bytes.subarray(0, 6 + kKosme.length + 2));
    await fails(socket, 1007); // 6.4.3: in the middle of a frame
  });
});

test('6.5 to 6.23 valid and invalid sequences', async () => {
  const valid = ['68656c6c6f', '68656c6c6fc2a5776f726c64', 'cebae1bdb9cf83cebcceb5', '00', 'c280', 'e0a080', 'f0908080', '7f', 'dfbf', 'efbfbf', 'f48fbfbf', 'ed9fbf', 'ee8080', 'efbfbd', 'efbfbe', 'f09fbfbf'];
  await withEcho(async (socket) => {
    for (const hex of valid) {
      socket.send(frame(kText, Buffer.from(hex, 'hex')));
      await echoes(socket, kText, Buffer.from(hex, 'hex'));
    }
    await endsWell(socket);
  });
  const invalid = ['ce', 'cebae1', 'cebae1bd', 'cebae1bdb9cf', 'f8888080 80', 'fc8480808080', 'f7bfbfbf', 'fbbfbfbfbf', 'f4908080', '80', 'bf', '80bf', 'c020c120', 'e020e120', 'f020f120', 'f820', 'fc20', 'c0', 'e080', 'f08080', 'df', 'efbf', 'f7bfbf', 'fe', 'ff', 'fefeffff', 'c0af', 'e080af', 'f08080af', 'c1bf', 'e09fbf', 'f08fbfbf', 'c080', 'e08080', 'f0808080', 'eda080', 'edadbf', 'edae80', 'edafbf', 'edb080', 'edbe80', 'edbfbf', 'eda080edb080'];
  for (const hex of invalid) {
    await withEcho(async (socket) => fails(socket.send(frame(kText, Buffer.from(hex.replaceAll(' ', ''), 'hex'))), 1007));
  }
});

test('7.1 what follows a close is not looked at', async () => {
  await withEcho(async (socket) => {
    socket.send(frame(kText, 'Hello'), closeFrame(1000), frame(kText, 'late'), frame(kPing), closeFrame(1000));
    await echoes(socket, kText, 'Hello');
    assert.equal(await socket.closed(), 1000);
    assert.equal(socket.ended, 'end');
  });
  await withEcho(async (socket) => {
    // 7.1.6: a long message before the close, a short one behind it.
    const long = Buffer.alloc(256 * 1024, 'B');
    socket.send(frame(kText, long), closeFrame(1000), frame(kPing));
    await echoes(socket, kText, long);
    assert.equal(await socket.closed(), 1000);
  });
  await withEcho(async (socket) => {
    socket.send(frame(kText, 'part', { fin: false }), closeFrame(1000)); // 7.1.5
    assert.equal(await socket.closed(), 1000);
  });
});

test('7.3 the payload of a close: none, half a code, a code, a reason, too much', async () => {
  await withEcho(async (socket) => assert.equal(await socket.send(frame(kClose)).closed(), 1005));
  await withEcho(async (socket) => fails(socket.send(frame(kClose, 'x')), 1002));
  await withEcho(async (socket) => assert.equal(await socket.send(closeFrame(1000)).closed(), 1000));
  await withEcho(async (socket) => assert.equal(await socket.send(closeFrame(1000, 'Hello World!')).closed(), 1000));
  await withEcho(async (socket) => assert.equal(await socket.send(closeFrame(1000, '*'.repeat(123))).closed(), 1000));
  await withEcho(async (socket) => fails(socket.send(frame(kClose, closePayload(1000, '*'.repeat(124)))), 1002));
  await withEcho(async (socket) => fails(socket.send(closeFrame(1000, Buffer.from('cebae1bdb9cf83f4908080', 'hex'))), 1007)); // 7.5.1
});

test('7.7, 7.9 every code that one may send is answered with itself, every other with 1002', async () => {
  for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]) {
    await withEcho(async (socket) => assert.equal(await socket.send(closeFrame(code)).closed(), code));
  }
  for (const code of [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65535]) {
    await withEcho(async (socket) => fails(socket.send(closeFrame(code)), 1002));
  }
});

test('9.* messages up to 16 MiB, whole, in fragments and in small pieces', async () => {
  for (const size of [64 * 1024, 1 << 20, 16 << 20]) {
    await withEcho(async (socket) => {
      const payload = Buffer.alloc(size, '*');
      socket.send(frame(kText, payload));
      await echoes(socket, kText, payload);
      await endsWell(socket);
    });
  }
  await withEcho(async (socket) => {
    const payload = Buffer.alloc(1 << 20, 'f');
    const part = 64;
    const frames = [];
    for (let at = 0; at < payload.length; at += part) {
      frames.push(frame(at === 0 ? kBinary : 0, payload.subarray(at, at + part), { fin: at + part === payload.length }));
    }
    socket.send(Buffer.concat(frames));
    await echoes(socket, kBinary, payload);
    await endsWell(socket);
  });
});

test('10.1.1 a message in fragments of 1300 bytes is one message', async () => {
  await withEcho(async (socket) => {
    const payload = Buffer.alloc(65536, '*');
    for (let at = 0; at < payload.length; at += 1300) {
      socket.send(frame(at === 0 ? kText : 0, payload.subarray(at, at + 1300), { fin: at + 1300 >= payload.length }));
    }
    await echoes(socket, kText, payload);
    await endsWell(socket);
  });
});

const kTail = Buffer.from('0000ffff', 'hex');
const compressed = (data, options = {}) => {
  const out = deflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH, ...options });
  return out.subarray(-4).equals(kTail) ? out.subarray(0, -4) : out;
};
const decompressed = (data) => inflateRawSync(Buffer.concat([data, kTail]), { finishFlush: constants.Z_SYNC_FLUSH });

test('12.*, 13.* compressed messages, with every set of parameters that a client offers', async () => {
  const offers = {
    'permessage-deflate': true,
    'permessage-deflate; client_max_window_bits': true,
    'permessage-deflate; client_no_context_takeover; client_max_window_bits': true,
    'permessage-deflate; server_no_context_takeover': true,
    'permessage-deflate; server_max_window_bits=9; client_max_window_bits': true,
    'permessage-deflate; server_max_window_bits=15; client_max_window_bits=15': true,
    'permessage-deflate; server_no_context_takeover; server_max_window_bits=9, permessage-deflate': true,
    'permessage-deflate; server_max_window_bits=7': false,
    'permessage-deflate; no_such_parameter': false,
    'x-webkit-deflate-frame': false,
  };
  const sample = Buffer.from(JSON.stringify(Array.from({ length: 3000 }, (_, i) => ({ number: i * 7919, text: `line ${i}` }))));
  for (const [offer, accepted] of Object.entries(offers)) {
    await withEcho(
      async (socket) => {
        const answer = socket.answer.header('sec-websocket-extensions');
        assert.equal(answer?.startsWith('permessage-deflate; server_no_context_takeover; client_no_context_takeover'), accepted ? true : undefined, offer);
        if (!accepted) return fails(socket.send(frame(kText, compressed(Buffer.from('a')), { rsv: 4 })), 1002);
        for (const size of [0, 16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536]) {
          const payload = sample.subarray(0, size);
          socket.send(frame(kText, compressed(payload), { rsv: 4 }));
          const back = await socket.message();
          const plain = back.rsv === 4 ? decompressed(back.payload) : back.payload;
          assert.ok(plain.equals(payload), `${offer}: ${size} bytes`);
          assert.ok(size < 64 || back.rsv === 4, 'what is worth it is compressed');
        }
        // In fragments, of which only the first says so, and one that is not compressed at all.
        const bytes = compressed(sample.subarray(0, 5000));
        socket.send(frame(kText, bytes.subarray(0, 100), { rsv: 4, fin: false }), frame(0, bytes.subarray(100)), frame(kText, 'plain'));
        assert.ok(decompressed((await socket.message()).payload).equals(sample.subarray(0, 5000)));
        await echoes(socket, kText, 'plain');
        await endsWell(socket);
      },
      { headers: { 'Sec-WebSocket-Extensions': offer } },
    );
  }
});

test('a text that is not UTF-8 once it is decompressed, and data that is none of deflate, are refused with 1007', async () => {
  const headers = { 'Sec-WebSocket-Extensions': 'permessage-deflate' };
  await withEcho(async (socket) => fails(socket.send(frame(kText, compressed(Buffer.from([0xff])), { rsv: 4 })), 1007), { headers });
  await withEcho(async (socket) => fails(socket.send(frame(kText, Buffer.from([0xff, 0xff]), { rsv: 4 })), 1007), { headers });
});

test('a frame that is not masked is refused', async () => {
  await withEcho(async (socket) => fails(socket.send(frame(kText, 'x', { masked: false })), 1002));
});

test('what comes with the handshake in one packet is read', async () => {
  await withEcho(
    async (socket) => {
      await echoes(socket, kText, 'early');
      await endsWell(socket);
    },
    { early: frame(kText, 'early') },
  );
});
