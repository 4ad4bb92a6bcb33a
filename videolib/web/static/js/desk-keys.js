// <vl-desk-keys>: work through findings by keys: N and B go to the next and the one before, A takes out, D dismisses.
// As the player's own they can be switched off, and none works inside a field.
import { areKeysOff } from './player-keys.js';

class DeskKeys extends HTMLElement {
  connectedCallback() {
    this.onKey = (event) => this.press(event);
    document.addEventListener('keydown', this.onKey);
  }

  disconnectedCallback() {
    document.removeEventListener('keydown', this.onKey);
  }

  get findings() {
    return [...this.querySelectorAll('[data-finding]')];
  }

  /** The finding that is looked at: with the focus in it, else the one that was shown last. */
  get now() {
    return document.activeElement?.closest?.('[data-finding]') ?? this.shown ?? null;
  }

  press(event) {
    if (areKeysOff() || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest?.('input, textarea, select, [contenteditable]')) return;
    const act = { n: () => this.go(1), b: () => this.go(-1), a: () => this.take(), d: () => this.dismiss() }[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
  }

  go(by) {
    const open = this.findings.filter((one) => one.dataset.decision === 'open');
    const all = open.length ? open : this.findings;
    const at = all.indexOf(this.now);
    this.shown = all[at < 0 ? 0 : Math.min(all.length - 1, Math.max(0, at + by))];
    const link = this.shown?.querySelector('a[data-start]');
    link?.focus();
    link?.click();
    this.shown?.scrollIntoView({ block: 'nearest' });
  }

  take() {
    if (this.now?.dataset.decision === 'open') this.now.querySelector('button[value="accepted"]').click();
  }

  dismiss() {
    this.now?.querySelector('input[name="reason"]')?.focus();
  }
}

customElements.define('vl-desk-keys', DeskKeys);
