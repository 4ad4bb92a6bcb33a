// <vl-uploads>: the upload page. Takes what is dropped or chosen, asks the service about it, sends two at a time, and lists
// what was left unfinished on whatever computer.
import './upload-row.js';
import './upload-title.js';
import { fingerprint, head, outline } from './upload-look.js';
import { chosen, dropped, joined, sorted } from './upload-picking.js';
import { canJoin, mayGo, offerJoin } from './upload-asking.js';
import { API, ask } from './upload-service.js';
import { bytes } from './upload-words.js';

const AT_ONCE = 2;
const ASKED_AT_ONCE = 500;

class Uploads extends HTMLElement {
  connectedCallback() {
    this.zone = this.querySelector('.drop');
    this.list = this.querySelector('.uploads');
    this.offer = this.querySelector('.join-offer');
    for (const input of this.zone.querySelectorAll('input')) {
      input.addEventListener('change', async () => {
        const files = chosen(input.files);
        input.value = '';
        await this.take(files);
      });
    }
    this.takeDrops();
    this.addEventListener('vl-changed', () => this.startNext());
    this.addEventListener('vl-removed', () => this.startNext());
    this.addEventListener('vl-anyway', ({ detail }) => detail.row.send());
    this.addEventListener('vl-again', ({ detail }) => this.again(detail.row, chosen(detail.files)));
    window.addEventListener('beforeunload', (event) => {
      if (this.rows.some((row) => row.isMoving || row.isUnsaved)) event.preventDefault();
    });
    this.load();
  }

  get rows() {
    return [...this.list.querySelectorAll('vl-upload')];
  }

  takeDrops() {
    const isFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes('Files');
    // on the whole page: a file that misses the field must not open in the browser and end what is being sent
    document.addEventListener('dragover', (event) => {
      if (!isFiles(event)) return;
      event.preventDefault();
      this.zone.classList.add('drop--over');
    });
    document.addEventListener('dragleave', (event) => {
      if (!event.relatedTarget) this.zone.classList.remove('drop--over');
    });
    document.addEventListener('drop', async (event) => {
      if (!isFiles(event)) return;
      event.preventDefault();
      this.zone.classList.remove('drop--over');
      await this.take(await dropped(event.dataTransfer));
    });
  }

  async load() {
    const { items } = await ask(API).catch(() => ({ items: [] }));
    for (const upload of items.reverse()) this.add().showUpload(upload);
  }

  add() {
    const item = document.getElementById('upload-row').content.firstElementChild.cloneNode(true);
    this.list.prepend(item);
    this.list.hidden = false;
    return item.querySelector('vl-upload');
  }

  async take(picked) {
    if (!picked.length) return;
    this.dataset.busy = 'yes';
    const found = await sorted(picked);
    for (const one of found) {
      one.row = this.add();
      one.row.showPicked(one);
      one.row.show('looking');
    }
    for (let at = 0; at < found.length; at += ASKED_AT_ONCE) await this.look(found.slice(at, at + ASKED_AT_ONCE));
    delete this.dataset.busy;
  }

  async look(found) {
    for (const one of found) {
      try {
        Object.assign(one, { fingerprint: await fingerprint(one.blob), head: await head(one.blob), outline: one.kind === 'file' ? await outline(one.blob) : null });
      } catch {
        one.row.show('unreadable');
      }
    }
    const asked = found.filter((one) => one.fingerprint);
    const files = asked.map(({ name, blob, kind, fingerprint: print, head: bytes_ }) => ({ name, size: blob.size, kind, fingerprint: print, head: bytes_ }));
    const answer = await ask(`${API}/check`, { method: 'POST', body: { files } }).catch((error) => ({ files: files.map(() => ({})), groups: [], error }));
    const waiting = new Set();
    for (const group of answer.groups.filter((one) => canJoin(one.map((number) => [asked[number], answer.files[number]])))) {
      for (const number of group) waiting.add(number);
      const parts = group.map((number) => asked[number]);
      offerJoin(this, parts, { join: () => this.takeOne(joined(parts)), apart: () => parts.forEach((one) => this.decide(one, {})) });
    }
    asked.forEach((one, number) => {
      if (!waiting.has(number)) this.decide(one, answer.files[number]);
    });
  }

  /** Sends it, or says first why not. */
  decide(one, said) {
    if (said.resume && !said.refusal) this.resume(one.row, said.resume);
    else if (mayGo(one, said)) one.row.send();
  }

  resume(row, id) {
    const other = this.rows.find((one) => one !== row && (one.upload?.id === id || one.sending?.id === id));
    if (other?.isMoving) {
      row.parentElement.remove(); // the same file twice
      return;
    }
    if (other) other.parentElement.remove();
    ask(`${API}/${id}`).then((upload) => row.showUpload(upload), () => {});
    row.send(id);
  }

  /** The same file again, for an upload that was left unfinished. */
  async again(row, files) {
    const [one] = await sorted(files);
    const print = one && (await fingerprint(one.blob).catch(() => ''));
    if (!print || print !== row.upload.fingerprint) {
      row.show('different', { name: row.upload.name, size: bytes(row.upload.length) });
      return;
    }
    row.showPicked({ ...one, fingerprint: print });
    row.send(row.upload.id);
  }

  startNext() {
    const busy = this.rows.filter((row) => ['sending', 'offline', 'signed-out'].includes(row.dataset.state)).length;
    const next = this.rows.reverse().find((row) => row.dataset.state === 'waiting' && row.sending);
    if (next && busy < AT_ONCE) next.sending.start();
  }
}

customElements.define('vl-uploads', Uploads);
