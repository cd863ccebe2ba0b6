/* Plans: what a repair would do, VM by VM, in a file that a later repair keeps
 * to.  The plan carries its own SHA-256, so that an edited one is refused. */

#ifndef BOOTMEND_PLAN_H
#define BOOTMEND_PLAN_H

#include "job.h"

/* {key, name, decision: "repair" | "skip" | "leave", reason, notes, snapshot,
 * vm, fingerprint, wave, group, steps: [...]} for a job after its preflight. */
json_t *plan_entry (const struct job *job);

/* Adds "recipe_sha256", and "sha256" over the rest. */
void plan_seal (json_t *plan);
/* ERR_INPUT: no plan, of another version, or edited. */
int plan_verify (const json_t *plan, struct err **err) ATTR_USE;

/* Differences between a VM and an earlier record of it (power, disk,
 * attributes): the first as a text, or NULL.  A brief look shows power and
 * whether there is an OS disk. */
char *plan_difference (const json_t *before, const json_t *now, bool brief);

#endif
