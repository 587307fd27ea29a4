// Beside a server that never rests: verbs that write take their turn, what they changed is in force
// at once, and every event that was acknowledged meanwhile is there, once.
import assert from 'node:assert/strict';
import {execFile} from 'node:child_process';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {promisify} from 'node:util';
import {openServer, post} from './server.mjs';

const server = await openServer();
const wait = promisify(execFile);
const beside = async (...args) => JSON.parse((await wait(process.env.KAIROS_BIN, [...args, '-C', server.workspace, '--json'])).stdout);
const track = (id, userId) => ({userId, event: 'Product Viewed', messageId: id, properties: {product_id: 'p'}});
const send = (id, userId, key) => post(`${server.url}/v1/track`, track(id, userId), {authorization: `Bearer ${key}`});

const acknowledged = [];
let open = true;
const senders = [0, 1, 2, 3].map(async sender => {
  for (let i = 0; open; i++) {
    const answer = await send(`s-${sender}-${i}`, 'busy', server.key);
    assert.equal(answer.status, 200);
    acknowledged.push(`s-${sender}-${i}`);
  }
});

await test('a new key opens at once, a revoked one no more', async () => {
  const {key, id} = await beside('key', 'new', '--name', 'fresh');
  assert.equal((await send('k1', 'keyed', key)).status, 200);
  await beside('key', 'revoke', id);
  assert.equal((await send('k2', 'keyed', key)).status, 401);
});

await test('a file is collected', async () => {
  const file = join(server.workspace, 'more.jsonl');
  writeFileSync(file, Array.from({length: 500}, (_, i) =>
    `${JSON.stringify({id: `file-${i}`, type: 'view', customer: 'filed', item: 'p', time: '2026-11-20T10:00:00Z'})}\n`).join(''));
  assert.equal((await beside('collect', file)).added, 500);
  assert.equal((await beside('collect', file)).added, 0);
});

await test('whoever is forgotten does not come back', async () => {
  assert.equal((await send('g1', 'gone@shop.cn', server.key)).status, 200);
  assert.equal((await beside('forget', 'gone@shop.cn')).erased.events, 1);
  const before = await server.counted('kairos_doorway_events_total{fate="suppressed"}');
  assert.equal((await send('g2', 'gone@shop.cn', server.key)).status, 200);
  assert.equal(await server.counted('kairos_doorway_events_total{fate="suppressed"}'), before + 1);
});

await test('whoever refuses is not written down', async () => {
  await beside('consent', 'withdraw', 'shy', '--purpose', 'analytics');
  assert.equal((await send('c1', 'shy', server.key)).status, 200);
  assert.equal(await server.counted('kairos_doorway_events_total{fate="without_consent"}'), 1);
});

await test('several at once, each in its turn', async () => {
  const keys = await Promise.all(['a', 'b', 'c', 'd'].map(name => beside('key', 'new', '--name', name)));
  const answers = await Promise.all(keys.map(({key}, i) => send(`m${i}`, 'keyed', key)));
  assert.deepEqual(answers.map(({status}) => status), [200, 200, 200, 200]);
});

await test('nothing that was acknowledged is lost, nothing is there twice', async () => {
  open = false;
  await Promise.all(senders);
  assert.ok(acknowledged.length > 20, `${acknowledged.length} acknowledged`);
  const ids = server.person('busy').events.map(({id}) => id);
  assert.equal(new Set(ids).size, ids.length);
  assert.deepEqual(new Set(ids), new Set(acknowledged));
  assert.equal((await beside('store', 'verify')).events, acknowledged.length + 500 + 1 + 4);
  await server.stop();
});

server.remove();
