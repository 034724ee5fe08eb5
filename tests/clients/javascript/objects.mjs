// Typed objects, patches of every kind, apply, pages and refusals with the generated clients.
import * as k8s from '@kubernetes/client-node';

const say = (line) => console.log(JSON.stringify(line));
const config = new k8s.KubeConfig();
config.loadFromDefault();
const core = config.makeApiClient(k8s.CoreV1Api);
const namespace = 'default';
const map = (name, data) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data });
const refusal = (error) => ({ code: error.code, ...JSON.parse(error.body) });

const made = await core.createNamespacedConfigMap({ namespace, body: map('colours', { sky: 'blue' }) });
made.data.sea = 'green';
await core.replaceNamespacedConfigMap({ name: 'colours', namespace, body: made });
const { JsonPatch, MergePatch, StrategicMergePatch, ServerSideApply } = k8s.PatchStrategy;
for (const [way, body] of [
  [JsonPatch, [{ op: 'remove', path: '/data/sky' }]],
  [MergePatch, { data: { sun: 'red' } }],
  [StrategicMergePatch, { metadata: { labels: { of: 'paint' } } }],
]) {
  const options = k8s.setHeaderOptions('Content-Type', way);
  await core.patchNamespacedConfigMap({ name: 'colours', namespace, body }, options);
}
const found = await core.readNamespacedConfigMap({ name: 'colours', namespace });
say({ step: 'patched', data: found.data, labels: found.metadata.labels, date: found.metadata.creationTimestamp instanceof Date });

const conflict = await core.replaceNamespacedConfigMap({ name: 'colours', namespace, body: made }).catch(refusal);
const missing = await core.readNamespacedConfigMap({ name: 'nothing', namespace }).catch(refusal);
const invalid = await core.createNamespacedConfigMap({ namespace, body: map('Bad_Name') }).catch(refusal);
say({ step: 'refused', reasons: [conflict, missing, invalid].map((one) => [one.code, one.reason]) });

const apply = (fieldManager, data) =>
  core.patchNamespacedConfigMap(
    { name: 'applied', namespace, body: map('applied', data), fieldManager },
    k8s.setHeaderOptions('Content-Type', ServerSideApply),
  );
await apply('one', { a: '1' });
const contested = await apply('two', { a: '2' }).catch(refusal);
say({ step: 'applied', message: contested.message, manager: (await apply('one', { a: '3' })).metadata.managedFields[0].manager });

for (let number = 0; number < 5; number += 1) {
  await core.createNamespacedSecret({ namespace, body: { metadata: { name: `secret-${number}` }, stringData: { n: `${number}` } } });
}
const names = [];
let pages = 0;
for (let _continue = ''; pages === 0 || _continue; pages += 1) {
  const page = await core.listNamespacedSecret({ namespace, limit: 2, _continue });
  names.push(...page.items.map((one) => one.metadata.name));
  _continue = page.metadata._continue;
}
say({ step: 'pages', pages, names });
await core.deleteCollectionNamespacedSecret({ namespace });
say({ step: 'left', count: (await core.listNamespacedSecret({ namespace })).items.length });

const review = await config.makeApiClient(k8s.AuthorizationV1Api).createSelfSubjectAccessReview({
  body: { spec: { resourceAttributes: { verb: 'create', resource: 'namespaces' } } },
});
const version = await config.makeApiClient(k8s.VersionApi).getCode();
say({ step: 'asked', allowed: review.status.allowed, minor: version.minor });
