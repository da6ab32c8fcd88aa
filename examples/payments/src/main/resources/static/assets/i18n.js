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
    pages: 'Pages',
    pagePayments: 'Payments',
    pageOrders: 'Orders and stock',
    actAs: 'Act as',
    ordersHeadline: 'The row itself knows that it was done.',
    ordersIntro:
      'These requests have no key. A state, a version, a number or a lock of the row tells a repeat ' +
      'from news, and a late repeat from a mistake.',
    guardStatsTitle: 'Requests and answers',
    changed: 'changed something',
    applied: 'Applied',
    there: 'Already there',
    past: 'Already past',
    stale: 'Stale',
    illegal: 'Illegal',
    orderTitle: 'One number, one order',
    orderHint: 'A unique number: whoever asks again is given the order that is there.',
    create: 'Order ×3',
    createHint: 'Three requests, one number',
    newNumber: 'Take a new number',
    newNumberHint: 'Begins a new order',
    lifeTitle: 'The life of the order',
    lifeHint:
      'A state machine: one conditional update a step. The money moves in the same transaction.',
    PENDING: 'Pending',
    PAID: 'Paid',
    SHIPPED: 'Shipped',
    CANCELLED: 'Cancelled',
    pay3: 'Pay ×3',
    pay3Hint: 'Three clicks at once',
    payOnce: 'Pay',
    payOnceHint: 'Late, when it is shipped',
    ship: 'Ship',
    shipHint: 'Illegal before it is paid',
    cancel: 'Cancel',
    cancelHint: 'Illegal once it is paid',
    mermaid: 'The machine as Mermaid',
    carrierTitle: 'News out of order',
    carrierHint: 'A version: the carrier numbers its events, and the newest one stays.',
    shuffled: 'Five events, shuffled',
    shuffledHint: 'Some come too late',
    latest5: 'The last event again',
    latest5Hint: 'A repeat changes nothing',
    stockTitle: 'Fifty buyers, thirty pieces',
    stockHint:
      'A row lock keeps buyers apart; a key for each keeps a retry from buying twice.',
    fifty: 'Buy ×50 at once',
    fiftyHint: 'A piece and a key each',
    fiftyAgain: 'The same 50 again',
    fiftyAgainHint: 'Same keys: nothing more is taken',
    refill: 'Set the stock to 30',
    refillHint: 'Idempotent by nature: it says what, not by how much',
    guardTimelineEmpty: 'Nothing sent yet. Order, then press “Pay ×3”.',
    ordersFooter:
      'You play customer, shop and carrier here. The password of each user is their name, and the ' +
      'money is not real.',
    stockLeft: '{n} in stock',
    ANNOUNCED: 'announced',
    PICKED_UP: 'picked up',
    IN_TRANSIT: 'in transit',
    OUT_FOR_DELIVERY: 'out for delivery',
    DELIVERED: 'delivered',
    event: '#{n} {status}',
    carrierSays: 'Stored: {event}',
    noteOrder: 'order',
    notePay: 'pay',
    noteShip: 'ship',
    noteCancel: 'cancel',
    noteStock: 'stock = 30',
    answerOrdered: 'Order {number} was made',
    answerOrderThere: 'Order {number} was there',
    answerNow: 'Now {state}',
    answerStill: 'It was {state} already',
    answerPast: 'It is {state}, beyond that',
    answerStored: 'Stored #{n}',
    answerSame: '#{n} is stored already',
    answerStale: '#{n} is newer',
    answerTaken: 'One taken, {n} left',
    answerTakenBefore: 'Taken before, {n} were left',
    answerStock: 'The stock is {n}',
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
    pages: '页面',
    pagePayments: '支付',
    pageOrders: '订单与库存',
    actAs: '身份',
    ordersHeadline: '做没做过，数据行自己知道。',
    ordersIntro:
      '这些请求不带幂等键。数据行的状态、版本、编号或行锁，就能分清重复请求与新请求，也能分清迟到的重复与错误。',
    guardStatsTitle: '请求与答复',
    changed: '个产生了变更',
    applied: '已生效',
    there: '早已完成',
    past: '早已越过',
    stale: '已过时',
    illegal: '不允许',
    orderTitle: '一个编号，一张订单',
    orderHint: '唯一编号：再次提交的人得到的是已有的那张订单。',
    create: '下单 ×3',
    createHint: '三个请求，同一个编号',
    newNumber: '换一个新编号',
    newNumberHint: '开始一张新订单',
    lifeTitle: '订单的一生',
    lifeHint: '状态机：每一步是一条条件更新。款项在同一个事务中转移。',
    PENDING: '待付款',
    PAID: '已付款',
    SHIPPED: '已发货',
    CANCELLED: '已取消',
    pay3: '付款 ×3',
    pay3Hint: '同时点三次',
    payOnce: '付款',
    payOnceHint: '发货之后再付就是迟到',
    ship: '发货',
    shipHint: '付款之前不允许',
    cancel: '取消',
    cancelHint: '付款之后不允许',
    mermaid: '用 Mermaid 表示的状态机',
    carrierTitle: '乱序到达的消息',
    carrierHint: '版本号：承运方给每个事件编号，只保留最新的一个。',
    shuffled: '五个事件，乱序送达',
    shuffledHint: '有的来得太晚',
    latest5: '再送一次最后的事件',
    latest5Hint: '重复不产生变更',
    stockTitle: '五十个买家，三十件货',
    stockHint: '行锁把买家隔开；每个买家一个键，重试也不会多买。',
    fifty: '同时购买 ×50',
    fiftyHint: '每人一件、一个键',
    fiftyAgain: '同样的 50 个再来一次',
    fiftyAgainHint: '键相同：不会再扣减',
    refill: '把库存设为 30',
    refillHint: '天然幂等：说的是结果，而不是增减',
    guardTimelineEmpty: '尚未发送任何请求。先下单，再点“付款 ×3”。',
    ordersFooter:
      '在这里，您同时扮演顾客、商家和承运方。每个用户的密码就是用户名，金额并非真实资金。',
    stockLeft: '库存 {n} 件',
    ANNOUNCED: '已通知',
    PICKED_UP: '已揽收',
    IN_TRANSIT: '运输中',
    OUT_FOR_DELIVERY: '派送中',
    DELIVERED: '已签收',
    event: '#{n} {status}',
    carrierSays: '已保存：{event}',
    noteOrder: '下单',
    notePay: '付款',
    noteShip: '发货',
    noteCancel: '取消',
    noteStock: '库存 = 30',
    answerOrdered: '订单 {number} 已创建',
    answerOrderThere: '订单 {number} 已存在',
    answerNow: '现在{state}',
    answerStill: '本来就{state}',
    answerPast: '当前{state}，早已越过这一步',
    answerStored: '已保存 #{n}',
    answerSame: '#{n} 早已保存',
    answerStale: '#{n} 更新',
    answerTaken: '扣减一件，剩 {n} 件',
    answerTakenBefore: '早已扣减，当时剩 {n} 件',
    answerStock: '库存为 {n} 件',
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
  for (const element of document.querySelectorAll('[data-i18n-label]')) {
    element.setAttribute('aria-label', t(element.dataset.i18nLabel));
  }
  const other = document.getElementById('language');
  other.lang = language === 'en' ? 'zh-CN' : 'en';
  other.textContent = language === 'en' ? '简体中文' : 'English';
}
