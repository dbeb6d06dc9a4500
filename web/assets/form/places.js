// Places: an address from our server and back, the device's own place, and how they read.
import { messageOf, ownHeaders } from '../net.js';

const SOURCES = { map: '地图点选', address: '按地址查找', device: '设备定位', typed: '手工填写' };
const DEVICE = { enableHighAccuracy: true, timeout: 15000, maximumAge: 0 };
const REFUSED = { 1: '浏览器没有获得定位许可，请在地址栏旁允许定位，或改用其他方式', 2: '设备现在无法定位，请改用其他方式', 3: '定位超时，请到开阔处再试' };

async function ask(path, values) {
  let answer;
  try {
    answer = await fetch(path, { method: 'POST', headers: ownHeaders(), body: new URLSearchParams(values) });
  } catch {
    throw new Error(messageOf(0));
  }
  const body = await answer.json().catch(() => null);
  if (!answer.ok || !body) throw new Error(messageOf(answer.status, body));
  return body;
}

/** {longitude, latitude, sure, summary}; longitude is null where the map does not know the address. */
export const findAddress = (address, city = '') => ask('/map/place', { address, city });

/** The address of a place: {address, why}; address is null where there is none, `why` says that the map cannot be asked. */
export const addressOf = ({ longitude, latitude }) => ask('/map/address', { longitude, latitude });

/** Where the device is: {longitude, latitude, accuracy_m, at}. */
export function whereWeAre() {
  return new Promise((resolve, reject) => {
    if (!navigator.geolocation) reject(new Error(REFUSED[2]));
    else {
      navigator.geolocation.getCurrentPosition(
        ({ coords, timestamp }) => resolve({
          longitude: rounded(coords.longitude),
          latitude: rounded(coords.latitude),
          accuracy_m: Math.round(coords.accuracy * 10) / 10,
          at: new Date(timestamp).toISOString(),
        }),
        (fault) => reject(new Error(REFUSED[fault.code] ?? REFUSED[2])),
        DEVICE,
      );
    }
  });
}

/** Six decimals: about a decimetre. */
export const rounded = (degrees) => Math.round(degrees * 1e6) / 1e6;

/** Degrees as typed, NaN where they are none within ±`most`. */
export function degreesOf(text, most) {
  const plain = String(text).trim().replace('°', '');
  if (!/^-?\d{1,3}(\.\d+)?$/.test(plain)) return NaN;
  const number = Number(plain);
  return Math.abs(number) <= most ? rounded(number) : NaN;
}

/** «经度 120.135721°，纬度 30.284310°（设备定位，误差约 12 米）». */
export function placeInWords(value) {
  const error = value.accuracy_m === null || value.accuracy_m === undefined ? '' : `，误差约 ${Math.round(value.accuracy_m)} 米`;
  const how = SOURCES[value.source] ? `（${SOURCES[value.source]}${error}）` : '';
  return `经度 ${value.longitude.toFixed(6)}°，纬度 ${value.latitude.toFixed(6)}°${how}`;
}

/** Whether `value` is a place. */
export const isPlace = (value) => Number.isFinite(value?.longitude) && Number.isFinite(value?.latitude);
