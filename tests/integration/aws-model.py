#!/usr/bin/python3
"""Compares every request of the AWS provider with botocore's models.

The model that Debian's awscli brings is the referee for names and values: a
parameter that EC2 does not know is an error there, but only in life.

Use: aws-requests | aws-model.py
"""
import json
import re
import sys
import urllib.parse

DATA = "/usr/lib/python3/dist-packages/awscli/botocore/data"
MODELS = {
    "ec2": "ec2/2016-11-15", "sts": "sts/2011-06-15",
    "autoscaling": "autoscaling/2011-01-01", "kms": "kms/2014-11-01",
}
# Newer than Debian's model; see the EC2 and KMS API references.
NEWER = {"CreateReplaceRootVolumeTask VolumeId", "CreateGrant DryRun"}
# As newer models have them, without an enumeration in the old one.
bad = []
seen = 0


def load(service):
    with open(f"{DATA}/{MODELS[service]}/service-2.json") as f:
        return json.load(f)


def walk(model, service, ref, prefix):
    """{flat name: shape} of an input; lists have .n"""
    shape = model["shapes"][ref["shape"]]
    if prefix.count(".") > 6:
        return
    if shape["type"] == "structure":
        for member, inner in shape["members"].items():
            name = member
            if service == "ec2":
                name = inner.get("queryName") or inner.get("locationName", member)
                name = name[0].upper() + name[1:]
            yield from walk(model, service, inner, f"{prefix}.{name}" if prefix else name)
    elif shape["type"] == "list":
        step = "n" if service == "ec2" else "member.n"
        yield from walk(model, service, shape["member"], f"{prefix}.{step}")
    else:
        yield prefix, shape


def check_value(where, shape, value):
    if "enum" in shape and value not in shape["enum"]:
        bad.append(f"{where}: {value} is none of {shape['enum'][:8]}")
    kind = {"boolean": "true|false", "integer": r"\d+", "long": r"\d+"}
    if not re.fullmatch(kind.get(shape["type"], "(?s).*"), value):
        bad.append(f"{where}: {value} is no {shape['type']}")
    if len(value) > shape.get("max", 10**9) and shape["type"] == "string":
        bad.append(f"{where}: too long")


def check_filter(model, action, name):
    """A filter that the description of the action does not name does not exist."""
    text = json.dumps(model["operations"][action]) + json.dumps(
        model["shapes"][model["operations"][action]["input"]["shape"]])
    name = re.sub("^tag:.*", "tag", name)
    if f"<code>{name}" not in text:
        bad.append(f"{action}: the model does not describe the filter {name}")


def check_form(model, service, action, body):
    operation = model["operations"][action]
    known = dict(walk(model, service, operation["input"], "")) if "input" in operation else {}
    given = urllib.parse.parse_qs(body, strict_parsing=True, keep_blank_values=True)
    version = given.pop("Version")[0]
    given.pop("Action")
    if version != model["metadata"]["apiVersion"]:
        bad.append(f"{action}: version {version}")
    for name, values in given.items():
        flat = re.sub(r"\.\d+(?=\.|$)", ".n", name)
        if len(values) != 1:
            bad.append(f"{action}: {name} twice")
        if flat in known:
            check_value(f"{action} {name}", known[flat], values[0])
        elif f"{action} {flat}" not in NEWER:
            bad.append(f"{action}: the model has no parameter {flat}")
        if re.fullmatch(r"Filter\.\d+\.Name", name):
            check_filter(model, action, values[0])
    shape = model["shapes"][operation["input"]["shape"]] if "input" in operation else {}
    for member in shape.get("required", []):
        ref = shape["members"][member]
        name = ref.get("queryName") or ref.get("locationName", member) if service == "ec2" else member
        name = name[0].upper() + name[1:]
        if not any(g == name or g.startswith(f"{name}.") for g in given):
            bad.append(f"{action}: required {name} is missing")


def check_json(model, action, body):
    shape = model["shapes"][model["operations"][action]["input"]["shape"]]
    given = json.loads(body)
    for name in given:
        if name not in shape["members"] and f"{action} {name}" not in NEWER:
            bad.append(f"{action}: the model has no member {name}")
    for name in shape.get("required", []):
        if name not in given:
            bad.append(f"{action}: required {name} is missing")


models = {}
for line in sys.stdin:
    what, service, action, body = line.rstrip("\n").split(" ", 3)
    model = models.setdefault(service, load(service))
    seen += 1
    if action not in model["operations"]:
        bad.append(f"{service}: no operation {action}")
    elif service == "kms":
        check_json(model, action, body)
    else:
        check_form(model, service, action, body)
print(f"{seen} requests")
for line in bad:
    print(f"aws-model: {line}", file=sys.stderr)
sys.exit(1 if bad or seen < 35 else 0)
