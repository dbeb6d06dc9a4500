// Adds Chinese messages and the checks of our own field types to form-js' validator.
import { isMasked, kindOf } from './identity.js';
import { dataOf } from './state.js';
import { inChinese } from './words.js';

const PHONE = /^1[3-9]\d{9}$|^0\d{2,3}-?\d{7,8}$/;

/** The kind of document next to an ID field: `properties.kindKey`, beside the field first, then from the top. */
export function chosenKind(data, field, valuePath) {
  const key = field.properties?.kindKey;
  if (!key) return field.properties?.kind;
  const steps = key.split('.');
  const reach = (from, path) => path.reduce((value, step) => value?.[step], from);
  return reach(data, [...valuePath.slice(0, -1), ...steps]) ?? reach(data, steps);
}

function ownFault(field, value, kind) {
  if (value === null || value === undefined || value === '') return null;
  if (field.type === 'aj-id' && !isMasked(value)) return kindOf(kind).fault(value);
  if (field.type === 'aj-phone' && !isMasked(value) && !PHONE.test(value)) return '请填写 11 位手机号，或带区号的座机号';
  if (field.type === 'aj-amount' && !Number.isSafeInteger(value)) return '请填写金额，最多两位小数';
  return null;
}

/** Limits of an amount field are written in 分, as the value is; people read 元. */
function inYuan(message, field) {
  if (field.type !== 'aj-amount') return message;
  return message.replace(/(不得[小大]于) (-?\d+)$/, (_, words, fen) => `${words} ${(Number(fen) / 100).toFixed(2)} 元`);
}

class Checks {
  constructor(validator, formFieldRegistry, form) {
    const original = validator.validateFieldInstance.bind(validator);
    validator.validateFieldInstance = (instance, value) => {
      const field = formFieldRegistry.get(instance.id);
      if (!field) return [];
      const kind = field.type === 'aj-id' ? chosenKind(dataOf(form), field, instance.valuePath) : null;
      const fault = ownFault(field, value, kind);
      if (fault) return [fault];
      return original(instance, value).map((message) => inYuan(inChinese(message, field), field));
    };
  }
}
Checks.$inject = ['validator', 'formFieldRegistry', 'form'];

export const checksModule = { __init__: ['anjuChecks'], anjuChecks: ['type', Checks] };
