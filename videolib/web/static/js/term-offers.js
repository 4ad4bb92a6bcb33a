// What the server offers for what is being typed: it knows synonyms, pinyin, initials and slips of the finger.
const WAIT_MS = 120;

export class TermOffers {
  constructor(url) {
    this.url = url;
    this.kept = new Map();
  }

  /** Calls `show(terms, typed)` once the typing rests; a newer call takes the place of an older one. */
  ask(typed, show) {
    window.clearTimeout(this.timer);
    this.asking?.abort();
    if (!typed) return;
    if (this.kept.has(typed)) {
      show(this.kept.get(typed), typed);
      return;
    }
    this.timer = window.setTimeout(() => this.fetch(typed, show), WAIT_MS);
  }

  async fetch(typed, show) {
    this.asking = new AbortController();
    try {
      const address = `${this.url}?${new URLSearchParams({ q: typed, limit: '60' })}`;
      const response = await fetch(address, {
        headers: { Accept: 'application/json' }, credentials: 'same-origin', signal: this.asking.signal,
      });
      if (!response.ok) return; // what the page knows by itself is shown already
      const { items } = await response.json();
      this.kept.set(typed, items);
      show(items, typed);
    } catch (error) {
      if (error.name !== 'AbortError' && !(error instanceof TypeError)) throw error; // a lost connection is no mistake
    }
  }

  forget() {
    this.kept.clear();
  }
}
