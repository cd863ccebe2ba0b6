/* `bootmend policy aws`: the least IAM policy. */

#ifndef BOOTMEND_AWS_POLICY_H
#define BOOTMEND_AWS_POLICY_H

#include <base/json.h>

/* options {strategy: "move" | "swap" | "restore" | "plan", snapshot: bool,
 *          evidence: bool, keys: bool, "kms-check": text, account, region:
 * text} All but strategy have defaults: snapshot, evidence and keys true.  The
 * policy document; ERR_USAGE for another strategy.  "plan" looks only. */
json_t *aws_policy (const json_t *options, struct err **err) ATTR_USE;

#endif
