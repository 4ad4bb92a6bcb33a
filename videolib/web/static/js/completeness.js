// <vl-completeness>: the figure and the list of what is missing, kept up with what is typed.
class Completeness extends HTMLElement {
  /** `answer` is what the server said to a saved form. */
  update(answer) {
    this.part('percent').textContent = `${answer.percent}%`;
    this.querySelector('meter').value = answer.percent;
    this.part('count').textContent = String(answer.missing.length);
    this.part('nothing').classList.toggle('visually-hidden', answer.missing.length > 0);
    this.part('missing').replaceChildren(
      ...answer.missing.map((item) => {
        const link = document.createElement('a');
        link.href = item.url;
        link.textContent = item.sentence;
        const line = document.createElement('li');
        line.append(link);
        return line;
      }),
    );
    const badge = document.querySelector('[data-part="work-state"]');
    if (badge) badge.hidden = false;
  }

  part(name) {
    return this.querySelector(`[data-part="${name}"]`);
  }
}

customElements.define('vl-completeness', Completeness);
