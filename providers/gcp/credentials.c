#include "credentials.h"

#include <stdlib.h>
#include <string.h>

#include "finder.h"

#define IMPERSONATE                                                            \
  "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/"       \
  "%s:generateAccessToken"

/* A ready-made token, as gcloud takes it: how long it lives is not known. */
static int
source_token (struct gcp_finder *f, struct credentials **ret, struct err **err)
{
  const char *token = gcp_variable (f, "CLOUDSDK_AUTH_ACCESS_TOKEN");
  CLEANUP_FREE char *source = xstrdup ("CLOUDSDK_AUTH_ACCESS_TOKEN");

  (void)err;
  if (token == NULL)
    return 0;
  *ret = xcalloc (1, sizeof **ret);
  (*ret)->bearer = secret_new (token, strlen (token));
  (*ret)->source = TAKE (source);
  (*ret)->expires_wall_ms = clock_wall_ms (f->around->clock) + 600000;
  return 0;
}

static struct credentials *
search (struct gcp_finder *f, struct err **err)
{
  struct credentials *made = NULL;

  if (source_token (f, &made, err) == -1 ||
      (made == NULL && gcp_source_file (f, &made, err) == -1) ||
      (made == NULL && gcp_source_metadata (f, &made, err) == -1))
    return NULL;
  if (made == NULL)
    err_set (err, ERR_AUTH,
             "no credentials found.  Looked at: %s.  Run `gcloud auth "
             "application-default login`, set GOOGLE_APPLICATION_CREDENTIALS "
             "to a file, or give this machine a service account",
             f->tried.buf);
  return made;
}

/* What a repetition may mend keeps its code; all else is a matter of the
 * account, not of one VM. */
static void
settle_code (struct err *err)
{
  if (err == NULL)
    return;
  if (err->code == ERR_UNKNOWN_EFFECT)
    err->code = ERR_TRANSIENT;
  if (err->code != ERR_TRANSIENT && err->code != ERR_THROTTLED &&
      err->code != ERR_TIMEOUT)
    err->code = ERR_AUTH;
}

struct credentials *
gcp_authenticate_in (const struct gcp_surroundings *around,
                     const struct binding *b, struct err **err)
{
  CLEANUP_GCP_FINDER struct gcp_finder f;
  CLEANUP_ERR struct err *why = NULL;
  const char *as = json_str (b->config, "impersonate", "");
  struct credentials *made;

  gcp_finder_init (&f, around, b);
  made = search (&f, &why);
  if (made && *as) {
    CLEANUP_FREE char *url = xasprintf (IMPERSONATE, as);

    made = gcp_impersonate (&f, url, made, &why);
  }
  secret_scrub_stack ();
  if (made == NULL) {
    settle_code (why);
    err_move (err, TAKE (why));
  }
  return made;
}

char *
gcp_project_in (const struct gcp_surroundings *around, const struct binding *b,
                struct err **err)
{
  static const char *const variables[] = {"GOOGLE_CLOUD_PROJECT",
                                          "GCLOUD_PROJECT",
                                          "CLOUDSDK_CORE_PROJECT"};
  const char *named = json_str (b->config, "project", NULL);
  CLEANUP_GCP_FINDER struct gcp_finder f;
  char *project;

  gcp_finder_init (&f, around, b);
  if (named && *named)
    return xstrdup (named);
  for (size_t i = 0; i < ARRAY_SIZE (variables); i++)
    if (gcp_variable (&f, variables[i]))
      return xstrdup (gcp_variable (&f, variables[i]));
  project = gcp_file_project (&f);
  if (project == NULL)
    project = gcp_metadata_project (&f);
  if (project == NULL)
    err_set (err, ERR_USAGE,
             "no project: give --gcp-project, name it in the selection "
             "(gcp:project=P,...) or set GOOGLE_CLOUD_PROJECT");
  return project;
}

static const char *
real_variable (void *opaque, const char *name)
{
  (void)opaque;
  return getenv (name);
}

static const struct gcp_surroundings real_surroundings = {.variable =
                                                              real_variable,
                                                          .clock = &real_clock};

struct credentials *
gcp_authenticate (const struct binding *b, const char *audience,
                  struct err **err)
{
  (void)audience;
  return gcp_authenticate_in (&real_surroundings, b, err);
}

char *
gcp_project (const struct binding *b, struct err **err)
{
  return gcp_project_in (&real_surroundings, b, err);
}
