// <vl-shortcut-list>: the list of keyboard shortcuts; "?" opens it, a check box switches the shortcuts off for good.
import { areKeysOff, rememberKeysOff } from './player-keys.js';
import { isTyping } from './player-ready.js';

class ShortcutList extends HTMLElement {
  connectedCallback() {
    const box = this.querySelector('input[type="checkbox"]');
    box.checked = !areKeysOff();
    box.addEventListener('change', () => {
      rememberKeysOff(!box.checked);
      document.querySelector('vl-player')?.setKeysOff(!box.checked);
    });
    this.onKey = (event) => {
      if (event.key !== '?' || areKeysOff() || isTyping(event.target)) return;
      event.preventDefault();
      const tab = document.getElementById(`tab-${this.closest('section').id}`);
      tab?.click();
      (tab ?? box).focus();
      this.scrollIntoView({ block: 'nearest' });
    };
    document.addEventListener('keydown', this.onKey);
  }

  disconnectedCallback() {
    document.removeEventListener('keydown', this.onKey);
  }
}

customElements.define('vl-shortcut-list', ShortcutList);
