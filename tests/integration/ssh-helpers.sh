#!/usr/bin/env bash
# Helpers over real ssh on Azure and Google Cloud, whose disks are found by LUN and
# by device name: what `helper check` says of good and bad ones, that an address
# which leads to another machine is found before anything is touched, and also when
# only the agent can see it; then one campaign over both clouds, with a real NTFS
# disk each. (What dies on the way, and the way back, is aws-ssh-fleet.sh's.)
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/integration/lib-azure.sh"
. "$source_dir/tests/integration/lib-gce.sh"
. "$source_dir/tests/integration/lib-sshd.sh"
requires ntfsls sfdisk qemu-img sshd ssh

"$source_dir/tests/fleet/make-disk" --bad "$work/bad.img"
truncate -s 1G bad.img # disks have whole GiB, and the agent compares
mkdir images devices
for cloud in azure gcp; do cp --sparse=always bad.img $cloud.img; done
gce_key
{
  cat <<END
{"seed": 5, "speed": 30,
 "images_folder": "$work/images", "devices_folder": "$work/devices",
 "boot_command": ["$source_dir/tests/fake-cloud/boot-check"],
 "gcp": {
  "projects": {"shop-1": {"number": "111122223333"}}, "zones": ["europe-west1-b", "europe-west1-c"],
  "service_accounts": [{"email": "repair@shop-1.iam.gserviceaccount.com",
    "key_file": "$work/key.pub", "key_id": "k1"}],
  "instances": [
   {"name": "gcp-bad", "zone": "europe-west1-b", "os": "windows",
    "boot": {"name": "gcp-os", "size_gb": 1, "image": "$work/gcp.img"}},
   {"name": "helper", "zone": "europe-west1-b", "devices": "$work/devices/gcp"},
   {"name": "off", "zone": "europe-west1-b", "status": "TERMINATED"}]},
 "azure": {
END
  azure_head swap
  cat <<END
  "vms": [
   {"name": "azure-bad", "group": "Web", "zone": "1", "os_disk": {"image": "$work/azure.img"}},
   {"name": "Helper", "group": "Ops", "zone": "1", "os": "linux", "size": "Standard_D4s_v5"},
   {"name": "Asleep", "group": "Ops", "zone": "1", "os": "linux", "power": "deallocated"}]}}
END
} >config.json
gce_start "$work/config.json"
export AZURE_AUTHORITY_HOST=$url
azure=(--azure-endpoint "$url" --azure-credential secret)
clouds=("${gce[@]}" "${azure[@]}")
changes() { azure_count .effect; }

# Two machines: the Azure helper, which knows who it is, and another one. Each has
# the links that the udev rules of its cloud make of the disk that it boots from.
mkdir dmi dmi-other dev-gcp dev-gcp/disk
azure_state | jq -r --arg id "$(vm_id Ops Helper)" '.objects.vm[$id].properties.vmId' >dmi/product_uuid
# as generation 1 shows it: the first three fields with their bytes turned round
sed -E -i 's/^(..)(..)(..)(..)-(..)(..)-(..)(..)-/\4\3\2\1-\6\5-\8\7-/' dmi/product_uuid
echo 11111111-2222-3333-4444-555555555555 >dmi-other/product_uuid
ln -s "$work/devices/gcp" dev-gcp/disk/by-id
mkdir -p devices/Helper/disk/azure devices/gcp
dmi_folder=$work/dmi
sshd_start
azure_ssh=ssh://$(id -un)@127.0.0.1:$sshd_port azure_sshd=$sshd_pid
cp "$ssh_folder/known_hosts" known_hosts
at_exit kill "$azure_sshd"
dmi_folder=$work/dmi-other
sshd_start
other_ssh=ssh://$(id -un)@127.0.0.1:$sshd_port
cat known_hosts >>"$ssh_folder/known_hosts"

azure_helper=$(vm_id Ops Helper)
gcp_helper=zones/europe-west1-b/instances/helper
# shellcheck disable=SC2016 # of jq
items() { # ID: "NAME=LEVEL" of what the check says of it
  json -r --arg id "$1" '.helpers[] | select(.id == $id) | .items[] | "\(.name)=\(.level)"' | tr '\n' ' '
}
# shellcheck disable=SC2016 # of jq
said() { # ID NAME: detail and advice
  json -r --arg id "$1" --arg name "$2" '.helpers[] | select(.id == $id) | .items[] | select(.name == $name)
    | "\(.detail) \(.advice // "")"'
}

# ---- is it fit? Names in any case; what is wrong is told of each ----
run bootmend helper check "azure:${azure_helper^^}=$azure_ssh,devices=$work/devices/Helper" \
  "gcp:$gcp_helper=$other_ssh,devices=$work/dev-gcp" --json "${clouds[@]}"
expect_status 3
[[ $(items "$azure_helper") == *'machine=ok links=ok instance=ok slots=ok '* ]] || fail "the helper is fit: $out"
[[ $(items "$gcp_helper") == *'links=missing instance=ok slots=ok '* ]] || fail "$out"
[[ $(said "$gcp_helper" links) == *"$work/dev-gcp/disk/by-id/google-*"*'guest environment'* ]] || fail "$out"
ln -s /dev/null devices/gcp/google-persistent-disk-0

# ---- an address that leads to another machine ----
repair() { bootmend repair "$@" --recipe crowdstrike-291 "${clouds[@]}" --azure-settle 500ms --gcp-settle 1s --progress plain --json; }
run repair 'azure:name=azure-*' --helper "$azure_helper=$other_ssh,devices=$work/devices/Helper"
expect_status 2
expect_msg 'is not fit: machine: this is another machine than VM'
expect_msg '11111111-2222-3333-4444-555555555555'
[[ $(changes) == 0 ]] || fail "something was changed: $(azure_changes)"
# One that is only seen when the disk is there: it is left alone.
BOOTMEND_DMI_DIR=$work/dmi-other run repair 'azure:name=azure-*' --helper "$azure_helper=local,devices=$work/devices/Helper"
expect_status 1
[[ $(json '.jobs[0].outcome') == failed-restored && $(json '.jobs[0].reason') == *wrong-machine* ]] ||
  fail "it went on with another machine's disk: $out"
cmp -s bad.img azure.img || fail 'its disk was written'
[[ -z $(find devices/Helper -type l) ]] || fail 'the helper still has a disk'

# ---- one campaign over both ----
printf '%s\n' 'azure:name=azure-*' 'gcp:name=gcp-*' >fleet.txt
run repair @fleet.txt --health 'serial:BOOT OK' \
  --helper "$azure_helper=$azure_ssh,devices=$work/devices/Helper" \
  --helper "$gcp_helper=$other_ssh,devices=$work/dev-gcp"
expect_status 0
[[ $(json '[.jobs[] | "\(.provider)=\(.outcome)"] | sort | join(" ")') == 'azure=repaired gcp=repaired' ]] || fail "$out"
"$source_dir/tests/fake-cloud/boot-check" gcp.img >/dev/null || fail 'gcp-bad does not boot'
(($(find "$ssh_folder/state/helped" -name manifest.json | wc -l) == 2)) || fail 'the evidence is not on the helpers'
# The name of a device is that of this disk on this very helper.
number=$(gce_state | jq -r '.objects.instance["projects/shop-1/zones/europe-west1-b/instances/helper"].id')
device=$(curl -sf "$url/_fake/calls" | jq -r '[.[] | select(.action == "instances.detachDisk" and (.ids[0] | endswith("/helper")))
  | .params.deviceName][0]')
[[ $device =~ ^bootmend-$number-1-[0-9a-f]{8}$ ]] || fail "its device name was $device"
