// <vl-search-box>: "/" puts the focus in the search field, an Enter that ends a Chinese composition does not submit.
const TYPING = 'input, textarea, select, [contenteditable]';

class SearchBox extends HTMLElement {
  connectedCallback() {
    this.input = this.querySelector('input[type="search"]');
    this.onKey = (event) => {
      if (event.key !== '/' || event.metaKey || event.ctrlKey || event.altKey) return;
      if (event.target instanceof Element && event.target.closest(TYPING)) return;
      event.preventDefault();
      this.input.focus();
      this.input.select();
    };
    document.addEventListener('keydown', this.onKey);
    this.input.addEventListener('keydown', (event) => {
      // Safari ends the composition before it reports the key: 229 is its word for "still the input method's".
      if (event.key === 'Enter' && (event.isComposing || event.keyCode === 229)) event.preventDefault();
    });
    this.querySelector('form').addEventListener('submit', (event) => {
      if (this.input.value.trim() !== '') return;
      event.preventDefault();
      this.input.focus();
    });
  }

  disconnectedCallback() {
    document.removeEventListener('keydown', this.onKey);
  }
}

customElements.define('vl-search-box', SearchBox);
