// The only place that touches form-js' private methods; an update of form-js is checked here.

/** Everything in the form, hidden fields included. */
export const dataOf = (form) => form._getState().data;

/** Messages at the fields now, by field id; lists nest them by row. */
export const errorsOf = (form) => form._getState().errors;

/** What a submit would send: no hidden, no disabled fields. */
export const answersOf = (form) => form._getSubmitData();

/** Shown fields that hold a value: [{id, indexes, path, domId}], path as the server writes it: «members.0.name». */
export function shownFields(form) {
  return form.get('formFieldInstanceRegistry').getAllKeyed().map(({ id, indexes, valuePath }) => ({
    id,
    indexes: Object.values(indexes ?? {}),
    path: valuePath.join('.'),
    domId: ['fjs-form', form._id, [id, ...Object.values(indexes ?? {})].join('_')].join('-'),
  }));
}

const place = (tree, steps, messages) => {
  const [step, ...rest] = steps;
  if (!rest.length) tree[step] = messages;
  else place((tree[step] ??= []), rest, messages);
};

/** «members[0].name» and form-js' own {id: [null, ["…"]]} as [[«members.0.name», [texts]]]. */
function flat(messages, prefix = '') {
  return Object.entries(messages).flatMap(([key, texts]) => {
    const name = `${prefix}${key.replace(/\[(\d+)\]/g, '.$1')}`;
    if (Array.isArray(texts) && texts.some((one) => typeof one === 'object')) return flat(texts.map((one) => one ?? []), `${name}.`);
    return [[name, [texts].flat()]];
  });
}

/** Shows the server's messages at their fields. Returns those that belong to no shown field. */
export function showMessages(form, messages) {
  const errors = {};
  const homeless = [];
  const fields = shownFields(form);
  for (const [name, texts] of flat(messages)) {
    const field = fields.find((one) => [one.path, [one.id, ...one.indexes].join('.'), one.id].includes(name));
    if (field) place(errors, [field.id, ...field.indexes], texts);
    else homeless.push(...texts);
  }
  form._setState({ errors });
  return homeless;
}

/** Messages now at the fields, in the order of the page: [{domId, label, text}]. */
export function shownMessages(form, errors) {
  const found = [];
  for (const field of shownFields(form)) {
    const texts = field.indexes.reduce((node, index) => node?.[index], errors[field.id]);
    if (!Array.isArray(texts) || typeof texts[0] !== 'string') continue;
    found.push({ ...field, text: texts[0] });
  }
  return found;
}
