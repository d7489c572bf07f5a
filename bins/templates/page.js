
(() => {
'use strict';
const PER_PAGE = matchMedia('(max-width: 640px)').matches ? 20 : 50;
const data = JSON.parse(document.getElementById('data').textContent);
const $ = id => document.getElementById(id);
const table = $('table'), body = table.tBodies[0], columns = table.tHead.rows[0].cells.length;
const text = $('f-text'), verdict = $('f-verdict'), reason = $('f-reason'), action = $('f-action');
const number = n => n.toLocaleString('en-US');
const spoken = code => code ? code.replace('etag', 'ETag').replace('acl', 'ACL').replaceAll('-', ' ') : 'no reason given';
const LABELS = {identical: 'Identical', different: 'Different', missing: 'Missing', extra: 'Extra', unproven: 'Unproven', in_flight: 'In flight', unreadable: 'Unreadable'};
if (!data.rows.length) return;

// Characters that leave no mark; the program has the same list for the page without scripts.
const INVISIBLE = /[\u0000-\u001f\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\u{e0000}-\u{e0fff}]+|^ +| +$/gu;
const escapes = found => [...found].map(c => ({'\n': '\\n', '\r': '\\r', '\t': '\\t'})[c] || '\\u{' + c.codePointAt(0).toString(16) + '}').join('');
const shown = key => key.replace(INVISIBLE, escapes);

function element(name, kind, content) {
  const made = document.createElement(name);
  if (kind) made.className = kind;
  if (content !== undefined) made.textContent = content;
  return made;
}
function put(into, key) {
  let from = 0;
  for (const found of key.matchAll(INVISIBLE)) {
    into.append(key.slice(from, found.index), element('i', '', escapes(found[0])));
    from = found.index + found[0].length;
  }
  into.append(key.slice(from));
  return into;
}
function size(bytes) {
  if (bytes < 1024) return bytes + ' B';
  const power = Math.min(6, Math.floor(Math.log2(bytes) / 10));
  return (bytes / 1024 ** power).toFixed(1) + ' ' + 'KMGTPE'[power - 1] + 'iB';
}
function short(etag) {
  const at = etag.indexOf('-'), digest = at < 0 ? etag : etag.slice(0, at);
  return shown(digest.slice(0, 8) + (digest.length > 8 ? '…' : '') + (at < 0 ? '' : etag.slice(at)));
}
const time = seconds => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');

function side(name, facts) {
  const cell = element('td', 'side');
  cell.dataset.h = name;
  if (facts) cell.append(size(facts[0] || 0), element('small', 'mono', facts[2] ? short(facts[2]) : ''));
  else cell.append(element('span', 'quiet', 'not there'));
  return cell;
}
function line(row) {
  const made = element('tr'), key = element('td', 'mono k'), open = element('button', 'open');
  open.type = 'button';
  open.setAttribute('aria-expanded', 'false');
  open.setAttribute('aria-label', 'Details of ' + shown(row[0]));
  open.addEventListener('click', () => toggle(made, row, open));
  key.append(open);
  put(key, row[0]);
  const code = data.verdicts[row[1] || 0], chip = element('td');
  chip.append(element('span', 'chip v-' + code, LABELS[code] || code));
  const why = element('td', '', spoken((data.reasons[row[2] || 0] || [''])[0]));
  why.dataset.h = 'Why';
  if (row[6]) why.append(element('small', '', shown(row[6])));
  made.append(key, chip, why, side('Source', row[3]), side('Replica', row[4]));
  if (action) {
    const done = element('td', '', row[5] ? shown(row[5]) : '');
    done.dataset.h = 'Done';
    made.append(done);
  }
  return made;
}
function toggle(made, row, open) {
  const next = made.nextElementSibling, isOpen = open.getAttribute('aria-expanded') === 'true';
  open.setAttribute('aria-expanded', String(!isOpen));
  if (isOpen) next.remove(); else made.after(details(row));
}
function details(row) {
  const made = element('tr', 'more'), cell = element('td'), inner = element('table'), rows = element('tbody');
  cell.colSpan = columns;
  const [a, b] = [row[3], row[4]];
  const facts = [['', () => ''], ['Size', f => number(f[0] || 0) + ' B'], ['Modified', f => f[1] ? time(f[1]) : ''], ['ETag', f => f[2]], ['Class', f => f[3] || 'STANDARD'], ['Version', f => f[4]], ['Checksum', f => f[5]]];
  for (const [name, of] of facts) {
    const values = [a, b].map(f => f ? shown(String(of(f) || '')) : '');
    if (name && !values[0] && !values[1]) continue;
    const tr = element('tr'), differs = a && b && values[0] !== values[1] && name !== 'Modified' && name !== 'Version';
    tr.append(element('th', '', name));
    ['Source', 'Replica'].forEach((label, i) => tr.append(name ? element('td', 'mono' + (differs ? ' diff' : ''), values[i] || (i ? (b ? '' : '–') : (a ? '' : '–'))) : element('th', '', label)));
    rows.append(tr);
  }
  inner.append(rows);
  const advice = row[7] || (data.reasons[row[2] || 0] || ['', ''])[1], words = element('p');
  advice.split('`').forEach((part, i) => words.append(i % 2 ? element('code', '', part) : part));
  cell.append(inner, words);
  made.append(cell);
  return made;
}

let found = data.rows, page = 0, cache;
function search() {
  const wanted = text.value.toLowerCase(), v = verdict.value, r = reason.value, a = action ? action.value : '';
  // Lower-cased once, when the first search asks for it.
  if (wanted && !cache) cache = data.rows.map(row => shown(row[0]).toLowerCase());
  found = data.rows.filter((row, i) => (!v || (row[1] || 0) === +v) && (!r || (row[2] || 0) === +r) && (!a || row[5] === a) && (!wanted || cache[i].includes(wanted)));
  page = 0;
  draw();
}
function draw() {
  const pages = Math.max(1, Math.ceil(found.length / PER_PAGE));
  page = Math.min(Math.max(page, 0), pages - 1);
  body.replaceChildren(...found.slice(page * PER_PAGE, (page + 1) * PER_PAGE).map(line));
  const from = page * PER_PAGE + 1, to = Math.min(found.length, (page + 1) * PER_PAGE);
  $('shown').textContent = !found.length ? 'No row matches.' : `Rows ${number(from)} to ${number(to)} of ${number(found.length)}` + (found.length < data.rows.length ? ` that match, ${number(data.rows.length)} in all` : '');
  table.hidden = !found.length;
  $('page').textContent = `${number(page + 1)} of ${number(pages)}`;
  $('pages').hidden = pages < 2;
  for (const button of $('pages').querySelectorAll('button')) button.disabled = /first|back/.test(button.dataset.go) ? page === 0 : page === pages - 1;
}
function choices(select, field, names) {
  const counts = new Map();
  for (const row of data.rows) { const value = row[field] ?? 0; counts.set(value, (counts.get(value) || 0) + 1); }
  for (const [value, count] of [...counts].sort((a, b) => b[1] - a[1])) {
    const label = names(value);
    if (label) select.append(new Option(`${label} (${number(count)})`, value));
  }
}
choices(verdict, 1, value => LABELS[data.verdicts[value]]);
choices(reason, 2, value => spoken(data.reasons[value][0]));
if (action) choices(action, 5, value => value && shown(value));

let waiting;
text.addEventListener('input', () => { clearTimeout(waiting); waiting = setTimeout(search, 150); });
for (const select of [verdict, reason, action]) if (select) select.addEventListener('change', search);
$('filters').addEventListener('submit', event => { event.preventDefault(); search(); });
$('filters').addEventListener('reset', () => setTimeout(search));
$('pages').addEventListener('click', event => {
  const go = event.target.dataset.go, pages = Math.ceil(found.length / PER_PAGE);
  if (!go) return;
  page = {first: 0, back: page - 1, next: page + 1, last: pages - 1}[go];
  draw();
  $('rows').scrollIntoView();
});
document.addEventListener('click', event => {
  const link = event.target.closest('a[href="#rows"]');
  if (!link || !Object.keys(link.dataset).length) return;
  $('filters').reset();
  if (link.dataset.verdict) verdict.value = data.verdicts.indexOf(link.dataset.verdict);
  if (link.dataset.reason !== undefined) reason.value = data.reasons.findIndex(known => known[0] === link.dataset.reason);
  if (link.dataset.prefix) text.value = link.dataset.prefix;
  // After the reset event has had its turn.
  setTimeout(search);
});
$('filters').hidden = false;
draw();
})();
