/** Answers over time, as stacked columns in an SVG of the page's own. */
import { KINDS, SPAN, log } from './attempts.js';
import { languageTag, t } from './i18n.js';

const NS = 'http://www.w3.org/2000/svg';
const HEIGHT = 190;
const LEFT = 40; // room for the numbers
const RIGHT = 4;
const TOP = 10;
const BOTTOM = 24; // room for the times
const COLUMN = 13;
const LEAST = 2; // what there is one of is seen beside a thousand
const PAUSE = 6; // spans without an answer, which are not drawn

function svg(name, attributes, text) {
  const created = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) {
    created.setAttribute(key, value);
  }
  if (text !== undefined) {
    created.textContent = text;
  }
  return created;
}

export const timeOf = (date) =>
  date.toLocaleTimeString(languageTag(), {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  });

const sum = (counts) => KINDS.reduce((total, kind) => total + counts[kind], 0);

const summary = (counts) =>
  KINDS.filter((kind) => counts[kind] > 0)
    .map((kind) => `${t(kind)} ${counts[kind]}`)
    .join(t('comma'));

/** The newest spans, oldest first; null where nothing happened for longer. */
function columns(most) {
  const spans = [...log.spans.keys()].sort((one, other) => one - other);
  const list = [];
  let before = null;
  for (const span of spans) {
    if (before !== null && span - before > PAUSE) {
      list.push(null);
    } else {
      for (let empty = before === null ? span : before + 1; empty < span; empty += 1) {
        list.push({ span: empty, counts: null });
      }
    }
    list.push({ span, counts: log.spans.get(span) });
    before = span;
  }
  return list.slice(-most);
}

/** The least of 1, 2, 5, 10, 20, 50, … that is enough, and even so that its half is a number. */
function ceiling(value) {
  let power = 2;
  for (;;) {
    for (const step of [1, 2, 5]) {
      if (power * step >= value) {
        return power * step;
      }
    }
    power *= 10;
  }
}

/** Draws what the log has. */
export function drawChart(frame) {
  const width = Math.max(240, Math.floor(frame.clientWidth));
  const room = width - LEFT - RIGHT;
  const list = columns(Math.floor(room / COLUMN));
  const highest = Math.max(0, ...list.map((column) => (column?.counts ? sum(column.counts) : 0)));
  const max = ceiling(Math.max(highest, 4));
  const plot = HEIGHT - TOP - BOTTOM;
  const y = (value) => TOP + plot - (value / max) * plot;

  const chart = svg('svg', {
    viewBox: `0 0 ${width} ${HEIGHT}`,
    width,
    height: HEIGHT,
    role: 'img',
    'aria-label': `${t('chartTitle')}${t('colon')}${summary(log.tally) || t('chartEmpty')}`,
  });
  for (const value of [0, max / 2, max]) {
    chart.append(
      svg('line', {
        class: value ? 'grid' : 'axis',
        x1: LEFT,
        x2: width - RIGHT,
        y1: y(value),
        y2: y(value),
      }),
      svg(
        'text',
        { class: 'tick-y', x: LEFT - 8, y: y(value) + 4 },
        value.toLocaleString(languageTag()),
      ),
    );
  }
  let free = LEFT; // where the next time may be written
  list.forEach((column, index) => {
    const x = LEFT + index * COLUMN;
    const begins = index === 0 || list[index - 1] === null;
    if (column === null) {
      chart.append(
        svg('line', {
          class: 'pause',
          x1: x + COLUMN / 2,
          x2: x + COLUMN / 2,
          y1: TOP,
          y2: TOP + plot,
        }),
      );
      return;
    }
    const date = new Date(column.span * SPAN);
    if ((begins || date.getTime() % 5000 === 0) && x >= free && x + 56 <= width) {
      chart.append(svg('text', { class: 'tick-x', x, y: HEIGHT - 6 }, timeOf(date)));
      free = x + 70;
    }
    if (column.counts) {
      chart.append(stack(column, x, y, date));
    }
  });
  if (list.length === 0) {
    chart.append(
      svg('text', { class: 'nothing', x: LEFT + room / 2, y: TOP + plot / 2 + 4 }, t('chartEmpty')),
    );
  }
  frame.replaceChildren(chart);
}

function stack({ counts }, x, y, date) {
  const group = svg('g', {});
  group.append(svg('title', {}, `${timeOf(date)}${t('colon')}${summary(counts)}`));
  let bottom = y(0);
  for (const kind of KINDS) {
    if (counts[kind] > 0) {
      const height = Math.max(LEAST, y(0) - y(counts[kind]));
      bottom -= height;
      group.append(
        svg('rect', {
          class: `bar ${kind}`,
          x: x + 1.5,
          y: bottom,
          width: COLUMN - 3,
          height: Math.max(LEAST, height - 0.75),
          rx: 1,
        }),
      );
    }
  }
  return group;
}

/** The same numbers as rows, newest first. */
export function fillTable(body) {
  const rows = [...log.spans]
    .sort(([one], [other]) => other - one)
    .slice(0, 60)
    .map(([span, counts]) => {
      const row = document.createElement('tr');
      const others = counts.lost + counts.refused + counts.failed;
      for (const [index, text] of [
        timeOf(new Date(span * SPAN)),
        counts.ran,
        counts.replayed,
        counts.busy,
        others,
      ].entries()) {
        const cell = document.createElement(index === 0 ? 'th' : 'td');
        cell.textContent = String(text);
        if (index === 0) {
          cell.scope = 'row';
        } else {
          cell.className = 'number';
        }
        row.append(cell);
      }
      return row;
    });
  if (rows.length === 0) {
    const row = document.createElement('tr');
    const cell = document.createElement('td');
    cell.colSpan = 5;
    cell.className = 'none';
    cell.textContent = t('chartEmpty');
    row.append(cell);
    rows.push(row);
  }
  body.replaceChildren(...rows);
}
