// <vl-mask-field data-stage>: the fields of a mask, drawn over the picture: by the mouse, or by the arrow keys.
// A mask that moves gets a place at several times: a button keeps where it is now, and it goes straight in between.
// What is taken out already is shown where and when it is; its "Change" button brings it back into the fields.
import { LEAST, STEP, clamp, drawnPlace, placeAt, pictureBox } from './mask-places.js';
import { whenReady } from './player-ready.js';

const FIELDS = ['x', 'y', 'width', 'height'];

const make = (name, properties) => Object.assign(document.createElement(name), properties);

class MaskField extends HTMLElement {
  connectedCallback() {
    this.words = JSON.parse(this.dataset.words);
    this.keys = [];
    this.taken = JSON.parse(this.querySelector('script')?.textContent ?? '[]');
    this.layer = make('div', { className: 'desk__layer' });
    this.box = make('button', { type: 'button', className: 'desk__mask' });
    this.box.setAttribute('aria-label', this.words.label);
    this.drawButton = this.addButton(this.words.draw, () => this.setDrawing(!this.isDrawing));
    this.keepButton = this.addButton(this.words.keep, () => this.keep());
    this.said = make('p', { className: 'soft small', role: 'status' });
    this.append(this.said);
    this.layer.addEventListener('pointerdown', (event) => this.drag(event));
    this.box.addEventListener('keydown', (event) => this.press(event));
    this.addEventListener('input', () => this.show());
    this.field('kind').addEventListener('change', () => this.show());
    this.onTime = () => this.show();
    this.onEdit = (event) => this.edit(event);
    document.addEventListener('vl-time', this.onTime);
    document.addEventListener('click', this.onEdit);
    whenReady((host) => {
      this.host = host;
      host.append(this.layer);
      this.observer = new ResizeObserver(() => this.lay());
      this.observer.observe(host);
      for (const name of ['can-play', 'seeked']) host.player.addEventListener(name, () => this.lay());
      this.lay();
      this.dataset.ready = '';
    });
    this.setDrawing(false);
  }

  disconnectedCallback() {
    document.removeEventListener('vl-time', this.onTime);
    document.removeEventListener('click', this.onEdit);
    this.observer?.disconnect();
    this.layer.remove();
  }

  addButton(text, act) {
    const button = make('button', { type: 'button', className: 'button button--small', textContent: text });
    button.addEventListener('click', act);
    this.querySelector('.desk__tools').append(button);
    return button;
  }

  field(name) {
    return this.querySelector(`[name="${name}"]`);
  }

  get values() {
    return FIELDS.map((name) => Number(this.field(name).value) || 0);
  }

  get time() { return this.host?.currentTime ?? 0; }

  setDrawing(on) {
    this.isDrawing = on;
    this.drawButton.setAttribute('aria-pressed', String(on));
    this.layer.classList.toggle('desk__layer--draws', on);
    if (on) this.host?.player.pause();
    this.show();
    if (on) this.box.focus({ preventScroll: true });
  }

  write(values) {
    FIELDS.forEach((name, index) => { this.field(name).value = String(Math.round(values[index] * 100) / 100); });
    this.show();
  }

  /** Lies exactly over the picture: a recording of another shape has bars beside it. */
  lay() {
    Object.assign(this.layer.style, pictureBox(this.host));
    this.show();
  }

  show() {
    const hasPlace = ['mask', 'crop'].includes(this.field('kind').value);
    for (const one of this.querySelectorAll('.desk__place')) one.hidden = !hasPlace;
    const now = this.taken.filter((one) => one.kind === 'mask' && one.start_s <= this.time && this.time <= one.end_s);
    const shown = now.map((one) => this.place(make('span', { className: `desk__taken desk__taken--${one.fill}` }), placeAt(one.keys, this.time).map((share) => share * 100)));
    this.place(this.box, this.values);
    this.layer.replaceChildren(...shown, ...(this.isDrawing && hasPlace ? [this.box] : []));
    if (this.isDrawing && hasPlace && document.activeElement === document.body) this.box.focus({ preventScroll: true });
  }

  place(element, [x, y, width, height]) {
    Object.assign(element.style, { left: `${x}%`, top: `${y}%`, width: `${width}%`, height: `${height}%` });
    return element;
  }

  /** On the box the mouse moves it; elsewhere it draws a new one from corner to corner. */
  drag(event) {
    if (!this.isDrawing) return;
    const start = { event, frame: this.layer.getBoundingClientRect(), place: this.values, isMove: event.target === this.box };
    const move = (moved) => this.write(drawnPlace(start, moved));
    this.layer.setPointerCapture(event.pointerId);
    this.layer.addEventListener('pointermove', move);
    this.layer.addEventListener('pointerup', () => this.layer.removeEventListener('pointermove', move), { once: true });
    event.preventDefault();
    this.box.focus({ preventScroll: true });
  }

  press(event) {
    const way = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }[event.key];
    if (event.key === 'Escape') this.setDrawing(false);
    if (!way) return;
    event.preventDefault();
    event.stopPropagation();
    const [x, y, width, height] = this.values;
    if (event.shiftKey) this.write([x, y, clamp(width + way[0], LEAST, 100 - x), clamp(height + way[1], LEAST, 100 - y)]);
    else this.write([clamp(x + way[0], 0, 100 - width), clamp(y + way[1], 0, 100 - height), width, height]);
  }

  /** Keeps where the mask is at the player's time. */
  keep() {
    const time = Math.round(this.time * 1000) / 1000;
    this.keys = [...this.keys.filter(([at]) => at !== time), [time, ...this.values.map((value) => value / 100)]];
    this.keys.sort(([one], [other]) => one - other);
    this.field('keys').value = JSON.stringify(this.keys);
    this.said.textContent = this.words.kept.replace('{}', this.keys.length);
  }

  /** Brings what is taken out already back into the fields. */
  edit({ target }) {
    const number = Number(target.closest?.('[data-change]')?.dataset.change);
    const one = this.taken.find(({ id }) => id === number);
    if (!one) return;
    const given = { redaction: one.id, kind: one.kind, fill: one.fill, start: one.start_s, end: one.end_s };
    for (const [name, value] of Object.entries(given)) this.field(name).value = value;
    this.keys = one.keys.length > 1 ? one.keys : [];
    this.field('keys').value = this.keys.length ? JSON.stringify(this.keys) : '';
    if (one.keys.length) this.write(placeAt(one.keys, one.start_s).map((share) => share * 100));
    this.host?.seek(one.start_s);
    this.setDrawing(one.keys.length > 0);
    this.scrollIntoView({ block: 'nearest' });
  }
}

customElements.define('vl-mask-field', MaskField);
