/* Steps on the disk: work that an agent does. */

#include "steps-internal.h"

#include <string.h>

#include <providers/vm.h>

#include "evidence.h"
#include "mutation.h"
#include "policy.h"

/* A copy is nobody's but ours: its VM may do what it likes. */
static bool
works_on_copy (const struct job *job)
{
  return json_at (job->facts, "work_disk") != NULL;
}

/* Nobody opens a disk under a VM that may be running. */
static int
check_stopped (const struct job *job, struct err **err)
{
  if (works_on_copy (job) || vm_is_power (job->now, "stopped") ||
      mutated ("ignore-power"))
    return 0;
  return err_set (err, ERR_CONFLICT,
                  "its disk is not touched while the VM is '%s'",
                  json_str (job->now, "power", "other"));
}

/* The disk must be the one that was there when the job began. */
static int
check_same_disk (const struct job *job, struct err **err)
{
  const char *before = json_str (job->before, "os_disk.id", "");
  const char *now = json_str (job->now, "os_disk.id", "");

  if (strcmp (before, now) == 0)
    return 0;
  return err_set (err, ERR_REFUSED,
                  "its OS disk is '%s' now and was '%s': somebody changed it",
                  now, before);
}

/* For those who look for the keys of its disk. */
static json_t *
who_is (const struct job *job)
{
  return json_make ("{s:s, s:s}", "id", json_str (job->before, "id", ""),
                    "name", job->name);
}

static int
work_effect (struct job *job, const char *mode, struct effect *effect,
             struct err **err)
{
  CLEANUP_ERR struct err *failed = NULL;
  CLEANUP_FREE char *evidence = evidence_folder (job, &failed);
  CLEANUP_FREE char *domain = NULL;
  const json_t *disk = job_work_disk (job);
  json_t *in, *patient;

  if (failed)
    return err_move (err, TAKE (failed));
  if (check_stopped (job, err) == -1 ||
      (!job_attaches (job) && check_same_disk (job, err) == -1))
    return -1;
  domain =
      xasprintf ("%s:%s", job->binding->provider->name, job->binding->account);
  patient = json_object ();
  json_put_str (patient, "path", json_str (disk, "path", ""));
  json_put_str (patient, "format", json_str (disk, "format", "raw"));
  if (job_attaches (job) && attached_patient (job, patient, err) == -1) {
    json_decref (patient);
    return -1;
  }
  json_put_str (patient, "serial", json_str (disk, "serial", NULL));
  if (json_at (disk, "size_bytes"))
    json_put_int (patient, "size_bytes", json_int (disk, "size_bytes", 0));
  json_put_str (patient, "trust_domain", domain);

  in = json_object ();
  json_put_str (in, "mode", mode);
  if (job_attaches (job))
    json_put_bool (in, "ask", true);
  if (json_bool (job->facts, "helper.remote", false)) {
    free (evidence);
    evidence =
        xasprintf ("helped/%s/%lld", job->policy->campaign, (long long)job->id);
  }
  json_put_str (in, "helper",
                job_attaches (job) ? json_str (job->facts, "helper.name", "")
                                   : job->policy->helper);
  json_put_str (in, "evidence", evidence);
  json_put_str (in, "isolation", job->policy->isolation);
  json_put_str (in, "dirty_ntfs", job->policy->dirty_ntfs);
  json_put_int (in, "limit_ms", job->policy->repair_ms);
  json_put (in, "disk", patient);
  json_put (in, "vm", who_is (job));
  if (job->policy->recipe)
    json_put (in, "recipe", json_incref (job->policy->recipe));
  if (job->policy->parameters)
    json_put (in, "parameters", json_incref (job->policy->parameters));
  if (job->policy->origin)
    json_put (in, "origin", json_incref (job->policy->origin));
  if (job->policy->allow_unsigned)
    json_put_bool (in, "allow_unsigned", true);
  if (job->policy->allow)
    json_put (in, "allow", json_incref (job->policy->allow));
  effect->kind = EFFECT_WORK;
  effect->in = in;
  return 0;
}

int
repair_act (struct job *job, struct effect *effect, struct err **err)
{
  /* Whatever this attempt will say, an earlier one may have changed the disk.
   */
  if (job->uncertain && !json_bool (job->facts, "repair_put_off", false))
    job_set_fact (job, "repair_uncertain", json_true ());
  job_set_fact (job, "repair_put_off", NULL);
  return work_effect (job, "apply", effect, err);
}

static bool
outcome_is (const json_t *result, const char *name)
{
  return strcmp (json_str (result, "outcome", ""), name) == 0;
}

/* An agent of a killed controller may still be closing the disk; a disk that
 * has just been attached may not have shown up on its helper yet. */
static bool
is_passing (const struct job *job, const json_t *result)
{
  if (job->attempt >= 30)
    return false;
  if (outcome_is (result, "refused"))
    return strcmp (json_str (result, "refusal", ""), "in-use") == 0;
  return job_attaches (job) && outcome_is (result, "failed") &&
         strcmp (json_str (result, "error.code", ""), "not-found") == 0 &&
         !json_bool (result, "changed", false);
}

/* Nobody else has to finish the disk: all is written that may have been, or
 * nothing is.  What did not change it now says nothing about an earlier attempt
 * that was allowed to write and lost. */
static bool
is_whole (const struct job *job, const json_t *result)
{
  if (outcome_is (result, "failed") && json_bool (result, "changed", true))
    return false;
  return outcome_is (result, "repaired") || outcome_is (result, "clean") ||
         outcome_is (result, "undone") || job->effect == job->allowed;
}

/* What undoes it stays on the helper. */
static void
note_written (struct job *job, const json_t *result)
{
  const char *name = json_str (job->facts, "helper.name", "");

  if (is_whole (job, result))
    job_set_fact (job, "committing", NULL);
  if (!outcome_is (result, "repaired") ||
      !json_bool (job->facts, "helper.remote", false))
    return;
  job_set_fact (job, "evidence_on", json_string (name));
  job_note (job, "what was changed is kept on helper '%s' in %s", name,
            json_str (result, "evidence", "its state folder"));
}

static enum verdict
give_up (const json_t *result, struct err **err)
{
  const char *refusal = json_str (result, "refusal", NULL);

  if (refusal)
    err_set (err, ERR_REFUSED, "%s: %s", refusal,
             json_str (result, "reason", ""));
  else
    err_set (err, err_code_from_name (json_str (result, "error.code", "disk")),
             "%s",
             json_str (result, "error.message",
                       json_str (result, "reason", "no reason given")));
  return VERDICT_FAIL;
}

enum verdict
repair_reply (struct job *job, json_t *out, struct err **err)
{
  if (is_passing (job, out)) {
    job_set_fact (job, "repair_put_off", json_true ()); /* nothing was done */
    return VERDICT_NO;
  }
  note_written (job, out);
  /* A resumed job may find its own repair done: that is no "clean". */
  if (outcome_is (out, "clean") &&
      strcmp (json_str (job->facts, "repair.outcome", ""), "repaired") == 0)
    return VERDICT_YES;
  job_set_fact (job, "repair", json_incref (out));
  if (outcome_is (out, "repaired") || outcome_is (out, "clean"))
    return VERDICT_YES;
  return give_up (out, err);
}

/* Agents on helpers ask before they write; what none was ever allowed to write
 * is as it was. */
static bool
is_untouched (const struct job *job)
{
  return job_attaches (job) && json_at (job->facts, "committing") == NULL &&
         json_at (job->facts, "repair") == NULL;
}

/* Nothing was changed: nothing is undone. */
bool
repair_undo_wanted (const struct job *job)
{
  const char *outcome = json_str (job->facts, "repair.outcome", "unknown");

  if (is_untouched (job))
    return false;

  if (json_bool (job->facts, "repair_uncertain", false))
    return true;
  if (strcmp (outcome, "clean") == 0 || strcmp (outcome, "refused") == 0)
    return false;
  return strcmp (outcome, "failed") != 0 ||
         json_bool (job->facts, "repair.changed", true);
}

int
repair_undo_act (struct job *job, struct effect *effect, struct err **err)
{
  return work_effect (job, "undo", effect, err);
}

static bool
is_refused (const json_t *result, const char *code)
{
  return outcome_is (result, "refused") &&
         strcmp (json_str (result, "refusal", ""), code) == 0;
}

/* An agent keeps its evidence before it commits anything to a disk: where no
 * result of a repair was ever seen and no evidence is, nothing was changed.
 *
 * An undo that is refused changes nothing: a disk whose repair is known to be
 * complete keeps it, and the VM is given back with it; only the outcome says
 * that a person must look. */
enum verdict
repair_undo_reply (struct job *job, json_t *out, struct err **err)
{
  const char *repair = json_str (job->facts, "repair.outcome", "unknown");
  bool repaired = strcmp (repair, "repaired") == 0;

  if (is_passing (job, out))
    return VERDICT_NO;
  note_written (job, out);
  job_set_fact (job, "repair_undo", json_incref (out));
  if (outcome_is (out, "undone") || outcome_is (out, "clean"))
    return VERDICT_YES;
  if (is_refused (out, "no-evidence") && !repaired)
    return VERDICT_YES;
  if (outcome_is (out, "refused") && repaired) {
    job_set_fact (job, "repair_kept", json_true ());
    return VERDICT_YES;
  }
  return give_up (out, err);
}
