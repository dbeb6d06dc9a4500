// Hands the answers in, once, through the page's real form.
import { answersOf } from './state.js';

const BLOCKED = {
  failed: '网络不通，还没有提交。已填内容仍在本页，请稍后再按一次提交。',
  conflict: '您在另一处保存了较新的草稿，还没有提交。请先在页面下方选择保留哪一份，再按一次提交。',
  expired: '登录已过期，还没有提交。请在新窗口登录后回到本页，再按一次提交。',
};

export class Submission {
  constructor({ form, target, container, draft, summary }) {
    Object.assign(this, { form, target, container, draft, summary, phase: 'open' });
    this.hidden = target.elements.namedItem('answers') ?? addHidden(target, 'answers');
    target.addEventListener('submit', (event) => this.onSubmit(event));
    target.addEventListener('anju:reopen', () => this.reopen());
    addEventListener('pageshow', (event) => event.persisted && location.reload());
    document.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) this.byKeyboard(event);
    });
  }

  byKeyboard(event) {
    event.preventDefault();
    const button = this.buttons().find((one) => one.matches('.p')) ?? this.buttons()[0];
    if (!button?.disabled) this.target.requestSubmit(button);
  }

  /** A button with `formnovalidate` (退回, 暂存) sends what there is without checking it. */
  onSubmit(event) {
    if (this.phase === 'passing') return;
    event.preventDefault();
    if (this.phase !== 'open') return;
    const button = event.submitter;
    document.activeElement?.blur();
    if (this.container.querySelector('[data-uploading]')) {
      this.summary.show(this.form, {}, ['材料还在上传，请等上传完成再提交'], 'summary');
      return;
    }
    if (!button?.formNoValidate && !this.checked()) return;
    this.hand(button);
  }

  checked() {
    const { errors } = this.form.submit();
    if (!Object.keys(errors).length) return true;
    this.summary.show(this.form, errors, [], 'field');
    return false;
  }

  async hand(button) {
    this.phase = 'saving';
    this.busy(true, button);
    const state = await this.draft.save();
    // Where no draft is kept that took no time: browsers drop a submit that begins inside another.
    await new Promise((resolve) => setTimeout(resolve));
    if (BLOCKED[state]) {
      this.phase = 'open';
      this.busy(false, button);
      this.summary.show(this.form, {}, [BLOCKED[state]], 'summary');
      return;
    }
    this.draft.stop();
    this.hidden.value = JSON.stringify(answersOf(this.form));
    this.phase = 'passing';
    this.busy(false, button);
    this.target.requestSubmit(button?.form === this.target ? button : undefined);
    this.phase = 'sent';
    setTimeout(() => this.busy(true, button), 0);
  }

  /** A script took the answers and nothing came of them: they are still here and may be sent again. */
  reopen() {
    this.phase = 'open';
    for (const one of this.buttons()) this.busy(false, one);
  }

  buttons() {
    return [...this.target.elements].filter((one) => one.matches('button[type=submit],button:not([type])'));
  }

  busy(on, button) {
    for (const one of this.buttons()) one.disabled = on;
    if (on) button?.setAttribute('aria-busy', 'true');
    else button?.removeAttribute('aria-busy');
  }
}

function addHidden(target, name) {
  const input = Object.assign(document.createElement('input'), { type: 'hidden', name });
  target.append(input);
  return input;
}
