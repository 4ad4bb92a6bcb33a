// <vl-watch-reporter>: notes which stretches are really played and tells the library, every few seconds and at the end.
// Seeking, pausing and stepping by frame are no watching. The bar below the picture shows what counts, with its gaps.
import { whenReady } from './player-ready.js';
import { WatchLog } from './watch-log.js';

const EVERY_MS = 10000;
const LONGEST_STEP_S = 2;

class WatchReporter extends HTMLElement {
  connectedCallback() {
    this.log = new WatchLog(this.dataset.person, document.querySelector('meta[name="csrf-token"]').content);
    this.played = [];
    this.number = 0;
    whenReady((host) => this.follow(host));
  }

  follow(host) {
    const { player } = host;
    this.host = host;
    // asked for at once: what is credited is bounded by the library's own clock, which begins with the viewing
    player.addEventListener('play', () => { this.viewing ??= this.ask(); });
    player.addEventListener('playing', () => this.begin());
    player.addEventListener('time-update', () => this.note());
    for (const name of ['play', 'seeking', 'waiting']) player.addEventListener(name, () => { this.stood = player.currentTime; });
    for (const name of ['pause', 'waiting', 'rate-change', 'ended']) player.addEventListener(name, () => this.reach());
    for (const name of ['pause', 'seeking', 'waiting', 'ended']) player.addEventListener(name, () => this.close());
    player.addEventListener('pause', () => this.report());
    for (const name of ['seeked', 'rate-change']) player.addEventListener(name, () => { if (!player.state.paused) this.begin(); });
    window.addEventListener('online', () => this.report());
    window.addEventListener('pagehide', () => { this.close(); this.report({ leaving: true }); });
    document.addEventListener('visibilitychange', () => { if (document.hidden) this.report(); });
    this.timer = window.setInterval(() => this.report(), EVERY_MS);
    this.log.send();
  }

  begin() {
    const { player } = this.host;
    this.close();
    const now = player.currentTime;
    const rate = player.state.playbackRate;
    // on a busy machine the word of it comes late: it has played from where it stood
    const start = this.stood <= now && now - this.stood <= LONGEST_STEP_S * Math.max(1, rate) ? this.stood : now;
    this.stood = undefined;
    this.open = { start_s: start, end_s: now, rate };
    this.viewing ??= this.ask();
  }

  async ask() {
    const headers = { Accept: 'application/json', 'X-CSRFToken': this.log.token };
    try {
      const response = await fetch(this.dataset.url, { method: 'POST', headers, credentials: 'same-origin' });
      if (!response.ok) throw new Error(String(response.status));
      this.reportsUrl = (await response.json()).reports_url;
      return this.reportsUrl;
    } catch {
      this.viewing = undefined; // the next beginning asks again
      return null;
    }
  }

  /** The picture knows of a jump before the player tells of it. */
  get isSeeking() {
    return this.host.player.state.seeking || this.host.querySelector('video')?.seeking === true;
  }

  note() {
    const { player } = this.host;
    if (!this.open || player.state.paused || this.isSeeking) return;
    const now = player.currentTime;
    // a jump that no event told of is not watched either
    if (now < this.open.end_s || now - this.open.end_s > LONGEST_STEP_S * Math.max(1, this.open.rate)) this.begin();
    else this.open.end_s = now;
  }

  /** Where it stopped: the player tells its time four times a second, a busy one less, and what came after was played, too. */
  reach() {
    const now = this.host.player.currentTime;
    if (!this.open || this.isSeeking) return;
    const most = LONGEST_STEP_S * Math.max(1, this.open.rate);
    if (now > this.open.end_s && now - this.open.end_s < most) this.open.end_s = now;
  }

  close() {
    const { open } = this;
    this.open = undefined;
    if (open && open.end_s > open.start_s) this.played.push({ ...open, rate: Math.min(2, Math.max(0.25, open.rate)) });
  }

  async report({ leaving = false } = {}) {
    const { player } = this.host;
    if (this.open && this.open.end_s > this.open.start_s) {
      const going = { ...this.open, start_s: this.open.end_s };
      this.close();
      this.open = leaving ? undefined : going;
    }
    if (this.played.length > 0) this.viewing ??= this.ask();
    const reportsUrl = leaving ? this.reportsUrl : await this.viewing;
    if (!reportsUrl) return;
    const place = player.currentTime;
    if (this.played.length > 0 || place !== this.place) {
      this.number += 1;
      this.place = place;
      this.log.add(reportsUrl, { report: this.number, place_s: place, played: this.played.splice(0) });
    }
    this.show(await this.log.send({ leaving, wanted: reportsUrl }));
  }

  /** The bar of what has been watched, as the library counts it. */
  show(answer) {
    if (answer && this.isConnected) document.dispatchEvent(new CustomEvent('vl-watched', { detail: answer }));
    const bar = document.querySelector('.watched[data-live]');
    if (!answer || !bar || answer.duration_s <= 0) return;
    const drawing = bar.querySelector('svg');
    drawing.replaceChildren(...answer.spans_s.map(([start, end]) => {
      const rect = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
      const sizes = { x: (start / answer.duration_s) * 1000, y: 0, width: Math.max(1, ((end - start) / answer.duration_s) * 1000), height: 8 };
      for (const [name, value] of Object.entries(sizes)) rect.setAttribute(name, value);
      return rect;
    }));
    bar.hidden = false;
    bar.querySelector('.watched__text').textContent = bar.dataset.words.replace('{percent}', Math.round(answer.share * 100));
  }

  disconnectedCallback() {
    window.clearInterval(this.timer);
  }
}

customElements.define('vl-watch-reporter', WatchReporter);
