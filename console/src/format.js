// Numbers and words as the tables of the page write them.
const escapes = {'&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\'': '&#39;'};
export const escape = text => String(text).replace(/[&<>"']/g, c => escapes[c]);

export const isNumber = value => typeof value === 'number' && Number.isFinite(value);

// Decimals that show three digits of a number of this size.
function decimalsOf(size) {
  const magnitude = Math.abs(size);
  if (!(magnitude > 0) || magnitude >= 100) return 0;
  return Math.min(6, 2 - Math.floor(Math.log10(magnitude)));
}

export function makeFormat(words) {
  const print = (value, decimals) =>
    value.toLocaleString('en-US', {minimumFractionDigits: decimals, maximumFractionDigits: decimals})
      .replace('-', '−');
  const fill = text => text.replace('{0}', words.confidence).replace('{1}', words.goal);
  const format = {
    number: value => (isNumber(value) ? print(value, decimalsOf(value)) : '–'),
    count: value => (isNumber(value) ? print(value, 0) : '–'),
    share: value => (isNumber(value) ? `${print(value * 100, 1)}%` : '–'),
    tick: value => value.toLocaleString('en-US', {maximumFractionDigits: 6}).replace('-', '−'),
    shortTick: value => value.toLocaleString('en-US', {notation: 'compact'}).replace('-', '−'),
    shareTick: value => `${+(value * 100).toFixed(2)}%`.replace('-', '−'),
    word: key => fill(words[key]),
    today: budget => words.today.replace('{0}', format.number(budget)),
    phrase: text => {
      if (text.startsWith('everybody: ')) return words.everybody + text.slice('everybody: '.length);
      return words.phrases[text] ?? text;
    },
  };
  format.interval = (estimate, scale = 1, print = format.number) =>
    (isNumber(estimate?.low) && isNumber(estimate?.high)
      ? `${print(estimate.low * scale)} ${words.to} ${print(estimate.high * scale)}` : '–');
  // A heading and lines of [name, value].
  format.hint = (title, lines) =>
    `<b>${escape(title)}</b><table style="width:auto;font-size:13px;margin-top:4px">${lines
      .map(([name, value]) => `<tr><td style="border:0;padding:1px 16px 1px 0;opacity:.75">${
        escape(name)}</td><td style="border:0;padding:1px 0;text-align:right">${
        escape(value)}</td></tr>`).join('')}</table>`;
  return format;
}
