import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  type AnswerEvent,
  type AttemptEvent,
  classify,
  idempotentFetch,
  type IdempotentInit,
  NoAnswerError,
  type WaitEvent,
} from '../../src/index.js';
import { answer, breakOff, drop, problem, Script, silence } from './server.js';

const server = new Script();
const FAST: IdempotentInit = { method: 'POST', body: '{"n":1}', baseDelay: 5, maxDelay: 20 };
const send = (init: IdempotentInit = {}) => idempotentFetch(server.url, { ...FAST, ...init });

beforeAll(() => server.start());
afterAll(() => server.stop());
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe('one key', () => {
  test('is made once and sent with every attempt, as is the body', async () => {
    server.play(drop, breakOff, answer(503), answer(201, {}, 'paid'));
    const response = await send();
    expect(response.status).toBe(201);
    expect(await response.text()).toBe('paid');
    expect(server.received).toHaveLength(4);
    expect(server.keys.size).toBe(1);
    expect(server.received[0]!.key).toMatch(/^[0-9a-f-]{36}$/);
    expect(new Set(server.received.map(({ body }) => body))).toEqual(new Set(['{"n":1}']));
  });

  test('differs between operations', async () => {
    server.play(answer(201));
    await send();
    await send();
    expect(server.keys.size).toBe(2);
  });

  test.each<[string, IdempotentInit, string]>([
    ['of the caller', { key: 'k-1' }, 'k-1'],
    ['in quotes', { key: 'k-1', quoted: true }, '"k-1"'],
    ['of a header that is set', { headers: { 'idempotency-key': 'k-2' } }, 'k-2'],
  ])('%s', async (_, init, key) => {
    server.play(drop, answer(201));
    await send(init);
    expect(server.received.map((one) => one.key)).toEqual([key, key]);
  });

  test('in another header', async () => {
    server.play((request, response) => response.end(String(request.headers['paypal-request-id'])));
    expect(await (await send({ header: 'PayPal-Request-Id', key: 'k' })).text()).toBe('k');
    expect(server.received[0]!.key).toBeUndefined();
  });

  test.each(['GET', 'HEAD', 'OPTIONS'])(
    'is not sent with %s, which is tried again',
    async (method) => {
      server.play(drop, answer(200));
      const { body: _, ...bounds } = FAST;
      expect((await idempotentFetch(server.url, { ...bounds, method })).status).toBe(200);
      expect(server.received.map(({ key }) => key)).toEqual([undefined, undefined]);
    },
  );
});

describe('bodies', () => {
  test('forms, bytes, parameters and requests are sent again as they were', async () => {
    const form = new FormData();
    form.set('file', new Blob(['content']), 'a.txt');
    for (const body of [form, new Uint8Array([65, 66]), new URLSearchParams({ a: '1' })]) {
      server.play(drop, answer(201));
      await send({ body });
      const [first, second] = server.received;
      expect(second!.body).toBe(first!.body);
      expect(second!.type).toBe(first!.type);
      expect(first!.body).not.toBe('');
    }
    server.play(drop, answer(201));
    const request = new Request(server.url, { method: 'POST', body: 'from a request' });
    await idempotentFetch(request, { baseDelay: 5 });
    expect(server.received.map(({ body }) => body)).toEqual(['from a request', 'from a request']);
  });

  test('streams are refused, or sent once', async () => {
    server.play(drop);
    const streams = [
      () => new Blob(['x']).stream() as unknown as BodyInit,
      () => Readable.from(['x']) as unknown as BodyInit,
    ];
    for (const stream of streams) {
      await expect(send({ body: stream() })).rejects.toThrow(/stream/);
    }
    expect(server.received).toHaveLength(0);
    for (const stream of streams) {
      const init = { body: stream(), duplex: 'half', attempts: 1 } as IdempotentInit;
      await expect(send(init)).rejects.toThrow(NoAnswerError);
    }
    expect(server.received.map(({ body }) => body)).toEqual(['x', 'x']);
  });

  test('what cannot be sent at all is told at once', async () => {
    await expect(idempotentFetch('http://', FAST)).rejects.toThrow(TypeError);
    await expect(send({ key: 'line\nbreak' })).rejects.toThrow(TypeError);
  });
});

describe('answers', () => {
  test.each([400, 401, 402, 403, 404, 409, 410, 412, 413, 415, 422, 501])(
    'a %i is final',
    async (status) => {
      server.play(answer(status));
      expect((await send()).status).toBe(status);
      expect(server.received).toHaveLength(1);
    },
  );

  test.each([408, 425, 429, 500, 502, 503, 504])('a %i is tried again', async (status) => {
    server.play(answer(status), answer(201));
    expect((await send()).status).toBe(201);
  });

  test('retryable is honoured both ways', async () => {
    server.play(problem(503, 'over', false));
    expect((await send()).status).toBe(503);
    expect(server.received).toHaveLength(1);
    server.play(problem(422, 'soon', true), answer(201));
    expect((await send()).status).toBe(201);
  });

  test('busy is waited out, however often, within the time', async () => {
    const busy = problem(409, 'in-progress', true);
    server.play(busy, busy, busy, busy, answer(201, { 'Idempotent-Replayed': 'true' }));
    expect((await classify(await send({ attempts: 2 }))).kind).toBe('replayed');
    server.play(problem(409, 'in-progress', true, { 'Retry-After': '10' }));
    const last = await send({ timeout: 5_000 });
    expect((await classify(last)).kind).toBe('busy');
    expect(server.received).toHaveLength(1);
  });

  test.each([401, 404, 422, 501])(
    'a %i that a redirect led to says nothing of the operation',
    async (status) => {
      server.play(answer(303, { Location: '/receipt' }), answer(status));
      const { kind, nothingRan } = await classify(await send());
      expect(server.received.map(({ method }) => method)).toEqual(['POST', 'GET']);
      expect({ kind, nothingRan }).toEqual({ kind: 'unknown', nothingRan: false });
    },
  );

  test('what a redirect led to is believed where it says that it is kept', async () => {
    const kept = { 'Idempotency-Key-Lifetime': 'PT24H' };
    server.play(answer(308, { Location: '/moved' }), answer(402, kept));
    expect((await classify(await send())).kind).toBe('refused');
    server.play(answer(303, { Location: '/receipt' }), answer(200));
    expect((await classify(await send())).kind).toBe('ran');
  });

  test('outcome-unknown ends it', async () => {
    server.play(drop, problem(409, 'outcome-unknown', false));
    expect((await classify(await send())).cause).toBe('outcome-unknown');
    expect(server.received).toHaveLength(2);
  });
});

describe('pauses', () => {
  const delays = (events: AnswerEvent[]) => events.map(({ delay }) => delay);

  test('grow exponentially up to a bound, with full jitter', async () => {
    const events: AnswerEvent[] = [];
    const random = vi.spyOn(Math, 'random').mockReturnValue(0.5);
    server.play(answer(503));
    await send({ baseDelay: 4, maxDelay: 20, onAnswer: (event) => events.push(event) });
    expect(delays(events)).toEqual([2, 4, 8, 10, 10, undefined]);
    events.length = 0;
    random.mockReturnValue(0);
    await send({ onAnswer: (event) => events.push(event) });
    expect(delays(events)).toEqual([0, 0, 0, 0, 0, undefined]);
  });

  test('are not shorter than Retry-After', async () => {
    server.play(answer(429, { 'Retry-After': '1' }), answer(201));
    await send();
    const [first, second] = server.received;
    expect(second!.at - first!.at).toBeGreaterThanOrEqual(999);
  });

  test('end with the last answer where Retry-After is beyond the time', async () => {
    server.play(answer(503, { 'Retry-After': '3600' }));
    expect((await send()).status).toBe(503);
    expect(server.received).toHaveLength(1);
  });
});

describe('bounds', () => {
  test('of attempts', async () => {
    server.play(drop);
    const error: NoAnswerError = await send({ attempts: 3, key: 'k' }).catch((e) => e);
    expect(error).toBeInstanceOf(NoAnswerError);
    expect(error).toMatchObject({ key: 'k', attempts: 3 });
    expect(error.cause).toBeInstanceOf(TypeError);
    expect(server.received).toHaveLength(3);
  });

  test('of one attempt', async () => {
    server.play(silence, answer(201));
    expect((await send({ attemptTimeout: 300 })).status).toBe(201);
    expect(server.received).toHaveLength(2);
  });

  test('of the whole time, also for an attempt that is under way', async () => {
    server.play(silence);
    const start = performance.now();
    const error: NoAnswerError = await send({ timeout: 100 }).catch((e) => e);
    expect(error).toMatchObject({ name: 'NoAnswerError', attempts: 1 });
    expect(error.cause).toMatchObject({ name: 'TimeoutError' });
    expect(performance.now() - start).toBeLessThan(5_000);
  });

  test('a machine that slept does not send what the service may have forgotten', async () => {
    const now = Date.now;
    let slept = 0;
    vi.spyOn(Date, 'now').mockImplementation(() => now() + slept);
    const onWait = () => void (slept = 2 * 86_400_000);
    server.play(drop, answer(201));
    await expect(send({ onWait })).rejects.toMatchObject({ name: 'NoAnswerError', attempts: 1 });
    expect(server.received).toHaveLength(1);
    slept = 0;
    server.play(answer(503), answer(201));
    expect((await send({ onWait })).status).toBe(503);
    expect(server.received).toHaveLength(1);
  });

  test('an endless time is none', async () => {
    server.play(drop, answer(201));
    expect((await send({ timeout: Infinity, attemptTimeout: Infinity })).status).toBe(201);
  });
});

describe('abort', () => {
  test('before, during an attempt and during a pause rejects with the reason', async () => {
    const reason = new Error('changed my mind');
    server.play(silence);
    await expect(send({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(server.received).toHaveLength(0);

    const during = new AbortController();
    const attempt = send({ signal: during.signal });
    await vi.waitFor(() => expect(server.received).toHaveLength(1));
    during.abort(reason);
    await expect(attempt).rejects.toBe(reason);

    server.play(answer(503, { 'Retry-After': '30' }));
    const pausing = new AbortController();
    const pause = send({ signal: pausing.signal, onWait: () => pausing.abort(reason) });
    await expect(pause).rejects.toBe(reason);
    expect(server.received).toHaveLength(1);
  });

  test('by the signal of a request', async () => {
    server.play(silence);
    const controller = new AbortController();
    const request = new Request(server.url, { method: 'POST', signal: controller.signal });
    const attempt = idempotentFetch(request);
    await vi.waitFor(() => expect(server.received).toHaveLength(1));
    controller.abort();
    await expect(attempt).rejects.toMatchObject({ name: 'AbortError' });
  });

  test('does not reach what is answered', async () => {
    server.play(answer(201, {}, 'whole'));
    const controller = new AbortController();
    const response = await send({ signal: controller.signal });
    controller.abort();
    expect(await response.text()).toBe('whole');
  });
});

describe('offline', () => {
  function browser(onLine: boolean) {
    const events = new EventTarget();
    const navigator = { onLine };
    vi.stubGlobal('navigator', navigator);
    vi.stubGlobal('addEventListener', events.addEventListener.bind(events));
    return {
      goOnline() {
        navigator.onLine = true;
        events.dispatchEvent(new Event('online'));
      },
    };
  }

  test('waits for the network, and no attempt is spent on that', async () => {
    server.play(answer(201));
    const { goOnline } = browser(false);
    const waits: WaitEvent[] = [];
    const sent = send({
      attempts: 1,
      onWait(event) {
        waits.push(event);
        setTimeout(goOnline);
      },
    });
    expect((await sent).status).toBe(201);
    expect(waits.map(({ reason }) => reason)).toEqual(['offline']);
  });

  test.each([
    ['without the events of a browser', undefined],
    ['with events that never come', () => {}],
  ])('is looked at again, %s', async (_, listen) => {
    server.play(answer(201));
    let looks = 0;
    const from = Date.now();
    vi.stubGlobal('navigator', {
      get onLine() {
        looks++;
        return Date.now() > from + 200;
      },
    });
    vi.stubGlobal('addEventListener', listen);
    const onWait = vi.fn<(event: WaitEvent) => void>();
    expect((await send({ onWait, timeout: 5_000 })).status).toBe(201);
    expect(onWait).toHaveBeenCalledTimes(1);
    expect(looks).toBeLessThan(20);
  });

  test('not beyond the time, and gives the answer that there was', async () => {
    server.play(answer(503));
    const { goOnline } = browser(true);
    const onAnswer = () => vi.stubGlobal('navigator', { onLine: false });
    goOnline();
    expect((await send({ timeout: 1_000, onAnswer })).status).toBe(503);
    expect(server.received).toHaveLength(1);
  });

  test('not beyond the time, and says that nothing was sent', async () => {
    server.play(answer(201));
    browser(false);
    await expect(send({ timeout: 50 })).rejects.toMatchObject({ attempts: 0 });
    expect(server.received).toHaveLength(0);
  });
});

test('hooks tell of every attempt, for a timeline', async () => {
  server.play(drop, problem(409, 'in-progress', true), answer(201));
  const log: (AttemptEvent | AnswerEvent | WaitEvent)[] = [];
  const log_ = (event: (typeof log)[number]) => log.push(event);
  await send({ key: 'k', onAttempt: log_, onAnswer: log_, onWait: log_ });
  expect(log).toMatchObject([
    { key: 'k', attempt: 1 },
    { key: 'k', attempt: 1, error: expect.any(TypeError), delay: expect.any(Number) },
    { reason: 'waiting', delay: expect.any(Number) },
    { key: 'k', attempt: 2 },
    { key: 'k', attempt: 2, answer: { kind: 'busy' }, error: undefined },
    { reason: 'busy' },
    { key: 'k', attempt: 3 },
    { key: 'k', attempt: 3, answer: { kind: 'ran' }, delay: undefined, ms: expect.any(Number) },
  ]);
});
