// Dialogs: opened by [data-opens=ID], a question before a risky button by [data-confirm], help by «?».

export function startDialogs() {
  // Text selected from inside to outside ends in a click beside the dialog; it was not pressed there.
  let pressedBeside = false;
  document.addEventListener('mousedown', (event) => (pressedBeside = isBeside(event)));
  document.addEventListener('click', (event) => {
    const opener = event.target.closest('[data-opens]');
    if (opener) {
      event.preventDefault();
      open(document.getElementById(opener.dataset.opens), opener);
    }
    if (event.target.closest('[data-closes]')) event.target.closest('dialog')?.close();
    if (pressedBeside && isBeside(event) && !holdsTyped(event.target)) event.target.close();
    const risky = event.target.closest('[data-confirm]');
    if (risky && !risky.hasAttribute('data-confirmed')) askFirst(event, risky);
  });
  document.addEventListener('keydown', (event) => {
    if (event.key === '?' && !isTyping(event.target)) open(document.getElementById('help'));
  });
}

export const isTyping = (target) => target.closest('input,select,textarea,[contenteditable],dialog') !== null;

function open(dialog, opener) {
  if (!dialog || dialog.open) return;
  dialog.showModal();
  dialog.addEventListener('close', () => opener?.focus(), { once: true });
}

function isBeside(event) {
  if (!(event.target instanceof HTMLDialogElement)) return false;
  const box = event.target.getBoundingClientRect();
  return event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
}

/** What was typed is not lost by a click: then the dialog is left by its buttons or Escape. */
function holdsTyped(dialog) {
  return [...dialog.querySelectorAll('input,textarea')].some(
    (one) => one.value !== one.defaultValue || one.checked !== one.defaultChecked,
  );
}

function build(question, action, tone) {
  const dialog = Object.assign(document.createElement('dialog'), { className: 'dialog' });
  dialog.setAttribute('aria-labelledby', 'ask-text');
  const text = Object.assign(document.createElement('p'), { id: 'ask-text', textContent: question });
  const row = Object.assign(document.createElement('div'), { className: 'dialog-row' });
  const no = Object.assign(document.createElement('button'), { type: 'button', className: 'btn', textContent: '取消' });
  const yes = Object.assign(document.createElement('button'), { type: 'button', className: `btn ${tone}`, textContent: action });
  row.append(no, yes);
  dialog.append(text, row);
  return { dialog, no, yes };
}

/** Shows the question of `data-confirm`; the click goes through only after «yes». */
function askFirst(event, risky) {
  event.preventDefault();
  event.stopPropagation();
  const tone = risky.matches('.d') ? 'd solid' : 'p';
  const { dialog, no, yes } = build(risky.dataset.confirm, risky.dataset.confirmLabel ?? risky.textContent.trim(), tone);
  document.body.append(dialog);
  dialog.addEventListener('close', () => {
    dialog.remove();
    risky.focus();
  });
  no.addEventListener('click', () => dialog.close());
  yes.addEventListener('click', () => {
    dialog.close();
    risky.setAttribute('data-confirmed', '');
    risky.click();
    risky.removeAttribute('data-confirmed');
  });
  dialog.showModal();
  no.focus();
}
