// Many tasks at once, a few in a request, with a bar that shows how far it is and what became of each row: those picked
// in the list ([data-bulk] is the real form), and those of one step that share a form ([data-rows]).
import { messageOf, ownHeaders, renewToken } from '../net.js';
import { openProgress } from './progress.js';

const AT_ONCE = 5;
const STALE = [400, 401];
// Refused before anything was done, for all because of one: the others are asked by themselves.
const WHOLE = [404, 422];
const picked = () => [...document.querySelectorAll('.sel input:checked')];

export function startBulk() {
  startRows();
  const form = () => document.querySelector('form[data-bulk]');
  if (!form()) return;
  const count = () => {
    const place = document.querySelector('[data-bulk-count]');
    if (place) place.textContent = `已勾选 ${picked().length} 件`;
  };
  document.addEventListener('change', (event) => event.target.matches('.sel input') && count());
  document.addEventListener('anju:rows', count);
  document.addEventListener('click', (event) => event.target.closest('[data-bulk-clear]') && clear(count));
  document.addEventListener('submit', (event) => {
    // One that leads to a page of its own goes there.
    if (event.target !== form() || event.submitter?.hasAttribute('formaction')) return;
    event.preventDefault();
    runPicked(form(), event.submitter);
  });
  count();
}

/** The answers were checked by then: a form that is not ready has prevented its submit. */
function startRows() {
  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (!form.matches('[data-rows]') || event.defaultPrevented) return;
    event.preventDefault();
    run(form, new FormData(form), rowsOf(form), {
      action: form.dataset.rows,
      after: () => location.assign(form.dataset.back),
      retry: () => form.dispatchEvent(new CustomEvent('anju:reopen')),
    });
  });
}

const rowsOf = (form) => [...form.querySelectorAll('input[name="task"]')].map((one) => ({ id: one.value, title: one.dataset.title }));

function clear(count) {
  for (const box of picked()) box.checked = false;
  count();
}

function runPicked(form, button) {
  const rows = picked().map((box) => ({ id: box.value, title: box.getAttribute('aria-label').replace(/^勾选 /, ''), box }));
  const after = () => document.dispatchEvent(new CustomEvent('anju:refresh'));
  run(form, new FormData(form, button), rows, { action: button.textContent.trim(), after });
}

async function run(form, fields, rows, told) {
  const view = openProgress({ total: rows.length, ...told });
  fields.delete('task');
  let good = 0;
  for (let at = 0; at < rows.length; at += AT_ONCE) {
    const some = rows.slice(at, at + AT_ONCE);
    const results = await send(form.getAttribute('action'), fields, some);
    for (const one of results) view.add(one);
    good += results.filter((one) => one.ok).length;
    for (const [number, { box }] of some.entries()) if (box && results[number]?.ok) box.checked = false;
    view.reach(Math.min(at + AT_ONCE, rows.length));
  }
  view.end(good);
}

async function send(url, fields, rows) {
  const body = new URLSearchParams(fields);
  for (const one of rows) body.append('task', one.id);
  const post = () => fetch(url, { method: 'POST', headers: ownHeaders(), body });
  const all = (text) => rows.map(({ title }) => ({ ok: false, title, text }));
  try {
    let answer = await post();
    if (STALE.includes(answer.status) && (await renewToken())) answer = await post();
    if (rows.length > 1 && WHOLE.includes(answer.status)) return await oneByOne(url, fields, rows);
    const told = await answer.json().catch(() => null);
    return answer.ok && told ? told.results : all(messageOf(answer.status, told));
  } catch {
    return all(messageOf(0));
  }
}

async function oneByOne(url, fields, rows) {
  const results = [];
  for (const one of rows) results.push(...(await send(url, fields, [one])));
  return results;
}
