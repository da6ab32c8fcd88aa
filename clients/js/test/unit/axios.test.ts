import { Readable } from 'node:stream';
import axios, { AxiosError } from 'axios';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type AxiosIdempotency, idempotentAdapter } from '../../src/axios.js';
import { NoAnswerError } from '../../src/index.js';
import { answer, breakOff, drop, problem, Script, silence } from './server.js';

const server = new Script();
beforeAll(() => server.start());
afterAll(() => server.stop());

const FAST: AxiosIdempotency = { baseDelay: 5, maxDelay: 20 };

// In Node, axios has two adapters of its own.
describe.each(['http', 'fetch'] as const)('on the adapter %s', (name) => {
  const client = axios.create({ adapter: idempotentAdapter(FAST, axios.getAdapter(name)) });
  const JSON_TYPE = { 'Content-Type': 'application/json' };

  test('one key and one body for all attempts', async () => {
    server.play(drop, breakOff, answer(503), answer(201, JSON_TYPE, '{"id":7}'));
    const response = await client.post(server.url, { amount: 1 });
    expect(response.status).toBe(201);
    expect(response.data).toEqual({ id: 7 });
    expect(server.received).toHaveLength(4);
    expect(server.keys.size).toBe(1);
    expect(server.received[0]!.key).toMatch(/^[0-9a-f-]{36}$/);
    expect(new Set(server.received.map(({ body }) => body))).toEqual(new Set(['{"amount":1}']));
  });

  test('a key and bounds for one request', async () => {
    server.play(answer(503));
    const error: AxiosError = await client
      .post(server.url, {}, { idempotency: { key: 'k-1', attempts: 2 } })
      .catch((e) => e);
    expect(error).toBeInstanceOf(AxiosError);
    expect(error.response!.status).toBe(503);
    expect(server.received.map(({ key }) => key)).toEqual(['k-1', 'k-1']);
  });

  test('refusals are final, and come as axios has them', async () => {
    server.play(problem(422, 'key-reused', false));
    await expect(client.post(server.url, {})).rejects.toMatchObject({
      isAxiosError: true,
      response: { status: 422 },
    });
    expect(server.received).toHaveLength(1);
  });

  test('busy is waited out', async () => {
    const busy = problem(409, 'in-progress', true);
    server.play(busy, busy, answer(201));
    const { status } = await client.post(server.url, {}, { idempotency: { attempts: 2 } });
    expect(status).toBe(201);
  });

  test('retryable: false counts more than a 503', async () => {
    server.play(problem(503, 'over', false));
    await expect(client.post(server.url, {})).rejects.toMatchObject({ response: { status: 503 } });
    expect(server.received).toHaveLength(1);
  });

  test('without an answer', async () => {
    server.play(drop);
    await expect(client.post(server.url, {})).rejects.toBeInstanceOf(NoAnswerError);
    server.play(silence, answer(201));
    expect((await client.post(server.url, {}, { timeout: 50 })).status).toBe(201);
  });

  test('an abort ends all, also during a pause', async () => {
    server.play(answer(503, { 'Retry-After': '30' }));
    const controller = new AbortController();
    const sent = client.post(server.url, {}, { signal: controller.signal });
    await vi.waitFor(() => expect(server.received).toHaveLength(1));
    controller.abort();
    await expect(sent).rejects.toSatisfy((error) => axios.isCancel(error));
    expect(server.received).toHaveLength(1);
  });

  test('a form that axios made of an object is sent again as it was', async () => {
    server.play(drop, answer(201));
    expect((await client.postForm(server.url, { amount: 1 })).status).toBe(201);
    const [first, second] = server.received;
    expect(first!.body).toContain('name="amount"');
    expect(second!.body).toBe(first!.body);
    expect(second!.body).toContain(/boundary=(.*)/.exec(second!.type!)![1]);
  });

  test('a form with a stream in it cannot be sent twice', async () => {
    server.play(answer(201));
    const { default: Form } = await import('form-data');
    const form = new Form();
    form.append('file', Readable.from(['x']), { filename: 'x.txt', knownLength: 1 });
    await expect(client.post(server.url, form)).rejects.toMatchObject({ code: 'ERR_BAD_OPTION' });
    expect(server.received).toHaveLength(0);
  });

  test('GET has no key', async () => {
    server.play(drop, answer(200));
    expect((await client.get(server.url)).status).toBe(200);
    expect(server.received.map(({ key }) => key)).toEqual([undefined, undefined]);
  });
});
