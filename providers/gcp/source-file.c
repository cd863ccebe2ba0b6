/* Files with credentials: what GOOGLE_APPLICATION_CREDENTIALS names, and what
 * `gcloud auth application-default login` writes. */

#include "finder.h"

#include <string.h>
#include <unistd.h>

#include <base/text.h>
#include <providers/jwt.h>

#define TOKEN_URL "https://oauth2.googleapis.com/token"
#define FORM      "application/x-www-form-urlencoded"
#define MAX_FILE  (1 << 20)
#define GRANT     "urn:ietf:params:oauth:grant-type:"

/* NULL: there is none, said with gcp_tried; or an error. */
static char *
path_of (struct gcp_finder *f)
{
  static const char name[] = "application_default_credentials.json";
  const char *named = gcp_variable (f, "GOOGLE_APPLICATION_CREDENTIALS");
  const char *folder = gcp_variable (f, "CLOUDSDK_CONFIG");
  const char *home = gcp_variable (f, "HOME");
  CLEANUP_FREE char *path = NULL;

  if (named)
    return xstrdup (named);
  gcp_tried (f, "GOOGLE_APPLICATION_CREDENTIALS", "not set");
  path = folder ? xasprintf ("%s/%s", folder, name)
                : xasprintf ("%s/.config/gcloud/%s", home ? home : "", name);
  if (access (path, F_OK) == 0)
    return TAKE (path);
  gcp_tried (f, path, "not there");
  return NULL;
}

static json_t *
read_file (const char *path, struct err **err)
{
  CLEANUP_SECRET struct secret *text = secret_read_file (path, MAX_FILE, err);

  return text ? json_parse_secret (text->data, text->len, path, err) : NULL;
}

static const char *
need (const json_t *json, const char *key, const char *path, struct err **err)
{
  const char *value = json_str (json, key, "");

  if (*value)
    return value;
  err_set (err, ERR_AUTH, "%s: it has no \"%s\"", path, key);
  return NULL;
}

/* --- service_account ------------------------------------------------------ */

static struct credentials *
service_account (struct gcp_finder *f, const json_t *json, const char *path,
                 struct err **err)
{
  const char *mail = need (json, "client_email", path, err);
  const char *pem = mail ? need (json, "private_key", path, err) : NULL;
  const char *url = json_str (json, "token_uri", TOKEN_URL);
  int64_t now = clock_wall_ms (f->around->clock) / 1000;
  CLEANUP_JSON json_t *header = json_make ("{s:s}", "typ", "JWT");
  CLEANUP_JSON json_t *claims = NULL;
  CLEANUP_SECRET struct secret *key = NULL, *assertion = NULL;
  CLEANUP_FREE char *source =
      xasprintf ("service account %s", mail ? mail : "");
  struct strbuf form = STRBUF_SECRET;

  if (pem == NULL)
    return NULL;
  claims = json_make ("{s:s,s:s,s:s,s:I,s:I}", "iss", mail, "scope", GCP_SCOPE,
                      "aud", url, "iat", (json_int_t)now, "exp",
                      (json_int_t)now + 3600);
  json_put_str (header, "kid", json_str (json, "private_key_id", NULL));
  key = secret_new (pem, strlen (pem));
  assertion = jwt_sign (header, claims, key, err);
  if (assertion == NULL) {
    err_wrap (err, "%s", path);
    return NULL;
  }
  http_form_add (&form, "grant_type", GRANT "jwt-bearer");
  http_form_add (&form, "assertion", assertion->data);
  return gcp_ask_token (f, url, FORM, strbuf_take (&form), NULL, source, err);
}

/* --- authorized_user ------------------------------------------------------ */

static struct credentials *
authorized_user (struct gcp_finder *f, const json_t *json, const char *path,
                 struct err **err)
{
  static const char *const keys[] = {"refresh_token", "client_id",
                                     "client_secret"};
  CLEANUP_FREE char *source = xasprintf ("login in %s", path);
  struct strbuf form = STRBUF_SECRET;

  http_form_add (&form, "grant_type", "refresh_token");
  for (size_t i = 0; i < ARRAY_SIZE (keys); i++) {
    const char *value = need (json, keys[i], path, err);

    if (value == NULL) {
      strbuf_release (&form);
      return NULL;
    }
    http_form_add (&form, keys[i], value);
  }
  return gcp_ask_token (f, json_str (json, "token_uri", TOKEN_URL), FORM,
                        strbuf_take (&form), NULL, source, err);
}

/* --- external_account ----------------------------------------------------- */

static struct secret *
subject_of_url (struct gcp_finder *f, const json_t *source, struct err **err)
{
  CLEANUP_HTTP_REQUEST struct http_request req = {0};
  CLEANUP_FETCHED struct fetched got = {0};
  struct fetch_options options = {.policy = &retry_policy_metadata};
  const char *name;
  json_t *value;

  req.method = xstrdup ("GET");
  req.url = xstrdup (json_str (source, "url", ""));
  req.repeatable = true;
  req.deadline_ms = 10000;
  json_object_foreach (json_object_get (source, "headers"), name, value)
  {
    if (json_is_string (value))
      http_header_add (&req.headers, name, json_string_value (value));
  }
  if (gcp_fetch (f, &req, NULL, &options, &got, err) == -1)
    return NULL;
  if (got.reply.status != 200) {
    err_set (err, ERR_AUTH, "its credential_source answers HTTP %d",
             got.reply.status);
    return NULL;
  }
  return secret_new (got.reply.body, got.reply.body_len);
}

/* The text itself, or a member of JSON. */
static struct secret *
token_in (struct secret *text_taken, const json_t *format, struct err **err)
{
  CLEANUP_SECRET struct secret *text = text_taken;
  CLEANUP_JSON json_t *json = NULL;
  const char *field = json_str (format, "subject_token_field_name", "");
  size_t len;

  if (strcmp (json_str (format, "type", "text"), "json") != 0) {
    for (len = text->len; len && strchr (" \r\n\t", text->data[len - 1]);)
      len--;
    return secret_new (text->data, len);
  }
  json = json_parse_secret (text->data, text->len, "subject token", err);
  if (json == NULL)
    return NULL;
  if (*json_str (json, field, "") == '\0') {
    err_set (err, ERR_AUTH, "there is no \"%s\" in its subject token", field);
    return NULL;
  }
  return secret_new (json_str (json, field, ""),
                     strlen (json_str (json, field, "")));
}

static struct secret *
subject_token (struct gcp_finder *f, const json_t *json, struct err **err)
{
  const json_t *source = json_object_get (json, "credential_source");
  const char *file = json_str (source, "file", NULL);
  struct secret *text = NULL;

  if (json_object_get (source, "executable"))
    return gcp_subject_of_program (f, json, err);
  if (file)
    text = secret_read_file (file, MAX_FILE, err);
  else if (json_str (source, "url", NULL) &&
           !json_str (source, "environment_id", NULL))
    text = subject_of_url (f, source, err);
  else
    err_set (err, ERR_AUTH,
             "its credential_source is neither a file, a url nor a program: "
             "AWS is not supported");
  return text ? token_in (text, json_object_get (source, "format"), err) : NULL;
}

static struct credentials *
external_account (struct gcp_finder *f, const json_t *json, const char *path,
                  struct err **err)
{
  const char *url = json_str (json, "token_url",
                              "https://sts.googleapis.com/"
                              "v1/token");
  const char *as = json_str (json, "service_account_impersonation_url", "");
  const char *audience = need (json, "audience", path, err);
  CLEANUP_FREE char *source = xasprintf ("workload identity of %s", path);
  CLEANUP_SECRET struct secret *subject = NULL;
  struct credentials *made;
  struct strbuf form = STRBUF_SECRET;

  if (audience == NULL)
    return NULL;
  subject = subject_token (f, json, err);
  if (subject == NULL) {
    err_wrap (err, "%s", path);
    return NULL;
  }
  http_form_add (&form, "grant_type", GRANT "token-exchange");
  http_form_add (&form, "audience", audience);
  http_form_add (&form, "scope", GCP_SCOPE);
  http_form_add (&form, "requested_token_type",
                 "urn:ietf:params:oauth:token-type:access_token");
  http_form_add (&form, "subject_token_type",
                 json_str (json, "subject_token_type",
                           "urn:ietf:params:oauth:token-type:jwt"));
  http_form_add (&form, "subject_token", subject->data);
  made = gcp_ask_token (f, url, FORM, strbuf_take (&form), NULL, source, err);
  return made && *as ? gcp_impersonate (f, as, made, err) : made;
}

/* --- all of them ---------------------------------------------------------- */

static struct credentials *impersonated (struct gcp_finder *f,
                                         const json_t *json, const char *path,
                                         struct err **err);

static const struct {
  const char *type;
  struct credentials *(*make) (struct gcp_finder *f, const json_t *json,
                               const char *path, struct err **err);
} types[] = {
    {"service_account", service_account},
    {"authorized_user", authorized_user},
    {"external_account", external_account},
    {"impersonated_service_account", impersonated},
};

static struct credentials *
of_json (struct gcp_finder *f, const json_t *json, const char *path,
         struct err **err)
{
  const char *type = json_str (json, "type", "");
  CLEANUP_FREE char *shown = text_printable (type);

  for (size_t i = 0; i < ARRAY_SIZE (types); i++)
    if (strcmp (types[i].type, type) == 0)
      return types[i].make (f, json, path, err);
  err_set (err, ERR_AUTH,
           "%s: credentials of type \"%.60s\" are not supported: there are "
           "service_account, authorized_user, external_account, "
           "impersonated_service_account",
           path, shown);
  return NULL;
}

/* The source may be anything but another of these. */
static struct credentials *
impersonated (struct gcp_finder *f, const json_t *json, const char *path,
              struct err **err)
{
  const char *url = need (json, "service_account_impersonation_url", path, err);
  const json_t *from = json_object_get (json, "source_credentials");
  struct credentials *made;

  if (url == NULL)
    return NULL;
  if (strcmp (json_str (from, "type", ""), "impersonated_service_account") ==
      0) {
    err_set (err, ERR_AUTH, "%s: impersonation of an impersonation", path);
    return NULL;
  }
  made = of_json (f, from, path, err);
  return made ? gcp_impersonate (f, url, made, err) : NULL;
}

int
gcp_source_file (struct gcp_finder *f, struct credentials **ret,
                 struct err **err)
{
  CLEANUP_FREE char *path = path_of (f);
  CLEANUP_JSON json_t *json = NULL;

  if (path == NULL)
    return 0;
  json = read_file (path, err);
  if (json == NULL)
    return -1;
  *ret = of_json (f, json, path, err);
  return *ret ? 0 : -1;
}

char *
gcp_file_project (struct gcp_finder *f)
{
  CLEANUP_FREE char *path = path_of (f);
  CLEANUP_JSON json_t *json = path ? read_file (path, NULL) : NULL;
  const char *project = json_str (json, "project_id", NULL);

  return project ? xstrdup (project) : NULL;
}
