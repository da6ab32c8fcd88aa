import type { FormStatus } from './form.js';

/** What a guarded form says: one text for each status, and for some of its causes. */
export type Texts = Record<Exclude<FormStatus, 'expired'> | 'replayed' | 'lookUp', string>;

/** English. */
export const texts: Texts = {
  ready: '',
  sending: 'Sending…',
  waiting: 'No answer. Trying again…',
  busy: 'Still running…',
  offline: 'Offline. Sent when online.',
  done: 'Done.',
  replayed: 'Done before.',
  refused: 'Refused.',
  unknown: 'No certain answer. Submit again: it is done once.',
  lookUp: 'It may be done. Look it up first.',
  changed: 'Sent before with other content. Restore it, or renew.',
};
