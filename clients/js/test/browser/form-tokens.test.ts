import { describe, expect, test } from 'vitest';
import {
  browser,
  effects,
  keys,
  LOST,
  open,
  page,
  PAY,
  proxy,
  reached,
  reference,
  text,
  TOKENS,
  useForm,
} from './form.js';
import { TOKEN_LIFE } from './services.js';

useForm();

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
