// <vl-shortcut-list>: the list of keyboard shortcuts; "?" opens it, a check box switches the shortcuts off for good.
import { areKeysOff, rememberKeysOff } from './player-keys.js';

const TYPING = 'input:not([type="checkbox"]), textarea, select, [contenteditable]';

class ShortcutList extends HTMLElement {
  connectedCallback() {
    const fold = this.querySelector('details');
    const box = this.querySelector('input[type="checkbox"]');
    box.checked = !areKeysOff();
    box.addEventListener('change', () => {
      rememberKeysOff(!box.checked);
      document.querySelector('vl-player')?.setKeysOff(!box.checked);
    });
    this.onKey = (event) => {
      if (event.key !== '?' || areKeysOff() || (event.target instanceof Element && event.target.closest(TYPING))) return;
      event.preventDefault();
      fold.open = true;
      fold.querySelector('summary').focus();
      fold.scrollIntoView({ block: 'nearest' });
    };
    document.addEventListener('keydown', this.onKey);
  }

  disconnectedCallback() {
    document.removeEventListener('keydown', this.onKey);
  }
}

customElements.define('vl-shortcut-list', ShortcutList);
