// Times of frames: where the frame on show begins, for edges that are exact to it.
import { frameNumber, frameStarts } from './frame-map.js';

const USUAL_FPS = 25;

export class Frames {
  /** @param host the <vl-player> */
  constructor(host) {
    this.host = host;
    this.next = null;
    this.starts = frameStarts(host.playback.frame_steps);
  }

  get fps() {
    return this.host.frameRate || USUAL_FPS;
  }

  /** Where the picture stands: as smooth as it plays. */
  get time() {
    const video = this.host.querySelector('video');
    return video && video.readyState > 0 ? video.currentTime : this.host.currentTime;
  }

  get isMoving() {
    return this.next !== null || this.host.querySelector('video')?.seeking === true;
  }

  /** The start of the frame that is on show at `time`. */
  startOf(time) {
    if (this.starts.length > 0) return this.starts[frameNumber(this.starts, time)];
    return Math.floor(time * this.fps + 1e-3) / this.fps;
  }

  /** The start of the frame `count` further than the one that begins at `time`. */
  after(time, count) {
    if (this.starts.length > 0) {
      const wanted = Math.min(Math.max(frameNumber(this.starts, time) + count, 0), this.starts.length - 1);
      return this.starts[wanted];
    }
    return Math.max(0, (Math.round(time * this.fps) + count) / this.fps);
  }

  /** Shows the frame that begins at `start`; while the picture is still on its way somewhere, the last one wished for counts. */
  show(start) {
    const video = this.host.querySelector('video');
    if (video?.seeking) {
      if (this.next === null) video.addEventListener('seeked', () => this.goOn(), { once: true });
      this.next = start;
    } else this.host.seek(start + 0.5 / this.fps, { play: false });
  }

  goOn() {
    const { next } = this;
    this.next = null;
    if (next !== null) this.show(next);
  }
}
