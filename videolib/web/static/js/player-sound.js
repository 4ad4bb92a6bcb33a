// Which sound is heard, the recording's own or a narration: chosen in the player's menu, and remembered by its name.
const CHOSEN = 'videolib-sound';

/** @param player the <media-player> */
export function rememberSound(player) {
  player.addEventListener('media-audio-track-change-request', ({ detail: index }) => {
    const track = player.audioTracks[index];
    if (track) localStorage.setItem(CHOSEN, track.label);
  });
  player.audioTracks.addEventListener('add', ({ detail: track }) => {
    // once hls.js has chosen by itself
    if (track.label === localStorage.getItem(CHOSEN)) window.setTimeout(() => { track.selected = true; });
  });
}
