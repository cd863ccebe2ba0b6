/* The order of the sources, and what is said when none has keys. */

#include "credentials.h"

#include <string.h>

#include <base/log.h>
#include <base/text.h>

#include "endpoint.h"
#include "imds.h"

enum source_flags {
  WHOLE = 1,       /* part of the whole search */
  OF_PROFILE = 2,  /* part of what a profile by itself offers */
  UNLESS_NAMED = 4 /* left out if the operator names a profile */
};

static const struct source {
  int (*find) (struct finder *f, const char *profile, struct credentials **ret,
               struct err **err);
  unsigned flags;
} sources[] = {
    {source_environment, WHOLE | UNLESS_NAMED},
    {source_role, WHOLE},
    {source_web_identity, WHOLE},
    {source_web_identity_of_profile, OF_PROFILE},
    {source_sso, WHOLE | OF_PROFILE},
    {source_credentials_file, WHOLE | OF_PROFILE},
    {source_process, WHOLE | OF_PROFILE},
    {source_config_file, WHOLE | OF_PROFILE},
    {source_container, WHOLE},
    {source_imds, WHOLE},
};

int
finder_profile_chain (struct finder *f, const char *profile,
                      struct credentials **ret, struct err **err)
{
  for (size_t i = 0; i < ARRAY_SIZE (sources) && *ret == NULL; i++)
    if ((sources[i].flags & OF_PROFILE) &&
        sources[i].find (f, profile, ret, err) == -1)
      return -1;
  return 0;
}

static int
whole_chain (struct finder *f, struct credentials **ret, struct err **err)
{
  for (size_t i = 0; i < ARRAY_SIZE (sources) && *ret == NULL; i++) {
    if (!(sources[i].flags & WHOLE) ||
        ((sources[i].flags & UNLESS_NAMED) && f->profile_named))
      continue;
    if (sources[i].find (f, f->profile, ret, err) == -1)
      return -1;
  }
  if (*ret)
    return 0;
  return err_set (
      err, ERR_AUTH,
      "no credentials found.  Looked at: %s.  Set AWS_PROFILE (or "
      "give --aws-profile) to one that has keys or a role, or give this "
      "machine an instance profile; `aws sts get-caller-identity` "
      "must work",
      f->tried.buf);
}

/* What a repetition may mend keeps its code; all else is a matter of the
 * account, not of one VM. */
static void
settle_code (struct err **err)
{
  static const enum err_code passing[] = {ERR_TRANSIENT, ERR_THROTTLED,
                                          ERR_TIMEOUT};

  if (err == NULL || *err == NULL)
    return;
  if ((*err)->code == ERR_UNKNOWN_EFFECT)
    (*err)->code = ERR_TRANSIENT;
  for (size_t i = 0; i < ARRAY_SIZE (passing); i++)
    if ((*err)->code == passing[i])
      return;
  (*err)->code = ERR_AUTH;
}

static struct credentials *
search (const struct aws_surroundings *around, const struct binding *b,
        struct err **err)
{
  CLEANUP_FINDER struct finder f;
  CLEANUP_CREDENTIALS struct credentials *keys = NULL;

  if (finder_init (&f, around, b, err) == -1 ||
      whole_chain (&f, &keys, err) == -1) {
    settle_code (err);
    return NULL;
  }
  log_debug ("aws: credentials: found: %s", keys->source);
  keys->warnings = str_vec_take (&f.warnings);
  return TAKE (keys);
}

struct credentials *
aws_authenticate_in (const struct aws_surroundings *around,
                     const struct binding *b, struct err **err)
{
  struct credentials *keys = search (around, b, err);

  secret_scrub_stack ();
  return keys;
}

char *
aws_region_in (const struct aws_surroundings *around, const struct binding *b,
               struct err **err)
{
  CLEANUP_FINDER struct finder f;
  char *region = NULL;

  if (finder_init (&f, around, b, err) == -1 ||
      finder_region (&f, &region, err) == -1 ||
      (region == NULL && imds_region (&f, &region, err) == -1))
    return NULL;
  if (region == NULL)
    err_set (
        err, ERR_USAGE,
        "no region: give --aws-region, set AWS_REGION or AWS_DEFAULT_REGION, "
        "or write region = ... into profile %s of %s",
        f.profile, f.profiles.config_path);
  return region;
}
