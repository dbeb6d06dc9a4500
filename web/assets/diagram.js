// Island: the diagram of a case. The list of the same facts in words is the server's, beside it.
import 'bpmn-js/dist/assets/diagram-js.css';
import 'bpmn-js/dist/assets/bpmn-js.css';
import './diagram.css';
import NavigatedViewer from 'bpmn-js/lib/NavigatedViewer';

const FONT = '"PingFang SC","Microsoft YaHei UI","Microsoft YaHei","Noto Sans CJK SC","Noto Sans SC",system-ui,sans-serif';
const REFRESH = 10_000;
const READABLE = 0.6;

async function get(url, kind) {
  const answer = await fetch(url, { headers: { Accept: kind }, cache: 'no-cache' });
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  return kind === 'application/json' ? answer.json() : answer.text();
}

function badge(text, kind, title) {
  const box = Object.assign(document.createElement('div'), { className: `dg-${kind}`, textContent: text, title });
  return box;
}

// What became of an element between two versions.
const BECAME = { added: '新增', changed: '修改', removed: '删除' };

/** Shows {active, completed, incidents, flows, counts} of a case or {added, changed, removed} of a version; ids the
 * diagram does not know are left out. */
class State {
  constructor(viewer) {
    this.canvas = viewer.get('canvas');
    this.overlays = viewer.get('overlays');
    this.known = viewer.get('elementRegistry');
    this.marked = [];
  }

  mark(ids, marker) {
    for (const id of ids ?? []) {
      if (!this.known.get(id)) continue;
      this.canvas.addMarker(id, marker);
      this.marked.push([id, marker]);
    }
  }

  badges(ids, make) {
    for (const id of ids ?? []) {
      if (this.known.get(id)) this.overlays.add(id, 'anju', { position: { top: -12, right: 14 }, html: make(id) });
    }
  }

  /** Elements say it in a word too; flows have no room for one. */
  became(ids, how, text) {
    this.mark(ids, `dg-${how}`);
    for (const id of ids ?? []) {
      const element = this.known.get(id);
      if (element && !element.waypoints) this.overlays.add(id, 'anju', { position: { top: -14, left: 4 }, scale: { min: 1 }, html: badge(text, `was ${how}`, text) });
    }
  }

  show(state) {
    for (const [id, marker] of this.marked) this.canvas.removeMarker(id, marker);
    this.marked = [];
    this.overlays.remove({ type: 'anju' });
    const stuck = new Set(state.incidents ?? []);
    this.mark(state.completed, 'dg-done');
    this.mark(state.flows, 'dg-travelled');
    this.mark((state.active ?? []).filter((id) => !stuck.has(id)), 'dg-active');
    this.mark(state.incidents, 'dg-incident');
    this.badges([...new Set(state.active ?? [])].filter((id) => !stuck.has(id)), (id) => badge(`${state.counts?.[id] ?? 1}`, 'token', '正在办理'));
    this.badges(stuck, () => badge('!', 'stuck', '有异常待处理'));
    for (const [how, text] of Object.entries(BECAME)) this.became(state[how], how, text);
    for (const [id, sure] of Object.entries(state.ahead ?? {})) this.mark([id], sure ? 'dg-ahead' : 'dg-maybe');
    for (const [id, text] of Object.entries(state.spent ?? {})) {
      if (this.known.get(id)) this.overlays.add(id, 'anju', { position: { bottom: 4, left: 6 }, html: badge(text, 'spent', '用时') });
    }
  }
}

/** Fits the whole diagram, a little smaller: badges at the rim are not part of its size. Without a size nothing fits. */
function fit(canvas) {
  canvas.resized();
  const { width, height } = canvas.getSize();
  if (!width || !height) return;
  canvas.zoom('fit-viewport', 'auto');
  canvas.zoom(Math.min(canvas.zoom() * 0.94, 1.25), 'auto');
}

/** A wide diagram fitted whole cannot be read: it opens at the element that is being worked on instead. */
function openAt(viewer, ids) {
  const canvas = viewer.get('canvas');
  fit(canvas);
  const active = (ids ?? []).map((id) => viewer.get('elementRegistry').get(id)).find(Boolean);
  if (!active || canvas.zoom() >= READABLE) return;
  const { width, height } = canvas.getSize();
  canvas.zoom(READABLE);
  const view = { width: width / READABLE, height: height / READABLE };
  const middle = { x: active.x + active.width / 2, y: active.y + active.height / 2 };
  canvas.viewbox({ x: middle.x - view.width / 2, y: middle.y - view.height / 2, ...view });
}

function tools(element, viewer) {
  const canvas = viewer.get('canvas');
  const bar = Object.assign(document.createElement('div'), { className: 'dg-tools' });
  bar.setAttribute('role', 'group');
  bar.setAttribute('aria-label', '缩放流程图');
  const button = (text, label, act) => {
    const one = Object.assign(document.createElement('button'), { type: 'button', textContent: text });
    one.setAttribute('aria-label', label);
    one.addEventListener('click', act);
    bar.append(one);
  };
  button('＋', '放大', () => canvas.zoom(Math.min(canvas.zoom() * 1.25, 4), 'auto'));
  button('－', '缩小', () => canvas.zoom(Math.max(canvas.zoom() / 1.25, 0.1), 'auto'));
  button('全图', '显示全图', () => fit(canvas));
  element.append(bar);
}

/** The wheel scrolls the page until the diagram is chosen by a click or by the keyboard. */
function wheelOnlyWhenChosen(element, viewer) {
  const wheel = viewer.get('zoomScroll');
  wheel.toggle(false);
  element.addEventListener('focusin', () => wheel.toggle(true));
  element.addEventListener('pointerdown', () => wheel.toggle(true));
  document.addEventListener('pointerdown', (event) => element.contains(event.target) || wheel.toggle(false));
  element.addEventListener('focusout', (event) => element.contains(event.relatedTarget) || wheel.toggle(false));
}

/** A click on an element chooses it in a list of the page, where the list has it. */
function pickInto(list, viewer) {
  viewer.get('eventBus').on('element.click', ({ element }) => {
    if (![...list.options].some((one) => one.value === element.id)) return;
    list.value = element.id;
    list.dispatchEvent(new Event('change', { bubbles: true }));
    list.focus();
  });
}

async function mount(element) {
  const { xmlUrl, stateUrl } = element.dataset;
  const [xml, state] = await Promise.all([get(xmlUrl, 'application/xml'), stateUrl ? get(stateUrl, 'application/json') : {}]);
  element.replaceChildren();
  const style = { fontFamily: FONT };
  const viewer = new NavigatedViewer({ container: element, textRenderer: { defaultStyle: style, externalStyle: style } });
  await viewer.importXML(xml);
  const view = new State(viewer);
  view.show(state);
  const worthSeeing = [state.incidents, state.active, state.added, state.removed, state.changed].flatMap((ids) => ids ?? []);
  const show = () => openAt(viewer, worthSeeing);
  show();
  tools(element, viewer);
  wheelOnlyWhenChosen(element, viewer);
  if (element.dataset.picks) pickInto(document.getElementById(element.dataset.picks), viewer);
  element.setAttribute('data-ready', '');
  if (stateUrl && element.dataset.live !== undefined) follow(stateUrl, view);
  let shown = element.clientWidth > 0;
  new ResizeObserver(() => {
    // A tab that opens gives the diagram its first size.
    if (!shown && element.clientWidth > 0) show();
    else if (element.clientWidth > 0) viewer.get('canvas').resized();
    shown = element.clientWidth > 0;
  }).observe(element);
}

/** Asks for the state again now and then, while the page is in view. */
function follow(stateUrl, view) {
  setInterval(() => {
    if (!document.hidden) get(stateUrl, 'application/json').then((state) => view.show(state), () => {});
  }, REFRESH);
}

function open(element) {
  mount(element).catch((fault) => {
    console.error(fault);
    const note = Object.assign(document.createElement('p'), { className: 'notice bad', textContent: '流程图没有打开，办理情况请看旁边的文字。' });
    element.replaceChildren(note);
  });
}

/** In a closed tab there is no size to fit a diagram to: it is drawn when it comes near. */
const near = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    near.unobserve(target);
    open(target);
  }
}, { rootMargin: '300px' });

for (const element of document.querySelectorAll('[data-anju-diagram]')) near.observe(element);
