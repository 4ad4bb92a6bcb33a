// <vl-beside>: shows another picture beside the player's, on its clock: a view of the recording (second plane, subtracted)
// that a list offers, or with data-second what another camera saw, which a button hides; that is remembered.
import { attach, follow } from './hls-pane.js';
import { whenReady } from './player-ready.js';
import { keepHere, watermark } from './watermark.js';

const EVERY_MS = 250;
const HIDDEN = 'videolib-second-hidden';
const CLOCK_EVENTS = ['seeking', 'seeked', 'play', 'pause', 'rate-change', 'playing'];

class Beside extends HTMLElement {
  connectedCallback() {
    this.control = this.querySelector('select, button');
    whenReady((host) => {
      this.host = host;
      for (const name of CLOCK_EVENTS) host.player.addEventListener(name, () => this.keep());
      if ('second' in this.dataset) this.offerSecond();
      else this.control.addEventListener('change', () => this.choose(() => this.host.playback.views?.find(({ name }) => name === this.control.value)));
    });
  }

  offerSecond() {
    this.control.addEventListener('click', () => {
      if (this.pane) localStorage.setItem(HIDDEN, '1');
      else localStorage.removeItem(HIDDEN);
      this.showSecond();
    });
    this.showSecond();
  }

  showSecond() {
    const isHidden = localStorage.getItem(HIDDEN) === '1';
    this.control.setAttribute('aria-pressed', String(!isHidden));
    this.choose(() => (isHidden ? undefined : this.host.playback.second));
    // there no more: taken away since this page was opened
    this.hidden = !this.host.playback.second;
  }

  /** @param {() => { label: string, hls_url: string, offset_s?: number, duration_s?: number } | undefined} find what to show, as the newest addresses say */
  choose(find) {
    window.clearInterval(this.timer);
    this.leave?.();
    this.unmark?.();
    this.pane?.remove();
    this.pane = undefined;
    this.shown = find();
    this.host.classList.toggle('is-shared', Boolean(this.shown));
    if (!this.shown) return;
    this.pane = document.createElement('div');
    this.pane.className = 'beside';
    const label = document.createElement('p');
    label.className = 'beside__label';
    label.textContent = this.shown.label;
    this.video = document.createElement('video');
    Object.assign(this.video, { muted: true, playsInline: true, disableRemotePlayback: true });
    this.video.setAttribute('aria-label', this.shown.label);
    this.pane.append(this.video, label);
    this.host.append(this.pane);
    if (this.host.playback.watermark) keepHere(this.video);
    this.unmark = watermark(this.pane, this.host.playback.watermark);
    this.leave = attach(this.video, this.shown.hls_url, this.moment);
    this.video.addEventListener('loadeddata', () => this.keep());
    // signed addresses of both run out together, and one that was taken away answers so: the player's new ones say which
    this.video.addEventListener('vl-lost', () => this.host.renew().then(() => ('second' in this.dataset ? this.showSecond() : this.choose(find))), { once: true });
    this.timer = window.setInterval(() => this.keep(), EVERY_MS);
  }

  get moment() {
    const last = this.shown.duration_s ? this.shown.duration_s - 0.05 : Infinity;
    return Math.min(last, Math.max(0, this.host.currentTime + (this.shown.offset_s ?? 0)));
  }

  keep() {
    if (!this.pane) return;
    const { state } = this.host.player;
    const time = this.host.currentTime + (this.shown.offset_s ?? 0);
    // where this one was not recorded yet, or no more, it stands still
    const isThere = Math.abs(time - this.moment) < 0.001;
    this.pane.classList.toggle('is-away', !isThere);
    follow(this.video, { time: this.moment, paused: state.paused || state.waiting || !isThere, rate: state.playbackRate });
  }

  disconnectedCallback() {
    window.clearInterval(this.timer);
    this.leave?.();
    this.unmark?.();
  }
}

customElements.define('vl-beside', Beside);
