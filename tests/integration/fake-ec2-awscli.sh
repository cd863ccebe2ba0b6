#!/usr/bin/env bash
# The official AWS client, unmodified, drives the fake EC2: a fake that only our
# own code understands proves that we repeat our mistakes.
. "$(dirname "$0")/../functions.sh"
requires jq curl ntfsls sfdisk
aws=/usr/bin/aws # Debian's, whatever else is in PATH
[[ -x $aws ]] || skip 'awscli is not installed'

# ---- a fleet with one real disk, and time that runs 40 times as fast ----
"$source_dir/tests/fleet/make-disk" --bad "$work/bad.img"
"$source_dir/tests/fleet/make-disk" --healthy "$work/good.img"
mkdir "$work/images" "$work/devices"
cat >"$work/config.json" <<EOF
{"seed": 3, "speed": 40,
 "images_folder": "$work/images", "devices_folder": "$work/devices",
 "boot_command": ["$source_dir/tests/fake-cloud/boot-check"],
 "aws": {
  "accounts": {"111122223333": {
    "keys": [{"id": "AKIAGOOD", "secret": "g00d/secret+key"},
             {"id": "AKIAREAD", "secret": "read", "allow": ["ec2:Describe*", "sts:*"]}],
    "roles": [{"arn": "arn:aws:iam::111122223333:role/repair", "trust": ["*"]}]}},
  "regions": {"us-east-1": {"zones": ["us-east-1a", "us-east-1b"]},
              "eu-west-1": {"zones": ["eu-west-1a"]}},
  "imds": {"instance": "i-000000000000000a2", "role": "arn:aws:iam::111122223333:role/repair"},
  "groups": [{"name": "shop", "region": "us-east-1"}],
  "instances": [
   {"id": "i-000000000000000a1", "name": "patient", "zone": "us-east-1a", "platform": "windows",
    "root": {"id": "vol-000000000000000a1", "image": "$work/bad.img", "tags": {"team": "a&b <c>"}}},
   {"id": "i-000000000000000a2", "name": "helper", "zone": "us-east-1a", "public": "elastic"},
   {"id": "i-000000000000000a3", "name": "swap", "zone": "us-east-1b", "platform": "windows",
    "root": {"id": "vol-000000000000000a3", "boots": false,
             "snapshots": [{"id": "snap-000000000000000a3", "boots": true}]}},
   {"id": "i-000000000000000a4", "zone": "us-east-1b", "asg": "shop"},
   {"name": "web-{n}", "count": 20, "zone": ["us-east-1a", "us-east-1b"]}]}}
EOF
coproc SERVER { exec fake-cloud-server --config "$work/config.json" --no-answer-ms 3000; }
# shellcheck disable=SC2153 # set by coproc
server_pid=$SERVER_PID
at_exit kill "$server_pid"
read -r url <&"${SERVER[0]}" || fail 'fake-cloud-server did not start'

export AWS_ACCESS_KEY_ID=AKIAGOOD AWS_SECRET_ACCESS_KEY=g00d/secret+key
export AWS_DEFAULT_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true AWS_PAGER=
export AWS_MAX_ATTEMPTS=1 AWS_CONFIG_FILE=$work/none AWS_SHARED_CREDENTIALS_FILE=$work/none
ec2() { run "$aws" --endpoint-url "$url" --output json ec2 "$@"; }
good() { # the last call was
  expect_status 0
}
refused() { # CODE: the last call was
  ((status != 0)) || fail "not refused: $1"
  expect_msg "($1)"
}
is() { # FILTER VALUE: of the last call's output
  local value
  value=$(jq -r "$1" <<<"$out")
  [[ $value == "$2" ]] || fail "$1 is '$value', not '$2'"
}
# The waiters poll every 15 s of real time, so they get their turn when there is
# nothing left to wait for; that they accept what they see is the point.
pause() { # SECONDS of the cloud's time
  curl -sf -d "{\"op\": \"advance\", \"ms\": ${1}000}" "$url/_fake/control" >/dev/null
}
patient=i-000000000000000a1 root=vol-000000000000000a1
helper=i-000000000000000a2 swap=i-000000000000000a3

# ---- looking ----
ec2 describe-instances --page-size 5 && good
is '[.Reservations[].Instances[]] | length' 24
is '[.Reservations[].Instances[].InstanceId] | unique | length' 24
jq -e '.Reservations[].Instances[] | select(.InstanceId == "'$patient'")
       | .Platform == "windows" and .State.Code == 16 and .RootDeviceName == "/dev/sda1"
         and .BlockDeviceMappings[0].Ebs.DeleteOnTermination == true' <<<"$out" >/dev/null ||
  fail 'patient is not as configured'
ec2 describe-instances --filters 'Name=tag:Name,Values=web-1*' \
  Name=availability-zone,Values=us-east-1a --query 'Reservations[].Instances[].Tags[0].Value' && good
is 'sort | join(" ")' 'web-1 web-11 web-13 web-15 web-17 web-19'
ec2 describe-instances --max-items 3 && good
is '[.Reservations[].Instances[]] | length' 3
ec2 describe-volumes --filters Name=attachment.instance-id,Values=$patient && good
is '.Volumes[0].VolumeId' $root
is '.Volumes[0].Tags[0].Value' 'a&b <c>'
ec2 describe-volumes && good # with the CLI's own MaxResults of 1000
ec2 describe-instance-types --instance-types m5.large && good
is '.InstanceTypes[0].VCpuInfo.DefaultVCpus' 2
ec2 describe-availability-zones && good
is '.AvailabilityZones | length' 2
ec2 describe-regions && good
ec2 describe-addresses --filters Name=instance-id,Values=$helper && good
is '.Addresses[0].Domain' vpc
ec2 describe-instance-status --instance-ids $patient && good
is '.InstanceStatuses[0].InstanceStatus.Status' impaired
is '.InstanceStatuses[0].SystemStatus.Status' ok
ec2 get-console-output --instance-id $patient --latest && good
expect_out 'PAGE_FAULT_IN_NONPAGED_AREA'
ec2 get-console-screenshot --instance-id $patient && good
jq -r .ImageData <<<"$out" | base64 -d >"$work/shot.jpg"
[[ $(head -c 2 "$work/shot.jpg" | od -An -tx1 | tr -d ' ') == ffd8 ]] || fail 'no JPEG'
ec2 describe-instance-attribute --instance-id $patient --attribute disableApiStop && good
is .DisableApiStop.Value false

# ---- the repair, as the tool does it ----
ec2 detach-volume --volume-id $root
refused IncorrectState
ec2 stop-instances --instance-ids $patient && good
is '.StoppingInstances[0].CurrentState.Name' stopping
is '.StoppingInstances[0].PreviousState.Name' running
pause 30
ec2 wait instance-stopped --instance-ids $patient && good
ec2 create-snapshot --volume-id $root --description 'before & after' \
  --tag-specifications 'ResourceType=snapshot,Tags=[{Key=campaign,Value=c1}]' && good
is .State pending
snapshot=$(jq -r .SnapshotId <<<"$out")
pause 10
ec2 wait snapshot-completed --snapshot-ids "$snapshot" && good
ec2 describe-snapshots --owner-ids self --filters Name=tag:campaign,Values=c1 && good
is '.Snapshots[0].Progress' 100%
cmp "$work/bad.img" "$work/images/$snapshot.img" || fail 'the snapshot is no copy'
ec2 detach-volume --volume-id $root && good
is .State detaching
pause 5
ec2 wait volume-available --volume-ids $root && good
ec2 start-instances --instance-ids $patient
refused InvalidParameterValue
expect_msg 'does not have a volume attached at root (/dev/sda1)'
ec2 attach-volume --volume-id $root --instance-id $helper --device /dev/sdf && good
ec2 attach-volume --volume-id $root --instance-id $helper --device /dev/sdg
refused VolumeInUse
pause 5
ec2 wait volume-in-use --volume-ids $root && good
link=$work/devices/$helper/nvme-Amazon_Elastic_Block_Store_vol000000000000000a1
[[ $(readlink "$link") == "$work/bad.img" ]] || fail 'the helper does not see the disk'
cp "$work/good.img" "$link" # what an agent would do in a finer way
ec2 detach-volume --volume-id $root --instance-id $helper && good
pause 5
ec2 wait volume-available --volume-ids $root && good
[[ ! -e $link ]] || fail 'the link stays after the detach'
ec2 attach-volume --volume-id $root --instance-id $patient --device /dev/sda1 && good
pause 5
ec2 describe-volumes --volume-ids $root && good
is '.Volumes[0].Attachments[0].DeleteOnTermination' false
ec2 modify-instance-attribute --instance-id $patient --block-device-mappings \
  '[{"DeviceName": "/dev/sda1", "Ebs": {"DeleteOnTermination": true}}]' && good
ec2 start-instances --instance-ids $patient && good
is '.StartingInstances[0].CurrentState.Name' pending
pause 60
ec2 wait instance-running --instance-ids $patient && good
ec2 wait instance-status-ok --instance-ids $patient && good
ec2 describe-instances --instance-ids $patient && good
is '.Reservations[0].Instances[0].BlockDeviceMappings[0].Ebs.DeleteOnTermination' true

# ---- a new root instead ----
ec2 create-volume --availability-zone us-east-1b --snapshot-id snap-000000000000000a3 \
  --volume-type gp3 --client-token t1 && good
volume=$(jq -r .VolumeId <<<"$out")
is .State creating
ec2 create-volume --availability-zone us-east-1b --snapshot-id snap-000000000000000a3 \
  --volume-type gp3 --client-token t1 && good
is .VolumeId "$volume"
ec2 create-replace-root-volume-task --instance-id $swap --snapshot-id snap-000000000000000a3 && good
is .ReplaceRootVolumeTask.TaskState pending
task=$(jq -r .ReplaceRootVolumeTask.ReplaceRootVolumeTaskId <<<"$out")
pause 90
ec2 describe-replace-root-volume-tasks --replace-root-volume-task-ids "$task" && good
is '.ReplaceRootVolumeTasks[0].TaskState' succeeded
ec2 wait instance-status-ok --instance-ids $swap && good
ec2 delete-volume --volume-id "$volume" && good
pause 3
ec2 wait volume-deleted --volume-ids "$volume" && good

# ---- tags ----
ec2 create-tags --resources $patient "$snapshot" --tags Key=mark,Value=c1 && good
ec2 describe-tags --filters Name=key,Values=mark && good
is '.Tags | map(.ResourceType) | sort | join(" ")' 'instance snapshot'
ec2 delete-tags --resources $patient "$snapshot" --tags Key=mark && good
ec2 describe-tags --filters Name=key,Values=mark && good
is '.Tags | length' 0

# ---- errors ----
ec2 describe-instances --instance-ids i-0ffffffffffffffff
refused InvalidInstanceID.NotFound
ec2 describe-instances --instance-ids web-1
refused InvalidInstanceID.Malformed
ec2 --region eu-west-1 describe-instances --instance-ids $patient
refused InvalidInstanceID.NotFound
ec2 --region mars-1 describe-instances
refused AuthFailure
ec2 stop-instances --instance-ids $patient --dry-run
refused DryRunOperation
AWS_SECRET_ACCESS_KEY=wrong ec2 describe-instances
refused AuthFailure
AWS_ACCESS_KEY_ID=AKIAREAD AWS_SECRET_ACCESS_KEY=read ec2 stop-instances --instance-ids $patient
refused UnauthorizedOperation
ec2 describe-key-pairs
refused InvalidAction
curl -sf -d '{"op": "fault", "rule": {"what": "reset", "when": "after", "times": 1,
  "action": "CreateTags"}}' "$url/_fake/control" >/dev/null
ec2 create-tags --resources $patient --tags Key=lost,Value=reply
((status != 0)) || fail 'a reset connection went unnoticed'
ec2 describe-tags --filters Name=key,Values=lost && good
is '.Tags | length' 1
curl -sf -d '{"op": "fault", "rule": {"what": "truncated", "times": 1,
  "action": "DescribeVolumes"}}' "$url/_fake/control" >/dev/null
ec2 describe-volumes
((status != 0)) || fail 'a truncated reply went unnoticed'

curl -sf -d '{"op": "fault", "rule": {"what": "no-answer", "when": "after", "times": 1,
  "action": "DescribeRegions"}}' "$url/_fake/control" >/dev/null
sign=(--aws-sigv4 aws:amz:us-east-1:ec2 --user AKIAGOOD:g00d/secret+key)
run curl -sS --max-time 1 "${sign[@]}" "$url/" -d Action=DescribeRegions -d Version=2016-11-15
expect_status 28 # nothing came in time
run curl -sS "${sign[@]}" "$url/?Action=DescribeRegions&Version=2016-11-15" && good
expect_out '<regionName>eu-west-1</regionName>'

# ---- roles, groups, metadata ----
run "$aws" --endpoint-url "$url" sts get-caller-identity --query Account --output text && good
expect_out 111122223333
run "$aws" --endpoint-url "$url" sts assume-role --role-session-name bootmend \
  --role-arn arn:aws:iam::111122223333:role/repair --output json && good
session=$out
AWS_ACCESS_KEY_ID=$(jq -r .Credentials.AccessKeyId <<<"$session") \
AWS_SECRET_ACCESS_KEY=$(jq -r .Credentials.SecretAccessKey <<<"$session") \
AWS_SESSION_TOKEN=$(jq -r .Credentials.SessionToken <<<"$session") ec2 describe-regions && good
run "$aws" --endpoint-url "$url" autoscaling describe-auto-scaling-instances --output json && good
is '.AutoScalingInstances[0].AutoScalingGroupName' shop
run "$aws" --endpoint-url "$url" autoscaling suspend-processes --auto-scaling-group-name shop \
  --scaling-processes HealthCheck && good
run env -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY -u AWS_EC2_METADATA_DISABLED \
  AWS_EC2_METADATA_SERVICE_ENDPOINT="$url/" "$aws" --endpoint-url "$url" sts get-caller-identity && good
expect_out assumed-role/repair

# ---- another client ----
run curl -sS --aws-sigv4 aws:amz:us-east-1:ec2 --user AKIAGOOD:g00d/secret+key "$url/" \
  -d Action=DescribeInstances -d Version=2016-11-15 -d InstanceId.1=$patient && good
expect_out "<instanceId>$patient</instanceId>"
run curl -sS "$url/" -d Action=DescribeInstances -d Version=2016-11-15 && good
expect_out '<Code>MissingAuthenticationToken</Code>'

# ---- what the log says ----
run curl -sf "$url/_fake/calls" && good
is '[.[] | select(.action == "StopInstances" and .effect)] | length' 1
is '[.[] | select(.fault != null)] | length' 3
echo "$(jq length <<<"$out") calls by aws and curl"
