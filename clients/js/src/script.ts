/** What pages without a bundler have as the global `Idem`: all but what adapters of other clients need. */
export { classify, guardForm, idempotentFetch, newKey, NoAnswerError, texts } from './index.js';
