/// The page at /widget/: shows the gateway's state, and the embed code with the gateway's own
/// origin.

const kStatusTexts: Readonly<Record<string, string>> = {
  healthy: 'Gateway healthy',
  degraded: 'Gateway running, with a part degraded',
  unhealthy: 'Gateway running, but unhealthy',
};

const snippet = `<script src="${location.origin}/widget/embed.js" async></script>`;

showEmbedCode();
void showHealth();
byId('try').addEventListener('click', () => chat()?.open());
byId('copy').addEventListener('click', () => void copy());

function showEmbedCode(): void {
  const { origin } = location;
  byId('snippet').textContent = snippet;
  byId('policy').textContent = `script-src ${origin}; connect-src ${origin}`;
}

async function showHealth(): Promise<void> {
  try {
    const response = await fetch('/health', { headers: { Accept: 'application/json' } });
    const { status } = (await response.json()) as { status?: unknown };
    const name = typeof status === 'string' ? status.toLowerCase() : '';
    showStatus(
      response.ok && name !== 'unhealthy' ? (name === 'degraded' ? 'degraded' : 'good') : 'bad',
      kStatusTexts[name] ?? 'Gateway running',
    );
  } catch {
    showStatus('bad', 'The gateway does not answer');
  }
}

function showStatus(state: string, text: string): void {
  byId('status').dataset['state'] = state;
  byId('status-text').textContent = text;
}

async function copy(): Promise<void> {
  try {
    await navigator.clipboard.writeText(snippet);
    byId('copied').textContent = 'Copied.';
  } catch {
    // No clipboard on plain http: the text is selected for the visitor's own shortcut.
    getSelection()?.selectAllChildren(byId('snippet'));
    byId('copied').textContent = 'Selected: press Ctrl+C to copy.';
  }
}

function chat(): { open(): void } | undefined {
  return (window as unknown as { Portcullis?: { open(): void } }).Portcullis;
}

function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`no element #${id}`);
  return found;
}

export {};
