# shellcheck shell=bash
# functions.sh - what every test script starts with
#
#   . "$(dirname "$0")/../functions.sh"
#
# After that the script runs under `set -euo pipefail`, in a fresh folder
# ($work, removed at the end, kept and named if the test failed and
# BOOTMEND_TEST_KEEP is set), with build/bin first in PATH, a state folder of
# its own, and:
#
#   source_dir, build_dir   folders of the sources and of this build
#   skip WHY                ends the test as skipped (77)
#   fail WHY                ends it as failed
#   requires COMMAND...     skips unless every command is there
#   at_exit COMMAND...      runs at the end, last one first, come what may
#   run COMMAND...          runs it; then $status, $out and $msg hold what it
#                           returned and wrote to stdout and stderr
#   expect_status N         of the last run
#   expect_out/expect_msg TEXT      ... contains TEXT
#   expect_no_out, expect_no_msg    ... is empty
#   wait_for SECONDS COMMAND...     until it succeeds; returns 1 if it does not
#   json FILTER             jq on $out
#
# Also runs by hand: BOOTMEND_BUILD defaults to build/dev.
set -euo pipefail
export LC_ALL=C.UTF-8
unset NO_COLOR COLUMNS CDPATH

source_dir=${BOOTMEND_SOURCE:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
build_dir=${BOOTMEND_BUILD:-$source_dir/build/dev}
test_name=$(basename "$0" .sh)
export PATH=$build_dir/bin:$PATH:/usr/sbin:/sbin
work=$(mktemp -d "${TMPDIR:-/tmp}/bootmend-$test_name.XXXXXX")
export BOOTMEND_STATE_DIR=$work/state
# The lean appliance is built once for all tests of a build, not once in each.
export BOOTMEND_CACHE_DIR=$build_dir/test-cache
# Whichever machine this is, the helpers of the tests are others.
export BOOTMEND_DMI_DIR=$work/no-dmi
status=0 out='' msg=''
exit_commands=()

finish() {
  local code=$?
  trap - EXIT
  set +e
  for ((i = ${#exit_commands[@]} - 1; i >= 0; i--)); do
    eval "${exit_commands[i]}"
  done
  cd /
  if ((code != 0 && code != 77)) && [[ -n ${BOOTMEND_TEST_KEEP:-} ]]; then
    echo "kept: $work"
  else
    chmod -R u+rwX "$work" 2>/dev/null
    rm -rf "$work"
  fi
  exit "$code"
}
trap finish EXIT
trap 'exit 143' TERM
trap 'exit 130' INT
trap 'echo "$test_name: line $LINENO: \`$BASH_COMMAND\` failed" >&2' ERR

at_exit() {
  exit_commands+=("$(printf '%q ' "$@")")
}

skip() {
  echo "$test_name: skipped: $*"
  exit 77
}

fail() {
  printf '%s: FAILED at line %s: %s\n' "$test_name" "${BASH_LINENO[*]}" "$*" >&2
  if [[ -n $out$msg ]]; then
    printf -- '--- last run: status %s, stdout:\n%s\n--- stderr:\n%s\n---\n' \
      "$status" "$out" "$msg" >&2
  fi
  exit 1
}

requires() {
  local command
  for command; do
    command -v "$command" >/dev/null || skip "$command is not installed"
  done
}

run() {
  status=0
  "$@" >"$work/.out" 2>"$work/.msg" </dev/null || status=$?
  out=$(tr -d '\0' <"$work/.out")
  msg=$(tr -d '\0' <"$work/.msg")
}

expect_status() {
  ((status == $1)) || fail "exit status $status, expected $1"
}

expect_out() {
  [[ $out == *"$1"* ]] || fail "stdout does not have: $1"
}

expect_msg() {
  [[ $msg == *"$1"* ]] || fail "stderr does not have: $1"
}

expect_no_out() {
  [[ -z $out ]] || fail "stdout is not empty"
}

expect_no_msg() {
  [[ -z $msg ]] || fail "stderr is not empty"
}

json() {
  jq -r "$@" <<<"$out" || fail "stdout is not the JSON expected"
}

wait_for() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < end)) || return 1
    sleep 0.1
  done
}

if [[ ${BOOTMEND_TEST_IS_LONG:-} == TRUE && -z ${BOOTMEND_TEST_LONG:-} ]]; then
  skip "a long test; scripts/check --long runs it"
fi
cd "$work"
