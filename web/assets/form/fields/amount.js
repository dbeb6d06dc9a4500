// aj-amount: 元 with two decimals on screen, integer 分 as value, the amount in words below.
import { html, useEffect, useState } from '../fjs.js';
import { inWords, parseYuan, showYuan } from '../money.js';
import { described, Shell } from './shell.js';

export function AmountField(props) {
  const { value, onChange, onBlur, onFocus, disabled, readonly, domId } = props;
  const [text, setText] = useState(showYuan(value));
  useEffect(() => {
    if (Number.isSafeInteger(value) && parseYuan(text) !== value) setText(showYuan(value));
  }, [value]);
  const typed = (event) => {
    const fen = parseYuan(event.target.value);
    setText(event.target.value);
    onChange({ value: Number.isNaN(fen) ? event.target.value : fen });
  };
  const left = () => {
    if (Number.isSafeInteger(value)) setText(showYuan(value));
    onBlur();
  };
  const words = Number.isSafeInteger(value) ? `大写：${inWords(value)}` : '';
  return html`<${Shell} props=${props} kind="aj-amount">
    <div class="fjs-input-group aj-amount ${disabled ? 'fjs-disabled' : ''} ${readonly ? 'fjs-readonly' : ''}">
      <input ...${described(props)} class="fjs-input" type="text" inputmode="decimal" autocomplete="off"
        disabled=${disabled} readOnly=${readonly} value=${text} onInput=${typed} onBlur=${left} onFocus=${onFocus} />
      <span class="aj-unit" aria-hidden="true">元</span>
    </div>
    <p class="aj-note" id=${`${domId}-note`} aria-live="polite">${words}</p>
  <//>`;
}
AmountField.config = {
  type: 'aj-amount',
  keyed: true,
  name: '金额',
  label: '金额',
  group: 'basic-input',
  emptyValue: null,
  sanitizeValue: ({ value }) => (Number.isSafeInteger(value) ? value : null),
  create: (options = {}) => ({ label: '金额', ...options }),
};
