import { describe, expect, test } from 'vitest';
import { classify, newKey } from '../../src/index.js';

const of = (status: number, headers: Record<string, string> = {}, body?: unknown) =>
  classify(
    new Response(body === undefined ? null : JSON.stringify(body), {
      status,
      headers: {
        ...(body !== undefined && { 'Content-Type': 'application/problem+json' }),
        ...headers,
      },
    }),
  );

const idem = (status: number, slug: string, retryable: boolean, headers = {}) =>
  of(status, headers, { type: `https://pay.example/idempotency/problems/${slug}`, retryable });

describe('classify', () => {
  // Every problem of docs/http.md: what it means, whether to try again, whether nothing ran under the key by this request.
  test.each([
    ['key-missing', 400, false, 'refused', true],
    ['key-malformed', 400, false, 'refused', true],
    ['key-not-supported', 501, false, 'refused', true],
    ['caller-required', 403, false, 'refused', true],
    ['source-foreign', 403, false, 'refused', true],
    ['stale-request', 412, false, 'refused', true],
    ['token-invalid', 400, false, 'refused', true],
    ['token-expired', 400, false, 'refused', true],
    ['token-foreign', 403, false, 'refused', true],
    ['token-not-issued', 404, false, 'refused', false],
    ['request-malformed', 400, false, 'refused', true],
    ['request-too-large', 413, false, 'refused', true],
    ['key-reused', 422, false, 'refused', false],
    ['in-progress', 409, true, 'busy', false],
    ['in-progress', 425, true, 'busy', false],
    ['outcome-unknown', 409, false, 'unknown', false],
    ['answer-not-stored', 409, false, 'unknown', false],
    ['store-unavailable', 503, true, 'unknown', false],
    ['illegal-transition', 409, false, 'refused', false],
    ['object-not-found', 404, false, 'refused', false],
    ['contention', 503, true, 'refused', true],
    ['contention-unsettled', 409, false, 'unknown', false],
    ['store-unsettled', 409, false, 'unknown', false],
  ])('%s %i', async (slug, status, retryable, kind, nothingRan) => {
    expect(await idem(status, slug, retryable)).toMatchObject({
      kind,
      status,
      retryable,
      cause: slug,
      nothingRan,
    });
  });

  // As a service stores it that passes on what another one told it.
  test.each([
    ['outcome-unknown', 'unknown'],
    ['store-unsettled', 'unknown'],
    ['illegal-transition', 'replayed'],
  ])('%s that is replayed', async (slug, kind) => {
    expect(await idem(409, slug, false, { 'Idempotent-Replayed': 'true' })).toMatchObject({
      kind,
      retryable: false,
      nothingRan: false,
    });
  });

  test.each([
    [200, 'ran', false],
    [303, 'ran', false],
    [400, 'refused', false],
    [402, 'refused', false],
    [408, 'unknown', true],
    [409, 'refused', false],
    [425, 'refused', true],
    [429, 'refused', true],
    [500, 'unknown', true],
    [501, 'refused', false],
    [502, 'unknown', true],
    [503, 'unknown', true],
    [504, 'unknown', true],
    [505, 'unknown', false],
  ])('a plain %i', async (status, kind, retryable) => {
    expect(await of(status)).toMatchObject({ kind, retryable, problem: undefined });
  });

  test('a replay is one whatever its status', async () => {
    for (const status of [201, 402, 408, 500]) {
      expect(await of(status, { 'Idempotent-Replayed': 'true' })).toMatchObject({
        kind: 'replayed',
        retryable: false,
        nothingRan: false,
      });
    }
  });

  test('what a service says of retries counts more than the status', async () => {
    expect((await of(503, {}, { retryable: false })).retryable).toBe(false);
    expect((await of(422, {}, { retryable: true })).retryable).toBe(true);
  });

  test('a request that nothing protects is not tried again', async () => {
    expect(await of(503, { 'Idempotency-Key-Ignored': 'true' })).toMatchObject({
      retryable: false,
      ignored: true,
    });
  });

  test('tells whether the answer is kept', async () => {
    expect((await of(201, { 'Idempotency-Key-Lifetime': 'PT24H' })).kept).toBe(true);
    expect((await of(201)).kept).toBe(false);
  });

  test('Retry-After in seconds, as a date by the clock of the service, and neither', async () => {
    const after = async (headers: Record<string, string>) => (await of(503, headers)).retryAfter;
    expect(await after({ 'Retry-After': '7' })).toBe(7_000);
    expect(
      await after({
        'Retry-After': 'Wed, 21 Oct 2015 07:28:30 GMT',
        Date: 'Wed, 21 Oct 2015 07:28:00 GMT',
      }),
    ).toBe(30_000);
    const date = new Date(Date.now() + 60_000).toUTCString();
    expect(await after({ 'Retry-After': date })).toBeGreaterThan(50_000);
    expect(await after({ 'Retry-After': 'Wed, 21 Oct 2015 07:28:30 GMT' })).toBeUndefined();
    expect(await after({ 'Retry-After': 'soon' })).toBeUndefined();
    expect(await after({})).toBeUndefined();
  });

  test('a 409 with Retry-After is busy, also where that is now', async () => {
    expect((await of(409, { 'Retry-After': '0' })).kind).toBe('busy');
    expect((await of(409)).kind).toBe('refused');
  });

  test('bodies stay readable, and those that are no JSON do no harm', async () => {
    const headers = { 'Content-Type': 'application/problem+json; charset=UTF-8' };
    const response = new Response('{"type":"/x/in-progress","retryable":true}', {
      status: 409,
      headers,
    });
    expect((await classify(response)).kind).toBe('busy');
    expect(await response.json()).toMatchObject({ retryable: true });
    expect((await classify(response)).problem).toBeUndefined();
    for (const body of ['', 'null', '[]', '7', '{"type":7}', '<html>']) {
      expect((await classify(new Response(body, { status: 503, headers }))).kind).toBe('unknown');
    }
  });
});

test('keys are UUIDv7 of now, and never the same', () => {
  const before = Date.now();
  const keys = Array.from({ length: 1_000 }, newKey);
  const after = Date.now();
  for (const key of keys) {
    expect(key).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const time = parseInt(key.replace('-', '').slice(0, 12), 16);
    expect(time).toBeGreaterThanOrEqual(before);
    expect(time).toBeLessThanOrEqual(after);
  }
  expect(new Set(keys).size).toBe(1_000);
});
