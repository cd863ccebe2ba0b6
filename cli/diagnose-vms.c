/* VMs are diagnosed from what their serial consoles say, and those that are off
 * also from their disks, where these can be reached (diagnose-vm-disks.c):
 * nothing of them is stopped or changed. */

#include "diagnose.h"

#include <string.h>

#include <controller/campaign-consoles.h>

#include "progress.h"
#include "request.h"
#include "selection.h"
#include "show.h"
#include "stop.h"

struct reading {
  struct vm_reading *vms;
  size_t n;
};

static struct vm_reading *
reading_of (const struct reading *r, const struct job *job)
{
  for (size_t i = 0; i < r->n; i++)
    if (r->vms[i].job == job)
      return &r->vms[i];
  abort (); /* they are all there */
}

static void
on_console (void *opaque, const struct job *job, const char *text,
            const struct err *err)
{
  struct vm_reading *vm = reading_of (opaque, job);

  if (err)
    vm->problem = xstrdup (err->msg);
  else if (*text == '\0')
    vm->problem = xstrdup ("its serial log is empty; does its system write on "
                           "the serial console?");
  else
    vm->findings = json_make ("{s:[{s:s, s:s}]}", "texts", "where", "console",
                              "text", text);
}

static bool
on_stop (void *opaque)
{
  (void)opaque;
  return stop_check ();
}

/* What both tell, as of one system. */
static json_t *
findings_of (const struct vm_reading *vm)
{
  json_t *findings, *texts;

  if (vm->disk == NULL)
    return vm->findings ? json_incref (vm->findings) : NULL;
  findings = json_copy (vm->disk);
  if (vm->findings == NULL)
    return findings;
  texts = json_copy (json_object_get (vm->findings, "texts"));
  json_array_extend (texts, json_object_get (findings, "texts"));
  json_put (findings, "texts", texts);
  return findings;
}

static void
add_unread (const struct vm_reading *vm, json_t *findings)
{
  CLEANUP_FREE char *what =
      xasprintf ("its disk was not read: %s", vm->disk_unread);
  json_t *facts = json_array ();

  json_array_extend (facts, json_object_get (findings, "facts"));
  json_array_append_new (facts, json_make ("{s:s, s:s}", "fact", "disk-unread",
                                           "what", what));
  json_put (findings, "facts", facts);
}

static void
add_patient (struct patient_vec *patients, const struct diagnosis_rules *rules,
             const struct vm_reading *vm)
{
  CLEANUP_JSON json_t *findings = findings_of (vm);
  CLEANUP_FREE char *problem = NULL;

  if (findings == NULL) {
    problem = xasprintf ("%s; its disk was not read: %s", vm->problem,
                         vm->disk_unread);
    patient_add_problem (patients, vm->job->name, "no-console", problem);
    return;
  }
  if (vm->disk_unread)
    add_unread (vm, findings);
  patient_add (patients, rules, vm->job->name, findings);
}

static int
read_vms (struct cli *cli, struct campaign *campaign, struct reading *r,
          struct err **err)
{
  const struct console_hooks hooks = {on_console, on_stop, r};
  const struct job_vec *jobs = campaign_jobs (campaign);

  r->n = jobs->len;
  r->vms = xcalloc (r->n + 1, sizeof *r->vms);
  for (size_t i = 0; i < r->n; i++)
    r->vms[i].job = jobs->ptr[i];
  stop_install ("no more serial logs are read", "nothing was changed");
  campaign_set_wakeup (campaign, stop_fd ());
  if (campaign_consoles (campaign, &hooks, err) == -1)
    return -1;
  diagnose_vm_disks (cli, r->vms, r->n);
  return 0;
}

static void
reading_release (struct reading *r)
{
  for (size_t i = 0; i < r->n; i++) {
    json_decref (r->vms[i].findings);
    json_decref (r->vms[i].disk);
    free (r->vms[i].problem);
    free (r->vms[i].disk_unread);
  }
  free (r->vms);
}

int
diagnose_vms (struct cli *cli, const struct diagnosis_rules *rules,
              struct patient_vec *patients, struct err **err)
{
  CLEANUP (reading_release) struct reading reading = {NULL, 0};
  CLEANUP_JSON json_t *request = request_of_providers (cli);
  CLEANUP_CAMPAIGN struct campaign *campaign = NULL;
  json_t *selection = selection_read (&cli->options->args, err);

  if (selection == NULL)
    return -1;
  json_put (request, "selection", selection);
  campaign = campaign_find (request, err);
  if (campaign == NULL ||
      show_missing (campaign, options_flag (cli->options, "skip-missing"),
                    err) == -1 ||
      read_vms (cli, campaign, &reading, err) == -1)
    return -1;
  for (size_t i = 0; i < reading.n; i++)
    add_patient (patients, rules, &reading.vms[i]);
  return 0;
}
