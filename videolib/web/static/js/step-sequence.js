// <vl-step-sequence>: plays the same step in one case after another, in the page's one player. Without it each case is
// a page of its own that its link opens.
import { fetchPlayback } from './playback.js';

const LEAP_S = 2; // a larger change of time is somebody's own seeking, not playing on

class StepSequence extends HTMLElement {
  connectedCallback() {
    this.words = JSON.parse(this.dataset.words);
    this.cases = Array.from(this.querySelectorAll('a[data-playback-url]'));
    this.at = Math.max(0, this.cases.findIndex((link) => link.hasAttribute('aria-current')));
    this.said = this.querySelector('[role="status"]');
    this.automatic = this.querySelector('[data-auto]');
    this.automatic.hidden = false;
    this.addEventListener('click', (event) => this.choose(event));
    this.onTime = (event) => this.follow(event.detail);
    document.addEventListener('vl-time', this.onTime);
  }

  disconnectedCallback() {
    document.removeEventListener('vl-time', this.onTime);
  }

  choose(event) {
    const link = event.target.closest('a');
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const wanted = link.dataset.step ? this.at + Number(link.dataset.step) : this.cases.indexOf(link);
    if (!this.cases[wanted]) return;
    event.preventDefault();
    this.show(wanted);
  }

  /** At the step's end: on to the next case, or stop; who has gone past it by hand is left alone. */
  follow(seconds) {
    const end = Number(this.cases[this.at].dataset.end);
    const before = this.seconds ?? seconds;
    this.seconds = seconds;
    if (this.isTurning || before >= end || seconds < end || seconds - before > LEAP_S) return;
    if (this.automatic.querySelector('input').checked && this.cases[this.at + 1]) this.show(this.at + 1);
    else document.querySelector('vl-player').player.pause();
  }

  async show(at) {
    const link = this.cases[at];
    this.isTurning = true;
    let playback;
    try {
      playback = await fetchPlayback(link.dataset.playbackUrl);
    } catch {
      this.said.textContent = this.words.gone;
      this.isTurning = false;
      this.at = at;
      if (this.cases[at + 1]) await this.show(at + 1);
      return;
    }
    this.at = at;
    this.seconds = undefined;
    this.play(link, playback);
    this.tell(link);
    this.isTurning = false;
  }

  /** A fresh player in the old one's place: nothing of the former case can stay behind in it. */
  play(link, playback) {
    const fresh = document.createElement('vl-player');
    Object.assign(fresh.dataset, { title: link.dataset.title, playbackUrl: link.dataset.playbackUrl, start: link.dataset.start });
    const described = document.createElement('script');
    described.type = 'application/json';
    described.textContent = JSON.stringify(playback);
    fresh.append(described);
    document.querySelector('vl-player').replaceWith(fresh);
    fresh.player.addEventListener('can-play', () => fresh.player.play().catch(() => {}), { once: true });
  }

  tell(link) {
    for (const other of this.cases) other.toggleAttribute('aria-current', false);
    link.setAttribute('aria-current', 'true');
    history.replaceState(history.state, '', link.href);
    const told = { number: this.at + 1, count: this.cases.length, title: link.dataset.title };
    this.said.textContent = this.words.of.replace(/\{(\w+)\}/g, (_, name) => told[name]);
    const neighbours = { '-1': this.cases[this.at - 1], 1: this.cases[this.at + 1] };
    for (const button of this.querySelectorAll('a[data-step]')) {
      const neighbour = neighbours[button.dataset.step];
      button.hidden = !neighbour;
      if (neighbour) button.href = neighbour.href;
    }
  }
}

customElements.define('vl-step-sequence', StepSequence);
