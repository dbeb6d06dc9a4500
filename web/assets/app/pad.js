// A pad for handwriting: [data-pad] holds a canvas; what is drawn becomes the file of the form's file field.

export function startPads() {
  for (const box of document.querySelectorAll('[data-pad]')) start(box);
}

function start(box) {
  const canvas = box.querySelector('canvas');
  const input = box.closest('form').querySelector('input[type=file]');
  const pen = canvas.getContext('2d');
  box.hidden = false;
  let last = null;
  let drawn = false;
  const clear = () => {
    pen.fillStyle = '#fff';
    pen.fillRect(0, 0, canvas.width, canvas.height);
    drawn = false;
    input.value = '';
  };
  const at = (event) => {
    const frame = canvas.getBoundingClientRect();
    return [((event.clientX - frame.left) / frame.width) * canvas.width, ((event.clientY - frame.top) / frame.height) * canvas.height];
  };
  clear();
  canvas.addEventListener('pointerdown', (event) => {
    canvas.setPointerCapture(event.pointerId);
    last = at(event);
    event.preventDefault();
  });
  canvas.addEventListener('pointermove', (event) => {
    if (!last) return;
    const here = at(event);
    pen.strokeStyle = '#111';
    pen.lineWidth = 3 + 3 * (event.pressure || 0.5);
    pen.lineCap = 'round';
    pen.beginPath();
    pen.moveTo(...last);
    pen.lineTo(...here);
    pen.stroke();
    last = here;
    drawn = true;
  });
  const up = () => {
    if (last && drawn) keep();
    last = null;
  };
  const keep = () => canvas.toBlob((blob) => {
    const files = new DataTransfer();
    files.items.add(new File([blob], '签名.png', { type: 'image/png' }));
    input.files = files.files;
    input.dispatchEvent(new Event('change', { bubbles: true }));
  }, 'image/png');
  canvas.addEventListener('pointerup', up);
  canvas.addEventListener('pointercancel', up);
  box.querySelector('[data-clears]').addEventListener('click', clear);
}
