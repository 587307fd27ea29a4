// A `kairos serve` of its own in a fresh workspace, and what it has stored.
import {execFileSync, spawn} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

const kairos = process.env.KAIROS_BIN;

export const run = (...args) => execFileSync(kairos, args, {encoding: 'utf8'});

export async function openServer({withKey = true, options = []} = {}) {
  const workspace = mkdtempSync(join(tmpdir(), 'kairos-http-'));
  run('init', workspace);
  const key = withKey ? JSON.parse(run('key', 'new', '--name', 'test', '-C', workspace, '--json')).key : '';
  let child, url;

  const start = () => new Promise((resolve, reject) => {
    child = spawn(kairos, ['serve', '-C', workspace, '--listen', '127.0.0.1:0', ...options]);
    let said = '';
    child.stderr.setEncoding('utf8').on('data', text => {
      said += text;
      const found = said.match(/listening on (https?:\/\/[^\s,]+)/);
      if (found) { url = found[1]; resolve(); }
    });
    child.on('exit', code => reject(new Error(`serve ended with ${code}: ${said}`)));
  });
  const stop = () => new Promise(resolve => {
    child.removeAllListeners('exit');
    child.on('exit', resolve);
    child.kill('SIGTERM');
  });
  await start();
  return {
    workspace, key,
    get url() { return url; },
    get pid() { return child.pid; },
    start, stop,
    kill: () => new Promise(resolve => {
      child.removeAllListeners('exit');
      child.on('exit', resolve);
      child.kill('SIGKILL');
    }),
    async counted(name) {
      const ask = () => fetch(`${url}/metrics`);
      const text = await (await ask().catch(ask)).text();
      return Number(text.match(new RegExp(`^${name.replace(/[{}]/g, '\\$&')} (.*)$`, 'm'))[1]);
    },
    // everything that is known of a person
    person(user) {
      const out = join(workspace, 'export.json');
      run('export', user, '-C', workspace, '--out', out);
      return JSON.parse(readFileSync(out, 'utf8'));
    },
    json: (...args) => JSON.parse(run(...args, '-C', workspace, '--json')),
    remove: () => rmSync(workspace, {recursive: true, force: true}),
  };
}

// A connection that was kept may have been closed by the server's timeout just now: once more then,
// as real clients do.
export async function post(url, body, headers = {}) {
  const send = () => fetch(url, {method: 'POST', headers: {'content-type': 'application/json', ...headers},
    body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body)});
  return send().catch(send);
}
