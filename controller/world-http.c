#include "world-http.h"

#include <string.h>

#include <base/log.h>
#include <net/curl-transport.h>
#include <providers/credentials.h>

#include "credentials-cache.h"
#include "http-calls.h"

/* Tasks of the pool that look for credentials; the engine's ids are small. */
#define FETCH_IDS (UINT64_C (1) << 62)

struct fetch {
  uint64_t id;
  const struct binding *binding;
  const char *audience; /* the cache's */
  struct credentials *credentials;
};
DEFINE_VEC (struct fetch *, fetch_vec);
DEFINE_VEC (struct completion, completion_vec);

struct world_http {
  struct pool *pool;
  struct transport *transport;
  struct limiter *limiter;
  struct credentials_cache *cache;
  struct http_calls *calls;
  struct fetch_vec fetches;
  struct str_vec trusted; /* files of certificates, of accounts */
  uint64_t next_id;
  struct completion_vec untrusted; /* effects whose file can't be read */
};

static int64_t
wall_ms (void)
{
  return clock_wall_ms (&real_clock);
}

static enum auth_state
authenticate (void *opaque, struct binding *binding, const char *audience,
              struct http_auth *auth, struct err **err)
{
  struct world_http *http = opaque;

  return credentials_cache_get (http->cache, binding, audience, wall_ms (),
                                auth, err);
}

static void
refused (void *opaque, struct binding *binding, const char *audience,
         int64_t sent_wall_ms, const struct err *err)
{
  struct world_http *http = opaque;

  credentials_cache_refused (http->cache, binding, audience, sent_wall_ms,
                             wall_ms (), err);
}

struct world_http *
world_http_new (struct pool *pool, const json_t *config, struct err **err)
{
  struct transport_options options = {.clock = &real_clock};
  const char *limits = json_str (config, "limits_file", NULL);
  struct world_http *http = xcalloc (1, sizeof *http);
  struct http_calls_options calls = {.clock = &real_clock,
                                     .authenticate = authenticate,
                                     .refused = refused,
                                     .opaque = http};

  http->pool = pool;
  http->next_id = FETCH_IDS;
  http->limiter = limiter_new ();
  http->cache = credentials_cache_new ();
  options.ca_file = json_str (config, "ca_file", NULL);
  if (options.ca_file)
    str_vec_push (&http->trusted, xstrdup (options.ca_file));
  http->transport = curl_transport_new (&options, err);
  if (http->transport == NULL ||
      (limits && limiter_override_file (http->limiter, limits, err) == -1)) {
    world_http_free (http, true);
    return NULL;
  }
  calls.transport = http->transport;
  calls.limiter = http->limiter;
  calls.seed = (uint64_t)wall_ms ();
  http->calls = http_calls_new (&calls);
  return http;
}

void
world_http_free (struct world_http *http, bool quiet)
{
  if (http == NULL || !quiet)
    return;
  http_calls_free (http->calls);
  transport_free (http->transport);
  limiter_free (http->limiter);
  for (size_t i = 0; i < http->fetches.len; i++) {
    credentials_free (http->fetches.ptr[i]->credentials);
    free (http->fetches.ptr[i]);
  }
  fetch_vec_release (&http->fetches);
  str_vec_free_all (&http->trusted);
  for (size_t i = 0; i < http->untrusted.len; i++)
    completion_release (&http->untrusted.ptr[i]);
  completion_vec_release (&http->untrusted);
  credentials_cache_free (http->cache);
  free (http);
}

/* --- credentials ---------------------------------------------------------- */

static void
run_fetch (struct pool_task *task, json_t **out, struct err **err)
{
  struct fetch *fetch = task->opaque;

  (void)out;
  fetch->credentials =
      fetch->binding->provider->authenticate (fetch->binding, fetch->audience,
                                              err);
}

static void
fetch_wanted (struct world_http *http)
{
  const struct binding *binding;
  const char *audience;
  char *text;

  while (
      credentials_cache_wants (http->cache, wall_ms (), &binding, &audience)) {
    struct fetch *fetch = xcalloc (1, sizeof *fetch);
    struct pool_task task = {.run = run_fetch, .opaque = fetch};

    fetch->id = task.id = http->next_id++;
    fetch->binding = binding;
    fetch->audience = audience;
    fetch_vec_push (&http->fetches, fetch);
    pool_submit (http->pool, task);
  }
  while ((text = credentials_cache_warning (http->cache))) {
    log_warn ("%s", text);
    free (text);
  }
}

bool
world_http_takes (struct world_http *http, struct completion *completion)
{
  struct fetch *fetch;

  if (http == NULL || completion->id < FETCH_IDS)
    return false;
  for (size_t i = 0; i < http->fetches.len; i++) {
    if (http->fetches.ptr[i]->id != completion->id)
      continue;
    fetch = fetch_vec_remove (&http->fetches, i);
    if (fetch->credentials)
      credentials_cache_put (http->cache, fetch->binding, fetch->audience,
                             wall_ms (), TAKE (fetch->credentials));
    else
      credentials_cache_failed (http->cache, fetch->binding, fetch->audience,
                                wall_ms (), TAKE (completion->err));
    free (fetch);
    break;
  }
  completion_release (completion);
  return true;
}

void
world_http_forget (struct world_http *http, const struct binding *binding)
{
  credentials_cache_forget (http->cache, binding);
}

/* --- calls ---------------------------------------------------------------- */

/* An account's configuration may name certificates of its own (a company's
 * TLS-inspecting proxy): all accounts share one transport, which trusts the
 * files of all. */
static int
trust (struct world_http *http, const struct binding *binding, struct err **err)
{
  const char *file = json_str (binding->config, "ca-file", NULL);

  if (file == NULL)
    return 0;
  for (size_t i = 0; i < http->trusted.len; i++)
    if (strcmp (http->trusted.ptr[i], file) == 0)
      return 0;
  if (curl_transport_trust (http->transport, binding->provider->name, file,
                            err) == -1)
    return -1;
  str_vec_push (&http->trusted, xstrdup (file));
  return 0;
}

void
world_http_submit (struct world_http *http, struct effect effect)
{
  struct completion completion = {.id = effect.id, .last = true};

  if (trust (http, effect.binding, &completion.err) == 0) {
    http_calls_submit (http->calls, effect);
    return;
  }
  completion_vec_push (&http->untrusted, completion);
  effect_release (&effect);
}

bool
world_http_collect (struct world_http *http, struct completion *completion)
{
  if (http->untrusted.len) {
    *completion = completion_vec_remove (&http->untrusted, 0);
    return true;
  }
  if (http_calls_collect (http->calls, completion))
    return true;
  http_calls_step (http->calls);
  fetch_wanted (http);
  return http_calls_collect (http->calls, completion);
}

void
world_http_wait (struct world_http *http, struct pollfd *fds, unsigned n,
                 int64_t ms)
{
  int64_t now = clock_now_ms (&real_clock);
  int64_t next = http_calls_next_ms (http->calls);
  int64_t renew = credentials_cache_next_ms (http->cache, wall_ms ());
  CLEANUP_ERR struct err *err = NULL;

  if (http->untrusted.len)
    ms = 0;
  if (next >= 0 && next - now < ms)
    ms = next - now;
  if (renew >= 0 && renew < ms)
    ms = renew;
  if (transport_wait (http->transport, fds, n, ms < 0 ? 0 : ms, &err) == -1)
    log_debug ("waiting: %s", err->msg);
}

bool
world_http_waits (const struct world_http *http, uint64_t id)
{
  return http_calls_waits (http->calls, id);
}

json_t *
world_http_report (const struct world_http *http)
{
  return http_calls_report (http->calls);
}
