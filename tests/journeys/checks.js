// What every page owes its reader. Gives a list of sentences; an empty one is good.
() => {
  const problems = [];
  const shown = (element) => element.checkVisibility({ visibilityProperty: true });
  const all = (selector) => [...document.querySelectorAll(selector)].filter(shown);
  const tell = (element) => element.outerHTML.replace(/\s+/g, ' ').slice(0, 110);
  const text = (element) => (element.textContent || '').trim();
  const named = (ids) => (ids || '').split(/\s+/).some((id) => id && text(document.getElementById(id) || document.createElement('i')));
  const pictureName = (element) => [...element.querySelectorAll('img[alt],[aria-label]')].some((one) => one.getAttribute('alt') || one.getAttribute('aria-label'));
  const hasName = (element) =>
    element.getAttribute('aria-label') || named(element.getAttribute('aria-labelledby')) || element.title ||
    [...(element.labels || [])].some(text) || (element.matches('a,button,summary') && (text(element) || pictureName(element)));

  if (document.documentElement.lang !== 'zh-CN') problems.push('the language of the page is not said');
  if (!document.title.trim()) problems.push('no title');
  if (all('main').length !== 1) problems.push(`${all('main').length} main landmarks`);
  const headings = all('h1,h2,h3,h4,h5,h6');
  if (!headings.some((one) => one.tagName === 'H1')) problems.push('no h1');
  headings.forEach((one, at) => {
    const level = Number(one.tagName[1]);
    const before = at ? Number(headings[at - 1].tagName[1]) : 0;
    if (at && level > before + 1) problems.push(`h${level} after h${before}: ${text(one).slice(0, 30)}`);
    if (!text(one)) problems.push(`empty ${one.tagName}`);
  });
  for (const one of all('input:not([type=hidden]),select,textarea,a[href],button,summary')) {
    if (!hasName(one)) problems.push(`no name: ${tell(one)}`);
  }
  for (const one of all('[tabindex]')) if (one.tabIndex > 0) problems.push(`own tab order: ${tell(one)}`);
  for (const one of document.querySelectorAll('img:not([alt])')) problems.push(`picture without alt: ${tell(one)}`);
  for (const one of all('table')) if (!one.querySelector('th')) problems.push(`table without headings: ${tell(one)}`);
  const ids = [...document.querySelectorAll('body [id]')].filter((one) => !one.closest('svg')).map((one) => one.id);
  for (const id of new Set(ids.filter((one, at) => ids.indexOf(one) !== at))) problems.push(`id twice: ${id}`);
  const over = document.documentElement.scrollWidth - innerWidth;
  if (over > 0) {
    const wide = all('body *').filter((one) => one.getBoundingClientRect().right > innerWidth + 1).slice(-1)[0];
    problems.push(`${over} px wider than the window: ${wide ? tell(wide) : '?'}`);
  }
  return problems;
}
