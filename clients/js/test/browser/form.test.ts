import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { rolldown } from 'rolldown';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { gate, problem, Proxy } from './proxy.js';
import { type Service, startService } from './service.js';

const PAY = '/api/payments';
const TOKENS = '/idempotency/tokens';
const AUTHORIZATION = `Basic ${Buffer.from('alice:alice').toString('base64')}`;

/**
 * An answer that breaks off. Where none begins, Chromium may send the request again by itself, with the same key.
 */
const LOST = { drop: 'midway' } as const;

/** How long a token of the service under test is valid, in milliseconds. */
const TOKEN_LIFE = 2_000;

let service: Service;
let proxy: Proxy;
let browser: BrowserContext;
let profile: string;
let page: Page;
let reference: string;
let counter = 0;

/** A form as an application has it, with options that a test may add to by `?tokens` and so on. */
const FORM = (hidden = '') => `<!doctype html><meta charset="utf-8"><title>Pay</title>
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

beforeAll(async () => {
  profile = await mkdtemp(path.join(tmpdir(), 'idem-chromium-'));
  [service, browser] = await Promise.all([
    startService(`--idem.tokens.valid-for=${TOKEN_LIFE}ms`),
    chromium.launchPersistentContext(profile, {
      executablePath: process.env['IDEM_TEST_CHROMIUM'] ?? '/usr/bin/chromium',
      headless: true,
      // Playwright switches the back/forward cache off.
      ignoreDefaultArgs: ['--disable-back-forward-cache'],
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    }),
  ]);
  proxy = await new Proxy(service.url).start();
  const script = await readFile(
    path.join(import.meta.dirname, '../../dist/idem-client.iife.js'),
    'utf8',
  );
  proxy.pages.set('/idem.js', { type: 'text/javascript', body: script });
  proxy.pages.set('/form', { type: 'text/html', body: FORM() });
  proxy.pages.set('/rendered', {
    type: 'text/html',
    body: FORM('<input type="hidden" name="idempotency_token" value="draft-KEY">'),
  });
  const hooks = await rolldown({
    input: path.join(import.meta.dirname, 'hooks.tsx'),
    platform: 'browser',
    transform: { define: { 'process.env.NODE_ENV': '"development"' } },
  });
  const { output } = await hooks.generate({ format: 'iife' });
  proxy.pages.set('/hooks.js', { type: 'text/javascript', body: output[0].code });
  proxy.pages.set('/hooks', {
    type: 'text/html',
    body: '<!doctype html><meta charset="utf-8"><div id="app"></div><script src="/hooks.js"></script>',
  });
  proxy.pages.set('/elsewhere', { type: 'text/html', body: '<!doctype html><h1>Elsewhere</h1>' });
});

afterAll(async () => {
  await browser?.close();
  await proxy?.stop();
  await service?.stop();
  if (profile) {
    await rm(profile, { recursive: true, force: true });
  }
});

beforeEach(async () => {
  proxy.reset();
  reference = `case ${++counter}`;
  page = await browser.newPage();
});

afterEach(async () => {
  await browser.setOffline(false);
  for (const one of browser.pages()) {
    await one.close();
  }
});

async function open(query = '', at = '/form', on = page): Promise<void> {
  await on.goto(`${proxy.url}${at}${query}`);
  await on.fill('#reference', reference);
  await on.evaluate('guard.key()');
}

const status = (on = page) => on.evaluate<string>('guard.status');
const said = (on = page) => on.evaluate<string[]>('said');
const text = (on = page) => on.textContent('[role=status]');
const disabled = (selector = '#submit', on = page) => on.isDisabled(selector);

/** Waits until the form is at this. */
async function reached(wanted: string, on = page): Promise<void> {
  await expect.poll(() => status(on), { timeout: 10_000, interval: 20 }).toBe(wanted);
}

const sent = async (times: number) =>
  expect.poll(() => proxy.posts(PAY).length, { timeout: 10_000, interval: 10 }).toBe(times);

/** What the service's own ledger says was paid under this test's reference. */
async function paid(): Promise<{ amount: number; reference: string }[]> {
  const answer = await fetch(`${service.url}${PAY}?limit=200`, {
    headers: { Authorization: AUTHORIZATION },
  });
  const all = (await answer.json()) as { amount: number; reference: string }[];
  return all.filter((payment) => payment.reference === reference);
}

async function effects(times: number): Promise<void> {
  await expect
    .poll(async () => (await paid()).length, { timeout: 10_000, interval: 20 })
    .toBe(times);
}

/** A page that wants to know of its end is loaded again when the user comes back. */
const keepOutOfCache = () => page.evaluate('addEventListener("unload", () => {})');

const keys = () => new Set(proxy.posts(PAY).map(({ key }) => key));

describe('one submission at a time', () => {
  test('a double click pays once', async () => {
    await open();
    await page.dblclick('#submit');
    await reached('done');
    expect(proxy.posts(PAY)).toHaveLength(1);
    await effects(1);
  });

  test('a triple click, by either button, pays once, and more clicks do nothing when it is done', async () => {
    await open();
    await page.click('#outside', { clickCount: 3 });
    await reached('done');
    expect(await disabled('#submit')).toBe(true);
    await page.click('#submit', { force: true });
    await page.evaluate('document.querySelector("#pay").requestSubmit()');
    expect(proxy.posts(PAY)).toHaveLength(1);
    await effects(1);
  });

  test('buttons are disabled, the form is busy and says so while it is under way', async () => {
    const held = gate();
    proxy.fail(PAY, { after: held.opened });
    await open();
    await page.focus('#submit');
    await page.keyboard.press('Enter');
    await sent(1);
    expect(await disabled('#submit')).toBe(true);
    expect(await disabled('#outside')).toBe(true);
    expect(await page.getAttribute('#pay', 'aria-busy')).toBe('true');
    expect(await text()).toBe('Sending… ');
    await expect(page.evaluate('guard.renew()')).rejects.toThrow('Still running');
    held.open();
    await reached('done');
    expect(await page.getAttribute('#pay', 'aria-busy')).toBe('false');
  });

  test('Enter in a field and requestSubmit pay once', async () => {
    await open();
    await page.press('#reference', 'Enter');
    await page.evaluate('document.querySelector("#pay").requestSubmit()');
    await reached('done');
    expect(proxy.posts(PAY)).toHaveLength(1);
    await effects(1);
  });

  test('what is not valid is not sent', async () => {
    await open();
    await page.fill('#amount', 'much');
    await page.click('#submit');
    await page.evaluate('document.querySelector("#pay").requestSubmit()');
    expect(await page.evaluate('document.querySelector("#pay :invalid").id')).toBe('amount');
    expect(await status()).toBe('ready');
    expect(proxy.posts(PAY)).toHaveLength(0);
    await page.fill('#amount', '2');
    await page.click('#submit');
    await reached('done');
    await effects(1);
  });

  test('what another listener has refused is not sent', async () => {
    await open();
    await page.evaluate(
      'document.addEventListener("submit", (e) => { window.refused = true; e.preventDefault(); }, { capture: true, once: true })',
    );
    await page.click('#submit');
    expect(await page.evaluate('window.refused')).toBe(true);
    expect(proxy.posts(PAY)).toHaveLength(0);
    await page.click('#submit');
    await reached('done');
  });

  test('a button that says it is no POST is left to the browser', async () => {
    await open();
    for (const method of ['dialog', 'GET']) {
      await page.evaluate(`(() => {
        const cancel = document.querySelector('#outside');
        cancel.formMethod = '${method}';
        cancel.setAttribute('formaction', '/elsewhere');
      })()`);
      await page.click('#outside');
      if (method === 'GET') {
        await page.waitForURL('**/elsewhere?**');
      } else {
        expect(await status()).toBe('ready');
      }
    }
    expect(proxy.posts(PAY)).toHaveLength(0);
    await effects(0);
  });

  test('a new operation has a new key', async () => {
    await open();
    await page.click('#submit');
    await reached('done');
    await page.evaluate('guard.renew()');
    expect(await disabled()).toBe(false);
    await page.click('#submit');
    await reached('done');
    expect(keys().size).toBe(2);
    await effects(2);
  });
});

describe('one key until the outcome is known', () => {
  test('a reload while in flight', async () => {
    const held = gate();
    proxy.fail(PAY, { after: held.opened });
    await open();
    await page.click('#submit');
    await effects(1);
    await page.reload();
    await page.fill('#reference', reference);
    expect(await status()).toBe('unknown');
    await page.click('#submit');
    await reached('done');
    held.open();
    expect(proxy.posts(PAY)).toHaveLength(2);
    expect(keys().size).toBe(1);
    expect(await text()).toContain('Done before');
    await effects(1);
  });

  test('a reload before anything was sent keeps the key, and one after success has another', async () => {
    await open();
    const key = await page.evaluate('guard.key()');
    await page.reload();
    await page.fill('#reference', reference);
    expect(await page.evaluate('guard.key()')).toBe(key);
    await page.click('#submit');
    await reached('done');
    await page.reload();
    expect(await status()).toBe('ready');
    expect(await page.evaluate('guard.key()')).not.toBe(key);
  });

  test('the back button while in flight, with the page out of the cache', async () => {
    const held = gate();
    proxy.fail(PAY, { after: held.opened });
    await open();
    await keepOutOfCache();
    const key = await page.evaluate('guard.key()');
    await page.click('#submit');
    await effects(1);
    await page.goto(`${proxy.url}/elsewhere`);
    await page.goBack();
    await page.waitForFunction('window.guard');
    expect(await page.evaluate('guard.key()')).toBe(key);
    expect(await status()).toBe('unknown');
    await page.fill('#reference', reference);
    await page.click('#submit');
    await reached('done');
    held.open();
    expect(keys().size).toBe(1);
    await effects(1);
  });

  test('the back button after success, from the back/forward cache', async () => {
    await open();
    await page.evaluate('window.addEventListener("pageshow", (e) => (window.back = e.persisted))');
    await page.click('#submit');
    await reached('done');
    await page.goto(`${proxy.url}/elsewhere`);
    // Playwright does not know this cache: from here on, without it.
    const chrome = await browser.newCDPSession(page);
    const evaluate = async (expression: string) =>
      (await chrome.send('Runtime.evaluate', { expression })).result.value as unknown;
    await evaluate('history.back()');
    await expect.poll(() => evaluate('window.back').catch(() => undefined)).toBe(true);
    expect(await evaluate('guard.status')).toBe('done');
    expect(await evaluate('document.querySelector("#submit").disabled')).toBe(true);
    await evaluate('document.querySelector("#pay").requestSubmit()');
    expect(proxy.posts(PAY)).toHaveLength(1);
    await effects(1);
  });

  test('the back button after success, without that cache', async () => {
    await open();
    await keepOutOfCache();
    await page.click('#submit');
    await reached('done');
    await page.goto(`${proxy.url}/elsewhere`);
    await page.goBack();
    await page.waitForFunction('window.guard');
    expect(await status()).toBe('done');
    expect(await disabled()).toBe(true);
    await page.evaluate('guard.renew()');
    expect(await disabled()).toBe(false);
  });

  test('a duplicated tab is the same form', async () => {
    await open();
    const [twin] = await Promise.all([
      browser.waitForEvent('page'),
      // As "Duplicate" does: the new tab begins with a copy of sessionStorage.
      page.evaluate('void window.open(location.href)'),
    ]);
    await twin.waitForFunction('window.guard');
    await twin.fill('#reference', reference);
    expect(await twin.evaluate('guard.key()')).toBe(await page.evaluate('guard.key()'));
    await Promise.all([page.click('#submit'), twin.click('#submit')]);
    await reached('done');
    await reached('done', twin);
    expect(keys().size).toBe(1);
    await effects(1);
  });

  test('two tabs with the same rendered key are the same form', async () => {
    const key = `draft-${Date.now()}`;
    proxy.pages.set('/rendered', {
      type: 'text/html',
      body: FORM(`<input type="hidden" name="idempotency_token" value="${key}">`),
    });
    const twin = await browser.newPage();
    await open('', '/rendered');
    await open('', '/rendered', twin);
    await page.click('#submit');
    await reached('done');
    await twin.click('#submit');
    await reached('done', twin);
    expect([...keys()]).toEqual([key]);
    expect(await text(twin)).toContain('Done before');
    await effects(1);
  });

  test('two tabs that were opened apart are two operations', async () => {
    const other = await browser.newPage();
    await open();
    await open('', '/form', other);
    await page.click('#submit');
    await other.click('#submit');
    await reached('done');
    await reached('done', other);
    await effects(2);
  });

  test('other content after a lost answer is told, and not sent as new', async () => {
    proxy.fail(PAY, LOST);
    await open('?attempts=1');
    await page.click('#submit');
    await reached('unknown');
    await page.fill('#amount', '5');
    await page.click('#submit');
    await reached('changed');
    await page.fill('#amount', '1');
    await page.click('#submit');
    await reached('done');
    expect(keys().size).toBe(1);
    expect((await paid()).map(({ amount }) => amount)).toEqual([1]);
  });

  test('after a refusal that is known for certain, the next submission is another operation', async () => {
    await open();
    await page.fill('#amount', '99999999');
    await page.click('#submit');
    await reached('refused');
    expect(await page.evaluate('detail.answer.status')).toBe(402);
    await page.fill('#amount', '1');
    await page.click('#submit');
    await reached('done');
    expect(keys().size).toBe(2);
    await effects(1);
  });

  test('a refusal that says nothing of an earlier, lost attempt keeps the key', async () => {
    proxy.fail(PAY, LOST, problem(401, 'unauthorized', false));
    await open('?attempts=1');
    await page.click('#submit');
    await reached('unknown');
    await page.click('#submit');
    await sent(2);
    await reached('unknown');
    await expect.poll(() => disabled()).toBe(false);
    await page.click('#submit');
    await reached('done');
    expect(keys().size).toBe(1);
    await effects(1);
  });

  test('a key that is older than what the service keeps is not sent again', async () => {
    proxy.fail(PAY, LOST);
    await open('?attempts=1&keyLifetime=300');
    await page.click('#submit');
    await reached('unknown');
    const since = Date.now();
    await expect.poll(() => Date.now() - since).toBeGreaterThan(300);
    await page.click('#submit');
    await reached('expired');
    expect(proxy.posts(PAY)).toHaveLength(1);
    await effects(1);
  });
});

describe('a key is not taken for unsent', () => {
  test('when a page without storage comes out of the back/forward cache', async () => {
    await page.addInitScript(`for (const name of ['localStorage', 'sessionStorage'])
      Object.defineProperty(window, name, { get() { throw new DOMException('No', 'SecurityError'); } });`);
    proxy.fail(PAY, LOST);
    await open('?attempts=1');
    await page.click('#submit');
    await reached('unknown');
    await page.evaluate('dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }))');
    expect(await status()).toBe('unknown');
    await page.click('#submit');
    await reached('done');
    expect(keys().size).toBe(1);
    await effects(1);
  });

  test('when localStorage was full', async () => {
    proxy.fail(PAY, LOST, problem(401, 'unauthorized', false));
    await open('?attempts=1');
    await page.evaluate(`(() => {
      const { setItem } = Storage.prototype;
      Storage.prototype.setItem = function (...item) {
        if (this === localStorage) throw new DOMException('Full', 'QuotaExceededError');
        setItem.apply(this, item);
      };
    })()`);
    await page.click('#submit');
    await reached('unknown');
    await page.reload();
    expect(await status()).toBe('unknown');
    await page.fill('#reference', reference);
    await page.click('#submit');
    await sent(2);
    await expect.poll(() => page.evaluate('detail.answer?.status')).toBe(401);
    expect(await status()).toBe('unknown');
    await page.click('#submit');
    await reached('done');
    expect(keys().size).toBe(1);
    await effects(1);
  });

  test('when another tab has sent it meanwhile', async () => {
    const held = gate();
    await open('?attempts=1');
    const [twin] = await Promise.all([
      browser.waitForEvent('page'),
      page.evaluate('void window.open(location.href)'),
    ]);
    await twin.waitForFunction('window.guard');
    await twin.fill('#reference', reference);
    proxy.fail(PAY, { before: held.opened, ...problem(401, 'unauthorized', false) }, LOST);
    await page.click('#submit');
    await sent(1);
    await twin.click('#submit');
    await reached('unknown', twin);
    held.open();
    await reached('unknown');
    await page.click('#submit');
    await reached('done');
    expect(keys().size).toBe(1);
    await effects(1);
  });

  test('a rendered token stays after a refusal, and is used again where it is free', async () => {
    const key = `draft-${Date.now()}`;
    proxy.pages.set('/rendered-anew', {
      type: 'text/html',
      body: FORM(`<input type="hidden" name="idempotency_token" value="${key}">`),
    });
    await open('', '/rendered-anew');
    proxy.fail(PAY, problem(400, 'invalid', false));
    await page.click('#submit');
    await reached('refused');
    await page.fill('#amount', '99999999');
    await page.click('#submit');
    await sent(2);
    await expect.poll(() => page.evaluate('detail.answer?.status')).toBe(402);
    await page.fill('#amount', '1');
    await page.click('#submit');
    await reached('changed');
    expect([...keys()]).toEqual([key]);
    await effects(0);
  });
});

describe('a bad network', () => {
  test('offline, then online', async () => {
    await open();
    await browser.setOffline(true);
    await page.click('#submit');
    await reached('offline');
    expect(await text()).toContain('Offline');
    expect(proxy.posts(PAY)).toHaveLength(0);
    await browser.setOffline(false);
    await reached('done');
    await effects(1);
  });

  test('offline while the answer is on its way', async () => {
    const held = gate();
    proxy.fail(PAY, { after: held.opened });
    await open('?attemptTimeout=500');
    await page.click('#submit');
    await effects(1);
    await browser.setOffline(true);
    await reached('offline');
    await browser.setOffline(false);
    await reached('done');
    held.open();
    expect(await said()).toContain('waiting');
    expect(keys().size).toBe(1);
    await effects(1);
  });

  test('a slow server is asked again with the same key', async () => {
    const held = gate();
    proxy.fail(PAY, { after: held.opened });
    await open('?attemptTimeout=300');
    await page.click('#submit');
    await reached('done');
    held.open();
    expect(await page.evaluate('attempts.map((one) => one.kind)')).toEqual([undefined, 'replayed']);
    await effects(1);
  });

  test.each(['after', 'midway'] as const)(
    'a connection that is dropped after the effect (%s)',
    async (drop) => {
      proxy.fail(PAY, { drop }, { drop });
      await open();
      await page.click('#submit');
      await reached('done');
      expect(proxy.posts(PAY)).toHaveLength(3);
      expect(keys().size).toBe(1);
      await effects(1);
    },
  );

  test('409 is waited out, by its Retry-After, and does not count as an attempt', async () => {
    const busy = problem(409, 'in-progress', true, { 'Retry-After': '1' });
    proxy.fail(PAY, busy, busy);
    await open('?attempts=2');
    await page.click('#submit');
    await reached('busy');
    await reached('done');
    const [first, second, third] = proxy.posts(PAY);
    expect(second!.at - first!.at).toBeGreaterThanOrEqual(1_000);
    expect(third!.at - second!.at).toBeGreaterThanOrEqual(1_000);
    expect(keys().size).toBe(1);
    await effects(1);
  });

  test('429 and 503 are tried again', async () => {
    const date = new Date(Date.now() + 2_000).toUTCString();
    proxy.fail(
      PAY,
      { answer: { status: 429, headers: { 'Retry-After': date } } },
      problem(503, 'store-unavailable', true),
    );
    await open();
    await page.click('#submit');
    await reached('done');
    expect(await page.evaluate('attempts.map((one) => one.status)')).toEqual([429, 503, 201]);
    // An HTTP date has no parts of a second.
    expect(await page.evaluate('attempts[0].delay')).toBeGreaterThan(500);
    await effects(1);
  });

  test('letting go of the form ends the attempts at once', async () => {
    proxy.fail(PAY, { answer: { status: 503, headers: { 'Retry-After': '20' } } });
    await open();
    await page.click('#submit');
    await reached('waiting');
    await page.evaluate('guard.release()');
    expect(await disabled()).toBe(false);
    expect(await page.locator('[role=status]').count()).toBe(0);
    expect(proxy.posts(PAY)).toHaveLength(1);
    expect(await said()).not.toContain('unknown');
  });
});

describe('tokens', () => {
  /** Until the service takes the newest token of a page for too old. */
  async function expired(): Promise<void> {
    const since = Date.now();
    await expect
      .poll(() => Date.now() - since, { timeout: 5_000 })
      .toBeGreaterThan(TOKEN_LIFE + 200);
  }

  test('a token is fetched and used', async () => {
    await open('?tokens');
    await page.dblclick('#submit');
    await reached('done');
    expect(proxy.posts(TOKENS)).toHaveLength(1);
    expect([...keys()][0]).toMatch(/^idt1\./);
    await effects(1);
  });

  test('an expired token is replaced where nothing was sent under it', async () => {
    await open('?tokens');
    const [twin] = await Promise.all([
      browser.waitForEvent('page'),
      page.evaluate('void window.open(location.href)'),
    ]);
    await twin.waitForFunction('window.guard');
    await expired();
    await page.click('#submit');
    await reached('done');
    expect(proxy.posts(TOKENS)).toHaveLength(2);
    expect(keys().size).toBe(2);
    await effects(1);
  });

  test('an expired token is not replaced where something may have run, in this tab or its twin', async () => {
    proxy.fail(PAY, LOST);
    await open('?tokens&attempts=1');
    const [twin] = await Promise.all([
      browser.waitForEvent('page'),
      page.evaluate('void window.open(location.href)'),
    ]);
    await twin.waitForFunction('window.guard');
    await twin.fill('#reference', reference);
    await page.click('#submit');
    await reached('unknown');
    await expired();
    for (const one of [page, twin]) {
      await one.click('#submit');
      await reached('expired', one);
      expect(await text(one)).toContain('Look it up');
    }
    expect(keys().size).toBe(1);
    await effects(1);
    // The user has looked it up, and wants another.
    await page.evaluate('guard.renew()');
    await page.click('#submit');
    await reached('done');
    await effects(2);
  });

  test('a token that could not be fetched is fetched with the submission', async () => {
    proxy.fail(TOKENS, { answer: { status: 401 } });
    await page.goto(`${proxy.url}/form?tokens`);
    await page.fill('#reference', reference);
    await expect.poll(() => proxy.posts(TOKENS).length).toBe(1);
    await page.click('#submit');
    await reached('done');
    await effects(1);
  });
});

describe('the hooks of React', () => {
  const goto = async () => {
    await page.goto(`${proxy.url}/hooks?reference=${encodeURIComponent(reference)}`);
    await page.waitForSelector('#submit');
  };
  const shows = (selector: string, wanted: string) =>
    expect.poll(() => page.textContent(selector), { timeout: 10_000, interval: 20 }).toBe(wanted);

  test('a form is guarded, by one guard only', async () => {
    await goto();
    proxy.fail(PAY, LOST);
    await page.fill('#amount', '2');
    await page.dblclick('#submit');
    await shows('#form-status', 'done');
    expect(await disabled()).toBe(true);
    expect(proxy.posts(PAY)).toHaveLength(2);
    expect(keys().size).toBe(1);
    expect((await paid()).map(({ amount }) => amount)).toEqual([2]);
    await page.click('#form-renew');
    await shows('#form-status', 'ready');
    await page.click('#submit');
    await shows('#form-status', 'done');
    await effects(2);
  });

  test('a component that goes ends the attempts', async () => {
    await goto();
    proxy.fail(PAY, { answer: { status: 503, headers: { 'Retry-After': '20' } } });
    await page.click('#submit');
    await shows('#form-status', 'waiting');
    await page.click('#unmount');
    await page.waitForSelector('#submit', { state: 'detached' });
    expect(proxy.posts(PAY)).toHaveLength(1);
  });

  test('an operation is sent once, and again under the same key until it is renewed', async () => {
    await goto();
    const held = gate();
    proxy.fail(PAY, { after: held.opened });
    const key = await page.textContent('#key');
    await page.click('#pay');
    await shows('#pending', 'true');
    await page.click('#pay');
    held.open();
    await shows('#kind', 'ran');
    expect(proxy.posts(PAY)).toHaveLength(1);
    await page.click('#pay');
    await shows('#kind', 'replayed');
    expect([...keys()]).toEqual([key]);
    await effects(1);
    await page.click('#renew');
    await shows('#kind', '');
    await page.click('#pay');
    await shows('#kind', 'ran');
    expect(keys().size).toBe(2);
    await effects(2);
  });

  test('a new operation does not wait for the one before', async () => {
    await goto();
    const held = gate();
    proxy.fail(PAY, { after: held.opened });
    await page.click('#pay');
    await sent(1);
    await page.click('#renew');
    await shows('#pending', 'false');
    await page.click('#pay');
    await shows('#kind', 'ran');
    held.open();
    expect(proxy.posts(PAY)).toHaveLength(2);
    expect(keys().size).toBe(2);
    await effects(2);
  });

  test('after a certain refusal the next one is another operation', async () => {
    await goto();
    proxy.fail(PAY, problem(400, 'invalid', false));
    const key = await page.textContent('#key');
    await page.click('#pay');
    await shows('#kind', 'refused');
    await expect.poll(() => page.textContent('#key')).not.toBe(key);
    await page.click('#pay');
    await shows('#kind', 'ran');
    await effects(1);
  });
});
