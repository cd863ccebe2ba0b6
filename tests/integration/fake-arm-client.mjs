// The official client of Azure Compute, unmodified, drives the fake through what
// bootmend does to a VM: start, stop, attach, detach, snapshot, copy, swap.
//
// Use: CLIENTS=.../node_modules/.at node fake-arm-client.mjs URL SUBSCRIPTION
// with the fleet of fake-arm-client.sh and AZURE_* of lib-azure.sh; prints a line
// for each part.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

const require = createRequire(process.env.CLIENTS);
const { ComputeManagementClient } = require('@azure/arm-compute');
const [, , url, subscription] = process.argv;
const group = 'Web';

// What @azure/identity does for a service principal with a secret.
const credential = {
  async getToken() {
    const reply = await fetch(`${url}/${process.env.AZURE_TENANT_ID}/oauth2/v2.0/token`, {
      method: 'POST',
      body: new URLSearchParams({
        client_id: process.env.AZURE_CLIENT_ID, client_secret: process.env.AZURE_CLIENT_SECRET,
        grant_type: 'client_credentials', scope: 'https://management.azure.com/.default',
      }),
    });
    const { access_token: token, expires_in: seconds } = await reply.json();
    return { token, expiresOnTimestamp: Date.now() + seconds * 1000 };
  },
};
const client = new ComputeManagementClient(credential, subscription, {
  endpoint: url, $host: url, retryOptions: { maxRetries: 5, retryDelayInMs: 20 },
});
const { virtualMachines: vms, disks, snapshots } = client;
const soon = { updateIntervalInMs: 40 };
const id = (type, name) =>
  `/subscriptions/${subscription}/resourceGroups/${group}/providers/Microsoft.Compute/${type}/${name}`;
const all = async (list) => {
  const found = [];
  for await (const item of list) found.push(item);
  return found;
};
const power = async (name) => (await vms.instanceView(group, name)).statuses
  .find((s) => s.code.startsWith('PowerState/')).code.slice('PowerState/'.length);
const refused = (call, code, status) => assert.rejects(call, (e) => {
  assert.equal(e.code, code, e.message);
  if (status) assert.equal(e.statusCode, status);
  return true;
});

// ---- looking, over several pages ----
const names = (await all(vms.list(group))).map((v) => v.name).sort();
assert.deepEqual(names, ['Bad', 'Full', 'Helper', 'Web-1', 'Web-2', 'Web-3', 'Web-4', 'Web-5']);
const states = await all(vms.listAll({ statusOnly: 'true' }));
assert.equal(states.length, 8);
assert.ok(states.every((v) => v.instanceView.statuses.length > 1 && !v.storageProfile));
const bad = await vms.get('wEB', 'BAD', { expand: 'instanceView' });
assert.equal(bad.name, 'Bad');
assert.equal(bad.instanceView.vmAgent.statuses[0].displayStatus, 'Not Ready');
assert.ok(bad.storageProfile.osDisk.managedDisk.id.includes('/resourceGroups/WEB/'));
const own = await disks.get(group, bad.storageProfile.osDisk.name);
assert.equal(own.diskState, 'Attached');
assert.equal(own.managedBy.toLowerCase(), bad.id.toLowerCase());
assert.ok((await all(vms.listAvailableSizes(group, 'Bad'))).some((s) => s.maxDataDiskCount === 8));
const { serialConsoleLogBlobUri: log, consoleScreenshotBlobUri: screen } =
  await vms.retrieveBootDiagnosticsData(group, 'Bad');
assert.match(await (await fetch(log)).text(), /STOP: /);
assert.equal(Buffer.from(await (await fetch(screen)).arrayBuffer()).subarray(0, 2).toString(), 'BM');
console.log('looked');

// ---- all that the fake shows is in the client's model of the service ----
const mappers = require(`${process.env.CLIENTS.replace(/.at$/, '')}@azure/arm-compute/dist/commonjs/models/mappers.js`);
const { token } = await credential.getToken();
const plain = async (path, version) => (await fetch(`${url}${path}?api-version=${version}`,
  { headers: { Authorization: `Bearer ${token}` } })).json();
function fits(type, value, at) {
  if (type.name === 'Sequence') value.forEach((v, i) => fits(type.element.type, v, `${at}[${i}]`));
  else if (type.name === 'Composite') {
    members(Object.values(mappers[type.className].type.modelProperties), '', value, at);
  } else if (type.name !== 'Dictionary') {
    const is = { Number: 'number', Boolean: 'boolean' }[type.name] ?? 'string';
    assert.equal(typeof value, is, `${at} is no ${type.name}`);
  }
}
function members(properties, prefix, value, at) {
  for (const [key, v] of Object.entries(value)) {
    const name = `${prefix}${key}`;
    const exact = properties.find((p) => p.serializedName === name);
    const below = properties.some((p) => p.serializedName.startsWith(`${name}.`));
    assert.ok(exact || below, `${at}.${key} is not known to the client`);
    if (exact) fits(exact.type, v, `${at}.${key}`);
    else members(properties, `${name}.`, v, `${at}.${key}`);
  }
}
const shown = [
  ['virtualMachines/Bad', 'VirtualMachine', '2024-11-01'], ['virtualMachines/Bad/instanceView', 'VirtualMachineInstanceView', '2024-11-01'],
  [`disks/${own.name}`, 'Disk', '2024-03-02'],
];
for (const [path, className, version] of shown) {
  const body = await plain(id(...path.split(/\/(.*)/s)), version);
  assert.ok(Object.keys(body).length > 3, JSON.stringify(body));
  fits({ name: 'Composite', className }, body, className);
}
assert.throws(() => fits({ name: 'Composite', className: 'Disk' }, { properties: { colour: 1 } }, 'Disk'));
console.log('modelled');

// ---- power ----
await vms.beginPowerOffAndWait(group, 'Bad', { skipShutdown: true, ...soon });
assert.equal(await power('Bad'), 'stopped');
await vms.beginDeallocateAndWait(group, 'Web-1', soon);
assert.equal(await power('Web-1'), 'deallocated');
assert.equal((await disks.get(group, 'Web-1_OsDisk')).diskState, 'Reserved');
await vms.beginStartAndWait(group, 'Web-1', soon);
assert.equal(await power('Web-1'), 'running');
console.log('powered');

// ---- snapshot and copy ----
const like = { location: own.location, zones: own.zones, sku: { name: own.sku.name },
  hyperVGeneration: own.hyperVGeneration };
const from = (sourceResourceId) => ({ creationData: { createOption: 'Copy', sourceResourceId } });
const snapshot = await snapshots.beginCreateOrUpdateAndWait(group, 'snap',
  { location: own.location, incremental: true, ...from(own.id) }, soon);
assert.equal(snapshot.provisioningState, 'Succeeded');
const copy = await disks.beginCreateOrUpdateAndWait(group, 'Copy-1', { ...like, ...from(snapshot.id) }, soon);
assert.equal(copy.id, id('disks', 'Copy-1'));
assert.equal(copy.diskSizeGB, own.diskSizeGB);
assert.equal(copy.osType, 'Windows');
assert.notEqual(copy.uniqueId, own.uniqueId);
const second = await disks.beginCreateOrUpdateAndWait(group, 'Copy-2', { ...like, ...from(own.id) }, soon);
assert.equal(second.creationData.sourceUniqueId, own.uniqueId);
fits({ name: 'Composite', className: 'Snapshot' }, await plain(snapshot.id, '2024-03-02'), 'Snapshot');
fits({ name: 'Composite', className: 'Disk' }, await plain(copy.id, '2024-03-02'), 'Disk');
console.log('copied');

// ---- to a helper and back ----
const profile = await vms.beginAttachDetachDataDisksAndWait(group, 'Helper',
  { dataDisksToAttach: [{ diskId: copy.id, lun: 5 }, { diskId: second.id }] }, soon);
assert.deepEqual(profile.dataDisks.map((d) => [d.name, d.lun, d.caching]).sort(),
  [['Copy-1', 5, 'None'], ['Copy-2', 0, 'None']]);
await refused(disks.beginDeleteAndWait(group, 'Copy-1', soon), 'OperationNotAllowed', 409);
await vms.beginAttachDetachDataDisksAndWait(group, 'Helper',
  { dataDisksToDetach: [{ diskId: copy.id }, { diskId: second.id }] }, soon);
assert.equal((await disks.get(group, 'Copy-1')).diskState, 'Unattached');
assert.deepEqual((await vms.get(group, 'Helper')).storageProfile.dataDisks, []);
console.log('attached');

// ---- the swap, by PATCH and by PUT ----
const { createOption } = bad.storageProfile.osDisk; // the client wants to have it
const after = await vms.beginUpdateAndWait(group, 'Bad',
  { storageProfile: { osDisk: { createOption, name: copy.name, managedDisk: { id: copy.id } } } }, soon);
assert.equal(after.storageProfile.osDisk.name, 'Copy-1');
assert.equal(after.storageProfile.osDisk.caching, bad.storageProfile.osDisk.caching);
assert.equal(after.storageProfile.dataDisks.length, 1);
assert.equal((await disks.get(group, own.name)).diskState, 'Unattached');
const model = await vms.get(group, 'Bad');
model.storageProfile.osDisk.name = own.name;
model.storageProfile.osDisk.managedDisk.id = own.id;
const back = await vms.beginCreateOrUpdateAndWait(group, 'Bad', model, soon);
assert.equal(back.storageProfile.osDisk.name, own.name);
assert.deepEqual(back.tags, { env: 'prod' });
assert.equal((await disks.get(group, 'Copy-1')).managedBy, undefined);
console.log('swapped');

// ---- refusals, and an operation that fails after it was accepted ----
await refused(vms.get(group, 'None'), 'ResourceNotFound', 404);
await refused(vms.get('None', 'Bad'), 'ResourceGroupNotFound', 404);
await assert.rejects(vms.beginStartAndWait(group, 'Full', soon), /has failed. AllocationFailed/);
await refused(vms.beginUpdateAndWait(group, 'Bad', { storageProfile: { osDisk: { createOption, name: 'Copy-1' } } }, soon),
  'PropertyChangeNotAllowed', 409);
await refused(vms.beginUpdateAndWait(group, 'Bad', { tags: {} }, { ifMatch: '"1"', ...soon }),
  'PreconditionFailed', 412);
console.log('refused');

// ---- and what is left ----
await disks.beginDeleteAndWait(group, 'Copy-1', soon);
await disks.beginDeleteAndWait(group, 'Copy-1', soon); // once more: nothing to do
await snapshots.beginDeleteAndWait(group, 'snap', soon);
assert.deepEqual((await all(disks.listByResourceGroup(group))).map((d) => d.name).filter((n) => n.startsWith('Copy')),
  ['Copy-2']);
assert.deepEqual(await all(snapshots.list()), []);
console.log('deleted');
