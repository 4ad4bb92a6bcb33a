// <vl-timeline>: the annotation desk beside the player: rows of marks, their panel, undo, and saving by itself.
import { whenReady } from './player-ready.js';
import { Adder } from './timeline-adding.js';
import { Book } from './timeline-book.js';
import { Comments } from './timeline-comments.js';
import { Conflicts } from './timeline-conflict.js';
import { Drag } from './timeline-drag.js';
import { Drawing } from './timeline-drawing.js';
import { MarkForm } from './timeline-form.js';
import { Frames } from './timeline-frames.js';
import { Keys } from './timeline-keys.js';
import { Playhead } from './timeline-playhead.js';
import { move, removal } from './timeline-rules.js';
import { Saver } from './timeline-saver.js';
import { findScenes } from './timeline-scenes.js';
import { Track } from './timeline-track.js';
import { Words } from './timeline-words.js';

class Timeline extends HTMLElement {
  connectedCallback() {
    if (this.book) return;
    const given = JSON.parse(this.querySelector('script[type="application/json"]').textContent);
    Object.assign(this, { words: given.words, duration: given.duration_s, selected: null });
    this.book = new Book();
    this.saver = new Saver(this.book, { url: given.url, layer: given.layer, tool: given.tool });
    this.texts = new Words(this);
    this.track = new Track(this, { ...given, duration: this.duration, describe: (mark) => this.texts.describe(mark) });
    this.ruler = this.part('slider');
    this.form = new MarkForm(this, document.querySelector('[data-part="form"]'));
    this.conflicts = new Conflicts(this, document.querySelector('[data-part="conflicts"]'));
    this.book.addEventListener('changed', ({ detail }) => this.changed(detail.keys));
    this.saver.addEventListener('state', ({ detail }) => this.showState(detail));
    this.addEventListener('focusin', ({ target }) => { if (target.dataset.key) this.select(target.dataset.key); });
    whenReady((host) => this.begin(host));
  }

  part = (name) => this.querySelector(`[data-part="${name}"]`);

  async begin(host) {
    this.host = host;
    this.player = host.player;
    this.frames = new Frames(host);
    this.playhead = new Playhead(this);
    this.drag = new Drag(this);
    this.keys = new Keys(this);
    this.adder = new Adder(this, document.querySelector('[data-part="adding"]'));
    this.drawing = new Drawing(this, document.querySelector('[data-part="drawing"]'));
    this.bindButtons();
    this.part('snap').addEventListener('change', ({ target }) => { this.drag.snaps = target.checked; });
    this.comments = new Comments(this, document.querySelector('[data-part="comments"]'));
    findScenes(host.playback.storyboard_url).then((scenes) => this.track.showScenes(scenes));
    await this.saver.look();
    this.adder.tick();
    this.playhead.show();
    this.dataset.ready = '';
  }

  bindButtons() {
    const deeds = {
      undo: () => this.book.undo(), redo: () => this.book.redo(), closer: () => this.zoom(1.6), wider: () => this.zoom(1 / 1.6),
      in: () => this.setEdge('start'), out: () => this.setEdge('end'), clear: () => this.adder.clear(), back: () => this.playhead.step(-1), on: () => this.playhead.step(1),
    };
    document.addEventListener('click', ({ target }) => deeds[target.closest('[data-deed]')?.dataset.deed]?.());
  }

  zoom(by) {
    this.track.setZoom(this.track.zoom * by);
  }

  /** [ and ]: an edge of the selected mark, else of the next one to be added. */
  setEdge(edge) {
    const at = this.playhead.place;
    const mark = this.book.marks.get(this.selected);
    if (!mark) return this.adder.set(edge, at);
    const wanted = { start: mark.start, end: mark.end, [edge]: at };
    this.book.apply(move(this.book.list(), mark, wanted, this.duration), { tag: `${edge}:${mark.key}` });
  }

  select(key, { focus = false } = {}) {
    if (key !== this.selected) {
      this.selected = key;
      this.track.select(key);
      this.form.open(key);
      document.querySelector('[data-part="adding"]').hidden = Boolean(this.book.marks.get(key));
      document.dispatchEvent(new CustomEvent('vl-mark', { detail: { desk: this, mark: this.book.marks.get(key) ?? null } }));
    }
    if (focus) this.track.buttons.get(key)?.focus();
  }

  remove(mark) {
    const row = [...(this.track.buttons.get(mark.key)?.parentNode.children ?? [])];
    const at = row.findIndex((button) => button.dataset.key === mark.key);
    this.book.apply(removal(this.book.list(), mark));
    const next = (row[at + 1] ?? row[at - 1])?.dataset.key;
    if (this.book.marks.has(next)) this.select(next, { focus: true });
    else this.ruler.focus();
    this.say('deleted');
  }

  changed(keys) {
    this.track.update(this.book.marks, keys);
    if (this.selected && !this.book.marks.has(this.selected)) this.select(null);
    else if (keys.includes(this.selected)) this.form.fill();
    for (const [name, list] of [['undo', this.book.past], ['redo', this.book.future]]) this.part(name).disabled = list.length === 0;
  }

  showState(state) {
    this.texts.showState(state);
    this.track.update(this.book.marks, [...this.saver.refusals.keys()]);
    if (this.selected) this.form.fill();
  }

  say(name, more = '') {
    this.part('said').textContent = `${this.words.says[name]}${more ? ` ${more}` : ''}`;
  }
}

customElements.define('vl-timeline', Timeline);
