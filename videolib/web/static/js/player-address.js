// The signed address of what plays runs out. A fresh one takes its place in every request from then on: nothing is loaded
// anew, and who watches does not notice.

// so much of a token says whose it is and of which package; what follows is until when, and the signature
const WHOSE = 48;
const AHEAD_MS = 5 * 60 * 1000;
const SOONEST_MS = 20 * 1000;

const tokenOf = (url) => /\/media\/([^/]+)\//.exec(url ?? '')?.[1] ?? '';

/** The address with the newest token of the same package in it; any other address as it is. */
export function freshen(url, playback) {
  const [old, now] = [tokenOf(url), tokenOf(playback.hls_url)];
  const isSame = old !== '' && old.slice(0, WHOSE) === now.slice(0, WHOSE);
  return isSame ? url.replace(`/media/${old}/`, `/media/${now}/`) : url;
}

/** What hls.js does before each request. @param host the <vl-player> */
export const withFreshAddress = (host) => (xhr, url) => xhr.open('GET', freshen(url, host.playback), true);

/** Asks for fresh addresses before those it has run out. @param host the <vl-player> */
export function renewAhead(host) {
  window.clearTimeout(host.renewTimer);
  const leftMs = new Date(host.playback.expires_at).getTime() - Date.now();
  host.renewTimer = window.setTimeout(() => host.renew({ ahead: true }), Math.max(SOONEST_MS, leftMs - Math.min(AHEAD_MS, leftMs / 4)));
}

/** Bits a second to begin with, before anything is measured: what the browser knows of its line, else a poor one. */
export function expectedBandwidth() {
  return 0.7e6 * (navigator.connection?.downlink || 0.7);
}
