// <vl-own-notes>: private notes and bookmarks without leaving the player: forms are sent in place and the list comes back.
import { exactClock, whenReady } from './player-ready.js';

class OwnNotes extends HTMLElement {
  connectedCallback() {
    this.addEventListener('submit', (event) => this.send(event));
    this.addEventListener('click', (event) => this.go(event));
    this.addEventListener('focusin', (event) => { if (event.target.matches('[data-new] textarea')) this.takeTime(); });
    this.addEventListener('keydown', (event) => {
      // Enter that ends a Chinese word sends nothing; Ctrl or Command with Enter does
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && !event.isComposing && event.target.form) {
        event.preventDefault();
        event.target.form.querySelector('button').click();
      }
    });
    const bookmark = document.querySelector('[data-bookmark]');
    bookmark?.addEventListener('click', () => this.bookmark());
    whenReady((host) => host.player.addEventListener('seeked', () => this.takeTime()));
  }

  takeTime() {
    const field = this.querySelector('[data-new] input[name="at"]');
    const text = this.querySelector('[data-new] textarea');
    const host = document.querySelector('vl-player');
    // a note keeps the moment at which writing began
    if (field && host?.player && !text.value) field.value = exactClock(host.currentTime);
  }

  bookmark() {
    const form = this.querySelector('[data-new]');
    const sent = new FormData(form);
    sent.set('at', exactClock(document.querySelector('vl-player').currentTime));
    sent.set('text', '');
    return this.post(form.action, sent);
  }

  async send(event) {
    event.preventDefault();
    const sent = new FormData(event.target);
    if (await this.post(event.target.action, sent) && event.target.isConnected) event.target.reset();
  }

  /** Sends a form and puts the list that comes back in place of the one here. */
  async post(url, sent) {
    const said = this.querySelector('[role="status"]');
    try {
      const response = await fetch(url, { method: 'POST', body: sent, credentials: 'same-origin', headers: { Accept: 'text/html', 'X-Part': 'notes' } });
      if (!response.ok) throw new Error(String(response.status));
      const page = new DOMParser().parseFromString(await response.text(), 'text/html');
      this.querySelector('.own-notes').replaceWith(document.importNode(page.querySelector('.own-notes'), true));
      said.textContent = this.dataset.saved;
      return true;
    } catch {
      said.textContent = this.dataset.failed;
      return false;
    }
  }

  go(event) {
    const link = event.target.closest('a[data-start]');
    if (!link || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    document.querySelector('vl-player').seek(Number(link.dataset.start));
  }
}

customElements.define('vl-own-notes', OwnNotes);
