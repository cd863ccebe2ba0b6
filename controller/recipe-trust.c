#include "recipe-trust.h"

#include <recipes/signature.h>

int
recipe_trust_check (const json_t *campaign, struct err **err)
{
  CLEANUP_TRUSTED_KEYS struct trusted_key_vec keys = VEC_EMPTY;
  CLEANUP_RECIPE struct recipe *recipe = NULL;

  if (json_at (campaign, "recipe") == NULL)
    return 0; /* nothing is done to what is on a disk */
  recipe = recipe_new (json_at (campaign, "recipe"),
                       json_at (campaign, "parameters"), err);
  if (recipe == NULL || trusted_keys_all (&keys, err) == -1)
    return -1;
  return origin_check (json_at (campaign, "origin"), recipe,
                       json_bool (campaign, "policy.allow_unsigned", false),
                       &keys, err);
}
