/// Browser storage that may be forbidden: every access may throw, and then the value is just
/// absent.

export type StorageArea = 'localStorage' | 'sessionStorage';

export class StoredValue {
  constructor(
    private readonly area: StorageArea,
    private readonly key: string,
  ) {}

  get(): string | null {
    try {
      return window[this.area].getItem(this.key);
    } catch {
      return null;
    }
  }

  set(value: string | null): void {
    try {
      if (value === null) window[this.area].removeItem(this.key);
      else window[this.area].setItem(this.key, value);
    } catch {
      // Forbidden or full: the widget works without, it only forgets on reload.
    }
  }
}

/// The hash of the token whose session a key of this browser proves; none where none does.
export function proofOf(base: string): StoredValue {
  return new StoredValue('localStorage', `portcullis:proof:${base}`);
}
