// Plain forms: sent once, first error in focus, live filter of a short list, copy buttons.

export function startForms() {
  document.addEventListener('submit', (event) => {
    const form = event.target.closest('form[data-once]');
    if (!form || event.defaultPrevented) return;
    if (form.hasAttribute('data-sent')) {
      event.preventDefault();
      return;
    }
    form.setAttribute('data-sent', '');
    event.submitter?.setAttribute('aria-busy', 'true');
  });
  addEventListener('pageshow', (event) => event.persisted && reopen());
  document.addEventListener('input', (event) => event.target.matches('[data-filter]') && filter(event.target));
  document.addEventListener('change', (event) => {
    if (event.target.matches('[data-submits]')) event.target.form.requestSubmit();
    if (event.target.matches('.pick input[type=file]')) namePicked(event.target);
  });
  document.addEventListener('click', (event) => {
    const copier = event.target.closest('[data-copy]');
    if (copier) copy(copier);
    const printer = event.target.closest('[data-print]');
    if (printer) print();
  });
  countdowns();
  document.querySelector('.errors[tabindex]:not([hidden])')?.focus();
}

/** Back from the browser's cache: a form that was sent may be sent again. */
function reopen() {
  for (const form of document.querySelectorAll('form[data-sent]')) {
    form.removeAttribute('data-sent');
    for (const busy of form.querySelectorAll('[aria-busy]')) busy.removeAttribute('aria-busy');
  }
}

/** The names of the files chosen, beside their button. */
function namePicked(input) {
  const names = [...input.files].map((file) => file.name).join('、');
  input.closest('.pick').querySelector('[data-picked]').textContent = names || '未选择文件';
}

/** `data-filter="#list"`: hides the rows of the list that do not hold the text. */
function filter(input) {
  const wanted = input.value.trim().toLowerCase();
  const rows = document.querySelectorAll(`${input.dataset.filter} > li`);
  let shown = 0;
  for (const row of rows) {
    row.hidden = wanted !== '' && !row.textContent.toLowerCase().includes(wanted);
    if (!row.hidden) shown += 1;
  }
  const note = document.querySelector(`[data-filter-count="${input.dataset.filter}"]`);
  if (note) note.textContent = wanted ? `${shown} / ${rows.length}` : '';
}

async function copy(button) {
  const text = button.dataset.copy || button.previousElementSibling?.textContent.trim();
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = '已复制';
  } catch {
    button.textContent = '请手动复制';
  }
  setTimeout(() => { button.textContent = before; }, 2000);
}

/** `<button data-wait="60" disabled>`: counts down, then can be pressed (a new SMS code). */
function countdowns() {
  for (const button of document.querySelectorAll('button[data-wait]')) {
    const label = button.textContent.trim();
    let left = Number(button.dataset.wait);
    const tick = () => {
      button.disabled = left > 0;
      button.textContent = left > 0 ? `${label}（${left} 秒）` : label;
      left -= 1;
      if (left >= -1 && button.disabled) setTimeout(tick, 1000);
    };
    tick();
  }
}
