#!/usr/bin/env bash
# Agents over a real ssh: copied, started, looked at, and every way in which
# that can fail, each with a message that says what to do.
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/integration/lib-sshd.sh"
requires jq python3
sshd_start
here() { echo "x1=ssh://${1:-$USER@127.0.0.1}:${2:-$sshd_port}${3:-}"; }
USER=$(id -un)
check() { run bootmend helper check "$@"; }
cached() { echo "$ssh_folder"/cache/bootmend/agent-*; }
# What ssh or the agent's start said.
said() { jq -r '.helpers[0].items[] | select(.name == "ssh") | .detail' <<<"$out"; }
expect_said() {
  ((status == 1)) || fail "exit status $status"
  [[ $(said) == *"$1"* ]] || fail "it does not say: $1"
}

# ---- it is copied once, and again when it is not what it was ----
check "$(here)" --json
[[ $(json '.helpers[0].items[] | select(.name == "agent") | .level') == ok ]] ||
  fail 'the agent does not start'
[[ -x $(cached) && $(stat -c %a "$(cached)") == 700 ]] || fail 'it is not cached'
cmp "$(cached)" "$build_dir/bin/bootmend-agent"
stamp=$(stat -c %i "$(cached)")
check "$(here)" --json
[[ $(stat -c %i "$(cached)") == "$stamp" ]] || fail 'it was copied again'
printf x >>"$(cached)"
check "$(here)" --json
cmp "$(cached)" "$build_dir/bin/bootmend-agent" || fail 'a damaged one was started'
# nothing of what is needed lies in argv or is left over
[[ $(find "$ssh_folder/cache" -type f | wc -l) == 1 ]] || fail 'files are left over'

# ---- an installed one, none, and one of another version ----
check "$(here '' '' ",agent=$build_dir/bin/bootmend-agent")" --json
[[ $(json '.helpers[0].items[] | select(.name == "agent") | .detail') == *installed* ]] ||
  fail 'the installed one was not used'
check "$(here '' '' ,agent=/no/such/agent)" --json
expect_said 'there is no program /no/such/agent'
cat >"$work/old-agent" <<'END'
#!/bin/sh
echo '{"bootmend":1,"event":"hello","protocol":1,"agent":"0.0.1"}'
sleep 5
END
cat >"$work/new-agent" <<'END'
#!/bin/sh
echo '{"bootmend":1,"event":"hello","protocol":9,"agent":"9.0.0"}'
END
chmod +x "$work/old-agent" "$work/new-agent"
check "$(here '' '' ",agent=$work/old-agent")" --json
expect_said 'of version 0.0.1, this bootmend is'
check "$(here '' '' ",agent=$work/new-agent")" --json
expect_said 'speaks protocol 9'
printf '#!/bin/sh\necho "libguestfs.so.0: cannot open" >&2; exit 127\n' >"$work/lame"
chmod +x "$work/lame"
check "$(here '' '' ",agent=$work/lame")" --json
expect_said 'the agent does not start: exit status 127: libguestfs.so.0: cannot open'

# ---- ssh's own troubles ----
check "$(here '' 1)" --json
expect_said 'no ssh server listens there'
cp "$ssh_folder/known_hosts" "$work/known_hosts"
: >"$ssh_folder/known_hosts"
check "$(here)" --json
expect_said 'the host key is not known or has changed'
printf '[127.0.0.1]:%s %s\n' "$sshd_port" \
  "$(cut -d' ' -f1,2 "$ssh_folder/user.pub")" >"$ssh_folder/known_hosts"
check "$(here)" --json
expect_said 'the host key is not known or has changed'
[[ $(wc -l <"$ssh_folder/known_hosts") == 1 ]] || fail 'known_hosts was changed'
cp "$work/known_hosts" "$ssh_folder/known_hosts"
: >"$ssh_folder/authorized"
check "$(here)" --json
expect_said 'the key is refused'
cp "$ssh_folder/user.pub" "$ssh_folder/authorized"
BOOTMEND_SSH=/no/such/ssh check "$(here)" --json
expect_said '/no/such/ssh'
BOOTMEND_SSH='ssh "' check "$(here)" --json
expect_said 'BOOTMEND_SSH'
for bad in x1=ssh:// x1=ssh://-oProxyCommand=x x1=ssh://h:22x x1=ssh://u@ \
  'x1=ssh://h;reboot' x1=telnet://h x1 '=local' x1=ssh://h,colour=red \
  x1=local,sudo x1=ssh://h,agent=relative; do
  check "$bad"
  expect_status 2
done

# ---- a shell that talks, a banner, a shell that does something else ----
cat >"$ssh_folder/sshd_more" <<'END'
Banner /etc/passwd
ForceCommand printf 'Welcome to helper 7!\r\n{"bootmend":1,"event":"hello"}\nlast login: today'; sh -c "$SSH_ORIGINAL_COMMAND"
END
sshd_stop
sshd_start
check "$(here)" --json
[[ $(json '.helpers[0].items[] | select(.name == "agent") | .level') == ok ]] ||
  fail "noise disturbs it: $(said)"
echo 'ForceCommand echo only backups here; exit 7' >"$ssh_folder/sshd_more"
sshd_stop
sshd_start
check "$(here)" --json
expect_said 'no connection: exit status 7'
rm "$ssh_folder/sshd_more"
sshd_stop
sshd_start

# ---- a slow link carries the agent in its own time ----
cat >"$work/slow-ssh" <<'END'
#!/usr/bin/env python3
# ssh, but what goes to its stdin goes slowly and in odd pieces
import os, subprocess, sys, time
p = subprocess.Popen(["ssh"] + sys.argv[1:], stdin=subprocess.PIPE)
while True:
    data = os.read(0, 50021)
    if not data:
        break
    try:
        p.stdin.write(data); p.stdin.flush()
    except BrokenPipeError:
        break
    time.sleep(0.03 if os.environ.get("CUT") is None else 0.3)
    if os.environ.get("CUT"):
        p.kill()
p.stdin.close()
sys.exit(p.wait() & 255)
END
chmod +x "$work/slow-ssh"
rm -r "$ssh_folder/cache"
BOOTMEND_SSH="$work/slow-ssh -F $ssh_folder/config" check "$(here)" --json
[[ $(json '.helpers[0].items[] | select(.name == "agent") | .level') == ok ]] ||
  fail "a slow link: $(said)"
cmp "$(cached)" "$build_dir/bin/bootmend-agent"

# ---- cut while it is copied: nothing is left that could be taken for one ----
rm -r "$ssh_folder/cache"
CUT=1 BOOTMEND_SSH="$work/slow-ssh -F $ssh_folder/config" check "$(here)" --json
expect_said 'no connection'
wait_for 10 bash -c "[[ -z \$(find '$ssh_folder/cache' -type f) ]]" ||
  fail "left: $(find "$ssh_folder/cache" -type f)"

# ---- on one screen, and several at once ----
check "$(here)" i-0123456789abcdef0=local --aws-region us-east-1 \
  --aws-endpoint http://127.0.0.1:1
((status == 0 || status == 1 || status == 3)) || fail "exit status $status"
(($(wc -l <<<"$out") < 50)) || fail 'it is more than one screen'
expect_out 'bootmend-agent'
