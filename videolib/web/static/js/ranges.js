// <vl-ranges>: the rows of ranges beside the player. Its keys and buttons set a row's times where the player stands, and
// add, move and remove rows; without it the plain fields do the same.
import { exactClock, isTyping, whenReady } from './player-ready.js';

const seconds = (text) => {
  const parts = text.trim().split(':');
  if (!text.trim() || parts.length > 3 || parts.some((part) => !/^\d+(\.\d+)?$/.test(part))) return undefined;
  return parts.reduce((sum, part) => sum * 60 + Number(part), 0);
};

class Ranges extends HTMLElement {
  connectedCallback() {
    this.given = JSON.parse(this.querySelector('script').textContent);
    this.list = this.querySelector('[data-part="rows"]');
    this.next = this.rows.length;
    for (const part of this.querySelectorAll('[data-plain]')) part.hidden = true;
    for (const part of this.querySelectorAll('[data-scripted], [data-deed]')) part.hidden = false;
    this.blank = this.rows[this.rows.length - 1].cloneNode(true);
    for (const row of this.rows.slice(1)) if (!this.isUsed(row)) row.remove();
    this.mark(this.rows[0]);
    this.addEventListener('click', (event) => this.press(event));
    this.addEventListener('focusin', (event) => this.mark(event.target.closest('[data-range]')));
    this.addEventListener('input', () => this.tell());
    document.addEventListener('keydown', (event) => this.key(event));
    whenReady((host) => { this.host = host; });
    this.tell();
  }

  get rows() {
    return Array.from(this.list.querySelectorAll('[data-range]'));
  }

  field(row, name) {
    return row.querySelector(name === 'recording' ? 'select' : `[data-edge="${name}"]`);
  }

  isUsed(row) {
    return Boolean(this.field(row, 'start').value || this.field(row, 'end').value);
  }

  mark(row) {
    if (!row) return;
    this.marked = row;
    for (const one of this.rows) one.classList.toggle('range--marked', one === row);
  }

  key(event) {
    const edge = { '[': 'start', '【': 'start', ']': 'end', '】': 'end' }[event.key];
    if (!edge || event.ctrlKey || event.metaKey || event.isComposing || isTyping(event.target)) return;
    event.preventDefault();
    this.set(this.marked, edge);
  }

  /** The time of the player, which is one of the recording that is shown. */
  set(row, edge) {
    if (!this.host) return; // the player is still on its way
    const select = this.field(row, 'recording');
    if (select.value !== this.given.shown) select.value = this.given.shown;
    this.field(row, edge).value = exactClock(this.host.currentTime);
    this.mark(row);
    this.tell();
  }

  press(event) {
    const deed = event.target.closest('[data-deed]')?.dataset.deed;
    const row = event.target.closest('[data-range]');
    if (!deed) return;
    if (deed === 'add') this.add();
    else if (deed === 'start' || deed === 'end') this.set(row, deed);
    else if (deed === 'play') this.play(row);
    else if (deed === 'up' && row.previousElementSibling) row.previousElementSibling.before(row);
    else if (deed === 'down' && row.nextElementSibling) row.nextElementSibling.after(row);
    else if (deed === 'remove') this.remove(row);
    if (deed === 'up' || deed === 'down') event.target.closest('button').focus();
    this.tell();
  }

  play(row) {
    const start = seconds(this.field(row, 'start').value);
    if (start === undefined || this.field(row, 'recording').value !== this.given.shown) return;
    this.host?.seek(start);
  }

  add() {
    const row = this.blank.cloneNode(true);
    for (const item of row.querySelectorAll('[name], [id], [for]')) {
      for (const name of ['name', 'id', 'for']) {
        const value = item.getAttribute(name);
        if (value) item.setAttribute(name, value.replace(/\d+$/, String(this.next)));
      }
    }
    this.next += 1;
    this.list.append(row);
    this.field(row, 'recording').value = this.given.shown;
    this.mark(row);
    this.field(row, 'start').focus();
  }

  remove(row) {
    if (this.rows.length === 1) this.add();
    row.remove();
    this.mark(this.rows[0]);
    this.querySelector('[data-deed="add"]').focus();
  }

  /** The places follow the order of the rows, and the length is told. */
  tell() {
    let total = 0;
    for (const [at, row] of this.rows.entries()) {
      row.querySelector('[name^="place-"]').value = at + 1;
      const length = seconds(this.field(row, 'end').value) - seconds(this.field(row, 'start').value);
      if (length > 0) total += length;
    }
    this.querySelector('[data-part="total"]').textContent = exactClock(total);
  }
}

customElements.define('vl-ranges', Ranges);
