// The player's keyboard shortcuts. They listen on the whole page and can be switched off (WCAG 2.1.4).
import { frameStarts, stepTarget } from './frame-map.js';

const OFF = 'videolib-keys-off';
const USUAL_FPS = 25;

export const areKeysOff = () => localStorage.getItem(OFF) === '1';

export function rememberKeysOff(off) {
  if (off) localStorage.setItem(OFF, '1');
  else localStorage.removeItem(OFF);
}

/** Moves by whole frames and lands in the middle of one, where rounding cannot fall back into its neighbour. */
function stepFrames(player, fps, count, starts) {
  if (!player.state.paused) player.pause();
  if (starts.length > 0) {
    player.currentTime = Math.min(stepTarget(starts, player.currentTime, count), player.state.duration);
    return;
  }
  const frame = Math.floor(player.currentTime * fps + 1e-3) + count;
  player.currentTime = Math.min(Math.max((frame + 0.5) / fps, 0), player.state.duration);
}

/**
 * @param {() => number | undefined} frameRate the rate of the level that plays, in frames per second
 * @param {number[][] | null} frameSteps when each acquired frame comes, if known; then one key press is one of them
 */
export function keyShortcuts(frameRate, frameSteps) {
  const starts = frameStarts(frameSteps);
  const step = (count) => ({ player }) => stepFrames(player, frameRate() || USUAL_FPS, count, starts);
  return {
    togglePaused: 'k Space',
    toggleMuted: 'm',
    toggleFullscreen: 'f',
    toggleCaptions: 'c',
    togglePictureInPicture: 'p',
    seekBackward: 'j J ArrowLeft',
    seekForward: 'l L ArrowRight',
    speedUp: '>',
    slowDown: '<',
    previousFrame: { keys: ',', onKeyDown: step(-1) },
    nextFrame: { keys: '.', onKeyDown: step(1) },
    // Volume is left to the arrow keys on the volume slider: on the page they scroll.
  };
}
