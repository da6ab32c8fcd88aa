import type { FormStatus } from './form.js';

/** What a guarded form says: one text for each status, and for some of its causes. */
export type Texts = Record<Exclude<FormStatus, 'expired'> | 'replayed' | 'lookUp', string>;

/** English. */
export const texts: Texts = {
  ready: '',
  sending: 'Sending…',
  waiting: 'No answer. Sending again…',
  busy: 'Still being carried out…',
  offline: 'Offline. It will be sent when online.',
  done: 'Done.',
  replayed: 'Done before, and only once.',
  refused: 'Refused.',
  unknown: 'No certain answer. Submit again: it will not be done twice.',
  lookUp: 'It may have been done. Look it up before you start anew.',
  changed: 'Sent before with other content. Put that back, or start anew.',
};
