// The charts of report.html. The page brings two JSON islands: `words` (its language) and `data`
// (members of report.json). A chart whose numbers are missing stays hidden; its table is there.
import {LineChart, BarChart, ScatterChart, CustomChart} from 'echarts/charts';
import {GridComponent, MarkLineComponent, TooltipComponent} from 'echarts/components';
import * as echarts from 'echarts/core';
import {SVGRenderer} from 'echarts/renderers';

import {drawCalibration, drawFairness, drawFrontier, drawOffers, drawPolicies, drawReasons,
  drawUplift} from './charts.js';
import {makeFormat} from './format.js';
import {palettes} from './theme.js';

echarts.use([LineChart, BarChart, ScatterChart, CustomChart, GridComponent, TooltipComponent,
  MarkLineComponent, SVGRenderer]);

const PRINT_WIDTH = 680; // what A4 leaves between its margins, in CSS pixels
const DRAWERS = {
  policies: drawPolicies, offers: drawOffers, frontier: drawFrontier, uplift: drawUplift,
  calibration: drawCalibration, reasons: drawReasons, fairness: drawFairness,
};

const island = id => JSON.parse(document.getElementById(id).textContent);
const words = island('words');
const data = island('data');
const format = makeFormat(words);
const isDark = matchMedia('(prefers-color-scheme: dark)');
const shown = []; // {chart, plot, make}

// A drawer answers a list of plots {height, name, legend, make(palette, width)};
// several stand in a grid.
function mount(figure) {
  const plots = DRAWERS[figure.dataset.chart]?.({data, words, format, key: figure.dataset.key}) ?? [];
  if (plots.length === 0) return;
  figure.hidden = false;
  figure.parentElement.querySelectorAll('details.of-chart').forEach(table => { table.open = false; });
  if (plots.length > 1) figure.classList.add('grid');
  if (plots[0].legend) figure.before(drawLegend(plots[0].legend));
  for (const {height, name, make} of plots) {
    const frame = figure.appendChild(document.createElement('div'));
    if (name) frame.appendChild(document.createElement('h4')).textContent = name;
    const plot = frame.appendChild(document.createElement('div'));
    plot.className = 'plot';
    plot.style.height = `${height}px`;
    shown.push({chart: echarts.init(plot, null, {renderer: 'svg'}), plot, make,
      isHalf: plots.length > 1});
  }
}

function drawLegend(entries) {
  const legend = document.createElement('p');
  legend.className = 'legend';
  for (const [swatch, word] of entries) {
    const entry = legend.appendChild(document.createElement('span'));
    entry.appendChild(document.createElement('i')).className = swatch;
    entry.append(format.word(word));
  }
  return legend;
}

function paint(item, palette, width) {
  item.chart.resize({width: width ?? 'auto'});
  item.chart.setOption(
    {animation: false, textStyle: {fontFamily: getComputedStyle(document.body).fontFamily},
      ...item.make(palette, item.chart.getWidth())}, true);
}

const palette = () => (isDark.matches ? palettes.dark : palettes.light);
const paintAll = () => shown.forEach(item => paint(item, palette()));

let unfolded = [];
function beforePrint() {
  unfolded = [...document.querySelectorAll('details:not([open]):not(.of-chart)')];
  unfolded.forEach(details => { details.open = true; });
  shown.forEach(item => paint(item, palettes.light, item.isHalf ? PRINT_WIDTH / 2 - 12 : PRINT_WIDTH));
}
function afterPrint() {
  unfolded.forEach(details => { details.open = false; });
  paintAll();
}

document.querySelectorAll('.chart[data-chart]').forEach(figure => {
  try {
    mount(figure);
  } catch (error) {
    figure.hidden = true; // numbers of another shape than ours: the table says what there is
    console.warn(`chart ${figure.dataset.chart}: ${error.message}`);
  }
});
paintAll();
isDark.addEventListener('change', paintAll);
addEventListener('beforeprint', beforePrint);
addEventListener('afterprint', afterPrint);
let pending = 0;
addEventListener('resize', () => {
  cancelAnimationFrame(pending);
  pending = requestAnimationFrame(paintAll);
});
