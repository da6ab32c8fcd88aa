import { describe, expect, test } from 'vitest';
import {
  browser,
  disabled,
  effects,
  keys,
  LOST,
  open,
  page,
  PAY,
  proxy,
  reached,
  reference,
  said,
  text,
  TOKENS,
  useForm,
} from './form.js';
import { gate, problem } from './proxy.js';
import { TOKEN_LIFE } from './services.js';

useForm();

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
    // None of those that go out before the browser is offline is answered, however many they are.
    proxy.fail(PAY, ...Array.from({ length: 50 }, () => ({ after: held.opened })));
    await open('?attemptTimeout=500&attempts=50');
    await page.click('#submit');
    await effects(1);
    await browser.setOffline(true);
    await reached('offline');
    proxy.mend();
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
    await open('?attemptTimeout=1000');
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
    await open();
    const date = new Date(Date.now() + 3_000).toUTCString();
    proxy.fail(
      PAY,
      { answer: { status: 429, headers: { 'Retry-After': date } } },
      problem(503, 'store-unavailable', true),
    );
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
      .poll(() => Date.now() - since, { timeout: 3 * TOKEN_LIFE })
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
