// How far the captions are saved, and the pairs that two people wrote over each other: one of each stays.

export function showState(editor, saver, { states }) {
  const shown = editor.querySelector('[data-part="state"]');
  shown.textContent = `${states[saver.state]}${saver.state === 'refused' ? ` ${saver.problem}` : ''}`;
  shown.dataset.state = saver.state;
  const panel = editor.querySelector('[data-part="conflicts"]');
  panel.hidden = saver.clashes.length === 0;
  panel.querySelector('ul').replaceChildren(...saver.clashes.map((pair) => item(editor, saver, pair)));
}

function item(editor, saver, pair) {
  const shown = editor.querySelector('template[data-part="pair"]').content.firstElementChild.cloneNode(true);
  pair.forEach((cue, side) => {
    const button = shown.querySelectorAll('button')[side];
    button.querySelector('span').textContent = cue.text;
    button.addEventListener('click', () => saver.settle(pair, pair[1 - side]));
  });
  return shown;
}
