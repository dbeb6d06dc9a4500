// Identity documents: what each kind looks like, and what a resident number tells.
const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CHECKS = '10X98765432';

/** GB 11643-1999 check character and date of birth. Returns a message, or null when the number holds. */
export function residentFault(number) {
  if (!/^\d{17}[\dX]$/.test(number)) return '应为 18 位：17 位数字加 1 位数字或 X';
  const sum = WEIGHTS.reduce((total, weight, index) => total + weight * Number(number[index]), 0);
  if (!bornOn(number)) return '号码中的出生日期不存在，请核对第 7 至 14 位';
  if (CHECKS[sum % 11] !== number[17]) return '校验位不符，请逐位核对号码';
  return null;
}

function bornOn(number) {
  const [year, month, day] = [number.slice(6, 10), number.slice(10, 12), number.slice(12, 14)].map(Number);
  const date = new Date(Date.UTC(year, month - 1, day));
  const real = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return real && year >= 1900 ? { year, month, day } : null;
}

/** «男 · 1986 年 3 月 7 日出生» of a sound resident number. */
export function residentFacts(number) {
  const born = bornOn(number);
  const sex = Number(number[16]) % 2 ? '男' : '女';
  return `${sex} · ${born.year} 年 ${born.month} 月 ${born.day} 日出生`;
}

const RESIDENT = { fault: residentFault, facts: residentFacts, length: 18 };

function permitFault(number) {
  return residentFault(number) ?? (/^8[123]/.test(number) ? null : '港澳台居民居住证号应以 81、82 或 83 开头');
}

const other = (name) => ({
  fault: (number) => (/^[A-Z0-9]{5,20}$/.test(number) ? null : `${name}号应为 5 至 20 位字母或数字`),
  facts: () => '',
  length: 20,
});
export const KINDS = {
  resident_id: RESIDENT,
  hkmt_permit: { ...RESIDENT, fault: permitFault },
  foreign_permit: other('外国人永久居留身份证'),
  passport: other('护照'),
  officer: other('军官证'),
};

/** The rules of a kind of document; with no kind chosen, a resident number is meant. */
export function kindOf(name) {
  if (name === undefined || name === null || name === '') return RESIDENT;
  return KINDS[name] ?? other('证件');
}

/** Full-width characters and spaces as typed or pasted, made plain. */
export const tidyNumber = (text) => text.normalize('NFKC').replace(/\s/g, '').toUpperCase();

/** A mask (1101**********3417) or a sealed value is shown as it is, never checked. */
export const isMasked = (text) => text.includes('*') || text.startsWith('enc:');
