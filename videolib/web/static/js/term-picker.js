// <vl-term-picker>: turns a <select multiple> of vocabulary terms into a filter field and a list of check boxes.
// The select stays in the form, hidden, and is what is posted: without JavaScript the same form works.
// What is typed is looked for in the page at once, and by the server, which knows synonyms, pinyin and initials.
import { TermOffers } from './term-offers.js';
import './term-proposal.js';
import { makeChip, makeNote, makeRow } from './term-rows.js';

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
    if (this.dataset.offersUrl) this.offers = new TermOffers(this.dataset.offersUrl);
    if (this.dataset.proposeUrl) this.append(this.propose = this.makeProposeButton());
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
    filter.addEventListener('input', () => this.look());
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

  makeProposeButton() {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'button button--small button--quiet picker__propose';
    button.textContent = this.dataset.proposeLabel;
    button.addEventListener('click', () => {
      this.querySelector('vl-term-proposal')?.remove();
      const proposal = document.createElement('vl-term-proposal');
      button.after(proposal);
      proposal.open(this.dataset, this.filter.value.trim());
    });
    this.addEventListener('vl-proposed', (event) => {
      this.offers?.forget();
      this.filter.value = '';
      this.optionOf(event.detail);
      this.choose(event.detail.id, true);
      this.showList();
      this.filter.focus();
    });
    return button;
  }

  look() {
    this.showList();
    this.offers?.ask(this.filter.value.trim(), (terms, typed) => {
      if (typed === this.filter.value.trim()) this.showRows(terms.map((term) => this.optionOf(term)), false);
    });
  }

  /** The option of a term; one that was proposed after the page was made is added to the select. */
  optionOf(term) {
    const known = Array.from(this.select.options).find((option) => option.value === term.id);
    if (known) return known;
    const [here, other] = this.dataset.otherLang === 'en' ? ['zh', 'en'] : ['en', 'zh'];
    const option = new Option(term.labels[here], term.id);
    option.dataset.depth = '0';
    option.dataset.other = term.labels[other];
    this.select.append(option);
    return option;
  }

  choose(id, selected) {
    const option = Array.from(this.select.options).find((candidate) => candidate.value === id);
    if (option) option.selected = selected;
    this.showChosen();
    this.select.dispatchEvent(new Event('change', { bubbles: true }));
  }

  showChosen() {
    const chips = Array.from(this.select.selectedOptions, (option) => {
      const chip = makeChip(option.label.trim(), this.dataset.removeLabel);
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
    if (this.propose) this.propose.hidden = words.length === 0; // what is there is looked for first
    this.list.hidden = words.length === 0 && this.all.getAttribute('aria-expanded') === 'false';
    const fits = (option) => {
      const text = `${option.label} ${option.dataset.other || ''}`.toLowerCase();
      return words.every((word) => text.includes(word));
    };
    const found = Array.from(this.select.options).filter(fits);
    this.showRows(found.slice(0, words.length ? SHOWN_AT_ONCE : found.length), !words.length);
  }

  showRows(options, indented) {
    const rows = options.map((option) => makeRow(option, indented, this.dataset.otherLang));
    if (rows.length === 0) rows.push(makeNote(this.dataset.noneLabel));
    this.list.replaceChildren(...rows);
  }
}

customElements.define('vl-term-picker', TermPicker);
