// From what was dropped or chosen to what is sent: single files, and a folder of DICOM as one.
import { isDicom } from './upload-look.js';
import { tarOf } from './upload-tar.js';

const isHidden = (path) => path.split('/').some((part) => part.startsWith('.'));

/** The files of a drop, folders and what is in them too, as {path, file}. */
export async function dropped(transfer) {
  // asked for at once: after the first await the browser has emptied the list
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.() ?? null).filter(Boolean);
  if (!entries.length) return chosen(transfer.files);
  const found = [];
  for (const entry of entries) await walk(entry, '', found);
  return found;
}

/** The files of an <input type="file">, as {path, file}. */
export function chosen(files) {
  return [...files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}

async function walk(entry, before, found) {
  const path = before + entry.name;
  if (entry.isFile) {
    found.push({ path, file: await new Promise((resolve, reject) => { entry.file(resolve, reject); }) });
    return;
  }
  const reader = entry.createReader();
  for (;;) { // a folder is answered a hundred names at a time
    const some = await new Promise((resolve, reject) => { reader.readEntries(resolve, reject); });
    if (!some.length) return;
    for (const inner of some) await walk(inner, `${path}/`, found);
  }
}

/** What is to be sent: {name, blob, kind} each. Two DICOM files or more, or a folder with one, are a study. */
export async function sorted(picked) {
  const rest = [];
  const studies = new Map();
  for (const one of picked.filter(({ path }) => !isHidden(path))) {
    const folder = one.path.includes('/') ? one.path.split('/')[0] : '';
    if (!studies.has(folder)) studies.set(folder, { members: [], isStudy: 0 });
    const study = studies.get(folder);
    study.members.push(one);
    if (await isDicom(one.file)) study.isStudy += 1;
  }
  for (const [folder, { members, isStudy }] of studies) {
    if (isStudy > 1 || (isStudy && folder)) {
      const taken = folder ? members : await dicomOf(members, rest);
      const stem = folder || taken[0].file.name.replace(/\.dcm$/i, '');
      rest.push({ name: `${stem}.tar`, label: folder || stem, blob: study(taken), kind: 'study', count: taken.length });
    } else {
      rest.push(...members.map(({ file }) => single(file)));
    }
  }
  return rest;
}

const single = (file) => ({ name: file.name, label: file.name, blob: file, kind: 'file', count: 1 });

async function dicomOf(members, rest) {
  const taken = [];
  for (const one of members) {
    if (await isDicom(one.file)) taken.push(one);
    else rest.push(single(one.file));
  }
  return taken;
}

// in the order of code points, which no language of the browser changes
const byPath = (one, other) => (one.path < other.path ? -1 : 1);

function study(members) {
  return tarOf([...members].sort(byPath));
}

/** A recorder's numbered files as one thing to send, in the order given. */
export function joined(files) {
  const members = files.map(({ name, blob }) => ({ path: name, file: blob }));
  const label = `${files[0].label} + ${files.length - 1}`;
  return { name: files[0].name, label, blob: tarOf(members), kind: 'parts', count: files.length };
}
