// Short notes at the edge of the page: they leave by themselves, unless they report a fault.
const STAY = 6000;

export function startNotes() {
  for (const note of document.querySelectorAll('.toast')) arrange(note);
  document.addEventListener('anju:note', (event) => add(event.detail.text, event.detail.tone));
}

function arrange(note) {
  note.querySelector('button')?.addEventListener('click', () => note.remove());
  if (note.matches('.bad,.warn')) return;
  let timer = setTimeout(() => note.remove(), STAY);
  note.addEventListener('pointerenter', () => clearTimeout(timer));
  note.addEventListener('pointerleave', () => { timer = setTimeout(() => note.remove(), STAY); });
}

function add(text, tone) {
  const place = document.querySelector('.toasts');
  if (!place) return;
  const note = Object.assign(document.createElement('div'), { className: `toast ${tone}`, textContent: text });
  const close = Object.assign(document.createElement('button'), { type: 'button', textContent: '×' });
  close.setAttribute('aria-label', '关闭');
  note.append(close);
  place.append(note);
  arrange(note);
}
