// form-js 1.23 has no translate service: its messages are put into Chinese where they are made.
const RULES = [
  [/^Field is required\.$/, () => '请填写此项'],
  [/^Field must match pattern .*$/, () => '格式不正确'],
  [/^Field must have minimum value of (.*)\.$/, (m) => `不得小于 ${m[1]}`],
  [/^Field must have maximum value of (.*)\.$/, (m) => `不得大于 ${m[1]}`],
  [/^Field must have minimum length of (.*)\.$/, (m) => `至少 ${m[1]} 个字`],
  [/^Field must have maximum length of (.*)\.$/, (m) => `最多 ${m[1]} 个字`],
  [/valid\s+international phone/, () => '请填写有效的电话号码'],
  [/valid email/, () => '请填写有效的电子邮箱'],
  [/^Value is not a number\.$/, () => '请填写数字'],
  [/be an integer/, () => '请填写整数'],
  [/at most (\d+) decimal/, (m) => `最多 ${m[1]} 位小数`],
  [/two nearest valid values are (.*) and (.*)\.$/, (m) => `请填写有效值，最接近的是 ${m[1]} 和 ${m[2]}`],
  [/^(Min|Max) validation value/, () => '本项的上下限设置有误，请联系管理员'],
];
const CHOICES = new Set(['radio', 'select', 'checklist', 'taglist', 'checkbox', 'aj-region', 'aj-point', 'datetime']);

export function inChinese(message, field) {
  if (message === 'Field is required.') {
    if (field.type === 'aj-file') return '请上传材料';
    if (CHOICES.has(field.type)) return field.type === 'checkbox' ? '请勾选' : '请选择';
  }
  for (const [pattern, say] of RULES) {
    const found = message.match(pattern);
    if (found) return say(found);
  }
  return message;
}
