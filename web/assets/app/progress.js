// A dialog over work in hand: a bar, what became of each row, and no way out before the end without being asked.

const make = (tag, values = {}) => Object.assign(document.createElement(tag), values);
const button = (kind, textContent) => make('button', { type: 'button', className: kind, textContent });

/** The browser asks before the page goes while rows are still to be done; what was done stays done. */
function hold(event) {
  event.preventDefault();
  // Chromium before 119 asks only so.
  event.returnValue = true;
}

/** Shows «批量…» over `total` rows. `after()` once it is closed; `retry()` where nothing was done and the person says so. */
export function openProgress({ total, action, after, retry }) {
  const title = make('h2', { id: 'bulk-title', textContent: `批量${action}` });
  const bar = make('progress', { max: total, value: 0 });
  const said = make('p', { textContent: `0 / ${total}` });
  const list = make('ul', { className: 'results' });
  const again = Object.assign(button('btn', '返回表单'), { hidden: true });
  const close = Object.assign(button('btn p', '完成'), { disabled: true });
  bar.setAttribute('aria-labelledby', title.id);
  said.setAttribute('role', 'status');
  list.tabIndex = 0;
  list.setAttribute('aria-label', '逐件结果');
  const dialog = inDialog(title, bar, said, list, again, close);
  let next = after;
  close.addEventListener('click', () => dialog.close());
  again.addEventListener('click', () => {
    next = retry;
    dialog.close();
  });
  dialog.addEventListener('cancel', (event) => close.disabled && event.preventDefault());
  dialog.addEventListener('close', () => {
    // Escape pressed twice and a click beside the dialog close it unasked.
    if (close.disabled) {
      dialog.showModal();
      return;
    }
    dialog.remove();
    next();
  });
  addEventListener('beforeunload', hold);
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
      removeEventListener('beforeunload', hold);
      said.textContent = `成功 ${good} 件${good < total ? `，未成功 ${total - good} 件` : ''}`;
      again.hidden = !retry || good > 0;
      close.disabled = false;
      (again.hidden ? close : again).focus();
    },
  };
}

function inDialog(title, bar, said, list, ...buttons) {
  const dialog = make('dialog');
  dialog.setAttribute('aria-labelledby', title.id);
  const foot = make('div', { className: 'dialog-row' });
  foot.append(...buttons);
  const box = make('div', { className: 'progress-box' });
  box.append(title, bar, said, list, foot);
  dialog.append(box);
  document.body.append(dialog);
  return dialog;
}
