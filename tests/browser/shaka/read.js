// Plays /package/master.m3u8 with Shaka Player, a second reader of HLS beside hls.js, and says what it saw.
const { shaka } = window;
const video = document.querySelector('video');

async function read() {
  shaka.polyfill.installAll();
  const player = new shaka.Player();
  await player.attach(video);
  const errors = [];
  player.addEventListener('error', (event) => errors.push(`${event.detail.category}/${event.detail.code}`));
  await player.load('/package/master.m3u8');
  const tracks = player.getVariantTracks().map(({ width, height, videoCodec, audioCodec }) => ({ width, height, videoCodec, audioCodec }));
  await video.play();
  return { errors, tracks, duration_s: video.duration };
}

window.reading = read().catch((error) => ({ failed: `${error.category}/${error.code} ${error.message ?? error}` }));
