#!/usr/bin/env bash
# Bad input: what does not exist, makes no sense, belongs to somebody else or is
# broken ends in one line on stderr that names it and says why, with the exit
# status of bootmend(1), and nothing is changed: no image, no journal, no
# campaign left in the state folder. VMs are those of libvirt's test driver.
. "$(dirname "$0")/../functions.sh"
requires sqlite3 jq mkntfs qemu-img
[[ $(bootmend plan libvirt:test -r crowdstrike-291 --libvirt-uri \
  test:///default 2>&1) == *test* ]] || skip 'libvirt has no test driver here'

# ---- the world: images, a journal that is whole, VMs ----
mkdir "$BOOTMEND_STATE_DIR"
truncate -s 8M web.img
mkntfs -q -F -f web.img >/dev/null 2>&1
cp web.img taken.img
id() { printf '00000000-0000-4000-8000-%012d' "$1"; }
domain() { # NUMBER NAME METADATA DISK-XML
  cat <<END
<domain type='test'><name>$2</name><uuid>$(id "$1")</uuid>
<metadata>$3</metadata>
<memory>8192</memory><os><type>hvm</type></os><devices>$4</devices></domain>
END
}
disk() { echo "<disk type='file' device='disk'><driver type='raw'/><source \
file='$work/$1'/><target dev='hda' bus='ide'/></disk>"; }
since=$(date -u +%Y-%m-%dT%H:%M:%SZ) # it lives
mark="<bootmend:mark xmlns:bootmend='urn:bootmend:mark:1' campaign='c-other' \
controller='elsewhere' since='$since'/>"
{
  echo '<node>'
  domain 1 web '' "$(disk web.img)"
  domain 2 diskless '' ''
  domain 3 taken "$mark" "$(disk taken.img)"
  echo '</node>'
} >node.xml
uri=test://$work/node.xml
vm() { # COMMAND SELECTOR OPTION...
  local command=$1 selector=$2
  shift 2
  echo "$command libvirt:$selector -r crowdstrike-291 --libvirt-uri $uri" \
    "--progress none $*"
}

world() { # what must stay as it is
  find "$work" -name '*.img' -o -name '*.json' -o -name '*.xml' |
    sort | xargs sha256sum
  # An agent may leave its lean appliance there, a campaign nothing.
  find "$BOOTMEND_STATE_DIR" -path '*/agent' -prune -o -type f \
    ! -name '*-shm' ! -name '*-wal' ! -name '*.lock' -print 2>/dev/null |
    sort | xargs -r sha256sum
}

# bad STATUS COMMAND-LINE TEXT...: one line on stderr with all TEXTs
bad() {
  local expected=$1 line=$2 text
  shift 2
  world >before
  # shellcheck disable=SC2086 # words
  run timeout 100 bootmend $line
  expect_status "$expected"
  expect_no_out
  [[ $(wc -l <<<"$msg") == 1 ]] || fail "$line: more than one line"
  [[ $msg == 'bootmend: '* ]] || fail "$line: who says that?"
  for text; do expect_msg "$text"; done
  world | diff before - >&2 || fail "$line: something was changed"
}

# ---- VMs ----
for command in plan repair; do
  bad 1 "$(vm $command nobody)" nobody 'no such domain' "$uri"
  bad 1 "$(vm $command 'shop-*')" 'shop-*' 'no such domain' "which has 3"
  bad 1 "$(vm $command "uuid=$(id 9)")" "$(id 9)" 'no such domain'
  bad 1 "$(vm $command title=nothing)" title=nothing
  bad 1 "$(vm $command web,nobody)" nobody --skip-missing
  bad 1 "$(vm $command colour=blue)" colour=blue
  for there in "qemu+unix:///system?socket=$work/none" qemu+tcp://127.0.0.1:1/x \
    nonsense://x; do
    bad 1 "$command libvirt:web -r crowdstrike-291 --libvirt-uri=$there" \
      "can't connect to $there" 'virsh -c'
  done
done

# Somebody whom libvirt does not know, without a home that can be written.
if ((EUID == 0)) && command -v setpriv >/dev/null; then
  chmod 755 "$work"
  cp "$build_dir/bin/bootmend" "$work/bootmend"
  run setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/nonexistent \
    "$work/bootmend" plan libvirt:nobody -r crowdstrike-291 \
    --libvirt-uri qemu:///system
  expect_status 1
  expect_no_out
  [[ $(wc -l <<<"$msg") == 1 && $msg == 'bootmend: plan: '* ]] || fail nobody
fi

# What a preflight refuses is an outcome, not an error: its row says why.
skipped() { # NAME TEXT...
  local name=$1 text
  shift
  world >before
  # shellcheck disable=SC2046 # words
  run bootmend $(vm repair "$name")
  expect_status 1
  expect_no_msg
  [[ $(grep -c "^$name  *skipped" <<<"$out") == 1 ]] || fail "$name: no row"
  for text; do [[ $(tr -s ' \n' ' ' <<<"$out") == *"$text"* ]] ||
    fail "$name: does not say '$text'"; done
  run bootmend report --json
  [[ $(json '[.jobs[].outcome] | join(" ")') == skipped ]] || fail "$out"
  rm -rf "$BOOTMEND_STATE_DIR"/2*
  world | diff before - >&2 || fail "$name: something was changed"
}
skipped diskless no-disk
skipped taken in-work 'campaign c-other' "$since" --take-over

# ---- waves and budgets ----
while IFS='|' read -r options text; do
  bad 2 "$(vm repair web) $options" "$text"
done <<'END'
--max-failures=101%|'101%' is more than 100 %
--wave-failures=many|neither a number nor a percentage
--wave=60%,50%|the waves take 110 % of the VMs
--wave=5,|ends with a comma
--wave=rest,5|nothing can come after 'rest'
--wave=0|a wave without a VM
--canary=0|canary
--wave=5 --health=none|--approve
--group-max=2|--group-by
--group-by=role|no VM has a tag 'role'
--on-halt=panic|panic
END
for word in halt approve retry\ --failed; do
  bad 1 "$word no-such-campaign" "no campaign 'no-such-campaign'"
done
bad 2 "retry last" --failed --skipped --vm

# ---- recipes ----
bootmend recipes show crowdstrike-rename-folder --json >whole.json
recipe() { # STATUS JQ-FILTER TEXT...
  local expected=$1 filter=$2
  shift 2
  jq "$filter" whole.json >recipe.json
  bad "$expected" "fix-disk --progress none web.img -r ./recipe.json" \
    './recipe.json' "$@"
  bad "$expected" "repair libvirt:web -r ./recipe.json --libvirt-uri $uri" \
    './recipe.json' "$@"
}
printf 'delete everything' >recipe.json
bad 1 'fix-disk web.img -r ./recipe.json' './recipe.json' 'no valid JSON'
: >recipe.json
bad 1 'fix-disk web.img -r ./recipe.json' './recipe.json'
printf '\377\376\0' >recipe.json
bad 1 'fix-disk web.img -r ./recipe.json' './recipe.json'
bad 1 'fix-disk web.img -r ./none.json' './none.json' 'No such file'
bad 1 "fix-disk web.img -r $work" "$work"
bad 1 'fix-disk web.img -r no-such-recipe' 'no-such-recipe' 'built in: crowdstrike-291'
recipe 1 'del(.name)' name
recipe 1 '.format = 99' format
recipe 1 '.os = "beos"' os beos
recipe 1 '.surprise = 1' surprise
recipe 1 '.match[0].path = "/Windows/../secret"' '..'
recipe 1 '.match[0].path = "../../etc/passwd"' path
recipe 1 '.match[0].path = "C:\\Windows\\System32"' path
recipe 1 '.match[0].path = "D:/Windows"' path
recipe 1 '.match[0].path = "\\\\server\\share"' path
recipe 1 '.match[0].path = "Windows"' path
recipe 1 '.actions[0].to = "../x"' '..'
recipe 1 '.actions[0].to = "/elsewhere/x"' to
recipe 1 '.actions[0] = {"action": "format-disk", "of": "driver-folder"}' \
  format-disk
recipe 1 '.actions[0].of = "nobody"' nobody
recipe 1 '.match = []' match
rm recipe.json

# ---- journals ----
# shellcheck disable=SC2046 # words
run bootmend $(vm repair diskless)
folder=$(echo "$BOOTMEND_STATE_DIR"/2*)
campaign=${folder##*/}
sqlite3 "$folder/journal.db" 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
rm -f "$folder"/journal.db-*
cp "$folder/journal.db" whole.db
journal() { # TEXT...
  local command
  rm -f "$folder"/journal.db-*
  for command in status report resume rollback; do
    bad 1 "$command last" "$folder/journal.db" "$@"
  done
  run bootmend list # which lists it all the same
  expect_status 1
  expect_msg "1 of 1 campaigns can't be read"
  expect_out "$campaign"
  expect_out unreadable
  cp whole.db "$folder/journal.db"
}
printf 'this is a diary' >"$folder/journal.db"
journal 'no bootmend journal'
: >"$folder/journal.db"
journal 'an empty file, no bootmend journal'
rm "$folder/journal.db"
sqlite3 "$folder/journal.db" 'CREATE TABLE cookies (a)'
journal 'not a bootmend journal'
sqlite3 "$folder/journal.db" 'PRAGMA user_version=99'
journal 'newer bootmend' 'schema 99'
head -c 5000 whole.db >"$folder/journal.db"
journal damaged
size=$(stat -c %s whole.db)
dd if=/dev/urandom of="$folder/journal.db" bs=4096 seek=1 status=none \
  conv=notrunc count=$((size / 4096 - 1))
journal damaged
rm "$folder/journal.db"
mkdir "$folder/journal.db"
for command in status resume; do bad 1 "$command last" "$folder/journal.db"; done
rmdir "$folder/journal.db"
for command in status resume; do
  bad 1 "$command last" "$folder/journal.db" 'No such file'
done
rm -rf "$folder"
bad 1 'resume last' 'no campaigns in'
bad 1 'rollback 20240719' "no campaign '20240719'" 'bootmend list'

# ---- plans ----
# shellcheck disable=SC2046 # words
run bootmend $(vm plan diskless) --out plan.json
expect_status 0
bad 1 'repair --plan plan.json' plan.json 'no VM to repair'
jq '.request.recipe.version = 7' plan.json >edited.json
bad 1 'repair --plan edited.json' edited.json 'was changed after it was made'

# ---- agents ----
# A VM that would be repaired, so that an agent is needed.
hello='{"bootmend": 1, "event": "hello", "protocol": 1, "agent": "0"}'
agent() { # SCRIPT TEXT...: found out before it gets a disk
  printf '#!/bin/sh\n%s\n' "$1" >agent.sh
  chmod +x agent.sh
  shift
  export BOOTMEND_AGENT=$work/agent.sh
  bad 1 'fix-disk --progress none web.img -r crowdstrike-291' "$@"
  bad 1 'inspect --progress none web.img' "$@"
  bad 1 "$(vm repair web)" "$@"
  unset BOOTMEND_AGENT
}
agent 'echo Welcome to Debian' agent.sh 'no JSON: "Welcome to Debian"' \
  'is this a bootmend-agent?'
agent "head -c 5000000 /dev/zero | tr '\\0' x" agent.sh 'longer than'
agent 'echo "{\"bootmend\": 2, \"event\": \"hello\"}"' agent.sh 'version 2' \
  'install the same'
agent "echo '${hello/\"protocol\": 1/\"protocol\": 9}'" agent.sh 'protocol 9' \
  'install the same'
agent 'echo "libguestfs: no such library" >&2; exit 127' agent.sh \
  'exit status 127' 'no such library'
agent 'kill -9 $$' agent.sh 'killed by signal 9'
BOOTMEND_AGENT=$work/none
export BOOTMEND_AGENT
bad 1 'fix-disk web.img -r crowdstrike-291' "$work/none" BOOTMEND_AGENT
bad 1 "$(vm repair web)" "$work/none" BOOTMEND_AGENT
export BOOTMEND_AGENT=$work/agent.sh
# One that goes mad later: the disk's row says so, the disk is as it was.
printf '#!/bin/sh\necho %q\nread x\necho rubbish\nsleep 1\n' "$hello" >agent.sh
world >before
run bootmend fix-disk --progress none web.img -r crowdstrike-291
expect_status 1
expect_out 'the line is no JSON: "rubbish"'
world | diff before - >&2 || fail 'a mad agent changed something'
unset BOOTMEND_AGENT
