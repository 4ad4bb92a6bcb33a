// What the desk says of a mark, in the language of the page, and how far it is saved.
import { exactClock } from './player-ready.js';

export class Words {
  constructor(desk) {
    this.desk = desk;
    this.language = document.documentElement.lang.startsWith('zh') ? 'zh' : 'en';
    this.chosen = new Map();
    for (const option of document.querySelectorAll('[data-part="form"] option[value]')) {
      if (option.value) this.chosen.set(option.value, option.textContent);
    }
  }

  /** A term as people read it: by what can be chosen, else by what came with the annotation. */
  label(term) {
    const known = this.desk.saver.labels[term] ?? {};
    return this.chosen.get(term) ?? known[this.language] ?? known.en ?? term;
  }

  /** @returns {{text, spoken, problem}} for its button: what is written, what is said, whether something is wrong */
  describe(mark) {
    const { saver, words } = this.desk;
    const terms = [mark.term, mark.instrument, mark.target, mark.severity].filter(Boolean).map((term) => this.label(term));
    const note = mark.note[this.language] || mark.note.zh || mark.note.en || '';
    const text = [...terms, ...(note ? [note] : [])].join(' · ');
    const times = mark.end === null ? exactClock(mark.start) : `${exactClock(mark.start)} – ${exactClock(mark.end)}`;
    const problem = saver.refusals.has(mark.key) || saver.conflicts.has(mark.key);
    return { text, problem, spoken: `${words.kinds[mark.kind]}: ${text.slice(0, 200)}, ${times}${problem ? `, ${words.problem}` : ''}` };
  }

  showState(state) {
    const shown = this.desk.part('state');
    if (shown.dataset.state === state) return;
    shown.textContent = this.desk.words.states[state];
    shown.dataset.state = state;
  }
}
