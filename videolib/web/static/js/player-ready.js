// For elements that work with the page's player: called once it is built, now or later.

/** @param {(host: HTMLElement) => void} use gets the <vl-player> */
export function whenReady(use) {
  const host = document.querySelector('vl-player');
  if (host?.player) use(host);
  else document.addEventListener('vl-ready', (event) => use(event.detail), { once: true });
}

/** `1:02:03.040`: a time to the millisecond. */
export function exactClock(seconds) {
  const ms = Math.max(0, Math.round(seconds * 1000));
  const [hours, minutes] = [Math.floor(ms / 3600000), Math.floor(ms / 60000) % 60];
  const rest = `${String(Math.floor(ms / 1000) % 60).padStart(2, '0')}.${String(ms % 1000).padStart(3, '0')}`;
  return hours ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`;
}

/** Whether somebody is writing there, so that no shortcut may act. */
export const isTyping = (target) => target instanceof Element && target.closest('input:not([type="checkbox"], [type="radio"]), textarea, select, [contenteditable]') !== null;
