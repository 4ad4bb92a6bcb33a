// What the timeline shows: a row for each layer, a button for each mark, a ruler, and the playhead, which is the one thing
// that moves while the picture runs (by a transform: nothing is laid out anew).
import { drawRuler } from './timeline-ruler.js';

const EDGE = 0.08;
const MOST_PX = 400_000;

export class Track {
  /** @param root the element with [data-part] parts  @param rows [{id, kinds}] @param describe (mark) => {text, spoken, problem} */
  constructor(root, { rows, duration, describe, captions, scenes }) {
    Object.assign(this, { root, rows, duration, describe, captions, scenes, buttons: new Map(), zoom: 1, at: 0, selected: null, range: {} });
    const part = (name) => root.querySelector(`[data-part="${name}"]`);
    [this.scroll, this.wide, this.canvas, this.head, this.pending] = ['scroll', 'wide', 'ruler', 'playhead', 'range'].map(part);
    this.rowOf = Object.fromEntries(rows.flatMap(({ id, kinds }) => kinds.map((kind) => [kind, root.querySelector(`[data-row="${id}"]`)])));
    this.scroll.addEventListener('scroll', () => this.draw(), { passive: true });
    new ResizeObserver(() => this.measure()).observe(this.scroll);
    new MutationObserver(() => this.draw()).observe(document.documentElement, { attributeFilter: ['data-theme'] });
    this.measure();
  }

  measure() {
    this.viewPx = this.scroll.clientWidth;
    this.widePx = Math.max(1, this.viewPx * this.zoom);
    this.place(this.at);
    this.showRange(this.range);
    this.draw();
  }

  /** Makes a second longer or shorter on the screen; what stands at the playhead stays where it is. */
  setZoom(zoom) {
    const before = this.at / this.duration * this.widePx - this.scroll.scrollLeft;
    this.zoom = Math.min(Math.max(1, zoom), Math.max(1, MOST_PX / Math.max(1, this.viewPx)));
    this.wide.style.width = `${this.zoom * 100}%`;
    this.measure();
    this.scroll.scrollLeft = this.at / this.duration * this.widePx - before;
  }

  timeAt(clientX) {
    const left = this.wide.getBoundingClientRect().left;
    return Math.min(this.duration, Math.max(0, (clientX - left) / this.widePx * this.duration));
  }

  get secondsPerPixel() {
    return this.duration / this.widePx;
  }

  place(seconds) {
    this.at = seconds;
    this.head.style.transform = `translateX(${(seconds / this.duration * this.widePx).toFixed(2)}px)`;
  }

  /** Brings that time into view, a page further, when it has run out of it. */
  follow(seconds) {
    const x = seconds / this.duration * this.widePx;
    const left = this.scroll.scrollLeft;
    if (x >= left && x <= left + this.viewPx) return;
    this.scroll.scrollLeft = x - this.viewPx * EDGE;
  }

  showRange(range) {
    this.range = range;
    const start = range.start ?? range.end;
    this.pending.hidden = start === null || start === undefined;
    if (this.pending.hidden) return;
    const end = range.end ?? start;
    Object.assign(this.pending.style, { left: `${start / this.duration * 100}%`, width: `${Math.max(0, end - start) / this.duration * 100}%` });
  }

  /** Draws marks anew: those of `keys`; gone ones are taken away. */
  update(marks, keys) {
    const touched = new Set();
    for (const key of keys) {
      const mark = marks.get(key);
      let button = this.buttons.get(key);
      if (!mark) {
        button?.remove();
        this.buttons.delete(key);
        continue;
      }
      const row = this.rowOf[mark.kind];
      if (!button) {
        button = document.createElement('button');
        button.type = 'button';
        button.dataset.key = key;
        button.append(document.createElement('span'));
        this.buttons.set(key, button);
      }
      this.dress(button, mark);
      if (button.parentNode !== row || Number(button.dataset.start) !== mark.start) touched.add(row);
      button.dataset.start = String(mark.start);
      if (button.parentNode !== row) row.append(button);
    }
    touched.forEach((row) => this.sort(row));
  }

  dress(button, mark) {
    const { text, spoken, problem } = this.describe(mark);
    button.className = `mark mark--${mark.kind}${mark.end === null ? ' mark--point' : ''}${problem ? ' mark--problem' : ''}`;
    button.style.left = `${mark.start / this.duration * 100}%`;
    button.style.width = mark.end === null ? '' : `${(mark.end - mark.start) / this.duration * 100}%`;
    button.firstChild.textContent = text;
    button.setAttribute('aria-label', spoken);
    button.title = spoken;
    if (mark.key === this.selected) button.setAttribute('aria-current', 'true');
    else button.removeAttribute('aria-current');
  }

  /** Keeps the order of the tab key that of time, and the focus where it is. */
  sort(row) {
    const focused = document.activeElement;
    const wanted = [...row.children].sort((one, other) => Number(one.dataset.start) - Number(other.dataset.start));
    if (wanted.every((button, index) => row.children[index] === button)) return;
    row.append(...wanted);
    if (row.contains(focused)) focused.focus({ preventScroll: true });
  }

  select(key) {
    this.buttons.get(this.selected)?.removeAttribute('aria-current');
    this.selected = key;
    this.buttons.get(key)?.setAttribute('aria-current', 'true');
  }

  showScenes(scenes) {
    this.scenes = scenes;
    this.draw();
  }

  draw() {
    if (this.planned) return;
    this.planned = requestAnimationFrame(() => {
      this.planned = null;
      drawRuler(this.canvas, this);
    });
  }
}
