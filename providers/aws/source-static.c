/* Keys that stand somewhere as they are: environment and the two files.  And
 * what needs a browser, which is only named. */

#include "finder.h"

#include <base/text.h>

int
source_environment (struct finder *f, const char *profile,
                    struct credentials **ret, struct err **err)
{
  const char *id = finder_variable (f, "AWS_ACCESS_KEY_ID");
  const char *token = finder_variable (f, "AWS_SECURITY_TOKEN");
  const char *end = finder_variable (f, "AWS_CREDENTIAL_EXPIRATION");
  const char *source = "environment (AWS_ACCESS_KEY_ID)";

  (void)profile;
  if (id == NULL) {
    finder_tried (f, "environment", "AWS_ACCESS_KEY_ID is not set");
    return 0;
  }
  if (token == NULL) /* the older name first, as botocore has it */
    token = finder_variable (f, "AWS_SESSION_TOKEN");
  *ret = aws_keys (id, finder_variable (f, "AWS_SECRET_ACCESS_KEY"), token,
                   source, err);
  if (*ret && end && aws_set_expiry (f, *ret, end, err) == -1) {
    credentials_free (TAKE (*ret));
    return -1;
  }
  if (*ret && f->profile_chosen && !f->profile_named) {
    CLEANUP_FREE char *shown = text_printable (f->profile);

    str_vec_push (&f->warnings,
                  xasprintf ("AWS_ACCESS_KEY_ID is set and counts; profile "
                             "\"%s\" of AWS_PROFILE is not used for keys",
                             shown));
  }
  return *ret ? 0 : -1;
}

typedef const char *(*lookup_fn) (const struct aws_profiles *p,
                                  const char *profile, const char *key);

static int
source_file (struct finder *f, const char *profile, lookup_fn lookup,
             const char *path, struct credentials **ret, struct err **err)
{
  const char *id = lookup (&f->profiles, profile, "aws_access_key_id");
  const char *token = lookup (&f->profiles, profile, "aws_security_token");
  CLEANUP_FREE char *shown = text_printable (profile);
  CLEANUP_FREE char *source = xasprintf ("profile %s (%s)", shown, path);

  if (id == NULL) {
    finder_tried (f, path, "no keys for profile %s", shown);
    return 0;
  }
  if (token == NULL)
    token = lookup (&f->profiles, profile, "aws_session_token");
  *ret = aws_keys (id, lookup (&f->profiles, profile, "aws_secret_access_key"),
                   token, source, err);
  return *ret ? 0 : -1;
}

int
source_credentials_file (struct finder *f, const char *profile,
                         struct credentials **ret, struct err **err)
{
  return source_file (f, profile, aws_profile_in_credentials,
                      f->profiles.credentials_path, ret, err);
}

int
source_config_file (struct finder *f, const char *profile,
                    struct credentials **ret, struct err **err)
{
  return source_file (f, profile, aws_profile_in_config,
                      f->profiles.config_path, ret, err);
}

int
source_sso (struct finder *f, const char *profile, struct credentials **ret,
            struct err **err)
{
  static const struct {
    const char *key, *login;
  } ways[] = {{"sso_session", "aws sso login"},
              {"sso_start_url", "aws sso login"},
              {"login_session", "aws login"}};
  CLEANUP_FREE char *shown = text_printable (profile);

  (void)ret;
  (void)err;
  for (size_t i = 0; i < ARRAY_SIZE (ways); i++)
    if (aws_profile_get (&f->profiles, profile, ways[i].key)) {
      finder_tried (
          f, ways[i].key,
          "profile %s signs in with a browser: run `%s --profile %s`, then "
          "name "
          "another profile that has \"credential_process = aws configure "
          "export-credentials --profile %s --format process\"",
          shown, ways[i].login, shown, shown);
      return 0;
    }
  return 0;
}
