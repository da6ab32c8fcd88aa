/**
 * Makes a key for one operation: a UUIDv7 (RFC 9562, 5.7), which starts with the time, so that the keys of a service lie
 * side by side in its index, and a service with a stale guard can tell its age.
 *
 * Works without `crypto.randomUUID`, which pages that are not served over https do not have.
 *
 * @returns 36 characters, 74 bits of them random
 */
export function newKey(): string {
  const time = Date.now().toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7xxx-yxxx-xxxxxxxxxxxx`.replace(/[xy]/g, (place) => {
    const digit = crypto.getRandomValues(new Uint8Array(1))[0]! & 15;
    return (place === 'x' ? digit : (digit & 3) | 8).toString(16);
  });
}
