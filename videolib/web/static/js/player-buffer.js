// How much is fetched ahead: the first picture's segment until somebody plays or looks for a place, so that a page that is
// only looked at costs a phone next to nothing; half a minute from then on.
const AT_REST = { maxBufferLength: 2, maxMaxBufferLength: 2 };
const IN_USE = { maxBufferLength: 30, maxMaxBufferLength: 60, backBufferLength: 60 };

export function fetchAhead(player, hls) {
  const use = () => Object.assign(hls.config, IN_USE);
  if (!player.state.paused) {
    use();
    return;
  }
  Object.assign(hls.config, AT_REST);
  const over = new AbortController();
  const begin = () => { use(); over.abort(); };
  player.addEventListener('play', begin, { signal: over.signal });
  player.addEventListener('seeking', ({ detail }) => { if (Math.abs(detail - Math.max(0, hls.config.startPosition)) > 0.5) begin(); }, { signal: over.signal });
}
