// @segment/analytics-next in headless Chromium, from a page of another origin.
import assert from 'node:assert/strict';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {fileURLToPath, pathToFileURL} from 'node:url';
import {findChromium, openChromium} from '../browser/chromium.mjs';
import {openServer} from './server.mjs';

const umd = fileURLToPath(new URL('node_modules/@segment/analytics-next/dist/umd/index.js', import.meta.url));

if (!findChromium()) {
  console.log('skipped: no chromium');
  process.exit(77);
}
const server = await openServer();
const apiHost = `${new URL(server.url).host}/v1`;
const page = join(server.workspace, 'shop.html');
writeFileSync(page, `<!doctype html><meta charset="utf-8"><title>店</title>
<script src="${pathToFileURL(umd).href}"></script>`);

const chromium = await openChromium();
await test('@segment/analytics-next', async () => {
  await chromium.load(page);
  const sent = await chromium.run(`(async () => {
    const {AnalyticsBrowser} = window.AnalyticsNext;
    const analytics = AnalyticsBrowser.load({writeKey: '${server.key}', cdnSettings: {integrations:
      {'Segment.io': {apiKey: '${server.key}', apiHost: '${apiHost}', protocol: 'http'}}}});
    await analytics.identify('browser-张三', {email: 'b@example.cn'});
    await analytics.track('Product Added', {product_id: 'sku-7', price: 19.9, quantity: 2, currency: 'CNY', category: '鞋'});
    await analytics.page('首页');
    return (await analytics.user()).anonymousId();
  })()`);
  for (let i = 0; i < 100 && await server.counted('kairos_events_total') < 3; i++)
    await new Promise(resolve => setTimeout(resolve, 50));
  await server.stop();
  const {identifiers, events} = server.person('browser-张三');
  assert.ok(identifiers.some(({identifier}) => identifier === sent), 'the device is hers');
  const row = events.find(({type}) => type === 'cart');
  assert.equal(row.item, 'sku-7');
  assert.ok(Math.abs(row.value - 39.8) < 1e-9);
  assert.equal(row.properties.category, '鞋');
  assert.ok(events.some(({type}) => type === 'page'));
});
await chromium.close();
server.remove();
