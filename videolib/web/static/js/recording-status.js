// <vl-recording-status data-url data-state>: follows a recording through the ingest by polling with ETags.
// The page shows the state as it was when it was written; this element only keeps it true.
const MOVING = new Set(['uploaded', 'queued', 'processing']);
const FIRST_WAIT_MS = 2000;
const LONGEST_WAIT_MS = 10000;
// who has nothing to watch yet looks more often
const PICTURE_WAIT_MS = { first: 300, longest: 2000 };

class RecordingStatus extends HTMLElement {
  connectedCallback() {
    this.waits = this.closest('.stage__message') ? PICTURE_WAIT_MS : { first: FIRST_WAIT_MS, longest: LONGEST_WAIT_MS };
    this.wait_ms = this.waits.first;
    this.etag = null;
    if (MOVING.has(this.dataset.state)) this.schedule();
  }

  disconnectedCallback() {
    window.clearTimeout(this.timer);
  }

  schedule() {
    this.timer = window.setTimeout(() => this.poll(), this.wait_ms);
  }

  async poll() {
    if (document.hidden) {
      document.addEventListener('visibilitychange', () => this.poll(), { once: true });
      return;
    }
    try {
      const headers = { Accept: 'application/json' };
      if (this.etag) headers['If-None-Match'] = this.etag;
      const response = await fetch(this.dataset.url, { headers, credentials: 'same-origin', cache: 'no-store' });
      if ([401, 403, 404].includes(response.status)) return; // no longer ours to follow; a reload of the page says why
      if (response.status === 200) {
        this.etag = response.headers.get('ETag');
        this.wait_ms = this.waits.first;
        if (this.show(await response.json())) return;
      } else {
        this.wait_ms = Math.min(this.wait_ms * 1.5, this.waits.longest);
      }
      // the more people watch, the later the service wants to be asked again
      this.wait_ms = Math.max(this.wait_ms, 1000 * Number(response.headers.get('Videolib-Next-Look') ?? 0));
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // a TypeError of fetch is a lost connection: try again later
      this.wait_ms = LONGEST_WAIT_MS;
    }
    this.schedule();
  }

  /** Writes the news into the page; true when the recording has come to rest. */
  show(recording) {
    if (!MOVING.has(recording.state)) {
      if (this.dataset.quiet !== undefined) this.rest(recording);
      else if (this.isBesidePlayer()) this.write('[data-part="words"]', recording.state_text); // who watches is not disturbed
      else window.location.reload(); // what may be done now (play, sign off, retry) is the server's to say
      return true;
    }
    const words = [recording.state_text, recording.stage_text].filter(Boolean).join(' · ');
    this.write('[data-part="words"]', words);
    this.write('[data-part="sentences"]', (recording.work?.sentences ?? []).join(' · '));
    const bar = this.querySelector('progress');
    if (bar && typeof recording.progress === 'number') {
      bar.value = recording.progress;
      this.write('[data-part="percent"]', new Intl.NumberFormat(document.documentElement.lang, { style: 'percent' })
        .format(recording.progress));
    } else if (bar) {
      bar.removeAttribute('value');
    }
    this.showRenditions(recording.work?.renditions ?? []);
    if (recording.work?.is_playable && this.closest('.stage__message')) showPlayer();
    return false;
  }

  /** On a page that must not be loaded again (something is being sent from it): the end in words. */
  rest(recording) {
    this.dataset.state = recording.state;
    this.write('[data-part="words"]', [recording.state_text, recording.reason?.message].filter(Boolean).join(' · '));
    for (const part of ['percent', 'sentences', 'renditions']) this.querySelector(`[data-part="${part}"]`).replaceChildren();
    this.querySelector('progress').hidden = true;
  }

  showRenditions(renditions) {
    const list = this.querySelector('[data-part="renditions"]');
    if (!list) return;
    for (const { name, progress } of renditions) {
      let one = [...list.children].find((item) => item.dataset.name === name);
      if (!one) {
        one = document.createElement('li');
        one.className = 'rungs__one';
        one.dataset.name = name;
        const bar = document.createElement('progress');
        Object.assign(bar, { className: 'progress', max: 1 });
        bar.setAttribute('aria-label', name);
        one.append(Object.assign(document.createElement('span'), { textContent: name }), bar);
        list.append(one);
      }
      one.querySelector('progress').value = progress;
    }
  }

  isBesidePlayer() {
    return document.querySelector('vl-player') !== null && !this.closest('.stage__message');
  }

  write(selector, text) {
    const part = this.querySelector(selector);
    if (part && part.textContent !== text) part.textContent = text;
  }
}

/** While somebody waits for the first picture, the largest of the player's scripts are fetched. */
if (document.querySelector('.stage__message vl-recording-status')) Promise.all([import('./vidstack.js'), import('./hls.js')]).catch(() => {});

let playerIsComing = false;

/** Puts the player where the page said that there is nothing to watch yet: only that part of the page changes. */
async function showPlayer() {
  if (playerIsComing) return;
  playerIsComing = true;
  const response = await fetch(window.location.href, { credentials: 'same-origin', cache: 'no-store' }).catch(() => null);
  const page = response?.ok ? new DOMParser().parseFromString(await response.text(), 'text/html') : null;
  if (!page?.querySelector('vl-player')) {
    playerIsComing = false; // the next look tries again
    return;
  }
  const known = new Set([...document.querySelectorAll('link[rel="stylesheet"]')].map((link) => link.href));
  for (const link of page.querySelectorAll('link[rel="stylesheet"]')) if (!known.has(link.href)) document.head.append(document.adoptNode(link));
  document.querySelector('.watch__grid').replaceWith(document.adoptNode(page.querySelector('.watch__grid')));
  for (const script of page.querySelectorAll('script[type="module"][src]')) await import(script.src);
}

customElements.define('vl-recording-status', RecordingStatus);
