/// Entry of embed.js: reads the settings of its own script element and publishes window.Portcullis.

import { ownScript, settingsOf } from './own_script';
import { Widget } from './widget';

interface PublicApi {
  open(): void;
  close(): void;
  toggle(): void;
  /// False when nothing was sent: empty, too long, or an answer is still coming in.
  send(message: string): boolean;
  destroy(): void;
}

const kName = 'Portcullis';

function start(script: HTMLScriptElement): void {
  const widget = new Widget(settingsOf(script), script.dataset);
  publish(widget);
  if (document.body) widget.mount();
  else document.addEventListener('DOMContentLoaded', () => widget.mount(), { once: true });
}

function publish(widget: Widget): void {
  const api: PublicApi = {
    open: () => widget.open(),
    close: () => widget.close(),
    toggle: () => widget.toggle(),
    send: (message) => widget.send(String(message)),
    destroy: () => {
      widget.destroy();
      Reflect.deleteProperty(window, kName);
    },
  };
  Object.defineProperty(window, kName, { value: Object.freeze(api), configurable: true });
}

/// Chrome 103, Firefox 101, Safari 16.4. In older browsers the page stays without a chat, but
/// whole.
function isSupported(): boolean {
  return 'adoptedStyleSheets' in Document.prototype && 'timeout' in AbortSignal;
}

const script = ownScript();
if (script !== null && !(kName in window) && isSupported()) start(script);
