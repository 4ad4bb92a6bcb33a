// <vl-mask-field data-stage>: the fields of a mask, drawn over the player: by the mouse, or by the arrow keys.
// A mask that moves gets a place at several times: the button keeps where it is now, and it goes straight in between.
const FIELDS = ['x', 'y', 'width', 'height'];
const STEP = 0.5;
const LEAST = 0.5;

class MaskField extends HTMLElement {
  connectedCallback() {
    this.keys = [];
    this.stage = document.getElementById(this.dataset.stage);
    if (!this.stage) return;
    this.layer = document.createElement('div');
    this.layer.className = 'desk__layer';
    this.box = document.createElement('button');
    this.box.type = 'button';
    this.box.className = 'desk__mask';
    this.box.setAttribute('aria-label', this.dataset.label);
    this.layer.append(this.box);
    this.stage.append(this.layer);
    this.layer.addEventListener('pointerdown', (event) => this.draw(event));
    this.box.addEventListener('keydown', (event) => this.move(event));
    this.addEventListener('input', () => this.show());
    this.querySelector('[name="kind"]').addEventListener('change', () => this.show());
    const add = document.createElement('button');
    add.type = 'button';
    add.className = 'button button--small';
    add.textContent = this.dataset.add;
    add.addEventListener('click', () => this.keep());
    this.append(add);
    this.show();
  }

  disconnectedCallback() {
    this.layer?.remove();
  }

  field(name) {
    return this.querySelector(`[name="${name}"]`);
  }

  values() {
    return FIELDS.map((name) => Number(this.field(name).value) || 0);
  }

  write(values) {
    FIELDS.forEach((name, index) => { this.field(name).value = String(Math.round(values[index] * 100) / 100); });
    this.show();
  }

  show() {
    const [x, y, width, height] = this.values();
    const hasPlace = ['mask', 'crop'].includes(this.field('kind').value);
    this.layer.hidden = !hasPlace;
    Object.assign(this.box.style, { left: `${x}%`, top: `${y}%`, width: `${width}%`, height: `${height}%` });
  }

  /** The mouse draws a new box from corner to corner. */
  draw(event) {
    const frame = this.layer.getBoundingClientRect();
    const at = ({ clientX, clientY }) => [
      Math.min(100, Math.max(0, ((clientX - frame.left) / frame.width) * 100)),
      Math.min(100, Math.max(0, ((clientY - frame.top) / frame.height) * 100)),
    ];
    const [fromX, fromY] = at(event);
    const drag = (moved) => {
      const [x, y] = at(moved);
      const size = [Math.max(LEAST, Math.abs(x - fromX)), Math.max(LEAST, Math.abs(y - fromY))];
      this.write([Math.min(x, fromX), Math.min(y, fromY), ...size]);
    };
    const end = () => {
      window.removeEventListener('pointermove', drag);
      window.removeEventListener('pointerup', end);
    };
    window.addEventListener('pointermove', drag);
    window.addEventListener('pointerup', end);
    event.preventDefault();
    this.box.focus();
  }

  move(event) {
    const way = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }[event.key];
    if (!way) return;
    event.preventDefault();
    event.stopPropagation();
    const [x, y, width, height] = this.values();
    if (event.shiftKey) {
      this.write([x, y, Math.max(LEAST, width + way[0]), Math.max(LEAST, height + way[1])]);
    } else {
      this.write([Math.min(100 - width, Math.max(0, x + way[0])), Math.min(100 - height, Math.max(0, y + way[1])), width, height]);
    }
  }

  /** Keeps where the mask is at the player's time. */
  keep() {
    const time = document.querySelector('vl-player')?.currentTime ?? 0;
    this.keys = [...this.keys.filter(([at]) => at !== time), [time, ...this.values().map((value) => value / 100)]];
    this.keys.sort(([one], [other]) => one - other);
    this.field('keys').value = JSON.stringify(this.keys);
  }
}

customElements.define('vl-mask-field', MaskField);
