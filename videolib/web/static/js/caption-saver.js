// Autosave of a caption track: the whole list with the digest of the one that was read. Where somebody else was first, both
// lists are put together; only captions that both wrote over each other are asked about.
import { mergeLists } from './caption-deeds.js';
import { refusalOf, request } from './timeline-wire.js';

const [WAIT_MS, RETRY_MS] = [1000, 4000];

const pack = (cues) => cues.filter(({ text }) => text.trim()).map(({ start, end, text }) => [start, end, text.trim()]);
export const unpack = (list) => list.map(([start, end, text]) => ({ start, end, text }));

export class CaptionSaver extends EventTarget {
  /** @param host {cues, take(cues)}: what is being edited, and how a merged list comes in */
  constructor(host, { url, digest, cues }) {
    super();
    Object.assign(this, { host, url, digest, base: unpack(cues), clashes: [], state: 'saved', problem: '' });
    window.addEventListener('beforeunload', (event) => { if (this.state !== 'saved') event.preventDefault(); });
    window.addEventListener('online', () => this.save());
    window.addEventListener('focus', () => { if (this.state === 'signedOut') this.save(); });
  }

  note() {
    if (this.clashes.length > 0) return;
    this.show('unsaved');
    this.saveIn(WAIT_MS);
  }

  saveIn(wait) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), wait);
  }

  show(state) {
    this.state = state;
    this.dispatchEvent(new CustomEvent('state', { detail: state }));
  }

  async save() {
    clearTimeout(this.timer);
    if (this.saving || this.clashes.length > 0 || this.state === 'saved') return;
    this.saving = true;
    const { cues } = this.host;
    this.show('saving');
    try {
      const response = await request('PUT', this.url, { cues: pack(cues), confirmed: this.host.querySelector('[data-part="confirmed"]')?.checked === true }, this.digest);
      const answer = await response.json().catch(() => ({}));
      if (response.ok) {
        Object.assign(this, { digest: answer.digest, base: unpack(answer.cues) });
        this.show(this.host.cues === cues ? 'saved' : 'unsaved');
      } else if (response.status === 412) this.clash(answer.current);
      else if (response.status === 422) {
        this.problem = answer.detail ?? '';
        this.show('refused');
      } else throw refusalOf(response, answer);
    } catch (error) {
      this.show(error.state ?? 'offline');
      this.saveIn(RETRY_MS);
    } finally {
      this.saving = false;
    }
    if (this.state === 'unsaved') this.saveIn(0);
  }

  clash({ digest, cues }) {
    const theirs = unpack(cues);
    const { cues: merged, clashes } = mergeLists(this.base, this.host.cues, theirs);
    Object.assign(this, { digest, base: theirs, clashes });
    this.host.take(merged);
    this.show(clashes.length > 0 ? 'conflict' : 'unsaved');
  }

  /** One of a pair stands, the other goes. */
  settle(pair, loser) {
    this.clashes = this.clashes.filter((one) => one !== pair);
    this.host.take(this.host.cues.filter((cue) => cue !== loser));
    if (this.clashes.length > 0) return this.show('conflict');
    this.show('unsaved');
    this.saveIn(0);
  }
}
