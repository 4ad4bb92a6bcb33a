// Comments at the desk: threads below the timeline, each with a flag in its row; forms are sent in place.
import { exactClock } from './player-ready.js';

export class Comments {
  constructor(desk, root) {
    Object.assign(this, { desk, root, row: desk.querySelector('[data-row="comments"]') });
    root.addEventListener('submit', (event) => this.send(event));
    root.addEventListener('click', (event) => this.go(event));
    root.addEventListener('focusin', ({ target }) => { if (target.matches('[data-new] textarea')) this.takeTime(); });
    root.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && !event.isComposing && event.target.form) event.target.form.requestSubmit();
    });
    this.row.addEventListener('click', ({ target }) => this.open(target.closest('[data-thread]')));
    this.show();
    const named = document.getElementById(window.location.hash.slice(1));
    if (named && root.contains(named) && named.dataset.start) this.begin(named);
  }

  /** The address names a comment: the picture stands at its moment, in view, though the browser scrolls to the comment. */
  begin(named) {
    const show = () => {
      this.desk.host.scrollIntoView({ block: 'nearest' });
      this.row.querySelector(`[data-thread="${named.id}"]`)?.focus({ preventScroll: true });
    };
    this.desk.playhead.go(Number(named.dataset.start));
    show();
    if (document.readyState !== 'complete') window.addEventListener('load', show, { once: true });
  }

  /** A comment keeps the moment at which writing began. */
  takeTime() {
    const form = this.root.querySelector('[data-new]');
    if (!form.elements.text.value) form.elements.at.value = exactClock(this.desk.playhead.place);
  }

  show() {
    const { duration } = this.desk;
    this.row.replaceChildren(...[...this.root.querySelectorAll('.comment[data-start]')].map((item) => {
      const flag = document.createElement('button');
      const text = item.querySelector('.comment__text').textContent;
      Object.assign(flag, { type: 'button', className: `mark mark--comment mark--point${item.dataset.done ? ' mark--done' : ''}`, title: text });
      flag.dataset.thread = item.id;
      flag.dataset.start = item.dataset.start;
      flag.style.left = `${item.dataset.start / duration * 100}%`;
      flag.setAttribute('aria-label', `${this.root.dataset.label}: ${text.slice(0, 200)}, ${exactClock(Number(item.dataset.start))}`);
      return flag;
    }));
  }

  open(flag) {
    if (!flag) return;
    this.desk.playhead.go(Number(flag.dataset.start));
    const item = document.getElementById(flag.dataset.thread);
    item.scrollIntoView({ block: 'nearest' });
    item.querySelector('input[name="text"]').focus({ preventScroll: true });
  }

  go(event) {
    const link = event.target.closest('[data-go]');
    if (!link || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    this.desk.playhead.go(Number(link.dataset.go));
  }

  async send(event) {
    event.preventDefault();
    const form = event.target;
    const said = this.root.querySelector('[role="status"]');
    try {
      const headers = { Accept: 'text/html', 'X-Part': 'comments' };
      const response = await fetch(form.action, { method: 'POST', body: new FormData(form), credentials: 'same-origin', headers });
      if (!response.ok) throw new Error(String(response.status));
      const part = new DOMParser().parseFromString(await response.text(), 'text/html').querySelector('.comments');
      this.root.querySelector('.comments').replaceWith(document.importNode(part, true));
      if (form.isConnected) form.reset();
      said.textContent = this.root.dataset.saved;
      this.show();
    } catch {
      said.textContent = this.root.dataset.failed; // what was typed stays in its field
    }
  }
}
