const MARK = 'idem-sent:';
/** Longer than services keep their records, in milliseconds. */
const FORGET_AFTER = 30 * 86_400_000;

/** Marks of a browser that keeps nothing: then no other tab can know the key either. */
const memory = new Map<string, string>();

/** Uses a storage of the page; undefined where the browser does not let it, or it is full. */
export function keepIn<T>(
  place: 'localStorage' | 'sessionStorage',
  use: (storage: Storage) => T,
): T | undefined {
  try {
    return use(window[place]);
  } catch {
    return; // there is none, or it is full
  }
}

// Both ends of a key are no secret, and tell keys apart: those that pages know may differ in one of them only.
const nameOf = (key: string) => MARK + key.slice(0, 24) + key.slice(-24);

const find = (name: string) =>
  keepIn('localStorage', (marks) => marks.getItem(name)) ?? memory.get(name);

/** When any tab sent the key first, in milliseconds since the epoch; NaN where none did. */
export const sentAt = (key: string): number => parseInt(find(nameOf(key))!);

/**
 * Notes that a key is sent, before it is.
 *
 * @returns whether other tabs see it, whether no other submission has noted the key before or since, and what takes the note
 *     back when it is certain that nothing ran, unless another submission has noted it as well
 */
export function mark(key: string): { shared: boolean; alone: () => boolean; undo: () => void } {
  const name = nameOf(key);
  const before = sentAt(key);
  const value = `${before || Date.now()} ${Math.random()}`;
  const alone = () => !before && find(name) === value;
  memory.set(name, value);
  return {
    alone,
    shared: !!keepIn('localStorage', (marks) => (marks.setItem(name, value), true)),
    undo() {
      if (alone()) {
        memory.delete(name);
        keepIn('localStorage', (marks) => marks.removeItem(name));
      }
    },
  };
}

/** Forgets what is too old to matter. */
export function tidy(): void {
  keepIn('localStorage', (marks) => {
    for (const name in marks) {
      if (name.startsWith(MARK) && parseInt(marks[name]) < Date.now() - FORGET_AFTER) {
        delete marks[name];
      }
    }
  });
}
