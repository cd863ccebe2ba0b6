#include "campaign-consoles.h"

#include "campaign-internal.h"

/* So many are asked for at once; how fast they are sent is the limiter's
 * business, and a log has to fit into memory until it has been told. */
#define IN_FLIGHT 32

struct reading {
  struct campaign *campaign;
  struct world *world;
  const struct console_hooks *hooks;
  size_t begun, ended;
};

static bool
is_stopped (const struct reading *r)
{
  return r->hooks->stopped && r->hooks->stopped (r->hooks->opaque);
}

static void
tell (struct reading *r, const struct job *job, const char *text,
      const struct err *err)
{
  r->hooks->console (r->hooks->opaque, job, text, err);
  r->ended++;
}

/* Ids count from 1: an effect's id less one is its place in the jobs. */
static void
begin_one (struct reading *r)
{
  struct job *job = r->campaign->jobs.ptr[r->begun++];
  const json_t *vm = job->now ? job->now : json_at (job->facts, "found");
  CLEANUP_ERR struct err *err = NULL;

  if (job->binding->provider->ops[OP_SERIAL_LOG].name == NULL) {
    err_set (&err, ERR_REFUSED, "%s gives no serial log",
             job->binding->provider->name);
    tell (r, job, NULL, err);
    return;
  }
  r->world->submit (r->world,
                    (struct effect){.id = r->begun,
                                    .kind = EFFECT_OP,
                                    .binding = job->binding,
                                    .op = OP_SERIAL_LOG,
                                    .in = json_make ("{s:O}", "vm", vm)});
}

static void
collect_one (struct reading *r, struct completion *c)
{
  if (c->last && c->id >= 1 && c->id <= r->begun)
    tell (r, r->campaign->jobs.ptr[c->id - 1], json_str (c->out, "text", ""),
          c->err);
  completion_release (c);
}

int
campaign_consoles (struct campaign *campaign, const struct console_hooks *hooks,
                   struct err **err)
{
  struct reading r = {.campaign = campaign,
                      .world = world_real_world (campaign->real),
                      .hooks = hooks};
  size_t n = campaign->jobs.len;
  struct completion c;

  while (r.ended < n) {
    while (r.begun < n && r.begun - r.ended < IN_FLIGHT && !is_stopped (&r))
      begin_one (&r);
    if (r.begun == r.ended) {
      if (is_stopped (&r))
        return err_set (err, ERR_STOPPED,
                        "stopped; %zu of %zu serial logs were read", r.ended,
                        n);
      continue;
    }
    if (r.world->collect (r.world, &c))
      collect_one (&r, &c);
    else
      r.world->wait (r.world, -1);
  }
  return 0;
}
