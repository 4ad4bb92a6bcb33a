// Which of a recording's views plays (native, subtracted, planes): all keep one clock, so a switch keeps the moment.
const HLS_TYPE = 'application/x-mpegurl';

/** The player's source for a view; the recording itself where there is no such view. */
export function sourceOf(playback, view) {
  const found = (playback.views ?? []).find(({ name }) => name === view);
  return { src: found?.hls_url ?? playback.hls_url, type: HLS_TYPE };
}

/** Loads the chosen view's address and goes on at the same place. @param host the <vl-player> */
export function goOnAt(host, place, wasPlaying) {
  const { player } = host;
  host.startAt = place;
  const hls = host.hls();
  if (hls) hls.config.startPosition = place;
  player.src = sourceOf(host.playback, host.view);
  if (wasPlaying) player.addEventListener('can-play', () => player.play().catch(() => {}), { once: true });
}
