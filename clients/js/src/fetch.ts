import { classify } from './answer.js';
import { newKey } from './key.js';
import { perform, type PerformOptions } from './perform.js';

/** How {@link idempotentFetch} sends an operation. */
export interface IdempotentOptions extends PerformOptions {
  /** The header for the key; `Idempotency-Key` by default. */
  header?: string;
  /** Whether the key is sent in quotes, as services with `idem.http.strict-keys` want it; false by default. */
  quoted?: boolean;
  /** Whether an attempt counts as answered only when its whole body is there; true by default. Switch it off for answers that are streams; the signal then ends the waiting for their head only. */
  buffered?: boolean;
  /** Sends one attempt; the global `fetch` by default. */
  fetch?: (request: Request, init: { signal: AbortSignal }) => Promise<Response>;
}

/** What `fetch` takes, and how to repeat it. */
export type IdempotentInit = Omit<RequestInit, 'signal'> & IdempotentOptions;

/**
 * `fetch` for an operation that must take effect once: every attempt has the same key and content. It tries again after
 * lost answers and those that say that this helps, waits out requests that still run, and waits for the network while the
 * browser is offline; within its bounds. The key is that of `init.key`, of the header if the caller has set it, or a new one.
 * Safe methods (GET, HEAD, OPTIONS) have no key.
 *
 * @param input as for `fetch`
 * @param init as for `fetch`, and the options. Body streams cannot be sent twice and need `attempts: 1`.
 * @returns the last answer, which may be a refusal; see {@link classify}
 * @throws NoAnswerError when no answer came within the bounds
 * @throws TypeError at once for what cannot be sent
 * @throws the signal's reason when it aborts
 */
export async function idempotentFetch(
  input: RequestInfo | URL,
  init: IdempotentInit = {},
): Promise<Response> {
  const { header = 'Idempotency-Key', quoted, body } = init;
  if (
    init.attempts !== 1 &&
    (body instanceof ReadableStream || Symbol.asyncIterator in Object(body))
  ) {
    throw new TypeError('A stream needs attempts: 1');
  }
  const request = new Request(input, { ...init, signal: null } as RequestInit);
  const own = request.headers.get(header);
  const key = init.key ?? own ?? newKey();
  if (key !== own && !/^(GET|HEAD|OPTIONS)$/.test(request.method)) {
    request.headers.set(header, quoted ? JSON.stringify(key) : key);
  }
  return sendRequest(request, { ...init, key, signal: init.signal ?? (input as Request).signal });
}

/** Sends a request as it is, as often as it takes. */
export function sendRequest(request: Request, options: IdempotentOptions): Promise<Response> {
  const { fetch: send = fetch, buffered = true } = options;
  return perform(options, async ({ signal }) => {
    const response = await send(request.clone(), { signal });
    if (buffered) {
      await response.clone().arrayBuffer();
    }
    return { answer: await classify(response), value: response };
  });
}
