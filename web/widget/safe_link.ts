/// The only gate through which an address from an answer becomes a link.

const kMaxAddressChars = 2048;
const kSchemes = ['http:', 'https:', 'mailto:'];

/// The normalised address, or null when it must stay text: relative, another scheme, white space or
/// control characters inside (browsers drop them, so "java\nscript:" would pass a naive look),
/// or a user name in front of the host (https://bank.example@evil.example).
export function safeLink(raw: string): string | null {
  if (raw.length === 0 || raw.length > kMaxAddressChars) return null;
  if (/[\u0000-\u0020\u007f-\u009f\u2028\u2029\ufeff]/.test(raw)) return null;
  const colon = raw.indexOf(':');
  if (colon < 0 || !kSchemes.includes(raw.slice(0, colon + 1).toLowerCase())) return null;
  let address: URL;
  try {
    address = new URL(raw);
  } catch {
    return null;
  }
  if (!kSchemes.includes(address.protocol) || address.username || address.password) return null;
  return address.href;
}
