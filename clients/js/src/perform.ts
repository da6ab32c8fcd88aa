import type { Answer } from './answer.js';
import { newKey } from './key.js';

/** An attempt goes out. */
export interface AttemptEvent {
  key: string;
  /** Counted from 1. */
  attempt: number;
  /** When, in milliseconds since the epoch. */
  at: number;
}

/** An attempt was answered, or its answer was lost. */
export interface AnswerEvent extends AttemptEvent {
  /** How long it took, in milliseconds. */
  ms: number;
  /** The answer; absent where it was lost. */
  answer?: Answer;
  /** Why no answer came. */
  error?: unknown;
  /** Milliseconds until the next attempt; absent where there is none. */
  delay?: number;
}

/** The next attempt is waited for. */
export interface WaitEvent {
  key: string;
  /** Whether an answer was lost or bad, the first request still runs, or the browser is offline. */
  reason: 'waiting' | 'busy' | 'offline';
  /** In milliseconds; absent while offline. */
  delay?: number;
}

/** How an operation is sent, and sent again. All times are in milliseconds. */
export interface PerformOptions {
  /** Names the operation, and goes along with every attempt. A new one by default. */
  key?: string;
  /** How many attempts at most; 6 by default. Answers that say that the first request still runs do not count. 1: never again. */
  attempts?: number;
  /** How long in all; 60 000 by default. */
  timeout?: number;
  /** How long one attempt may take; 20 000 by default. */
  attemptTimeout?: number;
  /** The longest pause after the first attempt, doubled with each; 300 by default. The pause is a random part of it. */
  baseDelay?: number;
  /** The longest pause after any attempt; 10 000 by default. `Retry-After` may be longer. */
  maxDelay?: number;
  /** Called before each attempt. What it throws ends the operation. */
  onAttempt?: (event: AttemptEvent) => void;
  /** Called after each attempt. What it throws ends the operation. */
  onAnswer?: (event: AnswerEvent) => void;
  /** Called before each pause. What it throws ends the operation. */
  onWait?: (event: WaitEvent) => void;
  /** Ends everything at once, also during a pause. It does not undo what the service has begun. */
  signal?: AbortSignal | null;
}

/** One attempt, for whoever sends it. */
export interface Attempt {
  key: string;
  /** Counted from 1. */
  attempt: number;
  /** Aborts when the attempt takes too long, or when everything is ended. */
  signal: AbortSignal;
}

/** No answer came within the bounds: whether the operation was carried out is not known. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';
  /** What to send the operation with when it is tried again. */
  declare readonly key: string;
  /** How often it was sent; where it is 0, nothing was carried out. */
  declare readonly attempts: number;

  /**
   * @param key what to send the operation with when it is tried again
   * @param attempts how often it was sent; where it is 0, nothing was carried out
   * @param cause why the last attempt has no answer
   */
  constructor(key: string, attempts: number, cause?: unknown) {
    super('No answer', { cause });
    Object.assign(this, { key, attempts });
  }
}

/**
 * Sends an operation until it has an answer that will not change: the loop behind `idempotentFetch`, for adapters of other
 * HTTP clients. The pauses are exponential with full jitter.
 *
 * @param options the bounds and the key
 * @param send sends one attempt and gives the answer, and the value to end with
 * @param lost whether an error of `send` means that no answer came; any other ends the operation
 * @returns the value of the last attempt
 * @throws NoAnswerError when the last attempt had no answer
 */
export async function perform<T>(
  options: PerformOptions,
  send: (attempt: Attempt) => Promise<{ answer: Answer; value: T }>,
  lost: (error: unknown) => boolean = () => true,
): Promise<T> {
  const {
    attempts = 6,
    timeout = 60_000,
    attemptTimeout = 20_000,
    baseDelay = 300,
    maxDelay = 10_000,
    onAttempt,
    onAnswer,
    onWait,
    signal,
  } = options;
  const key = options.key ?? newKey();
  // By the clock that goes on while the machine sleeps: the service forgets keys meanwhile.
  const end = Date.now() + timeout;
  const left = () => end - Date.now();
  const offline = () => globalThis.navigator?.onLine === false && left() > 0;
  let counted = 0;
  let error: unknown;
  let result: { answer: Answer; value: T } | undefined;
  let attempt = 0;
  for (;;) {
    signal?.throwIfAborted();
    if (offline()) {
      onWait?.({ key, reason: 'offline' });
    }
    while (offline()) {
      // Looked at as well: not everything that has a navigator has its events.
      await bounded(Math.min(left(), 1_000), signal, online).catch(() => signal?.throwIfAborted());
    }
    if (left() <= 0) {
      break;
    }
    const event = { key, attempt: ++attempt, at: Date.now() };
    result = error = undefined;
    onAttempt?.(event);
    try {
      result = await bounded(Math.min(attemptTimeout, left()), signal, async (stop) =>
        send({ key, attempt, signal: stop }),
      );
    } catch (thrown) {
      signal?.throwIfAborted();
      if (!lost(thrown)) {
        throw thrown;
      }
      error = thrown;
    }
    const answer = result?.answer;
    const busy = answer?.kind === 'busy';
    counted += busy ? 0 : 1;
    let delay: number | undefined;
    if ((!answer || answer.retryable) && counted < attempts && attempts > 1) {
      const after = answer?.retryAfter;
      // Exactly after Retry-After, everybody would come at once.
      const next =
        (after ?? 0) +
        Math.random() * (after ? baseDelay : Math.min(maxDelay, baseDelay * 2 ** (attempt - 1)));
      if (next < left()) {
        delay = next;
      }
    }
    onAnswer?.({
      ...event,
      ms: Date.now() - event.at,
      answer,
      error,
      delay,
    });
    if (delay === undefined) {
      break;
    }
    onWait?.({ key, reason: busy ? 'busy' : 'waiting', delay });
    await bounded(delay, signal).catch(() => signal?.throwIfAborted());
  }
  if (result) {
    return result.value;
  }
  throw new NoAnswerError(key, attempt, error);
}

/** The browser has a network again. */
const online = (signal: AbortSignal): Promise<unknown> =>
  new Promise((resolve) => {
    globalThis.addEventListener?.('online', resolve, { once: true, signal });
  });

/** Work that the signal and the time end at once; without work, the time itself. */
const bounded = <T>(
  ms: number,
  signal?: AbortSignal | null,
  work?: (stop: AbortSignal) => Promise<T>,
): Promise<T | undefined> =>
  new Promise<T | undefined>((resolve, reject) => {
    const controller = new AbortController();
    const tidy = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    };
    const stop = (reason: unknown) => {
      tidy();
      controller.abort(reason);
      reject(reason);
    };
    const abort = () => stop(signal!.reason);
    const timer = setTimeout(
      () => stop(new DOMException('Late', 'TimeoutError')),
      // More is taken for nothing.
      Math.min(ms, 2 ** 31 - 1),
    );
    if (signal?.aborted) {
      // By a hook.
      abort();
    } else {
      signal?.addEventListener('abort', abort);
      work?.(controller.signal).then(resolve, reject).finally(tidy);
    }
  });
