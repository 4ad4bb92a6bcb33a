// What the player does when it cannot go on: says so, tries again by itself, and goes on where it was.
import { standStill } from './player-growth.js';

const STALL_MS = 4000;
const RETRY_EVERY_MS = 10000;

/** @param host the <vl-player> */
export function watchOver(host) {
  const { player, notice } = host;
  const calm = () => {
    window.clearTimeout(host.stallTimer);
    window.clearInterval(host.retryTimer);
    notice.hush();
  };
  player.addEventListener('waiting', () => {
    window.clearTimeout(host.stallTimer);
    host.stallTimer = window.setTimeout(() => standStill(host), STALL_MS);
  });
  for (const name of ['playing', 'seeked', 'pause']) player.addEventListener(name, calm);
  player.addEventListener('error', () => {
    notice.say('broken', { retry: true });
    window.clearInterval(host.retryTimer);
    host.retryTimer = window.setInterval(() => host.renew(), RETRY_EVERY_MS);
  });
  window.addEventListener('online', () => { if (notice.word) host.renew(); });
  for (const name of ['time-update', 'seeked']) {
    player.addEventListener(name, () => host.dispatchEvent(new CustomEvent('vl-time', { bubbles: true, detail: player.currentTime })));
  }
  player.addEventListener('can-play', () => {
    if (host.startAt > 0 && Math.abs(player.currentTime - host.startAt) > 0.5) player.currentTime = host.startAt;
    host.startAt = 0;
    calm();
  });
}
