// [data-sheet] links lead to a page of their own; with script its [data-sheet-body] opens in a dialog instead.

export function startSheets() {
  document.addEventListener('click', (event) => {
    const link = event.target.closest('a[data-sheet]');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    show(link);
  });
}

async function show(link) {
  try {
    const answer = await fetch(link.href, { cache: 'no-store' });
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const body = page.querySelector('[data-sheet-body]');
    if (!answer.ok || answer.redirected || !body) throw new Error(String(answer.status));
    open(document.adoptNode(body), link);
  } catch {
    location.assign(link.href);
  }
}

function open(body, link) {
  document.querySelector('dialog.drawer[open]')?.close();
  const dialog = Object.assign(document.createElement('dialog'), { className: 'sheet' });
  const title = body.querySelector('h1');
  if (title) {
    const second = Object.assign(document.createElement('h2'), { id: 'sheet-title', textContent: title.textContent });
    title.replaceWith(second);
    dialog.setAttribute('aria-labelledby', 'sheet-title');
  }
  dialog.append(body);
  dialog.addEventListener('click', (event) => {
    if (!event.target.closest('a[data-closes]')) return;
    event.preventDefault();
    dialog.close();
  });
  dialog.addEventListener('close', () => {
    // A button of the dialog may still be handing in a form elsewhere on the page.
    setTimeout(() => dialog.remove(), 0);
    if (link.isConnected) link.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  dialog.querySelector('input:not([type=hidden]),select')?.focus();
}
