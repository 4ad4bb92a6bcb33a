// Where the scene changes, as far as the storyboard knows: between two tiles that differ as pictures of other scenes do.
// A tile is a key frame: of a stream that was kept as it came the cut itself, of one that was encoded the frame within two
// seconds after it. Where tiles lie further apart than that (recordings over some minutes), nothing is offered.
const [WIDE, HIGH] = [16, 9];
const OTHER_SCENE = 30; // mean difference of grey, as the screening of recordings has it
const FURTHEST_S = 2.5;
const TILE = /^([\d:.]+) --> ([\d:.]+)[^\n]*\n([^\n#]+)#xywh=(\d+),(\d+),(\d+),(\d+)/gm;

const seconds = (text) => text.split(':').reduce((total, part) => total * 60 + Number(part), 0);

/** The mean grey difference of two tiles, 0 to 255. */
export function differenceOf(one, other) {
  let sum = 0;
  for (let at = 0; at < one.length; at += 4) {
    sum += Math.abs(0.299 * (one[at] - other[at]) + 0.587 * (one[at + 1] - other[at + 1]) + 0.114 * (one[at + 2] - other[at + 2]));
  }
  return sum / (one.length / 4);
}

/** @param url of the storyboard's WebVTT  @returns {Promise<number[]>} starts of scenes; none where it cannot be told */
export async function findScenes(url) {
  if (!url) return [];
  try {
    const tiles = [...(await (await fetch(url)).text()).matchAll(TILE)];
    if (tiles.length < 2 || tiles.some(([, start, end]) => seconds(end) - seconds(start) > FURTHEST_S)) return [];
    const sheet = await createImageBitmap(await (await fetch(new URL(tiles[0][3].trim(), new URL(url, window.location.href)))).blob());
    const canvas = Object.assign(document.createElement('canvas'), { width: WIDE, height: HIGH });
    const context = canvas.getContext('2d', { willReadFrequently: true });
    const pictures = tiles.map(([, , , , ...place]) => {
      context.drawImage(sheet, ...place.map(Number), 0, 0, WIDE, HIGH);
      return context.getImageData(0, 0, WIDE, HIGH).data;
    });
    return tiles.slice(1).filter((_, index) => differenceOf(pictures[index], pictures[index + 1]) > OTHER_SCENE).map(([, start]) => seconds(start));
  } catch {
    return []; // a storyboard that is not there yet; the desk works without
  }
}
