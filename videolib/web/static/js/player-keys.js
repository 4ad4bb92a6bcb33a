// The player's keyboard shortcuts. They listen on the whole page and can be switched off (WCAG 2.1.4).
import { frameStarts, stepTarget } from './frame-map.js';

const OFF = 'videolib-keys-off';
const USUAL_FPS = 25;
const VOLUME_STEP = 0.05;
const [SLOWEST, FASTEST, SPEED_STEP] = [0.25, 2, 0.25];
const SAME_PLACE_S = 0.005;

export const areKeysOff = () => localStorage.getItem(OFF) === '1';

export function rememberKeysOff(off) {
  if (off) localStorage.setItem(OFF, '1');
  else localStorage.removeItem(OFF);
}

/**
 * Steps by whole frames. Presses that come while the player still seeks count from where it is going, so none is lost.
 * @param player the <media-player>  @param {() => number | undefined} frameRate of the level that plays
 * @param {() => number[][] | null} frameSteps when each acquired frame comes, if known; then a step is one of them
 */
export function frameStepper(player, frameRate, frameSteps) {
  let wanted = null;
  let mapped = null;
  let starts = [];
  player.addEventListener('seeked', () => {
    if (wanted !== null && Math.abs(player.currentTime - wanted) < SAME_PLACE_S) wanted = null;
  });
  player.addEventListener('media-seek-request', () => { wanted = null; });
  player.addEventListener('play', () => { wanted = null; });
  return (count) => {
    const from = wanted ?? player.currentTime;
    if (!player.state.paused) player.pause();
    const steps = frameSteps();
    if (steps !== mapped) [mapped, starts] = [steps, frameStarts(steps)];
    const fps = frameRate() || USUAL_FPS;
    const lastS = player.state.duration - 0.5 / fps;
    // the middle of a frame, where rounding cannot fall back into its neighbour
    const place = starts.length > 0 ? stepTarget(starts, from, count) : (Math.floor(from * fps + 1e-3) + count + 0.5) / fps;
    wanted = Math.max(0, Math.min(place, lastS));
    player.currentTime = wanted;
  };
}

/** Changes the speed by steps. A press that comes before the player reports the last one counts from there: none is lost. */
function speedStepper(player) {
  let wanted = null;
  player.addEventListener('rate-change', () => {
    if (player.state.playbackRate === wanted) wanted = null;
  });
  player.addEventListener('media-rate-change-request', () => { wanted = null; });
  return (count) => {
    const from = wanted ?? player.state.playbackRate;
    const next = Math.min(FASTEST, Math.max(SLOWEST, from + count * SPEED_STEP));
    if (next !== from) player.playbackRate = wanted = next;
  };
}

function changeVolume({ event, player }, change) {
  // on the page, and in menus and sliders, the arrows mean what they always mean
  const { target } = event;
  if (!(target instanceof Element) || !target.closest('media-player') || target.closest('[role="slider"], [role="menu"], [role="radiogroup"]')) return;
  event.preventDefault();
  Object.assign(player, { volume: Math.min(1, Math.max(0, player.state.volume + change)), muted: false });
}

/** The player hears of the full screen a frame after the document; a press in between counts as well. */
function toggleFullscreen({ event, player, remote }) {
  event.preventDefault();
  const isFull = document.fullscreenElement !== null;
  if (!document.fullscreenEnabled || isFull === player.state.fullscreen) remote.toggleFullscreen('prefer-media', event);
  else if (isFull) document.exitFullscreen();
  else player.addEventListener('fullscreen-change', () => remote.enterFullscreen('prefer-media'), { once: true });
}

/** @param player the <media-player>  @param {(count: number) => void} step moves by so many frames */
export function keyShortcuts(player, step) {
  const changeSpeed = speedStepper(player);
  return {
    togglePaused: 'k Space',
    toggleMuted: 'm',
    toggleFullscreen: { keys: 'f', onKeyDown: toggleFullscreen },
    toggleCaptions: 'c',
    togglePictureInPicture: 'p',
    seekBackward: 'j J ArrowLeft',
    seekForward: 'l L ArrowRight',
    faster: { keys: '>', onKeyDown: () => changeSpeed(1) },
    slower: { keys: '<', onKeyDown: () => changeSpeed(-1) },
    previousFrame: { keys: ',', onKeyDown: () => step(-1) },
    nextFrame: { keys: '.', onKeyDown: () => step(1) },
    toggleTheatre: { keys: 't', onKeyDown: () => document.querySelector('vl-theatre')?.toggle() },
    louder: { keys: 'ArrowUp', onKeyDown: (pressed) => changeVolume(pressed, VOLUME_STEP) },
    quieter: { keys: 'ArrowDown', onKeyDown: (pressed) => changeVolume(pressed, -VOLUME_STEP) },
  };
}
