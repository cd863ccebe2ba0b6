/* What all sources need: variables, the profile in use, the network, and a list
 * of what was looked at. */

#include "finder.h"

#include <errno.h>
#include <string.h>

#include <base/text.h>
#include <net/curl-transport.h>
#include <net/skew.h>
#include <net/url-rules.h>

#include "endpoint.h"

const char *
finder_variable (const struct finder *f, const char *name)
{
  return aws_variable (f->around, name);
}

void
finder_tried (struct finder *f, const char *source, const char *fmt, ...)
{
  va_list args;

  va_start (args, fmt);
  credentials_tried (&f->tried, "aws", source, fmt, args);
  va_end (args);
}

/* AWS_PROFILE is everybody's name for it, AWS_DEFAULT_PROFILE botocore's older
 * one; which of them counts has changed between its versions (1.x: the older
 * one, AWS CLI 2: the other).  The wrong account is no place for a guess. */
static int
profile_of_environment (const struct finder *f, const char **profile,
                        const char **by, struct err **err)
{
  const char *old = finder_variable (f, "AWS_DEFAULT_PROFILE");

  *profile = finder_variable (f, "AWS_PROFILE");
  *by = "AWS_PROFILE";
  if (*profile && old && strcmp (*profile, old) != 0) {
    CLEANUP_FREE char *shown = text_printable (*profile);
    CLEANUP_FREE char *shown_old = text_printable (old);

    return err_set (err, ERR_USAGE,
                    "AWS_PROFILE is \"%s\", but AWS_DEFAULT_PROFILE is \"%s\", "
                    "and AWS's tools do not agree which of them counts: unset "
                    "one",
                    shown, shown_old);
  }
  if (*profile == NULL && old) {
    *profile = old;
    *by = "AWS_DEFAULT_PROFILE";
  }
  return 0;
}

static int
choose_profile (struct finder *f, struct err **err)
{
  const char *named = json_str (f->binding->config, "profile", NULL);
  const char *by = "--aws-profile";

  f->profile_named = named && *named;
  if (!f->profile_named && profile_of_environment (f, &named, &by, err) == -1)
    return -1;
  f->profile_chosen = named != NULL;
  f->profile = xstrdup (f->profile_chosen ? named : "default");
  if (f->profile_chosen && !aws_profile_exists (&f->profiles, f->profile)) {
    CLEANUP_FREE char *shown = text_printable (f->profile);
    CLEANUP_FREE char *names = aws_profile_names (&f->profiles);

    return err_set (err, ERR_USAGE,
                    "profile \"%s\" (%s) is neither in %s nor in %s: there %s "
                    "%s",
                    shown, by, f->profiles.config_path,
                    f->profiles.credentials_path, *names ? "are" : "is",
                    *names ? names : "none at all");
  }
  return 0;
}

int
finder_init (struct finder *f, const struct aws_surroundings *around,
             const struct binding *b, struct err **err)
{
  memset (f, 0, sizeof *f);
  f->around = around;
  f->binding = b;
  f->transport = around->transport;
  strbuf_addstr (&f->tried, "");
  random_init (&f->random, random_fresh_seed ());
  if (aws_profiles_load (&f->profiles, around, err) == -1)
    return -1;
  if (f->profiles.warning)
    str_vec_push (&f->warnings, xstrdup (f->profiles.warning));
  return choose_profile (f, err);
}

void
finder_release (struct finder *f)
{
  aws_profiles_release (&f->profiles);
  free (f->profile);
  transport_free (f->own_transport);
  strbuf_release (&f->tried);
  str_vec_free_all (&f->warnings);
  str_vec_free_all (&f->visited);
  secret_free (f->imds_token);
}

int
finder_number (const struct finder *f, const char *variable, const char *key,
               int64_t max, int64_t otherwise, int64_t *ret, struct err **err)
{
  const char *text = finder_variable (f, variable), *by = variable;
  char *end;

  if (text == NULL) {
    text = aws_profile_get (&f->profiles, f->profile, key);
    by = key;
  }
  *ret = otherwise;
  if (text == NULL)
    return 0;
  errno = 0;
  *ret = strtoll (text, &end, 10);
  if (errno || end == text || *end || *ret < 1 || *ret > max) {
    CLEANUP_FREE char *shown = text_printable (text);

    return err_set (err, ERR_USAGE, "%s: \"%s\" is no number from 1 to %lld",
                    by, shown, (long long)max);
  }
  return 0;
}

static char *
find_ca_file (const struct aws_surroundings *around, const struct binding *b,
              const struct aws_profiles *profiles, const char *profile)
{
  const char *file = json_str (b->config, "ca-file", NULL);

  if (file == NULL)
    file = aws_variable (around, "AWS_CA_BUNDLE");
  if (file == NULL)
    file = aws_profile_get (profiles, profile, "ca_bundle");
  return file && *file ? aws_expand_home (around, file) : NULL;
}

static int
need_transport (struct finder *f, struct err **err)
{
  CLEANUP_FREE char *ca_file = NULL;
  struct transport_options options = {.clock = f->around->clock,
                                      .max_in_flight = 1,
                                      .max_reply_bytes = 1 << 20};

  if (f->transport)
    return 0;
  ca_file = find_ca_file (f->around, f->binding, &f->profiles, f->profile);
  options.ca_file = ca_file;
  f->transport = f->own_transport = curl_transport_new (&options, err);
  return f->transport ? 0 : -1;
}

static void
note_skew (struct finder *f, const char *url, const struct fetched *got)
{
  CLEANUP_URL_FACTS struct url_facts facts = {0};
  CLEANUP_FREE char *text = NULL;

  if (!got->skew_known || url_check (url, &facts, NULL) == -1)
    return;
  text = skew_text (got->skew_ms, facts.host);
  if (text && f->skew_ms == 0)
    str_vec_push (&f->warnings, xstrdup (text));
  f->skew_ms = text ? got->skew_ms : 0;
}

int
finder_fetch (struct finder *f, const struct http_request *req,
              const struct credentials *signer,
              const struct fetch_options *options, struct fetched *got,
              struct err **err)
{
  struct http_auth auth = {0};
  struct fetch_options own = *options;

  own.clock = f->around->clock;
  own.random = &f->random;
  if (signer)
    auth = credentials_auth (signer);
  if (need_transport (f, err) == -1 ||
      fetch (f->transport, req, signer ? &auth : NULL, &own, got, err) == -1)
    return -1;
  note_skew (f, req->url, got);
  return 0;
}

/* ---- region ---- */

int
finder_region (const struct finder *f, char **ret, struct err **err)
{
  const struct {
    const char *value, *by;
  } places[] = {
      {f->binding->region, "region"},
      {json_str (f->binding->config, "region", NULL), "region"},
      {finder_variable (f, "AWS_REGION"), "AWS_REGION"},
      {finder_variable (f, "AWS_DEFAULT_REGION"), "AWS_DEFAULT_REGION"},
      {aws_profile_get (&f->profiles, f->profile, "region"),
       "region of the profile"},
  };

  *ret = NULL;
  for (size_t i = 0; i < ARRAY_SIZE (places); i++) {
    CLEANUP_FREE char *shown = NULL;

    if (places[i].value == NULL || *places[i].value == '\0')
      continue;
    if (aws_region_is_sane (places[i].value)) {
      *ret = xstrdup (places[i].value);
      return 0;
    }
    shown = text_printable (places[i].value);
    return err_set (err, ERR_USAGE, "%s: \"%s\" can't be an AWS region",
                    places[i].by, shown);
  }
  return 0;
}

static const char *
real_variable (void *opaque, const char *name)
{
  (void)opaque;
  return getenv (name);
}

static const struct aws_surroundings real_surroundings = {.variable =
                                                              real_variable,
                                                          .clock = &real_clock};

struct credentials *
aws_authenticate (const struct binding *b, const char *audience,
                  struct err **err)
{
  (void)audience;
  return aws_authenticate_in (&real_surroundings, b, err);
}

char *
aws_region (const struct binding *b, struct err **err)
{
  return aws_region_in (&real_surroundings, b, err);
}

char *
aws_ca_file (const struct binding *b)
{
  CLEANUP_FINDER struct finder f;

  if (finder_init (&f, &real_surroundings, b, NULL) == -1)
    return NULL;
  return find_ca_file (&real_surroundings, b, &f.profiles, f.profile);
}
