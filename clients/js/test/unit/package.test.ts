import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import vm from 'node:vm';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/** In bytes. */
const LIMIT = 4 * 1024;

const root = path.resolve(import.meta.dirname, '../..');
let consumer: string;
let files: string[];

const run = (command: string, ...args: string[]) =>
  execFileSync(command, args, { cwd: consumer, encoding: 'utf8', stdio: 'pipe' });

/** A package that depends on the packed one, as it would be downloaded. */
beforeAll(async () => {
  consumer = await mkdtemp(path.join(tmpdir(), 'idem-consumer-'));
  const [packed] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', consumer], {
      cwd: root,
      encoding: 'utf8',
      stdio: 'pipe',
    }),
  ) as [{ filename: string; files: { path: string }[] }];
  files = packed.files.map((file) => file.path);
  await writeFile(path.join(consumer, 'package.json'), '{"private":true}');
  run(
    'npm',
    'install',
    '--offline',
    '--no-audit',
    '--no-fund',
    path.join(consumer, packed.filename),
  );
  // The peers, which are there already.
  for (const peer of ['axios', 'react', '@types']) {
    await symlink(
      path.join(root, 'node_modules', peer),
      path.join(consumer, 'node_modules', peer),
      'dir',
    );
  }
});

afterAll(async () => {
  if (consumer) {
    await rm(consumer, { recursive: true, force: true });
  }
});

const built = (name: string) => readFile(path.join(root, 'dist', name));

test.each(['index.js', 'index.cjs', 'idem-client.iife.js'])('%s is small', async (name) => {
  expect(gzipSync(await built(name), { level: 9 }).length).toBeLessThanOrEqual(LIMIT);
});

test('is published whole, with its licence and without its tests', async () => {
  expect(files).toContain('LICENSE');
  expect(files).toContain('README.md');
  expect(files.filter((file) => /test|node_modules|scripts/.test(file))).toEqual([]);
  const manifest = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
  expect(manifest.license).toBe('Apache-2.0');
  expect(manifest.private).toBeUndefined();
  expect(manifest.dependencies).toBeUndefined();
  const targets = JSON.stringify(manifest.exports).match(/\.\/[^"]*\.(c?js|d\.c?ts)/g)!;
  for (const target of new Set(targets.map((one) => one.slice(2)))) {
    if (target.startsWith('dist/')) {
      expect(files).toContain(target);
    }
  }
});

describe('is imported', () => {
  const USE = `
    if (!/^[0-9a-f-]{36}$/.test(newKey())) throw new Error('no key');
    if (typeof guardForm !== 'function') throw new Error('no guardForm');
    if (typeof idempotentAdapter() !== 'function') throw new Error('no adapter');
    if (typeof useGuardedForm !== 'function') throw new Error('no hook');
    classify(new Response(null, { status: 201 })).then(({ kind }) => console.log(kind, zhCN.done));`;

  test('as an ES module', async () => {
    await writeFile(
      path.join(consumer, 'use.mjs'),
      `import { classify, guardForm, newKey } from '@idem/client';
       import { idempotentAdapter } from '@idem/client/axios';
       import { useGuardedForm } from '@idem/client/react';
       import { zhCN } from '@idem/client/zh-CN';${USE}`,
    );
    expect(run('node', 'use.mjs').trim()).toBe('ran 已完成。');
  });

  test('by require', async () => {
    await writeFile(
      path.join(consumer, 'use.cjs'),
      `const { classify, guardForm, newKey } = require('@idem/client');
       const { idempotentAdapter } = require('@idem/client/axios');
       const { useGuardedForm } = require('@idem/client/react');
       const { zhCN } = require('@idem/client/zh-CN');${USE}`,
    );
    expect(run('node', 'use.cjs').trim()).toBe('ran 已完成。');
  });

  test('as a script', async () => {
    const page = vm.createContext({ crypto, Response });
    for (const name of ['idem-client.iife.js', 'idem-client.zh-CN.iife.js']) {
      const file = path.join(consumer, 'node_modules/@idem/client/dist', name);
      vm.runInContext(await readFile(file, 'utf8'), page);
    }
    expect(vm.runInContext('Idem.newKey()', page)).toMatch(/^[0-9a-f-]{36}$/);
    expect(vm.runInContext('Object.keys(Idem).sort().join()', page)).toBe(
      'NoAnswerError,classify,guardForm,idempotentFetch,newKey,texts',
    );
    expect(vm.runInContext('IdemZhCN.zhCN.done', page)).toBe('已完成。');
  });
});

test('the types of every entry serve both kinds of module, and reject misuse', async () => {
  const source = `
    import { type Answer, guardForm, idempotentFetch } from '@idem/client';
    import { idempotentAdapter } from '@idem/client/axios';
    import { useIdempotentFetch } from '@idem/client/react';
    import { zhCN } from '@idem/client/zh-CN';
    import { create } from 'axios';
    export const client = create({ adapter: idempotentAdapter({ attempts: 3 }), idempotency: { key: 'k' } });
    export const sent: Promise<Response> = idempotentFetch('/x', { method: 'POST', attempts: 2 });
    export const kind = (answer: Answer) => answer.kind === 'replayed';
    export const guard = (form: HTMLFormElement) => guardForm(form, { texts: zhCN });
    export const hook = useIdempotentFetch;
    // @ts-expect-error a number
    idempotentFetch('/x', { attempts: 'many' });
    // @ts-expect-error no kind of an answer
    export const wrong = (answer: Answer) => answer.kind === 'rann';
  `;
  await mkdir(path.join(consumer, 'types'));
  await writeFile(path.join(consumer, 'types/esm.mts'), source);
  await writeFile(path.join(consumer, 'types/cjs.cts'), source);
  await writeFile(
    path.join(consumer, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        target: 'ES2022',
        lib: ['ES2022', 'DOM', 'DOM.Iterable'],
        module: 'NodeNext',
        strict: true,
        noEmit: true,
        skipLibCheck: false,
        types: ['node'],
      },
      include: ['types'],
    }),
  );
  const tsc = path.join(root, 'node_modules/typescript/bin/tsc');
  try {
    run(process.execPath, tsc, '-p', '.');
  } catch (error) {
    expect.fail(String((error as { stdout: string }).stdout));
  }
  expect(await readdir(path.join(consumer, 'types'))).toHaveLength(2);
});
