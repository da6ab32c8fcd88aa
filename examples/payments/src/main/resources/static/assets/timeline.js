/** The attempts one by one, newest first: rows are made once and then kept up to date. */
import { KINDS, log } from './attempts.js';
import { timeOf } from './chart.js';
import { known, languageTag, t } from './i18n.js';
import { byId, element } from './view.js';

const rows = new Map(); // id of the entry → { row, shown }

const camel = (slug) => slug.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());

function what(entry) {
  if (entry.source === 'storm') {
    return t('source_storm', { n: entry.of.toLocaleString(languageTag()) });
  }
  return entry.source === 'pay' && entry.number > 1
    ? t('source_retry', { n: entry.number - 1 })
    : t(`source_${entry.source}`);
}

/** What became of it, in a few words. */
function answer(entry) {
  if (entry.source === 'storm') {
    const counts = KINDS.filter((kind) => entry.counts[kind] > 0).map(
      (kind) => `${t(kind)} ${entry.counts[kind].toLocaleString(languageTag())}`,
    );
    return counts.join(t('comma')) || t('sending');
  }
  switch (entry.kind) {
    case null:
      return t('sending');
    case 'ran':
    case 'replayed':
      return entry.payment ? t('answerPaid', { id: entry.payment.slice(0, 8) }) : problem(entry);
    case 'busy':
      return t('busyText');
    case 'lost':
      return t('lostText');
    case 'left':
      return t('leftText');
    default:
      return problem(entry);
  }
}

/** What a problem is called, by the last part of its type; else what the service calls it. */
export function problemText(slug = '', title = '') {
  const name = `problem_${camel(slug)}`;
  return known(name) ? t(name) : title;
}

const problem = (entry) => problemText(entry.problem, entry.title);

function chips({ faults = {}, foreign }) {
  const late = (faults.requestLate ?? 0) + (faults.answerLate ?? 0);
  return [
    foreign && t('otherTab'),
    late > 0 && t('faultLate', { n: late.toLocaleString(languageTag()) }),
    faults.slow && t('faultSlow'),
    faults.twice && t('faultTwice'),
    faults.lost && t('faultLost'),
  ].filter(Boolean);
}

function fill(row, entry) {
  const kind = entry.kind ?? 'flying';
  row.dataset.kind = kind;
  row.classList.toggle('flying', entry.kind === null);
  const head = element('div', 'entry-head');
  head.append(element('span', 'badge', t(kind)), element('b', '', what(entry)));
  for (const text of chips(entry)) {
    head.append(element('span', 'tag', text));
  }
  const text = element('div', 'answer');
  if (entry.status) {
    text.append(element('span', 'status-code mono', String(entry.status)), ' ');
  }
  text.append(answer(entry));
  const meta = element('div', 'meta');
  if (entry.ms !== undefined) {
    meta.append(
      element('span', '', t('milliseconds', { n: entry.ms.toLocaleString(languageTag()) })),
    );
  }
  meta.append(element('time', '', timeOf(new Date(entry.at))));
  row.replaceChildren(head, meta, text);
  if (entry.source === 'storm') {
    row.append(bar(entry));
  }
}

/** How much of a storm is through, and how it was answered. */
function bar({ of, counts }) {
  const track = element('div', 'track');
  track.setAttribute('aria-hidden', 'true');
  for (const kind of KINDS) {
    if (counts[kind] > 0) {
      const part = element('i', kind);
      part.style.flexGrow = String(counts[kind]);
      track.append(part);
    }
  }
  const left = of - KINDS.reduce((sum, kind) => sum + counts[kind], 0);
  if (left > 0) {
    const rest = element('i', 'rest');
    rest.style.flexGrow = String(left);
    track.append(rest);
  }
  return track;
}

/** Brings the list up to date with the log. */
export function drawTimeline() {
  const list = byId('timeline');
  const alive = new Set();
  let next = list.firstElementChild;
  for (let index = log.entries.length - 1; index >= 0; index -= 1) {
    const entry = log.entries[index];
    alive.add(entry.id);
    let known = rows.get(entry.id);
    if (!known) {
      known = { row: element('li', 'entry'), shown: null };
      rows.set(entry.id, known);
    }
    const state = `${languageTag()} ${entry.kind} ${entry.done ?? ''}`;
    if (known.shown !== state) {
      fill(known.row, entry);
      known.shown = state;
    }
    if (known.row === next) {
      next = next.nextElementSibling;
    } else {
      list.insertBefore(known.row, next);
    }
  }
  for (const [id, { row }] of rows) {
    if (!alive.has(id)) {
      row.remove();
      rows.delete(id);
    }
  }
  list.hidden = log.entries.length === 0;
  byId('timeline-empty').hidden = log.entries.length > 0;
}
