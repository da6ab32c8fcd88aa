import { get, headers } from './api.js';
import {
  KINDS,
  beginMany,
  clear,
  endMany,
  inFlight,
  log,
  onChange,
  restore,
  sentWith,
  total,
} from './attempts.js';
import { drawChart, fillTable } from './chart.js';
import { guardForm, texts } from './idem-client.js';
import { zhCN } from './idem-client.zh-CN.js';
import { languageTag, switchLanguage, t, translatePage } from './i18n.js';
import { formatAmount, parseAmount } from './money.js';
import { network, send, storm } from './network.js';
import { drawTimeline, problemText } from './timeline.js';
import { byId, showBooks } from './view.js';

const USERS = ['alice', 'bob'];
const CURRENCY = 'EUR';
const PATH = '/api/payments';
const OPERATION = 'payments.pay';
const ATTEMPTS = 8;
const MAX_DELAY = 3000; // milliseconds between two attempts
const UNDER_WAY = ['sending', 'waiting', 'busy', 'offline'];
const STORM = 1000;
const STORM_WIDTH = 12;
const FAULTS = ['lose', 'late', 'twice', 'slow'];
const STORED_USER = 'idem-payments-user';
const STORED_NETWORK = 'idem-payments-network';

const state = {
  user: 'alice',
  key: null, // of the form
  sending: false, // a button beside the form is at work
  paying: false, // the form is
  paid: null, // the payment that the form made, and what it was sent with
  status: 'ready', // what the form's guard says
  detail: {},
  attempt: 1, // of the form, which one is or was under way
  guard: null,
  last: null, // what was sent under the key, which then says nothing else
  storm: null, // what stops it
  stormEntry: null, // what it has in the log
  books: null,
};

const number = (value) => value.toLocaleString(languageTag());
const money = (minor) => `${formatAmount(minor, languageTag())} ${CURRENCY}`;

/** Something to keep for the next visit, where the browser lets pages keep things. */
function remember(storage, name, value) {
  try {
    storage.setItem(name, value);
  } catch {
    // Storage is switched off or full: the page begins anew next time.
  }
}

function remembered(storage, name) {
  try {
    return storage.getItem(name);
  } catch {
    return null;
  }
}

// ---- what is sent

/** What the form says, or null when its amount is no amount. */
function bodyOfForm() {
  const amount = parseAmount(byId('amount').value);
  showAmountError(amount === null);
  if (amount === null) {
    byId('amount').focus();
    return null;
  }
  return {
    from: state.user,
    to: byId('to').value,
    amount,
    currency: CURRENCY,
    reference: byId('reference').value,
  };
}

function showAmountError(wrong) {
  const error = byId('amount-error');
  error.hidden = !wrong;
  error.textContent = wrong ? t('badAmount') : '';
  byId('amount').setAttribute('aria-invalid', String(wrong));
}

/** The form's key, also after the form has succeeded and the guard has put it away. */
async function keyOfForm() {
  state.key ??= await state.guard.key();
  return state.key;
}

const payment = (body) => ({
  method: 'POST',
  headers: { ...headers(state.user), 'Content-Type': 'application/json' },
  body: JSON.stringify(body),
});

/** The payment as a request of this key. */
function requestOf(body, key) {
  const request = new Request(PATH, payment(body));
  request.headers.set('Idempotency-Key', key);
  return request;
}

/** Sends what the form says past its guard, so many times at once. */
async function sendAround(source, times = 1, change = (body) => body) {
  const body = state.last ?? bodyOfForm();
  if (!body || state.sending) {
    return;
  }
  state.sending = true;
  render();
  try {
    const key = await keyOfForm();
    freeze(body);
    const sent = requestOf(change(body), key);
    const before = { ...log.tally };
    await Promise.allSettled(Array.from({ length: times }, () => send(sent, {}, { source })));
    announce(times, (kind) => log.tally[kind] - before[kind]);
  } catch {
    showTrouble();
  }
  state.sending = false;
  await refresh();
}

/** Tells those who do not see the page how it went. */
function announce(sent, countOf) {
  const counts = KINDS.filter((kind) => countOf(kind) > 0).map(
    (kind) => `${t(kind)} ${number(countOf(kind))}`,
  );
  byId('said').textContent = t('done', { total: number(sent), counts: counts.join(t('comma')) });
}

async function startStorm() {
  const body = state.last ?? bodyOfForm();
  if (!body || state.sending) {
    return;
  }
  state.sending = true;
  state.storm = new AbortController();
  render();
  try {
    const key = await keyOfForm();
    freeze(body);
    const start = performance.now();
    const entry = beginMany({ source: 'storm', key, width: STORM_WIDTH }, STORM);
    state.stormEntry = entry;
    await storm(requestOf(body, key), entry, state.storm.signal);
    endMany(entry, Math.round(performance.now() - start));
    announce(entry.done, (kind) => entry.counts[kind]);
  } catch {
    showTrouble();
  }
  state.sending = false;
  state.storm = null;
  await refresh();
}

// ---- what is shown

/** Payments that the ledger, and not this page, says were made since counting began. */
function effects() {
  return state.books && log.effectsBefore !== null
    ? state.books.summary.payments - log.effectsBefore
    : 0;
}

/** All that changes with every answer. */
function renderLog() {
  drawTimeline();
  drawChart(byId('chart'));
  if (byId('chart-table').closest('details').open) {
    fillTable(byId('chart-table'));
  }
  const sent = total();
  const made = effects();
  for (const [id, value, one, many] of [
    ['sent', sent, 'requestSent', 'requestsSent'],
    ['effects', made, 'effect', 'effects'],
  ]) {
    for (const prefix of ['', 'bar-']) {
      byId(`${prefix}${id}`).textContent = number(value);
      byId(`${prefix}${id}-label`).textContent = t(value === 1 ? one : many);
    }
  }
  const { lost } = log.tally;
  byId('score-note').textContent = t(
    lost === 0 ? 'scoreEmpty' : lost === 1 ? 'scoreLostOne' : 'scoreLost',
    { n: number(lost) },
  );
  for (const item of byId('tally').children) {
    const count = log.tally[item.dataset.kind];
    item.querySelector('b').textContent = number(count);
    item.classList.toggle('none', count === 0);
    item.hidden = item.dataset.kind === 'failed' && count === 0;
  }
  byId('clear').hidden = log.entries.length === 0;
  const flying = inFlight();
  byId('live').hidden = flying === 0;
  byId('live-text').textContent = t('live', { n: number(flying) });
  renderStorm();
  renderPay();
}

function renderStorm() {
  const running = state.storm !== null;
  const done = running ? (state.stormEntry?.done ?? 0) : 0;
  byId('storm').classList.toggle('running', running);
  byId('storm-label').textContent = running
    ? t('stormStop')
    : t('stormButton', { n: number(STORM) });
  byId('storm-note').textContent = running
    ? t('stormDone', { done: number(done), n: number(STORM) })
    : t('stormHint');
  byId('storm-progress').hidden = !running;
  byId('storm-progress').value = done;
}

function render() {
  const busy = state.sending || state.paying;
  document.body.classList.toggle('sending', state.paying);
  byId('key').textContent = state.key ?? '–';
  byId('key').title = state.key ?? '';
  byId('form').hidden = state.paid !== null;
  byId('receipt').hidden = state.paid === null;
  byId('over').hidden =
    !['changed', 'expired', 'done'].includes(state.status) || state.paid !== null;
  byId('storm').disabled = state.sending && state.storm === null;
  for (const button of document.querySelectorAll('[data-send]')) {
    button.disabled = state.sending || ('needsLast' in button.dataset && !state.last);
  }
  for (const radio of byId('users').querySelectorAll('input')) {
    radio.disabled = busy;
  }
  // A key stands for one payment: what was sent under it cannot be edited any more.
  for (const field of byId('form').querySelectorAll('input, select')) {
    field.disabled = busy || state.last !== null;
  }
  renderPay();
  renderStatus();
  renderNetwork();
  renderLog();
  if (state.books) {
    showBooks(state.books);
  }
}

function renderPay() {
  const minor = parseAmount(byId('amount').value);
  byId('pay-label').textContent = state.paying
    ? t('paying')
    : t('pay', { amount: minor === null ? '' : money(minor) }).trim();
  if (state.paid) {
    const { id, to, amount } = state.paid;
    const asked = sentWith(state.key);
    byId('receipt-amount').textContent = t('receipt', { amount: money(amount), to });
    byId('receipt-note').textContent = t('receiptNote', {
      id: id.slice(0, 8),
      attempts: t(asked > 1 ? 'receiptMany' : 'receiptOnce', { n: number(asked) }),
    });
  }
}

function renderNetwork() {
  byId('flaky').checked = network.flaky;
  byId('faults').classList.toggle('off', !network.flaky);
  for (const name of FAULTS) {
    const slider = byId(name);
    slider.value = String(network[name]);
    slider.style.setProperty('--filled', `${network[name]}%`);
    const text = t('percent', { n: network[name] });
    slider.setAttribute('aria-valuetext', text);
    byId(`${name}-out`).textContent = text;
  }
}

function showTrouble() {
  byId('trouble').textContent = t('offline');
  byId('trouble').hidden = false;
}

/** Reads the books again. */
async function refresh() {
  try {
    const [summary, entries, ...accounts] = await Promise.all([
      get(state.user, '/api/ledger/summary'),
      get(state.user, '/api/ledger?limit=20'),
      ...USERS.map((user) => get(state.user, `/api/accounts/${user}`)),
    ]);
    // Fewer than before: these are other books.
    if (log.effectsBefore === null || summary.payments < log.effectsBefore) {
      log.effectsBefore = summary.payments;
    }
    state.books = { summary, entries, accounts };
    byId('trouble').hidden = true;
  } catch {
    showTrouble();
  }
  render();
}

// ---- the form

/** What was sent stays what it was: with another amount its key would be refused. */
function freeze(body) {
  state.last ??= body;
  if (!state.paid) {
    remember(sessionStorage, storedForm(), JSON.stringify(state.last));
  }
}

const storedForm = () => `idem-payments-form-${state.user}`;
const storedPaid = () => `idem-payments-paid-${state.user}`;

function thaw() {
  state.key = null;
  state.last = null;
  byId('kept').hidden = true;
  try {
    sessionStorage.removeItem(storedForm());
  } catch {
    // Nothing was kept there either.
  }
}

/** What this user had sent when the page was left without an answer. */
function restoreForm() {
  state.key = null;
  state.last = null;
  state.paid = null;
  try {
    state.last = JSON.parse(remembered(sessionStorage, storedForm()));
  } catch {
    // Not what this page has written.
  }
  if (state.last) {
    byId('amount').value = (state.last.amount / 100).toFixed(2);
    byId('reference').value = state.last.reference;
  }
  byId('kept').hidden = state.last === null;
  showAmountError(false);
}

/** What the client says by itself, in the language of the page. */
const textsOfClient = () => (languageTag() === 'en' ? texts : zhCN);

/** The client takes the form over: its key, its button, its retries and what it says meanwhile. */
function startGuard() {
  state.guard?.release();
  state.status = 'ready';
  state.detail = {};
  state.attempt = 1;
  state.guard = guardForm(byId('form'), {
    storageKey: `idem-payments-${state.user}`,
    token: { operation: OPERATION },
    headers: () => headers(state.user),
    request: () => {
      const body = state.last ?? bodyOfForm();
      if (body) {
        freeze(body);
      }
      return body && { url: PATH, ...payment(body) };
    },
    attempts: ATTEMPTS,
    maxDelay: MAX_DELAY,
    fetch: (request, init) => send(request, init, { source: 'pay', number: state.attempt }),
    onAttempt: (said) => {
      state.attempt = said.attempt;
    },
    // The page says it itself, below: what the service details is English.
    status: false,
    onStatus: guardSays,
  });
  nextKey();
}

async function guardSays(status, detail) {
  const { key, response, answer } = detail;
  const wasPaying = state.paying;
  state.status = status;
  state.detail = detail;
  // With an answer it is the last word, also where that is "busy".
  state.paying = UNDER_WAY.includes(status) && !answer;
  state.key = key ?? state.key;
  if (status === 'done') {
    await showPaid(response);
  } else if (status === 'refused') {
    // The next submission has another key, and may say something else.
    thaw();
    nextKey();
  }
  render();
  if (wasPaying && !state.paying) {
    await refresh();
  }
}

async function nextKey() {
  const { guard } = state;
  try {
    const key = await guard.key();
    if (state.guard === guard) {
      state.key ??= key;
      render();
    }
  } catch {
    // It is asked for again when the form is sent.
  }
}

function renderStatus() {
  const { status, detail } = state;
  const of = textsOfClient();
  const { answer, error, delay } = detail;
  let text = of[status] ?? of.lookUp;
  if (status === 'waiting' && delay !== undefined) {
    text = t('waiting', { seconds: number(Math.ceil(delay / 100) / 10), n: state.attempt + 1 });
  } else if (status === 'done' && answer?.kind === 'replayed') {
    text = of.replayed;
  } else if (status === 'refused') {
    text = t('refusedWhy', { why: problemText(answer.cause, answer.problem?.title) });
  } else if (status === 'unknown' && answer?.cause && !answer.retryable) {
    text = of.lookUp;
  } else if (status === 'unknown' && !answer && !error) {
    text = t('interrupted');
  }
  byId('status').textContent = text;
}

/** The payment that the form has made, now or, after the back button, before. */
async function showPaid(response) {
  if (response) {
    const { id, to, amount } = await response.clone().json();
    const paid = { id, to, amount, key: state.key, last: state.last };
    thaw();
    state.paid = paid;
    remember(sessionStorage, storedPaid(), JSON.stringify(paid));
  } else {
    try {
      state.paid = JSON.parse(remembered(sessionStorage, storedPaid()));
    } catch {
      // Not what this page has written.
    }
  }
  state.last = state.paid?.last ?? null;
  state.key = state.paid?.key ?? state.key;
  renderPay();
  byId('form').hidden = state.paid !== null;
  byId('receipt').hidden = state.paid === null;
  // The button that had the focus is gone.
  if (response && [document.body, byId('pay')].includes(document.activeElement)) {
    byId('receipt-amount').focus({ preventScroll: true });
  }
}

// ---- what the person does

/** Begins a payment with a key of its own. */
async function startAnew() {
  if (state.paying) {
    return;
  }
  thaw();
  state.paid = null;
  render();
  byId('amount').focus();
  try {
    await state.guard.renew();
    await nextKey();
  } catch {
    // It asks for a token again when the form is sent.
    showTrouble();
  }
}

function chooseUser(user) {
  state.user = user;
  remember(sessionStorage, STORED_USER, user);
  for (const radio of byId('users').querySelectorAll('input')) {
    radio.checked = radio.value === user;
  }
  const option = document.createElement('option');
  option.textContent = USERS.find((other) => other !== user);
  byId('to').replaceChildren(option);
}

function setNetwork(change) {
  Object.assign(network, change);
  remember(localStorage, STORED_NETWORK, JSON.stringify(network));
  renderNetwork();
}

byId('users').addEventListener('change', (event) => {
  chooseUser(event.target.value);
  restoreForm();
  startGuard();
  render();
});
byId('renew').addEventListener('click', startAnew);
byId('over').addEventListener('click', startAnew);
byId('amount').addEventListener('input', () => {
  showAmountError(false);
  renderPay();
});
byId('flaky').addEventListener('change', (event) => setNetwork({ flaky: event.target.checked }));
for (const name of FAULTS) {
  byId(name).addEventListener('input', (event) =>
    setNetwork({ [name]: Number(event.target.value), flaky: true }),
  );
}
byId('fast').addEventListener('click', () => sendAround('fast', 5));
byId('resend').addEventListener('click', () => sendAround('resend'));
byId('alter').addEventListener('click', () =>
  sendAround('alter', 1, (body) => ({ ...body, amount: body.amount + 100 })),
);
byId('storm').addEventListener('click', () => (state.storm ? state.storm.abort() : startStorm()));
byId('clear').addEventListener('click', () => clear(state.books?.summary.payments ?? null));
byId('chart-table').closest('details').addEventListener('toggle', renderLog);
byId('language').addEventListener('click', () => {
  switchLanguage();
  byId('amount-error').hidden = true;
  translatePage();
  render();
});
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && !state.sending) {
    refresh();
  }
});
new ResizeObserver(() => drawChart(byId('chart'))).observe(byId('chart'));

try {
  Object.assign(network, JSON.parse(remembered(localStorage, STORED_NETWORK)) ?? {});
} catch {
  // Not what this page has written: the defaults do.
}
translatePage();
restore();
onChange(renderLog);
const storedUser = remembered(sessionStorage, STORED_USER);
chooseUser(USERS.includes(storedUser) ? storedUser : USERS[0]);
restoreForm();
startGuard();
render();
refresh();
