import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Service, startService } from './service.js';

/** A person's way through the page of the example; what became of it is asked of the ledger. */

const PATIENCE = { timeout: 25_000, interval: 50 };
const STORM = 1_000;

let service: Service;
let browser: Browser;
let page: Page;
let paymentsBefore: number;
let wrong: string[];

beforeAll(async () => {
  [service, browser] = await Promise.all([
    startService(),
    chromium.launch({
      executablePath: process.env['IDEM_TEST_CHROMIUM'] ?? '/usr/bin/chromium',
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
});

afterAll(async () => {
  await browser?.close();
  await service?.stop();
});

beforeEach(async () => {
  wrong = [];
  page = await open({ viewport: { width: 1280, height: 900 } });
  paymentsBefore = await payments();
});

afterEach(async () => {
  for (const context of browser.contexts()) {
    await context.close();
  }
  expect(wrong).toEqual([]);
});

async function open(options: BrowserContextOptions, path = '/'): Promise<Page> {
  const context = await browser.newContext({
    locale: 'en-GB',
    reducedMotion: 'reduce',
    ...options,
  });
  const opened = await context.newPage();
  opened.on('pageerror', (error) => wrong.push(String(error)));
  opened.on('console', (message) => {
    if (/Content Security Policy/.test(message.text())) {
      wrong.push(message.text());
    }
  });
  opened.on('request', (request) => {
    if (!request.url().startsWith(service.url)) {
      wrong.push(request.url());
    }
  });
  await opened.goto(service.url + path);
  if (path === '/') {
    await expect.poll(() => opened.textContent('#key'), PATIENCE).toMatch(/^idt1\./);
  }
  return opened;
}

/** The ledger's own number of payments. */
async function payments(): Promise<number> {
  const answer = await fetch(`${service.url}/api/ledger/summary`, {
    headers: { Authorization: `Basic ${Buffer.from('alice:alice').toString('base64')}` },
  });
  return ((await answer.json()) as { payments: number }).payments;
}

const made = async () => (await payments()) - paymentsBefore;

/** Sets how often what goes wrong, in percent. */
async function network(faults: Record<string, number>): Promise<void> {
  for (const [name, percent] of Object.entries(faults)) {
    await page.fill(`#${name}`, String(percent));
  }
}

const number = async (selector: string) =>
  Number((await page.textContent(selector))!.replace(/\D/g, ''));

const counted = (kind: string) => number(`#tally [data-kind=${kind}] b`);

const paid = () => page.locator('#receipt').waitFor(PATIENCE);

test('a payment whose answers are lost is made once, and the form finds out', async () => {
  await network({ lose: 100, late: 0, twice: 100, slow: 0 });
  await page.click('#pay');
  await expect.poll(() => counted('lost'), PATIENCE).toBeGreaterThanOrEqual(3);
  expect(await page.isDisabled('#pay')).toBe(true);
  expect(await page.isVisible('#receipt')).toBe(false);
  await network({ lose: 0 });
  await paid();
  expect(await made()).toBe(1);
  await expect.poll(() => number('#effects'), PATIENCE).toBe(1);
  expect(await counted('ran')).toBe(0);
  expect(await counted('replayed')).toBeGreaterThanOrEqual(1);
  expect(await page.textContent('#receipt-note')).toContain(`${await number('#sent')} times`);
});

test('the key is kept over a reload that comes before the answer', async () => {
  await network({ lose: 100, late: 0, twice: 0, slow: 0 });
  const key = await page.textContent('#key');
  await page.fill('#amount', '7.25');
  await page.click('#pay');
  await expect.poll(made, PATIENCE).toBe(1);
  await page.reload();
  await expect.poll(() => page.textContent('#key'), PATIENCE).toBe(key);
  expect(await page.inputValue('#amount')).toBe('7.25');
  expect(await page.isDisabled('#amount')).toBe(true);
  await network({ lose: 0 });
  await page.click('#pay');
  await paid();
  expect(await made()).toBe(1);
  await page.click('#renew');
  await expect.poll(() => page.textContent('#key'), PATIENCE).toMatch(/^idt1\./);
  expect(await page.textContent('#key')).not.toBe(key);
});

test('another amount under the key is refused, and so is what the account does not hold', async () => {
  await page.fill('#amount', '99999999');
  await page.click('#pay');
  await expect.poll(() => page.textContent('#status'), PATIENCE).toContain('Insufficient funds');
  expect(await made()).toBe(0);
  await page.fill('#amount', '1');
  await page.click('#pay');
  await paid();
  await page.click('#alter');
  await expect.poll(() => counted('refused'), PATIENCE).toBe(2);
  expect(await page.textContent('#timeline li .answer')).toContain('422');
  expect(await made()).toBe(1);
});

test('a storm of a thousand duplicates is one payment, and the counts add up', async () => {
  await page.click('#storm');
  await page.locator('#storm-progress').waitFor(PATIENCE);
  // The page answers meanwhile.
  await page.click('#language');
  expect(await page.textContent('#storm-label')).toBe('停止风暴');
  await page.click('#language');
  await page.locator('#storm-progress').waitFor({ state: 'hidden', timeout: 150_000 });
  await expect.poll(() => number('#sent'), PATIENCE).toBe(STORM);
  const counts = await Promise.all(
    ['ran', 'replayed', 'busy', 'lost', 'refused', 'failed'].map(counted),
  );
  expect(counts.reduce((sum, count) => sum + count)).toBe(STORM);
  expect(counts[0]).toBe(1);
  expect(await made()).toBe(1);
  await expect.poll(() => number('#effects'), PATIENCE).toBe(1);
  // The chart and its table say the same.
  await page.click('details summary');
  await expect
    .poll(
      () =>
        page
          .locator('#chart-table td')
          .allTextContents()
          .then((cells) => cells.reduce((sum, cell) => sum + Number(cell), 0)),
      PATIENCE,
    )
    .toBe(STORM);
  expect(await page.locator('#chart svg').getAttribute('aria-label')).toContain('Ran 1');
  // The form has the same key, and learns that it is paid.
  await page.click('#pay');
  await paid();
  expect(await made()).toBe(1);
}, 200_000);

test('another tab shows the attempts of this one', async () => {
  const other = await page.context().newPage();
  await other.goto(service.url);
  await page.click('#pay');
  await paid();
  await expect.poll(() => other.textContent('#timeline'), PATIENCE).toMatch(/Ran.*other tab/);
});

test('the page speaks Chinese and English, and remembers which', async () => {
  const shown = () =>
    page.$$eval('[data-i18n]', (all) => all.map((element) => element.textContent!.trim()));
  const english = await shown();
  await page.click('#language');
  const chinese = await shown();
  expect(await page.getAttribute('html', 'lang')).toBe('zh-CN');
  const same = english.filter((text, index) => text === chinese[index]);
  expect(same).toEqual(['EUR']);
  await page.click('#pay');
  await paid();
  expect(await page.textContent('#status')).toBe('已完成。');
  await page.reload();
  expect(await page.textContent('h1')).toBe('随便重发多少次，只会付一次。');
  await page.goto(`${service.url}/orders.html`);
  expect(await page.textContent('#create b')).toBe('下单 ×3');
});

test.each(['/', '/orders.html', '/problems.html'])(
  'on a phone nothing of %s is wider than the screen, and what is touched is large enough',
  async (path) => {
    for (const locale of ['en-GB', 'zh-CN']) {
      page = await open({ viewport: { width: 360, height: 740 }, isMobile: true, locale }, path);
      if (path === '/') {
        await page.click('#pay');
        await paid();
      }
      const measured = await page.evaluate(() => ({
        width: document.documentElement.scrollWidth,
        small: [...document.querySelectorAll('a, button, input, select, summary')]
          .map((element) => element.closest('label') ?? element)
          .filter(
            (element) => element.checkVisibility() && !element.matches('.skip, footer *, p *'),
          )
          .filter((element) => {
            const { width, height } = element.getBoundingClientRect();
            return width < 44 || height < 44;
          })
          .map((element) => element.id || element.textContent),
      }));
      expect(measured).toEqual({ width: 360, small: [] });
    }
  },
);

test('it can be used by keyboard alone', async () => {
  await page.focus('#amount');
  await page.keyboard.press('Enter');
  await paid();
  expect(await page.evaluate(() => document.activeElement!.id)).toBe('receipt-amount');
  await page.keyboard.press('Tab');
  expect(await page.evaluate(() => document.activeElement!.id)).toBe('renew');
  await page.focus('#flaky');
  await page.keyboard.press('Space');
  expect(await page.isChecked('#flaky')).toBe(true);
  expect(
    await page.$eval('.switch span', (element) => getComputedStyle(element).outlineStyle),
  ).toBe('solid');
  expect(await made()).toBe(1);
});
