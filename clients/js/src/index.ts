/**
 * Makes submissions and requests take effect once, with services that understand `Idempotency-Key`.
 *
 * @packageDocumentation
 */
export { type Answer, classify, type Kind, type Problem } from './answer.js';
export { idempotentFetch, type IdempotentInit, type IdempotentOptions } from './fetch.js';
export {
  type FormDetail,
  type FormGuard,
  type FormOptions,
  type FormRequest,
  type FormStatus,
  guardForm,
} from './form.js';
export { newKey } from './key.js';
export {
  type AnswerEvent,
  type Attempt,
  type AttemptEvent,
  NoAnswerError,
  perform,
  type PerformOptions,
  type WaitEvent,
} from './perform.js';
export { type Texts, texts } from './texts.js';
