// What a file says before it is sent: a fingerprint to know it again by, its first bytes, the outline of an MP4.
// The fingerprint is the server's too (catalogue/upload_checks.py): the size, and the CRC-32 of some of its bytes.
const ENDS = 1024 * 1024;
const SAMPLE = 64 * 1024;
const SAMPLES = 8;
const HEAD = 4096;
const MOST_BOXES = 1000;
const MOST_INDEX = 64 * 1024 * 1024;

const table = new Uint32Array(256).map((_zero, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function crc32(bytes, before) {
  let value = ~before;
  for (const byte of bytes) value = (value >>> 8) ^ table[(value ^ byte) & 255];
  return ~value >>> 0;
}

const read = async (blob, start, end) => new Uint8Array(await blob.slice(start, end).arrayBuffer());

function spans(size) {
  if (size <= 2 * ENDS) return [[0, size]];
  const middle = Array.from({ length: SAMPLES }, (_none, number) => {
    const start = Math.floor((size * (number + 1)) / (SAMPLES + 1));
    return [start, Math.min(size, start + SAMPLE)];
  });
  return [[0, ENDS], ...middle, [size - ENDS, size]];
}

export async function fingerprint(blob) {
  let check = 0;
  for (const [start, end] of spans(blob.size)) check = crc32(await read(blob, start, end), check);
  return `${blob.size}-${check.toString(16).padStart(8, '0')}`;
}

export async function head(blob) {
  return btoa(String.fromCharCode(...(await read(blob, 0, HEAD))));
}

export async function isDicom(blob) {
  return String.fromCharCode(...(await read(blob, 128, 132))) === 'DICM';
}

/** Of an MP4 or MOV: {hasIndex, hasSound}; null for any other file. */
export async function outline(blob) {
  let at = 0;
  for (let count = 0; count < MOST_BOXES && at + 8 <= blob.size; count += 1) {
    const view = new DataView((await read(blob, at, at + 16)).buffer);
    const kind = String.fromCharCode(...new Uint8Array(view.buffer, 4, 4));
    if (count === 0 && !['ftyp', 'moov', 'mdat', 'free', 'wide', 'skip'].includes(kind)) return null;
    let length = view.getUint32(0);
    if (length === 1 && view.byteLength === 16) length = Number(view.getBigUint64(8));
    if (length === 0) length = blob.size - at;
    if (kind === 'moov') return { hasIndex: true, hasSound: await hasSound(blob, at, Math.min(length, MOST_INDEX)) };
    if (length < 8) return null;
    at += length;
  }
  return { hasIndex: false, hasSound: null };
}

/** Whether one of the tracks in an index says that it is sound: `hdlr`, version, `soun`. */
async function hasSound(blob, start, length) {
  const text = new TextDecoder('latin1').decode(await read(blob, start, start + length));
  for (let at = text.indexOf('hdlr'); at >= 0; at = text.indexOf('hdlr', at + 4)) {
    if (text.slice(at + 12, at + 16) === 'soun') return true;
  }
  return false;
}
