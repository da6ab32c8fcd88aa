/** The service as the page sees it. Every call names its user: there is no session. */

export function headers(user) {
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
