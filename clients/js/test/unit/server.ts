import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request as it came in. */
export interface Received {
  method: string;
  key: string | undefined;
  body: string;
  type: string | undefined;
  at: number;
}

type Step = (request: IncomingMessage, response: ServerResponse) => void;

/** A server that answers the first request with the first step, and so on; the last step stays. */
export class Script {
  readonly received: Received[] = [];
  private readonly server: Server;
  private steps: Step[] = [];
  url = '';

  constructor() {
    this.server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) {
        chunks.push(chunk as Buffer);
      }
      this.received.push({
        method: request.method!,
        key: request.headers['idempotency-key'] as string | undefined,
        body: Buffer.concat(chunks).toString(),
        type: request.headers['content-type'],
        at: performance.now(),
      });
      const step = this.steps.length > 1 ? this.steps.shift()! : this.steps[0]!;
      step(request, response);
    });
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`;
    return this;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  play(...steps: Step[]): void {
    this.received.length = 0;
    this.steps = steps;
  }

  get keys(): Set<string | undefined> {
    return new Set(this.received.map(({ key }) => key));
  }
}

export const answer =
  (status: number, headers: Record<string, string> = {}, body = ''): Step =>
  (_, response) =>
    void response.writeHead(status, headers).end(body);

export const problem = (
  status: number,
  slug: string,
  retryable?: boolean,
  headers: Record<string, string> = {},
): Step =>
  answer(
    status,
    { 'Content-Type': 'application/problem+json', ...headers },
    JSON.stringify({ type: `/idempotency/problems/${slug}`, title: slug, status, retryable }),
  );

/** The effect was made, and its answer is lost. */
export const drop: Step = (request) => void request.socket.destroy();

/** The answer breaks off. */
export const breakOff: Step = (request, response) => {
  response.writeHead(201, { 'Content-Length': '100' });
  response.write('half', () => request.socket.destroy());
};

/** No answer ever comes. */
export const silence: Step = () => {};
