/**
 * An adapter that makes axios send operations once.
 *
 * @packageDocumentation
 */
import axios, {
  type AxiosAdapter,
  AxiosError,
  AxiosHeaders,
  type AxiosResponse,
  getAdapter,
  type InternalAxiosRequestConfig,
} from 'axios';
import { type Answer, classify, newKey, perform, type PerformOptions } from './index.js';

/** How operations are sent. All times are in milliseconds. */
export interface AxiosIdempotency extends Omit<PerformOptions, 'signal'> {
  /** The header for the key; `Idempotency-Key` by default. */
  header?: string;
  /** Whether the key is sent in quotes; false by default. */
  quoted?: boolean;
}

declare module 'axios' {
  interface AxiosRequestConfig {
    /** The key and the bounds of this operation; see `@idem/client/axios`. */
    idempotency?: AxiosIdempotency;
  }
}

/** Mistakes of the caller, after which another attempt would fail in the same way. */
const FATAL =
  /^ERR_(BAD_OPTION|BAD_OPTION_VALUE|BAD_REQUEST|CANCELED|DEPRECATED|FORM_|INVALID_URL|NOT_SUPPORT|FR_TOO)/;

/**
 * An adapter for axios: `axios.create({ adapter: idempotentAdapter() })`. Every request but GET, HEAD and OPTIONS gets a key,
 * the same for all of its attempts; `config.idempotency` overrides the options for one request. Interceptors and
 * `validateStatus` see the last answer only. The request's own `timeout` bounds each attempt, `signal` ends all.
 *
 * @param options for all requests
 * @param adapter what sends an attempt; axios' own adapters by default
 * @returns the adapter; it rejects with NoAnswerError when no answer came, and with AxiosError for everything else
 */
export function idempotentAdapter(
  options: AxiosIdempotency = {},
  adapter: AxiosAdapter = getAdapter(axios.defaults.adapter),
): AxiosAdapter {
  return async (config) => {
    const all = { ...options, ...config.idempotency };
    const { header = 'Idempotency-Key', quoted } = all;
    const headers = AxiosHeaders.from(config.headers);
    let { key } = all;
    if (/^(get|head|options)$/i.test(config.method ?? 'get')) {
      key ??= '';
    } else if (key === undefined && headers.has(header)) {
      key = String(headers.get(header));
    } else {
      key ??= newKey();
      headers.set(header, quoted ? JSON.stringify(key) : key);
    }
    let { data } = config;
    if (all.attempts !== 1 && isStream(data)) {
      data = bytesOf(data, headers);
    }
    if (all.attempts !== 1 && isStream(data)) {
      throw new AxiosError(
        'A stream can be sent once: use another body, or attempts: 1',
        AxiosError.ERR_BAD_OPTION,
        config,
      );
    }
    const outer = config.signal as AbortSignal | undefined;
    const value = await perform<AxiosResponse | AxiosError>(
      { ...all, key, ...(outer && { signal: outer }) },
      async ({ signal }) => {
        const attempt: InternalAxiosRequestConfig = {
          ...config,
          data,
          headers: AxiosHeaders.from(headers),
          signal,
        };
        try {
          const response = await adapter(attempt);
          return { answer: await answerOf(response), value: response };
        } catch (error) {
          // An answer that validateStatus does not like is an answer; one that broke off is none.
          if (
            error instanceof AxiosError &&
            error.response &&
            config.validateStatus?.(error.response.status) === false
          ) {
            return { answer: await answerOf(error.response), value: error };
          }
          throw error;
        }
      },
      (error) =>
        error instanceof AxiosError
          ? !FATAL.test(error.code ?? '')
          : error instanceof DOMException && error.name === 'TimeoutError',
    ).catch((error: unknown) => {
      throw outer?.aborted && error === outer.reason
        ? new axios.CanceledError(undefined, config as InternalAxiosRequestConfig)
        : error;
    });
    if (value instanceof AxiosError) {
      throw value;
    }
    return value;
  };
}

/** As `fetch` would give it; only the body of a problem is looked at. */
async function answerOf({ status, headers: got, data }: AxiosResponse): Promise<Answer> {
  const headers = new Headers();
  for (const [name, value] of Object.entries(AxiosHeaders.from(got as AxiosHeaders).toJSON(true))) {
    headers.set(name, String(value));
  }
  const problem = /problem\+json/i.test(headers.get('Content-Type') ?? '');
  return classify(new Response(problem ? await textOf(data) : null, { status, headers }));
}

/** Adapters give the body as it came, or as the response type wants it. */
async function textOf(data: unknown): Promise<string> {
  if (data instanceof Blob) {
    return data.text();
  }
  if (data instanceof ArrayBuffer || ArrayBuffer.isView(data)) {
    return new TextDecoder().decode(data);
  }
  return typeof data === 'string' ? data : JSON.stringify(data);
}

function isStream(data: unknown): boolean {
  return (
    data instanceof ReadableStream || (typeof data === 'object' && data !== null && 'pipe' in data)
  );
}

/** A form of the package `form-data`, which axios makes of objects in Node. */
interface NodeForm {
  getBuffer?(): Uint8Array;
  getHeaders?(): Record<string, string>;
}

/** A form for Node is a stream, but where no part of it is one it has bytes that can be sent again. */
function bytesOf(form: NodeForm, headers: AxiosHeaders): unknown {
  try {
    const bytes = form.getBuffer!();
    headers.set(form.getHeaders!());
    return bytes;
  } catch {
    return form;
  }
}
