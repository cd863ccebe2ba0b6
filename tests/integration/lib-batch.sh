# shellcheck shell=bash
# lib-batch.sh - works for disk-batch, and what it answers
#
#   work_add ID MODE IMAGE-FILE [JSON]   one more work; JSON adds or replaces
#                                        fields (recipe, evidence, ...)
#   batch                                runs them in one call, then there are
#                                        none; $results holds the lines
#   result ID FILTER                     jq on one result
#   expect ID FILTER VALUE               ... is VALUE
# shellcheck disable=SC2154  # from functions.sh

# The appliance is built once for all of these tests.
export BOOTMEND_STATE_DIR=$build_dir/test-state
works=()
results=
batch_number=0

work_add() {
  works+=("$(jq -nc --arg id "$1" --arg mode "$2" --arg path "$3" \
    --arg evidence "$work/evidence/$1" --argjson more "${4:-{\}}" \
    '{id: $id, mode: $mode, path: $path, recipe: "crowdstrike-291",
      evidence: $evidence} + $more')")
}

# Its status is that of disk-batch.
batch_run() {
  local code=0 input
  batch_number=$((batch_number + 1))
  mkdir -p "$work/scratch/s"
  results=$work/results-$batch_number
  input=$work/works-$batch_number
  printf '%s\n' "${works[@]}" | jq -s . >"$input"
  works=()
  disk-batch "$work/scratch/s" <"$input" >"$results" || code=$?
  return "$code"
}

batch() {
  batch_run || { cat "$results" >&2; fail "disk-batch"; }
}

result() {
  jq -r --arg id "$1" "select(.id == \$id and .result) | .result | $2" \
    "$results"
}

expect() {
  local is
  is=$(result "$1" "$2")
  [[ $is == "$3" ]] || fail "$1: $2 is \"$is\", expected \"$3\": $(result "$1" tojson)"
}
