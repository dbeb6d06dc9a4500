// aj-file: materials; each file goes to the server at once, the value is the list of what arrived.
import { html, useEffect, useRef, useState } from '../fjs.js';
import { showSize, upload } from '../upload.js';
import { Shell } from './shell.js';

const IMAGES = /image|\.jpe?g|\.png/i;
let serial = 0;

/** Address of a page-level data attribute (`data-upload-url`, `data-file-url`). */
const pageData = (name, near) => near?.closest(`[data-${name}]`)?.getAttribute(`data-${name}`) ?? document.body.getAttribute(`data-${name}`);

function Arrived({ file, href, readonly, onRemove }) {
  const name = href ? html`<a href=${href} target="_blank" rel="noopener">${file.name}</a>` : html`<span>${file.name}</span>`;
  return html`<li class="aj-file"><span class="name">${name}</span><span class="size">${showSize(file.size)}</span>
    ${!readonly && html`<button type="button" class="link" aria-label=${`移除 ${file.name}`} onClick=${onRemove}>移除</button>`}</li>`;
}

function Underway({ item, onDrop, onRetry }) {
  const percent = Math.round(item.done * 100);
  return html`<li class="aj-file ${item.fault ? 'bad' : ''}"><span class="name">${item.file.name}</span>
    ${item.fault
      ? html`<span class="fault" role="alert">${item.fault}</span>${item.again && html`<button type="button" class="link" onClick=${onRetry}>重试</button>`}`
      : html`<progress max="100" value=${percent} aria-label=${`正在上传 ${item.file.name}`}>${percent}%</progress><span class="size">${percent}%</span>`}
    <button type="button" class="link" aria-label=${`取消 ${item.file.name}`} onClick=${onDrop}>${item.fault ? '清除' : '取消'}</button></li>`;
}

/** Uploads under way, beside the field's value: [{key, file, done, fault, stop}]. */
function useUploads(props, box) {
  const latest = useRef(props.value);
  latest.current = props.value;
  const [items, setItems] = useState([]);
  const patch = (key, change) => setItems((all) => all.map((item) => (item.key === key ? { ...item, ...change } : item)));
  const drop = (key) => setItems((all) => all.filter((item) => item.key !== key));
  const keep = (value) => {
    latest.current = value;
    props.onChange({ value });
  };
  const send = async (item) => {
    const url = props.field.properties?.uploadUrl ?? pageData('upload-url', box.current);
    try {
      const arrived = await upload(url, item.file, props.field.key, (done) => patch(item.key, { done }), item.stop.signal);
      keep(props.field.properties?.single ? [arrived] : [...(latest.current ?? []), arrived]);
      drop(item.key);
    } catch (error) {
      if (error.name !== 'AbortError') patch(item.key, { fault: error.message, again: error.again, done: 0 });
    }
  };
  const start = (files) => {
    const fresh = [...files].map((file) => ({ key: (serial += 1), file, done: 0, fault: null, stop: new AbortController() }));
    setItems((all) => [...all, ...fresh]);
    fresh.forEach(send);
  };
  const retry = (item) => {
    patch(item.key, { fault: null, done: 0 });
    send(item);
  };
  const cancel = (item) => {
    item.stop.abort();
    drop(item.key);
  };
  return { items, start, retry, cancel, keep };
}

export function FileField(props) {
  const { field, value, disabled, readonly, domId, errors = [] } = props;
  const box = useRef(null);
  const picker = useRef(null);
  const camera = useRef(null);
  const [over, setOver] = useState(false);
  const { items, start, retry, cancel, keep } = useUploads(props, box);
  const busy = items.some((item) => !item.fault);
  useEffect(() => {
    box.current?.toggleAttribute('data-uploading', busy);
  }, [busy]);
  const accept = field.properties?.accept ?? '.pdf,.jpg,.jpeg,.png';
  const picked = (event) => {
    start(event.target.files);
    event.target.value = '';
  };
  const dropped = (event) => {
    event.preventDefault();
    setOver(false);
    if (!disabled) start(event.dataTransfer.files);
  };
  const remove = (gone) => {
    keep((value ?? []).filter((file) => file.id !== gone.id));
    picker.current?.focus();
  };
  const link = (file) => pageData('file-url', box.current)?.replace('{id}', encodeURIComponent(file.id));
  const chooser = html`<div class="aj-drop ${over ? 'over' : ''}" onDragOver=${(e) => { e.preventDefault(); setOver(true); }}
      onDragLeave=${() => setOver(false)} onDrop=${dropped}>
    <label class="btn"><input ref=${picker} id=${domId} type="file" class="aj-pick" multiple=${!field.properties?.single} accept=${accept}
      disabled=${disabled} onChange=${picked} aria-invalid=${errors.length > 0} aria-describedby=${`${domId}-description ${domId}-error-message`} />选择文件</label>
    ${IMAGES.test(accept) && html`<label class="btn aj-camera"><input ref=${camera} type="file" class="aj-pick" accept="image/*" capture="environment"
      disabled=${disabled} onChange=${picked} />拍照</label>`}
    <span class="aj-hint">或把文件拖到这里</span></div>`;
  return html`<${Shell} props=${props} kind="aj-file"><div ref=${box} class="aj-files">
    <ul aria-live="polite">
      ${(value ?? []).map((file) => html`<${Arrived} key=${file.id} file=${file} href=${link(file)} readonly=${readonly || disabled} onRemove=${() => remove(file)} />`)}
      ${items.map((item) => html`<${Underway} key=${item.key} item=${item} onDrop=${() => cancel(item)} onRetry=${() => retry(item)} />`)}
    </ul>
    ${readonly ? !(value ?? []).length && html`<p class="aj-note">没有文件</p>` : chooser}</div><//>`;
}
FileField.config = {
  type: 'aj-file',
  keyed: true,
  name: '材料',
  label: '材料',
  group: 'basic-input',
  emptyValue: [],
  sanitizeValue: ({ value }) => (Array.isArray(value) ? value.filter((file) => file?.id) : []),
  create: (options = {}) => ({ label: '材料', ...options }),
};
