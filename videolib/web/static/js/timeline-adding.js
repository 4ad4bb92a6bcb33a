// Where a new mark comes from: in and out at the playhead, then the next step of the procedure's template, or another kind.
import { exactClock } from './player-ready.js';
import { addStep, isInterval, move } from './timeline-rules.js';

const USUAL_S = 5;

export class Adder {
  constructor(desk, root) {
    Object.assign(this, { desk, root, range: { start: null, end: null } });
    this.steps = [...root.querySelectorAll('[data-step]')];
    for (const button of this.steps) button.addEventListener('click', () => this.addStep(button));
    this.kind = root.querySelector('[data-part="kind"]');
    this.kind.addEventListener('change', () => this.showKind());
    root.querySelector('[data-part="add"]').addEventListener('click', () => this.addOther());
    desk.book.addEventListener('changed', () => this.tick());
    this.showKind();
    this.show();
  }

  /** The range that was marked; without one from the playhead on, as far as there is room. */
  taken(kind) {
    const { duration } = this.desk;
    let { start, end } = this.range;
    if (start !== null && end !== null && end < start) [start, end] = [end, start];
    start ??= end === null ? this.desk.playhead.place : Math.max(0, end - USUAL_S);
    if (end !== null && end > start) return { start, end };
    if (!isInterval(kind) && this.range.end === null) return { start, end: null };
    const next = this.desk.book.list(kind).find((mark) => mark.start > start);
    return { start, end: Math.min(start + USUAL_S, next?.start ?? duration, duration) };
  }

  set(edge, time) {
    this.range = { ...this.range, [edge]: time };
    this.show();
  }

  clear() {
    this.range = { start: null, end: null };
    this.show();
  }

  show() {
    for (const edge of ['start', 'end']) {
      const time = this.range[edge];
      this.root.querySelector(`[data-part="${edge}"]`).textContent = time === null ? '–' : exactClock(time);
    }
    this.desk.track.showRange(this.range);
  }

  showKind() {
    for (const select of this.root.querySelectorAll('[data-kind]')) select.closest('.field').hidden = select.dataset.kind !== this.kind.value;
    this.root.querySelector('[data-part="note"]').hidden = !['task', 'note', 'event'].includes(this.kind.value);
  }

  blank(kind, term) {
    return {
      key: this.desk.book.newKey(), kind, ...this.taken(kind), term: term || null, severity: null, instrument: null, target: null,
      note: {}, shape: null, confidence: null,
    };
  }

  addNext() {
    const next = this.steps.find((button) => button.getAttribute('aria-current') === 'step') ?? this.steps[0];
    if (next) this.addStep(next);
  }

  addStep(button) {
    const { book } = this.desk;
    const step = this.blank('step', button.dataset.step);
    const changes = step.end > step.start ? addStep(book.list(), step, button.dataset.phase, () => book.newKey()) : null;
    if (!changes) return this.desk.say('noRoom');
    book.apply(changes);
    this.range = { start: step.end, end: null }; // the next one usually begins where this one ends
    this.show();
    this.desk.say('added', button.dataset.label);
  }

  addOther() {
    const kind = this.kind.value;
    const select = this.root.querySelector(`[data-kind="${kind}"]`);
    const note = this.root.querySelector('[data-part="note"] textarea');
    const mark = this.blank(kind, select?.value);
    if (!note.closest('[data-part]').hidden && note.value.trim()) mark.note = { [document.documentElement.lang.startsWith('zh') ? 'zh' : 'en']: note.value.trim() };
    if (!mark.term && (select?.required || !mark.note.zh && !mark.note.en)) {
      this.desk.say('choose');
      (select ?? note).focus();
      return;
    }
    const { book, duration } = this.desk;
    const room = kind === 'phase' ? move(book.list(), mark, { start: mark.start, end: mark.end }, duration) : [];
    const placed = room.find(({ key }) => key === mark.key)?.after ?? mark;
    book.apply([{ key: mark.key, before: null, after: placed }]);
    note.value = '';
    this.clear();
    this.desk.select(mark.key, { focus: true });
  }

  /** Ticks the steps that are there; the one after the last of them comes next. */
  tick() {
    const done = new Set(this.desk.book.list('step').map(({ term }) => term));
    let last = -1;
    this.steps.forEach((button, index) => {
      const isDone = done.has(button.dataset.step);
      button.classList.toggle('is-done', isDone);
      button.querySelector('.visually-hidden').textContent = isDone ? this.desk.words.done : '';
      if (isDone) last = index;
    });
    const next = this.steps.find((button, index) => index > last && !button.classList.contains('is-done'));
    for (const button of this.steps) button.toggleAttribute('aria-current', false);
    next?.setAttribute('aria-current', 'step');
  }
}
