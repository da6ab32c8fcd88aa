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
 * Sends one payment request and says what became of it. Never throws: a request without an answer
 * is an outcome too.
 *
 * @param {{user: string, key: string, body: object}} request
 * @returns {Promise<{kind: string, status: number, payment?: string, detail?: string, ms: number}>}
 *   kind is ran, replayed, busy, refused or failed
 */
export async function send({ user, key, body }) {
  const start = performance.now();
  const elapsed = () => Math.round(performance.now() - start);
  try {
    const response = await fetch('/api/payments', {
      method: 'POST',
      headers: { ...headers(user), 'Content-Type': 'application/json', 'Idempotency-Key': key },
      body: JSON.stringify(body),
    });
    const answer = await response.json().catch(() => ({}));
    return {
      kind: kindOf(response),
      status: response.status,
      payment: response.ok ? answer.id : undefined,
      detail: response.ok ? undefined : (answer.detail ?? answer.title ?? response.statusText),
      ms: elapsed(),
    };
  } catch {
    return { kind: 'failed', status: 0, ms: elapsed() };
  }
}

function kindOf(response) {
  if (response.headers.get('Idempotent-Replayed') === 'true') {
    return 'replayed';
  }
  if (response.ok) {
    return 'ran';
  }
  if (response.status === 409) {
    return 'busy';
  }
  return response.status < 500 ? 'refused' : 'failed';
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
