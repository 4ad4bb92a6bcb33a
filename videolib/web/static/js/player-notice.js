// What the player says over the picture when it cannot go on: one sentence, and a button where trying again can help.
export class PlayerNotice {
  /** @param {HTMLElement} host  @param {Record<string, string>} words  @param {() => void} onRetry */
  constructor(host, words, onRetry) {
    this.words = words;
    this.box = document.createElement('div');
    this.box.className = 'player-notice';
    this.box.setAttribute('role', 'status');
    this.sentence = document.createElement('p');
    this.button = document.createElement('button');
    this.button.type = 'button';
    this.button.className = 'button button--small';
    this.button.textContent = words.retry;
    this.button.addEventListener('click', onRetry);
    host.append(this.box);
  }

  say(word, { retry = false } = {}) {
    if (this.word === word) return;
    this.word = word;
    this.sentence.textContent = this.words[word];
    this.box.replaceChildren(this.sentence, ...(retry ? [this.button] : []));
  }

  hush() {
    if (this.word === undefined) return;
    this.word = undefined;
    this.box.replaceChildren();
  }
}
