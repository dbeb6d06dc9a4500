// Island: an uploaded file with zoom and rotation. Pictures as they are, PDF drawn page by page on canvases.
import './viewer.css';

const STEP = 1.25;
const LIMITS = { min: 0.2, max: 6 };
const MOST_PAGES = 200;

const button = (bar, text, label, act) => {
  const one = Object.assign(document.createElement('button'), { type: 'button', className: 'btn s', textContent: text });
  one.setAttribute('aria-label', label);
  one.addEventListener('click', act);
  bar.append(one);
};

/** Buttons and keys that change `{zoom, turn}` and call `show` with it. */
function controls(box, show) {
  const state = { zoom: 1, turn: 0 };
  const change = (zoom, turn = 0) => {
    state.zoom = Math.min(LIMITS.max, Math.max(LIMITS.min, zoom));
    state.turn = (state.turn + turn + 360) % 360;
    show(state);
  };
  const bar = Object.assign(document.createElement('div'), { className: 'viewer-tools' });
  bar.setAttribute('role', 'toolbar');
  bar.setAttribute('aria-label', '缩放和旋转');
  button(bar, '＋', '放大', () => change(state.zoom * STEP));
  button(bar, '－', '缩小', () => change(state.zoom / STEP));
  button(bar, '适合宽度', '适合宽度', () => change(1));
  button(bar, '⟲', '向左旋转', () => change(state.zoom, -90));
  button(bar, '⟳', '向右旋转', () => change(state.zoom, 90));
  box.prepend(bar);
  box.addEventListener('keydown', (event) => {
    const acts = { '+': () => change(state.zoom * STEP), '=': () => change(state.zoom * STEP), '-': () => change(state.zoom / STEP), 0: () => change(1), r: () => change(state.zoom, 90) };
    if (event.ctrlKey || event.metaKey || event.altKey || !acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
  });
  return state;
}

function picture(box) {
  const stage = box.querySelector('.viewer-stage');
  const image = stage.querySelector('img');
  const show = ({ zoom, turn }) => {
    const lying = turn % 180 !== 0;
    const ratio = image.naturalHeight / image.naturalWidth || 1;
    const wide = Math.min(stage.clientWidth - 16, lying ? image.naturalHeight : image.naturalWidth) * zoom;
    const width = lying ? wide / ratio : wide;
    image.style.width = `${width}px`;
    image.style.transform = `rotate(${turn}deg)`;
    // A turned picture keeps its old place in the layout: what it lacks is put around it.
    const spare = lying ? (width - width * ratio) / 2 : 0;
    image.style.margin = `${spare}px ${-spare}px`;
    box.dataset.zoom = zoom.toFixed(2);
    box.dataset.turn = turn;
  };
  const state = controls(box, show);
  const ready = () => { show(state); box.setAttribute('data-ready', ''); };
  if (image.complete && image.naturalWidth) ready();
  else image.addEventListener('load', ready);
  addEventListener('resize', () => show(state));
}

async function pdf(box) {
  const stage = box.querySelector('.viewer-stage');
  const { getDocument, GlobalWorkerOptions } = await import('pdfjs-dist/legacy/build/pdf.mjs');
  GlobalWorkerOptions.workerSrc = box.dataset.worker;
  const parts = box.dataset.parts;
  const file = await getDocument({
    url: box.dataset.url, cMapUrl: `${parts}cmaps/`, cMapPacked: true, standardFontDataUrl: `${parts}fonts/`, useWasm: false, isEvalSupported: false,
  }).promise;
  const pages = [];
  stage.replaceChildren();
  for (let number = 1; number <= Math.min(file.numPages, MOST_PAGES); number += 1) {
    const canvas = document.createElement('canvas');
    canvas.setAttribute('role', 'img');
    canvas.setAttribute('aria-label', `第 ${number} 页，共 ${file.numPages} 页`);
    stage.append(canvas);
    pages.push({ number, canvas, drawn: '' });
  }
  const draw = async (page, { zoom, turn }) => {
    const wanted = `${zoom} ${turn} ${stage.clientWidth}`;
    if (page.drawn === wanted) return;
    page.drawn = wanted;
    page.task?.cancel();
    const sheet = await file.getPage(page.number);
    const rotation = (sheet.rotate + turn) % 360;
    const width = Math.min(stage.clientWidth - 16, 1000) * zoom;
    const scale = width / sheet.getViewport({ scale: 1, rotation }).width;
    const sharp = Math.min(devicePixelRatio || 1, 2);
    const viewport = sheet.getViewport({ scale: scale * sharp, rotation });
    page.canvas.width = viewport.width;
    page.canvas.height = viewport.height;
    page.canvas.style.width = `${viewport.width / sharp}px`;
    page.task = sheet.render({ canvas: page.canvas, canvasContext: page.canvas.getContext('2d'), viewport });
    await page.task.promise.catch((fault) => { if (fault.name !== 'RenderingCancelledException') throw fault; });
  };
  // Only what comes into view is drawn: a file may have hundreds of pages.
  const seen = new Set();
  const show = (state) => {
    box.dataset.zoom = state.zoom.toFixed(2);
    box.dataset.turn = state.turn;
    return Promise.all([...seen].map((page) => draw(page, state)));
  };
  const state = controls(box, show);
  const watch = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      const page = pages.find((one) => one.canvas === target);
      if (isIntersecting) { seen.add(page); draw(page, state); } else seen.delete(page);
    }
  }, { root: stage, rootMargin: '400px' });
  for (const page of pages) watch.observe(page.canvas);
  seen.add(pages[0]);
  await show(state);
  box.setAttribute('data-ready', '');
}

for (const box of document.querySelectorAll('[data-viewer]')) {
  if (box.dataset.viewer === 'picture') picture(box);
  else {
    pdf(box).catch((fault) => {
      console.error(fault);
      const note = Object.assign(document.createElement('p'), { className: 'notice bad', textContent: 'PDF 没有打开，请下载后查看。' });
      box.prepend(note);
    });
  }
}
