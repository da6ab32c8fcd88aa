import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { CHROMIUM } from './chromium.js';

/** What the tests of the example's pages have in common. */

export const PATIENCE = { timeout: 25_000, interval: 50 };

const DESKTOP = { viewport: { width: 1280, height: 900 } };

let browser: Browser;
let home: string;
let wrong: string[];

/** Starts a browser for the tests of this file, on the pages of that service. */
export function usePages(service: string): void {
  home = service;

  beforeAll(async () => {
    browser = await chromium.launch(CHROMIUM);
  });

  afterAll(async () => {
    await browser?.close();
  });

  beforeEach(() => {
    wrong = [];
  });

  afterEach(async () => {
    for (const context of browser.contexts()) {
      await context.close();
    }
    expect(wrong).toEqual([]);
  });
}

/** Opens a page as a person does who has not been there before. Its errors and foreign requests fail the test. */
export async function open(options: BrowserContextOptions = DESKTOP, path = '/'): Promise<Page> {
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
    if (!request.url().startsWith(home)) {
      wrong.push(request.url());
    }
  });
  await opened.goto(home + path);
  if (path === '/') {
    await expect.poll(() => opened.textContent('#key'), PATIENCE).toMatch(/^idt1\./);
  }
  return opened;
}

export const paid = (page: Page) => page.locator('#receipt').waitFor(PATIENCE);
