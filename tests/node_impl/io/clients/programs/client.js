// As in python.py, with npm's `nacos`, or with `nacos-naming` alone, which has no configurations. Without lookups:
// where a service has no instance any more, this client shows the last ones that it had.
const http = require('http');
const [servers, library] = process.argv.slice(2);
const WORKERS = 4, ROUNDS = 45;
const quiet = { info() {}, warn() {}, error() {}, debug() {} };
const say = fields => console.log(JSON.stringify({ ...fields, time: Number(process.hrtime.bigint()) }));
const pause = ms => new Promise(resolve => setTimeout(resolve, ms));
const pushed = {};
let naming;

const instance = (key, value) => ({
  ip: `10.${key.startsWith('e') ? 1 : 0}.0.${1 + Number(key.slice(-1))}`, port: 80, ephemeral: key.startsWith('e'),
  clusterName: 'DEFAULT', metadata: value === null ? {} : { value } });

const again = async ask => {
  for (let attempt = 0; ; attempt++) {
    try { return await ask(); } catch (error) {
      if (attempt === 19) throw error;
      await pause(500);
    }
  }
};

const until = async (ask, seconds) => {
  for (let attempt = 0; attempt < seconds * 5; attempt++) {
    if (await ask()) return true;
    await pause(200);
  }
  return false;
};

// The server, if it answers; else null.
const answers = server => new Promise(resolve => {
  http.get(`http://${server}/nacos/v1/ns/operator/metrics`, reply => { reply.resume(); resolve(server); })
    .on('error', () => resolve(null));
});

class Worker {
  constructor(number) { this.process = number; this.count = 0; this.state = number + 1; }

  draw(below) {  // a number from 0 to below - 1, the same in each run
    this.state = this.state * 48271 % 2147483647;
    return this.state % below;
  }

  async act(f, key, value = null) {
    say({ process: this.process, type: 'invoke', f, key, value });
    let type = 'ok', error;
    try {
      if (f === 'register') await naming.registerInstance(key, instance(key, value));
      else await naming.deregisterInstance(key, instance(key, null));
    } catch (problem) {
      type = 'info';
      error = String(problem).slice(0, 200);
    }
    say({ process: this.process, type, f, key, value, error });
    if (type === 'ok') return;
    this.process += WORKERS;
    await pause(700);
  }

  async work() {
    await this.act('register', `ephemeral-${this.process}`, `e${this.process}`);
    for (let step = 0; step < ROUNDS; step++) {
      const key = `persistent-${this.draw(6)}`;
      if (this.draw(3) > 0) await this.act('register', key, `r${this.process}-${++this.count}`);
      else await this.act('deregister', key);
      await pause(30);
    }
  }
}

const configurations = async config => {
  const named = ['settings', 'DEFAULT_GROUP'], content = `content ${Date.now()}`;
  let heard = false;
  config.subscribe({ dataId: 'settings', group: 'DEFAULT_GROUP' }, shown => { heard = heard || shown === content; });
  say({ published: await again(() => config.publishSingle(...named, content)) });
  say({ got: await again(() => config.getConfig(...named)) === content });
  say({ heard: await until(() => heard, 40) });
  say({ removed: await again(() => config.remove(...named)) });
};

(async () => {
  const { NacosNamingClient, NacosConfigClient } = require(library);
  const serverList = servers.split(',');
  naming = new NacosNamingClient({ logger: quiet, serverList, namespace: 'public' });
  await naming.ready();
  for (let number = 0; number < 6; number++) {
    const key = `persistent-${number}`;
    naming.subscribe(key, hosts => { pushed[key] = hosts.map(host => host.metadata.value); });
  }
  const workers = [...Array(WORKERS).keys()].map(number => new Worker(number));
  await Promise.all(workers.map(worker => worker.work()));
  if (NacosConfigClient) {  // it takes one server
    const serverAddr = (await Promise.all(serverList.map(answers))).find(server => server);
    await configurations(new NacosConfigClient({ serverAddr, requestTimeout: 5000 }));
  }
  say({ status: await naming.getServerStatus() });
  await pause(15000);  // the client asks for its subscriptions every ten seconds
  say({ pushed });
  const times = { 'preserved.heart.beat.interval': '2000', 'preserved.heart.beat.timeout': '9000',
    'preserved.ip.delete.timeout': '12000' };
  const left = { ip: '10.3.0.1', port: 80, ephemeral: true, clusterName: 'c1', metadata: times };
  await again(() => naming.registerInstance('left', left, 'teams'));
  const isThere = async () => (await naming.getAllInstances('left', 'teams', 'c1', false)).length === 1;
  say({ grouped: await until(() => isThere().catch(() => false), 10) });
  say({ end: true });
  process.stdin.on('end', () => process.exit(0)).resume();  // the test looks around while the client lives
})().catch(error => { say({ defect: String(error) }); process.exit(1); });
