import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // By default two cores would run one file at a time. Each file of the browser's starts its own, which takes about
    // as long as three tests: few files, of about the same length.
    maxWorkers: 3,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          testTimeout: 30_000,
          hookTimeout: 90_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          globalSetup: 'test/browser/services.ts',
          testTimeout: 60_000,
          hookTimeout: 90_000,
        },
      },
    ],
  },
});
