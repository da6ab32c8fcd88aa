import type { TestProject } from 'vitest/node';
import { startService } from './service.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** The address of the service that one file at a time has for itself: it counts all payments. */
    counted: string;
    /** The address of the service that all others share. Its tokens are valid for {@link TOKEN_LIFE} only. */
    shared: string;
  }
}

/** How long a token of the shared service is valid, in milliseconds: a loaded machine takes seconds to open two tabs. */
export const TOKEN_LIFE = 6_000;

/** Starts both once for all files: a start takes more processor time than most files. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [counted, shared] = await Promise.all([
    startService(),
    startService(`--idem.tokens.valid-for=${TOKEN_LIFE}ms`),
  ]);
  project.provide('counted', counted.url);
  project.provide('shared', shared.url);
  return async () => {
    await Promise.all([counted.stop(), shared.stop()]);
  };
}
