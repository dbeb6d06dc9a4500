// Built-in fields with a source mark at the label, such as «✓ 公安户籍 11-10» (`properties.mark`, a template).
import { Checklist, Datetime, html, Numberfield, Radio, Select, Textarea, Textfield, useSingleLineTemplateEvaluation } from '../fjs.js';

const TONES = { '✓': 'ok', '⚠': 'warn', '✗': 'bad' };

export function withMark(Base) {
  function Marked(props) {
    const mark = useSingleLineTemplateEvaluation(props.field.properties?.mark ?? '');
    if (!mark) return html`<${Base} ...${props} />`;
    return html`<div class="aj-marked"><${Base} ...${props} /><span class="src ${TONES[mark[0]] ?? ''}">${mark}</span></div>`;
  }
  Marked.config = Base.config;
  return Marked;
}

export const markedFields = [Textfield, Textarea, Numberfield, Datetime, Select, Radio, Checklist].map(withMark);
