// Autosave of the desk: what was changed is sent a moment later, each mark with the revision that was read of it, so that
// two editors meet only on the same mark; what others did comes in by itself. Its state is always on show.
import { takeNews } from './timeline-news.js';
import { newName, refusalOf, request } from './timeline-wire.js';
import { isSame, fromWeb, merge, toWeb } from './timeline-web.js';

const WAIT_MS = 700;
const RETRY_MS = 4000;
const LOOK_MS = 8000;

export class Saver extends EventTarget {
  constructor(book, { url, layer, tool }) {
    super();
    Object.assign(this, { book, url, layer, tool, known: new Map(), dirty: new Set(), conflicts: new Map(), refusals: new Map(), labels: {}, authors: {}, deeds: 0 });
    this.state = 'saved';
    book.addEventListener('changed', ({ detail }) => { if (detail.why !== 'received') this.note(detail.keys); });
    window.addEventListener('beforeunload', (event) => { if (this.state !== 'saved') event.preventDefault(); });
    window.addEventListener('online', () => this.save());
    window.addEventListener('focus', () => (this.dirty.size > 0 ? this.save() : this.look()));
    setInterval(() => this.look(), LOOK_MS);
  }

  note(keys) {
    for (const key of keys) {
      this.refusals.delete(key);
      if (isSame(this.book.marks.get(key) ?? null, this.known.get(key)?.saved ?? null)) this.dirty.delete(key);
      else this.dirty.add(key);
    }
    this.deeds += 1;
    if (this.dirty.size === 0) return this.show();
    this.show('unsaved');
    this.saveIn(WAIT_MS);
  }

  show(state) {
    const open = [...this.dirty].filter((key) => !this.conflicts.has(key) && !this.refusals.has(key));
    this.state = state ?? (this.conflicts.size > 0 ? 'conflict' : this.refusals.size > 0 ? 'refused' : open.length > 0 ? 'unsaved' : 'saved');
    this.dispatchEvent(new CustomEvent('state', { detail: this.state }));
  }

  saveIn(wait) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), wait);
  }

  open() {
    return [...this.dirty].filter((key) => !this.conflicts.has(key));
  }

  /** Sends what is not saved; what a rule refuses is tried again after the others: a step after its phase. */
  async save() {
    clearTimeout(this.timer);
    if (this.saving) return;
    this.saving = true;
    try {
      for (let taken = 1; taken > 0 && this.open().length > 0;) {
        taken = 0;
        this.show('saving');
        for (const key of this.open()) if (await this.send(key)) taken += 1;
      }
      this.show();
    } catch (error) {
      this.show(error.state ?? 'offline');
      this.saveIn(RETRY_MS);
    } finally {
      this.saving = false;
    }
  }

  /** @returns whether the server has taken it */
  async send(key) {
    const mark = this.book.marks.get(key) ?? null;
    const known = this.known.get(key) ?? {};
    let response;
    if (!mark && !known.id) return this.took(key, mark, {});
    if (!mark) response = await request('DELETE', `${this.url}/${known.id}`, null, known.revision);
    else {
      // the name of its own makes a repeated request the same one
      if (!known.id && !known.origin) this.known.set(key, { ...known, origin: newName() });
      const sent = toWeb(mark, { layer: this.layer, tool: this.tool, origin: known.id ? null : this.known.get(key).origin });
      response = known.id ? await request('PATCH', `${this.url}/${known.id}`, sent, known.revision) : await request('POST', this.url, sent);
    }
    if (response.ok) {
      const item = mark ? await response.json() : null;
      // a repeated POST is answered with the first one's values: what has changed since goes out next
      if (item && !known.id) return this.took(key, this.read(item, key).mark, { id: item.id.split('/').pop(), revision: item.revision });
      return this.took(key, mark, item ? { id: item.id.split('/').pop(), revision: item.revision } : {});
    }
    const problem = await response.json().catch(() => ({}));
    if (response.status === 412) return this.clash(key, problem.current);
    if (response.status === 404 && !mark) return this.took(key, mark, {});
    if (response.status === 422 || response.status === 409) this.refusals.set(key, problem.detail ?? problem.title ?? '');
    else throw refusalOf(response, problem);
    return false;
  }

  took(key, mark, { id = null, revision = null }) {
    this.deeds += 1;
    this.refusals.delete(key);
    this.known.set(key, { id, revision, saved: mark });
    if (isSame(this.book.marks.get(key) ?? null, mark)) this.dirty.delete(key);
    return true;
  }

  /** Somebody was first: where we changed different fields both changes stay, else a person has to decide. */
  clash(key, current) {
    const mine = this.book.marks.get(key) ?? null;
    const base = this.known.get(key).saved;
    if (!current) {
      this.known.set(key, { saved: null });
      if (!mine) return this.took(key, null, {});
      this.conflicts.set(key, { mine, theirs: null, fields: [] });
    } else {
      const { mark: theirs, id, revision } = this.read(current, key);
      this.known.set(key, { id, revision, saved: theirs });
      const { merged, clashes } = mine ? merge(base, mine, theirs) : { merged: null, clashes: ['kind'] };
      if (clashes.length > 0) this.conflicts.set(key, { mine, theirs, merged, fields: mine ? clashes : [] });
      else {
        this.book.receive([{ key, before: mine, after: merged }]);
        if (isSame(merged, theirs)) this.dirty.delete(key);
      }
    }
    this.dispatchEvent(new Event('conflict'));
    return !this.conflicts.has(key);
  }

  look() {
    return document.visibilityState === 'visible' && !this.saving ? takeNews(this) : null;
  }

  /** What a person decided: `mark` stands, over whatever the other wrote. */
  settle(key, mark) {
    const { theirs } = this.conflicts.get(key);
    this.conflicts.delete(key);
    this.book.apply([{ key, before: this.book.marks.get(key) ?? null, after: mark }]);
    if (isSame(mark, theirs)) this.note([key]);
    this.dispatchEvent(new Event('conflict'));
  }

  read(item, key) {
    const found = fromWeb(item, key);
    Object.assign(this.labels, found.labels);
    this.authors[key] = found.author;
    return found;
  }
}
