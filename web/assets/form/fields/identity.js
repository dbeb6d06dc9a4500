// aj-id: number of an identity document. aj-phone: a telephone number.
import { html, FormContext, useContext } from '../fjs.js';
import { isMasked, kindOf, tidyNumber } from '../identity.js';
import { dataOf } from '../state.js';
import { chosenKind } from '../validator.js';
import { described, Shell, textConfig } from './shell.js';

function progressOf(rules, value) {
  if (!value || isMasked(value)) return null;
  if (rules.fault(value) === null) return { tone: 'ok', text: rules.facts(value) ? `✓ ${rules.facts(value)}` : '✓ 号码格式正确' };
  if (rules.length === 18 && value.length < 18) return { tone: '', text: `已填 ${value.length} 位，共 18 位` };
  return null;
}

export function IdField(props) {
  const { field, value = '', onChange, onBlur, onFocus, disabled, readonly, fieldInstance, domId } = props;
  const form = useContext(FormContext).getService('form');
  const rules = kindOf(chosenKind(dataOf(form), field, fieldInstance?.valuePath ?? []));
  const note = progressOf(rules, value);
  const typed = (event) => {
    const tidy = tidyNumber(event.target.value).slice(0, 30);
    if (event.target.value !== tidy && !event.isComposing) event.target.value = tidy;
    onChange({ value: tidy });
  };
  return html`<${Shell} props=${props} kind="aj-id">
    <div class="fjs-input-group ${disabled ? 'fjs-disabled' : ''} ${readonly ? 'fjs-readonly' : ''}">
      <input ...${described(props)} class="fjs-input aj-number" type="text" autocomplete="off" autocapitalize="characters"
        spellcheck=${false} inputmode="text" disabled=${disabled} readOnly=${readonly} value=${value}
        onInput=${typed} onBlur=${onBlur} onFocus=${onFocus} />
    </div>
    <p class="aj-note ${note?.tone ?? ''}" id=${`${domId}-note`} aria-live="polite">${note?.text}</p>
  <//>`;
}
IdField.config = textConfig('aj-id', '证件号码');

export function PhoneField(props) {
  const { value = '', onChange, onBlur, onFocus, disabled, readonly } = props;
  const typed = (event) => onChange({ value: tidyNumber(event.target.value).slice(0, 20) });
  return html`<${Shell} props=${props} kind="aj-phone">
    <div class="fjs-input-group ${disabled ? 'fjs-disabled' : ''} ${readonly ? 'fjs-readonly' : ''}">
      <input ...${described(props)} class="fjs-input aj-number" type="tel" autocomplete="tel" inputmode="tel"
        disabled=${disabled} readOnly=${readonly} value=${value} onInput=${typed} onBlur=${onBlur} onFocus=${onFocus} />
    </div>
  <//>`;
}
PhoneField.config = textConfig('aj-phone', '联系电话');
