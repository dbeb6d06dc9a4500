// Island: a map of our own tiles (`/map/tiles/…`, WGS-84). Pages: `[data-anju-map]` with data-longitude, data-latitude.
// Forms: `openMap`, imported by the field «地图选点» when there is one.
import * as L from 'leaflet/dist/leaflet-src.esm.js';
import 'leaflet/dist/leaflet.css';
import './map.css';

const TILES = '/map/tiles/{z}/{x}/{y}';
const DEEPEST = 19;
// Where nothing is chosen yet: the country.
const WHOLE = { centre: [33, 107], zoom: 4 };
const NEAR = 16;
const WORDS = {
  pick: '地图。方向键移动，加减号缩放，回车把位置定在中心。',
  look: '地图。方向键移动，加减号缩放。',
};

const OFFLINE = '离线底图：地图暂时取不到，坐标不受影响';

let about = null;
/** {credit, offline} of the map, asked once a page. */
function askAbout() {
  about ??= fetch('/map/about.json', { headers: { Accept: 'application/json' } }).then((answer) => {
    if (!answer.ok) throw new Error(`about.json: ${answer.status}`);
    return answer.json();
  });
  return about;
}

// Leaflet gives up a request by putting a picture of `data:` in its place, which our policy forbids: it may run to its end.
const Tiles = L.TileLayer.extend({ _abortLoading: undefined, _removeTile: L.GridLayer.prototype._removeTile });

const icon = () => L.divIcon({ className: 'aj-pin', iconSize: [26, 34], iconAnchor: [13, 33], html: '' });

function showCredit(map) {
  askAbout().then(
    ({ credit, offline }) => {
      const said = Object.assign(document.createElement('span'), { textContent: offline ? OFFLINE : credit });
      map.attributionControl.addAttribution(said.outerHTML);
    },
    (fault) => {
      about = null;
      console.warn(fault);
    },
  );
}

/** The fence {longitude, latitude, radius_m} or {corners} as a shape, null where it is none. */
function shapeOf(fence) {
  const style = { className: 'aj-fence', interactive: false };
  if (Array.isArray(fence?.corners)) return L.polygon(fence.corners.map((one) => [one.latitude, one.longitude]), style);
  if (fence?.radius_m > 0) return L.circle([fence.latitude, fence.longitude], { ...style, radius: fence.radius_m });
  return null;
}

/** By mouse and finger: where it was clicked. By keyboard: the middle, at Enter or Space. */
function pickable(map, element, onPick) {
  map.on('click', ({ latlng }) => onPick(latlng.wrap()));
  element.addEventListener('keydown', (event) => {
    if (event.target !== element || !['Enter', ' '].includes(event.key)) return;
    event.preventDefault();
    onPick(map.getCenter().wrap());
  });
}

/**
 * A map in `element`. `onPick({lat, lng})` makes it one to choose on. Gives `{show(point, move), fence(fence), close()}`;
 * points are {longitude, latitude} in WGS-84.
 */
export function openMap(element, { label = '位置', onPick = null } = {}) {
  element.setAttribute('role', onPick ? 'application' : 'group');
  element.setAttribute('aria-label', `${label}：${onPick ? WORDS.pick : WORDS.look}`);
  element.classList.add('aj-map-open');
  element.classList.toggle('picks', Boolean(onPick));
  const map = L.map(element, { zoomControl: false, scrollWheelZoom: 'center', maxZoom: DEEPEST, minZoom: 3, worldCopyJump: true });
  map.attributionControl.setPrefix(false);
  L.control.zoom({ zoomInTitle: '放大', zoomOutTitle: '缩小' }).addTo(map);
  L.control.scale({ imperial: false }).addTo(map);
  // Whether the map can be had is known once its tiles were asked for.
  new Tiles(TILES, { maxZoom: DEEPEST, alt: '' }).once('load', () => showCredit(map)).addTo(map);
  map.setView(WHOLE.centre, WHOLE.zoom);
  if (onPick) pickable(map, element, onPick);
  const resized = new ResizeObserver(() => map.invalidateSize({ animate: false }));
  resized.observe(element);

  let pin = null;
  let shape = null;
  return {
    show(point, move = true) {
      pin?.remove();
      pin = null;
      if (!point) return;
      const at = [point.latitude, point.longitude];
      pin = L.marker(at, { icon: icon(), keyboard: false, interactive: false, alt: '' }).addTo(map);
      if (move) map.setView(at, Math.max(map.getZoom(), NEAR), { animate: false });
    },
    fence(fence) {
      shape?.remove();
      shape = shapeOf(fence)?.addTo(map) ?? null;
      if (shape && !pin) map.fitBounds(shape.getBounds(), { padding: [20, 20], maxZoom: NEAR, animate: false });
    },
    close() {
      resized.disconnect();
      map.remove();
    },
  };
}

// A map that nobody looks at asks for no tiles.
const seen = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    seen.unobserve(target);
    const { longitude, latitude, label } = target.dataset;
    openMap(target, { label }).show({ longitude: Number(longitude), latitude: Number(latitude) });
  }
});
for (const element of document.querySelectorAll('[data-anju-map]')) seen.observe(element);
