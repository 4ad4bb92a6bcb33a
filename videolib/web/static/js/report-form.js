// <vl-report-form>: the form in which a viewer reports a problem takes the player's time when it is opened.
import { exactClock } from './player-ready.js';

class ReportForm extends HTMLElement {
  connectedCallback() {
    const fold = this.querySelector('details');
    const field = this.querySelector('input[name="at"]');
    fold.addEventListener('toggle', () => {
      const host = document.querySelector('vl-player');
      if (fold.open && host?.player && !field.dataset.touched) field.value = exactClock(host.currentTime);
    });
    field.addEventListener('input', () => { field.dataset.touched = '1'; });
  }
}

customElements.define('vl-report-form', ReportForm);
