// The keyboard on the timeline. In it the arrows go by frames; [ and ] and undo work on the whole page, as far as nobody
// is typing and the page's shortcuts are on.
import { areKeysOff } from './player-keys.js';
import { isTyping } from './player-ready.js';
import { move } from './timeline-rules.js';

const [MANY_FRAMES, PAGE_S, ZOOM_BY] = [10, 10, 1.6];

export class Keys {
  constructor(desk) {
    this.desk = desk;
    desk.addEventListener('keydown', (event) => this.inTimeline(event));
    document.addEventListener('keydown', (event) => this.anywhere(event));
  }

  inTimeline(event) {
    if (event.defaultPrevented || isTyping(event.target) || !event.target.closest('[data-part="scroll"]')) return;
    if (event.ctrlKey || event.metaKey) return;
    const mark = this.desk.book.marks.get(event.target.closest('.mark')?.dataset.key);
    const deed = this.deedFor(event, mark);
    if (!deed) return;
    event.preventDefault();
    event.stopPropagation();
    deed();
  }

  deedFor(event, mark) {
    const { desk } = this;
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (way && event.altKey && mark) return () => this.nudge(mark, way, event.shiftKey);
    if (way) return () => desk.playhead.step(way * (event.shiftKey ? MANY_FRAMES : 1));
    switch (event.key) {
      case 'ArrowUp': return () => this.toRow(event.target, -1);
      case 'ArrowDown': return () => this.toRow(event.target, 1);
      case 'PageUp': return () => desk.playhead.go(desk.playhead.place - PAGE_S);
      case 'PageDown': return () => desk.playhead.go(desk.playhead.place + PAGE_S);
      case 'Home': return () => desk.playhead.go(0);
      case 'End': return () => desk.playhead.go(desk.duration);
      case ' ': return () => desk.playhead.toggle();
      case '+': case '=': return () => desk.zoom(ZOOM_BY);
      case '-': return () => desk.zoom(1 / ZOOM_BY);
      case 'Enter': if (event.target.dataset.thread) return null;
        return mark ? () => desk.playhead.go(event.shiftKey && mark.end !== null ? mark.end : mark.start) : () => desk.adder.addNext();
      case 'e': return mark ? () => desk.form.focus() : null;
      case 'Delete': case 'Backspace': return mark ? () => desk.remove(mark) : null;
      case 'Escape': return mark || desk.selected ? () => { desk.select(null); desk.ruler.focus(); } : null;
      default: return null;
    }
  }

  anywhere(event) {
    if (event.defaultPrevented || isTyping(event.target)) return;
    const key = event.key.toLowerCase();
    if ((event.ctrlKey || event.metaKey) && (key === 'z' || key === 'y')) {
      event.preventDefault();
      if (key === 'y' || event.shiftKey) this.desk.book.redo();
      else this.desk.book.undo();
      return;
    }
    if (event.ctrlKey || event.metaKey || (areKeysOff() && !this.desk.contains(event.target))) return;
    // the same two keys write 【 and 】 where Chinese is typed
    const isIn = event.key === '[' || event.key === '【' || (event.code === 'BracketLeft' && !event.altKey && event.key === 'Process');
    const isOut = event.key === ']' || event.key === '】' || (event.code === 'BracketRight' && !event.altKey && event.key === 'Process');
    if (!isIn && !isOut) return;
    event.preventDefault();
    event.stopPropagation();
    this.desk.setEdge(isIn ? 'start' : 'end');
  }

  /** A frame earlier or later: all of it, with Shift its end alone. */
  nudge(mark, way, endAlone) {
    const { book, frames, duration } = this.desk;
    if (endAlone && mark.end === null) return;
    const start = endAlone ? mark.start : frames.after(mark.start, way);
    const end = mark.end === null ? null : endAlone ? frames.after(mark.end, way) : mark.end + start - mark.start;
    book.apply(move(book.list(), mark, { start, end }, duration, !endAlone), { tag: `nudge:${mark.key}` });
  }

  /** To the mark above or below that begins nearest to where we are. */
  toRow(target, way) {
    const rows = [...this.desk.querySelectorAll('[data-row]')];
    const here = rows.indexOf(target.closest('[data-row]'));
    const at = Number(target.closest('.mark')?.dataset.start ?? this.desk.frames.time);
    for (let index = here + way; index >= 0 && index < rows.length; index += way) {
      const marks = [...rows[index].querySelectorAll('.mark')];
      if (marks.length > 0) {
        const near = marks.reduce((best, one) => (Math.abs(one.dataset.start - at) < Math.abs(best.dataset.start - at) ? one : best));
        near.focus();
        return;
      }
    }
    if (way < 0) this.desk.ruler.focus();
  }
}
