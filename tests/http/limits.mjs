// What a server meets: no key, too much, too slow, noise; and that it stays up, forgets nothing that
// it acknowledged, and lets what was set aside be mended.
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {randomBytes} from 'node:crypto';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {connect} from 'node:net';
import {request} from 'node:https';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {test} from 'node:test';
import {gzipSync} from 'node:zlib';
import {openServer, post, run} from './server.mjs';

const MEMORY_MAX = 600 << 20;
const bomb = gzipSync(Buffer.alloc(200 << 20, ' ')); // first: it takes longer than a silent connection is kept
const server = await openServer({options: ['--timeout', '2', '--body-bytes', '1048576']});
const bearer = {authorization: `Bearer ${server.key}`};
const track = (id, extra = {}) => ({userId: 'u1', event: 'Product Viewed', messageId: id, properties: {product_id: 'p'}, ...extra});
const memory = () => Number(readFileSync(`/proc/${server.pid}/status`, 'utf8').match(/VmHWM:\s+(\d+)/)[1]) << 10;

await test('a key opens, in every place a client may put it', async () => {
  const basic = Buffer.from(`${server.key}:`).toString('base64');
  assert.equal((await post(`${server.url}/v1/track`, track('a1'), {authorization: `Basic ${basic}`})).status, 200);
  assert.equal((await post(`${server.url}/v1/track`, track('a2'), bearer)).status, 200);
  assert.equal((await post(`${server.url}/v1/track`, {writeKey: server.key, ...track('a3')})).status, 200);
  assert.equal((await post(`${server.url}/k/${server.key}/v1/track`, track('a4'))).status, 200);
  assert.equal((await post(`${server.url}/v1/track?writeKey=${server.key}`, track('a5'))).status, 200);
});

await test('no key, a wrong key: 401, nothing kept', async () => {
  for (const headers of [{}, {authorization: 'Bearer none'}, {authorization: 'Basic !!'}]) {
    const answer = await post(`${server.url}/v1/track`, track('b1'), headers);
    assert.equal(answer.status, 401);
    assert.equal((await answer.json()).success, false);
  }
});

await test('what is no request: 400 with a reason, 404, 413', async () => {
  const deep = '['.repeat(100000);
  const cases = [['{"batch":', 400], ['', 400], ['[]', 400], ['{"batch":{}}', 400], [deep, 400], [randomBytes(5000), 400],
    [JSON.stringify({batch: [track('c'.repeat(600000))]}), 400], ['x'.repeat(2 << 20), 413]];
  for (const [body, status] of cases) {
    const answer = await post(`${server.url}/v1/batch`, body, bearer);
    assert.equal(answer.status, status, String(body).slice(0, 40));
    if (status === 400) assert.ok((await answer.json()).error.length > 5);
  }
  assert.equal((await post(`${server.url}/v1/none`, {}, bearer)).status, 404);
  assert.equal((await fetch(`${server.url}/v1/track`)).status, 404);
});

await test('gzip: read; damaged: 400; a bomb: 413 in bounded memory', async () => {
  const packed = {...bearer, 'content-encoding': 'gzip'};
  assert.equal((await post(`${server.url}/v1/batch`, gzipSync(JSON.stringify({batch: [track('d1')]})), packed)).status, 200);
  assert.equal((await post(`${server.url}/v1/batch`, randomBytes(1000), packed)).status, 400);
  const answers = await Promise.all(Array.from({length: 8}, () => post(`${server.url}/v1/batch`, bomb, packed)));
  assert.deepEqual(answers.map(({status}) => status), Array(8).fill(413));
  assert.ok(memory() < MEMORY_MAX, `${memory()} bytes`);
});

await test('a pixel, a beacon, a preflight', async () => {
  const pixel = await fetch(`${server.url}/pixel.gif?key=${server.key}&event=view&visitor=v1&item=p9`, {headers: {'user-agent': 'Mozilla/5.0'}});
  assert.equal(pixel.headers.get('content-type'), 'image/gif');
  assert.equal(Buffer.from(await pixel.arrayBuffer()).subarray(0, 6).toString(), 'GIF89a');
  assert.equal((await post(`${server.url}/beacon`, {key: server.key, event: 'view', visitor: 'v1'}, {'content-type': 'text/plain'})).status, 204);
  const flight = await fetch(`${server.url}/v1/t`, {method: 'OPTIONS', headers: {origin: 'https://shop.cn', 'access-control-request-headers': 'content-type'}});
  assert.equal(flight.status, 204);
  assert.equal(flight.headers.get('access-control-allow-origin'), 'https://shop.cn');
  assert.equal(flight.headers.get('access-control-allow-headers'), 'content-type');
});

await test('2,000 connections that say next to nothing: others are served, and they end', async () => {
  const sockets = await Promise.all(Array.from({length: 2000}, () => new Promise((resolve, reject) => {
    const socket = connect({port: new URL(server.url).port, host: '127.0.0.1'}, () => { socket.write('POST /v1/track HT'); resolve(socket); });
    socket.on('error', reject);
  })));
  const ends = sockets.map(socket => new Promise(resolve => { socket.removeAllListeners('error'); socket.on('error', resolve).on('close', resolve).resume(); }));
  assert.equal((await post(`${server.url}/v1/track`, track('e1'), bearer)).status, 200);
  assert.ok(memory() < MEMORY_MAX, `${memory()} bytes`);
  await Promise.all(ends);
  assert.equal((await post(`${server.url}/v1/track`, track('e2'), bearer)).status, 200);
});

await test('bad events are set aside with their reason, their neighbours kept', async () => {
  const answer = await post(`${server.url}/v1/batch`, {batch: [track('f1'), {type: 'track', event: 'Product Viewed', messageId: 'f2', properties: {product_id: 'q'}},
    {type: 'track', userId: 'u1', messageId: 'f3'}, 7, track('f4', {properties: {note: 'x'.repeat(40000)}})]}, bearer);
  assert.equal(answer.status, 200);
  assert.equal(await server.counted('kairos_events_quarantined_total'), 4);
});

await test('faster than a person: flagged as a robot, an order of many lines is not', async () => {
  const timestamp = '2026-11-20T10:00:00Z';
  const views = Array.from({length: 350}, (_, i) => track(`r${i}`, {userId: 'robot', timestamp}));
  const products = Array.from({length: 400}, (_, i) => ({product_id: `p${i}`, price: 1}));
  for (const batch of [views, [{userId: 'buyer', event: 'Order Completed', timestamp, messageId: 'large', properties: {order_id: 'o', products}}]])
    assert.equal((await post(`${server.url}/v1/batch`, {batch: batch.map(call => ({type: 'track', ...call}))}, bearer)).status, 200);
  assert.equal(await server.counted('kairos_events_too_fast_total'), 50);
});

await test('kill -9: what was acknowledged is there, once', async () => {
  const acknowledged = [];
  for (let round = 0; round < 3; round++) {
    let open = true;
    const send = async sender => {
      for (let i = 0; open; i++) {
        const id = `g-${round}-${sender}-${i}`;
        const answer = await post(`${server.url}/v1/track`, track(id, {userId: 'killed'}), bearer).catch(() => null);
        if (answer?.status === 200) acknowledged.push(id);
        else open = false;
      }
    };
    const senders = [0, 1, 2, 3].map(send);
    await new Promise(resolve => setTimeout(resolve, 150 + 100 * round));
    await server.kill();
    open = false;
    await Promise.all(senders);
    await server.start();
  }
  await post(`${server.url}/v1/batch`, {batch: acknowledged.map(id => track(id, {userId: 'killed'})).slice(0, 300)}, bearer); // again
  await server.stop();
  const ids = server.person('killed').events.map(({id}) => id);
  assert.equal(new Set(ids).size, ids.length, 'none twice');
  for (const id of acknowledged) assert.ok(ids.includes(id), `${id} is lost`);
  assert.ok(acknowledged.length > 10, `${acknowledged.length} acknowledged`);
});

await test('the quarantine is listed, mended, replayed', () => {
  const {rows} = JSON.parse(run('quarantine', 'list', '--raw', '-C', server.workspace, '--json'));
  assert.deepEqual(rows.map(({reason}) => reason).sort(),
    ["a track call without 'event'", 'larger than 32 KiB', 'neither customer nor device', 'not an object']);
  assert.equal(server.json('quarantine', 'replay').replayed, 0); // as they came, they are none
  const row = rows.find(({reason}) => reason === 'neither customer nor device');
  const file = join(server.workspace, 'mended.jsonl');
  writeFileSync(file, `${JSON.stringify({id: row.id, raw: JSON.stringify({...JSON.parse(row.raw), userId: 'mended-张三'})})}\n`);
  assert.equal(server.json('quarantine', 'replay', '--fixed', file).replayed, 1);
  assert.equal(server.person('mended-张三').events[0].item, 'q');
  assert.equal(server.json('quarantine', 'list').count, 3);
});

await test('forgotten: what was set aside about her goes too', () => {
  assert.equal(server.json('forget', 'u1').erased.quarantine, 2);
  assert.equal(server.json('quarantine', 'list').count, 1);
});
server.remove();

await test('HTTPS', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kairos-tls-'));
  const [certificate, key] = ['cert.pem', 'key.pem'].map(name => join(folder, name));
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1',
    '-subj', '/CN=localhost', '-keyout', key, '-out', certificate], {stdio: 'ignore'});
  const secure = await openServer({withKey: false, options: ['--tls-certificate', certificate, '--tls-key', key]});
  assert.match(secure.url, /^https:/);
  const status = await new Promise((resolve, reject) => request(`${secure.url}/readyz`, {ca: readFileSync(certificate), servername: 'localhost'},
    answer => resolve(answer.resume().statusCode)).on('error', reject).end());
  assert.equal(status, 200);
  await secure.stop();
  secure.remove();
  rmSync(folder, {recursive: true});
});
