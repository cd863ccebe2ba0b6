#include "campaign-control.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/files.h>
#include <base/random.h>

#include "campaign-internal.h"

#define HALT_FILE     "halt"
#define MAX_WORD      4096
#define APPROVAL_FILE "approve-%lld"

char *
control_who (void)
{
  const char *user = getenv ("SUDO_USER");
  const struct passwd *entry = getpwuid (getuid ());
  char host[256] = "";

  if (user == NULL || *user == '\0')
    user = entry ? entry->pw_name : "?";
  gethostname (host, sizeof host - 1);
  return xasprintf ("%s@%s", user, host);
}

char *
control_person (void)
{
  const char *connection = getenv ("SSH_CONNECTION");
  CLEANUP_FREE char *who = control_who ();

  if (connection == NULL || *connection == '\0')
    return TAKE (who);
  return xasprintf ("%s from %.*s", who, (int)strcspn (connection, " "),
                    connection);
}

/* A process id alone may come again. */
char *
control_controller (void)
{
  CLEANUP_FREE char *who = control_who ();

  return xasprintf ("%s:%ld-%04x", who, (long)getpid (),
                    (unsigned)(random_fresh_seed () & 0xffff));
}

/* --- reading the files ------------------------------------------------------
 */

static const struct {
  const char *how;
  enum halt_wish wish;
} wishes[] = {{"park", HALT_PARK},
              {"finish", HALT_FINISH},
              {"drain", HALT_DRAIN}};

/* Whoever puts such a file there wants a halt, whatever is in it. */
enum halt_wish
control_read_halt (const char *folder, char **why)
{
  CLEANUP_FREE char *path = path_join (folder, HALT_FILE), *text = NULL;
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_JSON json_t *word = NULL;
  struct stat st;
  size_t len;

  *why = NULL;
  if (lstat (path, &st) == -1 && (errno == ENOENT || errno == ENOTDIR))
    return HALT_NONE;
  if (file_read (path, MAX_WORD, &text, &len, &err) == -1) {
    *why =
        xasprintf ("there is a stop file, and it can't be read: %s", err->msg);
    return HALT_PARK;
  }
  if (len == 0) {
    *why = xasprintf ("there is a stop file: %s", path);
    return HALT_PARK;
  }
  word = json_parse (text, len, path, NULL);
  *why = xasprintf ("by %s at %s", json_str (word, "by", "somebody"),
                    json_str (word, "at", "some time"));
  for (size_t i = 0; i < ARRAY_SIZE (wishes); i++)
    if (strcmp (json_str (word, "how", ""), wishes[i].how) == 0)
      return wishes[i].wish;
  return HALT_PARK;
}

static char *
approval_path (const char *folder, int64_t wave)
{
  CLEANUP_FREE char *name = xasprintf (APPROVAL_FILE, (long long)wave);

  return path_join (folder, name);
}

/* --- hooks ------------------------------------------------------------------
 */

static void
on_changed (void *opaque, const struct job *job)
{
  struct control *control = opaque;

  if (control->outer.changed)
    control->outer.changed (control->outer.opaque, job);
}

static void
on_progress (void *opaque, const struct job *job, const json_t *event)
{
  struct control *control = opaque;

  if (control->outer.progress)
    control->outer.progress (control->outer.opaque, job, event);
}

static void
on_event (void *opaque, const char *kind, const json_t *detail)
{
  struct control *control = opaque;

  if (control->outer.event)
    control->outer.event (control->outer.opaque, kind, detail);
}

static bool
on_round (void *opaque)
{
  struct control *control = opaque;

  return control->outer.stop_requested &&
         control->outer.stop_requested (control->outer.opaque);
}

static enum halt_wish
on_halt_wish (void *opaque, char **why)
{
  struct control *control = opaque;

  return control_read_halt (control->campaign->folder, why);
}

/* An approval that can't be read is none. */
static bool
on_approved (void *opaque, int64_t wave, char **by)
{
  struct control *control = opaque;
  CLEANUP_FREE char *path = approval_path (control->campaign->folder, wave);
  CLEANUP_JSON json_t *word = json_parse_file (path, MAX_WORD, NULL);

  if (word == NULL || json_int (word, "wave", 0) != wave)
    return false;
  *by = xstrdup (json_str (word, "by", "?"));
  return true;
}

void
control_init (struct control *control, const struct campaign *campaign,
              const struct engine_hooks *hooks)
{
  *control = (struct control){.campaign = campaign};
  if (hooks)
    control->outer = *hooks;
  control->hooks = (struct engine_hooks){.changed = on_changed,
                                         .progress = on_progress,
                                         .event = on_event,
                                         .stop_requested = on_round,
                                         .opaque = control};
  if (campaign->folder == NULL) /* a check: it has no folder yet */
    return;
  control->hooks.halt_wish = on_halt_wish;
  control->hooks.approved = on_approved;
}

int
control_clear (const struct campaign *campaign, struct err **err)
{
  CLEANUP_FREE char *path = path_join (campaign->folder, HALT_FILE);

  if (unlink (path) == -1 && errno != ENOENT)
    return err_set_errno (err, errno, "%s: the stop file can't be removed",
                          path);
  return 0;
}

/* --- what the journal says --------------------------------------------------
 */

json_t *
control_state (const json_t *events)
{
  json_t *state = json_object (), *event;
  int64_t approved = 0;
  size_t i;

  json_array_foreach (events, i, event)
  {
    const char *kind = json_str (event, "kind", "");
    json_t *detail = json_deep_copy (json_at (event, "detail"));
    json_t *keep = json_is_object (detail) ? detail : json_object ();

    if (keep != detail)
      json_decref (detail);
    json_put_str (keep, "at", json_str (event, "at", NULL));
    if (strcmp (kind, "approved") == 0 && json_int (keep, "wave", 0) > approved)
      approved = json_int (keep, "wave", 0);
    if (strcmp (kind, "halted") == 0) {
      json_put (state, "halt", json_incref (keep));
      if (strcmp (json_str (keep, "kind", ""), "refused") == 0)
        json_put (state, "waits", NULL); /* it has had its answer */
    } else if (strcmp (kind, "asks") == 0)
      json_put (state, "waits", json_incref (keep));
    else if (strcmp (kind, "continued") == 0)
      json_put (state, "halt", NULL);
    json_decref (keep);
  }
  if (json_int (state, "waits.wave", 0) <= approved)
    json_put (state, "waits", NULL);
  json_put_int (state, "approved", approved);
  return state;
}

/* --- words from other terminals ---------------------------------------------
 */

static int
write_word (const char *path, json_t *word_taken, struct err **err)
{
  CLEANUP_JSON json_t *word = word_taken;
  CLEANUP_FREE char *who = control_person (), *text = NULL;
  CLEANUP_FREE char *at = time_format_ms (clock_wall_ms (&real_clock));

  json_put_str (word, "by", who);
  json_put_str (word, "at", at);
  text = json_text (word);
  return file_write_atomic (path, text, strlen (text), 0600, err);
}

bool
campaign_is_live (const struct campaign *campaign)
{
  CLEANUP_FREE char *journal = campaign_journal_path (campaign->folder);

  return journal_is_live (journal);
}

int
campaign_ask_halt (struct campaign *campaign, const char *how, struct err **err)
{
  CLEANUP_FREE char *path = path_join (campaign->folder, HALT_FILE);

  if (!campaign_is_live (campaign))
    return err_set (err, ERR_CONFLICT,
                    "no process works on campaign %s now: there is nothing to "
                    "halt; 'bootmend status %s' shows where it stands",
                    campaign->id, campaign->id);
  return write_word (path, json_make ("{s:s}", "how", how), err);
}

int
campaign_ask_approve (struct campaign *campaign, int64_t *wave,
                      struct err **err)
{
  CLEANUP_JSON json_t *events = journal_events (campaign->journal, err);
  CLEANUP_JSON json_t *state = events ? control_state (events) : NULL;
  CLEANUP_FREE char *path = NULL;
  int64_t waits = json_int (state, "waits.wave", 0);

  if (state == NULL)
    return -1;
  if (campaign->policy->waves.approve_command)
    return err_set (err, ERR_REFUSED,
                    "campaign %s is approved by its own command, %s",
                    campaign->id, campaign->policy->waves.approve_command);
  if (waits == 0)
    return err_set (err, ERR_CONFLICT,
                    "campaign %s does not wait for an approval%s", campaign->id,
                    campaign->policy->waves.approve
                        ? " now"
                        : ": it was begun without --approve");
  if (*wave && *wave != waits)
    return err_set (err, ERR_CONFLICT,
                    "campaign %s waits for the approval of wave %lld, not %lld",
                    campaign->id, (long long)waits, (long long)*wave);
  *wave = waits;
  path = approval_path (campaign->folder, waits);
  return write_word (path, json_make ("{s:I}", "wave", (json_int_t)waits), err);
}

/* --- going on after a halt --------------------------------------------------
 */

static void
forgive (struct campaign *campaign)
{
  for (size_t i = 0; i < campaign->jobs.len; i++) {
    struct job *job = campaign->jobs.ptr[i];

    if (job_has_failed (job) ||
        (job->phase == PHASE_ENDED && job->outcome == OUT_REPAIRED_UNPROVEN))
      job_set_fact (job, "forgiven", json_true ());
  }
}

static int
put_policy (struct campaign *campaign, const json_t *changes, struct err **err)
{
  json_t *policy = json_object_get (campaign->data, "policy");
  struct wave_policy waves;

  if (json_object_size (changes) == 0)
    return 0;
  json_object_update (policy, (json_t *)changes);
  if (wave_policy_read (&waves, policy, err) == -1) {
    wave_policy_release (&waves);
    return -1;
  }
  wave_policy_release (&campaign->policy->waves);
  campaign->policy->waves = waves;
  journal_begin (campaign->journal);
  journal_set_campaign (campaign->journal, campaign->data);
  journal_add_event (campaign->journal, 0, "policy", changes,
                     clock_wall_ms (&real_clock));
  return journal_commit (campaign->journal, err);
}

static int
put_continued (struct campaign *campaign, const char *how, struct err **err)
{
  CLEANUP_FREE char *who = control_person ();
  CLEANUP_JSON json_t *detail = json_make ("{s:s,s:s}", "by", who, "how", how);

  journal_begin (campaign->journal);
  journal_add_event (campaign->journal, 0, "continued", detail,
                     clock_wall_ms (&real_clock));
  return journal_commit (campaign->journal, err);
}

static char *
still_spent (const struct campaign *campaign)
{
  CLEANUP_SURVEY struct survey survey = {NULL};

  survey_make (&survey, &campaign->jobs, NULL, campaign->policy);
  return survey_spent (&survey);
}

int
campaign_say_continue (struct campaign *campaign, const char *how, bool accept,
                       const json_t *policy, struct err **err)
{
  CLEANUP_JSON json_t *events = journal_events (campaign->journal, err);
  CLEANUP_JSON json_t *state = events ? control_state (events) : NULL;
  CLEANUP_FREE char *spent = NULL;
  const char *kind = json_str (state, "halt.kind", "");

  if (state == NULL || put_policy (campaign, policy, err) == -1)
    return -1;
  if (accept)
    forgive (campaign);
  spent = still_spent (campaign);
  if (spent || (strcmp (kind, "unproven") == 0 && !accept))
    return err_set (
        err, ERR_REFUSED,
        "campaign %s is halted: %s; 'bootmend report %s' says why. To go on in "
        "spite of that: resume --continue, or a new --max-failures; to try "
        "those VMs again: retry --failed; to undo: rollback",
        campaign->id, spent ? spent : json_str (state, "halt.why", "?"),
        campaign->id);
  if (json_at (state, "halt") == NULL)
    return 0;
  return put_continued (campaign, how, err);
}

/* What somebody has put back on purpose did not fail: only its name opens it
 * again. */
static bool
is_to_retry (const struct job *job, char *const *patterns, bool failed,
             bool skipped)
{
  const char *asked = json_str (job->facts, "asked_back", "");

  if (job->phase != PHASE_ENDED || !campaign_job_matches (job, patterns))
    return false;
  if (!failed && !skipped)
    return true;
  if (job->outcome == OUT_SKIPPED)
    return skipped;
  return failed && !(job->outcome == OUT_FAILED_RESTORED &&
                     strcmp (asked, "operator") == 0);
}

int
campaign_retry (struct campaign *campaign, char *const *patterns, bool failed,
                bool skipped, struct err **err)
{
  static const json_t *const no_policy = NULL;
  size_t n = 0;

  if (campaign_check_patterns (campaign, patterns, err) == -1)
    return -1;
  for (size_t i = 0; i < campaign->jobs.len; i++)
    if (is_to_retry (campaign->jobs.ptr[i], patterns, failed, skipped))
      n += job_retry (campaign->jobs.ptr[i]);
  if (n == 0)
    return err_set (err, ERR_NOT_FOUND,
                    "campaign %s has no such VM that could be tried again",
                    campaign->id);
  return campaign_say_continue (campaign, "retry", false, no_policy, err);
}

/* --- for status and report --------------------------------------------------
 */

static const char *
wave_state (const struct survey *survey, int64_t wave, const json_t *state)
{
  const struct wave_count *count = &survey->waves[wave];

  if (count->open == 0)
    return count->failed ? "ended, with failures" : "ended";
  if (wave != survey->current)
    return "not begun";
  if (json_int (state, "waits.wave", 0) == wave)
    return "waits for approval";
  return json_at (state, "halt") ? "halted" : "current";
}

int
control_report (struct campaign *campaign, json_t *report, struct err **err)
{
  CLEANUP_JSON json_t *events = journal_events (campaign->journal, err);
  CLEANUP_JSON json_t *state = events ? control_state (events) : NULL;
  CLEANUP_SURVEY struct survey survey = {NULL};
  json_t *waves = json_array ();

  json_put (report, "waves", waves);
  if (state == NULL)
    return -1;
  survey_make (&survey, &campaign->jobs, NULL, campaign->policy);
  for (int64_t w = 1; w <= survey.n_waves; w++) {
    const struct wave_count *count = &survey.waves[w];

    json_array_append_new (waves,
                           json_make ("{s:I,s:I,s:I,s:I,s:I,s:s}", "wave",
                                      (json_int_t)w, "vms",
                                      (json_int_t)count->vms, "open",
                                      (json_int_t)count->open, "failed",
                                      (json_int_t)count->failed, "proven",
                                      (json_int_t)count->proven, "state",
                                      wave_state (&survey, w, state)));
  }
  if (json_at (state, "halt") && survey.all.open)
    json_put (report, "halt", json_incref (json_at (state, "halt")));
  if (json_at (state, "waits"))
    json_put (report, "waits", json_incref (json_at (state, "waits")));
  return 0;
}
