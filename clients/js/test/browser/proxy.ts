import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request that came by. */
export interface Seen {
  method: string;
  path: string;
  key: string | undefined;
  at: number;
}

/** What goes wrong with one request. */
export interface Fault {
  /** Answers with this instead of asking the service. */
  answer?: { status: number; headers?: Record<string, string>; body?: string };
  /** Holds the request back until this is settled. */
  before?: Promise<unknown>;
  /** Holds the service's answer back until this is settled. */
  after?: Promise<unknown>;
  /** Closes the connection: before the service is asked, when it has answered, or in the middle of its answer. */
  drop?: 'before' | 'after' | 'midway';
}

/** A network between browser and service that fails as the tests say, and serves their pages. */
export class Proxy {
  readonly seen: Seen[] = [];
  readonly pages = new Map<string, { type: string; body: string }>();
  private readonly faults: { method: string; path: string; fault: Fault }[] = [];
  private readonly server = createServer((from, to) => void this.serve(from, to));
  url = '';

  constructor(private readonly service: string) {}

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    return this;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** The next POSTs to a path go wrong, one after another. */
  fail(path: string, ...faults: Fault[]): void {
    for (const fault of faults) {
      this.faults.push({ method: 'POST', path, fault });
    }
  }

  /** All POSTs to a path so far. */
  posts(path: string): Seen[] {
    return this.seen.filter((one) => one.method === 'POST' && one.path === path);
  }

  /** Nothing goes wrong any more, but with what is under way. */
  mend(): void {
    this.faults.length = 0;
  }

  reset(): void {
    this.seen.length = 0;
    this.mend();
  }

  private async serve(from: IncomingMessage, to: ServerResponse): Promise<void> {
    const path = from.url!.replace(/\?.*/, '');
    const page = this.pages.get(path);
    if (page && from.method === 'GET') {
      to.writeHead(200, { 'Content-Type': page.type }).end(page.body);
      return;
    }
    const key = from.headers['idempotency-key'];
    this.seen.push({
      method: from.method!,
      path,
      key: key === undefined ? undefined : String(key),
      at: Date.now(),
    });
    const chunks: Buffer[] = [];
    for await (const chunk of from) {
      chunks.push(chunk as Buffer);
    }
    const at = this.faults.findIndex((one) => one.method === from.method && one.path === path);
    const fault = at < 0 ? {} : this.faults.splice(at, 1)[0]!.fault;
    await fault.before;
    if (fault.drop === 'before') {
      from.socket.destroy();
      return;
    }
    if (fault.answer) {
      const { status, headers, body } = fault.answer;
      to.writeHead(status, headers).end(body);
      return;
    }
    // A client that hangs up does not stop the service.
    const sent = request(new URL(from.url!, this.service), {
      method: from.method,
      headers: from.headers,
    });
    sent.end(Buffer.concat(chunks));
    sent.on('error', () => from.socket.destroy());
    sent.on('response', async (answer) => {
      const body: Buffer[] = [];
      for await (const chunk of answer) {
        body.push(chunk as Buffer);
      }
      await fault.after;
      if (fault.drop === 'after') {
        from.socket.destroy();
        return;
      }
      const all = Buffer.concat(body);
      const { 'transfer-encoding': _, ...headers } = answer.headers;
      to.writeHead(answer.statusCode!, { ...headers, 'content-length': all.length });
      if (fault.drop === 'midway') {
        to.write(all.subarray(0, all.length / 2), () => from.socket.destroy());
        return;
      }
      to.end(all);
    });
  }
}

/** A promise and what settles it. */
export function gate(): { opened: Promise<void>; open: () => void } {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

/** RFC 9457, as Idem sends it. */
export function problem(
  status: number,
  slug: string,
  retryable: boolean,
  headers: Record<string, string> = {},
): Fault {
  return {
    answer: {
      status,
      headers: { 'Content-Type': 'application/problem+json', ...headers },
      body: JSON.stringify({
        type: `/idempotency/problems/${slug}`,
        title: slug,
        status,
        retryable,
      }),
    },
  };
}
