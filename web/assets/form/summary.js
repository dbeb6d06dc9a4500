// The list of what must be mended, above the form, with links to the fields.
import { shownMessages } from './state.js';

const inputOf = (domId) =>
  document.getElementById(domId)?.matches('input,select,textarea,button')
    ? document.getElementById(domId)
    : document.querySelector(`[id^="${CSS.escape(domId)}"]:is(input,select,textarea,button)`);

/** «成员 2 · 证件号码»: the field's label, with the row of the list it stands in. */
function nameOf(message) {
  const box = inputOf(message.domId)?.closest('.fjs-form-field');
  const label = box?.querySelector('.fjs-form-field-label')?.textContent.replace(/\*$/, '').trim() ?? '';
  if (!message.indexes.length) return label;
  const list = box?.parentElement?.closest('.fjs-form-field-grouplike')?.querySelector('.fjs-form-field-label');
  return `${list?.textContent.trim() ?? '第'} ${message.indexes.map((index) => index + 1).join('-')} · ${label}`;
}

function reach(input) {
  input.scrollIntoView({ block: 'center' });
  input.focus({ preventScroll: true });
}

function line(text, domId) {
  const item = document.createElement('li');
  if (!domId) {
    item.textContent = text;
    return item;
  }
  const link = document.createElement('a');
  link.href = `#${domId}`;
  link.textContent = text;
  link.addEventListener('click', (event) => {
    event.preventDefault();
    const input = inputOf(domId);
    if (input) reach(input);
  });
  item.append(link);
  return item;
}

export class Summary {
  constructor(container) {
    this.box = document.createElement('div');
    this.box.className = 'errors';
    this.box.tabIndex = -1;
    this.box.setAttribute('role', 'alert');
    this.box.hidden = true;
    container.before(this.box);
  }

  /** Fills and shows the list. `focus`: 'summary' after an answer of the server, 'field' after a check on the page. */
  show(form, errors, general, focus) {
    const messages = shownMessages(form, errors);
    const count = messages.length + general.length;
    this.hide();
    if (!count) return;
    const title = document.createElement('h2');
    title.textContent = `有 ${count} 处需要修改，已填的内容都还在`;
    const list = document.createElement('ul');
    list.append(...general.map((text) => line(text)));
    list.append(...messages.map((message) => line(`${nameOf(message)}：${message.text}`, message.domId)));
    this.box.replaceChildren(title, list);
    this.box.hidden = false;
    const first = focus === 'field' && messages.length ? inputOf(messages[0].domId) : null;
    if (first) reach(first);
    else {
      this.box.scrollIntoView({ block: 'start' });
      this.box.focus({ preventScroll: true });
    }
  }

  /** Once every field holds, the list of field messages has done its work. */
  settle(errors) {
    if (!this.box.hidden && this.box.querySelector('a') && !Object.keys(errors).length) this.hide();
  }

  hide() {
    this.box.hidden = true;
    this.box.replaceChildren();
  }
}
