// usage: node build.mjs OUTPUT - bundle the charts into one file for the report page.
import {build} from 'esbuild';
import {fileURLToPath} from 'node:url';

await build({
  entryPoints: [fileURLToPath(new URL('src/report.js', import.meta.url))],
  outfile: process.argv[2],
  bundle: true,
  minify: true,
  format: 'iife',
  target: 'es2020',
  charset: 'utf8',
  legalComments: 'none',
  define: {'process.env.NODE_ENV': '"production"'},
  banner: {
    js: '/* Apache ECharts, Copyright 2017-2026 The Apache Software Foundation, Apache-2.0; ' +
      'zrender, Copyright (c) 2017 Baidu Inc., BSD-3-Clause; tslib, Copyright (c) Microsoft ' +
      'Corporation, 0BSD. Licence texts: console/licences.txt */',
  },
  logLevel: 'warning',
});
