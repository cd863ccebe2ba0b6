/* May the recipe of a campaign be carried out?  Asked before its VMs are looked
 * for, and again by whoever resumes it or carries out its plan: what is in a
 * journal or a plan may have been changed there, and a key may not be trusted
 * any more. */

#ifndef BOOTMEND_RECIPE_TRUST_H
#define BOOTMEND_RECIPE_TRUST_H

#include <base/json.h>

/* campaign: {recipe, parameters, origin, policy: {allow_unsigned}}, see
 * recipes/signature.h.  ERR_REFUSED says what to do. */
int recipe_trust_check (const json_t *campaign, struct err **err) ATTR_USE;

#endif
