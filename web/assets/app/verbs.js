// Operations on a task: their pages open as dialogs, the preview follows what is chosen, phrases, one menu at a time.

export function startVerbs() {
  document.documentElement.classList.add('scripted');
  for (const one of document.querySelectorAll('[data-scripted]')) one.hidden = false;
  document.addEventListener('click', (event) => {
    const link = event.target.closest('a[data-dialog]');
    if (link && !(event.ctrlKey || event.metaKey || event.shiftKey || event.button)) {
      event.preventDefault();
      openDialog(link);
    }
    const closer = event.target.closest('dialog.verb-dialog [data-closes]');
    if (closer) event.preventDefault();
    const phrase = event.target.closest('[data-phrase]');
    if (phrase) insert(phrase.textContent.trim(), phrase);
    for (const menu of document.querySelectorAll('details.menu[open]')) {
      if (!menu.contains(event.target) || link) menu.open = false;
    }
  });
  document.addEventListener('keydown', (event) => {
    const menu = event.key === 'Escape' && event.target.closest('details.menu[open]');
    if (!menu) return;
    menu.open = false;
    menu.querySelector('summary').focus();
  });
  document.addEventListener('focusin', (event) => {
    if (event.target.matches('textarea')) typed = event.target;
  });
  document.addEventListener('change', (event) => {
    const form = event.target.closest('form[data-preview]');
    if (form) preview(form);
  });
}

let typed = null;

async function part(address) {
  const answer = await fetch(address, { headers: { 'HX-Request': 'true' } });
  if (!answer.ok) throw new Error(String(answer.status));
  const made = new DOMParser().parseFromString(await answer.text(), 'text/html');
  return made.querySelector('[data-verb]');
}

/** The operation's page in a dialog; where it cannot be fetched the link leads there. */
async function openDialog(link) {
  let found;
  try {
    found = await part(link.href);
  } catch {
    location.assign(link.href);
    return;
  }
  const dialog = Object.assign(document.createElement('dialog'), { className: 'verb-dialog' });
  dialog.setAttribute('aria-labelledby', 'verb-title');
  dialog.append(found);
  for (const one of dialog.querySelectorAll('[data-scripted]')) one.hidden = false;
  document.body.append(dialog);
  dialog.addEventListener('close', () => {
    dialog.remove();
    (link.offsetParent ? link : link.closest('details')?.querySelector('summary'))?.focus();
  });
  dialog.showModal();
}

let asked = 0;

/** What would happen with what is chosen now. */
async function preview(form) {
  asked += 1;
  const mine = asked;
  const query = new URLSearchParams(new FormData(form));
  query.delete('csrf_token');
  query.delete('reason');
  try {
    const found = await part(`${form.dataset.preview}?${query}`);
    const now = found.querySelector('[data-effects]') ?? found.querySelector('.notice');
    if (mine === asked && now) form.querySelector('[data-effects]').replaceChildren(...now.childNodes);
  } catch {
    // The confirmation says the same once more.
  }
}

/** Into the text one was typing, as if typed, so that forms notice. */
function insert(text, near) {
  const inside = near.closest('form,dialog,.work,main')?.querySelector('textarea');
  const target = typed?.isConnected ? typed : inside ?? document.querySelector('textarea');
  if (!target) return;
  const before = target.value;
  const setter = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value').set;
  setter.call(target, before ? `${before}${/[，。；！？,.;]$/.test(before) ? '' : '，'}${text}` : text);
  target.dispatchEvent(new Event('input', { bubbles: true }));
  target.focus();
}
