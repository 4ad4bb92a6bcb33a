// Several files as one: a tar that is made of the files where they lie, so that nothing is copied into memory.
// The same files give the same bytes (no dates, sorted by the caller), so that it can be gone on with tomorrow.
const BLOCK = 512;
const encoder = new TextEncoder();

function header(name, size, kind) {
  const block = new Uint8Array(BLOCK);
  const put = (text, at, length) => block.set(encoder.encode(text).subarray(0, length), at);
  block.set(name.subarray(0, 100), 0);
  put('0000644\0', 100, 8);
  put('0000000\0', 108, 8);
  put('0000000\0', 116, 8);
  put(size < 8 ** 11 ? `${size.toString(8).padStart(11, '0')}\0` : '', 124, 12);
  if (size >= 8 ** 11) {
    // larger than eleven octal digits can say: GNU's base 256
    const view = new DataView(block.buffer, 124, 12);
    view.setUint8(0, 0x80);
    view.setBigUint64(4, BigInt(size));
  }
  put('00000000000\0', 136, 12);
  put('        ', 148, 8);
  put(kind, 156, 1);
  put('ustar  \0', 257, 8);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 8);
  return block;
}

const padding = (size) => new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK);

/** A Blob of the members ({path, file}); a path that is too long for a header stands in a member before it, as GNU tar does. */
export function tarOf(members) {
  const pieces = [];
  for (const { path, file } of members) {
    const name = encoder.encode(path);
    if (name.length > 100) {
      pieces.push(header(encoder.encode('././@LongLink'), name.length + 1, 'L'), name, new Uint8Array(1), padding(name.length + 1));
    }
    pieces.push(header(name, file.size, '0'), file, padding(file.size));
  }
  pieces.push(new Uint8Array(2 * BLOCK));
  return new Blob(pieces, { type: 'application/x-tar' });
}
