#!/usr/bin/env bash
# The whole process for a fleet on Azure: 12 VMs in 2 zones, with real NTFS
# disks, against the fake Resource Manager over HTTP; 2 helpers, strategy swap.
# Then everything is as it was, field by field, but for what a swap has to
# change: the OS disk's name and id. One goes back to its own disk; the
# others' are deleted by `bootmend release`.
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/integration/lib-azure.sh"
requires ntfsls sfdisk qemu-img

"$source_dir/tests/fleet/make-disk" --bad "$work/bad.img"
truncate -s 1G "$work/bad.img" # disks have whole GiB, and the agent compares
mkdir images devices
for n in {01..12}; do cp --sparse=always bad.img "bad-$n.img"; done

# Names in more than one case: Azure gives them back as they were made, and ids
# as it likes.
patient() { # NN: what differs from VM to VM must come back as it was
  local zone=$((2 - 10#$1 % 2)) more='' vm=''
  case $1 in
  02) more=', "caching": "ReadOnly", "delete_option": "Delete"' ;;
  03) more=', "sku": "StandardSSD_LRS", "generation": "V1"' vm=', "size": "Standard_DS1_v2"' ;;
  04)
    more=', "security_type": "TrustedLaunch"'
    vm=', "model": {"properties": {"securityProfile": {"securityType": "TrustedLaunch",
        "uefiSettings": {"secureBootEnabled": true, "vTpmEnabled": true}}}}'
    ;;
  05) vm=', "data_disks": [{"size_gb": 4, "lun": 3, "caching": "ReadOnly"}]' ;;
  06) more=', "write_accelerator": true' vm=', "size": "Standard_M64s"' ;;
  07) more=', "create_option": "Attach"' ;;
  08) more=", \"encryption_set\": \"/subscriptions/$subscription/resourceGroups/Keys/providers/Microsoft.Compute/diskEncryptionSets/Set1\"" ;;
  esac
  cat <<END
   {"name": "Bad-$1", "group": "Web-$zone", "zone": "$zone", "tags": {"Team": "shop", "n": "$1"}$vm,
    "os_disk": {"image": "$work/bad-$1.img", "tags": {"CostCenter": "42"}$more}},
END
}
{
  cat <<END
{"seed": 5, "speed": 20, "page_size": 5,
 "images_folder": "$work/images", "devices_folder": "$work/devices",
 "boot_command": ["$source_dir/tests/fake-cloud/boot-check"],
 "azure": {
END
  azure_head swap
  echo ' "long_urls": true, "poll_errors": 0.05, "vms": ['
  for n in {01..12}; do patient "$n"; done
  for zone in 1 2; do
    echo "   {\"name\": \"Helper-$zone\", \"group\": \"Ops\", \"zone\": \"$zone\", \"os\": \"linux\", \"size\": \"Standard_D4s_v5\"},"
  done
  echo '   {"name": "Fine-1", "group": "Web-1", "zone": "1"}]}}'
} >config.json
azure_start config.json
helpers=()
for zone in 1 2; do
  helpers+=(--helper "$(vm_id Ops "Helper-$zone")=local,devices=$work/devices/Helper-$zone")
done
azure+=(--azure-settle 500ms)

# What must be the same: VMs and their disks, but for members of the fake's own
# and the ones that a swap has to change: the OS disk's name, its id, its times
# and unique id, what it was made from, and the etag. $disks: also those disks
# that are no VM's.
settled() { # FILE
  jq -S '.objects as $o | [$o.vm[] | . as $vm |
      {vm: ($vm | del(.etag, .properties.storageProfile.osDisk.name,
                      .properties.storageProfile.osDisk.managedDisk.id)),
       disks: ([$o.disk[] | select((.managedBy // "" | ascii_downcase) == ($vm.id | ascii_downcase)) |
         del(.id, .name, .properties.uniqueId, .properties.timeCreated, .properties.creationData) |
         .tags |= with_entries(select(.key | startswith("bootmend-") | not))] |
         sort_by(.properties.diskSizeGB))}]
    | sort_by(.vm.id)
    | walk(if type == "object" then with_entries(select(.key | startswith("_") | not)) else . end)' "$1"
}
os_disk() { # FILE GROUP NAME: id of its OS disk, in lower case
  jq -r --arg id "$(vm_id "$2" "$3")" '.objects.vm[$id].properties.storageProfile.osDisk.managedDisk.id
    | ascii_downcase' "$1"
}
group_of() { echo "Web-$((2 - 10#$1 % 2))"; }

# ---- repair ----
azure_state >before.json
run bootmend repair 'azure:impaired' --strategy swap --recipe crowdstrike-291 --health status \
  "${azure[@]}" "${helpers[@]}" --json --progress plain
azure_state >after.json
expect_status 0
[[ $(json '.counts.repaired') == 12 ]] || fail "not all are repaired: $out"
settled before.json >before.txt
settled after.json >after.txt
(($(wc -l <before.txt) > 1000)) || fail 'the state is not what it was thought to be'
diff -u before.txt after.txt || fail 'the fleet is not as it was'
for n in {01..12}; do
  group=$(group_of "$n")
  own=$(disk_id "$group" "Bad-${n}_OsDisk")
  new=$(os_disk after.json "$group" "Bad-$n")
  [[ $new == */disks/bootmend-* ]] || fail "Bad-$n has its own disk still: $new"
  cmp -s bad.img "bad-$n.img" || fail "the own disk of Bad-$n was changed"
  jq -e --arg own "$own" --arg vm "$(vm_id "$group" "Bad-$n")" '.objects.disk[$own] |
    .properties.diskState == "Unattached" and .managedBy == null and
    .tags.CostCenter == "42" and .tags["bootmend-kept-for"] == $vm' after.json >/dev/null ||
    fail "the own disk of Bad-$n is not kept: $(jq --arg own "$own" '.objects.disk[$own]' after.json)"
  jq -e --arg own "$own" '.jobs[] | select((.kept.id | ascii_downcase) == $own)' <<<"$out" >/dev/null ||
    fail "the report does not say that $own stays"
  "$source_dir/tests/fake-cloud/boot-check" \
    "$(jq -r --arg id "$new" '.objects.disk[$id]._image' after.json)" >/dev/null ||
    fail "Bad-$n does not boot"
done
[[ -z $(jq -r '.objects.vm[].tags | keys[] | select(startswith("bootmend"))' after.json) ]] ||
  fail 'a mark is left'
[[ -z $(find devices -type l) ]] || fail "a helper still has a disk: $(find devices -type l)"
[[ $(azure_count '.ids | any(endswith("/fine-1"))') == "$(azure_count '(.ids | any(endswith("/fine-1"))) and .action == "virtualMachines/read"')" ]] ||
  fail 'the healthy VM was touched'
# every change of a helper is one of its 12, and then 4 a minute
attaches=$(azure_count '.action == "virtualMachines/attachDetachDataDisks" and .effect')
echo "calls: $(json .calls.calls), of these attachDetachDataDisks: $attaches"
((attaches < 24)) || fail "$attaches calls to attach and detach: none was shared"

# ---- one goes back to its own disk ----
run bootmend rollback last --vm Bad-01 --json --progress plain
expect_status 0
azure_state >back.json
[[ $(json '.jobs[] | select(.name == "Bad-01") | .outcome') == failed-restored ]] || fail "$out"
[[ $(os_disk back.json Web-1 Bad-01) == "$(disk_id Web-1 Bad-01_OsDisk)" ]] ||
  fail 'its own disk is not back'
[[ $(os_disk back.json Web-2 Bad-02) == */bootmend-* ]] || fail 'Bad-02 was rolled back, too'
settled back.json >back.txt
diff -u before.txt back.txt || fail 'the fleet is not as it was'
cmp -s bad.img bad-01.img || fail 'its own disk was changed'

# ---- the operator has seen that all is well ----
run bootmend release last --yes --json
expect_status 0
azure_state >released.json
left=$(jq -r '.objects.disk[] | select(.managedBy == null) | .name' released.json)
[[ -z $left ]] || fail "disks are left that are nobody's: $left"
settled released.json >released.txt
diff -u back.txt released.txt || fail 'release changed more than it should'
[[ -e bad-01.img && ! -e bad-02.img ]] || fail 'the wrong disks were deleted'
