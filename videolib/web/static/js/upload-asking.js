// What has to be said or asked before a file is sent.

/** Whether a file may go at once; else its row says why not, and what can be done. */
export function mayGo({ row, outline }, { refusal, same }) {
  row.parts.note.textContent = outline?.hasIndex && !outline.hasSound ? row.word('silent') : '';
  if (refusal) row.show('refused', {}, refusal.message);
  else if (same) {
    row.show('same');
    if (same.entry_url) Object.assign(row.parts.entry, { href: same.entry_url, hidden: false });
  } else if (outline && !outline.hasIndex) row.show('unfinished-file');
  else return true;
  return false;
}

/** Whether files whose names say that they are parts can be joined: none of them is refused, begun or there already. */
export function canJoin(group) {
  return group.every(([one, { refusal, resume, same }]) => one.kind === 'file' && !refusal && !resume && !same);
}

export function offerJoin(page, parts, { join, apart }) {
  const offer = page.querySelector('.join-offer').content.firstElementChild.cloneNode(true);
  offer.querySelector('[data-part="names"]').textContent = parts.map(({ name }) => name).join(' · ');
  const answer = (choice, deed) => {
    offer.querySelector(`[data-part="${choice}"]`).addEventListener('click', () => {
      offer.remove();
      deed();
    });
  };
  answer('join', () => {
    for (const { row } of parts) row.parentElement.remove();
    join();
  });
  answer('apart', apart);
  for (const { row } of parts) row.show('asked');
  page.list.before(offer);
  offer.focus();
}
