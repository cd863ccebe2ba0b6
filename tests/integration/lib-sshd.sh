# shellcheck shell=bash
# lib-sshd.sh - a real sshd on loopback, for agents over ssh; source it after
# functions.sh.
#
#   sshd_start               sets sshd_port; files in $work/ssh. $dmi_folder, if
#                            set: what its machine's firmware says of itself
#   ssh_command=...          what BOOTMEND_SSH has to be to get in
#   sshd_children            pids of the sshds of its connections
#   sshd_stop                ends it and all connections
#
# Nobody's configuration, keys or known hosts are read or changed. It runs in
# the foreground, without PAM or systemd; as root it wants /run/sshd.
# shellcheck disable=SC2154 # work: of functions.sh
ssh_folder=$work/ssh
sshd_port=0 sshd_pid='' ssh_command="ssh -F $ssh_folder/config"

sshd_start() {
  requires sshd ssh ssh-keygen
  local sshd
  sshd=$(command -v sshd)
  if ((EUID == 0)); then mkdir -p /run/sshd; fi
  if [[ ! -d $ssh_folder ]]; then
    mkdir -m 700 "$ssh_folder" "$ssh_folder/home"
    ssh-keygen -q -t ed25519 -N '' -f "$ssh_folder/host"
    ssh-keygen -q -t ed25519 -N '' -f "$ssh_folder/user"
    cp "$ssh_folder/user.pub" "$ssh_folder/authorized"
  fi
  for _ in {1..20}; do
    sshd_port=$((20000 + RANDOM % 20000))
    cat >"$ssh_folder/sshd_config" <<END
ListenAddress 127.0.0.1
Port $sshd_port
HostKey $ssh_folder/host
PidFile none
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
AuthorizedKeysFile $ssh_folder/authorized
StrictModes no
SetEnv XDG_CACHE_HOME=$ssh_folder/cache PATH=$PATH BOOTMEND_STATE_DIR=$ssh_folder/state BOOTMEND_CACHE_DIR=$BOOTMEND_CACHE_DIR BOOTMEND_DMI_DIR=${dmi_folder:-$BOOTMEND_DMI_DIR} ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0}
$(cat "$ssh_folder/sshd_more" 2>/dev/null)
END
    "$sshd" -D -e -f "$ssh_folder/sshd_config" 2>>"$ssh_folder/sshd.log" &
    sshd_pid=$!
    if wait_for 5 sshd_answers; then break; fi
    sshd_stop
  done
  at_exit sshd_stop
  printf '[127.0.0.1]:%s %s\n' "$sshd_port" \
    "$(cut -d' ' -f1,2 "$ssh_folder/host.pub")" >"$ssh_folder/known_hosts"
  cat >"$ssh_folder/config" <<END
Host *
  IdentityFile $ssh_folder/user
  IdentitiesOnly yes
  UserKnownHostsFile $ssh_folder/known_hosts
  GlobalKnownHostsFile none
  StrictHostKeyChecking yes
END
  export BOOTMEND_SSH=$ssh_command
}

sshd_answers() {
  kill -0 "$sshd_pid" 2>/dev/null || return 0 # no use to wait
  (exec 3<>"/dev/tcp/127.0.0.1/$sshd_port") 2>/dev/null
}

sshd_children() {
  pgrep -P "$sshd_pid" || true
}

sshd_stop() {
  [[ -n $sshd_pid ]] || return 0
  local pids
  pids=$(sshd_children)
  # shellcheck disable=SC2086 # several
  kill $pids "$sshd_pid" 2>/dev/null || true
  wait "$sshd_pid" 2>/dev/null || true
  sshd_pid=''
}
