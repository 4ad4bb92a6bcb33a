// <vl-reorder data-url data-words>: items are dragged by their handle, or picked up with the keyboard and moved by arrow
// keys. Without it each item has buttons that move it by one place. The order is saved as soon as an item is put down.
class Reorder extends HTMLElement {
  connectedCallback() {
    this.words = JSON.parse(this.dataset.words);
    this.list = this.querySelector('ol');
    this.said = this.querySelector('[role="status"]');
    for (const part of this.querySelectorAll('.build__grip, [data-scripted]')) part.hidden = false;
    this.addEventListener('pointerdown', (event) => this.take(event));
    this.addEventListener('keydown', (event) => this.press(event));
    this.addEventListener('focusout', (event) => { if (this.lifted && event.target === this.grip(this.lifted) && !this.isMoving) this.drop(); });
  }

  get items() {
    return Array.from(this.list.children);
  }

  grip(item) {
    return item.querySelector('.build__grip');
  }

  say(words, item) {
    const told = { title: item.dataset.title, place: this.items.indexOf(item) + 1, count: this.items.length };
    this.said.textContent = words.replace(/\{(\w+)\}/g, (_, name) => told[name]);
  }

  lift(item) {
    this.lifted = item;
    this.before = this.items;
    item.classList.add('is-lifted');
    this.grip(item).setAttribute('aria-pressed', 'true');
  }

  /** Put down where it is, and saved if that is another place. */
  drop() {
    const item = this.lifted;
    this.lifted = undefined;
    item.classList.remove('is-lifted');
    this.grip(item).setAttribute('aria-pressed', 'false');
    if (this.items.some((one, at) => one !== this.before[at])) this.save(item);
  }

  take(event) {
    const grip = event.target.closest('.build__grip');
    if (!grip || event.button !== 0) return;
    event.preventDefault();
    grip.focus({ preventScroll: true }); // the rows stay where the finger saw them
    if (!this.lifted) this.lift(grip.closest('[data-item]'));
    grip.setPointerCapture(event.pointerId);
    const move = (moved) => this.dragTo(moved.clientY);
    const end = () => {
      grip.removeEventListener('pointermove', move);
      if (this.lifted) this.drop();
    };
    grip.addEventListener('pointermove', move);
    for (const name of ['pointerup', 'pointercancel']) grip.addEventListener(name, end, { once: true });
  }

  dragTo(y) {
    const over = this.items.find((item) => {
      const box = item.getBoundingClientRect();
      return item !== this.lifted && y >= box.top && y <= box.bottom;
    });
    if (!over) return;
    const box = over.getBoundingClientRect();
    this.place(y < box.top + box.height / 2 ? over : over.nextElementSibling);
  }

  press(event) {
    const grip = event.target.closest('.build__grip');
    if (!grip || event.isComposing) return;
    const item = grip.closest('[data-item]');
    if (event.key === 'Escape' && this.lifted) {
      this.isMoving = true;
      this.list.append(...this.before);
      this.isMoving = false;
      this.drop();
      grip.focus();
    } else if (event.key === 'Enter' || event.key === ' ') {
      if (this.lifted) this.drop();
      else {
        this.lift(item);
        this.say(this.words.lifted, item);
      }
    } else if (event.key === 'ArrowUp' || event.key === 'ArrowDown') {
      const wasLifted = Boolean(this.lifted);
      if (!wasLifted) this.lift(item);
      const at = this.items.indexOf(item) + (event.key === 'ArrowUp' ? -1 : 2);
      if (at >= 0 && at <= this.items.length) this.place(this.items[at] ?? null);
      grip.focus();
      if (wasLifted) this.say(this.words.at, item);
      else this.drop();
    } else return;
    event.preventDefault();
  }

  /** The others make room: an element that is moved itself would lose the focus, and the finger that holds it. */
  place(before) {
    const { items, lifted } = this;
    const from = items.indexOf(lifted);
    const to = before ? items.indexOf(before) : items.length;
    if (to > from) for (const one of items.slice(from + 1, to)) this.list.insertBefore(one, lifted);
    else for (const one of items.slice(to, from).reverse()) lifted.after(one);
  }

  async save(item) {
    const body = new FormData();
    for (const one of this.items) body.append('item', one.dataset.item);
    for (const one of this.before) body.append('before', one.dataset.item);
    body.append('csrf_token', document.querySelector('meta[name="csrf-token"]').content);
    let isSaved = false;
    // one after another: each order says which one it was made of
    const earlier = this.saving;
    let done;
    this.saving = new Promise((resolve) => { done = resolve; });
    try {
      await earlier;
      isSaved = (await fetch(this.dataset.url, { method: 'POST', body, credentials: 'same-origin', headers: { Accept: 'application/json' } })).ok;
    } catch { /* said below */ }
    done();
    this.say(isSaved ? `${this.words.at} ${this.words.saved}` : this.words.failed, item);
    this.dataset.saved = String(isSaved);
    for (const [at, one] of this.items.entries()) {
      one.querySelector('[data-deed="up"] button').disabled = at === 0;
      one.querySelector('[data-deed="down"] button').disabled = at === this.items.length - 1;
    }
  }
}

customElements.define('vl-reorder', Reorder);
