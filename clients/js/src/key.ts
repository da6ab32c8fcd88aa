/**
 * Makes a key for one operation: a UUIDv7 (RFC 9562, 5.7), which starts with the time, so that the keys of a service lie
 * side by side in its index, and a service with a stale guard can tell its age.
 *
 * Works without `crypto.randomUUID`, which pages that are not served over https do not have.
 *
 * @returns 36 characters, with 72 random bits
 */
export function newKey(): string {
  const time = `0${Date.now().toString(16)}`; // 12 digits until the year 2527
  return `${time.slice(0, 8)}-${time.slice(8)}-7xxx-8xxx-xxxxxxxxxxxx`.replace(/x/g, () =>
    (crypto.getRandomValues(new Uint8Array(1))[0]! & 15).toString(16),
  );
}
