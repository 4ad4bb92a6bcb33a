// <vl-playlist>: plays a playlist through in one page. The next clip's page is fetched and takes this one's place, so
// that each clip is the page that its link opens; without it the links do the same.
import { whenReady } from './player-ready.js';
import { Asking } from './playlist-asking.js';
import { UpNext } from './playlist-next.js';

const SEEN = 0.95; // as the library counts, see watch_records.py

class Playlist extends HTMLElement {
  connectedCallback() {
    this.words = JSON.parse(this.dataset.words);
    this.end = Number(this.dataset.end);
    this.start = Number(this.dataset.start);
    this.seconds = Number(this.querySelector('vl-player')?.dataset.start ?? this.start);
    this.over = new AbortController();
    const { signal } = this.over;
    this.next = new UpNext(this);
    this.asking = new Asking(this);
    this.addEventListener('click', (event) => this.choose(event), { signal });
    document.addEventListener('vl-time', (event) => this.follow(event.detail), { signal });
    document.addEventListener('vl-watched', (event) => this.watched(event.detail), { signal });
    window.addEventListener('popstate', () => this.turn(window.location.href, { isBack: true }), { signal });
    // the address without a number is that of the first clip that is not done: going back would lead elsewhere then
    const here = this.querySelector('.playlist__clip[aria-current]');
    if (!new URLSearchParams(window.location.search).has('item')) history.replaceState(history.state, '', here.href);
    whenReady((host) => {
      this.host = host;
      host.player.addEventListener('seeking', () => { this.hasJumped = true; }, { signal });
      host.player.addEventListener('ended', () => this.finish(), { signal });
      if (this.dataset.play === 'yes') host.player.addEventListener('can-play', () => host.player.play().catch(() => {}), { once: true });
    });
  }

  disconnectedCallback() {
    this.over.abort();
    this.next.cancel();
  }

  choose(event) {
    const link = event.target.closest('a[data-turn], a[data-now]');
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    this.turn(link.href);
  }

  /** At a question's moment it is asked; at the clip's end the next one follows. */
  follow(seconds) {
    const before = this.seconds;
    // who goes past the end by hand is left alone
    const isPlaying = !this.hasJumped;
    this.hasJumped = this.host?.player.state.seeking ?? false;
    this.seconds = seconds;
    if (this.asking.follow(before, seconds, isPlaying)) return;
    if (before < this.end && seconds >= this.end && isPlaying) this.finish();
  }

  finish() {
    if (this.isOver || this.asking.isOpen) return;
    if (this.asking.askLeft()) return; // what must be answered before one goes on
    this.isOver = true;
    this.host.player.pause();
    this.next.offer();
    this.host.player.addEventListener('playing', () => { this.isOver = false; this.next.cancel(); }, { once: true });
  }

  /** What counts as seen, as the library says: the tick of this clip. */
  watched(answer) {
    this.spans = answer.spans_s;
    const seen = this.spans.reduce((sum, [from, to]) => sum + Math.max(0, Math.min(to, this.end) - Math.max(from, this.start)), 0);
    if (seen / (this.end - this.start) >= SEEN) this.isSeen = true;
    this.tick();
  }

  tick() {
    const link = this.querySelector(`.playlist__clip[data-item="${this.dataset.item}"]`);
    const tick = link.querySelector('[data-tick]');
    if (!this.isSeen || this.asking.isLeft || tick.classList.contains('tick--done')) return;
    tick.classList.add('tick--done');
    tick.textContent = '✓';
    tick.setAttribute('aria-label', this.words.done);
    tick.setAttribute('role', 'img');
    const hasRequired = this.querySelector('.playlist__clip[data-required]') !== null;
    const count = this.querySelector('[data-done-count]');
    const counted = this.querySelectorAll(`.playlist__clip${hasRequired ? '[data-required]' : ''} .tick--done`).length;
    count.textContent = count.dataset.words.replace('{done}', counted).replace('{count}', count.dataset.count);
  }

  /** Another clip: its page's part takes the place of this one. */
  async turn(url, { isBack = false } = {}) {
    this.next.cancel();
    this.host?.player.pause();
    let text;
    try {
      await this.querySelector('vl-watch-reporter')?.report?.();
      const response = await fetch(url, { credentials: 'same-origin', headers: { Accept: 'text/html' } });
      if (!response.ok || response.redirected) throw new Error(String(response.status));
      text = await response.text();
    } catch {
      window.location.assign(url); // the page itself says what is wrong
      return;
    }
    const fresh = new DOMParser().parseFromString(text, 'text/html').querySelector('vl-playlist');
    if (!fresh) {
      window.location.assign(url);
      return;
    }
    fresh.dataset.play = 'yes';
    if (!isBack) history.pushState(history.state, '', url);
    this.replaceWith(document.adoptNode(fresh));
    fresh.querySelector('.sequence__now')?.setAttribute('tabindex', '-1');
    fresh.querySelector('.sequence__now')?.focus({ preventScroll: true });
  }
}

customElements.define('vl-playlist', Playlist);
