// What has the focus, whether that shows (it looks otherwise without it), and whether it is in view.
() => {
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  // A file picker shows it on the button around it, a choice of form-js on its box.
  const places = [element, element.closest('.btn'), element.closest('.fjs-input-group'), element.closest('label')].filter(Boolean);
  const look = () => JSON.stringify(places.map((one) => {
    const style = getComputedStyle(one);
    return [style.outlineStyle, style.outlineWidth, style.outlineColor, style.boxShadow, style.borderColor, style.clipPath];
  }));
  const focused = look();
  const box = element.getBoundingClientRect();
  element.blur();
  const plain = look();
  element.focus();
  const label = element.getAttribute('aria-label') || element.innerText || element.id || element.tagName;
  return {
    what: `${element.tagName.toLowerCase()} ${label.trim().slice(0, 40)}`,
    shows: focused !== plain,
    inside: box.bottom > 0 && box.top < innerHeight,
  };
}
