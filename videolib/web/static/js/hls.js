// What we take of hls.js.
export { default } from 'hls.js';
