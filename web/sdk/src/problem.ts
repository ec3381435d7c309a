// Failures: what the node answered (RFC 9457), and what never reached it. Decide by `code`.

/** One thing wrong with one field. */
export interface FieldError {
  field: string;
  message: string;
}

/** Codes of failures that this library makes itself; their `status` is 0. */
export type LocalCode =
  | 'network_error'
  | 'unexpected_answer'
  | 'queue_full'
  | 'frame_too_large'
  | 'token_required'
  | 'token_ended'
  | 'refused_for_good'
  | 'storage_failed'
  | 'handler_failed'
  | 'closed';

/** A failure. `code` is stable and snake_case; `status` is that of HTTP, or 0 when the node had no say in it. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly errors: readonly FieldError[];
  /** When it will be possible (RFC 3339), if the node said so. */
  readonly retryAt: string | undefined;
  /** How long the node asks to wait. */
  readonly retryAfterMs: number | undefined;

  constructor(fields: {
    code: string;
    title: string;
    detail?: string;
    status?: number;
    type?: string;
    errors?: readonly FieldError[];
    retryAt?: string | undefined;
    retryAfterMs?: number | undefined;
    cause?: unknown;
  }) {
    super(fields.detail ? `${fields.title}: ${fields.detail}` : fields.title, { cause: fields.cause });
    this.type = fields.type ?? `/problems/${fields.code}`;
    this.title = fields.title;
    this.status = fields.status ?? 0;
    this.detail = fields.detail ?? '';
    this.code = fields.code;
    this.errors = fields.errors ?? [];
    this.retryAt = fields.retryAt;
    this.retryAfterMs = fields.retryAfterMs;
  }

  /** A failure of this side. */
  static local(code: LocalCode, title: string, detail = '', cause?: unknown): Problem {
    return new Problem({ code, title, detail, cause });
  }

  /** Reads a problem of the node. Whatever is no problem (a page of a proxy, say) becomes `unexpected_answer`. */
  static read(value: unknown, status = 0, retryAfterMs?: number): Problem {
    const fields = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
    const text = (name: string): string | undefined => {
      const found = fields[name];
      return typeof found === 'string' ? found : undefined;
    };
    const code = text('code');
    const shownStatus = typeof fields['status'] === 'number' ? fields['status'] : status;
    const seconds = fields['retry_after'];
    const hint = retryAfterMs ?? (typeof seconds === 'number' && seconds >= 0 ? seconds * 1000 : undefined);
    if (code === undefined) {
      const title = `HTTP ${shownStatus} without a problem`;
      return new Problem({ code: 'unexpected_answer', title, status: shownStatus, retryAfterMs: hint });
    }
    return new Problem({
      code,
      status: shownStatus,
      type: text('type') ?? `/problems/${code}`,
      title: text('title') ?? code,
      detail: text('detail') ?? '',
      errors: Array.isArray(fields['errors']) ? (fields['errors'] as FieldError[]) : [],
      retryAt: text('retry_at'),
      retryAfterMs: hint,
    });
  }

  /** Anything thrown, as a problem: a failed `fetch` is `network_error`. */
  static of(thrown: unknown): Problem {
    if (thrown instanceof Problem) return thrown;
    const detail = thrown instanceof Error ? thrown.message : String(thrown);
    return Problem.local('network_error', 'The node was not reached', detail, thrown);
  }

  /** Whether the same request, sent again later, may succeed: limits, load, a lost answer. */
  get isTransient(): boolean {
    return this.isLasting || this.status === 500;
  }

  /** Transient, and worth repeating for as long as it takes: the node says so itself, or never heard of it. */
  get isLasting(): boolean {
    return (
      this.code === 'network_error' ||
      this.code === 'request_in_progress' ||
      [408, 425, 429, 502, 503, 504].includes(this.status)
    );
  }
}

/** `Retry-After` in milliseconds: seconds or a date (RFC 9110, section 10.2.3). */
export function readRetryAfter(value: string | null | undefined, nowMs: number): number | undefined {
  if (value == null || value.trim() === '') return undefined;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return seconds >= 0 ? seconds * 1000 : undefined;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}
