// Colours of the charts. Series colours keep 3:1 against their background and differ in lightness,
// so that they can be told apart without colour vision.
export const palettes = {
  light: {
    ink: '#16191f', soft: '#5b6472', line: '#e3e6eb', card: '#ffffff', accent: '#1f5fd1',
    muted: '#8a93a3', band: 'rgba(31, 95, 209, 0.13)', marker: '#b3541e',
  },
  dark: {
    ink: '#e8eaee', soft: '#9aa3b2', line: '#2d323c', card: '#1a1d24', accent: '#7aa7f7',
    muted: '#747d8d', band: 'rgba(122, 167, 247, 0.20)', marker: '#f0a873',
  },
};

export const axisLabel = palette => ({color: palette.soft, fontSize: 12});

export const valueAxis = (palette, format, name) => ({
  type: 'value', name, nameLocation: 'middle', nameGap: 30,
  nameTextStyle: {color: palette.soft, fontSize: 12},
  axisLabel: {...axisLabel(palette), formatter: format, hideOverlap: true},
  axisLine: {show: false}, axisTick: {show: false},
  splitLine: {lineStyle: {color: palette.line}},
});

export const categoryAxis = (palette, names, width) => ({
  type: 'category', data: names, inverse: true,
  axisLine: {show: false}, axisTick: {show: false},
  axisLabel: {color: palette.ink, fontSize: 13, width, overflow: 'break', lineHeight: 15, interval: 0},
});

export const tooltip = palette => ({
  confine: true, backgroundColor: palette.card, borderColor: palette.line, padding: [8, 12],
  textStyle: {color: palette.ink, fontSize: 13}, extraCssText: 'box-shadow:0 4px 16px rgba(0,0,0,.14)',
});
