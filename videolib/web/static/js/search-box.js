// <vl-search-box>: "/" puts the focus in the search field, an Enter that ends a Chinese composition does not submit,
// and what is typed is completed in a list (ARIA combobox): arrows choose, Enter goes there, Escape closes.
const TYPING = 'input, textarea, select, [contenteditable]';
const WAIT_MS = 90;
const LIST_ID = 'search-suggestions';

class SearchBox extends HTMLElement {
  connectedCallback() {
    this.input = this.querySelector('input[type="search"]');
    this.form = this.querySelector('form');
    this.onKey = (event) => this.focusBySlash(event);
    document.addEventListener('keydown', this.onKey);
    this.makeList();
    this.input.addEventListener('keydown', (event) => this.choose(event));
    this.input.addEventListener('input', () => this.ask());
    this.input.addEventListener('blur', () => this.close());
    this.form.addEventListener('submit', (event) => {
      if (this.input.value.trim() !== '') return;
      event.preventDefault();
      this.input.focus();
    });
  }

  disconnectedCallback() {
    document.removeEventListener('keydown', this.onKey);
    clearTimeout(this.timer);
  }

  focusBySlash(event) {
    if (event.key !== '/' || event.metaKey || event.ctrlKey || event.altKey) return;
    if (event.target instanceof Element && event.target.closest(TYPING)) return;
    event.preventDefault();
    this.input.focus();
    this.input.select();
  }

  makeList() {
    this.list = document.createElement('div');
    this.list.className = 'suggestions';
    this.list.id = LIST_ID;
    this.list.hidden = true;
    this.list.setAttribute('role', 'listbox');
    this.list.setAttribute('aria-label', this.dataset.label);
    // a press must not take the focus from the field before the click arrives
    this.list.addEventListener('mousedown', (event) => event.preventDefault());
    this.form.append(this.list);
    const states = { role: 'combobox', 'aria-autocomplete': 'list', 'aria-controls': LIST_ID, 'aria-expanded': 'false' };
    for (const [name, value] of Object.entries(states)) this.input.setAttribute(name, value);
  }

  ask() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.load(), WAIT_MS);
  }

  async load() {
    const typed = this.input.value.trim();
    this.asked = typed;
    if (!typed || !this.dataset.url) return this.close();
    let items = [];
    try {
      const answer = await fetch(`${this.dataset.url}?q=${encodeURIComponent(typed)}`, { headers: { Accept: 'application/json' } });
      if (answer.ok) items = (await answer.json()).items;
    } catch {
      return; // without suggestions the field works as before
    }
    // an answer that comes late, or to a field that was left, is of no use
    if (this.asked !== typed || this.input !== document.activeElement) return;
    this.show(items);
  }

  show(items) {
    this.list.replaceChildren(...items.map((item, number) => this.makeOption(item, number)));
    this.at = -1;
    this.list.hidden = items.length === 0;
    this.input.setAttribute('aria-expanded', String(items.length > 0));
    this.input.removeAttribute('aria-activedescendant');
  }

  makeOption(item, number) {
    const option = document.createElement('div');
    option.className = 'suggestion';
    option.id = `${LIST_ID}-${number}`;
    option.setAttribute('role', 'option');
    option.setAttribute('aria-selected', 'false');
    option.dataset.text = item.text;
    if (item.url) option.dataset.url = item.url;
    const text = document.createElement('span');
    text.className = 'suggestion__text';
    text.textContent = item.text;
    const kind = document.createElement('span');
    kind.className = 'suggestion__kind';
    kind.textContent = this.dataset[item.kind] ?? '';
    option.append(text, kind);
    option.addEventListener('click', () => this.take(option));
    return option;
  }

  choose(event) {
    const options = Array.from(this.list.children);
    // Safari ends the composition before it reports the key: 229 is its word for "still the input method's".
    const composing = event.isComposing || event.keyCode === 229;
    if (event.key === 'Enter' && composing) event.preventDefault();
    if (composing || this.list.hidden) return;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      const step = event.key === 'ArrowDown' ? 1 : -1;
      // one place more than there are options: the field itself
      this.at = ((this.at + 1 + step + options.length + 1) % (options.length + 1)) - 1;
      options.forEach((option, number) => option.setAttribute('aria-selected', String(number === this.at)));
      options[this.at]?.scrollIntoView({ block: 'nearest' });
      if (this.at < 0) this.input.removeAttribute('aria-activedescendant');
      else this.input.setAttribute('aria-activedescendant', options[this.at].id);
    } else if (event.key === 'Enter' && this.at >= 0) {
      event.preventDefault();
      this.take(options[this.at]);
    } else if (event.key === 'Escape') {
      event.preventDefault();
      this.close();
    }
  }

  take(option) {
    this.close();
    if (option.dataset.url) {
      window.location.assign(option.dataset.url);
      return;
    }
    this.input.value = option.dataset.text;
    this.form.requestSubmit();
  }

  close() {
    clearTimeout(this.timer);
    this.asked = null;
    this.show([]);
  }
}

customElements.define('vl-search-box', SearchBox);
