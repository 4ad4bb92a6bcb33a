// The panel of the selected mark: its times, terms and notes; every change is kept by itself and can be undone.
import { exactClock } from './player-ready.js';
import { move } from './timeline-rules.js';
import { valueOf, withValue } from './timeline-web.js';

const CLOCK = /^(?:(?:(\d{1,4}):)?(\d{1,5}):)?(\d{1,9}(?:\.\d{1,9})?)$/;

/** Seconds of `75.5`, `1:15.5` or `0:01:15.5`; NaN for anything else. */
export function parseClock(text) {
  const found = CLOCK.exec(text.trim().replace(/：/g, ':').replace(/。/g, '.'));
  if (!found) return NaN;
  const [, hours, minutes, seconds] = found;
  return Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60 + Number(seconds);
}

export class MarkForm {
  constructor(desk, root) {
    Object.assign(this, { desk, root, key: null });
    this.fields = [...root.querySelectorAll('[name]')];
    const take = (event) => { if (!event.isComposing && event.target.name && !['start', 'end'].includes(event.target.name)) this.take(event.target); };
    root.addEventListener('input', take);
    root.addEventListener('compositionend', (event) => this.take(event.target));
    root.addEventListener('change', (event) => { if (['start', 'end'].includes(event.target.name)) this.takeTime(event.target); });
    root.addEventListener('submit', (event) => event.preventDefault());
    root.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || event.isComposing) return;
      event.stopPropagation();
      this.desk.track.buttons.get(this.key)?.focus();
    });
    root.querySelector('[data-deed="delete"]').addEventListener('click', () => this.desk.remove(this.mark));
    root.querySelector('[data-deed="close"]').addEventListener('click', () => this.desk.select(null));
    for (const edge of ['start', 'end']) {
      root.querySelector(`[data-deed="go-${edge}"]`).addEventListener('click', () => desk.playhead.go(this.mark[edge] ?? this.mark.start));
    }
  }

  get mark() {
    return this.desk.book.marks.get(this.key);
  }

  open(key) {
    this.key = key;
    this.root.hidden = !this.mark;
    if (!this.mark) return;
    const { kind } = this.mark;
    for (const field of this.root.querySelectorAll('[data-kinds]')) field.hidden = !field.dataset.kinds.split(' ').includes(kind);
    this.root.querySelector('[data-part="kind-text"]').textContent = this.desk.words.kinds[kind];
    this.fill({ all: true });
  }

  /** Shows what the mark says; a field that somebody is in stays as it is. */
  fill({ all = false } = {}) {
    const { mark } = this;
    if (!mark) return this.desk.select(null);
    for (const field of this.fields) {
      if (!all && field === document.activeElement) continue;
      const value = valueOf(mark, field.dataset.field ?? field.name);
      if (['start', 'end'].includes(field.name)) field.value = value === null ? '' : exactClock(value);
      else if (field.tagName === 'SELECT') this.choose(field, value ?? '');
      else field.value = value ?? '';
    }
    this.root.querySelector('[name="end"]').required = ['phase', 'step', 'task'].includes(mark.kind);
    const problem = this.desk.saver.refusals.get(this.key) ?? '';
    const said = this.root.querySelector('[data-part="problem"]');
    said.hidden = !problem;
    said.querySelector('span').textContent = problem;
    const author = this.desk.saver.authors[this.key];
    this.root.querySelector('[data-part="author"]').textContent = author ?? '';
  }

  choose(select, value) {
    if (value && ![...select.options].some((option) => option.value === value)) select.add(new Option(this.desk.texts.label(value), value));
    select.value = value;
  }

  take(field) {
    const name = field.dataset.field ?? field.name;
    const before = this.mark;
    if (!before || (field.tagName === 'SELECT' && field.required && !field.value)) return;
    const value = field.value.trim() === '' ? (name.startsWith('note') ? '' : null) : field.value;
    this.desk.book.apply([{ key: this.key, before, after: withValue(before, name, value) }], { tag: `${this.key}:${name}` });
  }

  takeTime(field) {
    const { mark } = this;
    const isEmpty = field.value.trim() === '';
    const seconds = isEmpty ? null : parseClock(field.value);
    const canBeEmpty = field.name === 'end' && !field.required;
    if (Number.isNaN(seconds) || (isEmpty && !canBeEmpty)) {
      field.setAttribute('aria-invalid', 'true');
      this.desk.say('time');
      return;
    }
    field.removeAttribute('aria-invalid');
    const wanted = { start: mark.start, end: mark.end, [field.name]: seconds };
    const { book, duration } = this.desk;
    book.apply(move(book.list(), mark, wanted, duration));
    this.fill({ all: true });
  }

  focus() {
    this.root.querySelector('.field:not([hidden]) :is(input, select, textarea)')?.focus();
  }
}
