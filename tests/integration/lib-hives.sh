# shellcheck shell=bash
# lib-hives.sh - small Windows disks whose registry is in every state
#
#   . "$(dirname "$0")/lib-hives.sh"       # after functions.sh, lib-images.sh
#   hives_make                             # once; kept in the build folder
#   hive_image NAME [COPY]                 # a fresh copy: $work/disks/COPY.raw
#   hive_dump IMAGE [HIVE]                 # what is in a hive on it
#
#   clean      a Windows with SYSTEM and SOFTWARE, a boot volume, drivers
#   new split  SYSTEM as a crash leaves it: newest state in its logs (one, both)
#   old        the same with logs of before Windows 8.1
#   later      dirty, and no log fits
#   damaged    SYSTEM has a broken cell; RegBack has a whole one
#   short      SYSTEM is cut off in the middle; RegBack is empty
#   gone       SYSTEM has a length of 0
#   efi        GPT: an EFI system partition with a BCD, and clean
#   tpm        clean beside a volume with BitLocker
# shellcheck disable=SC2154  # from functions.sh

hives_version=$(cat "${BASH_SOURCE[0]}" "$build_dir/bin/hive-tool" |
  sha256sum | cut -c1-16)
hives_dir=$build_dir/test-hives/$hives_version

hives_system() {
  cat <<'END2'
key Select
dword Current 1
dword Default 1
dword LastKnownGood 2
key ControlSet001\Services\csagent
dword Start 1
dword Type 2
expand ImagePath \??\C:\Windows\system32\drivers\CrowdStrike\csagent.sys
key ControlSet001\Services\csagent\Sim
binary CU 0102030405060708
key ControlSet001\Services\disk
dword Start 0
key ControlSet001\Services\TermService
dword Start 4
key ControlSet001\Services\SharedAccess\Parameters\FirewallPolicy\FirewallRules
sz RemoteDesktop-UserMode-In-TCP v2.30|Action=Allow|Active=FALSE|Dir=In|Protocol=6|LPort=3389|Name=Remote Desktop|
sz RemoteDesktop-UserMode-In-UDP v2.30|Action=Allow|Active=FALSE|Dir=In|Protocol=17|LPort=3389|Name=Remote Desktop|
key ControlSet001\Control\Class\{4d36e967-e325-11ce-bfc1-08002be10318}
multi UpperFilters partmgr|csagent
multi LowerFilters csagent
key ControlSet001\Control\Session Manager
multi PendingFileRenameOperations \??\C:\a|\??\C:\b
multi SetupExecute poqexec.exe /display_progress \SystemRoot\WinSxS\pending.xml
multi BootExecute autocheck autochk *
key ControlSet001\Control\Terminal Server
dword fDenyTSConnections 1
key ControlSet001\Control\Terminal Server\WinStations\RDP-Tcp
dword UserAuthentication 1
key ControlSet001\Control\BigOne
big Data 30000
dword Small 1
key ControlSet002\Services\csagent
dword Start 1
END2
}

hives_software() {
  cat <<'END2'
key Microsoft\Windows NT\CurrentVersion
sz ProductName Windows Server 2022 Datacenter
key Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending
key Microsoft\Windows\CurrentVersion\Component Based Servicing\PackagesPending\Package_1
dword State 5
key Policies\Microsoft\Windows NT\Terminal Services
dword fDenyTSConnections 1
END2
}

hives_components() {
  cat <<'END2'
dword PendingXmlIdentifier 77
qword NextQueueEntryIndex 12
dword Other 1
key DerivedData
END2
}

hives_bcd() {
  cat <<'END2'
key Description
key Objects\{9dea862c-5cdd-4e70-acc1-f32b344d4795}\Elements\24000001
multi Element {0f5f1e5b-0000-11ef-0000-000000000001}
key Objects\{0f5f1e5b-0000-11ef-0000-000000000001}\Description
dword Type 0x10200003
key Objects\{0f5f1e5b-0000-11ef-0000-000000000001}\Elements\12000004
sz Element Windows Server
key Objects\{0f5f1e5b-0000-11ef-0000-000000000001}\Elements\25000080
binary Element 0100000000000000
key Objects\{0f5f1e5b-0000-11ef-0000-000000000001}\Elements\26000081
binary Element 01
END2
}

# What a crash adds to SYSTEM.
hives_newest() {
  hives_system
  cat <<'END2'
key ControlSet001\Services\csagent
dword ErrorControl 1
key ControlSet001\Services\zlate
sz ImagePath late.sys
big Blob 12000
END2
}

hives_states=(clean new split old later damaged short gone)

hives_files() { # in $hives_new
  local state d
  for state in "${hives_states[@]}"; do
    d=$hives_new/$state
    mkdir "$d"
    hives_system | hive-tool make "$d/SYSTEM"
    hives_software | hive-tool make "$d/SOFTWARE"
    hives_components | hive-tool make "$d/COMPONENTS"
    hives_bcd | hive-tool make "$d/BCD"
    case $state in
    new | split | old | later)
      hives_newest | hive-tool crash "$d/SYSTEM" "$state"
      ;;
    damaged) printf '\xff' | dd of="$d/SYSTEM" bs=1 seek=$((4096 + 40)) \
      conv=notrunc status=none ;;
    short) truncate -s 12345 "$d/SYSTEM" ;;
    gone) : >"$d/SYSTEM" ;;
    esac
  done
}

hives_script() {
  local state i=0 dev d f letters=abcdefghijklmnop
  echo run
  for state in "${hives_states[@]}"; do
    dev=/dev/sd${letters:i:1}
    i=$((i + 1))
    d=$hives_new/$state
    cat <<END2
mkfs ntfs $dev
mount $dev /
mkdir-p /Windows/System32/config/RegBack
mkdir-p /Windows/System32/drivers/CrowdStrike
mkdir-p /Windows/WinSxS
mkdir-p /Boot
upload $d/BCD /Boot/BCD
END2
    for f in "$d"/S* "$d"/C*; do
      echo "upload $f /Windows/System32/config/${f##*/}"
    done
    case $state in
    damaged) echo "upload $hives_new/clean/SYSTEM /Windows/System32/config/RegBack/SYSTEM" ;;
    short) echo "touch /Windows/System32/config/RegBack/SYSTEM" ;;
    clean)
      cat <<END2
mkdir-p /Windows/WinSxS/amd64_microsoft-windows-services-svchost_31bf3856ad364e35_10.0.20348.1_none_0a
mkdir-p /Windows/WinSxS/amd64_microsoft-windows-services-svchost_31bf3856ad364e35_10.0.20348.2_none_0b
mkdir-p /Windows/WinSxS/wow64_microsoft-windows-services-svchost_31bf3856ad364e35_10.0.20348.2_none_0c
write /Windows/WinSxS/amd64_microsoft-windows-services-svchost_31bf3856ad364e35_10.0.20348.1_none_0a/svchost.exe "MZ older"
write /Windows/WinSxS/amd64_microsoft-windows-services-svchost_31bf3856ad364e35_10.0.20348.2_none_0b/svchost.exe "MZ newer"
write /Windows/WinSxS/wow64_microsoft-windows-services-svchost_31bf3856ad364e35_10.0.20348.2_none_0c/svchost.exe "MZ 32 bit"
write /Windows/WinSxS/pending.xml "<PendingTransaction/>"
END2
      ;;
    esac
    echo umount-all
  done
  cat <<END2
mkfs vfat /dev/sd${letters:i:1}
mount /dev/sd${letters:i:1} /
mkdir-p /EFI/Microsoft/Boot
upload $hives_new/clean/BCD /EFI/Microsoft/Boot/BCD
umount-all
END2
}

hives_build() {
  local drives=() state
  hives_files
  for state in "${hives_states[@]}"; do
    truncate -s 10M "$hives_new/$state.raw"
    drives+=(--format=raw -a "$hives_new/$state.raw")
  done
  truncate -s 8M "$hives_new/esp.raw"
  drives+=(--format=raw -a "$hives_new/esp.raw")
  hives_script >"$hives_new/script"
  guestfish "${drives[@]}" <"$hives_new/script" || fail "guestfish: hives"
  # shellcheck disable=SC2034  # of lib-images.sh
  images_new=$hives_new
  images_lookalike bitlocker 0 '\xeb\x58\x90-FVE-FS-'
  images_partitioned gpt efi esp C12A7328-F81F-11D2-BA4B-00A0C93EC93B \
    clean EBD0A0A2-B9E5-4433-87C0-68B6B72699C7
  images_partitioned dos tpm clean 7 bitlocker 7
}

hives_make() {
  requires guestfish jq
  mkdir -p "$build_dir/test-hives"
  (
    flock 9
    [[ -d $hives_dir ]] && exit 0
    rm -rf "$build_dir"/test-hives/*/
    hives_new=$build_dir/test-hives/new
    mkdir -p "$hives_new"
    hives_build
    mv "$hives_new" "$hives_dir"
  ) 9>"$build_dir/test-hives/lock" || exit 1
  mkdir -p "$work/disks"
}

hive_image() {
  cp --sparse=always "$hives_dir/$1.raw" "$work/disks/${2:-$1}.raw"
}

# hives_fetch IMAGE HIVE...: copies of hives (with their logs) in $work/fetched/IMAGE
hives_fetch() {
  local image=$1 hive
  shift
  rm -rf "$work/fetched/$image"
  mkdir -p "$work/fetched/$image"
  for hive; do
    ntfscat -f "$work/disks/$image.raw" \
      "$(if [[ $hive == BCD* ]]; then echo /Boot; else echo /Windows/System32/config; fi)/$hive" \
      >"$work/fetched/$image/$hive" 2>/dev/null || rm "$work/fetched/$image/$hive"
  done
}

hive_dump() {
  hives_fetch "$1" "${2:-SYSTEM}"
  hive-tool dump "$work/fetched/$1/${2:-SYSTEM}"
}
