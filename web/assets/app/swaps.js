// htmx: strict settings, the token on every request, scroll and focus kept when a list is refreshed.
import { csrfToken } from '../net.js';

const SETTINGS = {
  includeIndicatorStyles: false,
  allowEval: false,
  selfRequestsOnly: true,
  historyCacheSize: 0,
  responseHandling: [
    { code: '204', swap: false },
    { code: '[23]..', swap: true },
    { code: '422', swap: true },
    { code: '[45]..', swap: false, error: true },
  ],
};

export function startSwaps() {
  if (window.htmx) Object.assign(window.htmx.config, SETTINGS);
  document.addEventListener('htmx:configRequest', (event) => {
    if (event.detail.verb !== 'get') event.detail.headers['X-CSRF-Token'] = csrfToken();
  });
  keepPlace();
  document.addEventListener('htmx:responseError', (event) => {
    if (event.detail.xhr.status === 401) location.reload();
    else note(`没有取到（${event.detail.xhr.status}），请稍后重试`);
  });
  document.addEventListener('htmx:sendError', () => note('网络不通，请稍后重试'));
}

const note = (text) => document.dispatchEvent(new CustomEvent('anju:note', { detail: { text, tone: 'bad' } }));

/** A refreshed list stays where it was scrolled to, and the row in focus stays in focus. */
function keepPlace() {
  let place = null;
  document.addEventListener('htmx:beforeSwap', (event) => {
    const scroller = event.detail.target.closest('.list,.queues,main');
    const focused = event.detail.target.contains(document.activeElement) ? document.activeElement.id : '';
    place = { scroller, top: scroller?.scrollTop ?? 0, focused };
  });
  document.addEventListener('htmx:afterSettle', () => {
    if (!place) return;
    if (place.scroller) place.scroller.scrollTop = place.top;
    if (place.focused) document.getElementById(place.focused)?.focus({ preventScroll: true });
    place = null;
  });
}
