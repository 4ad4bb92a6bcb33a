// The mouse (finger, pen) on the timeline: the ruler and the empty rows move the playhead, a mark's edges and the mark
// itself are dragged. Edges fall on frames, and on other edges, scene changes and the playhead when they come near; with
// Alt held they do not. Whatever can be dragged can be done by keys and fields, too.
import { move } from './timeline-rules.js';

const [GRIP_PX, SNAP_PX, BEGIN_PX] = [8, 8, 4];

export class Drag {
  constructor(desk) {
    this.desk = desk;
    const { track } = desk;
    this.snaps = true;
    track.scroll.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      const button = event.target.closest('.mark');
      if (button?.dataset.thread) return;
      if (button) this.takeMark(button, event);
      else this.scrub(event);
    });
    track.scroll.addEventListener('pointermove', (event) => {
      const button = event.buttons === 0 ? event.target.closest('[data-key]') : null;
      if (button) button.style.cursor = this.edgeOf(button, event) ? 'ew-resize' : 'grab';
    });
  }

  /** Follows the pointer until it is let go; at most once a frame. */
  follow(event, onMove, onEnd) {
    const { scroll } = this.desk.track;
    scroll.setPointerCapture(event.pointerId);
    let last = null;
    let planned = null;
    const run = () => {
      planned = null;
      if (last) onMove(last);
    };
    const moved = (next) => {
      last = next;
      planned ??= requestAnimationFrame(run);
    };
    const end = (next) => {
      scroll.removeEventListener('pointermove', moved);
      for (const name of ['pointerup', 'pointercancel']) scroll.removeEventListener(name, end);
      document.removeEventListener('keydown', stop, true);
      cancelAnimationFrame(planned);
      if (next && next.type === 'pointerup' && last) onMove(next);
      onEnd(next?.type === 'pointerup');
    };
    const stop = (pressed) => {
      if (pressed.key !== 'Escape') return;
      pressed.stopPropagation();
      end(null);
    };
    scroll.addEventListener('pointermove', moved);
    for (const name of ['pointerup', 'pointercancel']) scroll.addEventListener(name, end);
    document.addEventListener('keydown', stop, true);
  }

  scrub(event) {
    if (event.target === this.desk.track.scroll && event.offsetY > this.desk.track.scroll.clientHeight) return;
    const go = (at) => this.desk.playhead.go(this.desk.track.timeAt(at.clientX));
    this.desk.player.pause();
    this.desk.playhead.isScrubbing = true;
    go(event);
    this.follow(event, go, () => { this.desk.playhead.isScrubbing = false; });
    this.desk.select(null);
    this.desk.ruler.focus({ preventScroll: true });
    event.preventDefault();
  }

  edgeOf(button, event) {
    const { left, width } = button.getBoundingClientRect();
    if (width < 3 * GRIP_PX || button.classList.contains('mark--point')) return null;
    if (event.clientX - left < GRIP_PX) return 'start';
    return left + width - event.clientX < GRIP_PX ? 'end' : null;
  }

  takeMark(button, event) {
    const { desk } = this;
    const { book, track, frames } = desk;
    const mark = book.marks.get(button.dataset.key);
    const edge = this.edgeOf(button, event);
    const grabbed = track.timeAt(event.clientX);
    const firstX = event.clientX;
    const near = book.list().filter(({ key }) => key !== mark.key).flatMap(({ start, end }) => (end === null ? [start] : [start, end]));
    near.push(desk.playhead.place, ...track.scenes, 0, desk.duration);
    let changes = [];
    let hasBegun = false;
    const onMove = (at) => {
      if (!hasBegun && Math.abs(at.clientX - firstX) < BEGIN_PX) return;
      hasBegun = true;
      const by = track.timeAt(at.clientX) - grabbed;
      const place = (time) => (at.altKey || !this.snaps ? frames.startOf(Math.max(0, time)) : this.snap(time, near));
      let wanted;
      if (edge) wanted = { start: mark.start, end: mark.end, [edge]: place(mark[edge] + by) };
      else {
        const start = place(mark.start + by);
        wanted = { start, end: mark.end === null ? null : mark.end + start - mark.start };
      }
      const touched = new Set(changes.map(({ key }) => key));
      changes = move(book.list(), mark, wanted, desk.duration, !edge);
      const preview = new Map(book.marks);
      for (const { key, after } of changes) preview.set(key, after);
      track.update(preview, new Set([...touched, ...changes.map(({ key }) => key)]));
      const shown = preview.get(mark.key)[edge ?? 'start'];
      desk.playhead.go(edge === 'end' ? Math.max(0, shown - 1e-4) : shown);
    };
    this.follow(event, onMove, (isKept) => {
      track.update(book.marks, changes.map(({ key }) => key));
      if (isKept && hasBegun) book.apply(changes);
    });
    desk.select(mark.key);
    button.focus({ preventScroll: true });
    event.preventDefault();
  }

  /** The nearest edge, scene change or playhead within some pixels, else the frame. */
  snap(time, places) {
    const { track, frames } = this.desk;
    const near = places.reduce((best, place) => (Math.abs(place - time) < Math.abs(best - time) ? place : best), Infinity);
    return Math.abs(near - time) <= SNAP_PX * track.secondsPerPixel ? near : frames.startOf(Math.max(0, time));
  }
}
