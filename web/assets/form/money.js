// Money on screen is 元 with two decimals; in answers it is an integer number of 分.
const DIGITS = '零壹贰叁肆伍陆柒捌玖';
const PLACES = ['', '拾', '佰', '仟'];
const GROUPS = ['', '万', '亿', '万亿'];
export const MAX_FEN = 99_999_999_999_999;

/** «1,234.5» -> 123450; '' -> null; anything that is not money -> NaN. */
export function parseYuan(text) {
  const plain = text.replace(/[,，\s￥¥元]/g, '').replace(/．|。/g, '.');
  if (plain === '') return null;
  const found = plain.match(/^(-?)(\d{1,12})(?:\.(\d{0,2}))?$/);
  if (!found) return NaN;
  const fen = Number(found[2]) * 100 + Number((found[3] ?? '').padEnd(2, '0'));
  return found[1] ? -fen : fen;
}

/** 12345678 -> «123,456.78». */
export function showYuan(fen) {
  if (!Number.isSafeInteger(fen)) return '';
  const whole = Math.floor(Math.abs(fen) / 100).toString();
  const cents = (Math.abs(fen) % 100).toString().padStart(2, '0');
  return `${fen < 0 ? '-' : ''}${whole.replace(/\B(?=(\d{3})+$)/g, ',')}.${cents}`;
}

function groupInWords(value) {
  let words = '';
  let gap = false;
  for (let place = 3; place >= 0; place -= 1) {
    const digit = Math.floor(value / 10 ** place) % 10;
    if (digit === 0) {
      gap = words !== '';
      continue;
    }
    words += `${gap ? '零' : ''}${DIGITS[digit]}${PLACES[place]}`;
    gap = false;
  }
  return words;
}

function yuanInWords(yuan) {
  let words = '';
  let gap = false;
  for (let group = 3; group >= 0; group -= 1) {
    const value = Math.floor(yuan / 10000 ** group) % 10000;
    if (value === 0) {
      gap = words !== '';
      continue;
    }
    if (words && (gap || value < 1000)) words += '零';
    words += groupInWords(value) + GROUPS[group];
    gap = false;
  }
  return words;
}

/** Amount in words as on Chinese cheques: 1000050 -> «壹万元伍角整». */
export function inWords(fen) {
  if (!Number.isSafeInteger(fen)) return '';
  const size = Math.abs(fen);
  const yuan = yuanInWords(Math.floor(size / 100));
  const jiao = Math.floor(size / 10) % 10;
  const cent = size % 10;
  let words = yuan ? `${yuan}元` : '';
  if (jiao) words += `${DIGITS[jiao]}角`;
  else if (cent && yuan) words += '零';
  if (cent) words += `${DIGITS[cent]}分`;
  if (!words) words = '零元';
  return `${fen < 0 ? '负' : ''}${words}${cent ? '' : '整'}`;
}
