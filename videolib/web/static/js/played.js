// <vl-played data-url data-seen>: tells the service what the player has really played, so that watching counts.
const LOOK_MS = 500;
const TELL_MS = 4000;

class Played extends HTMLElement {
  connectedCallback() {
    this.stretches = [];
    this.last = null;
    this.looking = window.setInterval(() => this.look(), LOOK_MS);
    this.telling = window.setInterval(() => this.tell(), TELL_MS);
  }

  disconnectedCallback() {
    window.clearInterval(this.looking);
    window.clearInterval(this.telling);
  }

  /** What lies between two looks was played only if the time went on as a clock does, at most twice as fast. */
  look() {
    const now = document.querySelector('vl-player')?.currentTime;
    if (typeof now !== 'number') return;
    const before = this.last;
    this.last = now;
    if (before === null || now <= before || now - before > (LOOK_MS / 1000) * 2.5) return;
    const open = this.stretches[this.stretches.length - 1];
    if (open && Math.abs(open[1] - before) < 0.01) open[1] = now;
    else this.stretches.push([before, now]);
  }

  async tell() {
    if (this.stretches.length === 0) return;
    const played = this.stretches;
    this.stretches = [];
    const token = document.querySelector('meta[name="csrf-token"]')?.content ?? '';
    const headers = { 'Content-Type': 'application/json', Accept: 'application/json', 'X-CSRFToken': token };
    const body = JSON.stringify({ played });
    const response = await fetch(this.dataset.url, { method: 'POST', headers, body, credentials: 'same-origin' });
    if (!response.ok) return;
    const { windows } = await response.json();
    for (const [start, , seen] of windows) {
      const badge = this.querySelector(`[data-window="${start}"]`);
      if (badge && seen) {
        badge.textContent = this.dataset.seen;
        badge.classList.add('badge--good');
      }
    }
  }
}

customElements.define('vl-played', Played);
