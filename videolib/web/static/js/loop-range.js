// <vl-loop>: repeats a stretch. One button sets its beginning, its end, and takes it away; `?t=…&end=…` brings one along.
import { exactClock, whenReady } from './player-ready.js';

const SHORTEST_S = 0.2;
const SOON_S = 0.4;

class LoopRange extends HTMLElement {
  connectedCallback() {
    this.words = JSON.parse(this.dataset.words);
    this.button = this.querySelector('button');
    this.said = this.querySelector('output');
    this.button.addEventListener('click', () => this.press());
    whenReady((host) => {
      this.host = host;
      for (const name of ['time-update', 'seeking', 'pause']) host.player.addEventListener(name, () => this.turn());
      host.player.addEventListener('ended', () => this.turn(true));
      const asked = new URLSearchParams(window.location.search);
      const [from, to] = [Number(asked.get('t')), Number(asked.get('end'))];
      if (asked.get('t') !== null && to - from >= SHORTEST_S) this.set(from, to);
    });
  }

  press() {
    const now = this.host.currentTime;
    if (this.from === undefined) this.set(now, undefined);
    else if (this.to === undefined && now - this.from >= SHORTEST_S) this.set(this.from, now);
    else if (this.to === undefined) this.set(now, undefined);
    else this.set(undefined, undefined);
  }

  set(from, to) {
    [this.from, this.to] = [from, to];
    const step = from === undefined ? 'from' : to === undefined ? 'to' : 'off';
    this.button.querySelector('span').textContent = this.words[step];
    this.button.setAttribute('aria-pressed', String(to !== undefined));
    this.said.textContent = from === undefined ? '' : `${exactClock(from)} – ${to === undefined ? '…' : exactClock(to)}`;
    if (to !== undefined) this.host.seek(from);
  }

  turn(over = false) {
    window.clearTimeout(this.timer);
    if (this.to === undefined) return;
    const { player, currentTime: now } = this.host;
    const leftS = (this.to - now) / player.state.playbackRate;
    if (player.state.seeking) return;
    if (leftS <= 0 || (over && this.from < now)) this.host.seek(this.from);
    // the player tells its time four times a second; a manoeuvre ends more exactly than that
    else if (leftS < SOON_S && !player.state.paused) this.timer = window.setTimeout(() => this.host.seek(this.from), leftS * 1000);
  }
}

customElements.define('vl-loop', LoopRange);
