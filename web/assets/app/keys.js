// Keys in lists: j and k move, Enter opens (a row is a link), «/» goes to the search field.
import { isTyping } from './dialogs.js';

export function startKeys() {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (event.key === 'j') step(event, 1);
    if (event.key === 'k') step(event, -1);
    if (event.key === 'o') document.activeElement?.closest('[data-keys=list] a')?.click();
    if (event.key === '/') focusSearch(event);
  });
}

function step(event, by) {
  const rows = [...document.querySelectorAll('[data-keys=list] a.row')].filter((row) => row.offsetParent !== null);
  if (!rows.length) return;
  event.preventDefault();
  const current = rows.findIndex((row) => row === document.activeElement);
  const start = current >= 0 ? current : rows.findIndex((row) => row.hasAttribute('aria-current'));
  const next = rows[Math.min(Math.max(start + by, 0), rows.length - 1)];
  next.focus();
  next.scrollIntoView({ block: 'nearest' });
}

function focusSearch(event) {
  const search = document.querySelector('[role=search] input');
  if (!search || search.offsetParent === null) return;
  event.preventDefault();
  search.focus();
  search.select();
}
