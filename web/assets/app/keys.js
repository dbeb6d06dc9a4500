// Keys: rows of a list are walked and picked, anything with [data-key] is pressed, «g» and a letter goes somewhere.
import { isTyping } from './dialogs.js';

const ROWS = '[data-keys=list] a.row';
const SEQUENCE_MS = 1500;
let awaits = 0;

export function startKeys() {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector('dialog[open]')) return;
    const go = Date.now() - awaits < SEQUENCE_MS;
    awaits = 0;
    if (go) press(event, `[data-go="${CSS.escape(event.key)}"]`);
    else if (event.key === 'g') awaits = Date.now();
    else if (event.key === 'j' || event.key === 'ArrowDown') step(event, 1);
    else if (event.key === 'k' || event.key === 'ArrowUp') step(event, -1);
    else if (event.key === 'o') onRow((row) => row.click());
    else if (event.key === 'x') onRow(pick);
    else if (event.key === '/') focusSearch(event);
    else if (event.key === 'c' && !document.querySelector('.sel input:checked') && !visible('[data-key=c]')) claimRow(event);
    else press(event, `[data-key="${CSS.escape(event.key)}"]`);
  });
}

const visible = (selector) => [...document.querySelectorAll(selector)].find((each) => !each.disabled && (each.checkVisibility() || each.matches('.back')));

/** No task is open and nothing is picked: the row in focus is meant. */
function claimRow(event) {
  onRow(pick);
  press(event, '[data-key=c]');
}

/** The first of them that can be seen and used is clicked. */
function press(event, selector) {
  const one = visible(selector);
  if (!one) return;
  event.preventDefault();
  one.click();
}

const onRow = (act) => {
  const row = document.activeElement?.closest('[data-keys=list] li')?.querySelector('a.row');
  if (row) act(row);
};

function pick(row) {
  row.closest('li')?.querySelector('input[type=checkbox]')?.click();
}

/** Arrows scroll, as everywhere, until a row has the focus. */
function step(event, by) {
  if (event.key.startsWith('Arrow') && !document.activeElement?.closest('[data-keys=list]')) return;
  const rows = [...document.querySelectorAll(ROWS)].filter((row) => row.offsetParent !== null);
  if (!rows.length) return;
  event.preventDefault();
  const current = rows.findIndex((row) => row.closest('li').contains(document.activeElement));
  const start = current >= 0 ? current : rows.findIndex((row) => row.hasAttribute('aria-current'));
  const next = rows[Math.min(Math.max(start + by, 0), rows.length - 1)];
  next.focus();
  next.scrollIntoView({ block: 'nearest' });
}

function focusSearch(event) {
  const fields = [...document.querySelectorAll('[role=search] input[data-find], [role=search] input[type=search]')];
  const search = fields.find((one) => one.matches('[data-find]') && one.checkVisibility()) ?? fields.find((one) => one.checkVisibility());
  if (!search) return;
  event.preventDefault();
  search.focus();
  search.select();
}
