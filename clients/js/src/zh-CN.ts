/**
 * What a guarded form says in Simplified Chinese.
 *
 * @packageDocumentation
 */
import type { Texts } from './index.js';

/** Simplified Chinese. */
export const zhCN: Texts = {
  ready: '',
  sending: '正在提交…',
  waiting: '尚未收到答复，正在重试…',
  busy: '仍在处理中…',
  offline: '您已离线，恢复网络后将自动提交。',
  done: '已完成。',
  replayed: '已完成。此前已执行过，且只执行了一次。',
  refused: '请求被拒绝。',
  unknown: '未收到明确答复。请再次提交，不会重复执行。',
  lookUp: '可能已经执行。重新开始之前，请先查询确认。',
  changed: '此前已用其他内容提交过。请恢复原内容以查看结果，或重新开始。',
};
