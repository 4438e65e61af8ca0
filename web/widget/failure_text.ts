/// What a visitor is told about a Failure, and what they can do about it.

import { fill, type Catalogue } from './catalogue';
import type { FailureFacts } from './failure';

export interface FailureNotice {
  readonly text: string;
  readonly reason: string; // the gateway's own words, shown as they are
  readonly small: string;
  readonly action: 'retry' | 'edit' | 'none';
  readonly waitSeconds: number;
}

type Explanation = readonly [keyof Catalogue, FailureNotice['action']];

const kDefaultLimitSeconds = 30;

const byCode: Readonly<Record<string, Explanation>> = {
  NETWORK: ['network', 'retry'],
  INTERRUPTED: ['interrupted', 'retry'],
  RATE_LIMITED: ['limited', 'retry'],
  ADDRESS_BLOCKED: ['blocked', 'retry'],
  CHALLENGE_REQUIRED: ['blocked', 'retry'],
  PROOF_REQUIRED: ['forbidden', 'none'],
  STREAM_LIMIT: ['busy', 'retry'],
  SESSION_LIMIT: ['busy', 'retry'],
  ANSWER_WITHHELD: ['refused', 'edit'],
  UPSTREAM_ERROR: ['upstream', 'retry'],
  UPSTREAM_UNAVAILABLE: ['unavailable', 'retry'],
  UPSTREAM_TIMEOUT: ['timeout', 'retry'],
};

const byStatus: Readonly<Record<number, Explanation>> = {
  400: ['refused', 'edit'],
  401: ['session', 'retry'],
  403: ['forbidden', 'none'],
  413: ['tooLarge', 'edit'],
  422: ['refused', 'edit'],
  429: ['limited', 'retry'],
  502: ['upstream', 'retry'],
  503: ['unavailable', 'retry'],
  504: ['timeout', 'retry'],
};

export function explain(failure: FailureFacts, texts: Catalogue): FailureNotice {
  const known = byCode[failure.code] ?? byStatus[failure.status];
  const [key, action] = known ?? (['unknown', 'retry'] as const);
  const fault = failure.status >= 500 || (failure.status === 0 && failure.errorId !== '');
  return {
    text: texts[key],
    reason: key === 'refused' ? failure.detail : '',
    small:
      failure.errorId !== '' && (fault || known === undefined)
        ? fill(texts.reference, { id: failure.errorId })
        : '',
    action,
    waitSeconds: failure.retryAfterSeconds ?? (key === 'limited' ? kDefaultLimitSeconds : 0),
  };
}

/// 75 → "1:15"; 3675 → "1:01:15".
export function clockText(seconds: number): string {
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shown = parts[0] === 0 ? parts.slice(1) : parts;
  return shown
    .map((part, at) => (at === 0 ? String(part) : String(part).padStart(2, '0')))
    .join(':');
}
