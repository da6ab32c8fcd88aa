import { call, get, getText } from './api.js';
import { switchLanguage, t, translatePage } from './i18n.js';
import { addAnswer, byId, clearTimeline, showTally } from './view.js';

const USERS = ['alice', 'bob'];
const PRODUCT = 'coffee';
const FULL = 30;
const BUYERS = 50;
const AMOUNT = 1250;

/** What the carrier says, in the order in which it happened. */
const EVENTS = ['ANNOUNCED', 'PICKED_UP', 'IN_TRANSIT', 'OUT_FOR_DELIVERY', 'DELIVERED'].map(
  (status, index) => ({ sequence: index + 1, status }),
);

/** Everything the page knows. */
const state = {
  user: 'alice',
  number: '',
  order: null, // as the service tells it
  stock: null,
  keys: [], // of the last purchases
  sending: false,
  sent: 0,
  tally: { applied: 0, there: 0, past: 0, stale: 0, illegal: 0, refused: 0, failed: 0 },
};

function newNumber() {
  state.number = `A-${crypto.randomUUID().slice(0, 8).toUpperCase()}`;
  state.order = null;
  byId('status').textContent = '';
  render();
}

// ---- what is shown

function render() {
  byId('number').textContent = state.number;
  document.body.classList.toggle('sending', state.sending);
  for (const button of document.querySelectorAll('[data-send], [data-idle]')) {
    const missing =
      ('needsOrder' in button.dataset && !state.order) ||
      ('needsKeys' in button.dataset && state.keys.length === 0);
    button.disabled = state.sending || missing;
  }
  for (const radio of byId('users').querySelectorAll('input')) {
    radio.disabled = state.sending;
  }
  renderCounters();
  renderLife();
  const shipment = state.order?.shipment;
  byId('carrier').hidden = !shipment;
  byId('carrier').textContent = shipment
    ? t('carrierSays', { event: eventText(shipment) })
    : '';
  byId('stock').hidden = state.stock === null;
  byId('stock').textContent = t('stockLeft', { n: state.stock });
}

function renderCounters() {
  byId('sent').textContent = String(state.sent);
  byId('sent-label').textContent = t(state.sent === 1 ? 'requestSent' : 'requestsSent');
  byId('changes').textContent = String(state.tally.applied);
  byId('changes-label').textContent = t('changed');
  showTally(state.tally);
}

/** The states that the order was in are marked, and the one it is in. */
function renderLife() {
  const entered = new Set(state.order ? ['PENDING'] : []);
  for (const { state: one } of state.order?.history ?? []) {
    entered.add(one);
  }
  for (const element of byId('machine').querySelectorAll('[data-state]')) {
    const here = element.dataset.state === state.order?.state;
    element.classList.toggle('entered', entered.has(element.dataset.state));
    element.classList.toggle('here', here);
    element.toggleAttribute('aria-current', here);
  }
}

const eventText = ({ sequence, status }) => t('event', { n: sequence, status: t(status) });

// ---- what answers mean

/** A refusal is told by the last part of its type, whoever it comes from. */
function refusal({ status, answer }) {
  const slug = (answer.type ?? '').split(/[#/]/).pop();
  const kind =
    slug === 'illegal-transition'
      ? 'illegal'
      : status >= 400 && status < 500 && slug !== 'in-progress'
        ? 'refused'
        : 'failed';
  return { kind, text: answer.detail ?? answer.title ?? t('noAnswer') };
}

function ofStep({ answer }) {
  const named = { state: t(answer.now) };
  return {
    APPLIED: { kind: 'applied', text: t('answerNow', named) },
    ALREADY_THERE: { kind: 'there', text: t('answerStill', named) },
    ALREADY_PAST: { kind: 'past', text: t('answerPast', named) },
  }[answer.answer];
}

function ofEvent({ answer }) {
  const named = { n: answer.now };
  return {
    APPLIED: { kind: 'applied', text: t('answerStored', named) },
    REPEAT: { kind: 'there', text: t('answerSame', named) },
    STALE: { kind: 'stale', text: t('answerStale', named) },
  }[answer.answer];
}

function ofOrder({ status, answer }) {
  state.order = answer;
  return status === 201
    ? { kind: 'applied', text: t('answerOrdered', answer) }
    : { kind: 'there', text: t('answerOrderThere', answer) };
}

function ofPurchase({ answer, replayed }) {
  const named = { n: answer.stock };
  return replayed
    ? { kind: 'there', text: t('answerTakenBefore', named) }
    : { kind: 'applied', text: t('answerTaken', named) };
}

function ofStock({ answer }) {
  return { kind: 'applied', text: t('answerStock', { n: answer.stock }) };
}

// ---- what is sent

/** A request, what it is called in the timeline, and how a success is read. */
const step = (name, note) => ({
  request: { path: `/api/orders/${state.order.id}/${name}` },
  note: t(note),
  read: ofStep,
});
const pay = () => step('payment', 'notePay');
const order = () => ({
  request: {
    path: '/api/orders',
    body: {
      number: state.number,
      seller: USERS.find((user) => user !== state.user),
      amount: AMOUNT,
    },
  },
  note: t('noteOrder'),
  read: ofOrder,
});
const event = (said) => ({
  request: { path: `/api/orders/${state.order.id}/carrier-events`, body: said },
  note: eventText(said),
  read: ofEvent,
});
const purchase = (key) => ({
  request: { path: `/api/stock/${PRODUCT}/deductions`, body: { quantity: 1 }, key },
  note: key.slice(0, 8),
  read: ofPurchase,
});

/** Sends requests, all at once or one after the other, with every control locked meanwhile. */
async function submit(steps, { inOrder = false } = {}) {
  if (state.sending) {
    return;
  }
  state.sending = true;
  byId('status').textContent = t('sending');
  render();
  const counts = {};
  const one = async ({ request, note, read }) => {
    const response = await call({ user: state.user, ...request });
    const ok = response.status >= 200 && response.status < 300;
    const { kind, text } = ok ? read(response) : refusal(response);
    state.sent += 1;
    state.tally[kind] += 1;
    counts[kind] = (counts[kind] ?? 0) + 1;
    addAnswer({ kind, status: response.status, text, note, ms: response.ms });
    renderCounters();
  };
  if (inOrder) {
    for (const next of steps) {
      await one(next);
    }
  } else {
    await Promise.all(steps.map(one));
  }
  const summary = Object.entries(counts).map(([kind, count]) => `${t(kind)} ${count}`);
  byId('status').textContent =
    steps.length === 1
      ? t('doneOne', { kind: t(Object.keys(counts)[0]) })
      : t('done', { total: steps.length, counts: summary.join(', ') });
  state.sending = false;
  await refresh();
}

/** In an order that is not the one in which it happened. */
function shuffled(events) {
  const mixed = [...events];
  do {
    for (let last = mixed.length - 1; last > 0; last -= 1) {
      const other = Math.floor(Math.random() * (last + 1));
      [mixed[last], mixed[other]] = [mixed[other], mixed[last]];
    }
  } while (mixed.every((one, index) => one === events[index]));
  return mixed;
}

/** Reads order and stock again. */
async function refresh() {
  try {
    const [stock, known] = await Promise.all([
      get(state.user, `/api/stock/${PRODUCT}`),
      state.order && get(state.user, `/api/orders/${state.order.id}`),
    ]);
    state.stock = stock.stock;
    state.order = known;
    byId('trouble').hidden = true;
  } catch {
    byId('trouble').textContent = t('offline');
    byId('trouble').hidden = false;
  }
  render();
}

async function showMachine() {
  try {
    byId('mermaid').textContent = await getText(state.user, '/api/orders/machine');
  } catch {
    byId('mermaid').textContent = '–';
  }
}

const times = (count, make) => Array.from({ length: count }, make);
const onClick = (id, action) => byId(id).addEventListener('click', action);

onClick('create', () => submit(times(3, order)));
onClick('renew', newNumber);
onClick('pay3', () => submit(times(3, pay)));
onClick('pay', () => submit([pay()]));
onClick('ship', () => submit([step('shipment', 'noteShip')]));
onClick('cancel', () => submit([step('cancellation', 'noteCancel')]));
onClick('shuffled', () => submit(shuffled(EVENTS).map(event), { inOrder: true }));
onClick('latest', () => submit([event(EVENTS.at(-1))]));
onClick('fifty', () => {
  state.keys = times(BUYERS, () => crypto.randomUUID());
  submit(state.keys.map(purchase));
});
onClick('fifty-again', () => submit(state.keys.map(purchase)));
onClick('refill', () =>
  submit([
    {
      request: { method: 'PUT', path: `/api/stock/${PRODUCT}`, body: { stock: FULL } },
      note: t('noteStock'),
      read: ofStock,
    },
  ]),
);
onClick('clear', clearTimeline);
onClick('language', () => {
  switchLanguage();
  byId('status').textContent = '';
  translatePage();
  render();
});
byId('users').addEventListener('change', (changed) => {
  state.user = changed.target.value;
  state.keys = [];
  newNumber();
});
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && !state.sending) {
    refresh();
  }
});

translatePage();
clearTimeline();
state.user = document.querySelector('#users input:checked').value;
newNumber();
refresh();
showMachine();
