// <vl-area-field>: four fields for an area of the picture, which is drawn on the picture as it stands in the player.
import { draw, pictureOf, placeOf } from './picture-mark.js';

class AreaField extends HTMLElement {
  connectedCallback() {
    this.words = JSON.parse(this.dataset.words);
    this.inputs = Object.fromEntries(['x', 'y', 'w', 'h'].map((name) => [name, this.querySelector(`input[name="area.${name}"]`)]));
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'button button--small';
    button.textContent = this.words.draw;
    button.addEventListener('click', () => this.open());
    this.prepend(button);
    for (const input of Object.values(this.inputs)) input.addEventListener('input', () => this.show());
  }

  get values() {
    return Object.fromEntries(Object.entries(this.inputs).map(([name, input]) => [name, Number(input.value)]));
  }

  open() {
    const host = document.querySelector('vl-player');
    host.player.pause();
    this.querySelector('.picture')?.remove();
    const { box, drawing } = pictureOf(host);
    this.drawing = drawing;
    Object.assign(box, { tabIndex: 0, title: this.words.hint });
    box.setAttribute('role', 'application');
    box.setAttribute('aria-label', `${this.words.box}. ${this.words.hint}`);
    this.querySelector('.area__fields').before(box);
    box.addEventListener('pointerdown', (event) => {
      event.preventDefault();
      box.focus();
      box.setPointerCapture(event.pointerId);
      const from = placeOf(event, box);
      const move = (moved) => this.span(from, placeOf(moved, box));
      box.addEventListener('pointermove', move);
      box.addEventListener('pointerup', () => box.removeEventListener('pointermove', move), { once: true });
    });
    box.addEventListener('keydown', (event) => this.press(event));
    if (!this.inputs.w.value) this.set({ x: 40, y: 40, w: 20, h: 20 });
    this.show();
    box.focus();
  }

  press(event) {
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!by) return;
    event.preventDefault();
    const { x, y, w, h } = this.values;
    if (event.shiftKey) this.set({ x, y, w: w + by[0], h: h + by[1] });
    else this.set({ x: x + by[0], y: y + by[1], w, h });
  }

  span([x1, y1], [x2, y2]) {
    this.set({ x: Math.min(x1, x2), y: Math.min(y1, y2), w: Math.abs(x2 - x1), h: Math.abs(y2 - y1) });
  }

  /** Kept inside the picture. */
  set({ x, y, w, h }) {
    const round = (value) => Math.round(value * 10) / 10;
    const [width, height] = [Math.min(100, Math.max(1, w)), Math.min(100, Math.max(1, h))];
    const kept = { x: Math.min(100 - width, Math.max(0, x)), y: Math.min(100 - height, Math.max(0, y)), w: width, h: height };
    for (const [name, value] of Object.entries(kept)) this.inputs[name].value = round(value);
    this.show();
  }

  show() {
    if (!this.drawing) return;
    const { x, y, w, h } = this.values;
    draw(this.drawing, 'rect', 'picture__area', { x, y, width: w, height: h });
  }
}

customElements.define('vl-area-field', AreaField);
