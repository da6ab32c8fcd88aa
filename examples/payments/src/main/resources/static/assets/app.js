import { get, send, sendMany } from './api.js';
import { languageTag, switchLanguage, t, translatePage } from './i18n.js';
import { formatAmount, parseAmount } from './money.js';
import { addAttempt, byId, clearTimeline, showBooks, showCounters } from './view.js';

const USERS = ['alice', 'bob'];
const CURRENCY = 'EUR';
const STORM = 100;
const STORM_WIDTH = 12;

/** Everything the page knows. */
const state = {
  user: 'alice',
  key: '',
  paid: false, // this form's payment was made
  sending: false,
  last: null, // the last request of this form
  sent: 0,
  tally: { ran: 0, replayed: 0, busy: 0, refused: 0, failed: 0 },
  paymentsBefore: null, // payments in the ledger when the page was opened
  books: null,
};

/** crypto.randomUUID exists on https and on loopback, where this page is served. */
function newForm() {
  state.key = crypto.randomUUID();
  state.paid = false;
  state.last = null;
  byId('status').textContent = '';
  render();
}

function render() {
  byId('key').textContent = state.key;
  byId('paid').hidden = !state.paid;
  byId('renew').classList.toggle('next', state.paid);
  byId('renew').disabled = state.sending;
  document.body.classList.toggle('sending', state.sending);
  for (const button of document.querySelectorAll('[data-send]')) {
    const nothingToResend = 'needsLast' in button.dataset && !state.last;
    button.disabled = state.sending || nothingToResend;
  }
  for (const field of byId('form').querySelectorAll('input, select')) {
    field.disabled = state.sending || state.paid;
  }
  for (const radio of byId('users').querySelectorAll('input')) {
    radio.disabled = state.sending;
  }
  renderPayLabel();
  showCounters({ sent: state.sent, effects: effects(), tally: state.tally });
  if (state.books) {
    showBooks(state.books);
  }
}

/** Payments that the ledger, and not this page, says were made since the page was opened. */
function effects() {
  return state.books ? state.books.summary.payments - state.paymentsBefore : 0;
}

function renderPayLabel() {
  const minor = parseAmount(byId('amount').value);
  const amount = minor === null ? '' : `${formatAmount(minor, languageTag())} ${CURRENCY}`;
  byId('pay-label').textContent = t(state.paid ? 'payAgain' : 'pay', { amount }).trim();
}

/** The request that the form describes, or null when its amount is no amount. */
function requestOfForm() {
  const amount = parseAmount(byId('amount').value);
  const error = byId('amount-error');
  error.hidden = amount !== null;
  error.textContent = amount === null ? t('badAmount') : '';
  byId('amount').setAttribute('aria-invalid', String(amount === null));
  if (amount === null) {
    byId('amount').focus();
    return null;
  }
  return {
    user: state.user,
    key: state.key,
    body: {
      from: state.user,
      to: byId('to').value,
      amount,
      currency: CURRENCY,
      reference: byId('reference').value,
    },
  };
}

/** Sends a request one or many times, with every control locked meanwhile. */
async function submit(request, times = 1, width = times) {
  if (!request || state.sending) {
    return;
  }
  state.sending = true;
  state.last ??= request;
  const counts = {};
  let done = 0;
  byId('status').textContent = t('sending');
  render();
  const onAnswer = (outcome) => {
    done += 1;
    state.sent += 1;
    state.tally[outcome.kind] += 1;
    counts[outcome.kind] = (counts[outcome.kind] ?? 0) + 1;
    state.paid ||= outcome.payment !== undefined;
    addAttempt(outcome, request.key);
    // A screen reader need not hear every one of a hundred.
    if (times > 1 && done < times && done % 10 === 0) {
      byId('status').textContent = t('progress', { done, total: times });
    }
    showCounters({ sent: state.sent, effects: effects(), tally: state.tally });
  };
  if (times === 1) {
    onAnswer(await send(request));
  } else {
    await sendMany(request, times, width, onAnswer);
  }
  const summary = Object.entries(counts).map(([kind, count]) => `${t(kind)} ${count}`);
  byId('status').textContent =
    times === 1
      ? t('doneOne', { kind: t(Object.keys(counts)[0]) })
      : t('done', { total: times, counts: summary.join(', ') });
  state.sending = false;
  await refresh();
}

/** Reads the books again. */
async function refresh() {
  try {
    const [summary, entries, ...accounts] = await Promise.all([
      get(state.user, '/api/ledger/summary'),
      get(state.user, '/api/ledger?limit=20'),
      ...USERS.map((user) => get(state.user, `/api/accounts/${user}`)),
    ]);
    state.paymentsBefore ??= summary.payments;
    state.books = { summary, entries, accounts };
    byId('trouble').hidden = true;
  } catch {
    byId('trouble').textContent = t('offline');
    byId('trouble').hidden = false;
  }
  render();
}

function chooseUser(user) {
  state.user = user;
  const option = document.createElement('option');
  option.textContent = USERS.find((other) => other !== user);
  byId('to').replaceChildren(option);
  newForm();
}

byId('form').addEventListener('submit', (event) => {
  event.preventDefault();
  submit(requestOfForm());
});
byId('fast').addEventListener('click', () => submit(requestOfForm(), 5));
byId('storm').addEventListener('click', () => submit(requestOfForm(), STORM, STORM_WIDTH));
byId('resend').addEventListener('click', () => submit(state.last));
byId('alter').addEventListener('click', () =>
  submit({ ...state.last, body: { ...state.last.body, amount: state.last.body.amount + 100 } }),
);
byId('renew').addEventListener('click', () => {
  newForm();
  byId('amount').focus();
});
byId('amount').addEventListener('input', renderPayLabel);
byId('clear').addEventListener('click', clearTimeline);
byId('users').addEventListener('change', (event) => chooseUser(event.target.value));
byId('language').addEventListener('click', () => {
  switchLanguage();
  byId('status').textContent = '';
  byId('amount-error').hidden = true;
  translatePage();
  render();
});
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && !state.sending) {
    refresh();
  }
});

translatePage();
clearTimeline();
chooseUser(document.querySelector('#users input:checked').value);
refresh();
