// Island: a form-js form in a server-rendered page. Everything it needs stands in data attributes.
import flatpickr from 'flatpickr';
import { Mandarin } from 'flatpickr/dist/l10n/zh.js';
import '@bpmn-io/form-js-viewer/dist/assets/form-js.css';
import './form.css';
import { Draft } from './form/draft.js';
import { fieldsModule } from './form/fields/index.js';
import { createForm } from './form/fjs.js';
import { answersOf, errorsOf, showMessages } from './form/state.js';
import { Submission } from './form/submit.js';
import { Summary } from './form/summary.js';
import { checksModule } from './form/validator.js';

flatpickr.localize({ ...Mandarin, yearAriaLabel: '年', monthAriaLabel: '月', hourAriaLabel: '时', minuteAriaLabel: '分' });

/** JSON of «#id» in the page, or of an address. */
async function jsonFrom(where, otherwise) {
  if (!where) return otherwise;
  if (where.startsWith('#')) return JSON.parse(document.querySelector(where)?.textContent || 'null') ?? otherwise;
  const answer = await fetch(where, { headers: { Accept: 'application/json' } });
  if (!answer.ok) throw new Error(`${where}: ${answer.status}`);
  return answer.json();
}

/** The page has its own buttons, and a collapsed row would hide its messages. */
function prepared(component) {
  const components = component.components?.filter((one) => one.type !== 'button').map(prepared);
  const open = component.type === 'dynamiclist' ? { disableCollapse: true } : {};
  return { ...component, ...open, ...(components ? { components } : {}) };
}

const painted = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0)));

async function mount(element) {
  const { schema, data, readonly, draftUrl, draftRevision, submitTarget, loginUrl, errors } = element.dataset;
  const [layout, values, messages] = await Promise.all([jsonFrom(schema), jsonFrom(data, {}), jsonFrom(errors || '#form-errors', {})]);
  if (!layout) throw new Error(`no schema at ${schema}`);
  const isReadonly = readonly !== undefined && readonly !== 'false';
  element.replaceChildren();
  const form = await createForm({
    container: element,
    schema: prepared(layout),
    data: values,
    properties: { readOnly: isReadonly, ariaLabel: element.getAttribute('aria-label') ?? '表单' },
    additionalModules: [checksModule, fieldsModule],
  });
  element.addEventListener('submit', (event) => { event.preventDefault(); event.stopPropagation(); }, true);
  await painted();
  element.setAttribute('data-ready', '');
  const target = document.getElementById(submitTarget ?? '');
  if (isReadonly || !target) return;

  const summary = new Summary(element);
  const draft = new Draft(draftUrl, () => answersOf(form), loginUrl ?? '/login', draftRevision === undefined ? null : Number(draftRevision));
  form.on('changed', () => {
    draft.changed();
    summary.settle(errorsOf(form));
  });
  new Submission({ form, target, container: element, draft, summary });
  if (Object.keys(messages).length) {
    const general = showMessages(form, messages);
    await painted();
    summary.show(form, errorsOf(form), general, 'summary');
  }
}

for (const element of document.querySelectorAll('[data-anju-form]')) {
  mount(element).catch((fault) => {
    console.error(fault);
    const note = Object.assign(document.createElement('p'), { className: 'notice bad', textContent: '表单没有打开。请刷新页面；仍打不开时请联系管理员。' });
    note.setAttribute('role', 'alert');
    element.replaceChildren(note);
  });
}
