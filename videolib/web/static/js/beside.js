// <vl-beside>: shows a second view of the recording (room camera, second plane, subtracted) beside the first, on its clock.
import { attach, follow } from './hls-pane.js';
import { whenReady } from './player-ready.js';

const EVERY_MS = 250;

class Beside extends HTMLElement {
  connectedCallback() {
    this.select = this.querySelector('select');
    whenReady((host) => {
      this.host = host;
      this.select.addEventListener('change', () => this.choose(this.select.value));
      for (const name of ['seeking', 'seeked', 'play', 'pause', 'rate-change', 'playing']) host.player.addEventListener(name, () => this.keep());
    });
  }

  choose(name) {
    window.clearInterval(this.timer);
    this.leave?.();
    this.pane?.remove();
    this.pane = undefined;
    const view = (this.host.playback.views ?? []).find((one) => one.name === name);
    this.host.classList.toggle('is-shared', Boolean(view));
    if (!view) return;
    this.pane = document.createElement('div');
    this.pane.className = 'beside';
    const label = document.createElement('p');
    label.className = 'beside__label';
    label.textContent = view.label;
    this.video = document.createElement('video');
    Object.assign(this.video, { muted: true, playsInline: true, disableRemotePlayback: true });
    this.video.setAttribute('aria-label', view.label);
    this.pane.append(this.video, label);
    this.host.append(this.pane);
    this.leave = attach(this.video, view.hls_url, this.host.currentTime);
    this.video.addEventListener('loadeddata', () => this.keep());
    // signed addresses of both run out together: once the player has new ones, this asks for its own
    this.video.addEventListener('vl-lost', () => this.host.renew().then(() => this.choose(name)), { once: true });
    this.timer = window.setInterval(() => this.keep(), EVERY_MS);
  }

  keep() {
    if (!this.pane) return;
    const { state } = this.host.player;
    follow(this.video, { time: this.host.currentTime, paused: state.paused || state.waiting, rate: state.playbackRate });
  }

  disconnectedCallback() {
    window.clearInterval(this.timer);
    this.leave?.();
  }
}

customElements.define('vl-beside', Beside);
