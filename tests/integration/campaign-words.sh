#!/usr/bin/env bash
# Words to a campaign from another terminal: it waits for an approval, is halted
# by `bootmend halt` and by a stop file that can't be read, goes on, and is asked
# things that it does not wait for. Nothing is approved, so nothing is touched.
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/integration/lib-ec2.sh"

instance() { # ID NAME
  echo "{\"id\": \"i-00000000000000$1\", \"name\": \"$2\", \"zone\": \
\"us-east-1a\", \"platform\": \"windows\"}"
}
cat >config.json <<END
{"aws": {"accounts": {"111122223333": {"keys": [
   {"id": "AKIAGOOD", "secret": "g00d/secret+key"}]}},
  "regions": {"us-east-1": {"zones": ["us-east-1a"]}},
  "instances": [$(instance b01 bad-1), $(instance b02 bad-2),
                $(instance a01 helper)]}}
END
ec2_start config.json
mkdir dev
# One that a clock which was days ahead has named: "last" is not what its name
# says, but what was begun last.
mkdir -p "$BOOTMEND_STATE_DIR/20991231-235959-aaaa"

begin() { # COMMAND...: in another terminal, until it waits for an approval
  bootmend "$@" --progress none >other.out 2>other.msg </dev/null &
  other=$!
  wait_for 60 waits || fail "it does not wait: $(cat other.out other.msg)"
}
waits() {
  kill -0 "$other" 2>/dev/null && run bootmend status --json &&
    [[ $(jq -r '.waits.wave // 0' <<<"$out" 2>/dev/null) == 1 ]]
}
ended() { # STATUS
  local code=0
  wait "$other" || code=$?
  ((code == $1)) || fail "exit status $code: $(cat other.out other.msg)"
}
untouched() {
  run bootmend report --json
  [[ $(json '[.jobs[] | "\(.wave) \(.outcome) \(.phase)"] | join(", ")') == \
'1 open waiting, 2 open waiting' ]] || fail 'something was begun'
}

begin repair 'aws:name=bad-*' --recipe crowdstrike-291 --wave 1 --approve \
  --helper "i-00000000000000a01=local,devices=$work/dev"
run bootmend status
expect_out 'waits for approval'
expect_out 'Waits    for the approval of wave 1'
run bootmend list
expect_out 'waits for approval'
run bootmend approve last 2
expect_status 1
expect_msg 'waits for the approval of wave 1, not 2'
run bootmend approve last two
expect_status 2
run bootmend approve 20200101-000000-none
expect_status 1
expect_msg '20200101-000000-none'

# ---- halt, from another terminal ----
run bootmend halt
expect_status 0
expect_out 'has stopped'
ended 4
untouched
[[ $(json .halt.kind) == operator ]] || fail 'the journal does not say who'
run bootmend halt
expect_status 1
expect_msg 'no process works on campaign'

# ---- a stop file that can't be read ----
begin resume
campaign=$BOOTMEND_STATE_DIR/$(json .campaign.id)
gone() { [[ ! -e $campaign/halt ]]; } # the one of before
wait_for 30 gone || fail "the stop file of before is still there"
mkdir "$campaign/halt"
ended 4
untouched
[[ $(json .halt.why) == *"can't be read"* ]] || fail "$(json .halt)"
run bootmend resume --quiet
expect_status 1
expect_msg "the stop file can't be removed"
rmdir "$campaign/halt"

# ---- a name that is mistyped is not left out beside one that is right ----
for command in rollback 'retry --failed' 'release --dry-run'; do
  # shellcheck disable=SC2086 # words
  run bootmend $command --vm bad-1 --vm bda-2
  expect_status 1
  expect_msg "matches 'bda-2'; nothing was done"
done
untouched

# ---- rollback of what was never begun ----
run bootmend rollback --quiet
expect_status 0
run bootmend report --json
[[ $(json '[.jobs[].outcome] | unique | join(" ")') == skipped ]] || fail "$out"
run bootmend retry --failed
expect_status 1
expect_msg 'no such VM that could be tried again'
