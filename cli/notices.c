#include "notices.h"

#include <stdlib.h>
#include <string.h>

#include <base/log.h>
#include <controller/notify.h>

/* How long the program waits at its end for a target that hangs. */
#define LAST_WORDS_MS 5000

/* From the options, or else one from the environment, so that a runbook has to
 * say it once. */
static void
targets_of (const struct cli *cli, const char *option, const char *variable,
            struct str_vec *words)
{
  const struct str_vec *given = options_list (cli->options, option);
  const char *value = getenv (variable);

  for (size_t i = 0; i < given->len; i++)
    str_vec_push (words, given->ptr[i]);
  if (given->len == 0 && value && *value)
    str_vec_push (words, (char *)value);
}

int
notices_open (struct cli *cli, struct err **err)
{
  struct str_vec programs = VEC_EMPTY, webhooks = VEC_EMPTY;
  const struct notify_targets targets = {&programs, &webhooks,
                                         cli->command->groups & GROUP_PROVIDER
                                             ? options_text (cli->options,
                                                             "ca-file")
                                             : NULL};
  CLEANUP_ERR struct err *why = NULL;

  targets_of (cli, "notify-command", "BOOTMEND_NOTIFY_COMMAND", &programs);
  targets_of (cli, "webhook", "BOOTMEND_WEBHOOK", &webhooks);
  cli->notify = notify_new (&targets, &why);
  str_vec_release (&programs);
  str_vec_release (&webhooks);
  return why ? err_move (err, TAKE (why)) : 0;
}

void
notices_close (struct cli *cli)
{
  char *complaint;

  notify_end (cli->notify, LAST_WORDS_MS);
  while ((complaint = notify_complaint (cli->notify))) {
    log_warn ("%s", complaint);
    free (complaint);
  }
  notify_free (TAKE (cli->notify));
}

void
notices_begun (const struct cli *cli, const struct campaign *campaign,
               bool back)
{
  const char *way = back ? "rollback" : cli->command->name;

  if (cli->notify)
    notify_send (cli->notify, "campaign-begun", campaign_id (campaign),
                 json_make ("{s:s,s:I}", "way", way, "vms",
                            (json_int_t)campaign_size (campaign)));
}

static void
wave_may_be_done (const struct cli *cli, const struct campaign *campaign,
                  int64_t wave)
{
  const struct job_vec *jobs = campaign_jobs (campaign);
  CLEANUP_JSON json_t *counts = json_object ();

  for (size_t i = 0; i < jobs->len; i++) {
    const struct job *job = jobs->ptr[i];
    const char *outcome = outcome_name (job->outcome);

    if (job->wave != wave)
      continue;
    if (job->phase != PHASE_ENDED)
      return;
    json_put_int (counts, outcome, json_int (counts, outcome, 0) + 1);
  }
  notify_send (cli->notify, "wave-done", campaign_id (campaign),
               json_make ("{s:I,s:O}", "wave", (json_int_t)wave, "counts",
                          counts));
}

void
notices_ended (const struct cli *cli, const struct campaign *campaign,
               const struct job *job)
{
  if (cli->notify == NULL)
    return;
  if (job->outcome == OUT_FAILED_ATTENTION) {
    json_t *detail = json_make ("{s:s,s:s}", "vm", job->name, "id", job->vm);

    json_put_str (detail, "why", job->reason);
    notify_send (cli->notify, "needs-attention", campaign_id (campaign),
                 detail);
  }
  wave_may_be_done (cli, campaign, job->wave);
}

void
notices_event (const struct cli *cli, const struct campaign *campaign,
               const char *kind, const json_t *detail)
{
  static const struct {
    const char *kind, *event;
  } events[] = {{"halted", "campaign-halted"},
                {"asks", "approval-wanted"},
                {"approved", "approved"}};

  for (size_t i = 0; cli->notify && i < ARRAY_SIZE (events); i++)
    if (strcmp (events[i].kind, kind) == 0) {
      json_t *copy = json_deep_copy (detail);

      /* "kind" is that of the message. */
      if (json_object_get (copy, "kind"))
        json_put (copy, "halt", json_incref (json_object_get (copy, "kind")));
      json_object_del (copy, "kind");
      notify_send (cli->notify, events[i].event, campaign_id (campaign), copy);
    }
}

void
notices_finished (const struct cli *cli, struct campaign *campaign,
                  int exit_status)
{
  CLEANUP_JSON json_t *report = NULL;
  json_t *detail;

  if (cli->notify == NULL)
    return;
  report = campaign_report (campaign, false, NULL);
  detail = json_make ("{s:i}", "exit_status", exit_status);
  if (json_at (report, "counts"))
    json_put (detail, "counts", json_incref (json_at (report, "counts")));
  if (json_at (report, "audit"))
    json_put (detail, "audit", json_incref (json_at (report, "audit")));
  notify_send (cli->notify, "campaign-finished", campaign_id (campaign),
               detail);
}
