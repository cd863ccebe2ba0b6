/* Steps that look at how the VM does: console, screenshot, proof of boot. */

#include "steps-internal.h"

#include <string.h>

#include <base/files.h>
#include <base/text.h>
#include <providers/vm.h>

#include "evidence.h"
#include "policy.h"

static void
set_health (struct job *job, const char *key, enum health health,
            const char *why)
{
  json_t *fact = json_object ();

  json_put_str (fact, "state", health_name (health));
  json_put_str (fact, "why", why);
  job_set_fact (job, key, fact);
}

/* "Could not be asked" is not "nobody asked", and never "broken". */
static void
set_not_asked (struct job *job, const char *key, const struct err *err)
{
  CLEANUP_FREE char *why = xasprintf ("could not be asked: %s", err->msg);

  set_health (job, key, HEALTH_UNKNOWN, why);
}

/* --- look: does it boot as it is? ---------------------------------------- */

bool
look_wanted (const struct job *job)
{
  return job_was_running (job) && health_can_ask (job->policy->health, job);
}

int
look_act (struct job *job, struct effect *effect, struct err **err)
{
  return health_ask (job->policy->health, job, NULL, effect, err);
}

/* A healthy VM is left alone: not stopped, not marked. */
enum verdict
look_reply (struct job *job, json_t *out, struct err **err)
{
  CLEANUP_FREE char *why = NULL;
  enum health health = health_read (job->policy->health, job, out, &why);

  set_health (job, "health_before", health, why);
  if (health != HEALTH_OK || job->policy->include_healthy)
    return VERDICT_YES;
  err_set (err, ERR_STOPPED, "%s", why);
  return VERDICT_FAIL; /* engine-job.c ends the job as clean or recovered */
}

/* The operator selected this VM, and a VM that is down often can't be asked: it
 * is repaired all the same, as any whose health is unknown; the report says
 * so. */
void
look_failed (struct job *job, const struct err *err)
{
  set_not_asked (job, "health_before", err);
}

/* --- console and screenshot as evidence ---------------------------------- */

static bool
evidence_wanted (const struct job *job, enum op_id op, bool running)
{
  return job->policy->evidence && running && job_has_op (job, op);
}

bool
console_before_wanted (const struct job *job)
{
  return evidence_wanted (job, OP_SERIAL_LOG, job_was_running (job));
}

/* Only of a VM that is up again. */
bool
console_after_wanted (const struct job *job)
{
  return evidence_wanted (job, OP_SERIAL_LOG,
                          vm_is_power (job->now, "running"));
}

bool
screenshot_before_wanted (const struct job *job)
{
  return evidence_wanted (job, OP_SCREENSHOT, job_was_running (job));
}

bool
screenshot_after_wanted (const struct job *job)
{
  return evidence_wanted (job, OP_SCREENSHOT,
                          vm_is_power (job->now, "running"));
}

static int
read_effect (const struct job *job, enum op_id op, struct effect *effect)
{
  effect->kind = EFFECT_OP;
  effect->op = op;
  effect->in = json_make ("{s:O}", "vm", job->now);
  return 0;
}

int
console_act (struct job *job, struct effect *effect, struct err **err)
{
  (void)err;
  return read_effect (job, OP_SERIAL_LOG, effect);
}

int
screenshot_act (struct job *job, struct effect *effect, struct err **err)
{
  (void)err;
  return read_effect (job, OP_SCREENSHOT, effect);
}

static enum verdict
save_console (struct job *job, const char *name, json_t *out, struct err **err)
{
  const char *text = json_str (out, "text", "");

  if (*text && evidence_save (job, name, text, strlen (text), err) == -1)
    return VERDICT_FAIL;
  return VERDICT_YES;
}

enum verdict
console_before_reply (struct job *job, json_t *out, struct err **err)
{
  return save_console (job, "console-before.log", out, err);
}

enum verdict
console_after_reply (struct job *job, json_t *out, struct err **err)
{
  return save_console (job, "console-after.log", out, err);
}

static enum verdict
save_screenshot (struct job *job, const char *when, json_t *out,
                 struct err **err)
{
  const char *type = json_str (out, "type", "");
  CLEANUP_FREE char *name =
      xasprintf ("screenshot-%s.%s", when,
                 strcmp (type, "image/png") == 0    ? "png"
                 : strcmp (type, "image/jpeg") == 0 ? "jpg"
                 : strcmp (type, "image/bmp") == 0  ? "bmp"
                 : strcmp (type, "image/bmp") == 0  ? "bmp"
                                                    : "ppm");

  if (evidence_save_base64 (job, name, json_str (out, "data", ""), err) == -1)
    return VERDICT_FAIL;
  return VERDICT_YES;
}

enum verdict
screenshot_before_reply (struct job *job, json_t *out, struct err **err)
{
  return save_screenshot (job, "before", out, err);
}

enum verdict
screenshot_after_reply (struct job *job, json_t *out, struct err **err)
{
  return save_screenshot (job, "after", out, err);
}

/* --- baseline and proof -------------------------------------------------- */

bool
baseline_wanted (const struct job *job)
{
  return job_was_running (job) &&
         health_reads_console (job->policy->health, job);
}

/* What the console showed until now says nothing about the start to come.
 * null: this provider's replies know no position, so all of it counts. */
enum verdict
baseline_reply (struct job *job, json_t *out, struct err **err)
{
  json_t *after = json_at (out, "after");

  (void)err;
  job_set_fact (job, "baseline", after ? json_incref (after) : json_null ());
  return VERDICT_YES;
}

bool
verify_wanted (const struct job *job)
{
  return job_was_running (job) && health_can_ask (job->policy->health, job);
}

int
verify_act (struct job *job, struct effect *effect, struct err **err)
{
  return health_ask (job->policy->health, job, json_at (job->facts, "baseline"),
                     effect, err);
}

/* A VM may crash once and come up at the second try (a disk check restarts
 * it), so that only the limit on time ends the waiting.  Where the console
 * could not be read before the start, its first reading only says where new
 * text begins: what is older must not count as proof. */
enum verdict
verify_reply (struct job *job, json_t *out, struct err **err)
{
  CLEANUP_FREE char *why = NULL;
  enum health health;

  if (baseline_wanted (job) && json_at (job->facts, "baseline") == NULL)
    return baseline_reply (job, out, err) == VERDICT_YES ? VERDICT_NO
                                                         : VERDICT_FAIL;
  health = health_read (job->policy->health, job, out, &why);
  set_health (job, "health_after", health, why);
  return health == HEALTH_OK ? VERDICT_YES : VERDICT_NO;
}

/* After a limit on time the last answer says more than the limit does. */
void
verify_failed (struct job *job, const struct err *err)
{
  if (json_at (job->facts, "health_after") == NULL)
    set_not_asked (job, "health_after", err);
}
