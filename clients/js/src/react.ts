/**
 * Hooks for React.
 *
 * @packageDocumentation
 */
import { type RefCallback, useCallback, useEffect, useRef, useState } from 'react';
import {
  type Answer,
  classify,
  type FormDetail,
  type FormGuard,
  type FormOptions,
  type FormStatus,
  guardForm,
  type IdempotentInit,
  idempotentFetch,
  type IdempotentOptions,
  newKey,
} from './index.js';

/** A form under guard, for a component. */
export interface GuardedForm {
  /** For the form: `<form ref={ref} method="post">`. */
  ref: RefCallback<HTMLFormElement>;
  /** What it is at. */
  status: FormStatus;
  /** More about that. */
  detail: FormDetail;
  /** Begins a new operation. */
  renew: (key?: string) => Promise<void>;
  /** The key of the next submission. */
  key: () => Promise<string>;
}

/**
 * Guards a form while its component is mounted. Functions and texts among the options may change with every rendering;
 * another `storageKey`, `key` or operation of the token begins anew.
 *
 * @param options as for `guardForm`
 */
export function useGuardedForm(options: FormOptions = {}): GuardedForm {
  const [state, setState] = useState<{ status: FormStatus; detail: FormDetail }>({
    status: 'ready',
    detail: {},
  });
  const latest = useRef(options);
  const guard = useRef<FormGuard | undefined>(undefined);
  useEffect(() => {
    latest.current = options;
  });
  const { storageKey, key, texts, token } = options;
  useEffect(() => {
    guard.current?.setTexts(texts ?? {});
  }, [texts]);
  const ref = useCallback(
    (form: HTMLFormElement | null) => {
      guard.current?.release();
      guard.current = undefined;
      if (!form) {
        return;
      }
      const now = latest.current;
      guard.current = guardForm(form, {
        ...now,
        ...(storageKey !== undefined && { storageKey }),
        ...(key !== undefined && { key }),
        ...(now.headers && {
          headers: () => {
            const { headers } = latest.current;
            return (typeof headers === 'function' ? headers() : headers) ?? {};
          },
        }),
        ...(now.request && {
          request: (...made) => latest.current.request!(...made),
        }),
        onAttempt: (event) => latest.current.onAttempt?.(event),
        onAnswer: (event) => latest.current.onAnswer?.(event),
        onWait: (event) => latest.current.onWait?.(event),
        onStatus: (status, detail) => {
          setState({ status, detail });
          latest.current.onStatus?.(status, detail);
        },
      });
    },
    [storageKey, key, token?.operation],
  );
  const guarded = () => {
    if (!guard.current) {
      throw new Error('useGuardedForm: no form has this ref');
    }
    return guard.current;
  };
  return {
    ref,
    ...state,
    renew: useCallback(async (next?: string) => guarded().renew(next), []),
    key: useCallback(async () => guarded().key(), []),
  };
}

/** One operation, for a component. */
export interface Operation {
  /**
   * Sends the operation, as `idempotentFetch` does. While it is under way, further calls are given the same promise; after a
   * success or without a certain answer, they send the same key again.
   */
  send: (input: RequestInfo | URL, init?: Omit<IdempotentInit, 'key'>) => Promise<Response>;
  /** Whether it is under way. */
  pending: boolean;
  /** The last answer; its body can be read. */
  response?: Response;
  /** The same, understood. */
  answer?: Answer;
  /** Why there is no answer. */
  error?: unknown;
  /** The operation's key; changes with `renew()` and after a certain refusal. */
  key: string;
  /** Begins a new operation. */
  renew: () => void;
}

/**
 * One operation that must take effect once, such as the order behind a button.
 *
 * @param options for all attempts. When the component goes, they end.
 */
export function useIdempotentFetch(options: Omit<IdempotentOptions, 'key'> = {}): Operation {
  type State = Pick<Operation, 'pending' | 'response' | 'answer' | 'error'>;
  const [state, setState] = useState<State>({ pending: false });
  const [key, setKey] = useState(newKey);
  const latest = useRef(options);
  const current = useRef({ key, open: false });
  const running = useRef<Promise<Response> | undefined>(undefined);
  const ended = useRef<AbortController>(undefined);
  useEffect(() => {
    latest.current = options;
  });
  useEffect(() => {
    const controller = new AbortController();
    ended.current = controller;
    return () => controller.abort(new DOMException('The component is gone', 'AbortError'));
  }, []);

  const renew = useCallback(() => {
    const next = newKey();
    current.current = { key: next, open: false };
    // What is under way belongs to the operation before.
    running.current = undefined;
    setKey(next);
    setState({ pending: false });
  }, []);

  const send = useCallback<Operation['send']>((input, init) => {
    if (running.current) {
      return running.current;
    }
    const operation = current.current;
    const before = operation.open;
    let open = before;
    let openBefore = before;
    const all = { ...latest.current, ...init };
    const end = ended.current?.signal;
    const show = (next: State) => {
      if (!end?.aborted && current.current === operation) {
        setState(next);
      }
    };
    const run = async () => {
      show({ pending: true });
      try {
        const signals = [end, all.signal].filter((signal) => signal instanceof AbortSignal);
        const response = await idempotentFetch(input, {
          ...all,
          key: operation.key,
          signal: AbortSignal.any(signals),
          onAttempt(event) {
            operation.open = true;
            all.onAttempt?.(event);
          },
          onAnswer(event) {
            openBefore = open;
            open ||= !event.answer?.nothingRan;
            all.onAnswer?.(event);
          },
        });
        const answer = await classify(response);
        operation.open = open;
        show({ pending: false, response, answer });
        const own = answer.kind === 'replayed' || answer.kept || !openBefore;
        // An error that is replayed is no refusal.
        const refused =
          answer.kind === 'refused' || (answer.kind === 'replayed' && answer.status < 500);
        if (refused && own && answer.status >= 400 && answer.cause !== 'key-reused') {
          // The operation is over without an effect: the next one is another.
          if (current.current === operation) {
            current.current = { key: newKey(), open: false };
            setKey(current.current.key);
          }
        }
        return response;
      } catch (error) {
        show({ pending: false, error });
        throw error;
      } finally {
        if (running.current === sent) {
          running.current = undefined;
        }
      }
    };
    const sent = run();
    running.current = sent;
    return sent;
  }, []);

  return { ...state, key, renew, send };
}
