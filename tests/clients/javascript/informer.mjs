// An informer of a custom type tells what happens, and its cache has what is there. It ends with its input.
import * as k8s from '@kubernetes/client-node';

const say = (line) => console.log(JSON.stringify(line));
const config = new k8s.KubeConfig();
config.loadFromDefault();
const custom = config.makeApiClient(k8s.CustomObjectsApi);
const planets = { group: 'astronomy.example.com', version: 'v1', namespace: 'default', plural: 'planets' };

const path = '/apis/astronomy.example.com/v1/namespaces/default/planets';
const informer = k8s.makeInformer(config, path, () => custom.listNamespacedCustomObject(planets));
for (const event of ['add', 'update', 'delete']) {
  informer.on(event, (planet) => say({ event, name: planet.metadata.name, moons: planet.spec.moons }));
}
informer.on('connect', () => say({ event: 'connect' }));
informer.on('error', (error) => say({ error: String(error) }));
await informer.start();

process.stdin.on('data', () => say({ event: 'cache', names: informer.list('default').map((one) => one.metadata.name) }));
process.stdin.on('end', async () => {
  await informer.stop();
  process.exit(0);
});
