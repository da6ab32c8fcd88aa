/** Every string of the page, in every language it speaks. */
const STRINGS = {
  en: {
    brand: 'Payments',
    payAs: 'Pay as',
    headline: 'Send it as often as you like. It is paid once.',
    intro:
      'Every form has one key. Whatever happens to the requests that carry it, the money moves once ' +
      'and every one of them gets the same answer.',
    statsTitle: 'Requests and effects',
    requestsSent: 'requests sent',
    requestSent: 'request sent',
    effects: 'effects in the ledger',
    effect: 'effect in the ledger',
    ran: 'Ran',
    replayed: 'Replayed',
    busy: 'Busy',
    refused: 'Refused',
    failed: 'Failed',
    newPayment: 'New payment',
    paid: 'Paid',
    to: 'To',
    amount: 'Amount',
    reference: 'Reference',
    key: 'Idempotency key of this form',
    pay: 'Pay {amount}',
    payAgain: 'Pay {amount} again, same key',
    another: 'Start a new payment',
    tryTitle: 'Try to pay twice',
    tryHint: 'All of these use the key of the form above.',
    fast: 'Click fast ×5',
    fastHint: 'Five requests at once',
    storm: 'Storm ×100',
    stormHint: 'A hundred, a dozen at a time',
    resend: 'Resend the last request',
    resendHint: 'As after a lost answer',
    alter: 'Resend with another amount',
    alterHint: 'Must be refused: 422',
    timeline: 'Answers',
    timelineEmpty: 'Nothing sent yet. Press Pay, then try to pay twice.',
    clear: 'Clear',
    books: 'The books',
    balanced: 'Balanced: sum 0.00',
    unbalanced: 'Wrong: the entries add up to {sum}',
    latest: 'Latest ledger entries',
    time: 'Time',
    account: 'Account',
    payment: 'Payment',
    opening: 'opening balance',
    amountEur: 'EUR',
    footer:
      'A demonstration on your own machine: the password of each user is their name, and the money ' +
      'is not real.',
    badAmount: 'Enter an amount above zero with at most two decimals, such as 12.50.',
    sending: 'Sending…',
    progress: 'Sending: {done} of {total} answered.',
    doneOne: 'Answered: {kind}.',
    done: '{total} answered: {counts}.',
    answerPaid: 'Payment {id}',
    noAnswer: 'No answer arrived. Resend it: the key makes that safe.',
    offline: 'The service does not answer. What is shown may be out of date.',
    milliseconds: '{n} ms',
  },
  zh: {
    brand: '支付',
    payAs: '付款人',
    headline: '随便重发多少次，只会付一次。',
    intro: '每张表单只有一个幂等键。携带同一个键的请求无论重复多少次，钱只转一次，每个请求都得到同一个答复。',
    statsTitle: '请求与效果',
    requestsSent: '个请求已发送',
    requestSent: '个请求已发送',
    effects: '笔付款入账',
    effect: '笔付款入账',
    ran: '已执行',
    replayed: '已重放',
    busy: '处理中',
    refused: '已拒绝',
    failed: '失败',
    newPayment: '新付款',
    paid: '已付款',
    to: '收款人',
    amount: '金额',
    reference: '附言',
    key: '本表单的幂等键',
    pay: '支付 {amount}',
    payAgain: '用同一个键再次支付 {amount}',
    another: '开始新的付款',
    tryTitle: '试试重复付款',
    tryHint: '以下操作都使用上面表单的键。',
    fast: '连点 5 次',
    fastHint: '同时发出五个请求',
    storm: '风暴 ×100',
    stormHint: '一百个请求，每批十二个',
    resend: '重发上一个请求',
    resendHint: '就像答复丢失之后',
    alter: '改金额后重发',
    alterHint: '必须被拒绝：422',
    timeline: '答复',
    timelineEmpty: '尚未发送任何请求。先点“支付”，再试试重复付款。',
    clear: '清空',
    books: '账簿',
    balanced: '账目平衡：所有分录合计 0.00',
    unbalanced: '账目有误：分录合计 {sum}',
    latest: '最新分录',
    time: '时间',
    account: '账户',
    payment: '付款',
    opening: '期初余额',
    amountEur: 'EUR',
    footer: '仅供在本机演示：每个用户的密码就是用户名，金额并非真实资金。',
    badAmount: '请输入大于零、最多两位小数的金额，例如 12.50。',
    sending: '正在发送…',
    progress: '正在发送：已答复 {done} / {total}。',
    doneOne: '答复：{kind}。',
    done: '共 {total} 个答复：{counts}。',
    answerPaid: '付款 {id}',
    noAnswer: '没有收到答复。请重发：有了幂等键，重发是安全的。',
    offline: '服务没有响应，显示的内容可能已过时。',
    milliseconds: '{n} 毫秒',
  },
};

const STORED = 'idem-payments-language';
const TAGS = { en: 'en', zh: 'zh-CN' };

let language = initialLanguage();

function initialLanguage() {
  let stored = null;
  try {
    stored = localStorage.getItem(STORED);
  } catch {
    // Storage is switched off: the browser's own language decides every time.
  }
  return stored in STRINGS ? stored : navigator.language.startsWith('zh') ? 'zh' : 'en';
}

/** The string of that name, with its {placeholders} filled in. */
export function t(name, values = {}) {
  return STRINGS[language][name].replace(/\{(\w+)\}/g, (_, key) => values[key]);
}

/** The language in use, as a BCP 47 tag. */
export const languageTag = () => TAGS[language];

/** Switches to the other language and remembers it. */
export function switchLanguage() {
  language = language === 'en' ? 'zh' : 'en';
  try {
    localStorage.setItem(STORED, language);
  } catch {
    // See above.
  }
}

/** Writes the strings into every element that names one. */
export function translatePage() {
  document.documentElement.lang = languageTag();
  for (const element of document.querySelectorAll('[data-i18n]')) {
    element.textContent = t(element.dataset.i18n);
  }
  const other = document.getElementById('language');
  other.lang = language === 'en' ? 'zh-CN' : 'en';
  other.textContent = language === 'en' ? '简体中文' : 'English';
}
