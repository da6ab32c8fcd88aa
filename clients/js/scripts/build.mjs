// Builds dist/: one ES module, one CommonJS file and their types for each entry, and one <script> file for the main one.
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const out = path.join(root, 'dist');
const banner = '/*! Idem, Apache-2.0 */';

await rm(out, { recursive: true, force: true });

async function bundle(entry, format, file, name) {
  const extension = path.extname(file);
  const built = await rolldown({
    input: path.join(root, 'src', entry),
    // Entries other than the main one use its file, and have no copy of it.
    external: (id, from) =>
      ['axios', 'react'].includes(id) || (from && format !== 'iife' && id === './index.js'),
  });
  await built.write({
    file: path.join(out, file),
    format,
    name,
    exports: 'named',
    minify: true,
    // Minifying takes comments away.
    postBanner: banner,
    generatedCode: { symbols: false },
    paths: { [path.join(root, 'src/index.js')]: `./index${extension}` },
  });
  await built.close();
  // Of no use any more in a file that is bundled as a whole, and without side effects by package.json.
  const written = path.join(out, file);
  await writeFile(written, (await readFile(written, 'utf8')).replaceAll('/* @__PURE__ */ ', ''));
}

for (const entry of ['index', 'axios', 'react', 'zh-CN']) {
  await bundle(`${entry}.ts`, 'esm', `${entry}.js`);
  await bundle(`${entry}.ts`, 'cjs', `${entry}.cjs`);
}
await bundle('script.ts', 'iife', 'idem-client.iife.js', 'Idem');
await bundle('zh-CN.ts', 'iife', 'idem-client.zh-CN.iife.js', 'IdemZhCN');

const tsc = createRequire(import.meta.url).resolve('typescript/package.json');
const { status } = spawnSync(
  process.execPath,
  [path.join(path.dirname(tsc), 'bin/tsc'), '-p', 'tsconfig.types.json'],
  { cwd: root, stdio: 'inherit' },
);
if (status !== 0) {
  process.exit(1);
}
// The same types for require(), under which an import must name a CommonJS file.
for (const name of await readdir(out)) {
  if (name.endsWith('.d.ts')) {
    const types = await readFile(path.join(out, name), 'utf8');
    await writeFile(
      path.join(out, name.replace(/ts$/, 'cts')),
      types.replace(/((?:from|import)\s*\(?['"]\.\/[^'"]+)\.js(['"])/g, '$1.cjs$2'),
    );
  }
}
await cp(path.join(root, '../../LICENSE'), path.join(root, 'LICENSE'));
