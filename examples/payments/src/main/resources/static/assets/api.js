/** The service as the page sees it. Every call names its user: there is no session. */

function headers(user) {
  return {
    Authorization: `Basic ${btoa(`${user}:${user}`)}`,
    // Tells the service that a script asks: the browser then shows no login dialog of its own.
    'X-Requested-With': 'XMLHttpRequest',
  };
}

/** Reads a resource; throws when the service does not give it. */
export async function get(user, path) {
  const response = await fetch(path, { headers: headers(user), cache: 'no-store' });
  if (!response.ok) {
    throw new Error(`${path}: ${response.status}`);
  }
  return response.json();
}

/**
 * Sends one request and says what came back. Never throws: a request without an answer is an
 * outcome too.
 *
 * @param {{user: string, method?: string, path: string, body?: object, key?: string}} request
 * @returns {Promise<{status: number, answer: object, replayed: boolean, ms: number}>} status is 0
 *   where no answer arrived
 */
export async function call({ user, method = 'POST', path, body, key }) {
  const start = performance.now();
  const elapsed = () => Math.round(performance.now() - start);
  try {
    const response = await fetch(path, {
      method,
      headers: {
        ...headers(user),
        ...(body && { 'Content-Type': 'application/json' }),
        ...(key && { 'Idempotency-Key': key }),
      },
      body: body && JSON.stringify(body),
    });
    return {
      status: response.status,
      answer: await response.json().catch(() => ({})),
      replayed: response.headers.get('Idempotent-Replayed') === 'true',
      ms: elapsed(),
    };
  } catch {
    return { status: 0, answer: {}, replayed: false, ms: elapsed() };
  }
}

/** Reads a text; throws when the service does not give it. */
export async function getText(user, path) {
  const response = await fetch(path, { headers: headers(user), cache: 'no-store' });
  if (!response.ok) {
    throw new Error(`${path}: ${response.status}`);
  }
  return response.text();
}

/**
 * Sends one payment request and says what became of it. Never throws: a request without an answer
 * is an outcome too.
 *
 * @param {{user: string, key: string, body: object}} request
 * @returns {Promise<{kind: string, status: number, payment?: string, detail?: string, ms: number}>}
 *   kind is ran, replayed, busy, refused or failed
 */
export async function send({ user, key, body }) {
  const { status, answer, replayed, ms } = await call({ user, path: '/api/payments', body, key });
  if (status === 0) {
    return { kind: 'failed', status, ms };
  }
  const ok = status < 300;
  return {
    kind: kindOf(status, replayed),
    status,
    payment: ok ? answer.id : undefined,
    detail: ok ? undefined : (answer.detail ?? answer.title ?? String(status)),
    ms,
  };
}

function kindOf(status, replayed) {
  if (replayed) {
    return 'replayed';
  }
  if (status < 300) {
    return 'ran';
  }
  if (status === 409) {
    return 'busy';
  }
  return status < 500 ? 'refused' : 'failed';
}

/**
 * Sends the same request many times, at most `width` at once.
 *
 * @param onAnswer called with each outcome as it arrives
 */
export async function sendMany(request, times, width, onAnswer) {
  let left = times;
  const lane = async () => {
    while (left > 0) {
      left -= 1;
      onAnswer(await send(request));
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, times) }, lane));
}
