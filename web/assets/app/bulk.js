// Picked rows: how many, and their work row by row with a bar that shows how far it is ([data-bulk] is the real form).
import { messageOf, ownHeaders } from '../net.js';

const AT_ONCE = 5;
const picked = () => [...document.querySelectorAll('.sel input:checked')];

export function startBulk() {
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
    run(form(), event.submitter);
  });
  count();
}

function clear(count) {
  for (const box of picked()) box.checked = false;
  count();
}

async function run(form, button) {
  const boxes = picked();
  const fields = new FormData(form, button);
  const view = build(boxes.length, button.textContent.trim());
  fields.delete('task');
  let good = 0;
  for (let at = 0; at < boxes.length; at += AT_ONCE) {
    const some = boxes.slice(at, at + AT_ONCE);
    const results = await send(form.getAttribute('action'), fields, some);
    for (const one of results) view.add(one);
    good += results.filter((one) => one.ok).length;
    for (const [number, box] of some.entries()) if (results[number]?.ok) box.checked = false;
    view.reach(Math.min(at + AT_ONCE, boxes.length));
  }
  view.end(good);
}

async function send(url, fields, boxes) {
  const body = new URLSearchParams(fields);
  for (const box of boxes) body.append('task', box.value);
  const all = (text) => boxes.map((box) => ({ ok: false, title: box.getAttribute('aria-label').replace(/^勾选 /, ''), text }));
  try {
    const answer = await fetch(url, { method: 'POST', headers: ownHeaders(), body });
    const told = await answer.json().catch(() => null);
    return answer.ok && told ? told.results : all(messageOf(answer.status, told));
  } catch {
    return all(messageOf(0));
  }
}

function build(total, action) {
  const make = (tag, values = {}) => Object.assign(document.createElement(tag), values);
  const dialog = make('dialog');
  dialog.setAttribute('aria-labelledby', 'bulk-title');
  const title = make('h2', { id: 'bulk-title', textContent: `批量${action}` });
  const bar = make('progress', { max: total, value: 0 });
  bar.setAttribute('aria-labelledby', 'bulk-title');
  const said = make('p', { textContent: `0 / ${total}` });
  said.setAttribute('role', 'status');
  const list = make('ul', { className: 'results' });
  const close = make('button', { type: 'button', className: 'btn p', textContent: '完成', disabled: true });
  const foot = make('div', { className: 'dialog-row' });
  foot.append(close);
  const box = make('div', { className: 'progress-box' });
  box.append(title, bar, said, list, foot);
  dialog.append(box);
  document.body.append(dialog);
  close.addEventListener('click', () => dialog.close());
  dialog.addEventListener('cancel', (event) => close.disabled && event.preventDefault());
  dialog.addEventListener('close', () => {
    dialog.remove();
    document.dispatchEvent(new CustomEvent('anju:refresh'));
  });
  dialog.showModal();
  return {
    add(one) {
      const row = make('li');
      row.append(make('span', { className: `tag ${one.ok ? 'ok' : 'bad'}`, textContent: one.ok ? '成功' : '未成功' }));
      row.append(make('span', { textContent: one.title }), make('small', { textContent: one.text }));
      list.append(row);
      row.scrollIntoView({ block: 'nearest' });
    },
    reach(number) {
      bar.value = number;
      said.textContent = `${number} / ${total}`;
    },
    end(good) {
      said.textContent = `成功 ${good} 件${good < total ? `，未成功 ${total - good} 件` : ''}`;
      close.disabled = false;
      close.focus();
    },
  };
}
