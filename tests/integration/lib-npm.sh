# shellcheck shell=bash disable=SC2154
# lib-npm.sh - official clients of clouds in test scripts; after functions.sh
#
#   npm_package NAME   skips the test if it is not there (tests/clients/install);
#                      scripts find it with
#
#     import { createRequire } from 'node:module';
#     const require = createRequire(process.env.CLIENTS);
#     const compute = require ('@google-cloud/compute');
requires node
export CLIENTS=${BOOTMEND_CLIENTS:-$source_dir/build/clients}/node_modules/.at
npm_package() {
  [[ -e ${CLIENTS%.at}$1/package.json ]] || skip "$1 is not there (tests/clients/install)"
}
