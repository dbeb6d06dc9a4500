// Lists keep the open row in view and their scroll place between pages; tabs that are plain links to parts of the page.
const KEY = 'anju.scroll';

export function startLists() {
  const list = document.querySelector('.list');
  if (list) keepScroll(list);
  startTabs();
}

/** Only a path and a number are remembered, no personal data. */
function keepScroll(list) {
  const place = `${KEY}:${location.pathname.split('/')[1]}`;
  const before = Number(sessionStorage.getItem(place));
  if (before) list.scrollTop = before;
  list.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest' });
  addEventListener('pagehide', () => sessionStorage.setItem(place, String(Math.round(list.scrollTop))));
}

/** `<nav data-tabs><a href="#part">`: on phones one part at a time; on wide screens all parts are shown. */
function startTabs() {
  for (const nav of document.querySelectorAll('[data-tabs]')) {
    const tabs = [...nav.querySelectorAll('a[href^="#"]')];
    const choose = (chosen) => {
      for (const tab of tabs) {
        const on = tab === chosen;
        if (on) tab.setAttribute('aria-current', 'true');
        else tab.removeAttribute('aria-current');
        document.querySelector(tab.hash)?.classList.toggle('off-tab', !on);
      }
    };
    nav.addEventListener('click', (event) => {
      const tab = event.target.closest('a[href^="#"]');
      if (!tab) return;
      event.preventDefault();
      choose(tab);
    });
    choose(tabs.find((tab) => tab.hash === location.hash) ?? tabs[0]);
  }
}
