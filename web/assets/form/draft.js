// Keeps the draft on the server as it is typed. Nothing is stored in the browser: answers hold personal data.
import { messageOf, ownHeaders, renewToken } from '../net.js';

const QUIET = 800;
const RETRIES = [3000, 8000, 20000, 60000];
const KEEPALIVE_LIMIT = 60_000;

/** «14:32» of an ISO time, of «14:32» itself, or of now. */
const clockTime = (at) =>
  /^\d\d:\d\d/.test(at ?? '') ? at.slice(0, 5) : (at ? new Date(at) : new Date()).toLocaleTimeString('zh-CN', { hour: '2-digit', minute: '2-digit', hour12: false, timeZone: 'Asia/Shanghai' });

/** The token belongs to an earlier login of the same person. */
const isStale = async (answer) =>
  !answer.ok && answer.type !== 'opaqueredirect' && /csrf|form_expired/.test((await answer.clone().json().catch(() => null))?.code ?? '');

/** Names this page among all that keep the same draft; says nothing about the device. */
const pageName = () => [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, '0')).join('');

/**
 * States: saved, failed (tries again by itself), expired (needs a login), conflict (another page kept a newer text: the
 * person chooses), refused (the server says why), off. `seen` is the revision this page builds on; null asks nothing.
 */
export class Draft {
  constructor(url, answers, loginUrl, seen = null) {
    Object.assign(this, { url, answers, loginUrl, seen, device: pageName(), state: 'saved', timer: 0, tries: 0, underway: null });
    this.kept = JSON.stringify(answers());
    if (!url) this.state = 'off';
    addEventListener('pagehide', () => this.leave());
    addEventListener('focus', () => this.state === 'expired' && this.save());
    addEventListener('online', () => this.state === 'failed' && this.save());
  }

  changed() {
    if (this.state === 'off' || this.state === 'conflict' || JSON.stringify(this.answers()) === this.kept) return;
    this.plan(QUIET);
  }

  plan(delay) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), delay);
  }

  /** Saves now, one request at a time. Resolves to the state reached. */
  async save() {
    clearTimeout(this.timer);
    if (this.state === 'off' || this.state === 'conflict') return this.state;
    await this.underway;
    this.underway = this.send();
    const state = await this.underway;
    this.underway = null;
    if (state === 'saved' && JSON.stringify(this.answers()) !== this.kept) this.plan(QUIET);
    return state;
  }

  async send() {
    const text = JSON.stringify(this.answers());
    try {
      if (this.state === 'expired') await renewToken();
      const answer = await fetch(this.url, this.request(text));
      if (await isStale(answer) && (await renewToken())) return await this.judge(await fetch(this.url, this.request(text)), text);
      return await this.judge(answer, text);
    } catch {
      return this.failed();
    }
  }

  request(text, extra = {}) {
    const body = `{"answers":${text},"device":"${this.device}","seen":${JSON.stringify(this.seen)}}`;
    return { method: 'POST', headers: ownHeaders({ 'Content-Type': 'application/json' }), body, redirect: 'manual', ...extra };
  }

  async judge(answer, text) {
    if (answer.ok) {
      const about = await answer.json().catch(() => ({}));
      Object.assign(this, { kept: text, state: 'saved', tries: 0, seen: this.seen === null ? null : (about.revision ?? this.seen) });
      say(`草稿 ${clockTime(about.saved_at)} 已存`, 'ok');
      return this.state;
    }
    if (answer.status === 401 || answer.type === 'opaqueredirect') return this.expired();
    if (answer.status >= 500 || answer.status === 429) return this.failed();
    const body = await answer.json().catch(() => null);
    if (body?.code === 'draft_elsewhere') return this.conflict(body);
    this.state = 'refused';
    say(messageOf(answer.status, body), 'bad');
    return this.state;
  }

  failed() {
    this.state = 'failed';
    say('未能保存，正在重试', 'warn');
    this.plan(RETRIES[Math.min(this.tries, RETRIES.length - 1)]);
    this.tries += 1;
    return this.state;
  }

  /** Nothing is kept until the person says which of the two texts stays. */
  conflict(body) {
    this.state = 'conflict';
    const mine = choice('保留本页内容', () => {
      Object.assign(this, { seen: body.revision, state: 'saved' });
      this.save();
    });
    const theirs = choice('改用那一份', () => {
      this.stop();
      location.reload();
    });
    say(body.message, 'bad', theirs, mine);
    return this.state;
  }

  expired() {
    this.state = 'expired';
    const link = document.createElement('a');
    Object.assign(link, { href: this.loginUrl, target: '_blank', rel: 'opener', textContent: '登录（新窗口）' });
    say('登录已过期，请在新窗口登录后继续，已填内容仍在本页。', 'bad', link);
    this.plan(15000);
    return this.state;
  }

  /** The page goes away: one last try that outlives it. */
  leave() {
    if (this.state === 'off' || this.state === 'conflict') return;
    const text = JSON.stringify(this.answers());
    if (text === this.kept) return;
    fetch(this.url, this.request(text, { keepalive: text.length < KEEPALIVE_LIMIT })).catch(() => {});
  }

  /** After the answers are handed in, no late draft may follow them. */
  stop() {
    clearTimeout(this.timer);
    this.state = 'off';
  }
}

function choice(text, act) {
  const button = Object.assign(document.createElement('button'), { type: 'button', className: 'link', textContent: text });
  button.addEventListener('click', act);
  return button;
}

/** Several places may tell it: links are copied, buttons stand in the first alone. */
function say(text, tone, ...more) {
  for (const [at, place] of [...document.querySelectorAll('[data-draft-status]')].entries()) {
    place.className = `draft ${tone}`;
    place.replaceChildren(text, ...more.map((one) => (at ? one.cloneNode(true) : one)));
  }
}
