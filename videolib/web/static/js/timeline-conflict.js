// Both values, where two editors changed the same of a mark: what each wrote stands side by side until somebody decides.
import { exactClock } from './player-ready.js';
import { valueOf } from './timeline-web.js';

export class Conflicts {
  constructor(desk, root) {
    Object.assign(this, { desk, root });
    this.template = root.querySelector('template');
    this.list = root.querySelector('[data-part="conflict-list"]');
    desk.saver.addEventListener('conflict', () => this.show());
  }

  show() {
    const { conflicts } = this.desk.saver;
    this.root.hidden = conflicts.size === 0;
    this.list.replaceChildren(...[...conflicts].map(([key, conflict]) => this.item(key, conflict)));
    if (conflicts.size > 0) this.desk.say('conflict');
    this.desk.track.update(this.desk.book.marks, [...this.desk.book.marks.keys()]);
  }

  item(key, { mine, theirs, merged, fields }) {
    const { words, saver } = this.desk;
    const item = this.template.content.firstElementChild.cloneNode(true);
    item.dataset.key = key;
    const part = (name) => item.querySelector(`[data-part="${name}"]`);
    part('name').textContent = this.desk.texts.describe(mine ?? theirs).spoken;
    part('who').textContent = theirs ? '' : words.deletedThere;
    if (!mine) part('who').textContent = words.deletedHere;
    for (const field of fields) {
      const row = part('row').cloneNode(true);
      row.hidden = false;
      const [name, my, their] = row.children;
      name.textContent = words.fields[field] ?? field;
      my.textContent = this.text(mine, field);
      their.textContent = this.text(theirs, field);
      part('rows').append(row);
    }
    part('table').hidden = fields.length === 0;
    part('mine').addEventListener('click', () => saver.settle(key, merged ?? mine));
    part('theirs').addEventListener('click', () => saver.settle(key, this.withTheirs(key, theirs, merged, fields)));
    return item;
  }

  /** Theirs where both changed the same, and what only I changed elsewhere. */
  withTheirs(key, theirs, merged, fields) {
    if (!theirs || !merged) return theirs;
    const kept = { ...merged, note: { ...merged.note } };
    for (const field of fields) {
      const [name, inner] = field.split('.');
      if (!inner) kept[name] = theirs[name];
      else if (theirs.note[inner]) kept.note[inner] = theirs.note[inner];
      else delete kept.note[inner];
    }
    return kept;
  }

  text(mark, field) {
    const value = mark ? valueOf(mark, field) : null;
    if (value === null) return '–';
    if (field === 'start' || field === 'end') return exactClock(value);
    if (field === 'shape') return this.desk.words.drawing;
    return ['term', 'severity', 'instrument', 'target'].includes(field) ? this.desk.texts.label(value) : String(value);
  }
}
