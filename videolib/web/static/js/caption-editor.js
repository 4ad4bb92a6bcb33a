// <vl-caption-editor>: captions timed beside the player by keys or buttons, undone, and saved by themselves.
import * as deeds from './caption-deeds.js';
import { listenForKeys } from './caption-keys.js';
import { CaptionList } from './caption-list.js';
import { CaptionSaver, unpack } from './caption-saver.js';
import { showState } from './caption-state.js';
import { whenReady } from './player-ready.js';
import { parseClock } from './timeline-form.js';
import { Frames } from './timeline-frames.js';

const SAME_DEED_MS = 2000;

class CaptionEditor extends HTMLElement {
  connectedCallback() {
    if (this.list) return;
    const given = JSON.parse(this.querySelector('script[type="application/json"]').textContent);
    Object.assign(this, { cues: unpack(given.cues), chosen: given.cues.length > 0 ? 0 : -1, past: [], future: [] });
    this.list = new CaptionList(this.querySelector('.cues'), this.querySelector('template[data-part="row"]'), given.words);
    this.saver = new CaptionSaver(this, given);
    this.saver.addEventListener('state', () => showState(this, this.saver, given.words));
    this.list.show(this.cues, this.chosen);
    this.addEventListener('focusin', ({ target }) => this.choose(this.indexOf(target)));
    this.addEventListener('input', ({ target, isComposing }) => { if (!isComposing) this.typed(target); });
    this.addEventListener('compositionend', ({ target }) => this.typed(target));
    this.addEventListener('change', ({ target }) => this.timed(target));
    whenReady((host) => this.begin(host));
  }

  begin(host) {
    Object.assign(this, { host, player: host.player, frames: new Frames(host) });
    const names = {
      start: () => this.setEdge('start'), end: () => this.setEdge('end'), play: () => (this.player.state.paused ? this.player.play().catch(() => {}) : this.player.pause()), replay: () => this.replay(),
      add: () => this.apply(deeds.add(this.cues, this.time, host.playback.duration_s), { focus: true }),
      join: () => this.apply(deeds.join(this.cues, this.chosen), { focus: true }), split: () => this.split(),
      delete: () => this.apply(deeds.remove(this.cues, this.chosen), { focus: true }), undo: () => this.turn(this.past, this.future),
      redo: () => this.turn(this.future, this.past), previous: () => this.list.focus(this.chosen - 1), next: () => this.list.focus(this.chosen + 1),
      back: ({ shiftKey }) => this.step(shiftKey ? -25 : -1), on: ({ shiftKey }) => this.step(shiftKey ? 25 : 1),
      shiftAll: () => this.shift(0), shiftRest: () => this.shift(Math.max(0, this.chosen)),
    };
    listenForKeys(this, names);
    this.addEventListener('mousedown', (event) => { if (event.target.closest('[data-deed]')) event.preventDefault(); }); // the caption keeps the focus
    this.addEventListener('click', (event) => names[event.target.closest('[data-deed]')?.dataset.deed]?.(event));
    this.querySelector('.cues').addEventListener('dblclick', ({ target }) => { if (target.dataset.field !== 'text') this.frames.show(this.cues[this.indexOf(target)].start); });
    for (const name of ['time-update', 'seeked', 'can-play']) this.player.addEventListener(name, () => this.follow());
    this.follow();
    this.dataset.ready = '';
  }

  get time() {
    return this.player.state.paused ? this.frames.startOf(this.frames.time) : this.frames.time;
  }

  indexOf(target) {
    return [...this.list.rows].indexOf(target.closest('.cue'));
  }

  choose(index) {
    if (index < 0) return;
    this.chosen = index;
    this.list.choose(index);
  }

  /** Every change goes through here; those with one `tag` that follow closely are undone together. */
  apply({ cues, index }, { focus = false, tag = null, caret = null } = {}) {
    if (cues !== this.cues) {
      const isMore = tag && this.tag === tag && Date.now() - this.tagAt < SAME_DEED_MS;
      if (!isMore) this.past.push({ cues: this.cues, chosen: this.chosen });
      Object.assign(this, { future: [], tag, tagAt: Date.now() });
      this.put(cues, index);
    }
    if (focus) this.list.focus(index, { caret });
  }

  put(cues, index) {
    Object.assign(this, { cues, chosen: Math.max(index, cues.length > 0 ? 0 : -1) });
    this.list.show(cues, this.chosen);
    this.saver.note();
    this.follow();
  }

  /** A merged list of the saver's comes in; nobody here did it. */
  take(cues) {
    Object.assign(this, { cues, chosen: Math.min(this.chosen, cues.length - 1), past: [], future: [] });
    this.list.show(cues, this.chosen);
  }

  turn(from, to) {
    const before = from.pop();
    if (!before) return;
    to.push({ cues: this.cues, chosen: this.chosen });
    this.tag = null;
    this.put(before.cues, before.chosen);
    this.list.focus(this.chosen);
  }

  typed(field) {
    const index = this.indexOf(field);
    if (field.dataset.field !== 'text' || index < 0) return;
    const cues = [...this.cues];
    cues[index] = { ...cues[index], text: field.value };
    this.apply({ cues, index }, { tag: `text:${index}` });
  }

  timed(field) {
    const { field: edge } = field.dataset;
    const index = this.indexOf(field);
    if (index < 0 || !['start', 'end'].includes(edge)) return;
    const seconds = parseClock(field.value);
    field.toggleAttribute('aria-invalid', Number.isNaN(seconds));
    if (!Number.isNaN(seconds)) this.apply(deeds.setEdge(this.cues, index, edge, seconds));
  }

  split() {
    const text = this.list.rows[this.chosen]?.querySelector('textarea');
    const caret = text && text === document.activeElement ? text.selectionStart : 0;
    if (text) this.apply(deeds.split(this.cues, this.chosen, caret, this.time), { focus: true, caret: 0 });
  }

  shift(from) {
    const by = Number(this.querySelector('[data-part="shift"]').value);
    if (by) this.apply(deeds.shift(this.cues, from, by));
  }

  replay() {
    if (this.chosen >= 0) this.host.seek(this.cues[this.chosen].start);
  }

  step(count) {
    this.player.pause();
    this.frames.show(this.frames.after(this.time, count));
  }

  follow() {
    const at = this.player ? this.frames.time + 1e-3 : -1;
    const index = this.cues.findIndex((cue) => cue.start <= at && at < cue.end);
    this.list.mark(index);
    const now = document.querySelector('[data-part="now"]');
    const text = this.cues[index]?.text ?? '';
    if (now && now.textContent !== text) now.textContent = text;
  }

  setEdge(edge) {
    if (this.chosen < 0) return this.apply(deeds.add(this.cues, this.time, this.host.playback.duration_s), { focus: true });
    this.apply(deeds.setEdge(this.cues, this.chosen, edge, this.time));
  }
}

customElements.define('vl-caption-editor', CaptionEditor);
