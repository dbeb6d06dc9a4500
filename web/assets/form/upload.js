// One file to the server, with progress; the answer names it {id, name, size}.
import { messageOf, ownHeaders } from '../net.js';

/** An error whose message is for the person; `again` when another try may help. */
const fault = (status, body) => Object.assign(new Error(messageOf(status, body)), { again: status === 0 || status >= 500 });

/** Resolves to {id, name, size}; rejects with such an error. */
export function upload(url, file, fieldKey, onProgress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const body = new FormData();
    body.append('field', fieldKey);
    body.append('file', file, file.name);
    request.open('POST', url);
    for (const [name, value] of Object.entries(ownHeaders())) request.setRequestHeader(name, value);
    request.responseType = 'json';
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onload = () => {
      const { status, response } = request;
      if (status < 300 && response?.id) resolve({ id: response.id, name: response.name, size: response.size });
      else reject(fault(status, response));
    };
    request.onerror = () => reject(fault(0));
    request.onabort = () => reject(new DOMException('aborted', 'AbortError'));
    signal.addEventListener('abort', () => request.abort());
    request.send(body);
  });
}

export function showSize(bytes) {
  if (bytes < 1024) return `${bytes} 字节`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(0)} KB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}
