import { describe, expect, test } from 'vitest';
import {
  disabled,
  effects,
  keys,
  open,
  page,
  PAY,
  proxy,
  reached,
  sent,
  status,
  text,
  useForm,
} from './form.js';
import { gate } from './proxy.js';

useForm();

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
