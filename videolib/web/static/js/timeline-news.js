// What other editors did since: the list of the API is asked for now and then, and costs nothing while it is the same.
import { isSame } from './timeline-web.js';

/** Loads what the server has into the saver's book; marks that are being changed here are left for their own save. */
export async function takeNews(saver) {
  const { deeds } = saver;
  const headers = { Accept: 'application/json', ...(saver.tag ? { 'If-None-Match': saver.tag } : {}) };
  let response;
  try {
    response = await fetch(`${saver.url}?layer=${saver.layer}`, { headers, credentials: 'same-origin', cache: 'no-store' });
    if (response.status !== 200) return;
    const page = await response.json();
    // a deed or a save that came between knows better; the next look brings the rest
    if (deeds !== saver.deeds) return;
    saver.tag = response.headers.get('ETag');
    take(saver, page.items);
  } catch {
    // no network: the next look comes soon, and what is written here waits in the saver
  }
}

function take(saver, items) {
  const keys = new Map([...saver.known].filter(([, { id }]) => id).map(([key, { id }]) => [id, key]));
  const news = [];
  for (const item of items) {
    const id = item.id.split('/').pop();
    const key = keys.get(id) ?? saver.book.newKey();
    keys.delete(id);
    const known = saver.known.get(key);
    if (saver.dirty.has(key) || known?.revision === item.revision) continue;
    const { mark, revision } = saver.read(item, key);
    saver.known.set(key, { id, revision, saved: mark });
    const before = saver.book.marks.get(key) ?? null;
    if (!isSame(before, mark)) news.push({ key, before, after: mark });
  }
  for (const key of keys.values()) {
    if (saver.dirty.has(key)) continue;
    saver.known.delete(key);
    if (saver.book.marks.has(key)) news.push({ key, before: saver.book.marks.get(key), after: null });
  }
  if (news.length > 0) saver.book.receive(news);
}
