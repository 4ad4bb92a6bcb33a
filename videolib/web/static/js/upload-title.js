// <vl-upload-title>: the title of a recording, kept in its draft while the bytes travel; the rest is in the studio's form.
import { API, ask } from './upload-service.js';

const WAIT_MS = 800;
const RETRY_MS = 5000;

class UploadTitle extends HTMLElement {
  connectedCallback() {
    if (this.bound) return;
    this.bound = true;
    this.state = this.querySelector('[data-part="save-state"]');
    this.more = this.querySelector('[data-part="more"]');
    this.addEventListener('input', () => {
      this.show('unsaved');
      this.plan(WAIT_MS);
    });
    this.more.addEventListener('click', (event) => this.open(event));
  }

  /** The upload's row on the service, as soon as there is one. */
  set upload(upload) {
    this.uploadId = upload.id;
    if (upload.edit_url) this.more.href = upload.edit_url;
    if (upload.entry_id && !this.entryId) this.load(upload.entry_id);
    this.hidden = false;
    if (this.state.dataset.state === 'unsaved') this.plan(WAIT_MS);
  }

  /** The bytes were here before: their entry is somebody's already, and keeps its title. */
  giveUp() {
    this.hidden = true;
    this.isGivenUp = true;
    window.clearTimeout(this.timer);
    this.show('');
  }

  get isUnsaved() {
    return ['unsaved', 'saving', 'failed'].includes(this.state.dataset.state);
  }

  async load(entryId) {
    this.entryId = entryId;
    const entry = await ask(`/api/v1/entries/${entryId}`).catch(() => null);
    for (const input of this.querySelectorAll('input')) input.value ||= entry?.title?.[input.name] ?? '';
  }

  plan(wait) {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.save(), wait);
  }

  async draft() {
    if (!this.entryId) {
      const begun = await ask(`${API}/${this.uploadId}/entry`, { method: 'POST' });
      this.entryId = begun.entry_id;
      this.more.href = begun.edit_url;
    }
    return `/api/v1/entries/${this.entryId}`;
  }

  async save() {
    if (this.isGivenUp) return undefined;
    if (!this.uploadId || this.saving) return this.uploadId && this.plan(WAIT_MS);
    this.saving = true;
    this.show('saving');
    try {
      const path = await this.draft();
      const entry = await ask(path);
      const typed = Object.fromEntries([...this.querySelectorAll('input')].map((input) => [input.name, input.value.trim()]));
      const title = Object.fromEntries(Object.entries({ ...entry.title, ...typed }).filter(([, text]) => text));
      await ask(path, { method: 'PATCH', body: { title }, headers: { 'If-Match': entry.etag } });
      if (this.state.dataset.state === 'saving') this.show('saved');
    } catch (error) {
      this.show(error.code === 'wrong_state' ? 'unsaved' : 'failed'); // the former: a folder is being taken in, then it has its entry
      this.plan(RETRY_MS); // somebody else was first, or nobody answers: with what is there then
    } finally {
      this.saving = false;
    }
    return undefined;
  }

  /** The whole form, in a window of its own: this page goes on sending. */
  async open(event) {
    if (this.more.getAttribute('href') !== '#') return;
    event.preventDefault();
    const opened = window.open('', '_blank');
    await this.draft().catch(() => null);
    if (this.entryId) opened.location = this.more.href;
    else opened.close();
  }

  show(state) {
    this.state.dataset.state = state;
    this.state.textContent = this.dataset[state] ?? '';
  }
}

customElements.define('vl-upload-title', UploadTitle);
