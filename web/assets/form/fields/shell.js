// What every field of ours has around its input: label, help, messages, and their ids for screen readers.
import { Description, Errors, html, Label } from '../fjs.js';

/** Attributes that tie an input to its help and its messages. */
export function described({ domId, errors = [], field }) {
  return {
    id: domId,
    'aria-describedby': `${domId}-description ${domId}-error-message`,
    'aria-invalid': errors.length > 0,
    required: field.validate?.required,
  };
}

export function Shell({ props, kind, children, group = false }) {
  const { domId, errors = [], field, disabled, readonly } = props;
  const state = `${errors.length ? 'fjs-has-errors' : ''} ${disabled ? 'fjs-disabled' : ''} ${readonly ? 'fjs-readonly' : ''}`;
  return html`<div class="fjs-form-field fjs-form-field-${kind} ${state}" role=${group ? 'group' : undefined}
      aria-labelledby=${group ? `${domId}-label` : undefined}>
    <${Label} id=${`${domId}-label`} htmlFor=${domId} label=${field.label} required=${field.validate?.required} />
    ${children}
    <${Description} id=${`${domId}-description`} description=${field.description} />
    <${Errors} id=${`${domId}-error-message`} errors=${errors} />
  </div>`;
}

/** Configuration of a field type that holds text. */
export const textConfig = (type, name) => ({
  type,
  keyed: true,
  name,
  label: name,
  group: 'basic-input',
  emptyValue: '',
  sanitizeValue: ({ value }) => (typeof value === 'string' || typeof value === 'number' ? String(value) : ''),
  create: (options = {}) => ({ label: name, ...options }),
});
