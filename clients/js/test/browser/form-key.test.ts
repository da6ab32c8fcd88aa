import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  browser,
  disabled,
  effects,
  FORM,
  keepOutOfCache,
  keys,
  LOST,
  open,
  page,
  paid,
  PAY,
  proxy,
  reached,
  reference,
  sent,
  status,
  text,
  useForm,
} from './form.js';
import { gate, problem } from './proxy.js';

useForm();

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
    const key = `draft-${randomUUID()}`;
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

  test('a redirect to a page that is not there is no refusal', async () => {
    proxy.fail(PAY, { answer: { status: 303, headers: { Location: '/not-there' } } });
    await open();
    await page.click('#submit');
    await reached('unknown');
    expect(await page.evaluate('detail.answer.status')).toBeGreaterThanOrEqual(400);
    expect(await text()).toContain('Look it up');
    await page.click('#submit');
    await reached('done');
    expect(keys().size).toBe(1);
    await effects(1);
  });

  test('a store that was unavailable may have been so at the commit', async () => {
    proxy.fail(PAY, problem(503, 'store-unavailable', true), problem(404, 'gone', false));
    await open();
    await page.click('#submit');
    await reached('unknown');
    await page.click('#submit');
    await reached('done');
    expect(keys().size).toBe(1);
    await effects(1);
  });

  test('a refusal after a busy key says nothing of the request that is under way', async () => {
    proxy.fail(PAY, problem(425, 'in-progress', true), problem(404, 'gone', false));
    await open();
    await page.click('#submit');
    await reached('unknown');
    await page.click('#submit');
    await reached('done');
    expect(keys().size).toBe(1);
    await effects(1);
  });

  test('an error that is replayed is no refusal', async () => {
    const headers = { 'Idempotent-Replayed': 'true' };
    proxy.fail(PAY, { answer: { status: 500, headers } });
    await open();
    await page.click('#submit');
    await reached('unknown');
    expect(await text()).toContain('Look it up');
    await page.click('#submit');
    await reached('done');
    expect(keys().size).toBe(1);
    await effects(1);
  });

  test('a key that is older than what the service keeps is not sent again', async () => {
    proxy.fail(PAY, LOST);
    await open('?attempts=1&keyLifetime=60000');
    await page.click('#submit');
    await reached('unknown');
    await page.evaluate('(({ now }) => (Date.now = () => now() + 60_001))(Date)');
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

  test('when localStorage was full, and the page knows the key', async () => {
    const key = `draft-${randomUUID()}`;
    proxy.pages.set('/draft', {
      type: 'text/html',
      body: FORM().replace('const options = {', `const options = { key: '${key}',`),
    });
    await page.addInitScript(`(() => {
      const { setItem } = Storage.prototype;
      Storage.prototype.setItem = function (...item) {
        if (this === localStorage) throw new DOMException('Full', 'QuotaExceededError');
        setItem.apply(this, item);
      };
    })()`);
    proxy.fail(PAY, LOST);
    await open('?attempts=1&keyLifetime=60000', '/draft');
    await page.click('#submit');
    await reached('unknown');
    await page.reload();
    expect(await status()).toBe('unknown');
    await page.fill('#reference', reference);
    await page.evaluate('(({ now }) => (Date.now = () => now() + 60_001))(Date)');
    await page.click('#submit');
    await reached('expired');
    expect([...keys()]).toEqual([key]);
    await effects(1);
  });

  test('nor one for sent because another that the page knows has the same end', async () => {
    const end = 'to be confirmed by its buyer';
    const drafts = [1, 2].map((n) => `draft-${randomUUID()}-${n} ${end}`);
    drafts.forEach((key, n) =>
      proxy.pages.set(`/draft-${n}`, {
        type: 'text/html',
        body: FORM().replace('const options = {', `const options = { quoted: true, key: '${key}',`),
      }),
    );
    await open('', '/draft-0');
    await page.click('#submit');
    await reached('done');
    await open('?keyLifetime=60000', '/draft-1');
    expect(await status()).toBe('ready');
    await page.evaluate('(({ now }) => (Date.now = () => now() + 60_001))(Date)');
    await page.click('#submit');
    await reached('done');
    await effects(2);
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
    const key = `draft-${randomUUID()}`;
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
