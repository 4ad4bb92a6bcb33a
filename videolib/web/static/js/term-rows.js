// The small parts of a term picker: a chip for a chosen term, a row with a check box, a note where nothing fits.

export function makeChip(label, removeLabel) {
  const chip = document.createElement('button');
  chip.type = 'button';
  chip.className = 'chip chip--on';
  chip.textContent = `${label} ×`;
  chip.setAttribute('aria-label', removeLabel.replace('{term}', label));
  return chip;
}

export function makeRow(option, indented, otherLang) {
  const row = document.createElement('label');
  row.className = indented ? `picker__option picker__option--depth-${option.dataset.depth}` : 'picker__option';
  const box = document.createElement('input');
  box.type = 'checkbox';
  box.value = option.value;
  box.checked = option.selected;
  const text = document.createElement('span');
  text.textContent = option.label.trim();
  row.append(box, text);
  if (option.dataset.other) {
    const other = document.createElement('span');
    other.className = 'picker__other';
    other.lang = otherLang;
    other.textContent = option.dataset.other;
    row.append(other);
  }
  return row;
}

export function makeNote(text) {
  const note = document.createElement('p');
  note.className = 'picker__none';
  note.textContent = text;
  return note;
}
