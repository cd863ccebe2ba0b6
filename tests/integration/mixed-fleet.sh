#!/usr/bin/env bash
# One campaign over AWS, Azure, Google Cloud and libvirt at once, from one file of
# selections: a VM of each with a real NTFS disk, the first three behind fakes of
# their clouds (one program, all three of them), the fourth a real QEMU. All are
# repaired and proven; one goes back.
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/fleet/lib.sh"
. "$source_dir/tests/integration/lib-ec2.sh"
. "$source_dir/tests/integration/lib-azure.sh"
. "$source_dir/tests/integration/lib-gce.sh"
requires ntfsls sfdisk qemu-img

prefix=mixed
fleet_up --bad 1
"$source_dir/tests/fleet/make-disk" --bad bad.img
truncate -s 1G bad.img # disks have whole GiB, and the agent compares
mkdir images devices
for cloud in aws azure gcp; do cp --sparse=always bad.img $cloud.img; done
gce_key
{
  cat <<END
{"seed": 5, "speed": 20,
 "images_folder": "$work/images", "devices_folder": "$work/devices",
 "boot_command": ["$source_dir/tests/fake-cloud/boot-check"],
 "aws": {
  "accounts": {"111122223333": {"keys": [{"id": "AKIAGOOD", "secret": "g00d/secret+key"}]}},
  "regions": {"us-east-1": {"zones": ["us-east-1a"]}},
  "instances": [
   {"id": "i-00000000000000b01", "name": "aws-bad", "zone": "us-east-1a", "platform": "windows",
    "root": {"id": "vol-00000000000000b01", "image": "$work/aws.img", "size": 1}},
   {"id": "i-00000000000000a01", "name": "helper", "zone": "us-east-1a"}]},
 "gcp": {
  "projects": {"shop-1": {"number": "111122223333"}}, "zones": ["europe-west1-b"],
  "service_accounts": [{"email": "repair@shop-1.iam.gserviceaccount.com",
    "key_file": "$work/key.pub", "key_id": "k1"}],
  "instances": [
   {"name": "gcp-bad", "zone": "europe-west1-b", "os": "windows",
    "boot": {"name": "gcp-os", "size_gb": 1, "image": "$work/gcp.img"}},
   {"name": "helper", "zone": "europe-west1-b", "devices": "$work/devices/gcp"}]},
 "azure": {
END
  azure_head ''
  cat <<END
  "vms": [
   {"name": "azure-bad", "group": "Web", "zone": "1", "os_disk": {"image": "$work/azure.img"}},
   {"name": "Helper", "group": "Ops", "zone": "1", "os": "linux", "size": "Standard_D4s_v5"}]}}
END
} >config.json
gce_start "$work/config.json"
export AWS_ENDPOINT_URL=$url AZURE_AUTHORITY_HOST=$url
mkdir -p dev-aws/disk dev-gcp/disk
ln -s "$work/devices/i-00000000000000a01" dev-aws/disk/by-id
ln -s "$work/devices/gcp" dev-gcp/disk/by-id
options=(--gcp-endpoint "$url/compute/v1/" --azure-endpoint "$url" --azure-credential secret
  --aws-settle 1s --azure-settle 500ms --gcp-settle 1s
  --helper "i-00000000000000a01=local,devices=$work/dev-aws"
  --helper "zones/europe-west1-b/instances/helper=local,devices=$work/dev-gcp"
  --helper "$(vm_id Ops Helper)=local,devices=$work/devices/Helper")
cat >fleet.txt <<END
aws:name=aws-*
azure:name=azure-*
gcp:name=gcp-*
libvirt:$prefix-*
END

run bootmend plan @fleet.txt --recipe crowdstrike-291 "${options[@]}" --json
expect_status 0
[[ $(json '[.vms[].vm.provider] | sort | join(" ")') == 'aws azure gcp libvirt' ]] || fail "plan: $out"

run bootmend repair @fleet.txt --recipe crowdstrike-291 "${options[@]}" --json --progress plain \
  --health 'serial:BOOT OK' --shutdown-limit 0
expect_status 0
[[ $(json '[.jobs[] | .provider + "=" + .outcome] | sort | join(" ")') == \
  'aws=repaired azure=repaired gcp=repaired libvirt=repaired' ]] ||
  fail "outcomes: $(json '[.jobs[] | .provider + "=" + .outcome + " " + .reason] | join("\n")')"
[[ $(json '[.jobs[].strategy] | sort | join(" ")') == 'move move move swap' ]] || fail "$(json '[.jobs[].strategy]')"
for cloud in aws gcp; do
  "$source_dir/tests/fake-cloud/boot-check" $cloud.img >/dev/null || fail "$cloud does not boot"
done
! "$source_dir/tests/fake-cloud/boot-check" azure.img >/dev/null || fail 'the original on Azure was touched'
check_repaired "$prefix-bad-1"

# ---- one of them goes back ----
run bootmend rollback last --vm gcp-bad --json --progress plain
expect_status 0
! "$source_dir/tests/fake-cloud/boot-check" gcp.img >/dev/null || fail 'gcp-bad still has its repair'
"$source_dir/tests/fake-cloud/boot-check" aws.img >/dev/null || fail 'aws-bad lost its repair'
