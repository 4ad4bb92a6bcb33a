// A plain <video> that plays one HLS address beside others, and keeps to another clock.
import Hls from 'hls.js';

const FAR_S = 0.4;
const NEAR_S = 0.04;
// further off than this is seen: then it catches up faster
const OFF_S = 0.15;
const [NUDGE, PUSH] = [0.06, 0.2];

/** Loads an address into a video element. Gives the function that takes it out again. */
export function attach(video, url, startAt = 0) {
  if (!Hls.isSupported()) {
    video.src = url;
    return () => video.removeAttribute('src');
  }
  const hls = new Hls({ startPosition: startAt, enableWorker: false, maxBufferLength: 20, backBufferLength: 30 });
  hls.loadSource(url);
  hls.attachMedia(video);
  hls.on(Hls.Events.ERROR, (_, error) => {
    if (!error.fatal) return;
    if (error.type === Hls.ErrorTypes.MEDIA_ERROR) hls.recoverMediaError();
    else video.dispatchEvent(new CustomEvent('vl-lost'));
  });
  return () => hls.destroy();
}

/**
 * Brings a video to where another clock stands: a jump when it is far off, else a little faster or slower until it is not.
 * @param {{ time: number, paused: boolean, rate: number }} clock
 */
export function follow(video, { time, paused, rate }) {
  if (video.readyState === 0) return;
  const off = video.currentTime - time;
  if (paused) {
    if (!video.paused) video.pause();
    if (Math.abs(off) > 0.005 && !video.seeking) video.currentTime = time;
    return;
  }
  if (Math.abs(off) > FAR_S && !video.seeking) video.currentTime = time;
  const nudge = Math.abs(off) > OFF_S ? PUSH : NUDGE;
  const nudged = rate * (Math.abs(off) < NEAR_S ? 1 : 1 - Math.sign(off) * nudge);
  if (video.playbackRate !== nudged) video.playbackRate = nudged;
  if (video.paused && !video.ended) video.play().catch(() => {});
}
