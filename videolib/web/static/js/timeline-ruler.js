// The ruler's canvas: seconds, scene changes and the captions of the part in view; one drawing a frame at most.
const STEPS_S = [0.04, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
const APART_PX = 90;
const FONT = '12px system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif';
export const [TICKS_PX, CAPTIONS_PX] = [28, 28];

function clock(seconds, step) {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const rest = step < 1 ? (seconds % 60).toFixed(2).padStart(5, '0') : String(Math.floor(seconds % 60)).padStart(2, '0');
  return hours ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`;
}

export function drawRuler(canvas, track) {
  const { viewPx, widePx, duration, scroll, captions, scenes } = track;
  const ratio = window.devicePixelRatio || 1;
  const height = TICKS_PX + (captions.length > 0 ? CAPTIONS_PX : 0);
  if (canvas.width !== Math.round(viewPx * ratio) || canvas.height !== Math.round(height * ratio)) {
    Object.assign(canvas, { width: Math.round(viewPx * ratio), height: Math.round(height * ratio) });
    Object.assign(canvas.style, { width: `${viewPx}px`, height: `${height}px` });
  }
  const style = getComputedStyle(canvas);
  const [ink, soft, wash] = ['color', '--line-strong', '--accent-wash'].map((name) => style.getPropertyValue(name));
  const context = canvas.getContext('2d');
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, viewPx, height);
  context.font = FONT;
  context.textBaseline = 'middle';
  const left = scroll.scrollLeft;
  const x = (seconds) => seconds / duration * widePx - left;
  const [from, to] = [left / widePx * duration, (left + viewPx) / widePx * duration];
  const step = STEPS_S.find((one) => one / duration * widePx >= APART_PX) ?? STEPS_S[STEPS_S.length - 1];
  context.fillStyle = ink;
  context.strokeStyle = soft;
  for (let index = Math.floor(from / step); index * step <= to; index += 1) {
    const place = Math.round(x(index * step)) + 0.5;
    context.beginPath();
    context.moveTo(place, TICKS_PX - 8);
    context.lineTo(place, TICKS_PX);
    context.stroke();
    context.fillText(clock(index * step, step), place + 4, TICKS_PX / 2);
  }
  context.fillStyle = style.getPropertyValue('--warn');
  for (const scene of scenes) {
    if (scene >= from && scene <= to) context.fillRect(Math.round(x(scene)) - 1, TICKS_PX - 6, 2, 6);
  }
  for (const [start, end, text] of captions) {
    if (end < from || start > to) continue;
    const [begin, width] = [x(start), Math.max(2, x(end) - x(start) - 2)];
    context.fillStyle = wash;
    context.fillRect(begin, TICKS_PX + 3, width, CAPTIONS_PX - 6);
    if (width < 20) continue;
    context.save();
    context.beginPath();
    context.rect(begin, TICKS_PX, width, CAPTIONS_PX);
    context.clip();
    context.fillStyle = ink;
    context.fillText(text.replace(/\s+/g, ' '), Math.max(begin, 0) + 5, TICKS_PX + CAPTIONS_PX / 2);
    context.restore();
  }
}
