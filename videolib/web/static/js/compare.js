// <vl-compare>: two recordings on one clock. The first leads; the second keeps the distance that the chosen step gives.
import { attach, follow } from './hls-pane.js';
import { fetchPlayback } from './playback.js';
import { exactClock, isTyping } from './player-ready.js';
import { keepHere, watermark } from './watermark.js';

const EVERY_MS = 200;
const FRAME_S = 0.04;
const LATER_MS = 5000;

class Compare extends HTMLElement {
  connectedCallback() {
    this.sides = [...this.querySelectorAll('video')];
    if (this.sides.length < 2) return;
    for (const hidden of this.querySelectorAll('[data-scripted], [data-time]')) hidden.hidden = false;
    this.starts = this.sides.map((video) => Number(video.dataset.start));
    this.sides.forEach((video, at) => {
      video.controls = false;
      if (video.dataset.watermark) keepHere(video);
      watermark(video.closest('.compare__frame'), video.dataset.watermark);
      video.removeAttribute('src');
      this.load(video, video.dataset.url, this.starts[at]);
      video.addEventListener('vl-lost', () => this.renew(video, at));
      video.addEventListener('click', () => this.toggle());
    });
    // sound of two recordings at once helps nobody
    this.sides[1].muted = true;
    for (const name of ['seeked', 'play', 'pause', 'ratechange', 'loadeddata']) this.sides[0].addEventListener(name, () => this.keep());
    this.sides[1].addEventListener('loadeddata', () => this.keep());
    this.addEventListener('click', (event) => this.click(event));
    this.querySelector('select').addEventListener('change', (event) => {
      this.sides[0].playbackRate = Number(event.target.value);
    });
    document.addEventListener('keydown', (event) => this.key(event));
    this.timer = window.setInterval(() => this.keep(), EVERY_MS);
  }

  disconnectedCallback() {
    window.clearInterval(this.timer);
  }

  load(video, url, at) {
    video.leave?.();
    video.leave = attach(video, url, at);
  }

  /** A signed address has run out, or the network is gone: fresh ones, at the same place. */
  async renew(video, at) {
    const said = this.querySelector('[data-said]');
    try {
      const playback = await fetchPlayback(video.dataset.playbackUrl);
      this.load(video, playback.hls_url, video.currentTime || this.starts[at]);
      said.textContent = '';
    } catch {
      said.textContent = this.dataset.lost;
      window.setTimeout(() => this.renew(video, at), LATER_MS);
    }
  }

  get since() {
    return this.sides[0].currentTime - this.starts[0];
  }

  go(since) {
    this.sides.forEach((video, at) => { video.currentTime = Math.max(0, this.starts[at] + since); });
    this.keep();
  }

  toggle() {
    const [first] = this.sides;
    if (first.paused) first.play().catch(() => {});
    else first.pause();
  }

  click(event) {
    const place = event.target.closest('a[data-starts], button');
    if (!place || event.metaKey || event.ctrlKey) return;
    const { starts, jump, frame, nudge } = place.dataset;
    if (starts !== undefined) {
      event.preventDefault();
      history.replaceState(history.state, '', place.href);
      for (const other of this.querySelectorAll('a[data-starts]')) other.removeAttribute('aria-current');
      place.setAttribute('aria-current', 'true');
      this.starts = JSON.parse(starts);
      this.go(0);
    } else if (jump !== undefined) this.go(this.since + Number(jump));
    else if (frame !== undefined) this.step(Number(frame));
    else if (nudge !== undefined) {
      this.starts[1] += Number(nudge);
      this.keep();
    } else if (place.dataset.play !== undefined) this.toggle();
  }

  step(count) {
    this.sides[0].pause();
    this.go(this.since + count * FRAME_S);
  }

  key(event) {
    if (isTyping(event.target) || event.target.closest?.('button, select, a') || event.ctrlKey || event.metaKey || event.altKey) return;
    const deed = { k: () => this.toggle(), ' ': () => this.toggle(), ',': () => this.step(-1), '.': () => this.step(1), ArrowLeft: () => this.go(this.since - 5), ArrowRight: () => this.go(this.since + 5) }[event.key];
    if (!deed) return;
    event.preventDefault();
    deed();
  }

  keep() {
    const [first, second] = this.sides;
    const time = Math.max(0, this.starts[1] + this.since);
    // one that waits for its pictures holds the other
    follow(second, { time: Math.min(time, second.duration || time), paused: first.paused || first.seeking || first.readyState < 3, rate: first.playbackRate });
    this.querySelectorAll('[data-time]').forEach((text, at) => { text.textContent = exactClock(this.sides[at].currentTime); });
    const word = this.querySelector('[data-play-word]');
    word.textContent = first.paused ? word.dataset.playWord : word.dataset.pauseWord;
  }
}

customElements.define('vl-compare', Compare);
