// The rows of the caption editor: times and text of each caption. A row is made once and filled anew where it changed.
import { exactClock } from './player-ready.js';
import { isTooFast } from './caption-deeds.js';

export class CaptionList {
  /** @param list the <ol>  @param template of one row  @param words {fast, overlap} */
  constructor(list, template, words) {
    Object.assign(this, { list, template, words, shown: [], on: null });
  }

  get rows() {
    return this.list.children;
  }

  show(cues, chosen) {
    while (this.rows.length > cues.length) this.list.lastElementChild.remove();
    while (this.rows.length < cues.length) this.list.append(this.row(this.rows.length));
    cues.forEach((cue, index) => {
      if (this.shown[index] !== cue || this.shown[index + 1] !== cues[index + 1]) this.fill(this.rows[index], cue, cues[index + 1]);
    });
    this.shown = cues;
    this.choose(chosen);
  }

  row(number) {
    const row = this.template.content.firstElementChild.cloneNode(true);
    for (const field of row.querySelectorAll('input, textarea')) field.setAttribute('aria-label', `${field.dataset.label} ${number + 1}`);
    row.querySelector('.cue__number').textContent = String(number + 1);
    return row;
  }

  fill(row, cue, next) {
    const values = { start: exactClock(cue.start), end: exactClock(cue.end), text: cue.text };
    for (const [name, value] of Object.entries(values)) {
      const field = row.querySelector(`[data-field="${name}"]`);
      if (field.value !== value) field.value = value;
    }
    const problems = [isTooFast(cue) ? this.words.fast : '', next && next.start < cue.end ? this.words.overlap : ''].filter(Boolean);
    const said = row.querySelector('.cue__problem');
    said.textContent = problems.join(' · ');
    row.classList.toggle('cue--problem', problems.length > 0);
  }

  choose(index) {
    const row = this.rows[index] ?? null;
    if (row === this.chosen) return;
    this.chosen?.removeAttribute('aria-current');
    row?.setAttribute('aria-current', 'true');
    this.chosen = row;
  }

  /** Marks the caption that is said at that time. */
  mark(index) {
    const row = this.rows[index] ?? null;
    if (row === this.on) return;
    this.on?.classList.remove('cue--on');
    row?.classList.add('cue--on');
    this.on = row;
  }

  focus(index, { name = 'text', caret = null } = {}) {
    const field = this.rows[index]?.querySelector(`[data-field="${name}"]`);
    if (!field) return;
    field.focus();
    if (caret !== null) field.setSelectionRange(caret, caret);
  }
}
