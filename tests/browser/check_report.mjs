// usage: node check_report.mjs WRITE_PAGE REPORT.json - the report page in a real browser: charts,
// tables, both languages, dark, narrow, print, and without scripts. Exit 77: no browser here.
import {execFileSync} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

import {findChromium, openChromium} from './chromium.mjs';

const [writePage, report] = process.argv.slice(2);
if (!findChromium()) {
  console.log('skipped: no chromium');
  process.exit(77);
}

let failures = 0;
function check(isTrue, promise) {
  if (isTrue) return;
  failures++;
  console.log(`not so: ${promise}`);
}

const folder = mkdtempSync(join(tmpdir(), 'kairos-report-'));
const pages = {};
for (const lang of ['en', 'zh']) {
  pages[lang] = join(folder, `${lang}.html`);
  writeFileSync(pages[lang], execFileSync(writePage, [report, lang], {maxBuffer: 1 << 26}));
}
const hasBundle = readFileSync(pages.en, 'utf8').includes('id="data"');
const browser = await openChromium();
const count = selector => browser.run(`document.querySelectorAll(${JSON.stringify(selector)}).length`);

async function hover(selector) {
  const {x, y} = await browser.run(`(() => {
    const plot = document.querySelector(${JSON.stringify(selector)});
    plot.scrollIntoView({block: 'center'});
    const box = plot.getBoundingClientRect();
    return {x: box.left + box.width * 0.6, y: box.top + box.height * 0.4};
  })()`);
  await browser.call('Input.dispatchMouseEvent', {type: 'mouseMoved', x, y});
  await new Promise(resolve => setTimeout(resolve, 300));
  return browser.run(`[...document.querySelector(${JSON.stringify(selector)}).querySelectorAll('div')]
    .map(div => div.innerText).join(' ')`);
}

async function checkCharts() {
  check(await count('figure.chart:not([hidden])') === 7, 'seven figures are shown');
  check(await count('figure.chart svg') === 11, 'eleven plots are drawn');
  check(await browser.run(`[...document.querySelectorAll('figure.chart svg')]
    .every(svg => svg.querySelectorAll('path').length > 3)`), 'each plot has marks');
  check(await browser.run(`[...document.querySelectorAll('.chart svg text')]
    .some(text => text.textContent.includes('today: 900'))`), 'the curve marks the budget of today');
  check(await browser.run(`!document.querySelector('details.of-chart').open`),
    'a table that repeats a chart is folded');
  for (const [chart, text] of [['policies', 'Random within budget|Everybody|Best offer'],
    ['frontier', 'Upper bound'], ['uplift', 'At random']])
    check(new RegExp(text).test(await hover(`[data-chart="${chart}"] .plot`)),
      `${chart}: the pointer shows numbers`);
}

async function checkShapes() {
  const ink = () => browser.run(`document.querySelector('.chart svg text').getAttribute('fill')`);
  const light = await ink();
  await browser.scheme('dark');
  await new Promise(resolve => setTimeout(resolve, 200));
  check(await ink() !== light, 'the charts follow a change to dark');
  await browser.scheme('light');
  for (const width of [1200, 390]) {
    await browser.size(width, 900);
    await browser.load(pages.en);
    check(await browser.run('document.documentElement.scrollWidth') <= width,
      `at ${width} pixels nothing is wider than the page`);
    check(await browser.run(`[...document.querySelectorAll('.chart svg')]
      .every(svg => svg.getBoundingClientRect().width <= svg.closest('figure').clientWidth + 1)`),
      `at ${width} pixels every plot fits its figure`);
  }
}

async function checkPrint() {
  const ink = await browser.run(`document.querySelector('.chart svg text').getAttribute('fill')`);
  await browser.scheme('dark');
  await browser.run(`addEventListener('beforeprint', () => {
    window.printed = {unfolded: document.querySelectorAll('details[open]').length,
      ink: document.querySelector('.chart svg text').getAttribute('fill')};
  })`);
  const {data} = await browser.call('Page.printToPDF', {preferCSSPageSize: true});
  const pdf = Buffer.from(data, 'base64').toString('latin1');
  check(/MediaBox\s*\[0 0 59[45][.\d]* 84[12]/.test(pdf), 'it prints on A4');
  check(await browser.run('window.printed.unfolded') > 0, 'folded tables are printed');
  check(await browser.run('window.printed.ink') === ink, 'charts are printed in light colours');
  await browser.scheme('light');
}

try {
  await browser.size(1200, 900);
  await browser.scheme('light');
  await browser.load(pages.en);
  check(await count('table') >= 15, 'tables are there');
  check(await count('[src],[href]') === 0, 'nothing refers to another place');
  check(readFileSync(pages.en).length < 700_000, 'the page is under 700 kB');
  if (hasBundle) {
    await checkCharts();
    await checkShapes();
    await checkPrint();
  } else {
    console.log('the build has no charts: only tables were checked');
  }
  await browser.load(pages.zh);
  check(await browser.run('document.documentElement.lang') === 'zh-CN', 'the Chinese page says so');
  check((await browser.run('document.body.innerText')).includes('双重稳健'), 'the words are Chinese');
  if (hasBundle)
    check(await browser.run(`[...document.querySelectorAll('.chart svg text')]
      .some(text => text.textContent.includes('本计划'))`), 'the charts are Chinese');
  await browser.scripts(false);
  await browser.load(pages.en);
  await browser.scripts(true);
  check(await browser.run(`[...document.querySelectorAll('details.of-chart')]
    .every(details => details.open)`), 'without scripts the tables of charts are open');
  check(browser.complaints.length === 0, `no complaint: ${browser.complaints.join('; ')}`);
} finally {
  await browser.close();
  rmSync(folder, {recursive: true, force: true});
}
process.exit(failures ? 1 : 0);
