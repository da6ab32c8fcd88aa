import type { Answer } from './answer.js';
import {
  type IdempotentInit,
  idempotentFetch,
  type IdempotentOptions,
  sendRequest,
} from './fetch.js';
import { keepIn, mark, sentAt, tidy } from './journal.js';
import { newKey } from './key.js';
import type { WaitEvent } from './perform.js';
import { type Texts, texts as english } from './texts.js';

/**
 * What a guarded form is at:
 *
 * - `ready`: nothing was submitted yet
 * - `sending`, `waiting` (for the next attempt), `busy` (the first request still runs), `offline`: under way
 * - `done`: carried out; the form stays closed until `renew()`
 * - `refused`: not carried out; the next submission is a new operation
 * - `unknown`: there is no certain answer; the next submission is the same operation again. After `busy` likewise.
 * - `changed`: it was submitted before with other content (`key-reused`); nothing ran now
 * - `expired`: its token or key is too old, and it may have been carried out before
 */
export type FormStatus =
  | 'ready'
  | 'sending'
  | 'waiting'
  | 'busy'
  | 'offline'
  | 'done'
  | 'refused'
  | 'unknown'
  | 'changed'
  | 'expired';

/** More about a status, where there is more. */
export interface FormDetail {
  /** The key of the submission. */
  key?: string;
  /** The last answer; its body can be read. */
  response?: Response;
  /** The same, understood. */
  answer?: Answer;
  /** Milliseconds until the next attempt. */
  delay?: number;
  /** Why there is no answer. */
  error?: unknown;
}

/** A request in the place of the one that the browser would make of a form. */
export type FormRequest = Omit<
  IdempotentInit,
  'key' | 'signal' | 'onAttempt' | 'onAnswer' | 'onWait'
> & {
  /** Where to; the form's action by default. */
  url?: string;
};

/** How a form is guarded. The times are in milliseconds. */
export interface FormOptions extends Omit<IdempotentOptions, 'key' | 'signal'> {
  /**
   * Which form this is: forms of one tab with the same name share a key. By default the page's path and query with the form's
   * id, name or action. Take the user in where users change within a tab.
   */
  storageKey?: string;
  /** The key, where the page knows one, such as the number of a draft. Tabs with the same one are one operation. */
  key?: string;
  /** The name of the hidden field in which a service renders a token or key; `idempotency_token` by default. */
  field?: string;
  /** Fetches a token for this operation, where no field has one. */
  token?: {
    /** The operation's name at the service. */
    operation: string;
    /** Where tokens are issued, without a query; `/idempotency/tokens` by default. */
    url?: string;
    /** Sends the request for it; the global `fetch` by default. */
    fetch?: IdempotentOptions['fetch'];
  };
  /** Headers of every submission, and of requests for tokens: credentials, protection against request forgery. */
  headers?: HeadersInit | (() => HeadersInit);
  /**
   * Makes the request; what the browser would send by default. Called again where a token has to be replaced.
   *
   * @returns the request, or null when the form must not be sent
   */
  request?: (
    data: FormData,
    form: HTMLFormElement,
    submitter: HTMLElement | null,
  ) => FormRequest | null | Promise<FormRequest | null>;
  /** Where to say what happens; by default a paragraph at the form's end. `false`: nowhere. */
  status?: HTMLElement | false;
  /** Texts of your own; English by default. */
  texts?: Partial<Texts>;
  /** How long after the first attempt a key may still be sent, which must not be longer than the service keeps records; 23 hours by default. */
  keyLifetime?: number;
  /** Called with every change, after the page shows it. */
  onStatus?: (status: FormStatus, detail: FormDetail) => void;
}

/** A form under guard. */
export interface FormGuard {
  /** What it is at. */
  readonly status: FormStatus;
  /** The key of the next submission, or of the one that is done; fetches a token where needed. */
  key(): Promise<string>;
  /**
   * Begins a new operation and forgets the one before, whatever became of it.
   *
   * @param key its key; by default a new one
   * @throws Error while a submission is under way
   */
  renew(key?: string): Promise<void>;
  /** Speaks another language from now on. */
  setTexts(texts: Partial<Texts>): void;
  /** Lets go of the form. A submission that is under way is not tried again; its key is kept. */
  release(): void;
}

/** What a tab keeps of a form. */
interface Kept {
  key: string;
  /** When the key was made, in milliseconds since the epoch. */
  at: number;
  /** Whether it is a token that this script has fetched. */
  token?: boolean;
  /** When it was sent first, should the mark in the other storage be lost or not fit in. */
  sent?: number;
  done?: boolean;
}

/** How a submission ended: what it is at, more about it, and what to say. */
type Ending = [FormStatus, FormDetail?, (keyof Texts)?];

/**
 * Guards a form: one submission at a time, under one key that survives reloads and the back button until its outcome is
 * known. The form is sent by {@link idempotentFetch} instead of by the browser, which still validates it first.
 *
 * @param form a form with `method="post"`, or any with `options.request`
 * @throws TypeError when the browser would send the form by GET
 */
export function guardForm(form: HTMLFormElement, options: FormOptions = {}): FormGuard {
  const { field: fieldName = 'idempotency_token', keyLifetime = 23 * 3_600_000 } = options;
  // Not form.method: a field of that name would stand in its place.
  // A submitter may say otherwise.
  const attribute = (name: string, submitter?: HTMLElement | null) =>
    submitter?.getAttribute(`form${name}`) ?? form.getAttribute(name);
  if (!options.request && !/^post$/i.test(attribute('method')!)) {
    throw new TypeError('The form needs method="post"');
  }
  const item =
    'idem-form:' +
    (options.storageKey ??
      location.pathname +
        location.search +
        ` ${attribute('id') || attribute('name') || attribute('action')}`);
  const ended = new AbortController();
  const { signal } = ended;
  const output = options.status ?? document.createElement('p');
  let texts: Texts = { ...english, ...options.texts };
  // Said by `begin`, before anybody asks.
  let status!: FormStatus;
  let said!: keyof Texts;
  let detail!: FormDetail;
  let closed: HTMLButtonElement[] = [];
  let working = false;
  let kept: Kept | null = null;
  let persisted: boolean | undefined;
  let making: Promise<Kept> | undefined;

  const field = () => form.elements.namedItem(fieldName) as HTMLInputElement | null;
  const rendered = field()?.value;
  const given = options.key ?? rendered;
  const firstSent = (of: Kept) => sentAt(of.key) || of.sent;

  // ---- what is shown

  function open(): void {
    for (const button of closed) {
      button.disabled = false;
    }
    closed = [];
  }

  function show(): void {
    open();
    if (working || status === 'done') {
      for (const element of form.elements) {
        const button = element as HTMLButtonElement;
        if (button.type === 'submit' && !button.disabled) {
          button.disabled = true;
          closed.push(button);
        }
      }
    }
    form.ariaBusy = `${working}`;
    if (output) {
      const problem = status === 'refused' && detail.answer?.problem;
      output.textContent = `${texts[said]} ${(problem as Answer['problem'])?.detail ?? ''}`;
    }
  }

  function say(next: FormStatus, more?: FormDetail, text = next as keyof Texts): void {
    if (!signal.aborted) {
      status = next;
      said = text;
      detail = { key: kept?.key, ...more };
      show();
      options.onStatus?.(status, detail);
    }
  }

  // ---- the key

  function keep<K extends Kept | null>(next: K): K {
    kept = next;
    persisted = keepIn('sessionStorage', (forms) => {
      forms.setItem(item, JSON.stringify(next));
      return true;
    });
    return next;
  }

  /** What is kept of a key that was not sent yet; nothing without one. */
  const fresh = (key?: string): Kept | null => (key ? { key, at: Date.now() } : null);

  const headers = () =>
    new Headers(typeof options.headers === 'function' ? options.headers() : options.headers);

  async function make(): Promise<Kept> {
    const { token } = options;
    let key: string | undefined;
    if (kept) {
      return kept;
    }
    if (token) {
      const response = await sendRequest(
        new Request(
          `${token.url ?? '/idempotency/tokens'}?${new URLSearchParams({ operation: token.operation })}`,
          { method: 'POST', headers: headers() },
        ),
        {
          ...options,
          fetch: token.fetch,
          key: '',
          signal,
          onAttempt: undefined,
          onAnswer: undefined,
          onWait: wait,
        },
      );
      if (!response.ok) {
        throw response;
      }
      key = (await response.json()).token as string;
    }
    return { key: key ?? newKey(), at: Date.now(), token: !!key };
  }

  /** One key at a time, however many ask. */
  const current = (): Promise<Kept> =>
    (making ??= make()
      .then((made) => kept ?? keep(made))
      .finally(() => (making = undefined)));

  /** Takes up what this tab knows of the form. */
  function begin(back: boolean): void {
    // Without storage, a page that comes out of the browser's cache still knows its key.
    const before: Kept | null =
      keepIn('sessionStorage', (forms) => JSON.parse(forms.getItem(item)!)) ?? kept;
    const same =
      before &&
      (before.key === given ||
        (before.done
          ? back
          : // A newly rendered token would be a new operation, and what became of this one is not known.
            !options.key && (!rendered || firstSent(before))));
    keep(same ? before! : fresh(given));
    say(kept?.done ? 'done' : kept && firstSent(kept) ? 'unknown' : 'ready');
    // The sooner the key is there, the more tabs share it. What fails here is tried again with the submission.
    current().catch(() => {});
  }

  // ---- a submission

  function wait(event: WaitEvent): void {
    if (working) {
      say(event.reason, event);
    }
  }

  const plain = (
    data: FormData,
    _: HTMLFormElement,
    submitter: HTMLElement | null,
  ): FormRequest => ({
    body: /^multipart/i.test(attribute('enctype', submitter)!)
      ? data
      : new URLSearchParams(data as unknown as Record<string, string>),
  });

  /** Sends it, and tells how it ended. */
  async function submit(data: FormData, submitter: HTMLElement | null): Promise<Ending> {
    for (let again = false; ; again = true) {
      const now = await current();
      const { key, at, token } = now;
      if (field()) {
        data.set(fieldName, key);
      }
      const made = await (options.request ?? plain)(data, form, submitter);
      if (!made) {
        return [status, detail, said];
      }
      const first = firstSent(now);
      const age = Date.now() - first! || 0;
      if (age > keyLifetime) {
        // The service may have forgotten it, and would run it once more.
        return ['expired', {}, 'lookUp'];
      }
      const { shared, alone, undo } = mark(key);
      keep({ ...now, sent: first || Date.now() });
      let sent = false;
      // Whether it is certain that nothing ran under the key: by all attempts of all tabs, and by all but the last.
      let none =
        !first && (shared || (!persisted && key !== given)) && Date.now() - at < keyLifetime;
      let noneBefore = none;
      let response: Response;
      let answer!: Answer;
      const forget = () => {
        undo();
        keep({ ...now, sent: first });
      };
      try {
        response = await idempotentFetch(made.url ?? attribute('action', submitter) ?? '', {
          ...options,
          method: 'POST',
          ...made,
          timeout: Math.min(made.timeout ?? options.timeout ?? 60_000, keyLifetime - age),
          headers: Object.fromEntries([...headers(), ...new Headers(made.headers)]),
          key,
          signal,
          onAttempt(event) {
            sent = true;
            say('sending');
            options.onAttempt?.(event);
          },
          onAnswer(event) {
            answer = event.answer!;
            noneBefore = none;
            none &&= !!answer?.nothingRan;
            options.onAnswer?.(event);
          },
          onWait(event) {
            wait(event);
            options.onWait?.(event);
          },
        });
      } catch (error) {
        if (!sent) {
          forget();
        }
        return ['unknown', { error }];
      }
      // Another tab may have sent it meanwhile.
      noneBefore &&= alone();
      none &&= noneBefore;
      if (none) {
        forget();
      }
      const { kind, cause } = answer;
      const outcome = { key, response, answer };
      if (/^token-/.test(cause!)) {
        if (none && token && !again) {
          keep(null);
          continue;
        }
        return ['expired', outcome, 'lookUp'];
      }
      if (cause === 'key-reused') {
        return ['changed', outcome];
      }
      if (kind === 'busy') {
        return [kind, outcome];
      }
      // An error that is replayed is no refusal, and all that will ever be told.
      if (kind === 'unknown' || (kind !== 'refused' && answer.status > 499)) {
        return ['unknown', outcome, answer.retryable ? 'unknown' : 'lookUp'];
      }
      if (answer.status < 400) {
        keep({ ...kept!, done: true });
        return ['done', outcome, kind === 'ran' ? 'done' : kind];
      }
      if (kind === 'replayed' || answer.kept || noneBefore) {
        // This is the operation's own answer, or nothing was ever sent but this: the next one is another.
        // A rendered token stays: only the service can make another.
        const next = options.token ? undefined : rendered;
        if (key !== next) {
          keep(fresh(next));
          current().catch(() => {});
        }
        return ['refused', outcome];
      }
      // It tells of this attempt, and not of those before.
      return ['unknown', outcome];
    }
  }

  function onSubmit(event: SubmitEvent): void {
    const submitter = event.submitter as HTMLButtonElement | null;
    // Somebody else has found it wanting, or the button says that this is no POST: "Cancel", for example.
    if (event.defaultPrevented || /^[gd]/.test(submitter?.formMethod!)) {
      return;
    }
    event.preventDefault();
    if (working || status === 'done') {
      return;
    }
    // Before the button is disabled, or it would not be among the fields.
    const data = new FormData(form, submitter);
    const focused = document.activeElement as HTMLElement | null;
    working = true;
    show();
    submit(data, submitter)
      // No token, or the page's own request failed.
      .catch((error): Ending => ['unknown', { error }])
      .then((ending) => {
        working = false;
        say(...ending);
        if (document.activeElement === document.body) {
          focused?.focus();
        }
      });
  }

  async function renew(key?: string): Promise<void> {
    if (working) {
      throw new Error('Still running');
    }
    keep(fresh(key));
    if (!key && rendered && !options.token) {
      // Only the service can make another.
      location.reload();
      return;
    }
    say('ready');
    await current();
  }

  function listen<E extends Event>(target: EventTarget, type: string, call: (event: E) => void) {
    target.addEventListener(type, call as EventListener, { signal });
  }

  listen(form, 'submit', onSubmit);
  // Browsers keep what is disabled, and show it so when the page is back.
  listen(window, 'pagehide', open);
  listen(window, 'pageshow', ({ persisted: back }: PageTransitionEvent) => {
    if (working) {
      show();
    } else if (back) {
      // The same form may have been opened anew in this tab meanwhile.
      begin(back);
    }
  });

  if (output) {
    output.role = 'status'; // polite by itself
    if (!options.status) {
      form.append(output);
    }
  }
  tidy();
  begin(
    (performance.getEntriesByType('navigation')[0] as PerformanceNavigationTiming)?.type ===
      'back_forward',
  );

  return {
    get status() {
      return status;
    },
    key: () => current().then(({ key }) => key),
    renew,
    setTexts(next) {
      texts = { ...english, ...next };
      show();
    },
    release() {
      ended.abort();
      open();
      form.ariaBusy = null;
      if (output && !options.status) {
        output.remove();
      }
    },
  };
}
