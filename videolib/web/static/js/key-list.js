// <vl-key-list>: "?" opens the list of this page's keys: those of every page, then what the page itself lists.
import { areKeysOff } from './player-keys.js';
import { isTyping } from './player-ready.js';

class KeyList extends HTMLElement {
  connectedCallback() {
    this.dialog = this.querySelector('dialog');
    // on the window: a page with a list of its own has answered before
    this.onKey = (event) => {
      if (event.key !== '?' || event.defaultPrevented || areKeysOff() || isTyping(event.target)) return;
      event.preventDefault();
      this.open();
    };
    window.addEventListener('keydown', this.onKey);
  }

  disconnectedCallback() {
    window.removeEventListener('keydown', this.onKey);
  }

  open() {
    if (this.dialog.open) return;
    if (this.querySelectorAll('.keys').length === 1) {
      for (const list of document.querySelectorAll('main .keys')) this.querySelector('form').before(list.cloneNode(true));
    }
    this.dialog.showModal();
  }
}

customElements.define('vl-key-list', KeyList);
