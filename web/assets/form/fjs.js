// The pieces of form-js and preact our own fields are made of, in one place.
import htm from 'htm';
import { h } from 'preact';

export {
  Checklist, Checkbox, createForm, Datetime, Description, Errors, FormContext, Label, Numberfield, Radio, Select,
  Textarea, Textfield, useExpressionEvaluation, useSingleLineTemplateEvaluation,
} from '@bpmn-io/form-js-viewer';
export { useContext, useEffect, useRef, useState } from 'preact/hooks';
export const html = htm.bind(h);
