// Our own field types, as a form-js module. The form editor takes the same module.
import { AmountField } from './amount.js';
import { FileField } from './files.js';
import { IdField, PhoneField } from './identity.js';
import { markedFields, withMark } from './marked.js';
import { PointField } from './point.js';
import { RegionField } from './region.js';

const OWN = [IdField, PhoneField, AmountField, RegionField, PointField].map(withMark);

class Register {
  constructor(formFields) {
    for (const field of [...OWN, FileField, ...markedFields]) formFields.register(field.config.type, field);
  }
}
Register.$inject = ['formFields'];

export const fieldsModule = { __init__: ['anjuFields'], anjuFields: ['type', Register] };
