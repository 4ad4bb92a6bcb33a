// Drawings as the library keeps them: a small SVG whose viewBox lies over the whole picture. Points are [x, y] in it.
const SVG = 'http://www.w3.org/2000/svg';
const MOST_POINTS = 200;
const round = (value) => Math.round(value * 10) / 10;
const flat = (points) => points.map((point) => point.map(round).join(' ')).join(' ');

const far = ([x1, y1], [x2, y2]) => Math.hypot(x1 - x2, y1 - y2) > 1;
const withoutTwins = (points) => points.filter((point, index) => index === 0 || far(point, points[index - 1]));

/** Thins a line drawn by hand to as many points as are kept. */
function thinned(points) {
  const apart = withoutTwins(points);
  const step = Math.max(1, apart.length / MOST_POINTS);
  return Array.from({ length: Math.min(apart.length, MOST_POINTS) }, (_, index) => apart[Math.floor(index * step)]);
}

const corners = ([[x1, y1], [x2, y2]]) => ({ x: Math.min(x1, x2), y: Math.min(y1, y2), width: Math.abs(x2 - x1), height: Math.abs(y2 - y1) });

// tool -> its element for the points so far, or null while there are too few
const ELEMENTS = {
  arrow: ([from, to]) => ['line', { class: 'arrow', x1: from[0], y1: from[1], x2: to[0], y2: to[1] }],
  box: (points) => ['rect', corners(points)],
  ellipse: (points) => {
    const { x, y, width, height } = corners(points);
    return ['ellipse', { cx: x + width / 2, cy: y + height / 2, rx: width / 2, ry: height / 2 }];
  },
  polygon: (points) => ['polygon', { points: flat(withoutTwins(points)) }],
  freehand: (points) => ['polyline', { points: flat(thinned(points)) }],
  text: ([[x, y]]) => ['text', { x, y }],
};
export const POINTS = { arrow: 2, box: 2, ellipse: 2, polygon: Infinity, freehand: Infinity, text: 1 };
const LEAST = { polygon: 3, freehand: 2 };

/** The element that these points are, with that tool; null while they are too few, or on one spot. */
export function elementOf(tool, points, text) {
  if (points.length < (LEAST[tool] ?? POINTS[tool]) || (tool === 'text' && !text)) return null;
  if (POINTS[tool] === 2 && !far(points[0], points[1])) return null;
  const [name, attributes] = ELEMENTS[tool](points);
  if (['rect', 'ellipse'].includes(name) && Object.values(attributes).slice(2).some((size) => size < 1)) return null;
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, typeof value === 'number' ? round(value) : value);
  if (tool === 'text') element.textContent = text;
  return element;
}

/** The drawing with one more element; a box of percents becomes part of it. */
export function withElement(shape, element, [width, height]) {
  const svg = read(shape, [width, height]);
  svg.append(element);
  return { svg: new XMLSerializer().serializeToString(svg) };
}

/** The drawing without its last element; null where nothing is left. */
export function withoutLast(shape) {
  if (!shape?.svg) return null;
  const svg = read(shape, []);
  svg.lastElementChild?.remove();
  return svg.childElementCount > 0 ? { svg: new XMLSerializer().serializeToString(svg) } : null;
}

/** The size in which a drawing's points are counted: that of what is drawn already, else of the picture. */
export function sizeOf(shape, size) {
  const box = shape?.svg ? new DOMParser().parseFromString(shape.svg, 'image/svg+xml').documentElement.getAttribute('viewBox') : null;
  const [x, y, width, height] = (box ?? '').split(/[\s,]+/).map(Number);
  return x === 0 && y === 0 && width > 0 && height > 0 ? [width, height] : size;
}

function read(shape, [width, height]) {
  if (shape?.svg) return new DOMParser().parseFromString(shape.svg, 'image/svg+xml').documentElement;
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
  if (shape?.box) {
    const [x, y, w, h] = shape.box;
    svg.append(elementOf('box', [[x * width / 100, y * height / 100], [(x + w) * width / 100, (y + h) * height / 100]]));
  }
  return svg;
}
