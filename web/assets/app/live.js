// The open inbox asks now and then how things stand ([data-live=URL]) and takes over what changed, quietly: numbers and
// the text of rows at once; where rows would move under the reader's eyes, a hint waits to be pressed.
const PAUSE = 15_000;
const AFTER_FAILURE = 60_000;

export function startLive() {
  const place = document.querySelector('[data-live]');
  if (!place) return;
  const live = new Live(place);
  live.plan(PAUSE);
  document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && live.ask());
  document.addEventListener('anju:refresh', () => live.ask(true));
  place.addEventListener('click', (event) => event.target.closest('[data-live-apply]') && live.apply());
}

class Live {
  constructor(place) {
    Object.assign(this, { place, timer: 0, news: null, failed: false, asking: false });
  }

  plan(delay) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), delay);
  }

  async ask(now = false) {
    if (this.asking) return;
    if (document.visibilityState !== 'visible') return this.plan(PAUSE);
    this.asking = true;
    try {
      const answer = await fetch(this.place.dataset.live, { headers: { 'HX-Request': 'true' }, cache: 'no-store' });
      if (answer.status === 401) return tell('登录已过期，列表不再更新。请在新窗口登录后刷新本页。');
      if (!answer.ok) throw new Error(String(answer.status));
      this.take(new DOMParser().parseFromString(await answer.text(), 'text/html'), now);
      this.failed = false;
      this.plan(PAUSE);
    } catch {
      if (!this.failed) tell('列表暂时不能更新，稍后自动重试。');
      this.failed = true;
      this.plan(AFTER_FAILURE);
    } finally {
      this.asking = false;
    }
  }

  take(fresh, now) {
    this.badges(fresh);
    const list = this.list();
    const rows = new Map([...fresh.querySelectorAll('.rows > li')].map((row) => [row.id, row]));
    const before = [...list.children].map((row) => row.id);
    const after = [...rows.keys()];
    for (const row of list.children) {
      const twin = rows.get(row.id);
      if (twin) patch(row, twin);
      row.classList.toggle('gone', !twin);
    }
    const grew = before.every((id, at) => after[at] === id);
    this.news = fresh;
    if (now || (grew && before.length)) this.apply();
    else this.hint(before, after);
  }

  /** How many rows came, went or moved; nothing where all stands as it stood. */
  hint(before, after) {
    const come = after.filter((id) => !before.includes(id)).length;
    const gone = before.filter((id) => !after.includes(id)).length;
    const kept = before.filter((id) => after.includes(id));
    const order = after.filter((id) => before.includes(id));
    const moved = kept.filter((id, at) => order[at] !== id).length;
    const button = this.place.querySelector('[data-live-apply]');
    button.textContent = `${come + gone + moved} 项更新`;
    button.setAttribute('aria-label', `列表有 ${come + gone + moved} 项更新，按此显示`);
    button.parentElement.hidden = come + gone + moved === 0;
  }

  /** The order as it is now; rows that stay are the same elements, so that picks, focus and scroll stay too. */
  apply() {
    if (!this.news) return;
    const list = this.list();
    const scroller = this.place.closest('.list');
    const top = scroller?.scrollTop ?? 0;
    const focused = list.contains(document.activeElement) ? document.activeElement : null;
    const fresh = [...this.news.querySelectorAll('.rows > li')];
    if (fresh.length === 0 || list.hidden) return this.replace();
    const mine = new Map([...list.children].map((row) => [row.id, row]));
    list.replaceChildren(...fresh.map((row) => mine.get(row.id) ?? document.adoptNode(row)));
    if (scroller) scroller.scrollTop = top;
    if (focused?.isConnected) focused.focus({ preventScroll: true });
    this.settled();
  }

  /** From or to an empty list the whole pane changes; what is typed into the search stays. */
  replace() {
    const typed = this.place.querySelector('[data-find]');
    const pane = this.news.querySelector('section');
    const had = document.activeElement === typed;
    pane.querySelector('.seek-in')?.replaceWith(this.place.querySelector('.seek-in'));
    this.place.replaceChildren(...pane.childNodes);
    if (had) typed.focus();
    this.settled();
  }

  settled() {
    this.news = null;
    const hint = this.place.querySelector('[data-live-hint]');
    if (hint) hint.hidden = true;
    document.dispatchEvent(new CustomEvent('anju:rows'));
  }

  list() {
    return this.place.querySelector('.rows');
  }

  badges(fresh) {
    const numbers = new Map([...fresh.querySelectorAll('nav a')].map((link) => [link.getAttribute('href'), link.querySelector('.n')]));
    for (const link of document.querySelectorAll('.queues a')) {
      const twin = numbers.get(link.getAttribute('href'));
      const mine = link.querySelector('.n');
      if (twin && mine && mine.outerHTML !== twin.outerHTML) mine.replaceWith(twin.cloneNode(true));
    }
    const [mine, twin] = [this.place.querySelector('.bar small'), fresh.querySelector('.bar small')];
    if (mine && twin) mine.textContent = twin.textContent;
  }
}

/** The row takes over the text and marks of its twin; the box that is ticked and the link in focus stay. */
function patch(row, twin) {
  const [mine, theirs] = [row.querySelector('a.row'), twin.querySelector('a.row')];
  if (mine.innerHTML !== theirs.innerHTML) mine.innerHTML = theirs.innerHTML;
  for (const [to, from] of [[mine, theirs], [row, twin]]) if (to.className !== from.className) to.className = from.className;
  if (mine.getAttribute('href') !== theirs.getAttribute('href')) mine.setAttribute('href', theirs.getAttribute('href'));
}

const tell = (text) => document.dispatchEvent(new CustomEvent('anju:note', { detail: { text, tone: 'warn' } }));
