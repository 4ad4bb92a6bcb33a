// Drawing on the picture: arrow, box, ellipse, polygon, a line by hand, a text; by the mouse, or by keys: the arrows move
// a crosshair, Enter sets a point, Ctrl with Enter ends a polygon, Esc gives up. It belongs to the chosen mark.
import { draw } from './overlays.js';
import { elementOf, POINTS, sizeOf, withElement, withoutLast } from './timeline-shapes.js';

const SVG = 'http://www.w3.org/2000/svg';
const [USUAL_S, STEP, LONG_STEP] = [3, 0.01, 0.05];

export class Drawing {
  constructor(desk, root) {
    Object.assign(this, { desk, root, tool: null, points: [], cross: null });
    this.size = [Number(root.dataset.width) || 1920, Number(root.dataset.height) || 1080];
    this.text = root.querySelector('[data-part="drawing-text"]');
    this.layer = document.createElementNS(SVG, 'svg');
    const looks = { class: 'overlays', 'aria-hidden': 'true', viewBox: `0 0 ${this.size.join(' ')}` };
    for (const [name, value] of Object.entries(looks)) this.layer.setAttribute(name, value);
    this.pad = document.createElement('div');
    Object.assign(this.pad, { className: 'drawing-pad', tabIndex: 0, hidden: true });
    this.pad.setAttribute('role', 'application');
    this.pad.setAttribute('aria-label', root.dataset.pad);
    desk.player.querySelector('media-provider').append(this.layer);
    desk.host.append(this.pad);
    for (const button of root.querySelectorAll('[data-tool]')) button.addEventListener('click', () => this.choose(button.dataset.tool));
    root.querySelector('[data-part="drawing-less"]').addEventListener('click', () => this.takeBack());
    this.pad.addEventListener('pointerdown', (event) => this.press(event));
    this.pad.addEventListener('dblclick', () => this.finish());
    this.pad.addEventListener('keydown', (event) => this.key(event));
    for (const name of ['time-update', 'seeked', 'can-play']) desk.player.addEventListener(name, () => this.show());
    desk.book.addEventListener('changed', () => this.show());
    document.addEventListener('vl-mark', () => this.show());
  }

  choose(tool) {
    this.tool = this.tool === tool ? null : tool;
    Object.assign(this, { points: [], cross: this.size.map((side) => side / 2) });
    for (const button of this.root.querySelectorAll('[data-tool]')) button.setAttribute('aria-pressed', String(button.dataset.tool === this.tool));
    this.pad.hidden = !this.tool;
    this.text.hidden = this.tool !== 'text';
    this.show();
    if (!this.tool) return;
    this.desk.player.pause();
    if (this.tool === 'text' && !this.text.value) this.text.focus();
    else this.pad.focus({ preventScroll: true });
  }

  /** What is on at the moment, the chosen mark, and what is being drawn. */
  show() {
    const { book, playhead } = this.desk;
    const at = playhead.place + 1e-3;
    const shown = book.list().filter((mark) => mark.shape && (mark.key === this.desk.selected || (mark.start <= at && at < (mark.end ?? mark.start + USUAL_S))));
    const wanted = shown.map((mark) => `${mark.key}${JSON.stringify(mark.shape)}`).join() + this.tool + JSON.stringify([this.points, this.cross]);
    if (wanted === this.shown) return;
    this.shown = wanted;
    const drawn = elementOf(this.tool ?? 'arrow', this.tool ? [...this.points, this.cross] : [], this.text.value);
    this.layer.replaceChildren(...shown.map((mark) => draw(mark.shape, ...this.size)), ...(drawn ? [drawn] : []), ...(this.tool ? this.crosshair() : []));
  }

  crosshair() {
    const [[x, y], [width, height]] = [this.cross, this.size];
    return [[x, 0, x, height], [0, y, width, y]].map(([x1, y1, x2, y2]) => {
      const line = document.createElementNS(SVG, 'line');
      for (const [name, value] of Object.entries({ x1, y1, x2, y2, class: 'crosshair' })) line.setAttribute(name, value);
      return line;
    });
  }

  place({ clientX, clientY }) {
    const { x, y } = new DOMPoint(clientX, clientY).matrixTransform(this.layer.getScreenCTM().inverse());
    return [[x, this.size[0]], [y, this.size[1]]].map(([value, side]) => Math.min(side, Math.max(0, value)));
  }

  press(event) {
    event.preventDefault();
    this.pad.focus({ preventScroll: true });
    this.cross = this.place(event);
    this.add();
    if (!this.tool || this.tool === 'text') return;
    this.pad.setPointerCapture(event.pointerId);
    const move = (next) => {
      this.cross = this.place(next);
      if (this.tool === 'freehand') this.points.push(this.cross);
      this.show();
    };
    const end = (next) => {
      this.pad.removeEventListener('pointermove', move);
      this.pad.removeEventListener('pointerup', end);
      this.cross = this.place(next);
      if (this.tool === 'polygon') return this.show(); // a click a corner, two end it
      if (this.tool !== 'freehand') this.points.push(this.cross);
      this.finish();
    };
    this.pad.addEventListener('pointermove', move);
    this.pad.addEventListener('pointerup', end);
  }

  key(event) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!way && !['Enter', ' ', 'Escape', 'Backspace'].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    if (way) {
      const far = this.size[0] * (event.shiftKey ? LONG_STEP : STEP);
      this.cross = this.cross.map((value, index) => Math.min(this.size[index], Math.max(0, value + way[index] * far)));
      if (this.tool === 'freehand' && this.points.length > 0) this.points.push(this.cross);
    } else if (event.key === 'Escape') return this.choose(this.tool);
    else if (event.key === 'Backspace') this.points.pop();
    else if (event.ctrlKey || (this.tool === 'freehand' && this.points.length > 0)) return this.finish();
    else return this.add();
    this.show();
  }

  add() {
    this.points.push(this.cross);
    const percent = this.cross.map((value, index) => `${Math.round(100 * value / this.size[index])} %`).join(', ');
    this.desk.say('point', `${this.points.length}: ${percent}`);
    if (this.points.length >= POINTS[this.tool]) this.finish();
    else this.show();
  }

  finish() {
    const mark = this.desk.book.marks.get(this.desk.selected);
    const size = sizeOf(mark?.shape, this.size);
    const points = this.points.map((point) => point.map((value, index) => value * size[index] / this.size[index]));
    const { tool } = this;
    const element = elementOf(tool, points, this.text.value.trim());
    this.points = [];
    if (!element) return this.show();
    const shape = withElement(mark?.shape, element, size);
    if (mark) this.desk.book.apply([{ key: mark.key, before: mark, after: { ...mark, shape } }]);
    else {
      const made = { ...this.desk.adder.blank('mark', null), shape };
      if (made.end === null) made.end = Math.min(made.start + USUAL_S, this.desk.duration);
      this.desk.book.apply([{ key: made.key, before: null, after: made }]);
      this.desk.adder.clear();
      this.desk.select(made.key);
    }
    this.desk.say('drawn');
    this.choose(tool);
    this.desk.track.buttons.get(this.desk.selected)?.focus({ preventScroll: true });
  }

  /** The last part of the chosen mark's drawing goes; a mark without any is none. */
  takeBack() {
    const mark = this.desk.book.marks.get(this.desk.selected);
    if (!mark?.shape) return;
    const shape = withoutLast(mark.shape);
    if (!shape && mark.kind === 'mark') this.desk.remove(mark);
    else this.desk.book.apply([{ key: mark.key, before: mark, after: { ...mark, shape } }]);
  }
}
