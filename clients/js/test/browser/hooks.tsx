import { createRoot } from 'react-dom/client';
import { StrictMode, useState } from 'react';
import { useGuardedForm, useIdempotentFetch } from '../../src/react.js';

/** What the tests of the hooks look at: both hooks, in strict mode, which mounts everything twice. */
const headers = {
  Authorization: `Basic ${btoa('alice:alice')}`,
  'X-Requested-With': 'XMLHttpRequest',
  'Content-Type': 'application/json',
};

const reference = new URLSearchParams(location.search).get('reference') ?? '';

const body = (amount: number) =>
  JSON.stringify({ from: 'alice', to: 'bob', currency: 'EUR', amount, reference });

function Form() {
  const [amount, setAmount] = useState('1');
  const { ref, status, renew } = useGuardedForm({
    headers,
    baseDelay: 20,
    status: false,
    request: () => ({ body: body(Number(amount)) }),
  });
  return (
    <form ref={ref} method="post" action="/api/payments" id="form">
      <input id="amount" value={amount} onChange={(event) => setAmount(event.target.value)} />
      <button id="submit">Pay</button>
      <output id="form-status">{status}</output>
      <button type="button" id="form-renew" onClick={() => void renew()}>
        Again
      </button>
    </form>
  );
}

function Button() {
  const { send, pending, answer, key, renew } = useIdempotentFetch({ baseDelay: 20 });
  const pay = () => {
    void send('/api/payments', { method: 'POST', headers, body: body(3) });
    void send('/api/payments', { method: 'POST', headers, body: body(3) });
  };
  return (
    <>
      <button id="pay" onClick={pay}>
        Pay
      </button>
      <button id="renew" onClick={renew}>
        Again
      </button>
      <output id="pending">{String(pending)}</output>
      <output id="kind">{answer?.kind}</output>
      <output id="key">{key}</output>
    </>
  );
}

function App() {
  const [shown, show] = useState(true);
  return (
    <>
      {shown && <Form />}
      <Button />
      <button id="unmount" onClick={() => show(false)}>
        Away
      </button>
    </>
  );
}

createRoot(document.getElementById('app')!).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
