// <vl-played data-url data-seen>: tells the service what the player has really played, so that watching counts.
import { whenReady } from './player-ready.js';

const TELL_MS = 4000;
// a step is playing when it is no longer than the clock allows at double speed, and a frame or two
const FASTEST = 2.2;
const FRAMES_S = 0.15;

class Played extends HTMLElement {
  connectedCallback() {
    this.stretches = [];
    this.before = null;
    this.stop = new AbortController();
    const { signal } = this.stop;
    this.telling = window.setInterval(() => this.tell(), TELL_MS);
    document.addEventListener('vl-time', (event) => this.step(event.detail), { signal });
    whenReady(({ player }) => {
      player.addEventListener('play', () => { this.before = [player.currentTime, performance.now()]; }, { signal });
      for (const name of ['pause', 'ended']) player.addEventListener(name, () => { this.step(player.currentTime, true); this.tell(); }, { signal });
      this.isPaused = () => player.paused;
    });
  }

  disconnectedCallback() {
    this.stop.abort();
    window.clearInterval(this.telling);
  }

  /** What lies between two looks was played where the time went on as a clock does; a jump is not. */
  step(now, isLast = false) {
    const [from, at] = this.before ?? [now, performance.now()];
    const elapsed = (performance.now() - at) / 1000;
    const played = this.before !== null && now > from && now - from <= FASTEST * elapsed + FRAMES_S;
    this.before = isLast || !this.isPaused || this.isPaused() ? null : [now, performance.now()];
    if (!played) return;
    const open = this.stretches[this.stretches.length - 1];
    if (open && Math.abs(open[1] - from) < 0.01) open[1] = now;
    else this.stretches.push([from, now]);
  }

  async tell() {
    if (this.stretches.length === 0) return;
    const played = this.stretches;
    this.stretches = [];
    const token = document.querySelector('meta[name="csrf-token"]')?.content ?? '';
    const headers = { 'Content-Type': 'application/json', Accept: 'application/json', 'X-CSRFToken': token };
    const body = JSON.stringify({ played });
    const response = await fetch(this.dataset.url, { method: 'POST', headers, body, credentials: 'same-origin' }).catch(() => null);
    if (!response?.ok) {
      // tried again with the next; a session that has ended is taken up in place
      this.stretches.unshift(...played);
      return;
    }
    const { windows } = await response.json();
    for (const [start, , seen] of windows) {
      const badge = [...this.querySelectorAll('[data-window]')].find((one) => Number(one.dataset.window) === start);
      if (badge && seen) {
        badge.textContent = this.dataset.seen;
        badge.classList.add('badge--good');
      }
    }
  }
}

customElements.define('vl-played', Played);
