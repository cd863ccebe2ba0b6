/* A campaign's folder and journal: STATE/ID/journal.db, STATE/ID/evidence/. */

#include "campaign.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <base/files.h>
#include <recipes/digest.h>

#include "campaign-internal.h"
#include "session.h"
#include "step.h"

char *
campaign_journal_path (const char *folder)
{
  return path_join (folder, "journal.db");
}

/* --- names
 * ---------------------------------------------------------------------- */

static int
is_campaign (const struct dirent *entry)
{
  return entry->d_name[0] >= '0' && entry->d_name[0] <= '9';
}

static int
newest_first (const struct dirent **a, const struct dirent **b)
{
  return strcmp ((*b)->d_name, (*a)->d_name);
}

/* Ids below state, newest first, ended by NULL. */
static char **
list_ids (const char *state, struct err **err)
{
  struct str_vec ids = VEC_EMPTY;
  struct dirent **entries = NULL;
  int n = scandir (state, &entries, is_campaign, newest_first);

  if (n == -1 && errno != ENOENT) {
    err_set_errno (err, errno, "%s", state);
    return NULL;
  }
  for (int i = 0; i < n; i++) {
    str_vec_push (&ids, xstrdup (entries[i]->d_name));
    free (entries[i]);
  }
  free (entries);
  return str_vec_take (&ids);
}

int64_t
campaign_begun_ms (const char *id)
{
  struct tm tm = {0};
  const char *end = strptime (id, "%Y%m%d-%H%M%S", &tm);

  return end && *end == '-' ? (int64_t)timegm (&tm) * 1000 : -1;
}

/* "20240719-051300-k3f9": sorts by time, no two alike.  It sorts behind all
 * that are there (`after`, or NULL), too, whatever the clock says: "last" has
 * to be the campaign that was begun last when the clock was set back, and of
 * two within one second. */
static char *
new_id (int64_t wall_ms, const char *after)
{
  static const char digits[] = "23456789abcdefghjkmnpqrstuvwxyz";
  int64_t after_ms = after ? campaign_begun_ms (after) : -1;
  CLEANUP_FREE char *time = NULL;
  unsigned char random[4];
  char tail[5];

  if (after_ms >= wall_ms - wall_ms % 1000)
    wall_ms = after_ms + 1000;
  time = time_format_ms (wall_ms - wall_ms % 1000);
  if (getrandom (random, sizeof random, 0) != (ssize_t)sizeof random)
    abort ();
  for (size_t i = 0; i < sizeof random; i++)
    tail[i] = digits[random[i] % (sizeof digits - 1)];
  tail[4] = '\0';
  return xasprintf ("%.4s%.2s%.2s-%.2s%.2s%.2s-%s", time, time + 5, time + 8,
                    time + 11, time + 14, time + 17, tail);
}

static void
describe_maker (struct campaign *campaign, const char *id, int64_t wall_ms)
{
  CLEANUP_FREE char *created = time_format_ms (wall_ms);
  const json_t *recipe = json_at (campaign->data, "recipe");
  CLEANUP_FREE char *text = recipe ? json_text (recipe) : xstrdup ("");
  const char *user = getenv ("SUDO_USER");
  char host[256] = "", sha256[65];

  gethostname (host, sizeof host - 1);
  digest_bytes (text, strlen (text), sha256);
  json_put_str (campaign->data, "id", id);
  json_put_str (campaign->data, "created", created);
  json_put_str (campaign->data, "version", BOOTMEND_VERSION);
  json_put_str (campaign->data, "host", host);
  json_put_str (campaign->data, "user",
                user              ? user
                : getenv ("USER") ? getenv ("USER")
                                  : "");
  json_put_str (campaign->data, "recipe_sha256", sha256);
  campaign->id = json_str (campaign->data, "id", "");
}

/* The jobs of a check are used up; the campaign begins with fresh ones. */
static void
renew_jobs (struct campaign *campaign)
{
  for (size_t i = 0; i < campaign->jobs.len; i++) {
    struct job *old = campaign->jobs.ptr[i];
    struct job *job = job_new (old->id, old->now, old->binding, old->strategy,
                               campaign->policy);
    static const char *const kept[] = {"found", "planned", "was_broken",
                                       "group"};

    job->wave = old->wave;

    for (size_t k = 0; k < ARRAY_SIZE (kept); k++)
      if (json_at (old->facts, kept[k]))
        job_set_fact (job, kept[k],
                      json_incref (json_at (old->facts, kept[k])));
    job_free (old);
    campaign->jobs.ptr[i] = job;
  }
}

static int
put_jobs (struct campaign *campaign, int64_t wall_ms, struct err **err)
{
  CLEANUP_JSON json_t *session = session_describe (campaign->data);

  journal_begin (campaign->journal);
  for (size_t i = 0; i < campaign->jobs.len; i++) {
    struct job_row row = job_to_row (campaign->jobs.ptr[i]);

    journal_put_job (campaign->journal, &row, wall_ms);
    campaign->jobs.ptr[i]->changed = false;
  }
  journal_add_event (campaign->journal, 0, "begin", session, wall_ms);
  campaign->announced = true;
  return journal_commit (campaign->journal, err);
}

static int
begin_in (struct campaign *campaign, const char *folder, int64_t wall_ms,
          struct err **err)
{
  CLEANUP_FREE char *evidence = path_join (folder, "evidence");
  CLEANUP_FREE char *path = campaign_journal_path (folder);

  if (folder_make (evidence, 0700, err) == -1)
    return err_wrap (err, "state folder");
  policy_free (campaign->policy);
  campaign->policy = policy_new (campaign->data, evidence, err);
  if (campaign->policy == NULL)
    return -1;
  campaign->policy->helpers = campaign->helpers;
  campaign->journal = journal_create (path, campaign->data, err);
  if (campaign->journal == NULL)
    return -1;
  renew_jobs (campaign);
  return put_jobs (campaign, wall_ms, err);
}

int
campaign_begin (struct campaign *campaign, const char *state, struct err **err)
{
  int64_t wall_ms = clock_wall_ms (&real_clock);
  CLEANUP_STRV char **ids = list_ids (state, err);
  CLEANUP_FREE char *id = ids ? new_id (wall_ms, ids[0]) : NULL;
  CLEANUP_FREE char *folder = id ? path_join (state, id) : NULL;

  if (ids == NULL)
    return -1;
  describe_maker (campaign, id, wall_ms);
  if (campaign_make_ready (campaign, err) == -1)
    return -1;
  /* The folder's own name must survive a power cut, too: VMs will be marked
   * with it. */
  if (begin_in (campaign, folder, wall_ms, err) == -1 ||
      folder_sync (state, err) == -1) {
    journal_close (TAKE (campaign->journal));
    folder_remove (folder, NULL); /* nothing has been touched for it */
    return -1;
  }
  campaign->folder = TAKE (folder);
  return 0;
}

/* --- opening
 * ------------------------------------------------------------------- */

/* The id itself, a unique beginning of one, or "last". */
static char *
resolve_id (const char *state, const char *id, struct err **err)
{
  CLEANUP_STRV char **ids = list_ids (state, err);
  const char *found = NULL;

  if (ids == NULL)
    return NULL;
  for (size_t i = 0; ids[i]; i++) {
    if (strcmp (ids[i], id) == 0 || strcmp (id, "last") == 0)
      return xstrdup (ids[i]);
    if (*id && strncmp (ids[i], id, strlen (id)) == 0) {
      if (found) {
        err_set (err, ERR_USAGE, "'%s' begins more than one campaign: %s, %s",
                 id, found, ids[i]);
        return NULL;
      }
      found = ids[i];
    }
  }
  if (found == NULL && strcmp (id, "last") == 0)
    err_set (err, ERR_NOT_FOUND, "no campaigns in %s yet", state);
  else if (found == NULL)
    err_set (err, ERR_NOT_FOUND,
             "no campaign '%s' in %s ('bootmend list' shows them)", id, state);
  return found ? xstrdup (found) : NULL;
}

struct loading {
  struct campaign *campaign;
  enum journal_mode mode;
};

/* To read a journal no provider is opened: its binding is only a name. */
static struct binding *
binding_for (const struct loading *loading, const json_t *found,
             struct err **err)
{
  const char *name = json_str (found, "provider", "");
  const struct provider *provider = provider_by_name (name);
  struct binding_vec *bindings = &loading->campaign->bindings;
  struct binding *binding;

  if (loading->mode == JOURNAL_WRITE)
    return campaign_binding_again (loading->campaign, found, err);
  for (size_t i = 0; i < bindings->len; i++)
    if (bindings->ptr[i]->provider == provider)
      return bindings->ptr[i];
  if (provider == NULL) {
    err_set (err, ERR_INPUT, "provider '%s' is unknown", name);
    return NULL;
  }
  binding = xcalloc (1, sizeof *binding);
  binding->provider = provider;
  binding->account = xstrdup (json_str (found, "account", ""));
  binding->region = xstrdup ("");
  binding_vec_push (bindings, binding);
  return binding;
}

static int
load_job (void *opaque, const struct job_row *row, struct err **err)
{
  const struct loading *loading = opaque;
  const struct strategy *strategy = strategy_by_name (row->strategy);
  const json_t *found = json_at (row->facts, "found");
  CLEANUP_JOB struct job *job = NULL;
  struct binding *binding;

  if (strategy == NULL)
    return err_set (err, ERR_INPUT, "%s: strategy '%s' is unknown", row->name,
                    row->strategy);
  binding = binding_for (loading, found, err);
  if (binding == NULL)
    return err_wrap (err, "%s", row->name);
  job = job_new (row->id, row->before ? row->before : found, binding, strategy,
                 loading->campaign->policy);
  if (job_from_row (job, row, err) == -1)
    return -1;
  job_vec_push (&loading->campaign->jobs, TAKE (job));
  return 0;
}

struct campaign *
campaign_open (const char *state, const char *id, enum journal_mode mode,
               struct err **err)
{
  CLEANUP_FREE char *full = resolve_id (state, id, err);
  CLEANUP_FREE char *folder = NULL, *path = NULL, *evidence = NULL;
  CLEANUP_CAMPAIGN struct campaign *campaign = NULL;
  CLEANUP_JOURNAL struct journal *journal = NULL;
  struct loading loading = {NULL, mode};
  json_t *data, *figures;

  if (full == NULL)
    return NULL;
  folder = path_join (state, full);
  path = campaign_journal_path (folder);
  evidence = path_join (folder, "evidence");
  journal = journal_open (path, mode, err);
  if (journal == NULL)
    return NULL;
  data = journal_campaign (journal, err);
  if (data == NULL)
    return NULL;
  campaign = campaign_new (data, evidence, err);
  if (campaign == NULL)
    return NULL;
  campaign->folder = TAKE (folder);
  campaign->journal = TAKE (journal);
  figures = journal_figures (campaign->journal, err);
  if (figures == NULL)
    return NULL;
  world_real_set_earlier (campaign->real, figures);
  loading.campaign = campaign;
  if (journal_each_job (campaign->journal, load_job, &loading, err) == -1) {
    err_wrap (err, "%s", full);
    return NULL;
  }
  return TAKE (campaign);
}

/* --- listing
 * --------------------------------------------------------------------- */

static json_t *
list_one (const char *state, const char *id)
{
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_CAMPAIGN struct campaign *campaign =
      campaign_open (state, id, JOURNAL_READ, &err);
  CLEANUP_JSON json_t *report =
      campaign ? campaign_report (campaign, false, &err) : NULL;
  json_t *line = json_object ();

  json_put_str (line, "id", id);
  if (report == NULL) {
    json_put_str (line, "error", err ? err->msg : "can't be read");
    return line;
  }
  json_put_str (line, "created", json_str (report, "campaign.created", ""));
  json_put_str (line, "recipe", json_str (report, "campaign.recipe.name", ""));
  json_put_int (line, "jobs", (int64_t)campaign->jobs.len);
  json_put (line, "counts", json_incref (json_at (report, "counts")));
  json_put_bool (line, "live", json_bool (report, "live", false));
  if (json_at (report, "halt"))
    json_put (line, "halt", json_incref (json_at (report, "halt")));
  if (json_at (report, "waits"))
    json_put (line, "waits", json_incref (json_at (report, "waits")));
  return line;
}

json_t *
campaign_list (const char *state, struct err **err)
{
  CLEANUP_STRV char **ids = list_ids (state, err);
  json_t *list;

  if (ids == NULL)
    return NULL;
  list = json_array ();
  for (size_t i = 0; ids[i]; i++)
    json_array_append_new (list, list_one (state, ids[i]));
  return list;
}
