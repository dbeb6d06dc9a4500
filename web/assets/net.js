// Requests to our own server: the token that proves the page is ours, and a fresh one after a new login.
const tag = () => document.querySelector('meta[name="csrf-token"]');

export const csrfToken = () => tag()?.content ?? '';

/** Headers of every request that changes something. */
export const ownHeaders = (extra = {}) => ({ 'X-CSRF-Token': csrfToken(), Accept: 'application/json', ...extra });

/** After a login in another window the old token is worthless: fetch one and put it into every form. */
export async function renewToken() {
  const url = document.querySelector('meta[name="csrf-url"]')?.content;
  if (!url) return false;
  const answer = await fetch(url, { headers: { Accept: 'application/json' }, cache: 'no-store' });
  if (!answer.ok || answer.redirected) return false;
  const { csrf_token: token } = await answer.json();
  if (!token) return false;
  tag().content = token;
  for (const input of document.querySelectorAll('input[name="csrf_token"]')) input.value = token;
  return true;
}

/** The message of a JSON error answer, or a plain sentence for its status. */
export function messageOf(status, body) {
  if (body?.message) return body.message;
  if (status === 413) return '文件太大，请压缩或拍得小一些再上传';
  if (status === 401) return '登录已过期，请重新登录';
  if (status === 403) return '没有权限，或页面已过期，请刷新后再试';
  if (status === 0) return '网络不通，请稍后重试';
  return `系统未能处理（${status}），请稍后重试`;
}
