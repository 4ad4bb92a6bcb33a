// <vl-upload>: one upload as its person sees it: how far, how fast, what went wrong, what becomes of it.
import { API, ask } from './upload-service.js';
import { Sending } from './upload-sending.js';
import { bytes, date, fill, percent, speed, time } from './upload-words.js';

const FOLLOW_MS = 1500;
const MOVING = new Set(['waiting', 'sending', 'offline', 'signed-out']);
const WORDS = new Set(['looking', 'waiting', 'sending', 'paused', 'offline', 'signed-out', 'unreadable', 'different', 'sent']);

class UploadRow extends HTMLElement {
  connectedCallback() {
    if (this.parts) return;
    this.parts = Object.fromEntries([...this.querySelectorAll('[data-part]')].map((part) => [part.dataset.part, part]));
    const { pause, resume, anyway, remove, again } = this.parts;
    pause.addEventListener('click', () => this.sending.pause());
    resume.addEventListener('click', () => this.sending.start());
    anyway.addEventListener('click', () => this.emit('vl-anyway'));
    remove.addEventListener('click', () => this.giveUp());
    for (const input of again.querySelectorAll('input')) {
      input.addEventListener('change', () => {
        if (input.files.length) this.emit('vl-again', { files: input.files });
        input.value = '';
      });
    }
  }

  get isMoving() {
    return MOVING.has(this.dataset.state);
  }

  get isUnsaved() {
    return this.parts.title.isUnsaved;
  }

  emit(name, detail = {}) {
    this.dispatchEvent(new CustomEvent(name, { detail: { ...detail, row: this }, bubbles: true }));
  }

  /** A file of this computer. */
  showPicked(picked) {
    this.picked = picked;
    this.describe(picked.label, picked.blob.size, picked.count);
  }

  /** What the service says of it. */
  showUpload(upload) {
    this.upload = upload;
    if (!this.picked) this.describe(upload.name, upload.length, 1);
    const isOpen = upload.state === 'receiving' || upload.state === 'received';
    if (isOpen || (upload.entry_id && !upload.is_duplicate)) this.parts.title.upload = upload;
    if (upload.state === 'receiving' && !this.picked) {
      this.parts.bar.value = upload.offset / upload.length;
      this.show('unfinished', { percent: percent(upload.offset / upload.length), date: date(upload.expires_at) });
    } else if (upload.state !== 'receiving') {
      this.settle(upload);
    }
  }

  describe(name, size, count) {
    this.parts.name.textContent = name;
    this.parts.size.textContent = count > 1 ? `${bytes(size)} · ${fill(this.word('files'), { count })}` : bytes(size);
    for (const part of [this.parts.pause, this.parts.resume, this.parts.remove]) part.setAttribute('aria-label', `${part.textContent.trim()}: ${name}`);
  }

  word(name) {
    return this.closest('vl-uploads').dataset[name.replace(/-(.)/g, (_all, letter) => letter.toUpperCase())] ?? '';
  }

  show(state, values = {}, sentence = this.word(state)) {
    this.dataset.state = state;
    const text = fill(sentence, values);
    if (this.parts.words.textContent !== text) this.parts.words.textContent = text;
    if (!MOVING.has(state)) this.parts.numbers.textContent = '';
    this.emit('vl-changed');
  }

  send(resume) {
    this.sending = new Sending(this.picked, { resume, tell: (state, facts) => this.told(state, facts) });
    this.show('waiting');
  }

  told(state, facts) {
    if (state === 'begun') {
      if (!this.upload) ask(`${API}/${facts.id}`).then((upload) => { this.upload = upload; this.parts.title.upload = upload; }, () => {});
      return;
    }
    if (state === 'refused') this.show('refused', {}, facts.message);
    else if (WORDS.has(state) && this.dataset.state !== state) this.show(state);
    if (facts.sent) this.progress(facts);
    if (state === 'sent') {
      this.parts.bar.value = 1;
      this.follow(facts.id);
    }
  }

  progress({ sent, speed: perSecond, left_s: left }) {
    const size = this.picked.blob.size;
    this.parts.bar.value = sent / size;
    const words = [percent(sent / size), `${bytes(sent)} / ${bytes(size)}`];
    if (perSecond) words.push(speed(perSecond), fill(this.word('left'), { time: time(left) }));
    this.parts.numbers.textContent = words.join(' · ');
  }

  /** All bytes are there: what the service makes of them. */
  follow(id) {
    ask(`${API}/${id}`).then((upload) => this.settle(upload), () => this.later(id));
  }

  later(id) {
    window.setTimeout(() => this.follow(id), FOLLOW_MS);
  }

  settle(upload) {
    this.upload = upload;
    if (upload.state === 'receiving' || upload.state === 'received') {
      this.show('sent');
      this.later(upload.id);
    } else if (upload.state === 'refused') {
      this.show('refused', {}, upload.reason?.message);
    } else {
      this.show(upload.is_duplicate ? 'duplicate' : 'done', {}, upload.reason?.message || this.word(upload.is_duplicate ? 'duplicate' : 'done'));
      this.showRecording(upload);
    }
  }

  showRecording(upload) {
    const { work, entry, title } = this.parts;
    if (upload.is_duplicate) title.giveUp();
    else title.upload = upload;
    if (upload.entry_id) Object.assign(entry, { href: `/entries/${upload.entry_id}`, hidden: false });
    if (!upload.recording_id || upload.is_duplicate || work.childElementCount) return;
    const status = document.getElementById('recording-work').content.firstElementChild.cloneNode(true);
    Object.assign(status.dataset, { url: `/api/v1/recordings/${upload.recording_id}`, state: 'queued' });
    work.append(status);
  }

  async giveUp() {
    this.sending?.pause();
    const id = this.upload?.id ?? this.sending?.id;
    const isGone = id ? await ask(`${API}/${id}`, { method: 'DELETE' }).then(() => true, (error) => [404, 410].includes(error.status)) : true;
    if (!isGone) return this.show('offline');
    const { parentElement: item } = this;
    this.emit('vl-removed');
    item.remove();
    return undefined;
  }
}

customElements.define('vl-upload', UploadRow);
