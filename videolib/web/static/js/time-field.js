// <vl-time-field>: a text field for a time in the recording, with a button that takes the player's time.
const clock = (seconds) => {
  const whole = Math.round(seconds * 1000);
  const [minutes, ms] = [Math.floor(whole / 60000), whole % 60000];
  const rest = (ms / 1000).toFixed(3).padStart(6, '0').replace(/\.?0+$/, '');
  const hours = Math.floor(minutes / 60);
  return `${hours ? `${hours}:${String(minutes % 60).padStart(2, '0')}` : minutes}:${rest}`;
};

class TimeField extends HTMLElement {
  connectedCallback() {
    const field = this.querySelector('input');
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'button button--small';
    button.textContent = this.dataset.take;
    button.setAttribute('aria-label', `${this.dataset.take}: ${this.dataset.label}`);
    button.addEventListener('click', () => {
      const { player, currentTime } = document.querySelector('vl-player') ?? {};
      if (!player) return; // it is still on its way
      field.value = clock(currentTime);
      field.dispatchEvent(new Event('change', { bubbles: true }));
    });
    this.append(button);
  }
}

customElements.define('vl-time-field', TimeField);
