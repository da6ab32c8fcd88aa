import { expect, inject, test } from 'vitest';
import { open, paid, PATIENCE, usePages } from './pages.js';

/** How the pages of the example look, and what they show. */

const service = inject('shared');
usePages(service);

test('another tab shows the attempts of this one', async () => {
  const page = await open();
  const other = await page.context().newPage();
  await other.goto(service);
  await page.click('#pay');
  await paid(page);
  await expect.poll(() => other.textContent('#timeline'), PATIENCE).toMatch(/Ran.*other tab/);
});

test('the page speaks Chinese and English, and remembers which', async () => {
  const page = await open();
  const shown = () =>
    page.$$eval('[data-i18n]', (all) => all.map((element) => element.textContent!.trim()));
  const english = await shown();
  await page.click('#language');
  const chinese = await shown();
  expect(await page.getAttribute('html', 'lang')).toBe('zh-CN');
  const same = english.filter((text, index) => text === chinese[index]);
  expect(same).toEqual(['EUR']);
  await page.click('#pay');
  await paid(page);
  expect(await page.textContent('#status')).toBe('已完成。');
  await page.reload();
  expect(await page.textContent('h1')).toBe('随便重发多少次，只会付一次。');
  await page.goto(`${service}/orders.html`);
  expect(await page.textContent('#create b')).toBe('下单 ×3');
});

test.each(['/', '/orders.html', '/problems.html'])(
  'on a phone nothing of %s is wider than the screen, and what is touched is large enough',
  async (path) => {
    for (const locale of ['en-GB', 'zh-CN']) {
      const page = await open(
        { viewport: { width: 360, height: 740 }, isMobile: true, locale },
        path,
      );
      if (path === '/') {
        await page.click('#pay');
        await paid(page);
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
