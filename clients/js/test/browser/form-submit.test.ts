import path from 'node:path';
import { rolldown } from 'rolldown';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  disabled,
  effects,
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

describe('the hooks of React', () => {
  beforeAll(async () => {
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
  });

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

  test('an error that is replayed is none', async () => {
    await goto();
    proxy.fail(PAY, { answer: { status: 500, headers: { 'Idempotent-Replayed': 'true' } } });
    const key = await page.textContent('#key');
    await page.click('#pay');
    await shows('#kind', 'replayed');
    await page.click('#pay');
    await shows('#kind', 'ran');
    expect([...keys()]).toEqual([key]);
    await effects(1);
  });
});
