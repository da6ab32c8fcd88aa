import type { Page } from 'playwright-core';
import { beforeEach, expect, inject, test } from 'vitest';
import { open, paid as receipt, PATIENCE, usePages } from './pages.js';

/** A person's way through the page of the example; what became of it is asked of the ledger. */

const STORM = 1_000;

const service = inject('counted');
usePages(service);

let page: Page;
let paymentsBefore: number;

beforeEach(async () => {
  page = await open();
  paymentsBefore = await payments();
});

/** The ledger's own number of payments. */
async function payments(): Promise<number> {
  const answer = await fetch(`${service}/api/ledger/summary`, {
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

const paid = () => receipt(page);

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
