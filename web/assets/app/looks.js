// What is shown for a while only goes by itself; what is folded opens for the printer.

export function startLooks() {
  for (const card of document.querySelectorAll('[data-gone-after]')) {
    const mark = card.querySelector('.tag');
    const end = Date.now() + Number(card.dataset.goneAfter) * 1000;
    const tick = () => {
      const left = Math.ceil((end - Date.now()) / 1000);
      if (left > 0) {
        if (mark) mark.textContent = `剩 ${left} 秒`;
        setTimeout(tick, 500);
      } else {
        card.replaceChildren(Object.assign(document.createElement('p'), { className: 'mute', textContent: '查看时间已到，需要时请重新申请查看。' }));
      }
    };
    tick();
  }
  addEventListener('beforeprint', () => {
    for (const fold of document.querySelectorAll('details.step')) fold.open = true;
  });
  // From the browser's cache nothing in clear comes back.
  addEventListener('pageshow', (event) => event.persisted && document.querySelector('[data-gone-after]') && location.reload());
}
