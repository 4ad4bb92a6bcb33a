// A place in the picture as it stands: touched, clicked, or moved to by arrow keys; and the same shown after answering.
const SVG = 'http://www.w3.org/2000/svg';

/** The player's picture as a canvas, with a drawing over it whose units are percent. */
export function pictureOf(host) {
  const box = document.createElement('div');
  box.className = 'picture';
  const video = host.querySelector('video');
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth || 640;
  canvas.height = video.videoHeight || 360;
  canvas.getContext('2d').drawImage(video, 0, 0, canvas.width, canvas.height);
  const drawing = document.createElementNS(SVG, 'svg');
  drawing.setAttribute('viewBox', '0 0 100 100');
  drawing.setAttribute('preserveAspectRatio', 'none');
  drawing.setAttribute('aria-hidden', 'true');
  box.append(canvas, drawing);
  return { box, drawing };
}

export function draw(drawing, name, className, values) {
  const shape = drawing.querySelector(`.${className}`) ?? drawing.appendChild(document.createElementNS(SVG, name));
  shape.setAttribute('class', className);
  shape.setAttribute('vector-effect', 'non-scaling-stroke');
  for (const [key, value] of Object.entries(values)) shape.setAttribute(key, String(value));
}

/** Where in the picture a pointer is, in percent. */
export function placeOf(event, box) {
  const { left, top, width, height } = box.getBoundingClientRect();
  const inside = (value) => Math.min(100, Math.max(0, Math.round(value * 1000) / 10));
  return [inside((event.clientX - left) / width), inside((event.clientY - top) / height)];
}

const cross = (drawing, x, y) => draw(drawing, 'path', 'picture__mark', { d: `M${x - 3} ${y}H${x + 3}M${x} ${y - 4}V${y + 4}` });

export class PictureMark {
  /** @param {HTMLElement} fields with inputs named x and y, which stay for who cannot see the picture */
  constructor(fields, host, words) {
    fields.querySelector('.picture')?.remove();
    this.inputs = ['x', 'y'].map((name) => fields.querySelector(`input[name="${name}"]`));
    const { box, drawing } = pictureOf(host);
    this.drawing = drawing;
    box.tabIndex = 0;
    box.setAttribute('role', 'application');
    box.setAttribute('aria-label', words);
    fields.prepend(box);
    box.addEventListener('pointerdown', (event) => this.set(...placeOf(event, box)));
    box.addEventListener('keydown', (event) => {
      const step = event.shiftKey ? 10 : 1;
      const by = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
      if (!by) return;
      event.preventDefault();
      event.stopPropagation();
      const [x, y] = this.inputs.map((input) => Number(input.value || 50));
      this.set(Math.min(100, Math.max(0, x + by[0])), Math.min(100, Math.max(0, y + by[1])));
    });
    for (const input of this.inputs) input.addEventListener('input', () => this.show());
    this.show();
  }

  set(x, y) {
    [this.inputs[0].value, this.inputs[1].value] = [x, y];
    this.show();
  }

  show() {
    const [x, y] = this.inputs.map((input) => input.value);
    if (x !== '' && y !== '') cross(this.drawing, Number(x), Number(y));
  }
}

/** After the answer: the mark that was set, and where it is right. */
export function showAnswer(place, host) {
  if (!place) return;
  const { box, drawing } = pictureOf(host);
  const { x, y, w, h } = JSON.parse(place.dataset.area);
  draw(drawing, 'rect', 'picture__area', { x, y, width: w, height: h });
  cross(drawing, ...JSON.parse(place.dataset.mark));
  place.append(box);
}
