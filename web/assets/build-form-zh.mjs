// form-js has no translation hook: its own words are replaced, exactly and counted.
// A count that differs after an update fails the build, so no English slips onto a page.
import { readFile } from 'node:fs/promises';

const WORDS = [
  ["locale = 'default'", "locale = 'zh-CN'", 1],
  ["'01/01/1900'", "'1900/01/01'", 1],
  ['placeholder: getLocaleReadableDateFormat()', "placeholder: '年/月/日'", 1],
  ["'Add new'", "'添加一项'", 1],
  ["'No results'", "'没有结果'", 2],
  ["'All values selected'", "'已全部选择'", 1],
  ["'Search'", "'搜索'", 2],
  ["valueLabel || 'Select'", "valueLabel || '请选择'", 1],
  ['"Remove tag"', '"移除"', 1],
  ['"Browse"', '"选择文件"', 1],
  ["'No files selected'", "'未选择文件'", 1],
  ['`${files.length} files selected`', '`已选 ${files.length} 个文件`', 1],
  ["'Nothing to show.'", "'暂无内容'", 1],
  ['"Nothing to show."', '"暂无内容"', 1],
  ['"Previous page"', '"上一页"', 1],
  ['"Next page"', '"下一页"', 1],
  ['"aria-label": "Increment"', '"aria-label": "增加"', 1],
  ['"aria-label": "Decrement"', '"aria-label": "减少"', 1],
  ['`Remove list item ${itemIndex + 1}`', '`删除第 ${itemIndex + 1} 项`', 1],
  ['`Expand all (${values.length - 1})`', '`展开全部（${values.length - 1}）`', 1],
  ["'Collapse'", "'收起'", 1],
];

export function translate(text) {
  let changed = text;
  for (const [from, to, times] of WORDS) {
    const parts = changed.split(from);
    if (parts.length - 1 !== times) {
      throw new Error(`form-js: ${from} found ${parts.length - 1} times, expected ${times}`);
    }
    changed = parts.join(to);
  }
  return changed;
}

export const formInChinese = {
  name: 'form-in-chinese',
  setup(build) {
    build.onLoad({ filter: /form-js-viewer[\\/]dist[\\/]index\.es\.js$/ }, async ({ path }) => ({
      contents: translate(await readFile(path, 'utf8')),
      loader: 'js',
    }));
  },
};
