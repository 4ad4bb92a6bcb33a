// <vl-align>: two recordings of one procedure, each stepped to the same moment by frame; the form then keeps both times.
import { attach, follow } from './hls-pane.js';
import { exactClock, isTyping } from './player-ready.js';

const EVERY_MS = 200;

class Align extends HTMLElement {
  connectedCallback() {
    this.sides = [...this.querySelectorAll('[data-side]')].map((side) => ({
      video: side.querySelector('video'), time: side.querySelector('output'), field: document.getElementById(side.dataset.side), fps: Number(side.dataset.fps), side,
    }));
    this.chosen = this.sides[0];
    for (const hidden of this.querySelectorAll('[data-scripted]')) hidden.hidden = false;
    for (const one of this.sides) {
      const { video, side } = one;
      video.controls = false;
      video.removeAttribute('src');
      attach(video, video.dataset.url, Number(one.field.value) || 0);
      video.addEventListener('loadedmetadata', () => { if (video.currentTime === 0) video.currentTime = Number(one.field.value) || 0; }, { once: true });
      for (const name of ['timeupdate', 'seeked', 'loadeddata']) video.addEventListener(name, () => { one.time.textContent = exactClock(video.currentTime); });
      for (const name of ['pointerdown', 'focusin']) side.addEventListener(name, () => this.take(one));
      side.addEventListener('click', ({ target }) => this.press(one, target.closest('button')?.dataset));
    }
    this.sides[1].video.muted = true;
    this.take(this.chosen);
    document.addEventListener('keydown', (event) => this.key(event));
    this.querySelector('[data-try]').addEventListener('click', () => this.tryBoth());
    this.querySelector('[data-same]').addEventListener('click', () => {
      for (const { field, video } of this.sides) field.value = video.currentTime.toFixed(3);
    });
  }

  take(one) {
    this.chosen = one;
    for (const other of this.sides) other.side.classList.toggle('is-chosen', other === one);
  }

  press(one, { step, jump, play } = {}) {
    if (step) this.step(one, Number(step));
    else if (jump) this.go(one, one.video.currentTime + Number(jump));
    else if (play !== undefined) this.toggle(one);
  }

  step(one, count) {
    // presses while it still seeks count from where it is going; the middle of a frame, where rounding does no harm
    this.go(one, (Math.floor(one.video.currentTime * one.fps + 1e-3) + count + 0.5) / one.fps);
  }

  go(one, seconds) {
    this.stop();
    one.video.pause();
    one.video.currentTime = Math.max(0, Math.min(seconds, (one.video.duration || Infinity) - 0.5 / one.fps));
  }

  toggle({ video }) {
    this.stop();
    if (video.paused) video.play().catch(() => {});
    else video.pause();
  }

  /** Plays both from here on, at the distance at which they stand. */
  tryBoth() {
    const [first, second] = this.sides.map(({ video }) => video);
    if (this.timer) {
      this.stop();
      first.pause();
      return;
    }
    const off = second.currentTime - first.currentTime;
    const keep = () => follow(second, { time: Math.max(0, first.currentTime + off), paused: first.paused || first.readyState < 3, rate: 1 });
    first.play().catch(() => {});
    this.timer = window.setInterval(keep, EVERY_MS);
  }

  stop() {
    window.clearInterval(this.timer);
    if (this.timer) this.sides[1].video.pause();
    this.timer = undefined;
  }

  key(event) {
    if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
    const count = { ',': -1, '.': 1 }[event.key];
    if (!count) return;
    event.preventDefault();
    this.step(this.chosen, count);
  }

  disconnectedCallback() {
    this.stop();
  }
}

customElements.define('vl-align', Align);
