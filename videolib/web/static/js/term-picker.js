// <vl-term-picker>: turns a <select multiple> of vocabulary terms into a filter field and a list of check boxes.
// The select stays in the form, hidden, and is what is posted: without JavaScript the same form works.
const SHOWN_AT_ONCE = 60;

class TermPicker extends HTMLElement {
  connectedCallback() {
    this.select = this.querySelector('select');
    if (!this.select || this.list) return;
    this.select.hidden = true;
    this.chosen = document.createElement('div');
    this.chosen.className = 'chips';
    this.filter = this.makeFilter();
    this.list = document.createElement('div');
    this.list.className = 'picker__list';
    this.list.setAttribute('role', 'group');
    this.list.setAttribute('aria-label', this.dataset.label);
    this.list.tabIndex = -1;
    this.list.addEventListener('change', (event) => this.choose(event.target.value, event.target.checked));
    this.all = this.makeAllButton();
    this.append(this.chosen, this.filter, this.all, this.list);
    this.showChosen();
    this.showList();
  }

  makeFilter() {
    const filter = document.createElement('input');
    filter.type = 'search';
    filter.className = 'input';
    filter.id = `${this.select.id}-filter`;
    filter.placeholder = this.dataset.filterLabel;
    filter.autocomplete = 'off';
    filter.setAttribute('aria-label', `${this.dataset.label}: ${this.dataset.filterLabel}`);
    filter.addEventListener('input', () => this.showList());
    filter.addEventListener('keydown', (event) => {
      if (event.key === 'Enter') event.preventDefault(); // a filter never saves the form
    });
    const label = document.querySelector(`label[for="${this.select.id}"]`);
    if (label) label.htmlFor = filter.id;
    return filter;
  }

  /** Opens the whole list; it stays as it was left, so that nothing moves under a click elsewhere. */
  makeAllButton() {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'button button--small button--quiet picker__all';
    button.textContent = this.dataset.allLabel.replace('{count}', String(this.select.options.length));
    button.setAttribute('aria-expanded', 'false');
    button.addEventListener('click', () => {
      button.setAttribute('aria-expanded', String(button.getAttribute('aria-expanded') === 'false'));
      this.showList();
    });
    return button;
  }

  choose(id, selected) {
    const option = Array.from(this.select.options).find((candidate) => candidate.value === id);
    if (option) option.selected = selected;
    this.showChosen();
    this.select.dispatchEvent(new Event('change', { bubbles: true }));
  }

  showChosen() {
    const chips = Array.from(this.select.selectedOptions, (option) => {
      const chip = document.createElement('button');
      chip.type = 'button';
      chip.className = 'chip chip--on';
      chip.textContent = `${option.label.trim()} ×`;
      chip.setAttribute('aria-label', this.dataset.removeLabel.replace('{term}', option.label.trim()));
      chip.addEventListener('click', () => {
        this.choose(option.value, false);
        this.showList();
        this.filter.focus();
      });
      return chip;
    });
    this.chosen.replaceChildren(...chips);
    this.chosen.hidden = chips.length === 0;
  }

  showList() {
    const words = this.filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    this.list.hidden = words.length === 0 && this.all.getAttribute('aria-expanded') === 'false';
    const fits = (option) => {
      const text = `${option.label} ${option.dataset.other || ''}`.toLowerCase();
      return words.every((word) => text.includes(word));
    };
    const found = Array.from(this.select.options).filter(fits);
    const rows = found.slice(0, words.length ? SHOWN_AT_ONCE : found.length).map((option) => this.makeRow(option, !words.length));
    if (rows.length === 0) {
      const none = document.createElement('p');
      none.className = 'picker__none';
      none.textContent = this.dataset.noneLabel;
      rows.push(none);
    }
    this.list.replaceChildren(...rows);
  }

  makeRow(option, indented) {
    const row = document.createElement('label');
    row.className = indented ? `picker__option picker__option--depth-${option.dataset.depth}` : 'picker__option';
    const box = document.createElement('input');
    box.type = 'checkbox';
    box.value = option.value;
    box.checked = option.selected;
    const text = document.createElement('span');
    text.textContent = option.label.trim();
    row.append(box, text);
    if (option.dataset.other) {
      const other = document.createElement('span');
      other.className = 'picker__other';
      other.lang = this.dataset.otherLang;
      other.textContent = option.dataset.other;
      row.append(other);
    }
    return row;
  }
}

customElements.define('vl-term-picker', TermPicker);
