#!/usr/bin/env bash
# The appliance is built ahead by `bootmend-agent --prepare`, or by the first
# repair; either way the operator is told what there is, once, and why it is
# not the fast way.
. "$(dirname "$0")/../functions.sh"
unset BOOTMEND_CACHE_DIR # this one prepares its own
requires mkntfs qemu-img jq
export TMPDIR=$work
unset BOOTMEND_APPLIANCE
"$source_dir/tests/fleet/make-disk" --bad bad.img bad2.img

# ---- words ----
run bootmend-agent --prepare --appliance fat
expect_status 2
expect_msg '--appliance: "fat" is none of auto|lean|stock'

# ---- the first repair builds, and says so; two appliances, one line ----
run bootmend fix-disk --dry-run --isolation disk --progress plain \
  -r crowdstrike-291 bad.img bad2.img
expect_status 0
[[ $(grep -c 'appliance built for this machine' <<<"$msg") == 1 ]] || fail "$msg"
if [[ -e $BOOTMEND_STATE_DIR/agent/kvm-broken ]]; then
  [[ $(grep -c 'KVM does not work' <<<"$msg") == 1 ]] || fail "$msg"
else
  [[ $msg != *'KVM does not work'* ]] || fail "$msg"
fi

# ---- what is there is found again ----
run bootmend-agent --prepare
expect_status 0
expect_out 'appliance ready: '
run bootmend-agent --prepare --appliance stock
expect_status 0
expect_out '/stock'
run bootmend-agent --prepare --appliance lean
expect_status 0
expect_out '/lean'

# ---- where nothing can be built ----
mkdir "$work/a:b"
run env BOOTMEND_STATE_DIR="$work/a:b" bootmend-agent --prepare
expect_status 1
expect_msg 'bootmend-agent: --prepare: '
expect_msg 'colon'
run env BOOTMEND_STATE_DIR="$work/a:b" bootmend-agent --prepare --appliance lean
expect_status 1
expect_msg 'lean appliance'
