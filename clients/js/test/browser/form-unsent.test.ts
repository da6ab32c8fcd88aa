import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  browser,
  effects,
  FORM,
  keys,
  LOST,
  open,
  page,
  PAY,
  proxy,
  reached,
  reference,
  sent,
  status,
  useForm,
} from './form.js';
import { gate, problem } from './proxy.js';

useForm();

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
