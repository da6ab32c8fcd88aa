import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // They wait for the most part. By default two cores would run one file at a time.
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 90_000,
  },
});
