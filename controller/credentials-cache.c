#include "credentials-cache.h"

#include <string.h>

#include <base/log.h>
#include <base/vec.h>

/* How long before their end credentials are renewed.  AWS: botocore's 15 and 10
 * minutes.  Azure and Google: their libraries take a token for ended 300 s
 * before its end [msal-common; google-auth]; calls wait in the second half of
 * that.  Tokens that live shortly have shorter windows, see windows. */
static const struct window {
  const char *provider; /* NULL: all others */
  int64_t early_ms;     /* from here on: try, go on with the old ones */
  int64_t must_ms;      /* ... calls wait for an attempt under way */
} table[] = {
    {"aws", 900000, 600000},
    {"azure", 300000, 150000},
    {"gcp", 300000, 150000},
    {NULL, 300000, 150000},
};

#define BASE_BACKOFF_MS   30000 /* between attempts; shorter for short lives */
#define MAX_BACKOFF_MS    300000
#define MARGIN_MS         10000  /* a call takes a while to arrive */
#define PATIENCE_MS       900000 /* for a service that does not answer ... */
#define FIRST_PATIENCE_MS 120000 /* ... while a person waits for the start */
#define REFUSED_AGAIN_MS  600000

struct entry {
  const struct binding *binding;
  char *audience; /* NULL: the provider's own API */

  struct credentials *held;
  int64_t got_ms;
  bool refused;               /* by a service: not to be used */
  int64_t renewed_refused_ms; /* fetched because of that; 0: never */

  bool under_way;
  struct err *failure; /* of the last attempt; NULL: it succeeded */
  unsigned failures;   /* in a row */
  int64_t retry_ms;
  int64_t lacking_ms; /* without usable ones and failing since; 0: not so */
  bool given_up;
  bool forgotten; /* nobody asks for its binding any more */

  unsigned fetched, failed; /* statistics */
};

DEFINE_VEC (struct entry *, entries);

struct credentials_cache {
  struct entries entries;
  struct str_vec warnings, said;
};

struct credentials_cache *
credentials_cache_new (void)
{
  return xcalloc (1, sizeof (struct credentials_cache));
}

void
credentials_cache_free (struct credentials_cache *cache)
{
  if (cache == NULL)
    return;
  for (size_t i = 0; i < cache->entries.len; i++) {
    struct entry *e = cache->entries.ptr[i];

    credentials_free (e->held);
    err_free (e->failure);
    free (e->audience);
    free (e);
  }
  entries_release (&cache->entries);
  str_vec_free_all (&cache->warnings);
  str_vec_free_all (&cache->said);
  free (cache);
}

static bool
same_audience (const char *a, const char *b)
{
  return a && b ? strcmp (a, b) == 0 : a == b;
}

static struct entry *
entry_of (struct credentials_cache *cache, const struct binding *binding,
          const char *audience)
{
  struct entry *e;

  for (size_t i = 0; i < cache->entries.len; i++) {
    e = cache->entries.ptr[i];
    if (e->binding == binding && same_audience (e->audience, audience))
      return e;
  }
  e = xcalloc (1, sizeof *e);
  e->binding = binding;
  e->audience = audience ? xstrdup (audience) : NULL;
  entries_push (&cache->entries, e);
  return e;
}

/* ---- times ---- */

static int64_t
least (int64_t a, int64_t b)
{
  return a < b ? a : b;
}

/* How long they were to live when they came. */
static int64_t
life_ms (const struct entry *e)
{
  return e->held->expires_wall_ms == INT64_MAX
             ? INT64_MAX
             : e->held->expires_wall_ms - e->got_ms;
}

static const struct window *
window_of (const struct entry *e)
{
  size_t i = 0;

  while (table[i].provider &&
         strcmp (table[i].provider, e->binding->provider->name) != 0)
    i++;
  return &table[i];
}

/* Since when to renew, since when to wait, until when they can be used: parts
 * of their life if that is short, so that a token of a minute is not renewed
 * without end. */
static int64_t
early_from (const struct entry *e)
{
  int64_t life = life_ms (e);

  if (life == INT64_MAX)
    return INT64_MAX;
  return e->held->expires_wall_ms - least (window_of (e)->early_ms, life / 4);
}

static int64_t
must_from (const struct entry *e)
{
  int64_t life = life_ms (e);

  if (life == INT64_MAX)
    return INT64_MAX;
  return e->held->expires_wall_ms - least (window_of (e)->must_ms, life / 6);
}

static int64_t
usable_until (const struct entry *e)
{
  int64_t life = life_ms (e);

  if (life == INT64_MAX)
    return INT64_MAX;
  return e->held->expires_wall_ms - least (MARGIN_MS, life / 20);
}

static bool
is_usable (const struct entry *e, int64_t now)
{
  return e->held && !e->refused && now < usable_until (e);
}

/* When the next attempt is due; INT64_MAX: none is. */
static int64_t
due_at (const struct entry *e, int64_t now)
{
  int64_t need;

  if (e->under_way || e->given_up || e->forgotten)
    return INT64_MAX;
  need = is_usable (e, now) ? early_from (e) : now;
  if (e->failure == NULL || need == INT64_MAX)
    return need;
  /* A clock that was set back must not stretch a wait. */
  if (e->retry_ms - now > MAX_BACKOFF_MS)
    return now;
  return need > e->retry_ms ? need : e->retry_ms;
}

/* ---- questions ---- */

enum auth_state
credentials_cache_get (struct credentials_cache *cache,
                       const struct binding *binding, const char *audience,
                       int64_t wall_ms, struct http_auth *auth,
                       struct err **err)
{
  struct entry *e = entry_of (cache, binding, audience);

  if (is_usable (e, wall_ms)) {
    if (wall_ms >= must_from (e) &&
        (e->under_way || due_at (e, wall_ms) <= wall_ms))
      return AUTH_WAIT;
    *auth = credentials_auth (e->held);
    return AUTH_HAVE;
  }
  if (!e->given_up)
    return AUTH_WAIT;
  err_move (err, err_copy (e->failure));
  return AUTH_FAILED;
}

bool
credentials_cache_wants (struct credentials_cache *cache, int64_t wall_ms,
                         const struct binding **binding, const char **audience)
{
  for (size_t i = 0; i < cache->entries.len; i++) {
    struct entry *e = cache->entries.ptr[i];

    if (due_at (e, wall_ms) > wall_ms)
      continue;
    e->under_way = true;
    *binding = e->binding;
    *audience = e->audience;
    return true;
  }
  return false;
}

int64_t
credentials_cache_next_ms (const struct credentials_cache *cache,
                           int64_t wall_ms)
{
  int64_t next = INT64_MAX;

  for (size_t i = 0; i < cache->entries.len; i++)
    next = least (next, due_at (cache->entries.ptr[i], wall_ms));
  if (next == INT64_MAX)
    return -1;
  return next > wall_ms ? next - wall_ms : 0;
}

void
credentials_cache_forget (struct credentials_cache *cache,
                          const struct binding *binding)
{
  for (size_t i = 0; i < cache->entries.len; i++)
    if (cache->entries.ptr[i]->binding == binding)
      cache->entries.ptr[i]->forgotten = true;
}

/* ---- answers ---- */

static void
take_warnings (struct credentials_cache *cache, struct credentials *from)
{
  for (size_t i = 0; from->warnings && from->warnings[i]; i++) {
    bool said = false;

    for (size_t j = 0; j < cache->said.len; j++)
      said = said || strcmp (cache->said.ptr[j], from->warnings[i]) == 0;
    if (said)
      continue;
    str_vec_push (&cache->said, xstrdup (from->warnings[i]));
    str_vec_push (&cache->warnings, xstrdup (from->warnings[i]));
  }
}

char *
credentials_cache_warning (struct credentials_cache *cache)
{
  return cache->warnings.len ? str_vec_remove (&cache->warnings, 0) : NULL;
}

static bool
may_mend (enum err_code code)
{
  return code == ERR_TRANSIENT || code == ERR_THROTTLED ||
         code == ERR_TIMEOUT || code == ERR_UNKNOWN_EFFECT;
}

/* Doubling from a base that suits their life, and never so long that there is
 * no further attempt before they end. */
static int64_t
backoff_ms (const struct entry *e, int64_t now)
{
  int64_t ms = BASE_BACKOFF_MS, half;

  if (e->held == NULL || !is_usable (e, now))
    ms = 1000;
  else if (life_ms (e) / 40 < ms)
    ms = life_ms (e) / 40 > 1000 ? life_ms (e) / 40 : 1000;
  for (unsigned i = 1; i < e->failures && ms < MAX_BACKOFF_MS; i++)
    ms *= 2;
  ms = least (ms, MAX_BACKOFF_MS);
  if (!is_usable (e, now))
    return least (ms, BASE_BACKOFF_MS);
  half = (usable_until (e) - now) / 2;
  return half < 1000 ? 1000 : least (ms, half);
}

void
credentials_cache_failed (struct credentials_cache *cache,
                          const struct binding *binding, const char *audience,
                          int64_t wall_ms, struct err *err)
{
  struct entry *e = entry_of (cache, binding, audience);
  int64_t patience = e->held ? PATIENCE_MS : FIRST_PATIENCE_MS;

  e->under_way = false;
  err_free (e->failure);
  e->failure = err;
  e->failures++;
  e->failed++;
  e->retry_ms = wall_ms + backoff_ms (e, wall_ms);
  if (is_usable (e, wall_ms)) {
    log_debug ("%s: credentials: not renewed, going on with the old ones: %s",
               binding->provider->name, err->msg);
    return;
  }
  if (e->lacking_ms == 0 || e->lacking_ms > wall_ms)
    e->lacking_ms = wall_ms;
  e->given_up = !may_mend (err->code) || wall_ms - e->lacking_ms >= patience;
}

void
credentials_cache_put (struct credentials_cache *cache,
                       const struct binding *binding, const char *audience,
                       int64_t wall_ms, struct credentials *credentials)
{
  struct entry *e = entry_of (cache, binding, audience);
  struct err *err = NULL;

  take_warnings (cache, credentials);
  if (credentials->expires_wall_ms <= wall_ms) {
    err_set (
        &err, ERR_AUTH,
        "%s: credentials of %s had ended when they came: is this machine's "
        "clock right (timedatectl status)?",
        binding->provider->name, credentials->source);
    credentials_free (credentials);
    credentials_cache_failed (cache, binding, audience, wall_ms, err);
    return;
  }
  credentials_free (e->held);
  e->held = credentials;
  e->got_ms = wall_ms;
  if (e->refused)
    e->renewed_refused_ms = wall_ms;
  e->refused = e->under_way = e->given_up = false;
  err_free (TAKE (e->failure));
  e->failures = 0;
  e->lacking_ms = 0;
  e->fetched++;
}

void
credentials_cache_refused (struct credentials_cache *cache,
                           const struct binding *binding, const char *audience,
                           int64_t sent_wall_ms, int64_t wall_ms,
                           const struct err *err)
{
  struct entry *e = entry_of (cache, binding, audience);
  int64_t since = wall_ms - e->renewed_refused_ms;

  /* Many calls were on their way with the same ones. */
  if (e->held == NULL || e->refused || sent_wall_ms < e->got_ms)
    return;
  e->refused = true;
  if (e->renewed_refused_ms && since < REFUSED_AGAIN_MS) {
    err_free (e->failure);
    e->failure = err_copy (err);
    e->given_up = true;
  }
}

json_t *
credentials_cache_report (const struct credentials_cache *cache)
{
  json_t *report = json_array ();

  for (size_t i = 0; i < cache->entries.len; i++) {
    const struct entry *e = cache->entries.ptr[i];
    json_t *row = json_object ();

    json_put_str (row, "provider", e->binding->provider->name);
    json_put_str (row, "account",
                  e->binding->account ? e->binding->account : "");
    json_put_str (row, "region", e->binding->region ? e->binding->region : "");
    if (e->audience)
      json_put_str (row, "audience", e->audience);
    if (e->held)
      json_put_str (row, "source", e->held->source);
    if (e->held && e->held->expires_wall_ms != INT64_MAX) {
      CLEANUP_FREE char *end = time_format_ms (e->held->expires_wall_ms);

      json_put_str (row, "expires", end);
    }
    json_put_int (row, "fetched", e->fetched);
    json_put_int (row, "failures", e->failed);
    if (e->failure)
      json_put_str (row, "last_error", e->failure->msg);
    json_array_append_new (report, row);
  }
  return report;
}
