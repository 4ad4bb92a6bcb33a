// <vl-chapter-list>: links into the recording (href ?t=…#annotation-…) that seek the player of the page, and mark what
// is on at the moment: every link whose stretch holds it, of links without an end the last that has begun.
const POINT_S = 3; // how long a point in time counts as being on
const EARLY_S = 0.05;

class ChapterList extends HTMLElement {
  connectedCallback() {
    this.links = Array.from(this.querySelectorAll('a[data-start]'));
    this.on = new Set();
    this.addEventListener('click', (event) => {
      const link = event.target.closest('a[data-start]');
      const player = document.querySelector('vl-player');
      if (!link || !player || event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      history.replaceState(history.state, '', link.href);
      player.seek(Number(link.dataset.start));
    });
    this.onTime = (event) => this.mark(event.detail);
    this.onHash = () => this.open(true);
    document.addEventListener('vl-time', this.onTime);
    window.addEventListener('hashchange', this.onHash);
    if (!new URLSearchParams(window.location.search).has('t')) this.open(false);
  }

  disconnectedCallback() {
    document.removeEventListener('vl-time', this.onTime);
    window.removeEventListener('hashchange', this.onHash);
  }

  /** Goes to the annotation that the address names after its #. A player that is not built yet starts there. */
  open(play) {
    const item = document.getElementById(decodeURIComponent(window.location.hash.slice(1)));
    const link = item && this.contains(item) ? item.querySelector('a[data-start]') : null;
    const player = document.querySelector('vl-player');
    if (!link || !player) return;
    if (play && player.seek) player.seek(Number(link.dataset.start));
    else player.dataset.start = link.dataset.start;
    // the browser has scrolled to the words; the picture is what was asked for
    const show = () => player.scrollIntoView({ block: 'nearest' });
    show();
    if (document.readyState !== 'complete') window.addEventListener('load', show, { once: true });
  }

  mark(seconds) {
    const now = new Set(this.links.filter((link) => {
      const start = Number(link.dataset.start);
      const end = link.dataset.end === undefined ? Infinity : Math.max(Number(link.dataset.end), start + (link.dataset.end === link.dataset.start ? POINT_S : 0));
      return start <= seconds + EARLY_S && seconds + EARLY_S < end;
    }));
    const endless = [...now].filter((link) => link.dataset.end === undefined);
    endless.slice(0, -1).forEach((link) => now.delete(link));
    for (const link of this.on) if (!now.has(link)) link.removeAttribute('aria-current');
    for (const link of now) if (!this.on.has(link)) link.setAttribute('aria-current', 'true');
    this.on = now;
  }
}

customElements.define('vl-chapter-list', ChapterList);
