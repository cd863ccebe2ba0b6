#!/usr/bin/python3
"""Compares the fake EC2, STS and Auto Scaling with botocore's models.

The model that Debian's awscli brings is the referee for names: clients skip
elements that they do not know and would never tell. Every parameter that the
fake takes must be in the model, every element that it sends too, of the right
shape, and every filter of its tables among the documented ones.

Use: fake-ec2-model.py URL < lines of `fake-cloud-server --actions`
"""
import json
import re
import sys
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ET

DATA = "/usr/lib/python3/dist-packages/awscli/botocore/data"
MODELS = {
    "ec2": "ec2/2016-11-15", "sts": "sts/2011-06-15",
    "autoscaling": "autoscaling/2011-01-01",
}
# Newer than Debian's model; see the EC2 API reference.
NEWER = {
    "StopInstances SkipOsShutdown",
    "CreateReplaceRootVolumeTask VolumeId",
    "ebsInfo/maximumEbsAttachments", "ebsInfo/attachmentLimitType",
    "instancesSet/item/operator", "volumeSet/item/operator",
}
bad = []


def load(service):
    with open(f"{DATA}/{MODELS[service]}/service-2.json") as f:
        return json.load(f)


def parameters(model, service, shape_name, prefix, depth=0):
    """The flat names that the protocol makes of an input shape."""
    shapes = model["shapes"]
    shape = shapes[shape_name]
    if depth > 6:
        return
    if shape["type"] == "structure":
        for member, ref in shape["members"].items():
            name = member
            if service == "ec2":
                name = ref.get("queryName") or ref.get("locationName", member)
                name = name[0].upper() + name[1:]
            yield from parameters(model, service, ref["shape"],
                                  f"{prefix}.{name}" if prefix else name, depth + 1)
    elif shape["type"] == "list":
        inner = f"{prefix}.n" if service == "ec2" else f"{prefix}.member.n"
        yield from parameters(model, service, shape["member"]["shape"], inner, depth + 1)
    else:
        yield prefix


def check_parameters(models, lines):
    count = 0
    for line in lines:
        service, action, *words = line.split()
        model = models[service]
        operation = model["operations"].get(action)
        if operation is None:
            bad.append(f"{service} {action}: no such operation")
            continue
        shape = operation["input"]["shape"]
        known = set(parameters(model, service, shape, ""))
        required = {m for m in model["shapes"][shape].get("required", [])}
        own = set()
        for word in words:
            name = re.sub(r"[:!].*|!$", "", word)
            own.add(name.split(".")[0])
            count += 1
            if name not in known and f"{action} {name}" not in NEWER:
                bad.append(f"{action}: the model has no parameter {name}")
        for member in required:
            ref = model["shapes"][shape]["members"][member]
            name = member if service != "ec2" else ref.get("locationName", member)
            if name[0].upper() + name[1:] not in own:
                bad.append(f"{action}: required {member} is not taken")
    return count


def check_element(model, shape_name, element, path):
    """Every child of element is a member of the shape, and so on."""
    shape = model["shapes"][shape_name]
    if shape["type"] == "structure":
        members = {r.get("locationName", m): r["shape"] for m, r in shape["members"].items()}
        for child in element:
            name = child.tag.split("}")[1]
            if not path and name in ("requestId", "return"):
                continue
            inner = f"{path}/{name}" if path else name
            if name in members:
                check_element(model, members[name], child, inner)
            elif not any(inner.endswith(n) for n in NEWER):
                bad.append(f"{inner}: not in the model")
        return
    if shape["type"] == "list":
        item = shape["member"].get("locationName", "member")
        for child in element:
            name = child.tag.split("}")[1]
            if name != item:
                bad.append(f"{path}/{name}: not {item}")
            check_element(model, shape["member"]["shape"], child, f"{path}/{name}")
        return
    text = element.text or ""
    pattern = {"integer": r"-?\d+", "long": r"-?\d+", "boolean": "true|false",
               "timestamp": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"}.get(shape["type"])
    if len(element) or (pattern and not re.fullmatch(pattern, text)):
        bad.append(f"{path}: '{text}' is no {shape['type']}")
    # The service says "windows" where the model says "Windows", and has types
    # that are newer than Debian's model.
    if path.endswith(("/platform", "/instanceType")):
        return
    if "enum" in shape and text and text not in shape["enum"]:
        bad.append(f"{path}: '{text}' is not one of {' '.join(shape['enum'])[:200]}")


def call(url, service, action, **params):
    fields = {"Action": action, "Version": MODELS[service].split("/")[1]}
    fields.update({k.replace("__", "."): v for k, v in params.items()})
    op = {"op": "call", "service": service, "region": "us-east-1", "form": fields}
    request = urllib.request.Request(url + "/_fake/control", json.dumps(op).encode())
    reply = json.load(urllib.request.urlopen(request))
    return reply["status"], reply["body"]


def control(url, **op):
    urllib.request.urlopen(urllib.request.Request(url + "/_fake/control",
                                                  json.dumps(op).encode())).read()


def check_replies(models, url):
    web, helper, spare = "i-00000000000000001", "i-00000000000000002", "vol-00000000000000021"
    root = "vol-00000000000000001"
    steps = [
        ("ec2", "DescribeInstances", {}), ("ec2", "DescribeVolumes", {}),
        ("ec2", "DescribeInstanceStatus", {"IncludeAllInstances": "true"}),
        ("ec2", "DescribeSnapshots", {}), ("ec2", "DescribeTags", {}),
        ("ec2", "DescribeRegions", {}), ("ec2", "DescribeAvailabilityZones", {}),
        ("ec2", "DescribeInstanceTypes", {}), ("ec2", "DescribeAddresses", {}),
        ("ec2", "DescribeVolumesModifications", {}),
        ("ec2", "DescribeInstanceCreditSpecifications", {}),
        ("ec2", "AttachVolume", {"VolumeId": spare, "InstanceId": helper, "Device": "/dev/sdf"}),
        ("ec2", "CreateReplaceRootVolumeTask", {"InstanceId": web, "DeleteReplacedRootVolume": "false"}),
        ("ec2", "DescribeReplaceRootVolumeTasks", {}),
        ("ec2", "CreateSnapshot", {"VolumeId": root, "Description": "d"}),
        ("ec2", "CreateSnapshots", {"InstanceSpecification__InstanceId": helper}),
        ("ec2", "CreateVolume", {"AvailabilityZone": "us-east-1a", "Size": "1", "VolumeType": "gp3"}),
        ("ec2", "GetConsoleOutput", {"InstanceId": web, "Latest": "true"}),
        ("ec2", "GetConsoleScreenshot", {"InstanceId": web}),
        ("ec2", "CreateTags", {"ResourceId__1": web, "Tag__1__Key": "a", "Tag__1__Value": "b"}),
        ("ec2", "StopInstances", {"InstanceId__1": web}),
        ("ec2", "DescribeInstances", {}),
        ("ec2", "DetachVolume", {"VolumeId": spare}),
        ("ec2", "TerminateInstances", {"InstanceId__1": helper}),
        ("ec2", "DescribeInstances", {}), ("ec2", "DescribeVolumes", {}),
        ("ec2", "DescribeInstanceStatus", {"IncludeAllInstances": "true"}),
        ("sts", "GetCallerIdentity", {}),
        ("sts", "AssumeRole", {"RoleArn": "arn:aws:iam::1:role/r", "RoleSessionName": "test"}),
        ("autoscaling", "DescribeAutoScalingInstances", {}),
        ("autoscaling", "DescribeAutoScalingGroups", {}),
    ]
    for attribute in ("disableApiStop", "rootDeviceName", "blockDeviceMapping", "productCodes",
                      "instanceInitiatedShutdownBehavior", "instanceType", "groupSet"):
        steps.append(("ec2", "DescribeInstanceAttribute", {"InstanceId": web, "Attribute": attribute}))
    for service, action, params in steps:
        status, body = call(url, service, action, **params)
        if status != 200:
            bad.append(f"{action}: {status}: {body}")
            continue
        model = models[service]
        output = model["operations"][action].get("output")
        tree = ET.fromstring(body)
        if output and "resultWrapper" in output:
            tree = tree[0]
        if output:
            check_element(model, output["shape"], tree, "")
        control(url, op="advance", ms=20000)
    return len(steps)


def check_filters(models, url):
    """Each filter that the model documents is known, or refused as not known."""
    count = 0
    for action in ("DescribeInstances", "DescribeInstanceStatus", "DescribeVolumes",
                   "DescribeSnapshots", "DescribeTags", "DescribeReplaceRootVolumeTasks"):
        model = models["ec2"]
        shape = model["shapes"][model["operations"][action]["input"]["shape"]]
        text = shape["members"]["Filters"]["documentation"]
        names = re.findall(r"<code>([a-z.-]+)</code> -", text)
        for name in names:
            count += 1
            status, body = call(url, "ec2", action,
                                **{"Filter__1__Name": name, "Filter__1__Value__1": "x"})
            code = re.search("<Code>(.*?)</Code>", body)
            if status != 200 and code.group(1) not in ("InternalError", "InvalidParameterValue"):
                bad.append(f"{action}: filter {name}: {body}")
    return count


def main():
    models = {s: load(s) for s in MODELS}
    lines = sys.stdin.read().splitlines()
    parameters_seen = check_parameters(models, lines)
    filters = check_filters(models, sys.argv[1])
    replies = check_replies(models, sys.argv[1])
    for line in sorted(set(bad)):
        print(line)
    print(f"{len(lines)} actions, {parameters_seen} parameters, {filters} filters, {replies} replies")
    return 1 if bad or not lines else 0


sys.exit(main())
