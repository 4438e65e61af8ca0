/// What went wrong with a call, from whichever side: the network, a refusal, or an error in a
/// stream. Source: RFC 9457 for the body of refusals.

export interface FailureFacts {
  readonly status: number; // 0: no answer at all
  readonly code: string;
  readonly detail: string;
  readonly errorId: string;
  readonly retryAfterSeconds: number | null;
}

const kMaxDetailChars = 300;
const kMaxWaitSeconds = 24 * 3600;

export class Failure extends Error implements FailureFacts {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly errorId: string;
  readonly retryAfterSeconds: number | null;

  constructor(facts: Partial<FailureFacts> & { code: string }) {
    super(facts.code);
    this.status = facts.status ?? 0;
    this.code = facts.code;
    this.detail = facts.detail ?? '';
    this.errorId = facts.errorId ?? '';
    this.retryAfterSeconds = facts.retryAfterSeconds ?? null;
  }
}

/// Reads a refusal; a body that is no problem document (a proxy's page) still gives a Failure.
export async function failureOf(response: Response): Promise<Failure> {
  let body: Record<string, unknown> = {};
  try {
    const parsed: unknown = JSON.parse(await response.text());
    if (typeof parsed === 'object' && parsed !== null) body = parsed as Record<string, unknown>;
  } catch {
    // Not JSON: the status says enough.
  }
  return new Failure({
    status: response.status,
    code: textOf(body['code']) || `HTTP_${response.status}`,
    detail: textOf(body['detail']),
    errorId: textOf(body['error_id']),
    retryAfterSeconds:
      secondsOf(body['retry_after']) ?? secondsOf(response.headers.get('Retry-After')),
  });
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, kMaxDetailChars) : '';
}

function secondsOf(value: unknown): number | null {
  if (value === null || value === undefined || value === '') return null;
  const seconds = Math.ceil(Number(value));
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds, kMaxWaitSeconds) : null;
}
