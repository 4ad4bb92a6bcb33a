// Where a recording plays from: the signed, short-lived addresses of /api/v1/entries/<id>/playback.
const EXPIRED = new Set([401, 403, 410]);

export class PlaybackRefused extends Error {
  constructor(status) {
    super(`playback answered ${status}`);
    this.status = status;
  }
}

/** Fetches fresh addresses. Raises PlaybackRefused when the server says no, TypeError when it is not reached. */
export async function fetchPlayback(url) {
  const headers = { Accept: 'application/json' };
  const response = await fetch(url, { headers, credentials: 'same-origin', cache: 'no-store' });
  if (!response.ok) throw new PlaybackRefused(response.status);
  return response.json();
}

/** Whether an error event of hls.js means that the signature of an address has run out. */
export function isExpired(hlsError) {
  return hlsError.type === 'networkError' && EXPIRED.has(hlsError.response?.code);
}

/** Whether what hls.js plays is still being made, so that more of it will follow. */
export function isGrowing(hls) {
  return hls?.levels[hls.currentLevel]?.details?.live === true;
}

/** The WebVTT files beside the package, as text tracks of the player. */
export function captionTracks(playback) {
  return (playback.captions ?? []).map((caption) => ({
    kind: caption.kind === 'subtitles' ? 'subtitles' : 'captions',
    src: caption.url,
    label: caption.label,
    language: caption.lang,
    default: Boolean(caption.default),
    type: 'vtt',
  }));
}

/** Takes text tracks of the package off the list that the caption files beside it stand for: one a language, not two. */
export function dropTwins(textTracks, playback) {
  const languages = (playback.captions ?? []).map(({ lang }) => lang);
  const isTwin = ({ id, language }) => id?.startsWith('hls-') && languages.some((lang) => [lang, lang.split('-')[0]].includes(language));
  textTracks.addEventListener('add', ({ detail: track }) => {
    if (isTwin(track)) queueMicrotask(() => textTracks.remove(track));
  });
}

/** Chapters as one text track, or null when there are none. */
export function chapterTrack(playback, label) {
  const chapters = playback.chapters ?? [];
  if (chapters.length === 0) return null;
  const cues = chapters.map((chapter) => ({ startTime: chapter.start_s, endTime: chapter.end_s, text: chapter.title }));
  return { kind: 'chapters', label, language: document.documentElement.lang, default: true, type: 'json', content: { cues } };
}
