/* VMs are diagnosed from what their serial consoles say: nothing of them is
 * stopped, and no disk is touched. */

#include "diagnose.h"

#include <controller/campaign-consoles.h>

#include "progress.h"
#include "request.h"
#include "selection.h"
#include "show.h"
#include "stop.h"

struct reading {
  const struct diagnosis_rules *rules;
  struct patient_vec *patients;
};

static void
on_console (void *opaque, const struct job *job, const char *text,
            const struct err *err)
{
  struct reading *r = opaque;
  CLEANUP_JSON json_t *findings = NULL;

  if (err)
    patient_add_problem (r->patients, job->name, "no-console", err->msg);
  else if (*text == '\0')
    patient_add_problem (r->patients, job->name, "no-console",
                         "its serial log is empty; does its system write on "
                         "the serial console?");
  else {
    findings = json_make ("{s:[{s:s, s:s}]}", "texts", "where", "console",
                          "text", text);
    patient_add (r->patients, r->rules, job->name, findings);
  }
}

static bool
on_stop (void *opaque)
{
  (void)opaque;
  return stop_check ();
}

int
diagnose_vms (struct cli *cli, const struct diagnosis_rules *rules,
              struct patient_vec *patients, struct err **err)
{
  struct reading reading = {rules, patients};
  const struct console_hooks hooks = {on_console, on_stop, &reading};
  CLEANUP_JSON json_t *request = request_of_providers (cli);
  CLEANUP_CAMPAIGN struct campaign *campaign = NULL;
  json_t *selection = selection_read (&cli->options->args, err);

  if (selection == NULL)
    return -1;
  json_put (request, "selection", selection);
  campaign = campaign_find (request, err);
  if (campaign == NULL ||
      show_missing (campaign, options_flag (cli->options, "skip-missing"),
                    err) == -1)
    return -1;
  stop_install ("no more serial logs are read", "nothing was changed");
  campaign_set_wakeup (campaign, stop_fd ());
  return campaign_consoles (campaign, &hooks, err);
}
