// Where the desk stands in the recording: the playhead, the ruler's slider and the player go together.
import { exactClock } from './player-ready.js';

const SETTLED_MS = 200;

export class Playhead {
  constructor(desk) {
    Object.assign(this, { desk, player: desk.player, aim: null, isScrubbing: false });
    this.player.addEventListener('seeked', () => this.forget());
    for (const name of ['time-update', 'seeked', 'can-play']) this.player.addEventListener(name, () => this.show());
    this.player.addEventListener('play', () => {
      this.aim = null;
      this.run();
    });
  }

  /** The frame that is on show, or will be as soon as the player has got there: keys pressed fast lose nothing. */
  get place() {
    const { frames } = this.desk;
    return this.aim !== null && this.player.state.paused ? this.aim : frames.startOf(frames.time);
  }

  /** Somebody else moved the picture, as the player's own keys and bar do: it stands, and not where we sent it. */
  forget() {
    const { aim } = this;
    window.setTimeout(() => {
      const { frames } = this.desk;
      if (aim === null || aim !== this.aim || frames.isMoving || Math.abs(frames.time - aim) <= 1.5 / frames.fps) return;
      this.aim = null;
      this.show();
    }, SETTLED_MS);
  }

  /** While it plays the playhead moves with every frame of the screen. */
  run() {
    if (this.player.state.paused) return;
    this.show({ isRunning: true });
    requestAnimationFrame(() => this.run());
  }

  show({ isRunning = false } = {}) {
    if (this.isScrubbing) return;
    const at = this.player.state.paused ? this.place : this.desk.frames.time;
    this.desk.track.place(at);
    if (isRunning) this.desk.track.follow(at);
    this.tell(at);
  }

  tell(at) {
    const { ruler } = this.desk;
    const text = exactClock(at);
    if (ruler.getAttribute('aria-valuetext') === text) return;
    ruler.setAttribute('aria-valuenow', at.toFixed(3));
    ruler.setAttribute('aria-valuetext', text);
    this.desk.part('time').textContent = text;
  }

  go(seconds) {
    const { frames, track, duration } = this.desk;
    const at = Math.min(Math.max(0, seconds), duration);
    this.aim = frames.startOf(Math.min(at, duration - 0.5 / frames.fps));
    frames.show(this.aim);
    track.place(at);
    track.follow(at);
    this.tell(at);
  }

  step(count) {
    this.player.pause();
    this.go(this.desk.frames.after(this.place, count));
  }

  toggle() {
    if (this.player.state.paused) this.player.play().catch(() => {});
    else this.player.pause();
  }
}
