/// Tells screen readers what happened, once. The log itself is marked as live, but its messages are
/// silenced: announcing every piece of a streamed answer would talk over itself.

import { element } from './dom';

export class Announcer {
  readonly root = element('div', {
    class: 'for-readers',
    role: 'status',
    'aria-live': 'polite',
    'aria-atomic': 'true',
  });

  say(text: string): void {
    // A new node also announces the same text a second time.
    this.root.replaceChildren(element('p', {}, text));
  }
}
