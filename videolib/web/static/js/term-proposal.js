// <vl-term-proposal>: two labels and a button, inside a term picker. Sends "vl-proposed" with the new term.
// No <form>: it stands inside the form of the entry.
const CHINESE = /[\u3400-\u9fff]/;

export class TermProposal extends HTMLElement {
  /** `words`: the picker's dataset, which has the texts and the address; `typed` fills the field of its script. */
  open(words, typed) {
    this.words = words;
    this.className = 'picker__proposal';
    this.inputs = { zh: this.makeInput('zh', words.zhLabel), en: this.makeInput('en', words.enLabel) };
    this.inputs[CHINESE.test(typed) ? 'zh' : 'en'].value = typed;
    this.errors = document.createElement('p');
    this.errors.className = 'field__error';
    this.errors.setAttribute('role', 'alert');
    const send = this.makeButton(words.sendLabel, 'button button--small button--primary', () => this.send());
    const cancel = this.makeButton(words.cancelLabel, 'button button--small', () => this.remove());
    const row = document.createElement('div');
    row.className = 'button-row';
    row.append(send, cancel);
    this.append(this.errors, row);
    (this.inputs.zh.value ? this.inputs.en : this.inputs.zh).focus();
  }

  makeInput(lang, text) {
    const label = document.createElement('label');
    label.className = 'field';
    const name = document.createElement('span');
    name.className = 'field__label';
    name.textContent = text;
    const input = document.createElement('input');
    input.className = 'input';
    input.lang = lang === 'zh' ? 'zh-Hans' : 'en';
    input.maxLength = 200;
    input.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.isComposing || event.keyCode === 229) return;
      event.preventDefault(); // it is this term that is sent, not the entry's form
      this.send();
    });
    label.append(name, input);
    this.append(label);
    return input;
  }

  makeButton(text, className, act) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = className;
    button.textContent = text;
    button.addEventListener('click', act);
    return button;
  }

  async send() {
    if (this.sending) return;
    this.sending = true;
    try {
      const token = document.querySelector('meta[name="csrf-token"]').content;
      const response = await fetch(this.words.proposeUrl, {
        method: 'POST',
        credentials: 'same-origin',
        headers: { 'Content-Type': 'application/json', Accept: 'application/json', 'X-CSRFToken': token },
        body: JSON.stringify({ labels: { zh: this.inputs.zh.value, en: this.inputs.en.value } }),
      });
      const answer = await response.json();
      if (response.ok) {
        this.dispatchEvent(new CustomEvent('vl-proposed', { detail: answer, bubbles: true }));
        this.remove();
      } else {
        this.errors.textContent = Object.values(answer.fields || { '': answer.detail }).join(' ');
      }
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof SyntaxError)) throw error;
      this.errors.textContent = this.words.lostLabel;
    } finally {
      this.sending = false;
    }
  }
}

customElements.define('vl-term-proposal', TermProposal);
