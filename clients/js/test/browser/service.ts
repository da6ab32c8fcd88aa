import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

/** The payments example, in a process of its own that ends with the tests. */
export interface Service {
  url: string;
  stop(): Promise<void>;
}

const root = path.resolve(import.meta.dirname, '../../../..');
const jar = path.join(root, 'examples/payments/target/payments.jar');

/** Starts it and waits for the line that says where it answers. */
export async function startService(...args: string[]): Promise<Service> {
  const data = await mkdtemp(path.join(tmpdir(), 'idem-js-'));
  const home = process.env['JAVA_HOME'];
  const java = home ? path.join(home, 'bin/java') : 'java';
  // Whatever ends the tests ends it.
  const bound = existsSync('/usr/bin/setpriv') ? ['setpriv', '--pdeathsig', 'KILL', java] : [java];
  const service = spawn(
    bound[0]!,
    [
      ...bound.slice(1),
      '-XX:TieredStopAtLevel=1',
      '-XX:+UseSerialGC',
      '-jar',
      process.env['IDEM_TEST_PAYMENTS_JAR'] ?? jar,
      '--server.port=0',
      `--payments.data-dir=${data}`,
      ...args,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const kill = () => service.kill('SIGKILL');
  process.once('exit', kill);
  const output: string[] = [];
  service.stderr.on('data', (text) => output.push(String(text)));
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: service.stdout }).on('line', (line) => {
      output.push(line);
      if (line.startsWith('ready ')) {
        resolve(line.slice('ready '.length));
      }
    });
    service.once('error', reject);
    service.once('exit', () => reject(new Error(`The service ended: ${output.join('\n')}`)));
  });
  return {
    url,
    async stop() {
      process.off('exit', kill);
      await ended(service);
      await rm(data, { recursive: true, force: true });
    },
  };
}

function ended(process: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    process.once('exit', () => resolve());
    process.kill('SIGKILL');
  });
}
