/// Tells the other tabs of this site that the conversation went on, so that they can read it again.

export class TabChannel {
  private readonly channel: BroadcastChannel | null;

  constructor(base: string, onTold: () => void) {
    this.channel = open(`portcullis:${base}`);
    this.channel?.addEventListener('message', onTold);
  }

  tell(): void {
    this.channel?.postMessage('changed');
  }

  close(): void {
    this.channel?.close();
  }
}

function open(name: string): BroadcastChannel | null {
  try {
    return new BroadcastChannel(name);
  } catch {
    return null; // An old browser, or a page without storage: the tabs then differ until a reload.
  }
}
