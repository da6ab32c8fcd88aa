import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject } from 'vitest';
import { CHROMIUM } from './chromium.js';
import { Proxy } from './proxy.js';

/** What the tests of guarded forms have in common: a form, a bad network, and the ledger that says what was paid. */

export const PAY = '/api/payments';
export const TOKENS = '/idempotency/tokens';
const AUTHORIZATION = `Basic ${Buffer.from('alice:alice').toString('base64')}`;

/**
 * An answer that breaks off. Where none begins, Chromium may send the request again by itself, with the same key.
 */
export const LOST = { drop: 'midway' } as const;

const service = inject('shared');
export let proxy: Proxy;
export let browser: BrowserContext;
/** A new tab for each test. */
export let page: Page;
/** What this test pays with, and no other. */
export let reference: string;
let profile: string;

/** A form as an application has it, with options that a test may add to by `?tokens` and so on. */
export const FORM = (hidden = '') => `<!doctype html><meta charset="utf-8"><title>Pay</title>
<form id="pay" method="post" action="${PAY}">
  ${hidden}
  <input name="amount" id="amount" required pattern="[0-9]+" value="1">
  <input name="reference" id="reference">
  <button id="submit">Pay</button>
</form>
<button form="pay" id="outside">Pay from outside</button>
<script src="/idem.js"></script>
<script>
  const params = new URLSearchParams(location.search);
  window.said = [];
  window.attempts = [];
  const options = {
    headers: { Authorization: '${AUTHORIZATION}', 'X-Requested-With': 'XMLHttpRequest' },
    baseDelay: 20,
    maxDelay: 100,
    request: (data) => ({
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ from: 'alice', to: 'bob', currency: 'EUR',
        amount: Number(data.get('amount')), reference: data.get('reference') }),
    }),
    onStatus: (status, detail) => { said.push(status); window.detail = detail; },
    onAnswer: (event) => attempts.push({ kind: event.answer?.kind, status: event.answer?.status, delay: event.delay }),
  };
  if (params.has('tokens')) options.token = { operation: 'payments.pay' };
  for (const name of ['attempts', 'timeout', 'attemptTimeout', 'keyLifetime']) {
    if (params.has(name)) options[name] = Number(params.get(name));
  }
  window.guard = Idem.guardForm(document.getElementById('pay'), options);
</script>`;

/** Starts what each test of this file needs, and ends it. */
export function useForm(): void {
  beforeAll(async () => {
    profile = await mkdtemp(path.join(tmpdir(), 'idem-chromium-'));
    // With a profile on disk a new page takes a third less work than in a context of its own.
    browser = await chromium.launchPersistentContext(profile, {
      ...CHROMIUM,
      // Playwright switches the back/forward cache off.
      ignoreDefaultArgs: ['--disable-back-forward-cache'],
    });
    proxy = await new Proxy(service).start();
    const script = await readFile(
      path.join(import.meta.dirname, '../../dist/idem-client.iife.js'),
      'utf8',
    );
    proxy.pages.set('/idem.js', { type: 'text/javascript', body: script });
    proxy.pages.set('/form', { type: 'text/html', body: FORM() });
    proxy.pages.set('/elsewhere', { type: 'text/html', body: '<!doctype html><h1>Elsewhere</h1>' });
  });

  afterAll(async () => {
    await browser?.close();
    await proxy?.stop();
    if (profile) {
      await rm(profile, { recursive: true, force: true });
    }
  });

  beforeEach(async () => {
    proxy.reset();
    reference = `case ${randomUUID()}`;
    page = await browser.newPage();
  });

  afterEach(async () => {
    await browser.setOffline(false);
    for (const one of browser.pages()) {
      await one.close();
    }
  });
}

export async function open(query = '', at = '/form', on = page): Promise<void> {
  await on.goto(`${proxy.url}${at}${query}`);
  await on.fill('#reference', reference);
  await on.evaluate('guard.key()');
}

export const status = (on = page) => on.evaluate<string>('guard.status');
export const said = (on = page) => on.evaluate<string[]>('said');
export const text = (on = page) => on.textContent('[role=status]');
export const disabled = (selector = '#submit', on = page) => on.isDisabled(selector);

/** Waits until the form is at this. */
export async function reached(wanted: string, on = page): Promise<void> {
  await expect.poll(() => status(on), { timeout: 10_000, interval: 20 }).toBe(wanted);
}

export const sent = async (times: number) =>
  expect.poll(() => proxy.posts(PAY).length, { timeout: 10_000, interval: 10 }).toBe(times);

/** What the service's own ledger says was paid under this test's reference. */
export async function paid(): Promise<{ amount: number; reference: string }[]> {
  const answer = await fetch(`${service}${PAY}?limit=200`, {
    headers: { Authorization: AUTHORIZATION },
  });
  const all = (await answer.json()) as { amount: number; reference: string }[];
  return all.filter((payment) => payment.reference === reference);
}

export async function effects(times: number): Promise<void> {
  await expect
    .poll(async () => (await paid()).length, { timeout: 10_000, interval: 20 })
    .toBe(times);
}

/** A page that wants to know of its end is loaded again when the user comes back. */
export const keepOutOfCache = () => page.evaluate('addEventListener("unload", () => {})');

export const keys = () => new Set(proxy.posts(PAY).map(({ key }) => key));
