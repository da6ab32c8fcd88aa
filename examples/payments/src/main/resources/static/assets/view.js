import { languageTag, t } from './i18n.js';
import { formatAmount } from './money.js';

/** Older answers leave the page: a storm must not slow it down. */
const MAX_ATTEMPTS = 300;

export const byId = (id) => document.getElementById(id);

/** An element with a class and a text. Text only: nothing the service says is ever markup. */
export function element(name, className, text = '') {
  const created = document.createElement(name);
  created.className = className;
  created.textContent = text;
  return created;
}

const shortId = (id) => id.slice(0, 8);

const clock = (date) =>
  date.toLocaleTimeString(languageTag(), {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  });

/**
 * Puts one answer on top of the timeline.
 *
 * @param {{kind: string, status: number, text: string, note: string, title?: string, ms: number}}
 *   answer the note is what was sent, in short
 */
export function addAnswer({ kind, status, text, note, title = note, ms }) {
  const row = element('li', 'attempt');
  row.dataset.kind = kind;
  const badge = element('span', 'badge', t(kind));
  badge.dataset.i18n = kind;
  const meta = element('span', 'meta', `${t('milliseconds', { n: ms })} · `);
  const code = element('code', '', note);
  code.title = title;
  meta.append(code);
  row.append(
    badge,
    element('span', 'status-code mono', status ? String(status) : '–'),
    element('span', 'answer', text),
    meta,
  );
  const list = byId('timeline');
  list.prepend(row);
  while (list.childElementCount > MAX_ATTEMPTS) {
    list.lastElementChild.remove();
  }
  showTimeline(true);
}

export function clearTimeline() {
  byId('timeline').replaceChildren();
  showTimeline(false);
}

function showTimeline(filled) {
  byId('timeline').hidden = !filled;
  byId('timeline-empty').hidden = filled;
  byId('clear').hidden = !filled;
}

/** Shows how the requests were answered. */
export function showTally(tally) {
  for (const item of byId('tally').children) {
    item.querySelector('b').textContent = String(tally[item.dataset.kind]);
  }
}

/** Shows the balances, whether the books add up, and their newest lines. */
export function showBooks({ accounts, entries, summary }) {
  const tag = languageTag();
  for (const account of accounts) {
    document.querySelector(`.balance[data-account="${account.id}"] dd`).textContent =
      `${formatAmount(account.balance, tag)} ${account.currency}`;
  }
  const balanced = byId('balanced');
  balanced.hidden = false;
  balanced.classList.toggle('bad', summary.sum !== 0);
  balanced.textContent =
    summary.sum === 0 ? t('balanced') : t('unbalanced', { sum: formatAmount(summary.sum, tag) });
  byId('ledger').replaceChildren(...entries.map(ledgerRow));
}

function ledgerRow(entry) {
  const row = document.createElement('tr');
  const payment = entry.paymentId
    ? element('td', 'mono', shortId(entry.paymentId))
    : element('td', 'none', t('opening'));
  if (entry.paymentId) {
    payment.title = entry.paymentId;
  }
  row.append(
    element('td', '', clock(new Date(entry.createdAt))),
    element('td', '', entry.account),
    payment,
    element(
      'td',
      entry.amount > 0 ? 'number plus' : 'number',
      formatAmount(entry.amount, languageTag(), { signDisplay: 'always' }),
    ),
  );
  return row;
}
