/// The gateway's chat API as this widget uses it. Every refusal is thrown as a Failure.

import type { ByteReader } from './delivery';
import { Failure, failureOf } from './failure';
import { pageUrl, type Session } from './session';

export interface HistoryMessage {
  readonly id: string;
  readonly role: 'user' | 'assistant';
  readonly content: string;
  readonly createdAt: Date;
}

const kHistoryLength = 50;
const kHistoryTimeoutMs = 8000;

export class GatewayClient {
  constructor(
    private readonly session: Session,
    private readonly trap: () => string,
  ) {}

  async send(message: string, clientMessageId: string, signal: AbortSignal): Promise<ByteReader> {
    const body = JSON.stringify({
      message,
      client_message_id: clientMessageId,
      page_url: pageUrl(),
      website: this.trap() || undefined, // nobody sees the field: what is in it, a machine wrote
    });
    const response = await this.session.call('/api/v1/chat/stream', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'text/event-stream' },
      body,
      signal,
    });
    return readerOf(response);
  }

  /// The id travels in the query: as a header it would cost a CORS preflight at the worst moment.
  async resume(lastEventId: string, signal: AbortSignal): Promise<ByteReader> {
    const path = `/api/v1/chat/stream?last_event_id=${encodeURIComponent(lastEventId)}`;
    return readerOf(await this.get(path, signal, 'text/event-stream'));
  }

  /// The newest messages, oldest first; empty when the session is gone.
  async history(): Promise<HistoryMessage[]> {
    const first = await this.historyPage(0);
    if (first === null) return [];
    const beyond = first.total - kHistoryLength;
    return beyond <= 0 ? first.messages : ((await this.historyPage(beyond))?.messages ?? []);
  }

  private async historyPage(
    offset: number,
  ): Promise<{ messages: HistoryMessage[]; total: number } | null> {
    const path = `/api/v1/chat/history?limit=${kHistoryLength}&offset=${offset}`;
    const response = await this.get(
      path,
      AbortSignal.timeout(kHistoryTimeoutMs),
      'application/json',
    );
    if (response.status === 401) {
      this.session.forget();
      return null;
    }
    if (!response.ok) throw await failureOf(response);
    const body = (await response.json()) as { messages?: unknown; total_count?: unknown };
    const messages = Array.isArray(body.messages) ? body.messages.flatMap(historyMessage) : [];
    return { messages, total: Number(body.total_count) || 0 };
  }

  private get(path: string, signal: AbortSignal, accept: string): Promise<Response> {
    return this.session.callAsIs(path, { cache: 'no-store', headers: { Accept: accept }, signal });
  }
}

async function readerOf(response: Response): Promise<ByteReader> {
  if (!response.ok) throw await failureOf(response);
  if (response.body === null)
    throw new Failure({ code: 'UPSTREAM_ERROR', status: response.status });
  return response.body.getReader();
}

function historyMessage(raw: unknown): HistoryMessage[] {
  if (typeof raw !== 'object' || raw === null) return [];
  const { id, role, content, created_at } = raw as Record<string, unknown>;
  if ((role !== 'user' && role !== 'assistant') || typeof content !== 'string') return [];
  return [{ id: String(id), role, content, createdAt: new Date(String(created_at)) }];
}
