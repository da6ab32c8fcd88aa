/**
 * What an answer tells of the operation:
 *
 * - `ran`: it was carried out now (2xx or 3xx)
 * - `replayed`: it was carried out before, and this is the answer it had then, whatever its status, unless that leaves it open
 * - `busy`: its first request is still being carried out
 * - `refused`: it was not carried out (4xx)
 * - `unknown`: the answer leaves open whether it was, as an error does that a redirect led to
 */
export type Kind = 'ran' | 'replayed' | 'busy' | 'refused' | 'unknown';

/** Problem details (RFC 9457). */
export interface Problem {
  /** The URI of the cause. */
  type?: string;
  /** A summary, in the language of the request's `Accept-Language` where the service speaks it. */
  title?: string;
  status?: number;
  /** What was wrong with this request. */
  detail?: string;
  /** Whether the same request, sent again, can succeed. */
  retryable?: boolean;
  [member: string]: unknown;
}

/** An answer, understood. */
export interface Answer {
  readonly kind: Kind;
  /** The HTTP status; 0 where the browser does not show it. */
  readonly status: number;
  /** Whether the same request with the same key may be sent again and can then succeed. */
  readonly retryable: boolean;
  /** How long to wait before that, in milliseconds; absent where the service does not say. */
  readonly retryAfter?: number;
  /** The problem, where the answer is one. */
  readonly problem?: Problem;
  /** The last segment of the problem's type, such as `in-progress`; absent where there is none. */
  readonly cause?: string;
  /**
   * Whether this request ran nothing, and its answer was not kept. It says nothing of other requests with the key, and is
   * false where one of them is known to run.
   * A 400, 401, 403, 415 or 429 counts: the service then has freed the key.
   */
  readonly nothingRan: boolean;
  /** Whether the service said that it keeps this answer for its key (`Idempotency-Key-Lifetime`). */
  readonly kept: boolean;
  /** Whether the service said that nothing protects the request (`Idempotency-Key-Ignored`): do not send it again. */
  readonly ignored: boolean;
}

/** Answers after which a retry may do better, where no problem says otherwise. */
const RETRYABLE = /^(408|425|429|50[0234])$/;
/** Answers that free the key or are given before anything runs. */
const NOTHING_RAN = /^(40[013]|41[235]|42[59]|501|contention)$/;
const UNKNOWN = /^(outcome-unknown|answer-not-stored|.+unsettled)$/;

/**
 * Tells answers apart. The body is only read where it is a problem, and from a copy: the response stays readable.
 *
 * @param response an answer whose body was not read yet; otherwise its problem is not seen
 */
export async function classify(response: Response): Promise<Answer> {
  const { headers, status } = response;
  const header = (name: string) => headers.get(name)!;
  let problem: Problem | undefined;
  if (/^application\/problem\+json/i.test(header('Content-Type')) && !response.bodyUsed) {
    problem = await response
      .clone()
      .json()
      .catch(() => {});
  }
  const cause = /[^/]+$/.exec((problem?.type ?? '') as string)?.[0];
  const is = (those: RegExp) => those.test(status as never) || those.test(cause!);
  const replayed = header('Idempotent-Replayed') === 'true';
  const ignored = headers.has('Idempotency-Key-Ignored');
  const kept = headers.has('Idempotency-Key-Lifetime');
  // After a redirect it may answer another request, which says nothing of the operation.
  const own = kept || !response.redirected;
  // RFC 9110, 10.2.3: seconds, or a date, which counts from the service's own clock where that is shown.
  const after = header('Retry-After');
  const date = Date.parse(header('Date')) || Date.now();
  const retryAfter =
    Math.max(0, /^\d+$/.test(after) ? +after * 1000 : Date.parse(after) - date) || undefined;
  const retryable = problem?.retryable as boolean | undefined;
  // Other services than Idem say it by Retry-After.
  const busy = cause === 'in-progress' || (status === 409 && (retryable ?? !!after));
  const nothingRan = own && !replayed && !busy && is(NOTHING_RAN);
  const open = is(UNKNOWN);
  // A 408 that is replayed is the operation's own answer, as any other status is.
  const unknown =
    open || (status >= (own ? 500 : 400) && !nothingRan) || status === 408 || status < 200;
  return {
    kind:
      replayed && !open
        ? 'replayed'
        : busy
          ? 'busy'
          : unknown
            ? 'unknown'
            : status < 400
              ? 'ran'
              : 'refused',
    status,
    retryable: !ignored && !replayed && (retryable ?? (busy || is(RETRYABLE))),
    retryAfter,
    problem,
    cause,
    nothingRan,
    kept,
    ignored,
  };
}
