import { LocalMediaStorage } from './vidstack.js';

/** Remembers speed, volume, captions and quality, and no place: that is the person's own and comes from the server. */
export class Habits extends LocalMediaStorage {
  onChange(source) {
    super.onChange(source, null, 'videolib-player');
  }

  async getTime() {
    return null;
  }
}
