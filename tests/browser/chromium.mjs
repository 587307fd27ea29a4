// A page in headless Chromium, driven through its debugging pipe: no package, no port.
import {spawn} from 'node:child_process';
import {existsSync, mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {pathToFileURL} from 'node:url';

const PATHS = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome'];
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--disable-dev-shm-usage', '--hide-scrollbars', '--remote-debugging-pipe'];

export const findChromium = () => PATHS.find(path => path && existsSync(path));

export async function openChromium() {
  const profile = mkdtempSync(join(tmpdir(), 'kairos-chromium-'));
  const child = spawn(findChromium(), [...FLAGS, `--user-data-dir=${profile}`, 'about:blank'],
    {stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe']});
  const waiting = new Map();
  const listeners = new Set();
  let last = 0, pending = '';
  child.stdio[4].setEncoding('utf8').on('data', text => {
    const messages = (pending + text).split('\0');
    pending = messages.pop();
    for (const message of messages.map(JSON.parse)) {
      const call = waiting.get(message.id);
      waiting.delete(message.id);
      if (!call) listeners.forEach(listener => listener(message));
      else if (message.error) call.reject(new Error(`${call.method}: ${message.error.message}`));
      else call.resolve(message.result);
    }
  });
  child.on('exit', () => waiting.forEach(call => call.reject(new Error('chromium has ended'))));
  child.stdio[3].on('error', () => {}); // the exit says it
  const send = (method, params = {}, sessionId = undefined) => new Promise((resolve, reject) => {
    waiting.set(++last, {method, resolve, reject});
    child.stdio[3].write(`${JSON.stringify({id: last, method, params, sessionId})}\0`);
  });

  const {targetId} = await send('Target.createTarget', {url: 'about:blank'});
  const {sessionId} = await send('Target.attachToTarget', {targetId, flatten: true});
  const call = (method, params) => send(method, params, sessionId);
  const complaints = []; // console messages, exceptions, requests beyond the file
  listeners.add(({method, params}) => {
    if (method === 'Runtime.consoleAPICalled')
      complaints.push(params.args.map(arg => arg.value ?? arg.description).join(' '));
    if (method === 'Runtime.exceptionThrown')
      complaints.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
    if (method === 'Log.entryAdded') complaints.push(params.entry.text);
    if (method === 'Network.requestWillBeSent' && !/^(file|data|blob|about):/.test(params.request.url))
      complaints.push(`request: ${params.request.url}`);
  });
  for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await call(`${domain}.enable`);

  return {
    call,
    complaints,
    async load(path) {
      const loaded = new Promise(resolve => {
        const listener = ({method}) => {
          if (method !== 'Page.loadEventFired') return;
          listeners.delete(listener);
          resolve();
        };
        listeners.add(listener);
      });
      await call('Page.navigate', {url: pathToFileURL(path).href});
      await loaded;
    },
    async run(expression) {
      const {result, exceptionDetails} = await call('Runtime.evaluate',
        {expression, returnByValue: true, awaitPromise: true});
      if (exceptionDetails) throw new Error(exceptionDetails.exception?.description);
      return result.value;
    },
    size: (width, height, mobile = false) => call('Emulation.setDeviceMetricsOverride',
      {width, height, deviceScaleFactor: mobile ? 2 : 1, mobile}),
    scheme: value => call('Emulation.setEmulatedMedia',
      {features: [{name: 'prefers-color-scheme', value}]}),
    scripts: isOn => call('Emulation.setScriptExecutionDisabled', {value: !isOn}),
    async close() {
      const ended = new Promise(resolve => child.once('exit', resolve));
      send('Browser.close').catch(() => {}); // it may end before it answers
      const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
      await ended;
      clearTimeout(timer);
      rmSync(profile, {recursive: true, force: true, maxRetries: 5, retryDelay: 100});
    },
  };
}
