/* The order of the sources, and what is said when none has a token. */

#include "credentials.h"

#include <stdlib.h>
#include <string.h>

#include <base/log.h>

#include "finder.h"

static const struct source {
  const char *name; /* for --azure-credential */
  int (*find) (struct azure_finder *f, struct credentials **ret,
               struct err **err);
} sources[] = {
    {"secret", azure_source_principal},
    {"certificate", azure_source_certificate},
    {"federated", azure_source_federated},
    {"managed-identity", azure_source_app_service},
    {"managed-identity", azure_source_imds},
    {"cli", azure_source_cli},
};

static int
search (struct azure_finder *f, struct credentials **ret, struct err **err)
{
  const char *only = json_str (f->binding->config, "credential", "");
  bool known = *only == '\0';

  for (size_t i = 0; i < ARRAY_SIZE (sources) && *ret == NULL; i++) {
    if (*only && strcmp (only, sources[i].name) != 0)
      continue;
    known = true;
    if (sources[i].find (f, ret, err) == -1)
      return -1;
  }
  if (!known)
    return err_set (err, ERR_USAGE,
                    "--azure-credential: \"%s\" is none of secret, "
                    "certificate, federated, managed-identity, cli",
                    only);
  if (*ret)
    return 0;
  return err_set (err, ERR_AUTH,
                  "no credentials for %s; tried: %s; log in with az login, or "
                  "set AZURE_TENANT_ID, AZURE_CLIENT_ID and "
                  "AZURE_CLIENT_SECRET, or give this machine a managed "
                  "identity",
                  f->resource, f->tried.buf);
}

/* What a repetition doesn't mend stops the account. */
static void
settle_code (struct err **err)
{
  if (err && *err && (*err)->code != ERR_TRANSIENT &&
      (*err)->code != ERR_THROTTLED && (*err)->code != ERR_TIMEOUT)
    (*err)->code = ERR_AUTH;
}

struct credentials *
azure_authenticate_in (const struct azure_surroundings *around,
                       const struct binding *b, const char *audience,
                       struct err **err)
{
  CLEANUP_AZURE_FINDER struct azure_finder f;
  struct credentials *found = NULL;

  azure_finder_init (&f, around, b, audience);
  if (search (&f, &found, err) == -1)
    settle_code (err);
  else
    log_debug ("azure: credentials: found: %s", found->source);
  secret_scrub_stack ();
  return found;
}

static const char *
environment (void *opaque, const char *name)
{
  (void)opaque;
  return getenv (name);
}

struct credentials *
azure_authenticate (const struct binding *b, const char *audience,
                    struct err **err)
{
  struct azure_surroundings around = {.variable = environment,
                                      .clock = &real_clock};

  return azure_authenticate_in (&around, b, audience, err);
}
