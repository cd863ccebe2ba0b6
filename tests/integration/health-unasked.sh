#!/usr/bin/env bash
# A question about health that fails is neither "broken" nor "nobody asked": the
# operator selected the VM, so it is repaired, and plan, outcome and report all
# say that it could not be asked, and why.
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/fleet/lib.sh"
prefix=unasked

fleet_up --bad 1
vm=$prefix-bad-1
# libvirt knows no address of this VM, so that tcp:PORT alone can't be asked.
asked=(bootmend plan "libvirt:$vm" -r crowdstrike-291 --health tcp:3389)

run "${asked[@]}" --json
expect_status 0
[[ $(json '.vms[0] | "\(.decision) \(.health.state)"') == 'repair unknown' ]] ||
  fail "plan: $out"
[[ $(json '.vms[0].health.why') == 'could not be asked: '*'no address'* ]] ||
  fail "plan: $(json '.vms[0].health')"
run "${asked[@]}"
expect_out 'no address'
check_as_before "$vm"

# Who wants to know what becomes of it: a program, and a webhook that does not
# answer, which is said and changes nothing.
cat >tell <<'END'
#!/bin/sh
echo "$BOOTMEND_EVENT $BOOTMEND_CAMPAIGN" >>"$0.events"
cat >>"$0.json"
echo >>"$0.json"
END
chmod +x tell
run bootmend repair "libvirt:$vm" -r crowdstrike-291 --health tcp:3389 \
  --shutdown-limit 0 --progress none --notify-command ./tell \
  --webhook http://127.0.0.1:1/T0/very-secret
expect_status 1 # none is proven
expect_msg '--webhook http://127.0.0.1:1/...: "campaign-begun" was not delivered'
[[ $(cut -d' ' -f 1 tell.events | tr '\n' ' ') == \
  'campaign-begun wave-done campaign-finished ' ]] || fail "$(cat tell.events)"
[[ $(jq -s '.[2] | "\(.kind) \(.counts["repaired-unproven"]) \(.exit_status)"' \
  tell.json) == '"notification 1 1"' ]] || fail "$(cat tell.json)"
! grep -rq very-secret "$BOOTMEND_STATE_DIR" ||
  fail "the address of the webhook is in the campaign's folder"
expect_out repaired-unproven
check_repaired "$vm"
run bootmend report --json
[[ $(json '.jobs[0].outcome') == repaired-unproven ]] || fail "$out"
[[ $(json '.jobs[0].reason') == *'could not be asked: '*'no address'* ]] ||
  fail "reason: $(json '.jobs[0].reason')"
[[ $(json '.jobs[0].health_before.state') == unknown ]] || fail "$out"
[[ $(json '[.jobs[0].notes[] | select(startswith("look: "))] | length') == 1 ]] ||
  fail "no note"
run env COLUMNS=200 bootmend report
expect_out 'before     could not be asked'

run bootmend rollback last --progress none
expect_status 0
check_as_before "$vm"

# The record of it all: who, which recipe, what was changed, how it ended.
run bootmend audit show --json
expect_status 0
[[ $(json '[.entries[].entry | select(.table == "event") | .kind] | join(" ")') == \
  'begin rollback' ]] || fail "not begun and rolled back: $out"
[[ $(json '.entries[0].entry.detail | "\(.recipe.name) \(.origin.kind)"') == \
  'crowdstrike-291 built-in' ]] || fail "not by which recipe: $out"
[[ $(json '[.entries[].entry | select(.step == "repair" and .state == "done")
  | .detail.changes[].path] | join(" ")') == *C-00000291-*.sys ]] ||
  fail "not which file: $out"
run bootmend audit show --vm 'no-such-*'
expect_no_out
run env COLUMNS=200 bootmend audit show
expect_out "begin by $(id -un)"
expect_out 'repair: done; delete '
run bootmend audit verify
expect_status 0
head=${out##*head }
run bootmend report
expect_out "head $head"
run bootmend audit verify --head "$head"
expect_status 0
run bootmend audit verify --head "${head//[0-4]/5}"
expect_status 1
expect_msg 'no entry has the hash'
sqlite3 "$BOOTMEND_STATE_DIR"/*/journal.db \
  "UPDATE job SET outcome = 'repaired' WHERE id = 1"
run bootmend audit verify
expect_status 1
expect_msg "$vm: its outcome is not the one that was entered"
