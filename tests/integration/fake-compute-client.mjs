// The official client of Compute Engine, unmodified, drives the fake through
// what bootmend does to a VM: start, stop, detach, attach, snapshot, swap.
//
// Use: CLIENTS=.../node_modules/.at node fake-compute-client.mjs URL TOKEN
// with the fleet of fake-compute-client.sh; prints a line for each part.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

const require = createRequire(process.env.CLIENTS);
const compute = require('@google-cloud/compute');
const { OAuth2Client } = createRequire(require.resolve('@google-cloud/compute'))('google-auth-library');

const [, , url, token] = process.argv;
const { hostname, port } = new URL(url);
const project = 'shop-1', zone = 'europe-west1-b';
const at = (bearer) => {
  const authClient = new OAuth2Client();
  authClient.setCredentials({ access_token: bearer });
  return { fallback: true, apiEndpoint: hostname, port: Number(port), protocol: 'http',
    authClient, projectId: project };
};
const options = at(token);
const instances = new compute.InstancesClient(options);
const disks = new compute.DisksClient(options);
const snapshots = new compute.SnapshotsClient(options);
const zoneOperations = new compute.ZoneOperationsClient(options);
const globalOperations = new compute.GlobalOperationsClient(options);

// zoneOperations.wait comes back after two minutes at most, perhaps undone: loop.
async function done([response]) {
  let operation = response.latestResponse;
  const inZone = Boolean(operation.zone);
  while (operation.status !== 'DONE') {
    const name = { project, operation: operation.name };
    [operation] = inZone ? await zoneOperations.wait({ ...name, zone })
      : await globalOperations.wait(name);
  }
  return operation;
}
async function good(call) {
  const operation = await done(await call);
  assert.ok(!operation.error, JSON.stringify(operation.error));
  return operation;
}
async function refused(call, status, reason) {
  await assert.rejects(call, (e) => {
    assert.equal(e.code, status, e.message);
    assert.ok(JSON.stringify(e).includes(reason) || e.message.includes(reason), `${e.message}: ${reason}`);
    return true;
  });
}
const vm = async (instance) => (await instances.get({ project, zone, instance }))[0];
const disk = async (name) => (await disks.get({ project, zone, disk: name }))[0];
const link = (rest) => `projects/${project}/${rest}`;

// ---- looking ----
const seen = [];
for await (const [scope, list] of instances.aggregatedListAsync({ project, maxResults: 3 })) {
  for (const i of list.instances ?? []) seen.push(`${scope}/${i.name}`);
}
assert.equal(new Set(seen).size, 12, seen.join(' '));
const [found] = await instances.list({ project, zone, filter: '(name="bad") OR (name="helper")' });
assert.deepEqual(found.map((i) => i.name).sort(), ['bad', 'helper']);
const before = await vm('bad');
assert.equal(before.status, 'RUNNING');
assert.equal(before.disks[0].deviceName, 'boot');
assert.equal(before.disks[0].autoDelete, true);
console.log('looked');

// ---- stop, snapshot, detach, attach, and back ----
await refused(instances.detachDisk({ project, zone, instance: 'bad', deviceName: 'boot' }), 400,
  'TERMINATED state');
await good(instances.stop({ project, zone, instance: 'bad' }));
assert.equal((await vm('bad')).status, 'TERMINATED');
await good(instances.stop({ project, zone, instance: 'bad' }));
await good(disks.createSnapshot({ project, zone, disk: 'bad-os',
  snapshotResource: { name: 'before', labels: { campaign: 'c1' } } }));
assert.equal((await snapshots.get({ project, snapshot: 'before' }))[0].status, 'READY');
await good(instances.detachDisk({ project, zone, instance: 'bad', deviceName: 'boot' }));
assert.deepEqual((await disk('bad-os')).users, []);
const attach = (instance, attachedDiskResource) =>
  instances.attachDisk({ project, zone, instance, attachedDiskResource });
await good(attach('helper', { source: link(`zones/${zone}/disks/bad-os`), deviceName: 'bootmend-1' }));
await refused(attach('bad', { source: link(`zones/${zone}/disks/bad-os`), boot: true }), 400,
  'already being used');
await good(instances.detachDisk({ project, zone, instance: 'helper', deviceName: 'bootmend-1' }));
const was = before.disks[0];
await good(attach('bad', { source: link(`zones/${zone}/disks/bad-os`), boot: true,
  autoDelete: was.autoDelete, deviceName: was.deviceName, mode: was.mode,
  interface: was.interface, guestOsFeatures: was.guestOsFeatures }));
await good(instances.start({ project, zone, instance: 'bad' }));
const after = await vm('bad');
assert.equal(after.status, 'RUNNING');
assert.deepEqual(after.disks, before.disks);
console.log('moved');

// ---- swap: a disk from the snapshot in the place of the original ----
await good(disks.insert({ project, zone, diskResource: { name: 'bad-new',
  sourceSnapshot: link('global/snapshots/before'), type: link(`zones/${zone}/diskTypes/pd-ssd`) } }));
assert.equal((await disk('bad-new')).status, 'READY');
await good(instances.stop({ project, zone, instance: 'bad' }));
await good(instances.detachDisk({ project, zone, instance: 'bad', deviceName: 'boot' }));
await good(attach('bad', { source: link(`zones/${zone}/disks/bad-new`), boot: true, deviceName: 'boot',
  guestOsFeatures: was.guestOsFeatures }));
await good(instances.setDiskAutoDelete({ project, zone, instance: 'bad', deviceName: 'boot', autoDelete: true }));
await good(instances.start({ project, zone, instance: 'bad' }));
assert.ok((await vm('bad')).disks[0].source.endsWith('/disks/bad-new'));
await refused(disks.delete({ project, zone, disk: 'bad-new' }), 400, 'already being used');
await good(disks.delete({ project, zone, disk: 'bad-os' }));
await refused(disk('bad-os'), 404, 'was not found');
await good(snapshots.delete({ project, snapshot: 'before' }));
console.log('swapped');

// ---- labels, evidence, requestId ----
const labelled = await vm('bad');
const labels = { ...labelled.labels, mark: 'c1' };
const setLabels = () => instances.setLabels({ project, zone, instance: 'bad',
  instancesSetLabelsRequestResource: { labels, labelFingerprint: labelled.labelFingerprint } });
await good(setLabels());
await refused(setLabels(), 412, 'fingerprint');
assert.equal((await vm('bad')).labels.mark, 'c1');
const requestId = '11111111-1111-4111-8111-111111111111';
const first = await good(instances.stop({ project, zone, instance: 'bad', requestId }));
const again = await done(await instances.stop({ project, zone, instance: 'bad', requestId }));
assert.equal(first.name, again.name);
await refused(instances.getSerialPortOutput({ project, zone, instance: 'bad' }), 400, 'not ready');
const [serial] = await instances.getSerialPortOutput({ project, zone, instance: 'helper' });
assert.ok(serial.contents.includes('guest'));
assert.ok((await instances.getScreenshot({ project, zone, instance: 'helper' }))[0].contents);
console.log('labelled');

// ---- errors ----
await refused(instances.get({ project, zone, instance: 'nobody' }), 404, 'was not found');
await refused(new compute.InstancesClient(at('ya29.old')).get({ project, zone, instance: 'bad' }),
  401, 'credentials');
await refused(new compute.InstancesClient(at('ya29.read')).stop({ project, zone, instance: 'bad' }),
  403, 'compute.instances.stop');
const failed = await done(await instances.start({ project, zone, instance: 'full' }));
assert.equal(failed.error.errors[0].code, 'ZONE_RESOURCE_POOL_EXHAUSTED');
console.log('refused');
