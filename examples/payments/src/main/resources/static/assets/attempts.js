/**
 * What this page and its other tabs have sent, and what became of it: the newest attempts one by
 * one, and how many were answered how, over time.
 */

/** How an attempt can end, in the order in which charts and legends show it. */
export const KINDS = ['ran', 'replayed', 'busy', 'lost', 'refused', 'failed'];

/** The width of a column of the chart, in milliseconds. */
export const SPAN = 500;

const MAX_ENTRIES = 120;
const MAX_SPANS = 400;
const STORED = 'idem-payments-attempts';
const CHANNEL = 'idem-payments-attempts';
const SHOW_EVERY = 100; // milliseconds
const SHARE_EVERY = 150;

const none = () => Object.fromEntries(KINDS.map((kind) => [kind, 0]));

/** Everything that is known. Read it as you like, change it with the functions below only. */
export const log = {
  entries: [], // oldest first
  tally: none(),
  spans: new Map(), // number of the span since the epoch → how many ended how
  byKey: new Map(), // how many requests had which key, of this tab
  effectsBefore: null, // payments in the ledger when counting began
};

let listener = () => {};
let scheduled = false;
let shownAt = 0;
let unshared = new Map();
let sharing = null;
const channel = 'BroadcastChannel' in window ? new BroadcastChannel(CHANNEL) : null;

/** Calls back soon after something has changed, and ten times a second at most. */
export function onChange(callback) {
  listener = callback;
}

function changed() {
  if (scheduled) {
    return;
  }
  scheduled = true;
  setTimeout(
    () => {
      scheduled = false;
      shownAt = Date.now();
      listener();
    },
    Math.max(0, shownAt + SHOW_EVERY - Date.now()),
  );
}

export const total = () => KINDS.reduce((sum, kind) => sum + log.tally[kind], 0);

export const sentWith = (key) => log.byKey.get(key) ?? 0;

/** How many this tab waits for. */
export const inFlight = () =>
  log.entries
    .filter((entry) => entry.kind === null)
    .reduce((sum, { of = 1, done = 0, width = 1 }) => sum + Math.min(width, of - done), 0);

function count(kind, span, n = 1) {
  log.tally[kind] += n;
  let counts = log.spans.get(span);
  if (!counts) {
    counts = none();
    log.spans.set(span, counts);
    if (log.spans.size > MAX_SPANS) {
      log.spans.delete(Math.min(...log.spans.keys()));
    }
  }
  counts[kind] += n;
}

function keep(entry) {
  log.entries.push(entry);
  if (log.entries.length > MAX_ENTRIES) {
    log.entries.splice(0, log.entries.length - MAX_ENTRIES);
  }
}

/**
 * An attempt goes out.
 *
 * @param {{source: string, number?: number, key: string, faults?: object}} said
 */
export function begin(said) {
  const entry = { id: crypto.randomUUID(), at: Date.now(), kind: null, foreign: false, ...said };
  keep(entry);
  changed();
  return entry;
}

/**
 * An attempt came back, or nothing did.
 *
 * @param {{kind: string, status: number, ms: number, text?: object}} outcome
 */
export function end(entry, outcome) {
  Object.assign(entry, outcome);
  tell(outcome.kind, entry.key, entry);
}

/**
 * Many attempts in one entry, which counts them itself.
 *
 * @param {{source: string, key: string, width: number}} said width: how many are in flight at once
 */
export function beginMany(said, of) {
  return begin({ ...said, of, done: 0, counts: none() });
}

export function endOne(entry, { kind }) {
  entry.done += 1;
  entry.counts[kind] += 1;
  tell(kind, entry.key, null);
}

/** No more will come: it may have been stopped before. */
export function endMany(entry, ms) {
  Object.assign(entry, { kind: 'storm', ms });
  changed();
  share(entry);
}

function tell(kind, key, entry) {
  const span = Math.floor(Date.now() / SPAN);
  log.byKey.set(key, sentWith(key) + 1);
  count(kind, span);
  changed();
  const counted = `${span} ${kind}`;
  unshared.set(counted, (unshared.get(counted) ?? 0) + 1);
  share(entry);
}

// ---- other tabs

let entriesToShare = [];

function share(entry) {
  if (!channel) {
    return;
  }
  if (entry) {
    entriesToShare.push(entry);
  }
  sharing ??= setTimeout(() => {
    const counts = [...unshared].map(([counted, n]) => {
      const [span, kind] = counted.split(' ');
      return { span: Number(span), kind, n };
    });
    channel.postMessage({ counts, entries: entriesToShare });
    unshared = new Map();
    entriesToShare = [];
    sharing = null;
  }, SHARE_EVERY);
}

channel?.addEventListener('message', ({ data }) => {
  for (const { span, kind, n } of data.counts) {
    count(kind, span, n);
  }
  for (const entry of data.entries) {
    keep({ ...entry, foreign: true });
  }
  log.entries.sort((one, other) => one.at - other.at);
  changed();
});

// ---- a reload

/** Takes up what was there before the page was loaded again. */
export function restore() {
  try {
    const stored = JSON.parse(sessionStorage.getItem(STORED));
    if (stored) {
      log.entries = stored.entries;
      log.tally = { ...none(), ...stored.tally };
      log.spans = new Map(stored.spans);
      log.byKey = new Map(stored.byKey);
      log.effectsBefore = stored.effectsBefore;
    }
  } catch {
    // No storage, or not what this page has written: it begins anew.
  }
  changed();
}

window.addEventListener('pagehide', () => {
  // What is under way will never be heard of by this page again: its answer is lost.
  const tally = { ...log.tally };
  const byKey = new Map(log.byKey);
  const entries = log.entries.map((entry) => {
    if (entry.kind !== null) {
      return entry;
    }
    if (entry.source === 'storm') {
      return { ...entry, kind: 'storm' };
    }
    tally.lost += 1;
    byKey.set(entry.key, (byKey.get(entry.key) ?? 0) + 1);
    return { ...entry, kind: 'left' };
  });
  try {
    sessionStorage.setItem(
      STORED,
      JSON.stringify({
        ...log,
        entries,
        tally,
        byKey: [...byKey].slice(-MAX_ENTRIES),
        spans: [...log.spans],
      }),
    );
  } catch {
    // Storage is switched off or full.
  }
});

/** Forgets everything but what is under way. */
export function clear(payments) {
  log.entries = log.entries.filter((entry) => entry.kind === null);
  log.tally = none();
  log.spans = new Map();
  log.effectsBefore = payments;
  changed();
}
