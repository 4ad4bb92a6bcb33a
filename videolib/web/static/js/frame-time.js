// <vl-frame-time>: buttons that step by one frame, and where the player stands: to the millisecond when paused, with the
// number of the frame and, for a study, the run and the C-arm's angle.
import { frameStarts, frameNumber } from './frame-map.js';
import { exactClock, whenReady } from './player-ready.js';

const clock = (seconds) => exactClock(seconds).slice(0, -4);

class FrameTime extends HTMLElement {
  connectedCallback() {
    this.runs = JSON.parse(this.dataset.runs);
    whenReady((host) => {
      this.host = host;
      this.starts = frameStarts(host.playback.frame_steps);
      for (const button of this.querySelectorAll('button[data-step]')) {
        button.addEventListener('click', () => host.stepFrames(Number(button.dataset.step)));
      }
      for (const name of ['time-update', 'seeked', 'pause', 'play', 'can-play']) host.player.addEventListener(name, () => this.show());
      this.show();
    });
  }

  show() {
    const { player } = this.host;
    const { paused } = player.state;
    const seconds = player.currentTime;
    const run = this.runs.find((one) => one.start_s <= seconds + 1e-3 && seconds < one.end_s);
    const frame = this.frame(seconds);
    const parts = [paused ? exactClock(seconds) : clock(seconds)];
    if (paused && frame !== null) parts.push(this.dataset.frame.replace('{number}', frame));
    if (run) parts.push(run.title);
    const text = parts.join(' · ');
    const output = this.querySelector('output');
    if (output.textContent !== text) output.textContent = text;
  }

  frame(seconds) {
    if (this.starts.length > 0) return frameNumber(this.starts, seconds) + 1;
    const fps = this.host.frameRate;
    return fps ? Math.floor(seconds * fps + 1e-3) + 1 : null;
  }
}

customElements.define('vl-frame-time', FrameTime);
