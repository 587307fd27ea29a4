// The real clients of other people, unmodified, pointed at a server on loopback; each is checked
// down to the stored row. usage: node clients.mjs (KAIROS_BIN says which program)
import assert from 'node:assert/strict';
import {createRequire} from 'node:module';
import {test} from 'node:test';
import {openServer} from './server.mjs';

const require = createRequire(import.meta.url);
const server = await openServer();
const {key} = server;
const PROPERTIES = {product_id: 'sku-7', name: '跑鞋', price: '19.90', quantity: 2, currency: 'CNY', category: '鞋'};
const user = client => `${client}-张三`;

// What each client sent, to be looked for when all have ended.
const expected = [];
const expectProduct = (client, id = user(client)) => expected.push({client, id});

await test('@segment/analytics-node', async () => {
  const {Analytics} = require('@segment/analytics-node');
  const analytics = new Analytics({writeKey: key, host: server.url, flushAt: 2, maxRetries: 0});
  const failures = [];
  analytics.on('error', error => failures.push(error));
  const userId = user('segment');
  analytics.identify({userId, traits: {email: 'zhang@example.cn', name: '张三'}});
  analytics.track({userId, anonymousId: 'device-segment', event: 'Product Added', properties: PROPERTIES});
  analytics.track({userId, event: 'Order Completed', properties: {order_id: 'o-1', revenue: '50.00', currency: 'CNY',
    products: [{product_id: 'a', price: 10, quantity: 2}, {product_id: 'b', price: 30, quantity: 1}]}});
  analytics.page({userId, name: '首页', properties: {url: 'https://shop.cn/?utm_campaign=双十一&utm_medium=email'}});
  await analytics.closeAndFlush({timeout: 5000});
  assert.deepEqual(failures, []);
  expectProduct('segment');
});

await test('@rudderstack/rudder-sdk-node', async () => {
  const Rudder = require('@rudderstack/rudder-sdk-node');
  const rudder = new (Rudder.default ?? Rudder)(key, {dataPlaneUrl: server.url, flushAt: 1, gzip: true});
  await new Promise((resolve, reject) => rudder.track(
    {userId: user('rudder'), event: 'Product Added', properties: PROPERTIES}, error => error ? reject(error) : resolve()));
  await rudder.flush();
  expectProduct('rudder');
});

await test('posthog-node', async () => {
  const {PostHog} = require('posthog-node');
  const posthog = new PostHog(key, {host: server.url, flushAt: 1, flushInterval: 0, fetchRetryCount: 0});
  const failures = [];
  posthog.on('error', error => failures.push(error));
  posthog.capture({distinctId: user('posthog'), event: 'Product Added', properties: PROPERTIES});
  assert.equal(await posthog.getFeatureFlag('none', user('posthog')) ?? false, false);
  await posthog.shutdown();
  assert.deepEqual(failures, []);
  expectProduct('posthog');
});

await test('@amplitude/analytics-node', async () => {
  const amplitude = require('@amplitude/analytics-node');
  await amplitude.init(key, {serverUrl: `${server.url}/2/httpapi`, flushQueueSize: 1, flushIntervalMillis: 50, flushMaxRetries: 0}).promise;
  const {code} = await amplitude.track('Product Added', PROPERTIES, {user_id: user('amplitude')}).promise;
  assert.equal(code, 200);
  expectProduct('amplitude');
});

await test('@jitsu/js', async () => {
  const {jitsuAnalytics} = require('@jitsu/js');
  const jitsu = jitsuAnalytics({host: server.url, writeKey: `${key}:jitsu`}) // it insists on a colon;
  await jitsu.identify(user('jitsu'));
  await jitsu.track('Product Added', PROPERTIES);
  expectProduct('jitsu');
});

await test('@snowplow/node-tracker', async () => {
  const {newTracker, buildSelfDescribingEvent} = require('@snowplow/node-tracker');
  // the client sends no key: it stands in the address
  const done = [];
  const tracker = newTracker({namespace: 'k', appId: 'shop', encodeBase64: true},
    {endpoint: `${server.url}/k/${key}`, eventMethod: 'post', bufferSize: 1, retryFailedRequests: false,
      onRequestSuccess: batch => done.push(batch.length), onRequestFailure: data => done.push(data)});
  tracker.setUserId(user('snowplow'));
  tracker.track(buildSelfDescribingEvent({event:
    {schema: 'iglu:cn.shop/product_added/jsonschema/1-0-0', data: PROPERTIES}}));
  await tracker.flush?.();
  for (let i = 0; i < 100 && !done.length; i++) await new Promise(resolve => setTimeout(resolve, 50));
  assert.deepEqual(done, [1]);
  expectProduct('snowplow');
});

await test('matomo-tracker', async () => {
  const Matomo = require('matomo-tracker');
  const matomo = new Matomo(1, `${server.url}/matomo.php`);
  const failures = [];
  matomo.on('error', error => failures.push(error));
  const before = await server.counted('kairos_events_total');
  matomo.track({url: 'https://shop.cn/p/7', uid: user('matomo'), token_auth: key, e_c: 'shop', e_a: 'Product Added', ...PROPERTIES});
  while (await server.counted('kairos_events_total') === before) // it does not say when it is done
    await new Promise(resolve => setTimeout(resolve, 20));
  await new Promise((resolve, reject) => matomo.trackBulk([{url: 'https://shop.cn/', uid: user('matomo'),
    action_name: '首页', token_auth: key}], body => JSON.parse(body).tracked === 1 ? resolve() : reject(new Error(body))));
  assert.deepEqual(failures, []);
  expectProduct('matomo');
});

await test('cloudevents', async () => {
  const {CloudEvent, HTTP, httpTransport, emitterFor, Mode} = require('cloudevents');
  for (const mode of [Mode.BINARY, Mode.STRUCTURED]) {
    const emit = emitterFor(httpTransport(`${server.url}/k/${key}/cloudevents`), {mode});
    const userid = mode === Mode.BINARY ? encodeURIComponent(user('cloudevents')) : user('cloudevents'); // of headers
    await emit(new CloudEvent({type: 'cn.shop.product_added', source: '/shop', userid, data: PROPERTIES}));
  }
  const batch = HTTP.structured(new CloudEvent({type: 'cn.shop.product_added', source: '/shop',
    userid: user('cloudevents'), data: PROPERTIES}));
  const {status} = await fetch(`${server.url}/cloudevents`, {method: 'POST',
    headers: {authorization: `Bearer ${key}`, 'content-type': 'application/cloudevents-batch+json'}, body: `[${batch.body}]`});
  assert.equal(status, 202);
  expectProduct('cloudevents');
});

await server.stop();

for (const {client, id} of expected)
  await test(`${client}: the stored row`, () => {
    const {identifiers, events} = server.person(id);
    assert.ok(identifiers.some(({identifier}) => identifier === id), 'the identifier, Chinese text included');
    const row = events.find(({type}) => type === 'cart');
    assert.ok(row, `no cart event among ${JSON.stringify(events.map(({type}) => type))}`);
    assert.equal(row.item, 'sku-7');
    assert.equal(row.quantity, 2);
    assert.ok(Math.abs(row.value - 39.8) < 1e-9, `value ${row.value}`);
    assert.equal(row.currency, 'CNY');
    assert.equal(row.properties.category, '鞋');
    assert.ok(Math.abs(new Date(row.time) - Date.now()) < 120000, `time ${row.time}`);
    assert.ok(row.id, 'a key');
  });

await test('segment: identity, order, page', () => {
  const {identifiers, events} = server.person(user('segment'));
  assert.ok(identifiers.some(({identifier}) => identifier === 'device-segment'), 'the device is hers');
  const identify = events.find(({type}) => type === 'identify');
  assert.equal(identify.properties.email, 'zhang@example.cn');
  const order = events.filter(({type}) => type === 'order');
  assert.deepEqual(order.map(({item, value, session}) => [item, value, session]), [['a', 20, 'o-1'], ['b', 30, 'o-1']]);
  const page = events.find(({type}) => type === 'page');
  assert.equal(page.channel, 'email');
  assert.equal(page.campaign, '双十一');
});

await test('every client is counted, none in quarantine', () => {
  const {events} = server.json('events');
  assert.ok(events >= expected.length + 6, `${events} events`);
});
server.remove();
