// Objects of a custom type: the client of custom objects, and the one that takes objects of any type.
import * as k8s from '@kubernetes/client-node';

const say = (line) => console.log(JSON.stringify(line));
const config = new k8s.KubeConfig();
config.loadFromDefault();
const custom = config.makeApiClient(k8s.CustomObjectsApi);
const planets = { group: 'astronomy.example.com', version: 'v1', namespace: 'default', plural: 'planets' };
const planet = (name, spec) => ({ apiVersion: 'astronomy.example.com/v1', kind: 'Planet', metadata: { name }, spec });

await custom.createNamespacedCustomObject({ ...planets, body: planet('mars', { moons: ['phobos'] }) });
const merge = k8s.setHeaderOptions('Content-Type', k8s.PatchStrategy.MergePatch);
await custom.patchNamespacedCustomObjectStatus({ ...planets, name: 'mars', body: { status: { moons: 1 } } }, merge);
const mars = await custom.getNamespacedCustomObject({ ...planets, name: 'mars' });
say({ step: 'custom', spec: mars.spec, status: mars.status });
const listed = await custom.listNamespacedCustomObject(planets);
say({ step: 'listed', names: listed.items.map((one) => one.metadata.name) });

const any = k8s.KubernetesObjectApi.makeApiClient(config);
const documents = k8s.loadAllYaml(`
apiVersion: v1
kind: Namespace
metadata:
  name: outer
---
apiVersion: astronomy.example.com/v1
kind: Planet
metadata:
  name: pluto
  namespace: outer
spec:
  moons: [charon]
`);
for (const one of documents) {
  await any.create(one);
}
documents[1].spec.moons.push('nix');
const applied = await any.patch(documents[1], undefined, undefined, 'tests', true, k8s.PatchStrategy.ServerSideApply);
say({ step: 'any', moons: applied.spec.moons, managers: applied.metadata.managedFields.map((one) => one.manager).sort() });
documents[1].spec.radius = -1;
const refused = await any.replace({ ...applied, spec: { radius: -1 } }).catch((error) => error);
say({ step: 'refused', code: refused.code, message: JSON.parse(refused.body).message });
await any.delete(documents[1]);
say({ step: 'left', count: (await any.list('astronomy.example.com/v1', 'Planet', 'outer')).items.length });
