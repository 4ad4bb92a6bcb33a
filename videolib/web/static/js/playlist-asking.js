// The questions of a clip: asked in a window over the page when the recording comes to their moment. One that must be
// answered cannot be passed by seeking either.
import { PictureMark, showAnswer } from './picture-mark.js';

export class Asking {
  /** @param {HTMLElement} page the <vl-playlist> */
  constructor(page) {
    this.page = page;
    this.list = page.querySelector('[data-questions]');
    this.dialog = page.querySelector('dialog.ask');
    this.passed = new Set();
    if (!this.list) return;
    page.querySelector('[data-waiting]').hidden = false;
    for (const one of this.questions) one.hidden = !('answered' in one.dataset);
    const { signal } = page.over;
    this.dialog.addEventListener('cancel', (event) => { event.preventDefault(); this.skip(); }, { signal });
    page.addEventListener('submit', (event) => this.send(event), { signal });
    page.addEventListener('click', (event) => {
      if (event.target.closest('[data-skip]')) this.skip();
      if (event.target.closest('[data-go-on]')) this.close();
    }, { signal });
  }

  get questions() {
    return this.list ? Array.from(this.page.querySelectorAll('.question')).sort((one, other) => one.dataset.at - other.dataset.at) : [];
  }

  get isOpen() {
    return this.dialog.open;
  }

  get left() {
    return this.questions.filter((one) => 'must' in one.dataset && !('answered' in one.dataset));
  }

  get isLeft() {
    return this.left.length > 0;
  }

  /** Whether something is asked now. */
  follow(before, now, isPlaying) {
    if (this.isOpen || now === before) return this.isOpen;
    const due = this.questions.filter((one) => !('answered' in one.dataset) && Number(one.dataset.at) <= now);
    const must = due.find((one) => 'must' in one.dataset);
    const may = isPlaying && due.find((one) => !('must' in one.dataset) && !this.passed.has(one.dataset.id) && Number(one.dataset.at) >= before);
    const next = must ?? (may || undefined);
    if (next) this.ask(next);
    return next !== undefined;
  }

  /** At the end: the first that must be answered still. */
  askLeft() {
    if (!this.isLeft) return false;
    this.ask(this.left[0]);
    return true;
  }

  ask(question) {
    const { player } = this.page.host;
    player.pause();
    if (Math.abs(player.currentTime - question.dataset.at) > 0.5) player.currentTime = Number(question.dataset.at);
    if (document.fullscreenElement) document.exitFullscreen();
    question.hidden = false;
    for (const button of question.querySelectorAll('[data-skip]')) button.hidden = false;
    this.dialog.replaceChildren(question);
    this.dialog.showModal();
    question.querySelector('h3').focus();
    if (question.dataset.kind === 'mark') new PictureMark(question.querySelector('[data-mark]'), this.page.host, this.page.words.touch);
  }

  async send(event) {
    const form = event.target.closest('.question__form');
    if (!form) return;
    event.preventDefault();
    const question = form.closest('.question');
    const body = new FormData(form);
    if (question.dataset.kind === 'multiple' && !body.has('answer')) {
      this.say(form, this.page.words.missing);
      return;
    }
    let text;
    try {
      const response = await fetch(form.action, { method: 'POST', body, credentials: 'same-origin', headers: { 'X-Part': 'question' } });
      if (!response.ok) throw new Error(String(response.status));
      text = await response.text();
    } catch {
      this.say(form, this.page.words.failed);
      return;
    }
    const fresh = document.adoptNode(new DOMParser().parseFromString(text, 'text/html').querySelector('.question'));
    question.replaceWith(fresh);
    fresh.querySelector('[data-go-on]').hidden = !this.isOpen;
    fresh.querySelector('h3').focus();
    showAnswer(fresh.querySelector('[data-picture]'), this.page.host);
    this.page.tick();
  }

  say(form, words) {
    const said = form.querySelector('[role="alert"]') ?? form.appendChild(Object.assign(document.createElement('p'), { className: 'field__error' }));
    said.setAttribute('role', 'alert');
    said.textContent = words;
  }

  /** Only what may be skipped. */
  skip() {
    const question = this.dialog.querySelector('.question');
    if (!question || ('must' in question.dataset && !('answered' in question.dataset))) return;
    this.passed.add(question.dataset.id);
    this.close();
  }

  close() {
    const question = this.dialog.querySelector('.question');
    this.dialog.close();
    if (question) {
      question.hidden = !('answered' in question.dataset);
      for (const button of question.querySelectorAll('[data-go-on]')) button.hidden = true;
      this.list.append(question);
    }
    this.page.querySelector('media-player')?.focus({ preventScroll: true });
    if (this.page.host.currentTime < this.page.end) this.page.host.player.play().catch(() => {});
    else this.page.finish();
  }
}
