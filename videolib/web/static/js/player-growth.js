// A recording that is still being made: renditions join its list while it is watched, and a player reads that list once.

import { freshen } from './player-address.js';
import { isGrowing } from './playback.js';

/** Says why the picture stands, and loads the list anew where it offers more. @param host the <vl-player> */
export async function standStill(host) {
  host.notice.say(...(isGrowing(host.hls()) ? ['making'] : ['stalled', { retry: true }]));
  if (await offersMore(host.hls(), host.playback)) host.renew();
}

/** Whether the list that hls.js has read offers more by now: other sizes, which a slow line may need, or sound. */
async function offersMore(hls, playback) {
  if (!hls?.url) return false;
  const response = await fetch(freshen(hls.url, playback), { credentials: 'same-origin', cache: 'no-store' }).catch(() => null);
  if (!response?.ok) return false;
  const list = await response.text();
  const count = (tag) => list.split(tag).length - 1;
  return count('\n#EXT-X-STREAM-INF:') > hls.levels.length || count('\n#EXT-X-MEDIA:TYPE=AUDIO') > hls.audioTracks.length;
}
