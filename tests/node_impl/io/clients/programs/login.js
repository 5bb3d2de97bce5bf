// Registers one instance with a name and a password; says whether it was taken.
const { NacosNamingClient } = require('nacos');
const [server, password] = process.argv.slice(2);
const quiet = { info() {}, warn(refusal) { console.error(refusal); }, error() {}, debug() {} };

(async () => {
  const naming = new NacosNamingClient({ logger: quiet, serverList: [server], namespace: 'public', username: 'nacos',
    password });
  await naming.ready();
  const asked = naming.registerInstance('web', { ip: '10.0.0.1', port: 80, ephemeral: false });
  console.log(await asked.then(() => 'True', () => 'False'));
  process.exit(0);
})();
