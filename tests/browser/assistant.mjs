// The assistant of the browser tests: what is asked decides what it answers, always the same.

import { hostileTexts } from './hostile_texts.mjs';

const greeting = [
  'Hello! I can help with **orders**, *returns* and `SKU` numbers.\n\n',
  '1. Open [your account](https://shop.example/account)\n',
  '2. Choose the order\n   - the number starts with `A`\n3. Press **Return**\n\n',
  '```js\nconst order = await find("A-1001");\nconsole.log(order.state);\n```\n\n',
  '> Parcels leave every day at noon.\n',
];

/** @returns the pieces of the answer and the pause between them. */
export function answerTo(message) {
  const hostile = /^hostile (\d+)$/.exec(message);
  if (hostile) return { pieces: inPieces(hostileTexts[Number(hostile[1])], 7), pauseMs: 0 };
  if (message === 'count') return { pieces: words(60), pauseMs: 60 };
  if (message === 'story')
    return { pieces: Array.from({ length: 40 }, (_, at) => `Line ${at + 1}.\n\n`), pauseMs: 5 };
  if (message.startsWith('مرحبا')) {
    return {
      pieces: [
        'أهلًا بك! ',
        'يمكنك **إرجاع** الطلب من صفحة ',
        '[حسابك](https://shop.example/account).',
      ],
      pauseMs: 10,
    };
  }
  return { pieces: greeting, pauseMs: 15 };
}

export function words(count) {
  return Array.from({ length: count }, (_, at) => `word${at + 1} `);
}

function inPieces(text, size) {
  const pieces = [];
  for (let at = 0; at < text.length; at += size) pieces.push(text.slice(at, at + size));
  return pieces;
}
