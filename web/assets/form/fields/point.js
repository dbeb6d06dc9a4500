// aj-point: a place chosen on the map, found by address, taken from the device or typed; the value is
// {longitude, latitude, address, source, accuracy_m, at} in WGS-84.
import { html, useEffect, useExpressionEvaluation, useRef, useState } from '../fjs.js';
import { addressOf, degreesOf, findAddress, isPlace, placeInWords, rounded, whereWeAre } from '../places.js';
import { described, Shell } from './shell.js';

/** The map in `box`; null until its part of the page is there. Whoever lacks it can still type. */
function useMap(box, { label, picks, onPick, onFault }) {
  const [map, setMap] = useState(null);
  const latest = useRef(onPick);
  latest.current = onPick;
  useEffect(() => {
    let opened = null;
    let gone = false;
    const source = box.current.closest('[data-map-script]')?.dataset.mapScript;
    if (!source) {
      onFault('此页没有地图，请填写经纬度');
      return undefined;
    }
    import(source).then(({ openMap }) => {
      if (gone) return;
      opened = openMap(box.current, { label, onPick: picks ? (at) => latest.current(at) : null });
      setMap(opened);
    }, (fault) => {
      console.error(fault);
      onFault('地图没有打开，请填写经纬度，或刷新页面再试');
    });
    return () => {
      gone = true;
      opened?.close();
    };
  }, [picks]);
  return map;
}

/** What one may do to the value, and what is said about it. */
function usePlace(props) {
  const { value, onChange, field } = props;
  const [note, setNote] = useState({ text: '', bad: false });
  const [busy, setBusy] = useState(false);
  const latest = useRef(value);
  latest.current = value;
  // Whether the address was the map's word: then a new place asks for a new one.
  const given = useRef(!value?.address);
  const say = (text, bad = false) => setNote({ text, bad });
  const keep = (place) => {
    latest.current = place;
    onChange({ value: place });
  };
  const set = (place) => keep({ address: '', accuracy_m: null, at: new Date().toISOString(), ...place });
  /** One thing at a time; what goes wrong is said, and what stood stays. */
  const during = async (work) => {
    setBusy(true);
    try {
      await work();
    } catch (fault) {
      say(fault.message, true);
    } finally {
      setBusy(false);
    }
  };
  const name = async (said) => {
    const here = latest.current;
    say(said);
    if (here.address) return;
    try {
      const { address: found, why } = await addressOf(here);
      if (why) throw new Error(why);
      if (latest.current !== here) return;
      if (found) keep({ ...here, address: found });
      say(found ? `${said}：${found}` : `${said}，此处没有地址，可自行填写`);
    } catch (fault) {
      say(`${said}；没有取到地址（${fault.message}），可自行填写`);
    }
  };
  const words = (text) => (given.current ? '' : text.trim());
  const pick = (at, text) => {
    set({ longitude: rounded(at.lng), latitude: rounded(at.lat), source: 'map', address: words(text) });
    name('已选定位置');
  };
  const search = (address) => during(async () => {
    if (address.trim().length < 2) throw new Error('请先填写要查找的地址');
    const found = await findAddress(address.trim(), field.properties?.city);
    if (found.longitude === null) throw new Error(found.summary);
    given.current = false;
    set({ longitude: found.longitude, latitude: found.latitude, address: address.trim(), source: 'address' });
    say(found.summary, !found.sure);
  });
  const locate = (text) => during(async () => {
    say('正在定位…');
    set({ ...(await whereWeAre()), source: 'device', address: words(text) });
    await name('已取得设备位置');
  });
  const typed = (longitude, latitude) => {
    set({ longitude, latitude, source: 'typed', address: latest.current?.address ?? '' });
    say('已按填写的经纬度定位');
  };
  const rename = (address) => {
    given.current = !address;
    if (latest.current) keep({ ...latest.current, address });
  };
  const clear = () => {
    keep(null);
    say('已清除位置');
  };
  return { note, busy, say, pick, search, locate, typed, rename, clear };
}

/** Longitude and latitude as text: they count once both can be read. */
function Degrees({ value, onTyped, onFault, disabled, domId, label }) {
  const shown = isPlace(value) ? [value.longitude.toFixed(6), value.latitude.toFixed(6)] : ['', ''];
  const [texts, setTexts] = useState(shown);
  useEffect(() => setTexts(shown), shown);
  const left = () => {
    if (texts.join() === shown.join() || texts.some((one) => !one.trim())) return;
    const [longitude, latitude] = [degreesOf(texts[0], 180), degreesOf(texts[1], 90)];
    if (Number.isNaN(longitude) || Number.isNaN(latitude)) onFault('经度应在 -180 到 180 之间，纬度应在 -90 到 90 之间');
    else onTyped(longitude, latitude);
  };
  const input = (number, name) => html`<label class="aj-degrees">${name}
    <input class="fjs-input" type="text" inputmode="decimal" autocomplete="off" id=${`${domId}-${number}`} aria-label=${`${label} ${name}`}
      disabled=${disabled} value=${texts[number]} onBlur=${left} onKeyDown=${(event) => event.key === 'Enter' && (event.preventDefault(), left())}
      onInput=${(event) => setTexts(texts.map((text, one) => (one === number ? event.target.value : text)))} /></label>`;
  return html`${input(0, '经度')}${input(1, '纬度')}`;
}

export function PointField(props) {
  const { field, value, onBlur, onFocus, disabled, readonly, domId } = props;
  const box = useRef(null);
  const picks = !disabled && !readonly && field.properties?.device !== true && field.properties?.device !== 'true';
  const place = usePlace(props);
  const [text, setText] = useState(value?.address ?? '');
  const map = useMap(box, { label: field.label ?? '位置', picks, onPick: (at) => place.pick(at, text), onFault: (said) => place.say(said, true) });
  const fence = useExpressionEvaluation(field.properties?.fence ?? '') ?? null;
  const drawn = JSON.stringify(fence);
  useEffect(() => map?.fence(typeof fence === 'object' ? fence : null), [map, drawn]);
  // A point picked on the map is in sight already; any other is brought there.
  const before = useRef(null);
  useEffect(() => {
    map?.show(isPlace(value) ? value : null, value?.source !== 'map' || before.current !== map);
    before.current = map;
  }, [map, value?.longitude, value?.latitude]);
  useEffect(() => setText(value?.address ?? text), [value?.address]);
  if (readonly) {
    return html`<${Shell} props=${props} kind="aj-point" group=${true}>
      <div class="aj-map" ref=${box}></div>
      <p class="aj-note" id=${domId}>${isPlace(value) ? [value.address, placeInWords(value)].filter(Boolean).join('，') : '没有位置'}</p><//>`;
  }
  const search = () => place.search(text);
  const named = (event) => {
    setText(event.target.value);
    place.rename(event.target.value);
  };
  const find = html`<input ...${described(props)} class="fjs-input" type="text" autocomplete="off" placeholder="地址，如 某路 1 号" maxlength="84" value=${text}
      disabled=${disabled} onInput=${named} onBlur=${onBlur} onFocus=${onFocus}
      onKeyDown=${(event) => event.key === 'Enter' && (event.preventDefault(), search())} />
    ${picks && html`<button type="button" class="btn s" disabled=${disabled || place.busy} onClick=${search}>按地址查找</button>`}
    <button type="button" class="btn s" disabled=${disabled || place.busy} onClick=${() => place.locate(text)}>定位</button>`;
  return html`<${Shell} props=${props} kind="aj-point" group=${true}>
    <div class="aj-find">${find}</div>
    <div class="aj-map" ref=${box}></div>
    <div class="aj-place">
      ${picks && html`<${Degrees} value=${value} onTyped=${place.typed} onFault=${(said) => place.say(said, true)} disabled=${disabled} domId=${domId} label=${field.label ?? ''} />`}
      ${isPlace(value) && html`<button type="button" class="link" disabled=${disabled} onClick=${place.clear}>清除位置</button>`}
    </div>
    <p class="aj-note">${isPlace(value) ? placeInWords(value) : picks ? '还没有选定位置：在地图上点选，或移动地图后按回车' : '还没有位置：请在现场点「定位」'}</p>
    <p class="aj-note ${place.note.bad ? 'bad' : ''}" id=${`${domId}-note`} role="status">${place.note.text}</p>
  <//>`;
}
PointField.config = {
  type: 'aj-point',
  keyed: true,
  name: '地图选点',
  label: '位置',
  group: 'basic-input',
  emptyValue: null,
  sanitizeValue: ({ value }) => (isPlace(value) ? value : null),
  create: (options = {}) => ({ label: '位置', ...options }),
};
