/* The role of the instance that this runs on. */

#include <string.h>

#include <base/text.h>

#include "imds.h"

#define ROLES "/latest/meta-data/iam/security-credentials/"
#define NAME  "instance metadata"

static bool
is_role_name (const char *text)
{
  size_t len = strlen (text);

  /* [IAM User Guide, "IAM and AWS STS quotas"; the service's own may be longer
   * (unverified)] */
  return len > 0 && len <= 128 &&
         strspn (text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                       "0123456789_+=,.@-") == len;
}

/* A 200 that tells of a mistake: {"Code": "AssumeRoleUnauthorizedAccess",
 * "Message": ...}. */
static int
refused (struct finder *f, const json_t *json, const char *role)
{
  CLEANUP_FREE char *code = aws_quote (json_str (json, "Code", "?"), NULL);
  CLEANUP_FREE char *text = aws_quote (json_str (json, "Message", ""), NULL);

  finder_tried (f, NAME, "role %s: %s: %s", role, code, text);
  return 0;
}

/* When the service behind it is in trouble, EC2 goes on handing out keys that
 * have ended and AWS goes on taking them [botocore does so too]; ask again in
 * 5 to 7 minutes. */
static void
extend_ended (struct finder *f, struct credentials *keys)
{
  int64_t now = clock_wall_ms (f->around->clock);

  if (keys->expires_wall_ms > now)
    return;
  keys->expires_wall_ms =
      now + 300000 + (int64_t)random_below (&f->random, 120000);
  str_vec_push (&f->warnings,
                xstrdup ("the instance's keys have ended and EC2 has no newer "
                         "ones yet: going on with them"));
}

static int
read_keys (struct finder *f, const char *role, const struct http_reply *reply,
           struct credentials **ret, struct err **err)
{
  CLEANUP_JSON json_t *json =
      json_parse_secret (reply->body, reply->body_len, NAME, err);
  CLEANUP_FREE char *source = xasprintf ("role %s of this instance", role);

  if (json == NULL)
    return -1;
  if (json_str (json, "AccessKeyId", NULL) == NULL &&
      json_str (json, "Code", NULL))
    return refused (f, json, role);
  *ret = aws_keys_from_json (f, json, "Token", NEED_TOKEN | NEED_EXPIRATION,
                             source, err);
  if (*ret == NULL)
    return -1;
  extend_ended (f, *ret);
  return 0;
}

int
source_imds (struct finder *f, const char *profile, struct credentials **ret,
             struct err **err)
{
  CLEANUP_FETCHED struct fetched roles = {0}, keys = {0};
  CLEANUP_FREE char *why = NULL, *role = NULL, *path = NULL;
  int r = imds_get (f, ROLES, &roles, &why, err);

  (void)profile;
  if (r == -1)
    return -1;
  if (r == 1) {
    finder_tried (f, NAME, "%s", why);
    return 0;
  }
  if (roles.reply.status != 200 || roles.reply.body_len == 0) {
    finder_tried (f, NAME,
                  "this instance has no role: attach an instance "
                  "profile to it");
    return 0;
  }
  role = xstrndup (roles.reply.body, strcspn (roles.reply.body, "\r\n"));
  if (!is_role_name (role))
    return err_set (err, ERR_AUTH,
                    NAME ": what answers there is no metadata "
                         "service: no name of a role");
  path = xasprintf (ROLES "%s", role);
  if (imds_get (f, path, &keys, &why, err) == -1)
    return -1;
  if (keys.reply.status != 200) {
    finder_tried (f, NAME, "role %s: HTTP %d", role, keys.reply.status);
    return 0;
  }
  return read_keys (f, role, &keys.reply, ret, err);
}
