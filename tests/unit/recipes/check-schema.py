#!/usr/bin/env python3
"""The published JSON Schema against the built-in recipes and the table of good
and bad ones that the loader is tested with (cases.json): "schema": "passes"
marks a bad recipe that only the loader can see through."""
import copy
import glob
import json
import os
import sys

try:
    import jsonschema
except ImportError:
    print("skipped: python3-jsonschema is not installed")
    sys.exit(77)

top = sys.argv[1]


def load(path):
    with open(os.path.join(top, path), encoding="utf-8") as f:
        return json.load(f)


def pointer_set(node, pointer, value, remove=False):
    keys = pointer.split("/")[1:]
    for key in keys[:-1]:
        node = node[int(key) if isinstance(node, list) else key]
    key = int(keys[-1]) if isinstance(node, list) else keys[-1]
    if remove:
        del node[key]
    elif isinstance(node, list) and key == len(node):
        node.append(value)
    else:
        node[key] = value


schema = load("recipes/schema.json")
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
table = load("tests/data/recipes/cases.json")
failures = 0
for path in sorted(glob.glob(os.path.join(top, "recipes/data/*.json"))):
    for error in validator.iter_errors(load(path)):
        print(f"{path}: {error.json_path}: {error.message}")
        failures += 1
for case in table["cases"]:
    recipe = copy.deepcopy(table["bases"][case.get("base", "minimal")])
    for pointer, value in case.get("set", []):
        pointer_set(recipe, pointer, value)
    for pointer in case.get("remove", []):
        pointer_set(recipe, pointer, None, remove=True)
    want = "error" not in case or case.get("schema") == "passes"
    if validator.is_valid(recipe) != want:
        first = next(validator.iter_errors(recipe), None)
        print(f"case \"{case['name']}\": schema says {'bad' if want else 'good'}"
              + (f": {first.json_path}: {first.message:.200}" if first else ""))
        failures += 1
print(f"{len(table['cases'])} cases, {failures} failures")
sys.exit(1 if failures else 0)
