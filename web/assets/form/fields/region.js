// aj-region: administrative division chosen level by level; the value is the code of the last level.
import { html, useEffect, useState } from '../fjs.js';
import { Shell } from './shell.js';

const LEVELS = ['省级', '市级', '区县', '街道'];
const sources = new Map();

/** The tree [{code, name, children?}] of one address, fetched once per page. */
function load(url) {
  if (!sources.has(url)) {
    sources.set(url, fetch(url, { headers: { Accept: 'application/json' } }).then((answer) => {
      if (!answer.ok) throw new Error(`${answer.status}`);
      return answer.json();
    }));
  }
  return sources.get(url);
}

/** Codes from the top down to `code`, or [] when it is not in the tree. */
function pathTo(nodes, code) {
  for (const node of nodes) {
    if (node.code === code) return [code];
    const rest = node.children ? pathTo(node.children, code) : [];
    if (rest.length) return [node.code, ...rest];
  }
  return [];
}

/** The choices of each level, down to the first one not chosen yet. */
function levelsOf(tree, chosen) {
  const levels = [];
  let nodes = tree;
  for (let depth = 0; nodes?.length; depth += 1) {
    levels.push(nodes);
    nodes = nodes.find((node) => node.code === chosen[depth])?.children;
  }
  return levels;
}

function useTree(url) {
  const [state, setState] = useState({ tree: null, failed: false });
  const fetchTree = () => {
    setState({ tree: null, failed: false });
    load(url).then(
      (tree) => setState({ tree, failed: false }),
      () => {
        sources.delete(url);
        setState({ tree: null, failed: true });
      },
    );
  };
  useEffect(fetchTree, [url]);
  return { ...state, retry: fetchTree };
}

export function RegionField(props) {
  const { field, value, onChange, onBlur, onFocus, disabled, readonly, domId, errors = [] } = props;
  const { tree, failed, retry } = useTree(field.properties?.source ?? '/regions.json');
  const [partial, setPartial] = useState(null);
  if (failed) {
    return html`<${Shell} props=${props} kind="aj-region">
      <p class="aj-note bad" role="alert">行政区划没有取到。<button type="button" class="link" onClick=${retry}>重新获取</button></p><//>`;
  }
  if (!tree) return html`<${Shell} props=${props} kind="aj-region"><p class="aj-note" role="status">正在取行政区划…</p><//>`;
  const chosen = partial ?? pathTo(tree, value);
  const levels = levelsOf(tree, chosen);
  const choose = (depth, code) => {
    const next = [...chosen.slice(0, depth), code].filter(Boolean);
    const complete = next.length > 0 && levelsOf(tree, next).length === next.length;
    setPartial(complete ? null : next);
    onChange({ value: complete ? next.at(-1) : null });
  };
  const select = (nodes, depth) => html`<select key=${depth} class="fjs-input aj-select" value=${chosen[depth] ?? ''}
      id=${depth ? `${domId}-${depth}` : domId} aria-label=${`${field.label ?? ''} ${LEVELS[depth] ?? ''}`}
      aria-invalid=${errors.length > 0} aria-describedby=${`${domId}-description ${domId}-error-message`}
      disabled=${disabled || readonly} onFocus=${onFocus} onBlur=${onBlur}
      onChange=${(event) => choose(depth, event.target.value)}>
    <option value="">${LEVELS[depth] ?? '请选择'}</option>
    ${nodes.map((node) => html`<option key=${node.code} value=${node.code}>${node.name}</option>`)}
  </select>`;
  return html`<${Shell} props=${props} kind="aj-region" group=${true}><div class="aj-region">${levels.map(select)}</div><//>`;
}
RegionField.config = {
  type: 'aj-region',
  keyed: true,
  name: '行政区划',
  label: '行政区划',
  group: 'selection',
  emptyValue: null,
  sanitizeValue: ({ value }) => (typeof value === 'string' && value ? value : null),
  create: (options = {}) => ({ label: '行政区划', ...options }),
};
