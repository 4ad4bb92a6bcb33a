// The service as the upload page speaks to it: JSON with our token, and the bytes by tus with a checksum for each piece.
import { DefaultHttpStack } from 'tus-js-client';

export const API = '/api/v1/uploads';
const meta = () => document.querySelector('meta[name="csrf-token"]');

/** JSON or null; throws {status} for what is refused, TypeError where nothing answers. */
export async function ask(path, { method = 'GET', body, headers = {} } = {}) {
  const sent = { Accept: 'application/json', ...headers };
  if (method !== 'GET') sent['X-CSRFToken'] = meta().content;
  if (method === 'DELETE') sent['Tus-Resumable'] = '1.0.0';
  if (body) sent['Content-Type'] = 'application/json';
  const response = await fetch(path, { method, headers: sent, body: body && JSON.stringify(body), cache: 'no-store' });
  const text = await response.text();
  const answer = text && /json/.test(response.headers.get('Content-Type') ?? '') ? JSON.parse(text) : null;
  if (!response.ok) throw Object.assign(new Error(answer?.detail ?? String(response.status)), { status: response.status, code: answer?.code });
  return method === 'GET' && answer ? Object.assign(answer, { etag: response.headers.get('ETag') }) : answer;
}

/** A new token from the page itself; false while nobody is signed in. */
export async function renewToken() {
  const response = await fetch(window.location.href, { cache: 'no-store', redirect: 'manual' });
  if (!response.ok) return false;
  const page = new DOMParser().parseFromString(await response.text(), 'text/html');
  const fresh = page.querySelector('meta[name="csrf-token"]');
  if (fresh) meta().content = fresh.content;
  return Boolean(fresh);
}

async function checksum(body) {
  // browsers hash only on https and on this machine itself; the digest of the whole is made by the service anyway
  if (!body || !window.crypto?.subtle) return null;
  const digest = new Uint8Array(await window.crypto.subtle.digest('SHA-256', await body.arrayBuffer()));
  return `sha256 ${btoa(String.fromCharCode(...digest))}`;
}

/** What tus-js-client sends its requests by. */
export class Stack {
  constructor() {
    this.base = new DefaultHttpStack({});
  }

  getName() {
    return 'videolib';
  }

  createRequest(method, url) {
    const request = this.base.createRequest(method, url);
    const [send, abort] = [request.send.bind(request), request.abort.bind(request)];
    let isAborted = false;
    request.abort = () => {
      isAborted = true;
      return abort();
    };
    request.send = async (body) => {
      request.setHeader('X-CSRFToken', meta().content);
      const sum = await checksum(body);
      if (isAborted) return new Promise(() => {}); // nobody waits for it any more
      if (sum) request.setHeader('Upload-Checksum', sum);
      return send(body);
    };
    return request;
  }
}
