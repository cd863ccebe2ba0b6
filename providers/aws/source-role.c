/* Roles: role_arn with source_profile or credential_source, and web identity.
 *
 *   [profile prod]
 *   role_arn = arn:aws:iam::111122223333:role/repair
 *   source_profile = base
 *
 * A source_profile may itself take a role.  The way is remembered, so that a
 * loop is an error that shows it. */

#include <string.h>

#include <base/text.h>

#include "sts.h"

#define MAX_TOKEN 65536

static const char *
get (const struct finder *f, const char *profile, const char *key)
{
  return aws_profile_get (&f->profiles, profile, key);
}

/* "profile NAME: WHY: VALUE" */
static int
bad (struct err **err, const char *profile, const char *why, const char *value)
{
  CLEANUP_FREE char *shown = text_printable (profile);
  CLEANUP_FREE char *shown_value = text_printable (value ? value : "");

  return err_set (err, ERR_USAGE, "profile %s: %s%s%s", shown, why,
                  value ? ": " : "", shown_value);
}

/* ---- what both kinds of roles have ---- */

static int
check_role (const char *profile, const struct sts_role *role, struct err **err)
{
  static const char name_chars[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+=,.@-";
  const char *name = role->session_name, *id = role->external_id;

  if (strncmp (role->arn, "arn:", 4) != 0 || strlen (role->arn) < 20 ||
      strlen (role->arn) > 2048)
    return bad (err, profile, "role_arn is no ARN of a role", role->arn);
  if (name && (strlen (name) < 2 || strlen (name) > 64 ||
               strspn (name, name_chars) != strlen (name)))
    return bad (err, profile,
                "role_session_name must be 2 to 64 letters, digits or _+=,.@-",
                name);
  if (id && (strlen (id) < 2 || strlen (id) > 1224))
    return bad (err, profile, "external_id must have 2 to 1224 characters",
                NULL);
  return 0;
}

static int
read_duration (const char *profile, const char *text, int64_t *seconds,
               struct err **err)
{
  char *end;

  *seconds = 0;
  if (text == NULL)
    return 0;
  *seconds = strtoll (text, &end, 10);
  if (end == text || *end || *seconds < 900 || *seconds > 43200)
    return bad (err, profile, "duration_seconds is no number from 900 to 43200",
                text);
  return 0;
}

static char *
source_text (const char *profile, const char *arn)
{
  CLEANUP_FREE char *shown = text_printable (profile);
  CLEANUP_FREE char *shown_arn = text_printable (arn);

  return xasprintf ("profile %s -> role %s", shown, shown_arn);
}

/* ---- role_arn ---- */

static bool
takes_role (const struct finder *f, const char *profile)
{
  /* With a web identity token it is for the other kind. */
  return get (f, profile, "role_arn") &&
         get (f, profile, "web_identity_token_file") == NULL;
}

static bool
has_keys (const struct finder *f, const char *profile)
{
  return get (f, profile, "aws_access_key_id") ||
         get (f, profile, "aws_secret_access_key");
}

static bool
was_visited (const struct finder *f, const char *profile)
{
  for (size_t i = 0; i < f->visited.len; i++)
    if (strcmp (f->visited.ptr[i], profile) == 0)
      return true;
  return false;
}

static int
loop_error (const struct finder *f, const char *profile, const char *next,
            struct err **err)
{
  CLEANUP_STRBUF struct strbuf way = STRBUF_EMPTY;

  for (size_t i = 0; i < f->visited.len; i++)
    strbuf_addf (&way, "%s -> ", f->visited.ptr[i]);
  strbuf_addstr (&way, next);
  return bad (err, profile, "source_profile goes round in a circle", way.buf);
}

/* Moves on to a source_profile. */
static int
visit (struct finder *f, const char *profile, const char *next,
       struct err **err)
{
  if (!aws_profile_exists (&f->profiles, next))
    return bad (err, profile, "its source_profile does not exist", next);
  /* It may name itself if it has keys of its own. */
  if (was_visited (f, next) &&
      (strcmp (next, profile) != 0 || !has_keys (f, next)))
    return loop_error (f, profile, next, err);
  str_vec_push (&f->visited, xstrdup (next));
  return 0;
}

static int role_of (struct finder *f, const char *profile,
                    struct credentials **ret, struct err **err);

static int
keys_of_profile (struct finder *f, const char *profile, const char *next,
                 struct credentials **ret, struct err **err)
{
  if (visit (f, profile, next, err) == -1)
    return -1;
  if (!has_keys (f, next) && takes_role (f, next))
    return role_of (f, next, ret, err);
  if (finder_profile_chain (f, next, ret, err) == -1)
    return -1;
  if (*ret == NULL)
    return bad (err, profile, "its source_profile has no keys", next);
  return 0;
}

static int
keys_of_source (struct finder *f, const char *profile, const char *name,
                struct credentials **ret, struct err **err)
{
  static const struct {
    const char *name;
    int (*find) (struct finder *f, const char *profile,
                 struct credentials **ret, struct err **err);
  } rows[] = {{"Environment", source_environment},
              {"EcsContainer", source_container},
              {"Ec2InstanceMetadata", source_imds}};

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++)
    if (strcmp (rows[i].name, name) == 0) {
      if (rows[i].find (f, profile, ret, err) == -1)
        return err_wrap (err, "profile %s: credential_source", profile);
      if (*ret == NULL)
        return bad (err, profile, "its credential_source has no keys",
                    f->tried.buf);
      return 0;
    }
  return bad (err, profile,
              "credential_source must be Environment, EcsContainer or "
              "Ec2InstanceMetadata",
              name);
}

static int
source_keys (struct finder *f, const char *profile, struct credentials **ret,
             struct err **err)
{
  const char *source = get (f, profile, "credential_source");
  const char *next = get (f, profile, "source_profile");

  if (source && next)
    return bad (err, profile,
                "it has both source_profile and credential_source: leave one",
                NULL);
  if (source == NULL && next == NULL)
    return bad (
        err, profile,
        "role_arn needs source_profile or credential_source, whose keys "
        "the role is taken with",
        NULL);
  return source ? keys_of_source (f, profile, source, ret, err)
                : keys_of_profile (f, profile, next, ret, err);
}

static int
role_of (struct finder *f, const char *profile, struct credentials **ret,
         struct err **err)
{
  struct sts_role role = {.arn = get (f, profile, "role_arn"),
                          .session_name = get (f, profile, "role_session_name"),
                          .external_id = get (f, profile, "external_id")};
  CLEANUP_CREDENTIALS struct credentials *from = NULL;
  CLEANUP_FREE char *source = source_text (profile, role.arn);

  /* A campaign renews its keys at night, when nobody types codes. */
  if (get (f, profile, "mfa_serial"))
    return bad (
        err, profile,
        "mfa_serial: the role wants a code at each renewal, which "
        "bootmend does not ask for; get keys with `aws sts "
        "get-session-token --serial-number ... --token-code ...` (up to "
        "36 hours), export them as AWS_ACCESS_KEY_ID, "
        "AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, and name a "
        "profile with the role, credential_source = Environment and no "
        "mfa_serial",
        NULL);
  if (check_role (profile, &role, err) == -1 ||
      read_duration (profile, get (f, profile, "duration_seconds"),
                     &role.duration_s, err) == -1 ||
      source_keys (f, profile, &from, err) == -1)
    return -1;
  *ret = sts_assume (f, &role, from, NULL, source, err);
  return *ret ? 0 : -1;
}

int
source_role (struct finder *f, const char *profile, struct credentials **ret,
             struct err **err)
{
  if (!takes_role (f, profile)) {
    finder_tried (f, "role_arn", "profile %s has none", profile);
    return 0;
  }
  str_vec_push (&f->visited, xstrdup (profile));
  return role_of (f, profile, ret, err);
}

/* ---- web identity ---- */

static struct secret *
read_token (const struct finder *f, const char *path, struct err **err)
{
  CLEANUP_FREE char *whole = aws_expand_home (f->around, path);
  struct secret *token = secret_read_file (whole, MAX_TOKEN, err);

  if (token == NULL)
    return NULL;
  while (token->len && strchr (" \t\r\n", token->data[token->len - 1]))
    token->data[--token->len] = '\0';
  if (token->len > 0 && strlen (token->data) == token->len)
    return token;
  err_set (err, ERR_INPUT, "%s: no token in it", whole);
  secret_free (token);
  return NULL;
}

static const char *
web_setting (const struct finder *f, const char *profile, bool variables,
             const char *variable, const char *key)
{
  const char *value = variables ? finder_variable (f, variable) : NULL;

  return value ? value : get (f, profile, key);
}

static int
web_identity (struct finder *f, const char *profile, bool variables,
              struct credentials **ret, struct err **err)
{
  const char *file =
      web_setting (f, profile, variables, "AWS_WEB_IDENTITY_TOKEN_FILE",
                   "web_identity_token_file");
  struct sts_role role = {.arn = web_setting (f, profile, variables,
                                              "AWS_ROLE_ARN", "role_arn"),
                          .session_name = web_setting (f, profile, variables,
                                                       "AWS_ROLE_SESSION_NAME",
                                                       "role_session_name")};
  CLEANUP_SECRET struct secret *token = NULL;
  CLEANUP_FREE char *source = NULL;

  if (file == NULL) {
    finder_tried (f, "web identity", "no token file is set");
    return 0;
  }
  if (role.arn == NULL)
    return err_set (err, ERR_USAGE,
                    "web identity: a token file is set, but no role "
                    "(AWS_ROLE_ARN, or role_arn in profile %s)",
                    profile);
  if (check_role (profile, &role, err) == -1)
    return -1;
  token = read_token (f, file, err);
  if (token == NULL)
    return err_wrap (err, "web identity");
  source = xasprintf ("web identity -> role %s", role.arn);
  *ret = sts_assume (f, &role, NULL, token, source, err);
  return *ret ? 0 : -1;
}

int
source_web_identity (struct finder *f, const char *profile,
                     struct credentials **ret, struct err **err)
{
  return web_identity (f, profile, !f->profile_named, ret, err);
}

int
source_web_identity_of_profile (struct finder *f, const char *profile,
                                struct credentials **ret, struct err **err)
{
  return web_identity (f, profile, false, ret, err);
}
