/* May these credentials do all that the campaign will need?  Asked before its
 * first change, once for each account and region (binding), not for each VM,
 * where the provider can say so without doing it (CAP_DRY_RUN): a permission
 * that is missing is named before any VM is stopped, and not in the middle of
 * its repair. */

#include <string.h>

#include <base/log.h>
#include <base/strbuf.h>
#include <providers/vm.h>

#include "campaign-internal.h"
#include "helpers.h"
#include "step.h"

struct sample {
  const struct campaign *campaign;
  const json_t *vm, *helper;
};

static json_t *
make_vms (const struct sample *sample)
{
  return json_make ("{s:[O],s:{s:s}}", "vms", sample->vm, "mark", "campaign",
                    sample->campaign->id);
}

static json_t *
make_disk (const struct sample *sample)
{
  return json_make ("{s:O,s:O,s:O,s:b,s:s,s:{s:s}}", "vm", sample->vm, "disk",
                    json_at (sample->vm, "os_disk"), "saved", sample->vm,
                    "keep", 1, "token", "bootmend-permission", "tags",
                    "bootmend-campaign", sample->campaign->id);
}

static json_t *
make_copy (const struct sample *sample)
{
  return json_make ("{s:O,s:O,s:{s:s,s:s},s:s,s:s,s:{s:s}}", "vm", sample->vm,
                    "disk", json_at (sample->vm, "os_disk"), "source", "kind",
                    "snapshot", "id", "snap-00000000000000000", "token",
                    "bootmend-permission", "name", "bootmend-permission",
                    "tags", "bootmend-campaign", sample->campaign->id);
}

static json_t *
make_helper (const struct sample *sample)
{
  if (sample->helper == NULL)
    return NULL;
  return json_make ("{s:O,s:[{s:O,s:s}]}", "helper", sample->helper, "disks",
                    "disk", json_at (sample->vm, "os_disk"), "slot",
                    "/dev/sdz");
}

/* Of each step that changes something in the cloud: what it will ask for.
 * Deletions are not asked about: where a permission depends on the tag of what
 * is to be deleted, there is nothing yet that carries it. */
static const struct {
  const char *step;
  enum op_id op;
  json_t *(*in) (const struct sample *sample);
  bool live;   /* only where disks are swapped in one call */
  bool wanted; /* only where the step says that it is wanted */
} needs[] = {
    {"mark", OP_MARK, make_vms},
    {"stop", OP_STOP, make_vms},
    {"snapshot", OP_SNAPSHOT, make_copy, .wanted = true},
    {"detach", OP_DETACH_OS, make_disk},
    {"attach-helper", OP_HELPER_ATTACH, make_helper},
    {"detach-helper", OP_HELPER_DETACH, make_helper},
    {"attach", OP_ATTACH_OS, make_disk},
    {"copy", OP_DISK_FROM, make_copy},
    {"lend", OP_HELPER_ATTACH, make_helper},
    {"reclaim", OP_HELPER_DETACH, make_helper},
    {"swap-out", OP_DETACH_OS, make_disk},
    {"swap-in", OP_ATTACH_OS, make_disk},
    {"swap", OP_SWAP_OS, make_disk, .live = true},
    {"keep", OP_KEEP, make_disk},
    {"attributes", OP_RESTORE_ATTRIBUTES, make_disk},
    {"start", OP_START, make_vms},
    {"unmark", OP_UNMARK, make_vms},
};

/* A VM that stands for all of its binding: one that nothing speaks against. */
static const struct job *
sample_of (const struct campaign *campaign, const struct binding *binding)
{
  const struct job *best = NULL;

  for (size_t i = 0; i < campaign->jobs.len; i++) {
    const struct job *job = campaign->jobs.ptr[i];

    if (job->binding != binding || job->phase != PHASE_WAITING ||
        json_at (job->now, "os_disk") == NULL)
      continue;
    if (json_array_size (json_at (job->now, "refusals")) == 0)
      return job;
    if (best == NULL)
      best = job;
  }
  return best;
}

static bool
has_step (const struct strategy *strategy, const char *name)
{
  for (size_t i = 0; strategy->steps[i]; i++)
    if (strcmp (strategy->steps[i], name) == 0)
      return true;
  return false;
}

static bool
swaps_in_one_call (const struct campaign *campaign,
                   const struct binding *binding)
{
  return (binding->provider->caps & CAP_SWAP_STOPPED) ||
         campaign->policy->copy_running;
}

/* Any other answer than "not allowed" is no answer to this question: the VM is
 * in no state for the step yet, or what it would work on does not exist. */
static int
ask (const struct campaign *campaign, struct binding *binding, enum op_id op,
     json_t *in_taken, struct strbuf *denied, struct err **err)
{
  CLEANUP_ERR struct err *error = NULL;
  CLEANUP_JSON json_t *out = NULL;

  json_put_bool (in_taken, "dry_run", true);
  out = world_ask (world_real_world (campaign->real), binding, op, in_taken,
                   &error);
  if (out)
    return 0;
  log_debug ("%s: may it %s? %s", binding->provider->name,
             binding->provider->ops[op].name, error->msg);
  if (error->code == ERR_DENIED)
    strbuf_addf (denied, "%s%s: %s", denied->len ? "; " : "",
                 binding->provider->ops[op].name, error->msg);
  return error->code == ERR_AUTH ? err_move (err, TAKE (error)) : 0;
}

static int
check_binding (const struct campaign *campaign, struct binding *binding,
               struct err **err)
{
  const struct job *job = sample_of (campaign, binding);
  struct sample sample = {.campaign = campaign};
  CLEANUP_STRBUF struct strbuf denied = STRBUF_EMPTY;

  if (job == NULL || !(binding->provider->caps & CAP_DRY_RUN))
    return 0;
  sample.vm = job->now;
  sample.helper = helpers_any (campaign->helpers, binding);
  for (size_t i = 0; i < ARRAY_SIZE (needs); i++) {
    json_t *in;

    if (binding->provider->ops[needs[i].op].name == NULL ||
        !has_step (job->strategy, needs[i].step) ||
        (needs[i].live && !swaps_in_one_call (campaign, binding)) ||
        (needs[i].wanted && !step_by_name (needs[i].step)->wanted (job)))
      continue;
    in = needs[i].in (&sample);
    if (in && ask (campaign, binding, needs[i].op, in, &denied, err) == -1)
      return -1;
  }
  if (denied.len == 0)
    return 0;
  return err_set (err, ERR_DENIED,
                  "%s %s%s%s: nothing was begun, because strategy '%s' needs "
                  "what these credentials may not do: %s; 'bootmend policy %s "
                  "--strategy %s' prints all that is needed",
                  binding->provider->name, binding->account,
                  *binding->region ? " " : "", binding->region,
                  job->strategy->name, denied.buf, binding->provider->name,
                  job->strategy->name);
}

/* What has begun goes on, or back, as far as it is let. */
static bool
has_begun (const struct campaign *campaign)
{
  for (size_t i = 0; i < campaign->jobs.len; i++)
    if (campaign->jobs.ptr[i]->before)
      return true;
  return false;
}

int
campaign_check_permissions (struct campaign *campaign, struct err **err)
{
  if (has_begun (campaign))
    return 0;
  for (size_t i = 0; i < campaign->bindings.len; i++)
    if (check_binding (campaign, campaign->bindings.ptr[i], err) == -1)
      return -1;
  return 0;
}
