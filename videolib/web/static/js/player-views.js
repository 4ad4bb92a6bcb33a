// Which of a recording's views plays (native, subtracted, planes): all keep one clock, so a switch keeps the moment.
import { freshen } from './player-address.js';

const HLS_TYPE = 'application/x-mpegurl';

/** The view to begin with: the one that the recording recommends, as an angiogram its subtracted one. */
export function firstView(playback) {
  return (playback.views ?? []).find(({ recommended }) => recommended)?.name;
}

/** The player's source for a view; the recording itself where there is no such view. */
export function sourceOf(playback, view) {
  const found = (playback.views ?? []).find(({ name }) => name === view);
  return { src: found?.hls_url ?? playback.hls_url, type: HLS_TYPE };
}

/** Whether what plays is what the newest addresses lead to. @param host the <vl-player> */
export function playsSame(host) {
  const { src } = sourceOf(host.playback, host.view);
  return freshen(host.hls()?.url ?? '', { hls_url: src }) === src;
}

/** Loads the chosen view's address and goes on at the same place. @param host the <vl-player> */
export function goOnAt(host, place, wasPlaying) {
  const { player } = host;
  const source = sourceOf(host.playback, host.view);
  const hls = host.hls();
  if (hls) hls.config.startPosition = place;
  if (playsSame(host)) {
    // of the same package still: what it has is good, and what it asks for has the fresh address
    if (hls.levels.length > 0) hls.startLoad(player.currentTime || place);
    else hls.loadSource(source.src);
    if (wasPlaying) player.play().catch(() => {});
    return;
  }
  host.startAt = place;
  player.src = source;
  if (wasPlaying) player.addEventListener('can-play', () => player.play().catch(() => {}), { once: true });
}

/** Begins at another place than was said before there was a picture. @param host the <vl-player> */
export function beginAt(host, place) {
  host.startAt = place;
  const hls = host.hls();
  if (!hls) return;
  hls.config.startPosition = place;
  if (hls.levels.length > 0) hls.startLoad(place);
  if (hls.media?.readyState > 0) hls.media.currentTime = place; // hls.js itself only goes forward
}
