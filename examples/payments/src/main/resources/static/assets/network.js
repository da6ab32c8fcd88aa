/**
 * The line to the service. It can be made a bad one: what goes wrong is asked for in a header, for
 * each request anew, and done by the service on the connection itself. Only a second copy of a
 * request is sent from here, as a request of its own.
 */
import { begin, end, endOne } from './attempts.js';
import { classify } from './idem-client.js';

const HEADER = 'Demo-Network';
const LATE = [150, 1000]; // milliseconds
const SLOW = 2000;

/** How likely which fault is, in percent. */
export const network = { flaky: false, lose: 60, late: 40, twice: 40, slow: 0 };

const happens = (percent) => Math.random() * 100 < percent;

const lateness = () => Math.round(LATE[0] + Math.random() * (LATE[1] - LATE[0]));

/** What goes wrong with the next request. */
function roll() {
  if (!network.flaky) {
    return {};
  }
  return {
    requestLate: happens(network.late / 2) ? lateness() : 0,
    answerLate: happens(network.late / 2) ? lateness() : 0,
    slow: happens(network.slow) ? SLOW : 0,
    lost: happens(network.lose),
    twice: happens(network.twice),
  };
}

function header({ requestLate, answerLate, slow, lost }) {
  return [
    requestLate && `delay-request=${requestLate}`,
    slow && `slow=${slow}`,
    answerLate && `delay-answer=${answerLate}`,
    lost && 'drop-answer',
  ]
    .filter(Boolean)
    .join(', ');
}

/** A copy of a request that asks for its faults. */
function withFaults(request, faults) {
  const copy = request.clone();
  const asked = header(faults);
  if (asked) {
    copy.headers.set(HEADER, asked);
  }
  return copy;
}

/** What an answer means for the log. The client tells it; a fault of the service is told apart. */
async function outcomeOf(response) {
  const { kind, status, problem, cause } = await classify(response);
  return {
    kind: kind === 'unknown' ? (status < 500 ? 'refused' : 'failed') : kind,
    status,
    payment: response.ok ? (await response.clone().json()).id : undefined,
    problem: cause,
    title: problem?.title ?? String(status),
  };
}

/** Sends one copy, and writes down what becomes of it. */
async function one(request, init, said, faults) {
  const key = request.headers.get('Idempotency-Key') ?? '';
  const entry = begin({ ...said, key, faults });
  const start = performance.now();
  const took = () => Math.round(performance.now() - start);
  try {
    const response = await fetch(withFaults(request, faults), init);
    end(entry, { ...(await outcomeOf(response)), ms: took() });
    return response;
  } catch (failure) {
    end(entry, { kind: 'lost', status: 0, ms: took() });
    throw failure;
  }
}

/**
 * As `fetch`, over the line as it is now, with every attempt written down. Of two copies the first
 * answer counts.
 *
 * @param {Request} request
 * @param {{signal?: AbortSignal}} init
 * @param {{source: string, number?: number}} said what the attempt is called
 */
export function send(request, init, said) {
  const faults = roll();
  if (!faults.twice) {
    return one(request, init, said, faults);
  }
  const copies = [
    one(request, init, said, faults),
    one(request, init, { source: 'copy' }, { ...roll(), twice: false }),
  ];
  return Promise.any(copies).catch((failures) => {
    throw failures.errors[0];
  });
}

/**
 * Sends the same request many times.
 *
 * @param {Request} request
 * @param {object} entry of {@link beginMany}
 * @param {AbortSignal} signal ends it early: what is in flight is answered, no more is sent
 */
export async function storm(request, entry, signal) {
  let left = entry.of;
  const lane = async () => {
    while (left > 0 && !signal.aborted) {
      left -= 1;
      const faults = roll();
      try {
        endOne(entry, await outcomeOf(await fetch(withFaults(request, faults))));
      } catch {
        endOne(entry, { kind: 'lost' });
      }
    }
  };
  await Promise.all(Array.from({ length: entry.width }, lane));
}
