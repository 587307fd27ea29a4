// One function a chart: what of the data it shows, and how. Each answers a list of plots.
import {isNumber} from './format.js';
import {categoryAxis, tooltip, valueAxis} from './theme.js';

const PLOTS_MAX = 12; // offers with a plot of their own; the tables have them all

const isShort = width => width < 520;
const labelWidth = width => (isShort(width) ? 124 : 230);
const tickOf = (format, width) => (isShort(width) ? format.shortTick : format.tick);
const rowHeight = () => (innerWidth < 600 ? 46 : 36);

// Intervals as rows: a line from low to high, and a dot at the value.
function intervalRows(rows, {palette, width, format, tick, name, hint, isStrong}) {
  const drawRow = (params, api) => {
    const y = api.coord([0, api.value(0)])[1];
    const [low, high, value] = [2, 3, 1].map(i => api.coord([api.value(i), api.value(0)])[0]);
    const strong = isStrong(api.value(0));
    const stroke = strong ? palette.accent : palette.muted;
    const line = (x1, y1, x2, y2, lineWidth) =>
      ({type: 'line', shape: {x1, y1, x2, y2}, style: {stroke, lineWidth, lineCap: 'round'}});
    const parts = [];
    if (isNumber(low) && isNumber(high))
      parts.push(line(low, y, high, y, strong ? 3.5 : 2.5), line(low, y - 4, low, y + 4, 1.5),
        line(high, y - 4, high, y + 4, 1.5));
    parts.push({type: 'circle', shape: {cx: value, cy: y, r: strong ? 6 : 5},
      style: {fill: stroke, stroke: palette.card, lineWidth: 1.5}});
    return {type: 'group', children: parts};
  };
  return {
    grid: {left: labelWidth(width) + 12, right: 24, top: 8, bottom: 46},
    tooltip: {...tooltip(palette), trigger: 'axis', axisPointer: {type: 'shadow',
      shadowStyle: {color: palette.band}}, formatter: items => hint(items[0].dataIndex)},
    xAxis: {...valueAxis(palette, tick ?? tickOf(format, width), name), splitNumber: isShort(width) ? 3 : 6},
    yAxis: categoryAxis(palette, rows.map(row => row.name), labelWidth(width)),
    series: [{
      type: 'custom', renderItem: drawRow, encode: {x: [1, 2, 3], y: 0},
      data: rows.map((row, i) => [i, row.value, row.low, row.high]),
      markLine: {silent: true, symbol: 'none', label: {show: false},
        lineStyle: {color: palette.soft, type: 'solid', width: 1}, data: [{xAxis: 0}]},
    }],
  };
}

export function drawPolicies({data, format}) {
  const rows = (data.policies ?? []).filter(policy => isNumber(policy?.estimates?.dr?.value))
    .map(policy => {
      const {dr} = policy.estimates;
      const scale = isNumber(dr.total) && dr.value !== 0 ? dr.total / dr.value
        : data.plan?.eligible ?? 1;
      return {policy, scale, name: format.phrase(String(policy.name)), value: dr.value * scale,
        low: isNumber(dr.low) ? dr.low * scale : null,
        high: isNumber(dr.high) ? dr.high * scale : null};
    });
  if (rows.length < 2) return [];
  const hint = i => {
    const {policy, scale, name, value} = rows[i];
    return format.hint(name, [
      [format.word('total'), format.number(value)],
      [format.word('interval'), format.interval(policy.estimates.dr, scale)],
      [format.word('per-customer'), format.number(policy.estimates.dr.value)],
      [format.word('treated'), format.share(policy.treated_share)]]);
  };
  return [{height: rows.length * rowHeight() + 60, make: (palette, width) => intervalRows(rows,
    {palette, width, format, name: format.word('total'), hint,
      isStrong: i => rows[i].policy.name === 'plan'})}];
}

function bars(rows, {palette, width, name, format, hint, label}) {
  return {
    grid: {left: labelWidth(width) + 12, right: isShort(width) ? 64 : 150, top: 4, bottom: 46},
    tooltip: {...tooltip(palette), trigger: 'axis', axisPointer: {type: 'shadow',
      shadowStyle: {color: palette.band}}, formatter: items => hint(items[0].dataIndex)},
    xAxis: {...valueAxis(palette, tickOf(format, width), name), splitNumber: isShort(width) ? 3 : 6},
    yAxis: categoryAxis(palette, rows.map(row => row.name), labelWidth(width)),
    series: [{type: 'bar', barMaxWidth: 18, data: rows.map(row => row.value),
      itemStyle: {color: palette.accent, borderRadius: [0, 3, 3, 0]},
      label: {show: true, position: 'right', color: palette.soft, fontSize: 12,
        formatter: ({dataIndex}) => label(dataIndex, width)}}],
  };
}

export function drawOffers({data, format}) {
  const rows = Object.entries(data.plan?.offers ?? {})
    .filter(([, offer]) => isNumber(offer?.value) && offer.customers > 0)
    .sort(([, a], [, b]) => b.value - a.value).slice(0, 20)
    .map(([name, offer]) => ({name, value: offer.value, offer}));
  if (rows.length < 2) return [];
  const customers = i => `${format.word('customers')}: ${format.count(rows[i].offer.customers)}`;
  return [{height: rows.length * rowHeight() + 58, make: (palette, width) => bars(rows, {palette, width, format,
    name: format.word('value'),
    label: (i, wide) => (isShort(wide) ? format.count(rows[i].offer.customers) : customers(i)),
    hint: i => format.hint(rows[i].name, [
      [format.word('value'), format.number(rows[i].value)],
      [format.word('customers'), format.count(rows[i].offer.customers)],
      [format.word('cost'), format.number(rows[i].offer.cost)]])})}];
}

export function drawReasons({data, format}) {
  const rows = (data.reasons?.strongest ?? []).filter(reason => isNumber(reason?.mean_effect))
    .slice(0, 12).map(reason => ({name: String(reason.column), value: reason.mean_effect}));
  if (rows.length < 2) return [];
  return [{height: rows.length * 30 + 58, make: (palette, width) => bars(rows, {palette, width, format,
    name: format.word('influence'), label: i => format.number(rows[i].value),
    hint: i => format.hint(rows[i].name, [[format.word('influence'), format.number(rows[i].value)]])})}];
}

export function drawFrontier({data, format}) {
  const points = (data.frontier ?? []).filter(point => isNumber(point?.limit) && isNumber(point.value));
  if (points.length < 2) return [];
  const today = (data.plan?.limits ?? []).find(limit => limit.name === 'budget')?.limit;
  const mark = palette => ({
    silent: true, symbol: 'none', data: [{xAxis: today}],
    lineStyle: {color: palette.marker, type: [5, 4], width: 1.5},
    label: {color: palette.marker, fontWeight: 600, fontSize: 12, position: 'end',
      formatter: format.today(today)},
  });
  return [{height: 320, make: palette => ({
    grid: {left: 64, right: 28, top: 26, bottom: 48},
    tooltip: {...tooltip(palette), trigger: 'axis', axisPointer: {lineStyle: {color: palette.muted}},
      formatter: ([{dataIndex}]) => {
        const point = points[dataIndex];
        return format.hint(`${format.word('budget')} ${format.number(point.limit)}`, [
          [format.word('value'), format.number(point.value)],
          [format.word('bound'), format.number(point.bound)],
          [format.word('cost'), format.number(point.cost)],
          [format.word('customers'), format.count(point.treated)]]);
      }},
    xAxis: {...valueAxis(palette, format.tick, format.word('budget')), splitLine: {show: false}},
    yAxis: {...valueAxis(palette, format.tick, format.word('value')), nameGap: 48},
    series: [{type: 'line', data: points.map(point => [point.limit, point.value]), symbolSize: 6,
      lineStyle: {color: palette.accent, width: 2.5}, itemStyle: {color: palette.accent},
      areaStyle: {color: palette.band}, ...(isNumber(today) ? {markLine: mark(palette)} : {})}],
  })}];
}

// A band between two lines, drawn as one polygon.
function band(points, palette) {
  return {type: 'custom', silent: true, z: 1, data: [0], tooltip: {show: false},
    renderItem: (params, api) => ({type: 'polygon', style: {fill: palette.band}, silent: true,
      shape: {points: [...points.map(point => api.coord([point.share, point.high])),
        ...[...points].reverse().map(point => api.coord([point.share, point.low]))]}})};
}

function upliftPlot(offer, points, format) {
  const last = points[points.length - 1];
  const random = share => last.gain * share / last.share;
  const banded = points.filter(point => isNumber(point.low) && isNumber(point.high));
  const edge = side => ({type: 'line', silent: true, showSymbol: false, tooltip: {show: false},
    lineStyle: {opacity: 0}, data: banded.map(point => [point.share, point[side]])});
  const plain = {type: 'line', showSymbol: false, symbol: 'circle', symbolSize: 6};
  return {height: 250, name: offer, legend: [['line', 'model'], ['dashes', 'random'], ['band', 'interval']], make: palette => ({
    grid: {left: 62, right: 20, top: 12, bottom: 46},
    tooltip: {...tooltip(palette), trigger: 'axis', axisPointer: {lineStyle: {color: palette.muted}},
      formatter: items => {
        const point = points[items.find(item => item.seriesIndex === 0)?.dataIndex ?? 0];
        return format.hint(`${offer} · ${format.share(point.share)}`, [
          [format.word('model'), format.number(point.gain)],
          [format.word('interval'), format.interval(point)],
          [format.word('random'), format.number(point.random ?? random(point.share))]]);
      }},
    xAxis: {...valueAxis(palette, format.shareTick, format.word('share')), min: 0, max: 1,
      interval: 0.25, splitLine: {show: false}},
    yAxis: {...valueAxis(palette, format.tick, format.word('gain')), nameGap: 46},
    series: [
      {...plain, data: points.map(point => [point.share, point.gain]), z: 3,
        lineStyle: {color: palette.accent, width: 2.5}, itemStyle: {color: palette.accent}},
      {...plain, data: [[0, 0], [last.share, last.gain]], z: 2,
        lineStyle: {color: palette.muted, type: [5, 4], width: 1.5},
        itemStyle: {color: palette.muted}},
      band(banded, palette), edge('low'), edge('high')], // the edges stretch the axis
  })};
}

const pointOf = point => (Array.isArray(point)
  ? {share: point[0], gain: point[1], low: point[2], high: point[3]} : point);

export function drawUplift({data, format}) {
  return Object.entries(data.uplift?.curves ?? {}).slice(0, PLOTS_MAX)
    .map(([offer, curve]) => [offer, (Array.isArray(curve) ? curve : curve?.points ?? [])
      .map(pointOf).filter(point => isNumber(point?.share) && isNumber(point.gain))])
    .filter(([, points]) => points.length > 1)
    .map(([offer, points]) => upliftPlot(offer, points, format));
}

function calibrationPlot(offer, bins, format) {
  const values = bins.flatMap(({predicted, observed}) =>
    [predicted, observed.low, observed.high, observed.value].filter(isNumber));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const [from, to] = [Math.min(...bins.map(bin => bin.predicted)),
    Math.max(...bins.map(bin => bin.predicted))];
  return {height: 260, name: offer, legend: [['dot', 'observed'], ['bar', 'interval'], ['dashes', 'diagonal']], make: palette => ({
    grid: {left: 62, right: 20, top: 12, bottom: 46},
    tooltip: {...tooltip(palette), trigger: 'item', formatter: ({dataIndex}) => {
      const {predicted, observed} = bins[dataIndex];
      return format.hint(offer, [[format.word('predicted'), format.number(predicted)],
        [format.word('observed'), format.number(observed.value)],
        [format.word('interval'), format.interval(observed)],
        [format.word('rows'), format.count(observed.n)]]);
    }},
    xAxis: {...valueAxis(palette, format.tick, format.word('predicted')), scale: true,
      splitNumber: 4, splitLine: {show: false}},
    yAxis: {...valueAxis(palette, format.tick, format.word('observed')), nameGap: 46, scale: true, min: low > 0 ? 0 : undefined,
      max: high < 0 ? 0 : undefined},
    series: [{type: 'custom', encode: {x: 0, y: [1, 2, 3]},
      data: bins.map(({predicted, observed}) => [predicted, observed.value, observed.low, observed.high]),
      renderItem: (params, api) => {
        const [x, y] = api.coord([api.value(0), api.value(1)]);
        const parts = [{type: 'circle', shape: {cx: x, cy: y, r: 5},
          style: {fill: palette.accent, stroke: palette.card, lineWidth: 1.5}}];
        if (isNumber(api.value(2)) && isNumber(api.value(3)))
          parts.unshift({type: 'line', style: {stroke: palette.accent, lineWidth: 2, opacity: 0.45},
            shape: {x1: x, x2: x, y1: api.coord([0, api.value(2)])[1],
              y2: api.coord([0, api.value(3)])[1]}});
        return {type: 'group', children: parts};
      }},
    {type: 'line', silent: true, showSymbol: false, data: [[from, from], [to, to]], z: 1,
      tooltip: {show: false}, lineStyle: {color: palette.muted, type: [5, 4], width: 1.5}}],
  })};
}

export function drawCalibration({data, format}) {
  return Object.entries(data.uplift?.calibration ?? {}).slice(0, PLOTS_MAX)
    .map(([offer, item]) => [offer, (Array.isArray(item) ? item : item?.bins ?? [])
      .filter(bin => isNumber(bin?.predicted) && isNumber(bin.observed?.value))])
    .filter(([, bins]) => bins.length > 1)
    .map(([offer, bins]) => calibrationPlot(offer, bins, format));
}

export function drawFairness({data, format, key}) {
  const rows = (data.fairness?.[key]?.groups ?? [])
    .filter(group => isNumber(group?.treated_share?.value))
    .map(group => ({name: String(group.group), n: group.n, ...group.treated_share}));
  if (rows.length < 2) return [];
  return [{height: rows.length * rowHeight() + 60, make: (palette, width) => intervalRows(rows, {palette, width,
    format, tick: format.shareTick, name: format.word('treated-share'), isStrong: () => true,
    hint: i => format.hint(rows[i].name, [
      [format.word('treated-share'), format.share(rows[i].value)],
      [format.word('interval'), format.interval(rows[i], 1, format.share)],
      [format.word('customers'), format.count(rows[i].n)]])})}];
}
