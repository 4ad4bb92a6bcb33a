// <vl-overlays>: draws the marks of an entry over the picture while they are on, in full screen too; a button hides them.
// What they say stands in the list of events as text: the drawing itself is for the eye.
import { whenReady } from './player-ready.js';

const HIDDEN = 'videolib-overlays-off';
const SVG = 'http://www.w3.org/2000/svg';
const EARLY_S = 0.02;

/** The head of an arrow: two short strokes at its end. */
function headOf(line) {
  const [x1, y1, x2, y2] = ['x1', 'y1', 'x2', 'y2'].map((name) => Number(line.getAttribute(name)));
  const [turn, length] = [Math.atan2(y2 - y1, x2 - x1), Math.min(40, Math.hypot(x2 - x1, y2 - y1) / 3)];
  const stroke = (by) => `${x2 - length * Math.cos(turn + by)} ${y2 - length * Math.sin(turn + by)}`;
  const head = document.createElementNS(SVG, 'polyline');
  head.setAttribute('points', `${stroke(0.5)} ${x2} ${y2} ${stroke(-0.5)}`);
  return head;
}

/** One mark as an <svg> that lies over the whole picture. */
export function draw(mark, width, height) {
  const box = document.createElementNS(SVG, 'svg');
  const view = mark.svg ? new DOMParser().parseFromString(mark.svg, 'image/svg+xml').documentElement : null;
  const sizes = { x: 0, y: 0, width, height, preserveAspectRatio: 'none', viewBox: view?.getAttribute('viewBox') ?? `0 0 ${width} ${height}` };
  for (const [name, value] of Object.entries(sizes)) box.setAttribute(name, value);
  if (view) box.append(...[...view.childNodes].map((node) => document.importNode(node, true)));
  else if (mark.box) {
    const rect = document.createElementNS(SVG, 'rect');
    const [x, y, w, h] = mark.box;
    for (const [name, value] of Object.entries({ x: (x * width) / 100, y: (y * height) / 100, width: (w * width) / 100, height: (h * height) / 100 })) rect.setAttribute(name, value);
    box.append(rect);
  }
  for (const line of box.querySelectorAll('line.arrow')) line.after(headOf(line));
  for (const shape of box.querySelectorAll('*')) shape.setAttribute('vector-effect', 'non-scaling-stroke');
  return box;
}

class Overlays extends HTMLElement {
  connectedCallback() {
    this.marks = JSON.parse(this.querySelector('script').textContent);
    const button = this.querySelector('button');
    const show = (on) => {
      button.setAttribute('aria-pressed', String(on));
      this.layer?.toggleAttribute('hidden', !on);
    };
    button.addEventListener('click', () => {
      const on = button.getAttribute('aria-pressed') !== 'true';
      if (on) localStorage.removeItem(HIDDEN);
      else localStorage.setItem(HIDDEN, '1');
      show(on);
    });
    whenReady((host) => {
      const [width, height] = [Number(this.dataset.width) || 1920, Number(this.dataset.height) || 1080];
      this.layer = document.createElementNS(SVG, 'svg');
      this.layer.setAttribute('viewBox', `0 0 ${width} ${height}`);
      this.layer.setAttribute('class', 'overlays');
      this.layer.setAttribute('aria-hidden', 'true');
      for (const mark of this.marks) mark.drawn = draw(mark, width, height);
      host.player.querySelector('media-provider').append(this.layer);
      show(localStorage.getItem(HIDDEN) !== '1');
      const mark = () => this.mark(host.currentTime);
      for (const name of ['time-update', 'seeked', 'can-play']) host.player.addEventListener(name, mark);
      mark();
    });
  }

  mark(seconds) {
    const on = this.marks.filter((mark) => mark.start_s <= seconds + EARLY_S && seconds + EARLY_S < mark.end_s);
    if (on.length === this.layer.childElementCount && on.every((mark) => mark.drawn.parentNode)) return;
    this.layer.replaceChildren(...on.map((mark) => mark.drawn));
  }
}

customElements.define('vl-overlays', Overlays);
